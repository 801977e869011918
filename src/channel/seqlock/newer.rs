//! Waiting for a newer value of a cell, together with other things.

use std::fmt;

use super::look::Watch;
use super::reader::Reader;
use crate::channel::source::sealed::Waits;
use crate::channel::source::{At, Spot};
use crate::wait::Bell;
#[cfg(feature = "async")]
use crate::wait::reactor::Ticket;
use crate::{Departure, Message};

/// A cell as a [`Source`](crate::Source): ready when its latest value is another than one that was seen, or when no writer is
/// there any more that could store one. [`Reader::newer_than`] makes it.
///
/// ```
/// use ringway::{Select, seqlock};
///
/// let (mut writer, reader) = seqlock::in_process::<u64>()?;
/// let (mut newer, mut select) = (reader.newer_than(0), Select::fair());
/// assert_eq!(select.poll(&mut [&mut newer]), None);
/// writer.store(7);
/// assert_eq!(select.wait(&mut [&mut newer]), 0);
///
/// let mut seen = newer.seen();
/// assert_eq!(newer.reader().load_if_newer(&mut seen)?, Some(7));
/// newer.set_seen(seen); // it is ready again when there is another value
/// assert_eq!(select.poll(&mut [&mut newer]), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Newer<T: Message> {
    /// Dropped before the memory that it is about.
    #[cfg(feature = "async")]
    ticket: Option<Ticket>,
    reader: Reader<T>,
    seen: u64,
    watch: Watch,
    gone: Option<Departure>,
}

impl<T: Message> Newer<T> {
    pub(super) fn new(reader: Reader<T>, seen: u64) -> Self {
        let watch = Watch::new(reader.options().liveness_interval);
        Self {
            #[cfg(feature = "async")]
            ticket: None,
            reader,
            seen,
            watch,
            gone: None,
        }
    }

    /// What it reads.
    pub fn reader(&self) -> &Reader<T> {
        &self.reader
    }

    /// From now on it is ready when there is another value than number `seen`.
    pub fn set_seen(&mut self, seen: u64) {
        self.seen = seen;
    }

    /// The number of the value that was seen.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// How the writer went, if that is why it was ready the last time.
    #[cfg(feature = "async")]
    pub(crate) fn gone(&self) -> Option<Departure> {
        self.gone
    }
}

impl<T: Message> Waits for Newer<T> {
    fn is_ready(&mut self, due: bool) -> bool {
        if self.reader.changed(self.seen) {
            self.gone = None;
            return true;
        }
        let is_due = self.watch.is_due(due);
        self.gone = self.reader.writer().gone(is_due);
        self.gone.is_some()
    }

    fn spot(&self) -> Spot {
        let segment = self.reader.segment().clone();
        // Only one that comes to sleeping needs it.
        let bell = Bell::new(segment.parking());
        Spot { segment, at: At::Cell(self.reader.index()), bell, at_most: self.watch.left() }
    }

    #[cfg(feature = "async")]
    fn ticket(&mut self) -> &mut Option<Ticket> {
        &mut self.ticket
    }
}

impl<T: Message> fmt::Debug for Newer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Newer").field("seen", &self.seen).finish_non_exhaustive()
    }
}
