//! The writing side of one cell.

use std::fmt;
use std::sync::Arc;

use super::draft::Draft;
use super::error::LoadError;
use super::holder::{Claim, Holder};
use super::slots;
use crate::channel::{Predecessor, open};
use crate::protocol::seqlock;
use crate::segment::{CellPlace, HeldCell, Locks};
use crate::{Error, Message};

/// The writer of a cell: the only one. Dropping it leaves the cell; its latest value stays, for as long as anybody has the
/// cell open.
///
/// ```
/// use ringway::seqlock;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mut writer, reader) = seqlock::in_process::<[f64; 2]>()?;
/// writer.store([1.0, 2.0]);
/// writer.update(|value| value[1] += 0.5)?; // from the latest one
/// assert_eq!(reader.load()?, [1.0, 2.5]);
/// assert_eq!(writer.version(), 2);
///
/// drop(writer);
/// assert_eq!(reader.load()?, [1.0, 2.5], "the latest value stays");
/// assert!(!reader.freshness().is_fresh());
/// # Ok(()) }
/// ```
// Two ends beside each other in memory, used by two threads, would share a cache line otherwise.
#[repr(align(128))]
pub struct Writer<T: Message> {
    side: seqlock::Writer,
    holder: Holder,
    of: std::marker::PhantomData<fn(T)>,
}

impl<T: Message> Writer<T> {
    /// Takes the role of the cell's writer. Nobody else takes this cell's by these locks.
    pub(super) fn attach(cell: HeldCell, locks: Arc<Locks>) -> Result<Self, Error> {
        Self::of(Claim::new(cell, locks)?.enter())
    }

    /// The writer that has the role.
    pub(super) fn of(holder: Holder) -> Result<Self, Error> {
        let cell = holder.cell();
        let side = seqlock::Writer::resume(&slots::cell::<T>(cell.place()))
            .map_err(|corruption| open::inconsistent(cell.segment(), corruption))?;
        Ok(Self { side, holder, of: std::marker::PhantomData })
    }

    /// Its cell.
    #[cfg(test)]
    pub(crate) fn cell(&self) -> &HeldCell {
        self.holder.cell()
    }

    #[inline]
    pub(super) fn place(&self) -> CellPlace<'_> {
        self.holder.cell().place()
    }

    /// The slot of the next value, to be written before it is published.
    #[inline]
    pub(super) fn begin(&self) -> u32 {
        self.side.begin(&slots::cell::<T>(self.place()))
    }

    /// The slot that was begun holds the next value.
    #[inline]
    pub(super) fn publish(&mut self) {
        let (side, place) = self.side();
        side.publish(&slots::cell::<T>(place));
        self.holder.ring();
    }

    /// The slot of the latest value.
    pub(super) fn latest_slot(&self) -> Option<u32> {
        let version = self.version();
        (version != 0).then(|| slots::cell::<T>(self.place()).slot(version))
    }

    #[inline]
    fn side(&mut self) -> (&mut seqlock::Writer, CellPlace<'_>) {
        (&mut self.side, self.holder.cell().place())
    }

    /// Stores a value: from one instant on it is the latest, and no reader ever sees a part of it before. Waits for
    /// nobody.
    #[inline]
    pub fn store(&mut self, value: T) {
        self.store_ref(&value);
    }

    /// As [`store`](Self::store), for a value that is too large to be moved about.
    ///
    /// ```
    /// let (mut writer, reader) = ringway::seqlock::in_process::<[u64; 4096]>()?;
    /// let frame = Box::new([7; 4096]);
    /// writer.store_ref(&frame); // from where it is, into its slot
    /// assert_eq!(reader.load_boxed()?, frame);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn store_ref(&mut self, value: &T) {
        let (side, place) = self.side();
        slots::store(place, side, value);
        self.holder.ring();
    }

    /// Stores what `change` makes of the latest value, and returns what it returns.
    ///
    /// # Errors
    ///
    /// [`LoadError::Empty`] if nothing was stored yet, by this writer or one before it; then `change` is not called.
    /// [`LoadError::Invalid`] if the bytes of the latest value, which a writer before this one left, are no `T`.
    #[inline]
    pub fn update<R>(&mut self, change: impl FnOnce(&mut T) -> R) -> Result<R, LoadError> {
        let mut value = self.load()?;
        let answer = change(&mut value);
        self.store_ref(&value);
        Ok(answer)
    }

    /// The latest value.
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update).
    #[inline]
    pub fn load(&self) -> Result<T, LoadError> {
        slots::load(self.place())
    }

    /// The next value, to be written in place: in the slot in which readers will find it. For a large value that is
    /// filled by parts, or of which little changes.
    ///
    /// Not for a checked message, whose bytes need not be a value of it: that does not compile.
    #[inline]
    pub fn draft(&mut self) -> Draft<'_, T> {
        Draft::new(self)
    }

    /// How many values have been stored in this cell since it was created, by all its writers: the number of the latest
    /// one, and 0 if there is none.
    #[inline]
    pub fn version(&self) -> u64 {
        self.side.version()
    }

    /// How the one that had this role before ended.
    pub fn predecessor(&self) -> Predecessor {
        self.holder.predecessor()
    }
}

impl<T: Message> fmt::Debug for Writer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("version", &self.version()).finish_non_exhaustive()
    }
}
