//! The reading side of one cell.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::error::{LoadError, TryLoadError, WaitError};
use super::freshness::Freshness;
use super::look::Look;
use super::newer::Newer;
use crate::Message;
use crate::channel::options::EndpointOptions;
use crate::segment::{HeldCell, Locks, Segment};

/// A reader of a cell, one of any number. Its mapping is read-only, it has no place in the cell, and to load makes no store and
/// no system call. Only to sleep it stores a bit at its gate, by a mapping of its own of the roster. Only the kernel knows that it is there, so that the cell stays as long as it does.
///
/// Clones read the same cell, and so can several threads through one reader.
///
/// ```
/// use std::time::Duration;
/// # let (mut writer, reader) = ringway::seqlock::in_process::<[u64; 512]>()?;
/// writer.store([7; 512]);
/// assert_eq!(reader.load()?[511], 7);
/// let mut value = [0; 512];
/// reader.load_into(&mut value)?; // over one that is there
/// let boxed = reader.load_boxed()?;
/// assert_eq!((value, reader.version()), (*boxed, 1));
///
/// let mut seen = 1;
/// assert!(!reader.changed(seen));
/// writer.store([8; 512]);
/// assert_eq!(reader.wait_newer(&mut seen, Duration::from_secs(60))?[0], 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Reader<T: Message> {
    cell: HeldCell,
    locks: Arc<Locks>,
    options: EndpointOptions,
    of: PhantomData<fn() -> T>,
}

impl<T: Message> Reader<T> {
    pub(super) fn new(cell: HeldCell, locks: Arc<Locks>, options: EndpointOptions) -> Self {
        Self { cell, locks, options, of: PhantomData }
    }

    #[inline]
    fn look(&self) -> Look<'_, T> {
        Look::new(self.cell.place())
    }

    /// The latest value. Does not wait for a writer that is slow, stopped or dead; it copies again only if the writer has
    /// stored several values meanwhile.
    ///
    /// # Errors
    ///
    /// [`LoadError`]: nothing was stored yet, or the bytes are no value.
    #[inline]
    pub fn load(&self) -> Result<T, LoadError> {
        self.look().load()
    }

    /// As [`load`](Self::load), in so many attempts at most, but at least one.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and [`TryLoadError::Overtaken`] if each attempt was disturbed by the writer.
    #[inline]
    pub fn try_load(&self, attempts: u32) -> Result<T, TryLoadError> {
        self.look().try_load(attempts)
    }

    /// As [`load`](Self::load), straight over a value that is there: the fastest way to load a large one.
    ///
    /// Not for a checked message, whose bytes need not be a value of it: that does not compile.
    ///
    /// # Errors
    ///
    /// [`LoadError::Empty`] if nothing was stored yet; then `value` is as it was.
    #[inline]
    pub fn load_into(&self, value: &mut T) -> Result<(), LoadError> {
        self.look().load_into(value)
    }

    /// As [`load`](Self::load), into new memory of the heap, for a value that is too large to be moved about.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_boxed(&self) -> Result<Box<T>, LoadError> {
        self.look().load_boxed()
    }

    /// The latest value if it is another than number `seen`, which becomes its number; 0 is before the first one.
    ///
    /// ```
    /// # let (mut writer, reader) = ringway::seqlock::in_process::<u64>()?;
    /// let mut seen = 0;
    /// assert_eq!(reader.load_if_newer(&mut seen)?, None);
    /// writer.store(7);
    /// assert_eq!(reader.load_if_newer(&mut seen)?, Some(7));
    /// assert_eq!(reader.load_if_newer(&mut seen)?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`LoadError::Invalid`] if the bytes are no value; it counts as seen.
    #[inline]
    pub fn load_if_newer(&self, seen: &mut u64) -> Result<Option<T>, LoadError> {
        self.look().load_if_newer(seen)
    }

    /// The same, but `None` if the writer has disturbed each of some attempts.
    #[cfg(feature = "async")]
    pub(crate) fn try_newer(&self, seen: &mut u64) -> Option<Result<Option<T>, LoadError>> {
        self.look().try_newer(seen)
    }

    /// How many values have been stored in this cell since it was created, by all its writers: the number of the latest
    /// one, and 0 if there is none.
    #[inline]
    pub fn version(&self) -> u64 {
        self.look().version()
    }

    /// Whether the latest value is another than number `seen`.
    #[inline]
    pub fn changed(&self, seen: u64) -> bool {
        self.version() != seen
    }

    /// Waits for a value other than number `seen`, which becomes its number, for at most as long as it says, and for as
    /// long as a writer lives or has yet to come. It spins, yields and sleeps as [`wait`](super::Cells::wait) says.
    ///
    /// That the writer is gone is asked of the kernel once per
    /// [`liveness_interval`](super::Cells::liveness_interval), and when the time is up.
    ///
    /// # Errors
    ///
    /// [`WaitError::Timeout`] if the time is up, [`WaitError::Stale`] if there is no newer value and the writer is gone, and
    /// [`WaitError::Invalid`] if the bytes are no value.
    pub fn wait_newer(&self, seen: &mut u64, timeout: Duration) -> Result<T, WaitError> {
        self.look().wait_newer(seen, timeout, self.writer(), self.options)
    }

    /// Whether there is a writer that may store a newer value: a system call, if there was one.
    pub fn freshness(&self) -> Freshness {
        self.writer().freshness()
    }

    /// The cell as something to wait for together with others, by a [`Select`](crate::Select): it is ready when there is another
    /// value than number `seen`.
    pub fn newer_than(&self, seen: u64) -> Newer<T> {
        Newer::new(self.clone(), seen)
    }

    pub(crate) fn segment(&self) -> &Segment {
        self.cell.segment()
    }

    pub(super) fn index(&self) -> u32 {
        self.cell.index()
    }

    pub(super) fn options(&self) -> EndpointOptions {
        self.options
    }

    pub(super) fn writer(&self) -> super::look::Role<'_> {
        super::look::Role::of(self.cell.segment(), &self.locks, self.cell.index())
    }
}

impl<T: Message> fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("version", &self.version()).finish_non_exhaustive()
    }
}
