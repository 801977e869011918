//! A named map, as its holders see it.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use super::error::Error;
use super::header::Header;
use super::namespace::Namespace;
use super::reclaim::Holder;
use super::region::Region;

/// A named block of memory that any process may share.
///
/// Clones are the same map. The map lives while any process has it; the last one to drop it removes its
/// name, and its content is lost. Processes that are killed are holders no longer.
///
/// The last drop takes microseconds. Where another process is stopped in the middle of opening or closing the
/// map it waits for up to ten seconds, and then leaves the name to the next who opens or creates it.
///
/// A child forked without exec does not have the map: it must not touch the memory, and should open the
/// map by name.
#[derive(Clone)]
pub struct SharedMap(Arc<Inner>);

struct Inner {
    /// Dropped first: a holder gives up its presence when it has nothing mapped any more.
    region: Region,
    holder: Holder,
    header: Header,
    namespace: Namespace,
}

impl SharedMap {
    pub(super) fn new(region: Region, holder: Holder, header: Header, namespace: Namespace) -> SharedMap {
        SharedMap(Arc::new(Inner { region, holder, header, namespace }))
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0.header.name
    }

    /// The bytes of data: exactly what the creator asked for.
    pub fn capacity(&self) -> u64 {
        self.0.header.capacity
    }

    /// The first byte of the data: aligned to 4096, valid for reads and writes of [`capacity`](Self::capacity)
    /// bytes while a clone of this map lives.
    ///
    /// Other processes may write at any time, so a `&[u8]` made of it is unsound: read and write through
    /// atomics.
    pub fn as_ptr(&self) -> *mut u8 {
        self.0.region.as_ptr().wrapping_add(self.0.header.data_offset())
    }

    /// The namespace that the name is in.
    pub fn namespace(&self) -> &Namespace {
        &self.0.namespace
    }

    /// A new open file description of the map's file, for locks of its own. It is not present: the map has
    /// to outlive it.
    pub(crate) fn reopen(&self) -> Result<OwnedFd, Error> {
        self.0.holder.open_again().map_err(|error| error.for_map(self.name()))
    }

    /// Random; tells this map from others that have or had its name.
    #[cfg_attr(not(test), expect(dead_code, reason = "the channels compare it"))]
    pub(crate) fn id(&self) -> u128 {
        self.0.header.id
    }

    /// The length of the file in bytes: registry page and data.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the layers that inspect a map"))]
    pub(crate) fn file_len(&self) -> u64 {
        self.0.header.plan.file_len
    }
}

/// The open file description whose lock on byte 0 is this holder's presence: leave that byte alone.
impl AsFd for SharedMap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.holder.as_fd()
    }
}

impl fmt::Debug for SharedMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedMap")
            .field("name", &self.name())
            .field("capacity", &self.capacity())
            .field("namespace", self.namespace())
            .finish_non_exhaustive()
    }
}
