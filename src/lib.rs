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

#[cfg(not(loom))]
pub use message::Message;
#[cfg(not(loom))]
#[doc(hidden)]
pub use message::expansion as __private;
#[cfg(not(loom))]
pub use ringway_macros::Message;
