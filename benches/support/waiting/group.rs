//! Contestants that take turns, slice by slice, beside the one that they are compared with.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Parent, Progress, median, quantile};

/// What one process does as a contestant with so many messages or rounds.
pub(crate) type Job = Box<dyn FnMut(u64)>;

/// Contestants that are measured beside each other; the first is the yardstick. Both processes have the same groups in
/// the same order, each with its own part of the work.
pub(crate) struct Group {
    pub(crate) title: String,
    pub(crate) bytes: usize,
    /// Messages or rounds of a slice.
    pub(crate) count: u64,
    pub(crate) contestants: Vec<(&'static str, Job)>,
    /// Whether a slice is over when the parent has done its part, and not when both have.
    ends_here: bool,
    /// Of each contestant, nanoseconds per message or round, one figure for each slice.
    figures: Vec<Vec<f64>>,
}

/// The number of a contestant, as both processes know it.
fn number(group: usize, contestant: usize) -> u64 {
    (group << 8 | contestant) as u64
}

/// A disturbed slice is done again, so many times at most.
const AGAIN: u32 = 10;
/// Where all are disturbed there are no better ones: so many are done again for each that is asked for, on average.
const SHARE: usize = 1;

fn repeat(left: &mut usize, mut slice: impl FnMut() -> (Duration, bool)) -> Duration {
    for _ in 0..AGAIN {
        let (elapsed, disturbed) = slice();
        if !disturbed || *left == 0 {
            return elapsed;
        }
        *left -= 1;
    }
    slice().0
}

impl Group {
    pub(crate) fn new(
        title: impl Into<String>,
        bytes: usize,
        count: u64,
        contestants: Vec<(&'static str, Job)>,
    ) -> Self {
        let figures = vec![Vec::new(); contestants.len()];
        Self { title: title.into(), bytes, count, contestants, ends_here: false, figures }
    }

    /// Whose slice is over when the parent has done its part.
    pub(crate) fn ending_here(self) -> Self {
        Self { ends_here: true, ..self }
    }

    /// In the child: the contestant of that number does its part.
    pub(crate) fn answer(groups: &mut [Self], what: u64, count: u64) {
        let (group, contestant) = (what as usize >> 8, what as usize & 0xff);
        groups[group].contestants[contestant].1(count);
    }

    /// In the parent: so many slices of each contestant, in turning order. `at` is the group's number. Of those who poll,
    /// a slice in which somebody else had one of the cores is done again.
    pub(crate) fn measure(
        &mut self,
        parent: &mut Parent,
        at: usize,
        (pairs, progress): (usize, &Progress),
        polls: bool,
    ) {
        let Self { count, contestants, figures, ends_here, .. } = self;
        let (len, count) = (contestants.len(), *count);
        let mut left = pairs * len * SHARE;
        // The first round warms up and is not counted.
        for round in 0..=pairs {
            for turn in 0..len {
                let contestant = (turn + round) % len;
                let job = &mut contestants[contestant].1;
                let elapsed = repeat(&mut left, || {
                    let mut here = Duration::ZERO;
                    let both = parent.slice(number(at, contestant), count, || {
                        let start = Instant::now();
                        job(count);
                        here = start.elapsed();
                    });
                    let elapsed = if *ends_here { here } else { both };
                    (elapsed, polls && parent.was_disturbed())
                });
                if round > 0 {
                    figures[contestant].push(elapsed.as_nanos() as f64 / count as f64);
                }
                progress.step();
            }
        }
    }

    /// Of the progress, for so many pairs.
    pub(crate) fn steps(&self, pairs: usize) -> usize {
        self.contestants.len() * (pairs + 1)
    }

    /// The ratios of a contestant's figures to those of another one, slice by slice.
    fn ratios(&self, contestant: usize, yardstick: usize, unit: Unit) -> Vec<f64> {
        let pairs = self.figures[contestant].iter().zip(&self.figures[yardstick]);
        pairs.map(|(own, yard)| unit.of(*own) / unit.of(*yard)).collect()
    }

    /// Every contestant beside the yardstick.
    fn rows(&self, unit: Unit) -> impl Iterator<Item = (&'static str, f64, Vec<f64>)> {
        self.contestants
            .iter()
            .enumerate()
            .map(move |(at, (name, _))| (*name, unit.of(median(&self.figures[at])), self.ratios(at, 0, unit)))
    }
}

/// How a figure is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    /// Million per second: higher is better.
    Rate,
    /// Microseconds: lower is better.
    Time,
}

impl Unit {
    fn of(self, nanos: f64) -> f64 {
        match self {
            Self::Rate => 1e3 / nanos,
            Self::Time => nanos / 1e3,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Rate => "M/s",
            Self::Time => "µs",
        }
    }
}

/// A table of groups that share a question.
pub(crate) fn print(title: &str, unit: Unit, groups: &[Group]) {
    println!("\n{title}\n");
    let width = groups.iter().flat_map(|group| &group.contestants).map(|(name, _)| name.len()).max();
    let (width, unit_name) = (width.unwrap_or(0), unit.name());
    println!(
        "{:>6}  {:<13} {:<width$} {unit_name:>8} {:>7}  {:>14} {:>6}",
        "bytes", "", "", "ratio", "10 % to 90 %", "pairs"
    );
    for group in groups {
        for (name, figure, ratios) in group.rows(unit) {
            print!("{:>6}  {:<13} {name:<width$} {figure:>8.2}", group.bytes, group.title);
            println!(
                " {:>7.3}  {:>5.3} .. {:>5.3} {:>6}",
                median(&ratios),
                quantile(&ratios, 0.1),
                quantile(&ratios, 0.9),
                ratios.len()
            );
        }
    }
}

/// The figures of a table.
pub(crate) fn to_json(title: &str, unit: Unit, groups: &[Group]) -> Value {
    let row = |group: &Group, (name, figure, ratios): (&str, f64, Vec<f64>)| {
        json!({
            "bytes": group.bytes, "what": group.title, "contestant": name, "figure": figure, "ratio": median(&ratios),
            "ratio_10": quantile(&ratios, 0.1), "ratio_90": quantile(&ratios, 0.9), "pairs": ratios.len(),
        })
    };
    let rows = groups.iter().flat_map(|group| group.rows(unit).map(move |found| row(group, found)));
    json!({ "title": title, "unit": unit.name(), "rows": rows.collect::<Vec<_>>() })
}
