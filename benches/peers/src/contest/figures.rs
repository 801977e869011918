//! What a contestant came to.

use crate::place::Place;

/// Where the cores of a slice were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spot {
    /// Wherever the kernel put them, or it does not matter.
    Anywhere,
    /// There, before and after.
    At(Place),
    /// They moved meanwhile.
    Moved,
}

impl Spot {
    /// Those that have tables.
    pub(crate) const ALL: [Self; 4] =
        [Self::Anywhere, Self::At(Place::Siblings), Self::At(Place::Near), Self::At(Place::Far)];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Anywhere => "anywhere",
            Self::At(place) => place.name(),
            Self::Moved => "moved",
        }
    }
}

/// How figures are shown, all of which are nanoseconds for each message, round or deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Million per second: higher is better.
    Rate,
    /// Lower is better.
    Nanos,
    Micros,
}

impl Unit {
    pub(crate) fn of(self, nanos: f64) -> f64 {
        match self {
            Self::Rate => 1e3 / nanos,
            Self::Nanos => nanos,
            Self::Micros => nanos / 1e3,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rate => "M/s",
            Self::Nanos => "ns",
            Self::Micros => "µs",
        }
    }

    pub(crate) fn better(self) -> &'static str {
        match self {
            Self::Rate => "higher is better",
            _ => "lower is better",
        }
    }
}

/// A slice.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) spot: Spot,
    /// Not a number if others had the cores, or nothing came of it.
    pub(crate) nanos: f64,
}

/// Who it is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// What was asked: a size, a crowd, a deed.
    pub(crate) label: String,
    pub(crate) name: &'static str,
    /// Between processes or between threads.
    pub(crate) between: &'static str,
    /// The contestant of ours beside which it stands.
    pub(crate) ours: &'static str,
    pub(crate) yardstick: bool,
    /// Why it can not be ranked, whatever it does here.
    pub(crate) broken: Option<&'static str>,
}

impl Row {
    /// No channel, but the least that the hardware or the kernel asks for: it has no rank.
    pub(crate) fn is_bare(&self) -> bool {
        self.name.starts_with("raw")
    }
}

/// Its slices, one for each round.
pub(crate) struct Figures {
    pub(crate) row: Row,
    pub(crate) samples: Vec<Sample>,
    /// Single rounds that were timed, in nanoseconds, with where they were.
    pub(crate) singles: Vec<(Spot, f32)>,
    pub(crate) seen: u64,
    pub(crate) wrong: u64,
    /// It waited in vain for what it was to get, and had no further slice.
    pub(crate) stuck: bool,
    /// It was not done with a slice after very long, and had no further one.
    pub(crate) slow: bool,
}

impl Figures {
    pub(crate) fn new(row: Row) -> Self {
        Self { row, samples: Vec::new(), singles: Vec::new(), seen: 0, wrong: 0, stuck: false, slow: false }
    }

    /// What is wrong with it.
    pub(crate) fn bad(&self) -> Option<String> {
        let Self { row, seen, wrong, stuck, .. } = self;
        if *stuck {
            return Some(
                "a message was lost, torn, or came twice, or one was waited for in vain: no more slices"
                    .to_owned(),
            );
        }
        if *wrong > 0 {
            return Some(format!("{wrong} of {seen} messages were torn, lost, out of order, or came twice"));
        }
        row.broken.map(|why| format!("broken by its source, if not seen in this run: {why}"))
    }
}
