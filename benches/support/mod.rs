//! What both benchmarks stand on: two pinned processes that run the same slice at the same time, the raw
//! yardsticks, and honest statistics.
//!
//! A machine that shares its cores, or moves between near and far ones, makes an absolute figure
//! meaningless. So every contestant runs in short slices, each next to a slice of the yardstick, and what is
//! reported is the median of the ratios of such pairs.
#![allow(dead_code, unused_imports, reason = "each benchmark uses a part")]

mod pair;
mod progress;
mod raw;
mod report;
mod sizes;

pub(crate) use pair::{Arguments, Child, Parent, Role, Side, pin, start};
pub(crate) use progress::Progress;
pub(crate) use raw::{BatchRing, FutexPingPong, PingPong};
pub(crate) use report::{Report, Row, median, quantile, ratios};

/// Slots of every ring here.
pub(crate) const CAPACITY: usize = 1024;
/// Messages of a batch.
pub(crate) const BATCH: usize = 32;
