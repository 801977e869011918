//! The scenario "latest value": one stores, others load, alone and against each other.
//!
//! Every contestant runs in short slices, all of them once in a round, so that those that are compared ran within
//! milliseconds of each other. What is reported is the median of the ratios of such neighbours, apart for each place.
//! Whoever includes this has the modules `crew`, `place`, `progress` and `report` at its root.

mod cells;
mod contest;
mod raw;
mod table;

pub(crate) use cells::{Load, Store, Writing, reading, writing};
pub(crate) use contest::{Contest, Contestant, Figures};
pub(crate) use raw::{FourInTurn, OneLock, Plain};
pub(crate) use table::{Totals, json, print};

use crate::crew::{Job, Memory};
use crate::place::Probe;

/// The yardstick of one side alone. Against a writer that never pauses its readers starve.
pub(crate) const YARDSTICK: &str = "raw-seqlock";
/// The yardstick of both sides against each other.
pub(crate) const YARDSTICK_OF_BOTH: &str = "raw-turns4";
/// The job with which every crew of processes begins.
pub(crate) const PROBE: u32 = 0;

/// The yardsticks, with memory of their own for each size.
pub(crate) const YARDSTICKS: [&str; 3] = [YARDSTICK, YARDSTICK_OF_BOTH, "memcpy"];

/// The probe's side in this process.
pub(crate) fn probe(memory: &Memory) -> Probe {
    Probe::new(memory.at(0))
}

fn place_of(memory: &Memory, size: usize, which: usize) -> *mut u8 {
    memory.at(Probe::BYTES + (size * YARDSTICKS.len() + which) * raw::BYTES + 2048)
}

/// The writers' parts of the yardsticks, for the size with this number.
pub(crate) fn yardsticks_writing<const N: usize>(memory: &Memory, size: usize) -> [Writing; 3] {
    [
        writing(OneLock::<N>::new(place_of(memory, size, 0))),
        writing(FourInTurn::<N>::new(place_of(memory, size, 1))),
        writing(Plain::<N>::new(place_of(memory, size, 2))),
    ]
}

/// The readers' parts.
pub(crate) fn yardsticks_reading<const N: usize>(memory: &Memory, size: usize) -> [Job; 3] {
    [
        reading(OneLock::<N>::new(place_of(memory, size, 0))),
        reading(FourInTurn::<N>::new(place_of(memory, size, 1))),
        reading(Plain::<N>::new(place_of(memory, size, 2))),
    ]
}
