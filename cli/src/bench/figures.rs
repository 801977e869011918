//! Medians, ratios of slices of the same round, and how they are written.

use std::io::Write;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::contests::{Contest, Measured};
use super::cores::{Cores, Relation};
use crate::output::{Failure, bytes, count, write_json};

/// What one contest has come to.
#[derive(Debug)]
pub(super) struct Figures {
    measured: Measured,
    entries: Vec<Entry>,
}

/// A contestant, with a figure for each round. The first one is the yardstick.
#[derive(Debug)]
struct Entry {
    name: &'static str,
    bytes: usize,
    figures: Vec<f64>,
}

impl Figures {
    pub(super) fn of(contest: &Contest) -> Self {
        let entries = contest.entries.iter();
        let entries =
            entries.map(|entry| Entry { name: entry.name, bytes: entry.bytes, figures: Vec::new() });
        Self { measured: contest.measured, entries: entries.collect() }
    }

    /// That of a slice of one of them.
    pub(super) fn add(&mut self, entry: usize, figure: f64) {
        self.entries[entry].figures.push(figure);
    }

    /// Of one of them to the yardstick, round by round.
    fn ratios(&self, entry: usize) -> Vec<f64> {
        let (own, yard) = (&self.entries[entry].figures, &self.entries[0].figures);
        own.iter().zip(yard).map(|(own, yard)| own / yard).collect()
    }
}

/// The value below which a share of the values lies.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n => sorted[((n - 1) as f64 * share).round() as usize],
    }
}

/// Of values, the middle one, and those that a tenth of them is below and above.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Spread {
    median: f64,
    p10: f64,
    p90: f64,
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let [p10, median, p90] = [0.1, 0.5, 0.9].map(|share| quantile(values, share));
        Self { median, p10, p90 }
    }
}

/// All that was found.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) cores: Cores,
    pub(super) relation: Relation,
    pub(super) is_virtual: bool,
    pub(super) rounds: usize,
    pub(super) seconds: f64,
    pub(super) warnings: Vec<String>,
    pub(super) figures: Vec<Figures>,
}

/// The same for programs.
#[derive(Debug, Serialize)]
struct Written<'r> {
    cores: [usize; 2],
    /// `siblings`, `shared cache`, `apart`, `same` or `unknown`.
    relation: &'static str,
    /// The level of the cache that they share, if they do.
    cache: Option<u32>,
    /// Whether all that is only what a virtual machine was told.
    r#virtual: bool,
    seconds: f64,
    rounds: usize,
    warnings: &'r [String],
    contests: Vec<WrittenContest>,
}

#[derive(Debug, Serialize)]
struct WrittenContest {
    measured: &'static str,
    /// Of the figures: `ns` for a round trip, or `messages/s`.
    unit: &'static str,
    yardstick: WrittenEntry,
    channels: Vec<WrittenEntry>,
}

#[derive(Debug, Serialize)]
struct WrittenEntry {
    name: &'static str,
    bytes: usize,
    #[serde(flatten)]
    figures: Spread,
    /// To the yardstick, whose own is 1.
    ratio: Spread,
}

impl Report {
    pub(super) fn write_json(&self, out: &mut impl Write) -> Result<(), Failure> {
        let contest = |figures: &Figures| {
            let mut all = (0..figures.entries.len()).map(|at| {
                let Entry { name, bytes, figures: own } = &figures.entries[at];
                let ratio = Spread::of(&figures.ratios(at));
                WrittenEntry { name, bytes: *bytes, figures: Spread::of(own), ratio }
            });
            WrittenContest {
                measured: figures.measured.name(),
                unit: if figures.measured == Measured::Stream { "messages/s" } else { "ns" },
                yardstick: all.next().expect("there is one"),
                channels: all.collect(),
            }
        };
        let written = Written {
            cores: self.cores.0,
            relation: self.relation.word(),
            cache: self.relation.cache(),
            r#virtual: self.is_virtual,
            seconds: self.seconds,
            rounds: self.rounds,
            warnings: &self.warnings,
            contests: self.figures.iter().map(contest).collect(),
        };
        write_json(out, &written)
    }

    pub(super) fn write(&self, out: &mut impl Write) -> Result<(), Failure> {
        let Cores([first, second]) = self.cores;
        let is_told = self.is_virtual && !matches!(self.relation, Relation::Same | Relation::Unknown);
        let told = if is_told { ", as the machine is told, which is virtual" } else { "" };
        writeln!(out, "core {first} and core {second}: {}{told}", self.relation)?;
        writeln!(out, "{} in {:.1} s\n", count(self.rounds as u64, "round"), self.seconds)?;
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        table.set_header(["", "", "BYTES", "MEDIAN", "RATIO", "10 % TO 90 %"]);
        for (number, figures) in self.figures.iter().enumerate() {
            if number > 0 {
                table.add_row([""]);
            }
            for (at, entry) in figures.entries.iter().enumerate() {
                let name = if at == 0 { figures.measured.name() } else { "" };
                let ratio = Spread::of(&figures.ratios(at));
                let (ratio, spread) = match at {
                    0 => (String::new(), String::new()),
                    _ => (format!("{:.2}", ratio.median), format!("{:.2} to {:.2}", ratio.p10, ratio.p90)),
                };
                let median = shown(figures.measured, Spread::of(&entry.figures).median);
                let bytes = bytes(entry.bytes as u64);
                table.add_row([name, entry.name, &bytes, &median, &ratio, &spread]);
            }
        }
        for numbers in 2..6 {
            if let Some(column) = table.column_mut(numbers) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        writeln!(out, "{}", table.trim_fmt())?;
        writeln!(
            out,
            "\nThe first of each part is the yardstick: bare memory, with no protocol round it. A ratio is the median of those of \
             slices\nof one round: of round trips less is better, and 1 is as fast as bare memory; of messages in a second more is."
        )?;
        Ok(())
    }
}

/// A figure with its unit, three digits or so.
fn shown(measured: Measured, figure: f64) -> String {
    match measured {
        Measured::Stream if figure >= 1e6 => format!("{:.1} M/s", figure / 1e6),
        Measured::Stream => format!("{:.1} k/s", figure / 1e3),
        _ if figure >= 1e6 => format!("{:.1} ms", figure / 1e6),
        _ if figure >= 1e4 => format!("{:.1} µs", figure / 1e3),
        _ => format!("{figure:.0} ns"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Figures {
        let entry = |name, figures: &[f64]| Entry { name, bytes: 64, figures: figures.to_vec() };
        let entries = vec![entry("bare", &[100.0, 200.0, 400.0]), entry("ringway", &[150.0, 200.0, 800.0])];
        Figures { measured: Measured::RoundTrip, entries }
    }

    #[test]
    fn ratios_are_those_of_the_same_round() {
        assert_eq!(figures().ratios(1), [1.5, 1.0, 2.0]);
        let ratio = Spread::of(&figures().ratios(1));
        assert_eq!(ratio, Spread { median: 1.5, p10: 1.0, p90: 2.0 });
        assert_eq!(Spread::of(&figures().ratios(0)).median, 1.0);
    }

    #[test]
    fn a_share_of_the_values_is_below_a_quantile() {
        let values: Vec<f64> = (0..=10).rev().map(f64::from).collect();
        assert_eq!(
            [0.0, 0.1, 0.5, 0.9, 1.0].map(|share| quantile(&values, share)),
            [0.0, 1.0, 5.0, 9.0, 10.0]
        );
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn figures_have_a_unit_that_leaves_few_digits() {
        let times = [312.4, 9_999.0, 10_000.0, 2e6].map(|nanos| shown(Measured::RoundTrip, nanos));
        assert_eq!(times, ["312 ns", "9999 ns", "10.0 µs", "2.0 ms"]);
        let rates = [999_000.0, 1e6, 61_230_000.0].map(|rate| shown(Measured::Stream, rate));
        assert_eq!(rates, ["999.0 k/s", "1.0 M/s", "61.2 M/s"]);
    }

    #[test]
    fn what_is_written_says_where_it_was_measured_and_beside_what() {
        let (cores, relation) = (Cores([0, 5]), Relation::Cache(3));
        let report = Report {
            cores,
            relation,
            is_virtual: true,
            rounds: 3,
            seconds: 1.0,
            warnings: vec!["odd".to_owned()],
            figures: vec![figures()],
        };
        let mut out = Vec::new();
        report.write(&mut out).expect("written");
        let text = String::from_utf8(out).expect("UTF-8");
        let first =
            "core 0 and core 5: two cores that share an L3 cache, as the machine is told, which is virtual\n";
        assert!(text.starts_with(&format!("{first}3 rounds in 1.0 s\n\n")), "{text}");
        let rows: Vec<Vec<_>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert!(rows.contains(&vec!["round", "trip", "bare", "64", "B", "200", "ns"]), "{text}");
        assert!(
            rows.contains(&vec!["ringway", "64", "B", "200", "ns", "1.50", "1.00", "to", "2.00"]),
            "{text}"
        );

        let mut out = Vec::new();
        report.write_json(&mut out).expect("written");
        let json: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(
            (&json["cores"][1], &json["cache"], &json["virtual"]),
            (&5.into(), &3.into(), &true.into())
        );
        assert_eq!(json["warnings"][0], "odd");
        let contest = &json["contests"][0];
        assert_eq!((&contest["unit"], &contest["yardstick"]["median"]), (&"ns".into(), &200.0.into()));
        assert_eq!(contest["channels"][0]["ratio"]["p90"], 2.0);
    }
}
