//! The only door to the atomics: std's, or loom's when a model is being checked.
//!
//! Re-exports, so that the code that runs in shared memory and the code that loom explores are the same
//! text; and the two switches that only a test can turn: crash points and weakened orderings.

#[cfg(not(loom))]
mod backoff;
mod crash;
mod mutant;

#[cfg(not(loom))]
pub(crate) use backoff::Backoff;
pub(crate) use crash::crash_point;
pub(crate) use mutant::{mutant, weakened};

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU64, Ordering};

/// What the models need of this module.
#[cfg(loom)]
pub mod model {
    pub use super::crash::{Crashed, crash_after};

    /// A crash point of the model's own, for a step that the protocol leaves to its caller.
    pub fn step(name: &str) {
        super::crash_point(name);
    }
}
