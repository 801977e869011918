#![doc = include_str!("../README.md")]
#![cfg_attr(loom, allow(dead_code, unused_imports, reason = "a model drives a part of the library"))]

#[cfg(not(all(target_os = "linux", target_endian = "little", target_pointer_width = "64")))]
compile_error!("ringway runs on 64-bit little-endian Linux (x86-64, aarch64)");

/// The examples of the guide, run as those of the library are.
#[cfg(all(doctest, not(loom)))]
#[doc = include_str!("../docs/guide.md")]
mod guide {}

#[cfg(all(test, not(loom)))]
mod documents;
#[cfg(not(loom))]
mod fnv;
#[cfg(not(loom))]
mod protocol;
#[cfg(not(loom))]
mod sync;
#[cfg(all(test, not(loom)))]
mod testing;

#[cfg(loom)]
pub mod protocol;
#[cfg(loom)]
pub mod sync;

#[cfg(not(loom))]
pub mod map;
#[cfg(not(loom))]
pub mod message;
#[cfg(not(loom))]
mod wait;

#[cfg(not(loom))]
mod segment;

#[cfg(not(loom))]
pub mod channel;
#[cfg(not(loom))]
pub mod inspect;

#[cfg(not(loom))]
#[doc(inline)]
pub use channel::{mpmc, mpsc, seqlock, spmc, spsc};
#[cfg(not(loom))]
#[doc(hidden)]
pub use message::expansion as __private;
#[cfg(not(loom))]
pub use {
    channel::{
        Broken, Departure, Draft, Error, Health, Lease, Loan, OnReceiverDeath, Parking, Peer, Predecessor,
        RecvError, RecvTimeoutError, Select, SendError, SendTimeoutError, Source, TryRecvError, TrySendError,
    },
    message::Message,
    ringway_macros::Message,
    wait::Wait,
};
