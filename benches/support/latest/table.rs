//! Tables, one for each place and number of readers.

use serde_json::{Value, json};

use super::contest::{Figures, Sample};
use super::{YARDSTICK, YARDSTICK_OF_BOTH};
use crate::crew::cores;
use crate::place::Place;
use crate::report::{median, quantile};

/// A column: what of a sample it shows.
struct Column {
    name: &'static str,
    yardstick: &'static str,
    of: fn(&Sample) -> f64,
}

const COLUMNS: [Column; 4] = [
    Column { name: "load ns", yardstick: YARDSTICK, of: |sample| sample.load },
    Column { name: "store ns", yardstick: YARDSTICK, of: |sample| sample.store },
    Column { name: "loads M/s", yardstick: YARDSTICK_OF_BOTH, of: |sample| sample.loads },
    Column { name: "stores M/s", yardstick: YARDSTICK_OF_BOTH, of: |sample| sample.stores },
];

/// Figures of one place, and their ratios to those of the yardstick in the same round.
struct Cell {
    figures: Vec<f64>,
    ratios: Vec<f64>,
}

impl Cell {
    fn of(column: &Column, figures: &Figures, all: &[Figures], place: Place) -> Self {
        let same = |other: &&Figures| {
            let Figures { name, bytes, readers, .. } = *other;
            (*name, *bytes, *readers) == (column.yardstick, figures.bytes, figures.readers)
        };
        let yard = &all.iter().find(same).expect("a yardstick of each size").samples;
        let own = &figures.samples;
        // A reader that never had the core in its slice came to nothing.
        let here = |sample: &&Sample| sample.place == Some(place) && (column.of)(sample).is_finite();
        let pairs = own.iter().zip(yard).filter(|(own, yard)| here(own) && here(yard));
        Self {
            figures: own.iter().filter(here).map(column.of).collect(),
            ratios: pairs.map(|(own, yard)| (column.of)(own) / (column.of)(yard)).collect(),
        }
    }

    fn text(&self) -> String {
        let (figure, ratio) = (median(&self.figures), median(&self.ratios));
        if self.figures.is_empty() {
            return format!("{:>8}  {:>21}", "-", "");
        }
        if ratio.is_nan() {
            return format!("{figure:>8.2}  {:>21}", "-");
        }
        let (low, high) = (quantile(&self.ratios, 0.1), quantile(&self.ratios, 0.9));
        format!("{figure:>8.2}  {ratio:>6.2} {:>14}", format!("({low:.2}..{high:.2})"))
    }

    fn json(&self) -> Value {
        if self.figures.is_empty() {
            return Value::Null;
        }
        json!({
            "figure": median(&self.figures), "figure_10": quantile(&self.figures, 0.1),
            "figure_90": quantile(&self.figures, 0.9), "ratio": median(&self.ratios),
            "ratio_10": quantile(&self.ratios, 0.1), "ratio_90": quantile(&self.ratios, 0.9), "rounds": self.ratios.len(),
        })
    }
}

fn fresh(samples: &[Sample], place: Place) -> Vec<f64> {
    let here = samples.iter().filter(|sample| sample.place == Some(place) && !sample.fresh.is_nan());
    here.map(|sample| sample.fresh).collect()
}

fn rounds(figures: &Figures, place: Place) -> usize {
    figures.samples.iter().filter(|sample| sample.place == Some(place)).count()
}

/// What the run as a whole came to.
pub(crate) struct Totals {
    pub(crate) round_trips: Vec<f64>,
}

/// Prints the tables, and what was found wrong.
pub(crate) fn print(title: &str, totals: &Totals, all: &[Figures]) {
    println!("\n{title}");
    let trips = |share| quantile(&totals.round_trips, share);
    println!(
        "round trip of a bare line between the cores: {:.0} ns ({:.0} to {:.0}, 10 % to 90 %)",
        trips(0.5),
        trips(0.1),
        trips(0.9)
    );
    let mut readers: Vec<usize> = all.iter().map(|figures| figures.readers).collect();
    readers.dedup();
    for readers in readers {
        for place in Place::ALL {
            let rows = all.iter().filter(|figures| figures.readers == readers && rounds(figures, place) > 0);
            let rows: Vec<&Figures> = rows.collect();
            if !rows.is_empty() {
                heading(readers, place);
                rows.iter().for_each(|figures| row(figures, all, place));
            }
        }
    }
    legend();
    for figures in all.iter().filter(|figures| figures.wrong > 0) {
        let Figures { name, bytes, readers, wrong, loads, .. } = figures;
        println!(
            "BAD: {name}, {bytes} bytes, {readers} readers: {wrong} of {loads} values were torn or older"
        );
    }
    let sum = |count: fn(&Figures) -> u64| all.iter().map(count).sum::<u64>() as f64 / 1e6;
    println!(
        "values looked at: {:.0} million, every word of {:.1} million of them; torn, or older than the one before: {}",
        sum(|figures| figures.loads),
        sum(|figures| figures.checked),
        all.iter().map(|figures| figures.wrong).sum::<u64>(),
    );
}

fn heading(readers: usize, place: Place) {
    let many = if readers == 1 { "one reader".to_owned() } else { format!("{readers} readers") };
    let cores = cores().len();
    let crowded = if readers < cores {
        String::new()
    } else {
        format!(", OVERSUBSCRIBED: {} processes against each other on {cores} cores", readers + 1)
    };
    println!("\n{many}, {}{crowded}\n", place.name());
    print!("{:>6}  {:<20}", "bytes", "");
    for (at, column) in COLUMNS.iter().enumerate() {
        let bar = if at == 2 { " | " } else { " " };
        print!("{bar}{:>10}{:>7} {:>14}", column.name, "ratio", "10 % .. 90 %");
    }
    println!("{:>7} {:>6}", "fresh", "rounds");
}

fn row(figures: &Figures, all: &[Figures], place: Place) {
    let mark = if figures.wrong > 0 { " BAD" } else { "" };
    print!("{:>6}  {:<20}", figures.bytes, format!("{}{mark}", figures.name));
    let mut pairs = figures.samples.len();
    for (at, column) in COLUMNS.iter().enumerate() {
        let bar = if at == 2 { " | " } else { " " };
        let cell = Cell::of(column, figures, all, place);
        print!("{bar}{}", cell.text());
        if !cell.ratios.is_empty() {
            pairs = pairs.min(cell.ratios.len());
        }
    }
    let fresh = median(&fresh(&figures.samples, place));
    let fresh = if fresh.is_nan() { "-".to_owned() } else { format!("{:.0} %", fresh * 100.0) };
    println!("{fresh:>7} {pairs:>6}");
}

fn legend() {
    println!("\nleft of the bar: one side alone, the time that one operation takes (lower is better);");
    println!("right of it: both at it, never pausing, all readers together (higher is better)");
    println!(
        "ratio: the median of the ratios of slices of the same round; left of the bar to {YARDSTICK}, one slot under"
    );
    println!(
        "a sequence lock on bare shared memory, copied by words, and right of it to {YARDSTICK_OF_BOTH}, four in turn"
    );
    println!("fresh: the share of loads that brought another value than the load before");
}

/// All figures.
pub(crate) fn json(all: &[Figures]) -> Vec<Value> {
    let mut rows = Vec::new();
    for figures in all {
        for place in Place::ALL.into_iter().filter(|place| rounds(figures, *place) > 0) {
            let cell = |at: usize| Cell::of(&COLUMNS[at], figures, all, place).json();
            rows.push(json!({
                "contestant": figures.name, "bytes": figures.bytes, "readers": figures.readers, "place": place.name(),
                "load_ns": cell(0), "store_ns": cell(1), "loads": cell(2), "stores": cell(3),
                "fresh": median(&fresh(&figures.samples, place)), "rounds": rounds(figures, place),
                "wrong": figures.wrong, "seen": figures.loads,
            }));
        }
    }
    rows
}
