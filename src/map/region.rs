//! A mapped file: an address range that other processes write to as well.
//!
//! No reference to the bytes ever comes out of here, only a raw pointer: somebody else may be writing.
#![allow(unsafe_code)] // unmaps by hand, because a forked child must not

use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, BorrowedFd};

use memmap2::{Advice, MmapOptions, MmapRaw};

use super::access::Access;
use super::fork::ForkGuard;

/// A file, mapped whole and shared; unmapped on drop.
#[derive(Debug)]
pub(crate) struct Region {
    /// Never touched after `drop` began.
    map: ManuallyDrop<MmapRaw>,
    writable: bool,
    /// The process that has the mapping. A forked child inherits this value but not the mapping.
    owner: ForkGuard,
}

impl Region {
    /// Maps the first `len` bytes. A child that is forked later has no such mapping.
    ///
    /// To be written too, if the access changes the map; else a store ends the process by SIGSEGV.
    pub(super) fn map(file: BorrowedFd<'_>, len: u64, access: Access) -> io::Result<Region> {
        let len = usize::try_from(len).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        let (mut options, fd) = (MmapOptions::new(), file.as_raw_fd());
        let map = match access.changes_the_map() {
            true => options.len(len).map_raw(fd)?,
            false => options.len(len).map_raw_read_only(fd)?,
        };
        map.advise(Advice::DontFork)?;
        let (map, writable) = (ManuallyDrop::new(map), access.changes_the_map());
        Ok(Region { map, writable, owner: ForkGuard::new() })
    }

    /// Brings all pages in: to be written where they may be.
    pub(super) fn prefault(&self) -> io::Result<()> {
        let advice = if self.writable { Advice::PopulateWrite } else { Advice::PopulateRead };
        match self.map.advise(advice) {
            // Before Linux 5.14: begin to read, which is all that is possible without changing a byte.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => self.map.advise(Advice::WillNeed),
            done => done,
        }
    }

    /// The first byte. Page-aligned; valid for `len` bytes while the region lives, for what its access says.
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.map.as_mut_ptr()
    }

    /// Whether it may be stored to.
    pub(super) fn is_writable(&self) -> bool {
        self.writable
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // In a forked child something else may lie at these addresses by now.
        if self.owner.is_ours() {
            // SAFETY: the map is live (1: it was made by `map` and nothing else drops it) and is not used
            // again (2: this is its owner's drop).
            unsafe { ManuallyDrop::drop(&mut self.map) };
        }
    }
}
