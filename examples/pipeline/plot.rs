//! The pictures of a run: the latencies of its messages, and how many there were a second.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::timeline::Timeline;

/// Bars in each decade of the latency, from a nanosecond on, and all of them.
const PER_DECADE: usize = 20;
pub(crate) const BARS: usize = 11 * PER_DECADE;

const SIZE: (u32, u32) = (960, 480);
/// Right of the axes, for what is written there.
const MARGIN: u32 = 170;
/// From one row of text to the next.
const ROW: i32 = 20;

/// The colours of what is counted, of the lines that mark something, and of deaths.
pub(crate) const BAR: RGBColor = RGBColor(76, 120, 168);
pub(crate) const MARK: RGBColor = RGBColor(64, 64, 64);
pub(crate) const KILL: RGBColor = RGBColor(214, 39, 40);
const FEED: RGBColor = RGBColor(255, 127, 14);

type Result<T> = std::result::Result<T, Box<dyn Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The bar that a latency in nanoseconds belongs to.
pub(crate) fn bar(nanoseconds: u64) -> usize {
    let decades = (nanoseconds.max(1) as f64).log10();
    ((decades * PER_DECADE as f64 + 1e-9) as usize).min(BARS - 1)
}

/// Where a bar begins, in nanoseconds.
fn start(bar: usize) -> f64 {
    10_f64.powf(bar as f64 / PER_DECADE as f64)
}

fn text_style(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&BLACK)
}

/// Beside a line or mark, at the middle of its height.
fn beside(area: &Area<'_>, text: &str, at: (i32, i32)) -> Result<()> {
    let style = text_style(15).pos(Pos::new(HPos::Left, VPos::Center));
    Ok(area.draw_text(text, &style, at)?)
}

/// A chart with its title and room for its axes.
fn titled<'a, 'b>(area: &'a Area<'b>, title: &str) -> ChartBuilder<'a, 'b, SVGBackend<'b>> {
    let mut chart = ChartBuilder::on(area);
    chart.caption(title, text_style(20)).margin(14).margin_right(MARGIN);
    chart.x_label_area_size(52).y_label_area_size(80);
    chart
}

/// The numbers of messages for each bar, and lines at the named latencies, which ascend.
pub(crate) fn latency(title: &str, counts: &[u64], marks: &[(&str, u64)]) -> Result<String> {
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let first = counts.iter().position(|&count| count > 0).unwrap_or(0);
    let last = counts.iter().rposition(|&count| count > 0).unwrap_or(0);
    // Whole decades.
    let decade = |bar: usize| (bar / PER_DECADE) as i32;
    let decades: Vec<f64> = (decade(first)..=decade(last) + 1).map(|n| 10_f64.powi(n)).collect();
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let powers: Vec<f64> = (0..=most.log10() as i32).map(|n| 10_f64.powi(n)).collect();
    // Room above the bars for the rows of text; one message is more than no height.
    let (bottom, top) = (0.7, most.max(2.0).powf(1.4));
    let x = (decades[0]..decades[decades.len() - 1]).log_scale().with_key_points(decades);
    let mut chart =
        titled(&area, title).build_cartesian_2d(x, (bottom..top).log_scale().with_key_points(powers))?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc("latency (logarithmic)")
        .y_desc("messages (logarithmic)")
        .x_label_formatter(&|nanoseconds| duration(*nanoseconds))
        .y_label_formatter(&|count| figure(*count))
        .label_style(text_style(14))
        .axis_desc_style(text_style(16))
        .draw()?;
    let bars = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    chart.draw_series(bars.map(|(bar, &count)| {
        let corners = [(start(bar), count as f64), (start(bar + 1), bottom)];
        Rectangle::new(corners, BAR.filled())
    }))?;
    for (row, (name, nanoseconds)) in (0..).zip(marks) {
        let (x, y) = chart.backend_coord(&((*nanoseconds).max(1) as f64, top));
        let (_, foot) = chart.backend_coord(&((*nanoseconds).max(1) as f64, bottom));
        // Each begins below the texts of those before it, which are further left.
        let y = y + ROW / 2 + row * ROW;
        area.draw(&PathElement::new([(x, y), (x, foot)], MARK.stroke_width(1)))?;
        beside(&area, &format!("{name} {}", duration(*nanoseconds as f64)), (x + 5, y))?;
    }
    area.present()?;
    drop((chart, area));
    Ok(text)
}

/// Messages a second, and when somebody died.
pub(crate) fn throughput(title: &str, timeline: &Timeline) -> Result<String> {
    let rates = timeline.rates();
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let end = rates.last().map_or(1.0, |(seconds, _)| *seconds);
    let most = rates.iter().fold(1.0_f64, |most, (_, rate)| most.max(*rate));
    let top = most * 1.15;
    let mut chart = titled(&area, title).build_cartesian_2d(0.0..end, 0.0..top)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc("time (s)")
        .y_desc("messages per second")
        .y_label_formatter(&|rate| figure(*rate))
        .label_style(text_style(14))
        .axis_desc_style(text_style(16))
        .draw()?;
    chart.draw_series([PathElement::new(rates.clone(), BAR.stroke_width(2))])?;
    chart.draw_series(rates.iter().map(|&point| Circle::new(point, 2, BAR.filled())))?;
    let deaths = [(&timeline.workers, KILL, "worker", 1.07), (&timeline.feeds, FEED, "feed", 1.12)];
    let right = SIZE.0 as i32 - MARGIN as i32;
    for (row, (times, colour, who, height)) in (0..).zip(deaths) {
        let mark = |at| TriangleMarker::new(at, 5, colour.filled());
        // Of those that nobody can tell apart, one.
        let column = |seconds: &f64| chart.backend_coord(&(seconds.min(end), 0.0)).0;
        let mut shown: Vec<f64> = times.clone();
        shown.dedup_by_key(|seconds| column(seconds));
        chart.draw_series(shown.iter().map(|seconds| mark((seconds.min(end), most * height))))?;
        if let count @ 1.. = times.len() {
            let y = 60 + row * ROW;
            area.draw(&TriangleMarker::new((right + 18, y), 5, colour.filled()))?;
            let plural = if count == 1 { "" } else { "s" };
            beside(&area, &format!("{count} {who}{plural} killed"), (right + 28, y))?;
        }
    }
    area.present()?;
    drop((chart, area));
    Ok(text)
}

/// Three digits at most, with a unit of time.
pub(crate) fn duration(nanoseconds: f64) -> String {
    let units = ["ns", "µs", "ms", "s"];
    let (value, unit) = scaled(nanoseconds, &units);
    format!("{value} {unit}")
}

/// Three digits at most, with a prefix.
pub(crate) fn figure(value: f64) -> String {
    let (value, unit) = scaled(value, &["", " k", " M", " G", " T"]);
    format!("{value}{unit}")
}

fn scaled<'a>(mut value: f64, units: &[&'a str]) -> (String, &'a str) {
    let mut at = 0;
    // What would be rounded to a thousand is one of the next unit.
    while value >= 999.5 && at + 1 < units.len() {
        value /= 1e3;
        at += 1;
    }
    let digits = if value >= 99.95 {
        0
    } else if value >= 9.995 {
        1
    } else {
        2
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    (text.to_owned(), units[at])
}
