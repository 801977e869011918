//! Reading several cells under one name.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::error::{LoadError, TryLoadError, WaitError};
use super::freshness::Freshness;
use super::look::{Look, Role};
use super::reader::Reader;
use crate::Message;
use crate::channel::options::EndpointOptions;
use crate::protocol::seqlock;
use crate::segment::{HeldCell, Locks, Segment};

/// A reader of the cells of a table, one of any number; as [`Reader`] is of one cell.
///
/// Cells are numbered from 0. All calls panic if there is no cell of that number, as an index does.
///
/// ```
/// use ringway::seqlock;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mut writers, reader) = seqlock::table_in_process::<f64>(3)?;
/// writers[1].store(1.5);
/// assert_eq!(reader.load(1)?, 1.5);
/// assert!(reader.load(0).is_err(), "nobody has stored anything there");
///
/// let mut seen = 0;
/// assert_eq!(reader.load_if_newer(1, &mut seen)?, Some(1.5));
/// assert_eq!(reader.load_if_newer(1, &mut seen)?, None);
/// assert_eq!(reader.snapshot().iter().flatten().count(), 1);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TableReader<T: Message> {
    segment: Segment,
    locks: Arc<Locks>,
    options: EndpointOptions,
    of: PhantomData<fn() -> T>,
}

impl<T: Message> TableReader<T> {
    pub(super) fn new(segment: Segment, locks: Arc<Locks>, options: EndpointOptions) -> Self {
        Self { segment, locks, options, of: PhantomData }
    }

    pub(super) fn segment(&self) -> &Segment {
        &self.segment
    }

    #[inline]
    fn look(&self, index: usize) -> Look<'_, T> {
        Look::new(self.segment.cell(number(index)))
    }

    /// How many cells there are.
    #[allow(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(&self) -> usize {
        self.segment.capacity() as usize
    }

    /// A reader of that cell alone.
    ///
    /// # Panics
    ///
    /// If there is no such cell.
    pub fn cell(&self, index: usize) -> Reader<T> {
        let cell = HeldCell::new(self.segment.clone(), number(index));
        Reader::new(cell, Arc::clone(&self.locks), self.options)
    }

    /// As [`Reader::load`], of that cell.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// If there is no such cell.
    #[inline]
    pub fn load(&self, index: usize) -> Result<T, LoadError> {
        self.look(index).load()
    }

    /// As [`Reader::try_load`], of that cell.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// If there is no such cell.
    #[inline]
    pub fn try_load(&self, index: usize, attempts: u32) -> Result<T, TryLoadError> {
        self.look(index).try_load(attempts)
    }

    /// As [`Reader::load_if_newer`], of that cell.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// If there is no such cell.
    #[inline]
    pub fn load_if_newer(&self, index: usize, seen: &mut u64) -> Result<Option<T>, LoadError> {
        self.look(index).load_if_newer(seen)
    }

    /// As [`Reader::version`], of that cell.
    ///
    /// # Panics
    ///
    /// If there is no such cell.
    #[inline]
    pub fn version(&self, index: usize) -> u64 {
        self.look(index).version()
    }

    /// As [`Reader::wait_newer`], of that cell.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// If there is no such cell.
    pub fn wait_newer(&self, index: usize, seen: &mut u64, timeout: Duration) -> Result<T, WaitError> {
        let writer = Role::of(&self.segment, &self.locks, number(index));
        self.look(index).wait_newer(seen, timeout, writer, self.options)
    }

    /// As [`Reader::freshness`], of that cell.
    ///
    /// # Panics
    ///
    /// If there is no such cell.
    pub fn freshness(&self, index: usize) -> Freshness {
        Role::of(&self.segment, &self.locks, number(index)).freshness()
    }

    /// The latest value of each cell, in their order. Each is complete, and was the latest one when the call came to its
    /// cell; see [`snapshot_at_once`](Self::snapshot_at_once) for what they were together.
    pub fn snapshot(&self) -> Vec<Result<T, LoadError>> {
        (0..self.len()).map(|index| self.load(index)).collect()
    }

    /// The latest value of each cell, as they all were at one instant, in so many attempts at most; `None` if something was
    /// stored during each of them. An attempt reads all cells, and then whether any has changed.
    ///
    /// ```
    /// # let name = &format!("doc-at-once-{}", std::process::id());
    /// let table = ringway::seqlock::table::<u64>(name).cells(2);
    /// let mut writers = table.clone().writers(0..2)?;
    /// writers.iter_mut().for_each(|writer| writer.store(7));
    /// let values = table.reader()?.snapshot_at_once(100).expect("nothing is stored meanwhile");
    /// assert!(values.iter().all(|value| *value == Ok(7)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn snapshot_at_once(&self, attempts: u32) -> Option<Vec<Result<T, LoadError>>> {
        (0..attempts).find_map(|_| {
            let (mut versions, mut values) = (Vec::with_capacity(self.len()), Vec::with_capacity(self.len()));
            for index in 0..self.len() {
                let (version, value) = self.look(index).load_within(1)?;
                versions.push(version);
                values.push(value);
            }
            seqlock::between_looks();
            // A cell's version only grows: one that is the same was the same in between, when all had been read.
            let mut all = versions.iter().enumerate();
            all.all(|(index, version)| self.version(index) == *version).then_some(values)
        })
    }
}

/// As cells are counted. What is too large for that is no cell.
#[inline]
pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

impl<T: Message> fmt::Debug for TableReader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableReader").field("len", &self.len()).finish_non_exhaustive()
    }
}
