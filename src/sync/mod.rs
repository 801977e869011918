//! The only door to the atomics: std's, or loom's when a model is being checked.
//!
//! Re-exports and nothing else, so that the code that runs in shared memory and the code that loom
//! explores are the same text.

mod crash;

pub(crate) use crash::crash_point;
