//! Pictures: a line for each contestant over sizes or crowds, or bars where there are none.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// One contestant.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) ours: bool,
    /// The number of a label, and the figure there.
    pub(crate) points: Vec<(usize, f64)>,
}

pub(crate) struct Plot {
    pub(crate) scenario: &'static str,
    pub(crate) title: String,
    pub(crate) x: &'static str,
    pub(crate) y: String,
    pub(crate) labels: Vec<String>,
    pub(crate) series: Vec<Series>,
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const WIDTH: u32 = 1100;
/// From one row of text to the next, and one bar to the next.
const ROW: u32 = 20;
/// For names beside the lines or the bars.
const NAMES: u32 = 230;

/// So many labels make lines.
const LINES: usize = 3;

fn text(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&BLACK)
}

/// ringway's are blue and stand out.
fn colour(at: usize, ours: bool) -> RGBAColor {
    match ours {
        true => RGBColor(31, 89, 180).mix(1.0 - 0.3 * (at % 3) as f64),
        // Hues as far apart as any number of them can be.
        false => HSLColor((at as f64 * 0.381_966).fract(), 0.7, 0.42).mix(0.8),
    }
}

/// Whole decades round all figures.
fn decades(series: &[Series]) -> (f64, f64) {
    let all = || series.iter().flat_map(|series| &series.points).map(|point| point.1);
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
    (10_f64.powf(low.log10().floor()), 10_f64.powf(high.log10().ceil()).max(low * 10.0))
}

/// Writes `SCENARIO.svg` to a directory.
pub(crate) fn write(directory: &Path, plot: &Plot) -> Result<()> {
    if plot.series.is_empty() {
        return Ok(());
    }
    std::fs::create_dir_all(directory)?;
    let mut text = String::new();
    match plot.labels.len() >= LINES && plot.x != "what" {
        true => lines(plot, &mut text)?,
        false => bars(plot, &mut text)?,
    }
    Ok(std::fs::write(directory.join(format!("{}.svg", plot.scenario)), text)?)
}

fn lines(plot: &Plot, out: &mut String) -> Result<()> {
    let height = 560.max(plot.series.len() as u32 * ROW + 100);
    let area: Area<'_> = SVGBackend::with_string(out, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    let (low, high) = decades(&plot.series);
    let end = (plot.labels.len() - 1) as f64;
    let mut chart = ChartBuilder::on(&area)
        .caption(&plot.title, text(20))
        .margin(14)
        .margin_right(NAMES)
        .x_label_area_size(52)
        .y_label_area_size(80)
        .build_cartesian_2d(0.0..end, (low..high).log_scale())?;
    chart
        .configure_mesh()
        .x_labels(plot.labels.len())
        .x_label_formatter(&|x| plot.labels.get(x.round() as usize).cloned().unwrap_or_default())
        .x_desc(plot.x)
        .y_desc(&plot.y)
        .label_style(text(14))
        .axis_desc_style(text(16))
        .draw()?;
    let mut rows: Vec<(usize, &Series)> = plot.series.iter().enumerate().collect();
    for (at, series) in &rows {
        let style = colour(*at, series.ours).stroke_width(if series.ours { 3 } else { 2 });
        let points = || series.points.iter().map(|&(x, y)| (x as f64, y));
        chart.draw_series([PathElement::new(points().collect::<Vec<_>>(), style)])?;
        chart.draw_series(points().map(|point| Circle::new(point, 3, style.filled())))?;
    }
    // The names, in the order of the lines' ends.
    let last = |series: &Series| series.points.last().map_or(0.0, |point| point.1);
    rows.sort_by(|a, b| last(b.1).total_cmp(&last(a.1)));
    let left = (WIDTH - NAMES) as i32 + 14;
    for (row, (at, series)) in rows.into_iter().enumerate() {
        let y = 60 + row as i32 * ROW as i32;
        let style = colour(at, series.ours);
        area.draw(&Rectangle::new([(left, y - 5), (left + 12, y + 5)], style.filled()))?;
        beside(&area, &series.name, (left + 18, y))?;
    }
    Ok(area.present()?)
}

fn beside(area: &Area<'_>, words: &str, at: (i32, i32)) -> Result<()> {
    Ok(area.draw_text(words, &text(14).pos(Pos::new(HPos::Left, VPos::Center)), at)?)
}

fn bars(plot: &Plot, out: &mut String) -> Result<()> {
    let count: usize = plot.series.iter().map(|series| series.points.len()).sum::<usize>();
    let rows = (count + plot.labels.len()) as u32;
    let area: Area<'_> = SVGBackend::with_string(out, (WIDTH, rows * ROW + 110)).into_drawing_area();
    area.fill(&WHITE)?;
    let title = format!("{}: {} (logarithmic)", plot.title, plot.y);
    area.draw_text(&title, &text(20), (20, 16))?;
    let (low, high) = decades(&plot.series);
    let (left, right) = (NAMES as i32, WIDTH as i32 - 100);
    let x =
        |figure: f64| left + ((figure / low).log10() / (high / low).log10() * f64::from(right - left)) as i32;
    let mut y = 60;
    for (number, label) in plot.labels.iter().enumerate() {
        beside(&area, label, (20, y))?;
        y += ROW as i32;
        let here =
            |series: &Series| series.points.iter().find(|point| point.0 == number).map(|point| point.1);
        let mut bars: Vec<_> =
            plot.series.iter().filter_map(|series| Some((here(series)?, series))).collect();
        bars.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (figure, series) in bars {
            let style = if series.ours { colour(0, true) } else { RGBColor(160, 160, 160).mix(1.0) };
            beside(&area, &series.name, (36, y))?;
            area.draw(&Rectangle::new([(left, y - 7), (x(figure).max(left + 1), y + 7)], style.filled()))?;
            beside(&area, &number_of(figure), (x(figure).max(left + 1) + 6, y))?;
            y += ROW as i32;
        }
    }
    Ok(area.present()?)
}

/// Three digits.
fn number_of(figure: f64) -> String {
    match figure {
        figure if figure >= 100.0 => format!("{figure:.0}"),
        figure if figure >= 10.0 => format!("{figure:.1}"),
        figure => format!("{figure:.2}"),
    }
}
