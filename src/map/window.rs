//! One mapping of a part of a file: the bytes behind a view.
//!
//! The law of this file: nobody gets a reference to plain bytes that others write to. Bytes go in and out by
//! the copies of `copy`, as references to atomics, or by raw pointer. Bounds are checked here, directions are
//! the caller's to check. After each access it is asked whether the bytes are still those of the file.
#![allow(unsafe_code)] // maps and unmaps, and reaches into the mapping

use std::fmt;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use bytemuck::{AnyBitPattern, NoUninit};
use rustix::io::Errno;
use rustix::mm::{self, MapFlags, MsyncFlags, ProtFlags};

use super::access::Access;
use super::access_error::AccessError;
use super::copy;
use super::fault::{Cause, Mapping, Watch};
use super::fork::ForkGuard;

/// How a window is mapped.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    pub(super) access: Access,
    /// Whether stores are private although the access is not copy-on-write: in a map that is.
    pub(super) private: bool,
    /// Whether a child forked without exec has the mapping too.
    pub(super) inherited: bool,
    /// Offsets and lengths of mappings are multiples of this.
    pub(super) granularity: u64,
}

/// A mapped range. Invariant: `start` is valid for `len` bytes, in the directions of its access, while it lives.
pub(super) struct Window {
    start: *mut u8,
    len: usize,
    /// Bytes in front of `start` that are mapped too, because mappings begin at pages.
    skip: usize,
    /// Whole pages from `start - skip`.
    mapped: usize,
    /// The size of a page.
    page: usize,
    /// `None` where nothing is mapped.
    watch: Option<Watch>,
    /// A forked child inherits this value but not the mapping.
    owner: ForkGuard,
}

// SAFETY: bytes at an address, which only ever go in and out by atomic accesses, from any thread.
unsafe impl Send for Window {}
// SAFETY: as above.
unsafe impl Sync for Window {}

impl Window {
    /// A window of no bytes.
    pub(super) fn empty() -> Window {
        let start = ptr::dangling_mut();
        Window { start, len: 0, skip: 0, mapped: 0, page: 1, watch: None, owner: ForkGuard::new() }
    }

    /// Maps `len` bytes of the file from `offset` on, at least one.
    pub(super) fn map(fd: BorrowedFd<'_>, offset: u64, len: u64, how: How) -> Result<Window, Errno> {
        let first = offset / how.granularity * how.granularity;
        let whole =
            (offset - first).checked_add(len).and_then(|len| len.checked_next_multiple_of(how.granularity));
        let mapped = whole.and_then(|whole| isize::try_from(whole).ok()).ok_or(Errno::NOMEM)? as usize;
        let skip = (offset - first) as usize;
        let mut prot = ProtFlags::empty();
        prot.set(ProtFlags::READ, how.access.can_read());
        prot.set(ProtFlags::WRITE, how.access.can_write());
        prot.set(ProtFlags::EXEC, how.access.can_execute());
        let private = how.private || how.access == Access::CopyOnWrite;
        // Without a reserve: of a large file few pages are written to.
        let flags = if private { MapFlags::PRIVATE | MapFlags::NORESERVE } else { MapFlags::SHARED };
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that is there.
        let base = unsafe { mm::mmap(ptr::null_mut(), mapped, prot, flags, fd, first) }?;
        let start = base.cast::<u8>().wrapping_add(skip);
        let (page, owner) = (how.granularity as usize, ForkGuard::new());
        let watch = Some(Watch::new(&Mapping {
            start: base.addr(),
            len: mapped,
            page,
            prot: prot.bits() as i32,
            fd: fd.as_raw_fd(),
            offset: first,
            private,
            inherited: how.inherited,
            owner,
        }));
        let window = Window { start, len: len as usize, skip, mapped, page, watch, owner };
        if !how.inherited {
            window.advise(mm::Advice::LinuxDontFork)?;
        }
        Ok(window)
    }

    pub(super) fn len(&self) -> u64 {
        self.len as u64
    }

    pub(super) fn skip(&self) -> usize {
        self.skip
    }

    pub(super) fn as_ptr(&self) -> *mut u8 {
        self.start
    }

    /// The address of `count` bytes from `at` on.
    #[inline]
    fn reach(&self, at: u64, count: usize) -> Result<*mut u8, AccessError> {
        let len = self.len as u64;
        if at <= len && count as u64 <= len - at {
            return Ok(self.start.wrapping_add(at as usize));
        }
        Err(AccessError::OutOfRange { at, needed: count as u64, len })
    }

    /// As [`reach`](Self::reach), unless it is known that some of them are lost: then nothing shall be written, since
    /// other pages behind a hole that could not be filled are still the map's.
    #[inline]
    fn reach_whole(&self, at: u64, count: usize) -> Result<*mut u8, AccessError> {
        let start = self.reach(at, count)?;
        match self.watch.as_ref().and_then(Watch::lost) {
            None => Ok(start),
            Some((from, cause)) => self.lost(from, cause, at, count).map(|()| start),
        }
    }

    /// Whether `count` bytes from `at` on are still the map's. To be asked after they were read.
    #[inline]
    fn still_there(&self, at: u64, count: usize) -> Result<(), AccessError> {
        match self.watch.as_ref().and_then(Watch::lost_to_reader) {
            None => Ok(()),
            Some((from, cause)) => self.lost(from, cause, at, count),
        }
    }

    /// The same, to be asked after they were written.
    #[inline]
    fn got_there(&self, at: u64, count: usize) -> Result<(), AccessError> {
        match self.watch.as_ref().and_then(Watch::lost_to_writer) {
            None => Ok(()),
            Some((from, cause)) => self.lost(from, cause, at, count),
        }
    }

    #[cold]
    fn lost(&self, from: u64, cause: Cause, at: u64, count: usize) -> Result<(), AccessError> {
        let from = from.saturating_sub(self.skip as u64);
        if at.saturating_add(count as u64) <= from {
            return Ok(());
        }
        Err(match cause {
            Cause::Truncated => AccessError::Truncated { from, len: self.len as u64 },
            Cause::NoRoom => AccessError::NoRoom { from },
        })
    }

    /// Whether these bytes are still the map's, as far as any access has found out.
    pub(super) fn check(&self, at: u64, count: u64) -> Result<(), AccessError> {
        self.got_there(at, count as usize)
    }

    /// Whether this process mapped it, and did not inherit it.
    pub(super) fn is_ours(&self) -> bool {
        self.owner.is_ours()
    }

    #[inline]
    pub(super) fn read<T: AnyBitPattern>(&self, at: u64) -> Result<T, AccessError> {
        let from = self.reach(at, size_of::<T>())?;
        // SAFETY: in bounds: `reach`.
        let value = unsafe { copy::read(from) };
        self.still_there(at, size_of::<T>())?;
        Ok(value)
    }

    #[inline]
    pub(super) fn write<T: NoUninit>(&self, at: u64, value: &T) -> Result<(), AccessError> {
        let to = self.reach_whole(at, size_of::<T>())?;
        // SAFETY: in bounds: `reach_whole`.
        unsafe { copy::write(to, value) };
        self.got_there(at, size_of::<T>())
    }

    /// Fills all of `into`.
    pub(super) fn load<T: AnyBitPattern>(&self, at: u64, into: &mut [T]) -> Result<(), AccessError> {
        let count = size_of_val(into);
        let from = self.reach(at, count)?;
        // SAFETY: 1. in bounds: `reach`; 2. borrowed mutably, and any bytes are valid.
        unsafe { copy::load(from, into.as_mut_ptr().cast(), count) };
        self.still_there(at, count)
    }

    /// Writes all of `from`.
    pub(super) fn store<T: NoUninit>(&self, at: u64, from: &[T]) -> Result<(), AccessError> {
        let count = size_of_val(from);
        let to = self.reach_whole(at, count)?;
        // SAFETY: 1. in bounds: `reach_whole`; 2. borrowed, without a byte that is not initialised.
        unsafe { copy::store(from.as_ptr().cast(), to, count) };
        self.got_there(at, count)
    }

    /// An atomic in place.
    pub(super) fn atomic<A: Atomic>(&self, at: u64) -> Result<&A, AccessError> {
        let start = self.reach(at, size_of::<A>())?.cast::<A>();
        if !start.is_aligned() {
            return Err(AccessError::Misaligned { at, align: align_of::<A>() });
        }
        self.still_there(at, size_of::<A>())?;
        // SAFETY: in bounds (1: `reach`) and aligned (2: above); any bytes are valid, and all accesses here are
        // atomic (3: `Atomic`, and the law of this file); the window outlives the reference (4).
        Ok(unsafe { &*start })
    }

    /// The bytes themselves.
    ///
    /// # Safety
    ///
    /// Nobody writes to them while the slice lives: no other view, thread or process, and the file keeps its
    /// length.
    pub(super) unsafe fn as_slice(&self) -> &[u8] {
        // SAFETY: valid for reads of `len` bytes while `self` lives (1: the invariant), and quiet (2: the caller's).
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }

    /// Writes a range back to the file; `wait` until it is there, or only begin.
    pub(super) fn sync(&self, at: u64, count: u64, wait: bool) -> Result<(), Errno> {
        if count == 0 {
            return Ok(());
        }
        let (from, len) = self.pages(at, count);
        let flags = if wait { MsyncFlags::SYNC } else { MsyncFlags::ASYNC };
        // SAFETY: whole pages of this mapping; writing them back changes nothing.
        unsafe { mm::msync(self.base().wrapping_add(from).cast(), len, flags) }
    }

    /// Tells the kernel something of all pages that changes no byte.
    pub(super) fn advise(&self, advice: mm::Advice) -> Result<(), Errno> {
        self.advise_range(0, self.len(), advice)
    }

    /// The same of the pages that have something of a range.
    pub(super) fn advise_range(&self, at: u64, count: u64, advice: mm::Advice) -> Result<(), Errno> {
        if count == 0 {
            return Ok(());
        }
        let (from, len) = self.pages(at, count);
        // SAFETY: whole pages of this mapping; the callers' advice changes no byte.
        unsafe { mm::madvise(self.base().wrapping_add(from).cast(), len, advice) }
    }

    /// The pages that have something of a range: where they begin, from the mapping's start, and their bytes.
    fn pages(&self, at: u64, count: u64) -> (usize, usize) {
        let from = (self.skip + at as usize) / self.page * self.page;
        let end = (self.skip + (at + count) as usize).next_multiple_of(self.page);
        (from, end - from)
    }

    /// Keeps all pages in memory.
    pub(super) fn lock(&self) -> Result<(), Errno> {
        if self.mapped == 0 {
            return Ok(());
        }
        // SAFETY: this mapping alone; no byte changes.
        unsafe { mm::mlock(self.base().cast(), self.mapped) }
    }

    fn base(&self) -> *mut u8 {
        self.start.wrapping_sub(self.skip)
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // In a forked child something else may lie at these addresses by now.
        if self.mapped == 0 || !self.owner.is_ours() {
            return;
        }
        self.watch = None;
        // SAFETY: this mapping alone (1), which nobody reaches any more (2: this is its owner's drop).
        let unmapped = unsafe { mm::munmap(self.base().cast(), self.mapped) };
        debug_assert_eq!(unmapped, Ok(()));
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Window").field("start", &self.start).field("len", &self.len).finish_non_exhaustive()
    }
}

/// The atomics that can lie in a map.
///
/// # Safety
///
/// Any bytes are a valid value, and a shared reference allows atomic accesses only.
pub(super) unsafe trait Atomic {}

macro_rules! atomics {
    ($($atomic:ident)*) => {$(
        // SAFETY: an integer, of which no bits are invalid, with atomic accesses only.
        unsafe impl Atomic for std::sync::atomic::$atomic {}
    )*};
}
atomics!(AtomicU8 AtomicU16 AtomicU32 AtomicU64 AtomicI8 AtomicI16 AtomicI32 AtomicI64);
