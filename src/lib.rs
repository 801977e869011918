//! Typed, lock-free channels between processes on one machine.

mod sync;

#[cfg(not(loom))]
pub mod map;
#[cfg(not(loom))]
pub mod message;
