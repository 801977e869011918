//! How a view is taken.

use std::ops::{Bound, RangeBounds};

use rustix::io::Errno;
use rustix::mm::Advice;

use super::access::{Access, Rights};
use super::error::{Error, ErrorKind};
use super::kinds::{
    AnyAccess, CopyOnWrite, Kind, ReadExecute, ReadOnly, ReadWrite, ReadWriteExecute, WriteOnly,
};
use super::settings::{HugePages, Pages};
use super::shared::SharedMap;
use super::stream::StreamView;
use super::view::View;
use super::window::Window;

/// How to take a view: [`SharedMap::view`] says of which range, these methods of which kind, and
/// [`accessor`](Self::accessor) or [`stream`](Self::stream) takes it.
///
/// ```
/// use ringway::map::{Access, MapOptions};
///
/// let map = MapOptions::new().capacity(8192).anonymous()?;
/// let window = map.view(100..200).read_only().accessor()?;
/// assert_eq!((window.len(), window.read::<u8>(99)?), (100, 0));
///
/// let chosen_late = Access::Write;
/// let view = map.view(8000..).access(chosen_late).accessor()?;
/// assert!(view.can_write() && !view.can_read() && view.read::<u8>(0).is_err());
///
/// // Four KiB of which no access waits for the disk.
/// let view = map.view(..4096).prefault().lock_in_memory().accessor()?;
/// # drop(view);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a view is taken by `accessor` or `stream`"]
pub struct ViewOptions<'map, K: Kind = ReadWrite> {
    map: &'map SharedMap,
    range: (Bound<u64>, Bound<u64>),
    kind: K,
    pages: Pages,
    flush_on_drop: bool,
}

impl<'map> ViewOptions<'map> {
    pub(super) fn new(map: &'map SharedMap, range: impl RangeBounds<u64>) -> ViewOptions<'map> {
        let range = (range.start_bound().cloned(), range.end_bound().cloned());
        ViewOptions { map, range, kind: ReadWrite, pages: map.pages(), flush_on_drop: false }
    }
}

impl<'map, K: Kind> ViewOptions<'map, K> {
    fn of<L: Kind>(self, kind: L) -> ViewOptions<'map, L> {
        let ViewOptions { map, range, pages, flush_on_drop, .. } = self;
        ViewOptions { map, range, kind, pages, flush_on_drop }
    }

    /// A view that reads.
    pub fn read_only(self) -> ViewOptions<'map, ReadOnly> {
        self.of(ReadOnly)
    }

    /// A view that writes.
    pub fn write_only(self) -> ViewOptions<'map, WriteOnly> {
        self.of(WriteOnly)
    }

    /// A view that reads and writes: the default.
    pub fn read_write(self) -> ViewOptions<'map, ReadWrite> {
        self.of(ReadWrite)
    }

    /// A view whose writes nobody else sees, and which are lost with it.
    pub fn copy_on_write(self) -> ViewOptions<'map, CopyOnWrite> {
        self.of(CopyOnWrite)
    }

    /// A view that reads and executes.
    pub fn read_execute(self) -> ViewOptions<'map, ReadExecute> {
        self.of(ReadExecute)
    }

    /// A view that reads, writes and executes.
    pub fn read_write_execute(self) -> ViewOptions<'map, ReadWriteExecute> {
        self.of(ReadWriteExecute)
    }

    /// A view whose kind is a value: its calls check the direction when they are made.
    ///
    /// Which map allows which view:
    ///
    /// | map \ view | read | write | read-write | copy-on-write | read-execute | read-write-execute |
    /// |---|---|---|---|---|---|---|
    /// | read | yes | | | yes | | |
    /// | read-write | yes | yes | yes | yes | | |
    /// | copy-on-write | yes | | | yes | | |
    /// | read-execute | yes | | | yes | yes | |
    /// | read-write-execute | yes | yes | yes | yes | yes | yes |
    pub fn access(self, access: Access) -> ViewOptions<'map, AnyAccess> {
        self.of(AnyAccess(access))
    }

    /// Brings all pages into memory before the view is there, so that no access has to wait for one.
    pub fn prefault(mut self) -> Self {
        self.pages.prefault = true;
        self
    }

    /// Keeps all pages of the view in memory while it lives: they are never swapped out.
    pub fn lock_in_memory(mut self) -> Self {
        self.pages.locked = true;
        self
    }

    /// Makes sure of the disk when the view is dropped; by default nothing is written back then, and the
    /// kernel does it in its own time. [`View::close`] says whether it went well.
    pub fn flush_on_drop(mut self) -> Self {
        self.flush_on_drop = true;
        self
    }

    /// Takes the view, for access at any position.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a range that is not in the map, which names
    /// `offset` or `size`; [`AccessDenied`](ErrorKind::AccessDenied) for a kind that the map does not allow;
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) where the operating system does not, such as execution
    /// of what is mounted noexec; [`TooLarge`](ErrorKind::TooLarge), [`LockLimit`](ErrorKind::LockLimit).
    pub fn accessor(self) -> Result<View<K>, Error> {
        let (offset, len) = self.resolve()?;
        let (map, access) = (self.map, self.kind.access());
        map.demand(Rights::of(access), || format!("a {access} view"))?;
        let window = self.take(offset, len)?;
        // What was written is in nobody's file.
        let flush_on_drop = self.flush_on_drop && access.changes_the_map();
        Ok(View::new(window, self.kind, offset, flush_on_drop, map.clone()))
    }

    /// Takes the view, as a stream from its first byte.
    ///
    /// # Errors
    ///
    /// As [`accessor`](Self::accessor).
    pub fn stream(self) -> Result<StreamView<K>, Error> {
        self.accessor().map(StreamView::new)
    }

    /// Offset and length of the range.
    fn resolve(&self) -> Result<(u64, u64), Error> {
        let capacity = self.map.capacity();
        let refuse = |argument, found: String, expected| Err(self.map.argument(argument, found, expected));
        let start = match self.range.0 {
            Bound::Included(start) => Some(start),
            Bound::Excluded(before) => before.checked_add(1),
            Bound::Unbounded => Some(0),
        };
        let end = match self.range.1 {
            Bound::Included(last) => last.checked_add(1),
            Bound::Excluded(end) => Some(end),
            Bound::Unbounded => Some(start.unwrap_or(0).max(capacity)),
        };
        let (start, end) = (start.unwrap_or(u64::MAX), end.unwrap_or(u64::MAX));
        if start > capacity {
            return refuse("offset", format!("{start}"), "no more than the map's capacity");
        }
        if end < start {
            return refuse("size", format!("{end} - {start}"), "a range whose end is not before its start");
        }
        if end > capacity {
            return refuse(
                "size",
                format!("{} from {start}", end - start),
                "no more than the map has from there on",
            );
        }
        Ok((start, end - start))
    }

    fn take(&self, offset: u64, len: u64) -> Result<Window, Error> {
        if len == 0 {
            return Ok(Window::empty());
        }
        let (map, pages, access) = (self.map, self.pages, self.kind.access());
        map.assert_reaches(offset + len)?;
        let window = Window::map(map.file(), map.data_offset() + offset, len, map.how(access));
        let window = window.map_err(|errno| map.os("mapping a view", len, errno))?;
        let advice = *map.lock_advice();
        if advice != super::Advice::Normal {
            let _ = window.advise(advice.of_memory());
        }
        if pages.huge == HugePages::Advise {
            let _ = window.advise(Advice::LinuxHugepage);
        }
        // The kernel answers alike where the file ends, and where there is no room.
        let no_page = || match map.assert_reaches(offset + len) {
            Ok(()) => map.error(ErrorKind::StorageFull { needed: len }),
            Err(truncated) => truncated,
        };
        if pages.prefault {
            prefault(&window, access).map_err(|errno| match errno {
                Errno::FAULT => no_page(),
                errno => map.os("bringing a view into memory", len, errno),
            })?;
        }
        if pages.locked {
            window.lock().map_err(|errno| match errno {
                // Of the limit, or of a page that cannot be had. To see which makes pages, so not where the limit says it.
                Errno::NOMEM if map.assert_reaches(offset + len).is_err() => no_page(),
                Errno::NOMEM if !is_over_limit(len) && prefault(&window, access) == Err(Errno::FAULT) => {
                    no_page()
                }
                Errno::NOMEM | Errno::PERM => map.error(ErrorKind::LockLimit { needed: len }),
                errno => map.os("locking a view in memory", len, errno),
            })?;
        }
        Ok(window)
    }
}

/// Brings all pages in: to be written where the view may.
fn prefault(window: &Window, access: Access) -> Result<(), Errno> {
    let advice = if access.can_write() { Advice::LinuxPopulateWrite } else { Advice::LinuxPopulateRead };
    match window.advise(advice) {
        // Before Linux 5.14: begin to read, which is all that is possible without changing a byte.
        Err(Errno::INVAL) => window.advise(Advice::WillNeed),
        done => done,
    }
}

/// Whether so many bytes alone are more than this process may lock.
fn is_over_limit(len: u64) -> bool {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Memlock).current;
    limit.is_some_and(|limit| len > limit)
}
