//! The pictures: a line for each contestant, and one for its yardstick.

use std::error::Error;
use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Curve, Found, Quantity};
use crate::support::median;

const SIZE: (u32, u32) = (960, 480);
/// Right of the axes, for the names of the lines.
const MARGIN: u32 = 230;
/// From one name to the next.
const ROW: i32 = 22;
/// Of yardsticks.
const GREY: RGBColor = RGBColor(140, 140, 140);
const COLOURS: [RGBColor; 4] =
    [RGBColor(76, 120, 168), RGBColor(214, 39, 40), RGBColor(44, 140, 60), RGBColor(255, 127, 14)];

fn text_style(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&BLACK)
}

/// A name and its points.
type Line = (String, Vec<(f64, f64)>);

/// Lines of contestants, and lines of yardsticks, of which one stands for all that have its name.
fn lines(found: &[&Found]) -> (Vec<Line>, Vec<Line>) {
    fn add(lines: &mut Vec<Line>, name: &str, point: (f64, f64)) {
        match lines.iter_mut().find(|(known, _)| known == name) {
            Some((_, points)) if points.iter().any(|(x, _)| *x == point.0) => {}
            Some((_, points)) => points.push(point),
            None => lines.push((name.to_owned(), vec![point])),
        }
    }
    let (mut own, mut yard) = (Vec::new(), Vec::new());
    for found in found {
        let x = found.x as f64;
        add(&mut own, found.contestant, (x, median(&found.figures)));
        add(&mut yard, found.yard, (x, median(&found.yardstick)));
    }
    (own, yard)
}

/// An axis with what stands at it.
struct Axis {
    ends: Range<f64>,
    steps: Vec<f64>,
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (first, last): (i32, i32)) -> i32 {
        let part = (value - self.ends.start) / (self.ends.end - self.ends.start);
        first + (part * f64::from(last - first)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.steps.clone()
    }

    fn range(&self) -> Range<f64> {
        self.ends.clone()
    }
}

/// An axis from the least to the most of these, with a little room.
fn ends(values: impl Iterator<Item = f64> + Clone, room: f64) -> Range<f64> {
    let least = values.clone().fold(f64::INFINITY, f64::min);
    let most = values.fold(f64::NEG_INFINITY, f64::max);
    least - room..most + room
}

/// What stands at an axis of powers of ten: one, two and five of each.
fn steps(ends: &Range<f64>) -> Vec<f64> {
    let decades = ends.start.floor() as i32..=ends.end.ceil() as i32;
    let steps = decades.flat_map(|decade| [1.0_f64, 2.0, 5.0].map(|step| f64::from(decade) + step.log10()));
    steps.filter(|step| ends.contains(step)).collect()
}

/// The picture of a quantity, as SVG.
pub(super) fn draw(curve: &Curve, quantity: Quantity, found: &[&Found]) -> Result<String, Box<dyn Error>> {
    let (own, yard) = lines(found);
    // Both axes are drawn as they are, and what is on them are logarithms, but for numbers of participants.
    let across = |x: f64| if curve.is_logarithmic { x.log2() } else { x };
    let at = |(x, y): &(f64, f64)| (across(*x), y.log10());
    let points = || own.iter().chain(&yard).flat_map(|(_, points)| points).map(at);
    let (x, y) = (ends(points().map(|(x, _)| x), 0.3), ends(points().map(|(_, y)| y), 0.1));
    let mut columns: Vec<f64> = points().map(|(x, _)| x).collect();
    columns.sort_by(f64::total_cmp);
    columns.dedup();
    let (x, y) = (Axis { ends: x, steps: columns }, Axis { steps: steps(&y), ends: y });

    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area);
    chart
        .caption(format!("{} by {}", quantity.name(), curve.name), text_style(20))
        .margin(14)
        .margin_right(MARGIN);
    chart.x_label_area_size(52).y_label_area_size(80);
    let mut chart = chart.build_cartesian_2d(x, y)?;
    let (name, is_logarithmic) = (curve.axis, curve.is_logarithmic);
    let label = |x: f64| if is_logarithmic { figure(x.exp2()) } else { figure(x) };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc(if is_logarithmic { format!("{name} (logarithmic)") } else { name.to_owned() })
        .y_desc(format!("{} (logarithmic)", quantity.unit()))
        .x_label_formatter(&|x| label(*x))
        .y_label_formatter(&|y| figure(10_f64.powf(*y)))
        .label_style(text_style(13))
        .axis_desc_style(text_style(16))
        .draw()?;
    let right = SIZE.0 as i32 - MARGIN as i32 + 14;
    let style = text_style(15).pos(Pos::new(HPos::Left, VPos::Center));
    let all = own.iter().map(|line| (line, false)).chain(yard.iter().map(|line| (line, true)));
    for (number, ((name, points), is_yardstick)) in all.enumerate() {
        // A yardstick is grey.
        let colour = if is_yardstick { GREY } else { COLOURS[number % COLOURS.len()] };
        chart.draw_series([PathElement::new(
            points.iter().map(at).collect::<Vec<_>>(),
            colour.stroke_width(2),
        )])?;
        chart.draw_series(points.iter().map(|point| Circle::new(at(point), 3, colour.filled())))?;
        let row = 60 + number as i32 * ROW;
        area.draw(&PathElement::new([(right, row), (right + 24, row)], colour.stroke_width(2)))?;
        area.draw_text(name, &style, (right + 32, row))?;
    }
    area.present()?;
    drop((chart, area));
    Ok(text)
}

/// Three digits at most, with a prefix; a power of two as it is called.
fn figure(value: f64) -> String {
    let is_binary = is_power_of_two(value) && value >= 1024.0;
    let units = if is_binary { ["", "Ki", "Mi", "Gi"] } else { ["", "k", "M", "G"] };
    let (mut value, mut unit, thousand) = (value, 0, if is_binary { 1024.0 } else { 1000.0 });
    while value >= thousand - 0.5 && unit + 1 < units.len() {
        (value, unit) = (value / thousand, unit + 1);
    }
    let is_whole = value >= 0.5 && (value - value.round()).abs() < 1e-6;
    let digits = match value {
        value if value >= 99.95 || is_whole => 0,
        value if value >= 1.0 => 2,
        value => 2 + (-value.log10()).ceil() as usize,
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{}", units[unit])
}

fn is_power_of_two(value: f64) -> bool {
    (value - value.round()).abs() < 1e-6 && (value.round() as u64).is_power_of_two()
}
