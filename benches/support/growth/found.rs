//! Figures, tables and JSON.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Curve, Points, plot};
use crate::support::{median, quantile, ratios};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    /// Million messages per second: more is better.
    Throughput,
    /// Nanoseconds there and back: less is better.
    RoundTrip,
    /// Nanoseconds for a message, or for an operation: less is better.
    Cost,
}

impl Quantity {
    pub(crate) const ALL: [Self; 3] = [Self::Throughput, Self::RoundTrip, Self::Cost];

    pub(super) fn of(self, elapsed: Duration, count: u64) -> f64 {
        match self {
            Self::Throughput => count as f64 / elapsed.as_secs_f64() / 1e6,
            Self::RoundTrip | Self::Cost => elapsed.as_nanos() as f64 / count as f64,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::RoundTrip => "round-trip",
            Self::Cost => "cost",
        }
    }

    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Throughput => "M/s",
            Self::RoundTrip | Self::Cost => "ns",
        }
    }
}

/// One contestant at one point.
pub(crate) struct Found {
    pub(crate) x: u64,
    pub(crate) contestant: &'static str,
    pub(crate) quantity: Quantity,
    /// The yardstick's name.
    pub(crate) yard: &'static str,
    /// Of the contestant, one figure for each slice.
    pub(crate) figures: Vec<f64>,
    /// Of the yardstick, one figure for each slice of the same round.
    pub(crate) yardstick: Vec<f64>,
}

/// What a process needs for one end of each of so many channels.
pub(crate) struct Needs {
    pub(crate) x: u64,
    pub(crate) descriptors: f64,
    pub(crate) mappings: f64,
    /// Kilobytes.
    pub(crate) resident: f64,
    pub(crate) file: f64,
    /// Microseconds to open it.
    pub(crate) opening: f64,
}

/// What a curve came to.
pub(crate) struct Report<'c> {
    pub(crate) curve: &'c Curve,
    pub(crate) points: Points,
}

impl Report<'_> {
    pub(crate) fn print(&self) {
        println!("\n{}\n", self.curve.title);
        println!(
            "{:>10}  {:<28} {:>5} {:>10}  {:<18} {:>10} {:>7}  {:>13}",
            self.curve.axis, "contestant", "", "median", "yardstick", "median", "ratio", "10 % to 90 %"
        );
        for found in &self.points.found {
            let ratios = ratios(&found.figures, &found.yardstick);
            println!(
                "{:>10}  {:<28} {:>5} {:>10}  {:<18} {:>10} {:>7.2}  {:>5.2} .. {:>4.2}",
                found.x,
                found.contestant,
                found.quantity.unit(),
                digits(median(&found.figures)),
                found.yard,
                digits(median(&found.yardstick)),
                median(&ratios),
                quantile(&ratios, 0.1),
                quantile(&ratios, 0.9),
            );
        }
        if !self.points.needs.is_empty() {
            println!("\nwhat one process needs for its end of each of them\n");
            println!(
                "{:>10}  {:>11} {:>9} {:>13} {:>9} {:>11}",
                self.curve.axis, "descriptors", "mappings", "resident KiB", "file KiB", "µs to open"
            );
        }
        for Needs { x, descriptors, mappings, resident, file, opening } in &self.points.needs {
            println!(
                "{x:>10}  {descriptors:>11.2} {mappings:>9.2} {resident:>13.1} {file:>9.1} {opening:>11.1}"
            );
        }
        if let Some(why) = &self.points.ended {
            println!("\n{why}");
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let row = |found: &Found| {
            let ratios = ratios(&found.figures, &found.yardstick);
            json!({
                "x": found.x, "contestant": found.contestant, "quantity": found.quantity.name(),
                "unit": found.quantity.unit(), "figure": median(&found.figures), "yardstick_name": found.yard,
                "yardstick": median(&found.yardstick), "ratio": median(&ratios),
                "ratio_10": quantile(&ratios, 0.1), "ratio_90": quantile(&ratios, 0.9), "pairs": ratios.len(),
            })
        };
        let needs = |needs: &Needs| {
            json!({
                "x": needs.x, "descriptors": needs.descriptors, "mappings": needs.mappings,
                "resident_kib": needs.resident, "file_kib": needs.file, "open_us": needs.opening,
            })
        };
        json!({
            "curve": self.curve.name, "title": self.curve.title, "axis": self.curve.axis,
            "rows": self.points.found.iter().map(row).collect::<Vec<_>>(),
            "needs": self.points.needs.iter().map(needs).collect::<Vec<_>>(),
            "ended": self.points.ended,
        })
    }

    /// A picture of each quantity.
    pub(crate) fn plot(&self, dir: &Path) -> Result<(), Box<dyn std::error::Error>> {
        for quantity in Quantity::ALL {
            let found: Vec<_> = self.points.found.iter().filter(|found| found.quantity == quantity).collect();
            if !found.is_empty() {
                let picture = plot::draw(self.curve, quantity, &found)?;
                std::fs::write(dir.join(format!("{}-{}.svg", self.curve.name, quantity.name())), picture)?;
            }
        }
        Ok(())
    }
}

/// Three digits or more.
fn digits(figure: f64) -> String {
    match figure {
        small if small < 10.0 => format!("{small:.3}"),
        middle if middle < 1000.0 => format!("{middle:.1}"),
        large => format!("{large:.0}"),
    }
}
