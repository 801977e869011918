//! The only door to the atomics: std's, or loom's when a model is being checked.
//!
//! Re-exports, so that the code that runs in shared memory and the code that loom explores are the same
//! text; and what only a test can turn on: crash points, weakened orderings, and a count of read-modify-writes.

#[cfg(not(loom))]
mod backoff;
mod barrier;
#[cfg(all(test, not(loom)))]
mod counted;
mod crash;
mod mutant;
#[cfg(not(loom))]
pub(crate) mod words;

#[cfg(not(loom))]
pub(crate) use backoff::Backoff;
pub(crate) use barrier::{Barrier, in_order, stores_in_order};
pub(crate) use crash::crash_point;
pub(crate) use mutant::{mutant, weakened};

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
#[cfg(not(any(test, loom)))]
pub(crate) use std::sync::atomic::AtomicU64;
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU32, Ordering, fence};

/// A number for people, on which nothing depends: no model has to look at it.
pub(crate) use std::sync::atomic::AtomicU64 as HintU64;

#[cfg(all(test, not(loom)))]
pub(crate) use counted::{AtomicU64, read_modify_writes};
#[cfg(all(test, not(loom)))]
pub(crate) use crash::meddled;

/// What the models need of this module.
#[cfg(loom)]
pub mod model {
    pub use super::barrier::{Barrier, keep_stores_in_order};
    pub use super::crash::{Crashed, crash_after};

    /// A crash point of the model's own, for a step that the protocol leaves to its caller.
    pub fn step(name: &str) {
        super::crash_point(name);
    }
}
