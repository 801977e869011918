//! Typed, lock-free channels between processes on one machine.

#[cfg(not(loom))]
mod fnv;
mod sync;
#[cfg(all(test, not(loom)))]
mod testing;

#[cfg(not(loom))]
pub mod map;
#[cfg(not(loom))]
pub mod message;
