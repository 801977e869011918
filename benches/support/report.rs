//! Medians of ratios, a table, and JSON.

use std::path::Path;

use serde_json::{Value, json};

/// One line of the table: a contestant beside the yardstick of the same pairs of slices.
pub(crate) struct Row {
    pub(crate) size: usize,
    pub(crate) contestant: &'static str,
    /// Of the contestant, one figure for each slice.
    pub(crate) figures: Vec<f64>,
    /// Of the yardstick, one figure for each slice next to it.
    pub(crate) yardstick: Vec<f64>,
    /// Percentiles of single rounds, if they were timed: contestant and yardstick.
    pub(crate) rounds: Option<(Vec<f64>, Vec<f64>)>,
}

impl Row {
    /// Contestant over yardstick, slice by slice.
    fn ratios(&self) -> Vec<f64> {
        ratios(&self.figures, &self.yardstick)
    }
}

/// What a benchmark found.
pub(crate) struct Report {
    pub(crate) title: &'static str,
    /// Of the figures.
    pub(crate) unit: &'static str,
    /// Of the ratio: what it means.
    pub(crate) ratio: &'static str,
    pub(crate) rows: Vec<Row>,
    pub(crate) notes: Vec<(&'static str, f64, &'static str)>,
}

/// Of the figures to those of the yardstick, slice by slice.
pub(crate) fn ratios(figures: &[f64], yardstick: &[f64]) -> Vec<f64> {
    figures.iter().zip(yardstick).map(|(figure, yard)| figure / yard).collect()
}

/// The median.
pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// The value below which a share of the values lies.
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n => sorted[((n - 1) as f64 * share).round() as usize],
    }
}

impl Report {
    /// Prints the table.
    pub(crate) fn print(&self) {
        println!("\n{}\n", self.title);
        println!(
            "{:>6}  {:<12} {:>10} {:>10} {:>7}  {:>13}  {:>6}   single rounds",
            "bytes", "contestant", self.unit, "yardstick", "ratio", "10 % to 90 %", "pairs"
        );
        for row in &self.rows {
            let ratios = row.ratios();
            println!(
                "{:>6}  {:<12} {:>10.1} {:>10.1} {:>7.2}  {:>5.2} .. {:>4.2}  {:>6}   {}",
                row.size,
                row.contestant,
                median(&row.figures),
                median(&row.yardstick),
                median(&ratios),
                quantile(&ratios, 0.1),
                quantile(&ratios, 0.9),
                ratios.len(),
                rounds(row),
            );
        }
        println!("\nratio: {}", self.ratio);
        for (what, figure, unit) in &self.notes {
            println!("{what}: {figure:.1} {unit}");
        }
    }

    /// Writes the figures to a file.
    pub(crate) fn write(&self, file: &Path) -> std::io::Result<()> {
        let rows: Vec<Value> = self.rows.iter().map(|row| self.row(row)).collect();
        let notes: Vec<Value> = self
            .notes
            .iter()
            .map(|(what, figure, unit)| json!({ "what": what, "figure": figure, "unit": unit }))
            .collect();
        let report = json!({ "title": self.title, "unit": self.unit, "ratio": self.ratio, "rows": rows, "notes": notes });
        std::fs::write(file, format!("{report:#}\n"))
    }

    fn row(&self, row: &Row) -> Value {
        let ratios = row.ratios();
        let percentiles = |rounds: &[f64]| json!({ "p50": median(rounds), "p99": quantile(rounds, 0.99), "p99.9": quantile(rounds, 0.999) });
        json!({
            "bytes": row.size,
            "contestant": row.contestant,
            "figure": median(&row.figures),
            "yardstick": median(&row.yardstick),
            "ratio": median(&ratios),
            "ratio_10": quantile(&ratios, 0.1),
            "ratio_90": quantile(&ratios, 0.9),
            "pairs": ratios.len(),
            "rounds": row.rounds.as_ref().map(|(own, yard)| {
                json!({ "contestant": percentiles(own), "yardstick": percentiles(yard) })
            }),
        })
    }
}

fn rounds(row: &Row) -> String {
    let Some((own, yard)) = &row.rounds else { return String::new() };
    let percentiles = |rounds: &[f64]| {
        format!("{:.0}/{:.0}/{:.0}", median(rounds), quantile(rounds, 0.99), quantile(rounds, 0.999))
    };
    format!("{} (yardstick {})", percentiles(own), percentiles(yard))
}
