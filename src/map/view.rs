//! A part of a map, mapped: what all kinds of views have in common.

use std::fmt;

use super::access::Access;
use super::access_error::AccessError;
use super::error::{Error, ErrorKind};
use super::kinds::{AnyAccess, Kind, ReadWrite, Readable, Writable};
use super::shared::SharedMap;
use super::window::Window;

/// A part of a map, mapped into this process, for access at any position.
///
/// Any number of views may overlap, in this and other processes: what is written through one is at once seen
/// through the others, unless it is copy-on-write. A view keeps its map alive, and with it its name. It is exactly
/// as long as was asked for.
///
/// Others may write to the bytes at any time, so there is no safe way to a `&[u8]`: values are copied in and out,
/// and words can be accessed in place as atomics.
///
/// If the file is truncated by somebody else, or a hole cannot be filled, the accesses to what is lost are errors
/// ([`AccessError::Truncated`], [`AccessError::NoRoom`]) and not the end of the process; see
/// [`check`](Self::check).
///
/// A child forked without exec must not use a view of its parent's, unless the map is
/// [inheritable](super::MapOptions::inheritable).
///
/// ```
/// use std::sync::atomic::Ordering;
/// use ringway::map::MapOptions;
///
/// let map = MapOptions::new().capacity(100).anonymous()?;
/// let view = map.accessor()?;
/// view.write(0, &7_u32)?; // a value of any plain type, at any position
/// view.write_slice(4, &[1_u16, 2, 3])?;
/// let mut two = [0_u16; 2];
/// assert_eq!((view.read_slice(6, &mut two)?, two), (2, [2, 3]));
/// view.atomic_u32(0)?.fetch_add(1, Ordering::Relaxed); // a word in place
/// assert_eq!(map.view(..).read_only().accessor()?.read::<u32>(0)?, 8);
///
/// view.write(99, &2_u8)?;
/// assert!(view.read_checked::<bool>(99).is_err(), "2 is no `bool`");
/// view.close()?; // as a drop, but with an error where there is one
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct View<K: Kind = ReadWrite> {
    /// Dropped before the map: a holder gives up its presence when it has nothing mapped any more.
    window: Window,
    kind: K,
    /// Where the view begins in the map.
    offset: u64,
    flush_on_drop: bool,
    map: SharedMap,
}

/// A view whose access was chosen when the program ran.
pub type AnyView = View<AnyAccess>;

impl<K: Kind> View<K> {
    pub(super) fn new(window: Window, kind: K, offset: u64, flush_on_drop: bool, map: SharedMap) -> View<K> {
        View { window, kind, offset, flush_on_drop, map }
    }

    /// The bytes of the view: exactly what was asked for.
    pub fn len(&self) -> u64 {
        self.window.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where it begins in the map.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What it may do.
    pub fn access(&self) -> Access {
        self.kind.access()
    }

    /// Whether its bytes can be read.
    pub fn can_read(&self) -> bool {
        self.access().can_read()
    }

    /// Whether its bytes can be written.
    pub fn can_write(&self) -> bool {
        self.access().can_write()
    }

    /// The map that it is a part of.
    pub fn map(&self) -> &SharedMap {
        &self.map
    }

    /// The bytes between the page boundary at which the mapping begins and the view. Pointers have it added already.
    pub fn pointer_offset(&self) -> usize {
        self.window.skip()
    }

    /// Whether all bytes are still those of the file, as far as any access has found out.
    ///
    /// For those who use pointers or atomics: an access to what is lost meets zeros, what is written there goes
    /// nowhere, and this call says so afterwards.
    ///
    /// # Errors
    ///
    /// [`AccessError::Truncated`] and [`AccessError::NoRoom`].
    pub fn check(&self) -> Result<(), AccessError> {
        self.window.check(0, self.len())
    }

    /// Writes the view back to the file, and returns when it is there. Not needed for others to see what was
    /// written, nor for it to survive this process: only against the loss of power.
    ///
    /// What others wrote to these pages is written back too, also through a view that only reads; of copy-on-write
    /// pages and of memory there is nothing to write back. It covers whole pages, so a little more than the view.
    ///
    /// # Errors
    ///
    /// [`Truncated`](ErrorKind::Truncated) when the file has become shorter, [`StorageFull`](ErrorKind::StorageFull)
    /// when a hole could not be filled, and what the operating system says.
    pub fn flush(&self) -> Result<(), Error> {
        self.sync(0, self.len(), true)
    }

    /// As [`flush`](Self::flush), for a part of the view.
    ///
    /// ```
    /// use ringway::map::{FileMode, MapOptions};
    /// # let path = std::env::temp_dir().join(format!("doc-flush-{}", std::process::id()));
    /// let map = MapOptions::new().file_mode(FileMode::CreateNew).capacity(8192).open_path(&path)?;
    /// let view = map.view(..).flush_on_drop().accessor()?;
    /// view.write(0, &7_u64)?;
    /// view.flush_range(0, 8)?; // it is on the disk
    /// view.write(4096, &8_u64)?;
    /// view.flush_async()?; // the kernel begins with it
    /// drop(view); // and now that is there, too
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As there; [`InvalidArgument`](ErrorKind::InvalidArgument) for a part that is not in the view.
    pub fn flush_range(&self, at: u64, count: u64) -> Result<(), Error> {
        self.sync(at, count, true)
    }

    /// As [`flush`](Self::flush), but only begins to write.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn flush_async(&self) -> Result<(), Error> {
        self.sync(0, self.len(), false)
    }

    /// Refuses a range that is not in the view.
    pub(super) fn assert_part(&self, at: u64, count: u64) -> Result<(), Error> {
        if at.checked_add(count).is_some_and(|end| end <= self.len()) {
            return Ok(());
        }
        let found = format!("{count} bytes from {at}");
        Err(self.map.argument("range", found, "a part of the view"))
    }

    pub(super) fn window(&self) -> &Window {
        &self.window
    }

    fn sync(&self, at: u64, count: u64, wait: bool) -> Result<(), Error> {
        self.assert_part(at, count)?;
        self.window.sync(at, count, wait).map_err(|errno| self.map.os("flushing a view", 0, errno))?;
        if count == 0 {
            return Ok(());
        }
        match self.window.check(at, count) {
            Ok(()) => self.map.assert_reaches(self.offset + at + count),
            Err(AccessError::NoRoom { .. }) => Err(self.map.error(ErrorKind::StorageFull { needed: count })),
            Err(AccessError::Truncated { from, .. }) => {
                // It may be longer again; what this view has of it is not.
                let left = self.map.data_offset() + self.offset + from;
                let found = self.map.file_len_now().map_or(left, |len| len.min(left));
                let expected = self.map.data_offset() + self.offset + at + count;
                Err(self.map.error(ErrorKind::Truncated { found, expected }))
            }
            Err(other) => unreachable!("a check finds no {other:?}"),
        }
    }

    /// Unmaps the view. The same happens on drop; this says what went wrong.
    ///
    /// # Errors
    ///
    /// Those of [`flush`](Self::flush), if the view is one that
    /// [flushes on drop](super::ViewOptions::flush_on_drop).
    pub fn close(mut self) -> Result<(), Error> {
        let flushes = self.flushes();
        self.flush_on_drop = false;
        if flushes { self.flush() } else { Ok(()) }
    }

    /// Whether it is flushed at its end: not by a forked child, where something else may lie at its addresses.
    fn flushes(&self) -> bool {
        self.flush_on_drop && self.window.is_ours()
    }

    pub(super) fn to_read(&self) -> Result<&Window, AccessError> {
        let access = self.access();
        if access.can_read() {
            Ok(&self.window)
        } else {
            Err(AccessError::Direction { wanted: "read", access })
        }
    }

    pub(super) fn to_write(&self) -> Result<&Window, AccessError> {
        let access = self.access();
        if access.can_write() {
            Ok(&self.window)
        } else {
            Err(AccessError::Direction { wanted: "write", access })
        }
    }
}

impl<K: Readable> View<K> {
    /// The first byte, valid for reads of [`len`](Self::len) bytes while the view lives. Dangling for an empty view.
    ///
    /// Others may write at any time, so a `&[u8]` made of it is unsound: read through atomics, or what is volatile.
    /// An [`AnyView`] may be one that must not be read: ask [`can_read`](Self::can_read).
    ///
    /// What a pointer cannot promise: an access to what a truncation took away meets zeros, or writes to nowhere,
    /// without a word. [`check`](Self::check) tells afterwards.
    pub fn as_ptr(&self) -> *const u8 {
        self.window.as_ptr()
    }

    /// The bytes as a slice.
    ///
    /// ```
    /// let map = ringway::map::MapOptions::new().capacity(4).anonymous()?;
    /// map.view(..).accessor()?.write_all_at(0, &[1, 2, 3, 4])?;
    /// let view = map.view(..).read_only().accessor()?;
    /// // SAFETY: nobody else has the map, and nothing writes to it while the slice is there.
    /// assert_eq!(unsafe { view.as_slice() }, [1, 2, 3, 4]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Safety
    ///
    /// While the slice lives nobody writes to these bytes, in this or another process, through a view, a file
    /// or a pointer, not even where the view is copy-on-write; nobody truncates the file; and the view can be read.
    #[allow(unsafe_code, reason = "only the caller can know that nobody writes")]
    pub unsafe fn as_slice(&self) -> &[u8] {
        // SAFETY: the caller's.
        unsafe { self.window.as_slice() }
    }
}

impl<K: Writable> View<K> {
    /// As [`as_ptr`](Self::as_ptr), valid for writes, and for reads where the view [can](Self::can_read).
    /// An [`AnyView`] may be one that must not be written: ask [`can_write`](Self::can_write).
    ///
    /// ```
    /// let map = ringway::map::MapOptions::new().capacity(8192).anonymous()?;
    /// let view = map.view(4100..).accessor()?;
    /// assert_eq!(view.pointer_offset(), 4, "pages have 4096 bytes, or a multiple of that, here");
    /// // SAFETY: within the view, and nobody else has the map.
    /// unsafe { view.as_mut_ptr().write(7) };
    /// // SAFETY: the same.
    /// assert_eq!(unsafe { view.as_ptr().read() }, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn as_mut_ptr(&self) -> *mut u8 {
        self.window.as_ptr()
    }
}

impl<K: Kind> Drop for View<K> {
    fn drop(&mut self) {
        if self.flushes() {
            let _ = self.flush();
        }
    }
}

impl<K: Kind> fmt::Debug for View<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("access", &self.access())
            .field("offset", &self.offset)
            .field("len", &self.len())
            .field("map", &self.map)
            .finish_non_exhaustive()
    }
}
