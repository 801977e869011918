//! Memory that processes share by name.
//!
//! A named map is found by its name in a [`Namespace`], lives while any process holds it, and is gone when
//! the last one drops it or has died: nobody needs to own it, and nobody needs to clean up. [`MapOptions`]
//! makes and opens maps.
//!
//! After *every* holder was killed at once the memory stays until the next open or create of that name, or
//! [`Namespace::sweep`]. A creation also clears other leftovers of its namespace in passing, save in a
//! [`Namespace::Dir`].
//!
//! A child forked without exec has none of its parent's maps, whatever namespaces it lives in.
//!
//! A leftover of another user in [`Namespace::System`] can be removed only by that user or root: creating
//! its name is refused as [`ErrorKind::AlreadyExists`] with `stale`, until one of them sweeps.
//!
//! # What those who may open a map's file can do
//!
//! The holders of a map trust each other, as [`mode`](MapOptions::mode) says who they may be:
//!
//! * whoever may *write* to the file can also make it shorter, and every holder that then touches what is
//!   missing is ended by SIGBUS;
//! * whoever may *read* it can hold its locks: the lifecycle mutex, so that every open and every drop waits
//!   for ten seconds, and then fails or leaves a leftover; or presence, so that a leftover counts as live and
//!   never goes.
//!
//! | question | file |
//! |---|---|
//! | what is at byte n? | `header` |
//! | who deletes a map, and when? | `reclaim` |
//! | how does a map come about? | `named` |
//! | which directory, which file name? | `namespace`, `directory` |
//! | which system calls and locks? | `sys` |
//! | is this a forked child? | `fork` |

mod directory;
mod error;
mod fork;
mod header;
mod heap;
mod named;
mod namespace;
mod options;
mod reclaim;
mod region;
mod shared;
mod sweep;
mod sys;

#[cfg(test)]
mod tests;

pub use error::{Error, ErrorKind};
pub use namespace::Namespace;
pub use options::{Disposition, MapOptions};
pub use shared::SharedMap;
pub use sweep::{Leftover, MapEntry, MapState, SweepReport};

pub(crate) use fork::ForkGuard;
#[cfg(test)]
pub(crate) use fork::in_a_child_with_pid_one;
pub(crate) use heap::HeapRegion;
pub(crate) use sys::ByteLock;
