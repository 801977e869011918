//! Tables, one for each place, and the same as JSON.

use serde_json::{Value, json as value};

use super::figures::{Figures, Spot, Unit};
use super::plot::{Plot, Series};
use crate::report::{median, quantile, ratios};

/// What a scenario is about.
pub(crate) struct Report {
    pub(crate) scenario: &'static str,
    pub(crate) title: &'static str,
    /// Of the rows: what distinguishes those of the same name.
    pub(crate) label: &'static str,
    pub(crate) unit: Unit,
    /// What the yardstick is.
    pub(crate) yardstick: &'static str,
}

/// Of one contestant in one place.
struct Line<'a> {
    figures: &'a Figures,
    own: Vec<f64>,
    /// To the yardstick, and to ringway, of the same rounds.
    yard: Vec<f64>,
    ours: Vec<f64>,
    /// Among those that do the same, from the best on.
    rank: Option<usize>,
    /// Percentiles of single rounds.
    singles: Option<[f64; 3]>,
}

impl<'a> Line<'a> {
    fn new(report: &Report, figures: &'a Figures, all: &[Figures], spot: Spot) -> Self {
        let row = &figures.row;
        let same = |other: &&Figures| other.row.label == row.label;
        let yard = all.iter().filter(same).find(|other| other.row.yardstick);
        let ours = all
            .iter()
            .filter(same)
            .find(|other| other.row.name == row.ours && other.row.between == row.between);
        let unit = report.unit;
        // Of the rounds in which both were there, and had the cores.
        let beside = |other: Option<&Figures>| {
            let other = other.map_or(&[][..], |other| &other.samples);
            let here = |nanos: f64, there: Spot| there == spot && nanos.is_finite();
            let pairs = figures.samples.iter().zip(other);
            let pairs = pairs.filter(|(a, b)| here(a.nanos, a.spot) && here(b.nanos, b.spot));
            let (a, b): (Vec<f64>, Vec<f64>) =
                pairs.map(|(a, b)| (unit.of(a.nanos), unit.of(b.nanos))).unzip();
            ratios(&a, &b)
        };
        let own = figures.samples.iter().filter(|sample| sample.spot == spot && sample.nanos.is_finite());
        let own = own.map(|sample| unit.of(sample.nanos)).collect();
        let singles: Vec<f64> =
            figures.singles.iter().filter(|single| single.0 == spot).map(|single| single.1.into()).collect();
        let singles =
            (!singles.is_empty()).then(|| [0.5, 0.99, 0.999].map(|share| quantile(&singles, share)));
        Self { figures, own, yard: beside(yard), ours: beside(ours), rank: None, singles }
    }

    fn json(&self, report: &Report, spot: Spot) -> Value {
        let row = &self.figures.row;
        let ratio = |ratios: &[f64]| match ratios.is_empty() {
            true => Value::Null,
            false => value!({
                "ratio": median(ratios), "ratio_10": quantile(ratios, 0.1), "ratio_90": quantile(ratios, 0.9),
                "rounds": ratios.len(),
            }),
        };
        let [p50, p99, p999] = self.singles.unwrap_or([f64::NAN; 3]);
        value!({
            (report.label): row.label, "contestant": row.name, "between": row.between, "place": spot.name(),
            "yardstick": row.yardstick, "unit": report.unit.name(), "figure": median(&self.own),
            "figure_10": quantile(&self.own, 0.1), "figure_90": quantile(&self.own, 0.9), "rounds": self.own.len(),
            "to_yardstick": ratio(&self.yard), "to_ringway": ratio(&self.ours), "ringway": row.ours,
            "rank": self.rank, "single_p50": p50, "single_p99": p99, "single_p99_9": p999,
            "seen": self.figures.seen, "wrong": self.figures.wrong, "bad": self.figures.bad(), "slow": self.figures.slow,
        })
    }
}

/// All lines of one place, those of one label from the best on.
fn lines<'a>(report: &Report, all: &'a [Figures], spot: Spot) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'_>> = all
        .iter()
        .map(|figures| Line::new(report, figures, all, spot))
        .filter(|line| !line.own.is_empty() || line.figures.stuck || line.figures.slow)
        .collect();
    let place = |line: &Line<'_>| if line.figures.row.yardstick { 0 } else { 1 };
    let at = |line: &Line<'_>| all.iter().position(|other| other.row.label == line.figures.row.label);
    let order = |line: &Line<'_>| (at(line), place(line), line.figures.row.between);
    lines.sort_by(|a, b| {
        let (first, second) = (median(&a.own), median(&b.own));
        let better = match report.unit {
            Unit::Rate => second.total_cmp(&first),
            _ => first.total_cmp(&second),
        };
        order(a).cmp(&order(b)).then(better)
    });
    let mut rank = 0;
    let mut before = None;
    for line in &mut lines {
        let this = Some((line.figures.row.label.clone(), line.figures.row.between));
        if this != before {
            (rank, before) = (0, this);
        }
        let figures = line.figures;
        if !figures.row.is_bare() && !figures.slow && figures.bad().is_none() {
            rank += 1;
            line.rank = Some(rank);
        }
    }
    lines
}

/// Three digits.
fn number(figure: f64) -> String {
    match figure {
        figure if figure.is_nan() => "-".to_owned(),
        figure if figure >= 100.0 => format!("{figure:.0}"),
        figure if figure >= 10.0 => format!("{figure:.1}"),
        figure if figure >= 1.0 => format!("{figure:.2}"),
        figure if figure >= 0.1 => format!("{figure:.3}"),
        figure => format!("{figure:.4}"),
    }
}

fn ratio(ratios: &[f64]) -> String {
    if ratios.is_empty() {
        return format!("{:>7} {:>15}", "-", "");
    }
    let [low, high] = [0.1, 0.9].map(|share| number(quantile(ratios, share)));
    format!("{:>7} {:>15}", number(median(ratios)), format!("({low}..{high})"))
}

/// Prints the tables, and what was found wrong.
pub(crate) fn print(report: &Report, all: &[Figures]) {
    println!("\n{}: {}", report.scenario, report.title);
    for spot in Spot::ALL {
        let lines = lines(report, all, spot);
        if lines.iter().all(|line| line.own.is_empty()) {
            continue;
        }
        println!("\n{}\n", spot.name());
        let singles = lines.iter().any(|line| line.singles.is_some());
        println!(
            "{:>7}  {:<10} {:<26} {:>9} {:>7} {:>15} {:>7} {:>15} {:>5} {:>6}{}",
            report.label,
            "between",
            "",
            report.unit.name(),
            "to yard",
            "10 % .. 90 %",
            "to ours",
            "10 % .. 90 %",
            "rank",
            "rounds",
            if singles { "   single p50/p99/p99.9" } else { "" },
        );
        lines.iter().for_each(print_line);
    }
    println!(
        "\nratios: medians of those of slices of the same round ({}); the yardstick: {}",
        report.unit.better(),
        report.yardstick
    );
    println!(
        "to ours: to ringway in the same mode, or to that alone which it has; rank: among the correct ones between the same"
    );
    let mut said: Vec<(&str, &str)> = Vec::new();
    for figures in all {
        let (Some(bad), row) = (figures.bad(), &figures.row) else { continue };
        if figures.wrong == 0 && !figures.stuck && said.contains(&(row.name, row.between)) {
            continue;
        }
        said.push((row.name, row.between));
        println!("BAD: {}, {} {}: {bad}", row.name, report.label, row.label);
    }
    for Figures { row, .. } in all.iter().filter(|figures| figures.slow) {
        println!(
            "SLOW: {}, {} {}: senders were not done with a slice after half a second of a core; no more slices",
            row.name, report.label, row.label
        );
    }
    let none = |figures: &&Figures| {
        !figures.samples.iter().any(|sample| Spot::ALL.contains(&sample.spot) && sample.nanos.is_finite())
    };
    let without: Vec<String> = all
        .iter()
        .filter(none)
        .map(|figures| format!("{} {}", figures.row.name, figures.row.label))
        .collect();
    if !without.is_empty() {
        println!(
            "no figure, since others had the cores in every slice, or the cores moved: {}",
            without.join("; ")
        );
    }
    let sum = |count: fn(&Figures) -> u64| all.iter().map(count).sum::<u64>();
    println!(
        "seen: {:.1} million, wrong: {}",
        sum(|figures| figures.seen) as f64 / 1e6,
        sum(|figures| figures.wrong)
    );
}

fn print_line(line: &Line<'_>) {
    let row = &line.figures.row;
    let rank = match line.rank {
        Some(rank) => rank.to_string(),
        None if row.is_bare() => String::new(),
        None if line.figures.bad().is_some() => "BAD".to_owned(),
        None => "SLOW".to_owned(),
    };
    let figure = number(median(&line.own));
    let singles = line.singles.map(|[a, b, c]| format!("   {a:.0}/{b:.0}/{c:.0}")).unwrap_or_default();
    println!(
        "{:>7}  {:<10} {:<26} {figure:>9} {} {} {rank:>5} {:>6}{singles}",
        row.label,
        row.between,
        row.name,
        ratio(&line.yard),
        ratio(&line.ours),
        line.own.len(),
    );
}

/// All figures.
pub(crate) fn json(report: &Report, all: &[Figures]) -> Value {
    let rows = Spot::ALL.into_iter().flat_map(|spot| {
        lines(report, all, spot).into_iter().map(move |line| line.json(report, spot)).collect::<Vec<_>>()
    });
    rows.collect()
}

/// Of the correct ones, in the place where most slices were.
pub(crate) fn plot(report: &Report, all: &[Figures]) -> Plot {
    let slices = |spot: &Spot| lines(report, all, *spot).iter().map(|line| line.own.len()).sum::<usize>();
    let spot = Spot::ALL.into_iter().max_by_key(slices).unwrap_or(Spot::Anywhere);
    let mut labels: Vec<String> = all.iter().map(|figures| figures.row.label.clone()).collect();
    labels.dedup();
    let mut series: Vec<Series> = Vec::new();
    let lines = lines(report, all, spot);
    for figures in all.iter().filter(|figures| figures.bad().is_none()) {
        let row = &figures.row;
        let name = match row.between {
            "threads" => format!("{} (threads)", row.name),
            _ => row.name.to_owned(),
        };
        let found = |line: &&Line<'_>| line.figures.row == *row && !line.own.is_empty();
        let Some(line) = lines.iter().find(found) else { continue };
        let at = labels.iter().position(|label| *label == row.label).expect("one of them");
        let point = (at, median(&line.own));
        match series.iter_mut().find(|series| series.name == name) {
            Some(series) => series.points.push(point),
            None => series.push(Series { name, ours: row.name.starts_with("ringway"), points: vec![point] }),
        }
    }
    Plot {
        scenario: report.scenario,
        title: format!("{} ({})", report.title, spot.name()),
        x: report.label,
        y: format!("{}, {}", report.unit.name(), report.unit.better()),
        labels,
        series,
    }
}
