//! The cells of a segment as references.

#![allow(unsafe_code, reason = "casts the planned parts of a cell to the types that the protocols use")]

use std::ptr::NonNull;

use super::cells::{CellShape, Key};
use super::layout::Shape;
use super::place::Segment;
use crate::protocol::roster::Record;
use crate::protocol::seqlock;
use crate::sync::{AtomicU64, words};

/// A cell in its segment, which it borrows.
///
/// Invariants: `start` is the first byte of a cell of `shape` inside the memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellPlace<'m> {
    pub(super) start: NonNull<u8>,
    pub(super) shape: &'m Shape,
}

impl<'m> CellPlace<'m> {
    /// The cell's words. `slots` are those of the segment's shape; that the caller says them again lets the compiler know
    /// them.
    #[inline]
    pub(crate) fn cell(self, slots: u32) -> seqlock::Cell<'m> {
        debug_assert_eq!(slots, self.shape.cell.slots);
        // SAFETY: the plan keeps a word there (invariant), aligned to 64, which is only accessed atomically; zero bytes
        // are valid; the borrow keeps the memory. Of a mapping that is read-only it is only loaded, Relaxed.
        seqlock::Cell { sequence: unsafe { self.start.cast::<AtomicU64>().as_ref() }, slots }
    }

    /// The number of the latest value.
    pub(crate) fn version(self) -> u64 {
        self.cell(self.shape.cell.slots).version()
    }

    /// A copy of the latest value with its number, `None` where there is none; or `None` if the writer was faster.
    #[allow(clippy::option_option, reason = "the outer one is whether it came about")]
    pub(crate) fn copy_value(self) -> Option<Option<(u64, Vec<u8>)>> {
        let Shape { payload_offset, cell: CellShape { slots, slot_stride, .. }, message_size, .. } =
            *self.shape;
        let cell = self.cell(slots);
        let Some(reading) = cell.begin() else { return Some(None) };
        let (slot, version) = (cell.slot(reading.version()), reading.version());
        let from = self.slot(slot, payload_offset as usize, slot_stride as usize);
        let mut value = vec![0; message_size as usize];
        // SAFETY: 1. readable words of a slot, which everybody accesses by such copies; 2. the copy is private.
        unsafe { words::load(from.as_ptr(), value.as_mut_ptr(), value.len()) };
        cell.accept(reading).then_some(Some((version, value)))
    }

    /// A copy of the key, which is set.
    pub(crate) fn copy_key(self) -> Vec<u8> {
        let mut key = vec![0; self.shape.cell.key.size as usize];
        // SAFETY: 1. readable words of a key, which everybody accesses by such copies; 2. the copy is private.
        unsafe { words::load(self.key().as_ptr(), key.as_mut_ptr(), key.len()) };
        key
    }

    /// The start of a slot. `slots`, `offset` and `stride` are those of the shape, likewise.
    #[inline]
    pub(crate) fn slot(self, slot: u32, offset: usize, stride: usize) -> NonNull<u8> {
        let CellShape { slots, slot_stride, .. } = self.shape.cell;
        debug_assert!(
            slot < slots && (offset as u64, stride as u64) == (self.shape.payload_offset, slot_stride)
        );
        // SAFETY: slots are below their number, so it is inside the cell (invariant).
        unsafe { self.start.byte_add(offset + slot as usize * stride) }
    }

    /// The state of the cell's key.
    pub(crate) fn key_state(self) -> &'m AtomicU64 {
        let CellShape { key_offset, key, .. } = self.shape.cell;
        assert_ne!(key.align, 0, "a table without keys");
        // SAFETY: the plan keeps a word there (invariant), aligned to 64.
        let state = unsafe { self.start.byte_add(key_offset as usize) };
        // SAFETY: as in `cell`.
        unsafe { state.cast::<AtomicU64>().as_ref() }
    }

    /// The start of the cell's key.
    pub(crate) fn key(self) -> NonNull<u8> {
        let CellShape { key_offset, key, .. } = self.shape.cell;
        assert_ne!(key.align, 0, "a table without keys");
        // SAFETY: the plan keeps the key there (invariant).
        unsafe { self.start.byte_add(key_offset as usize + Key::distance(key.align as usize)) }
    }
}

/// A cell, and the segment that it keeps.
#[derive(Clone, Debug)]
pub(crate) struct HeldCell {
    /// The start of cell `index` (invariant).
    start: NonNull<u8>,
    /// The record of its writer (invariant).
    record: NonNull<Record>,
    index: u32,
    segment: Segment,
}

// SAFETY: as of `Segment`, of which it is a part.
unsafe impl Send for HeldCell {}
// SAFETY: as above.
unsafe impl Sync for HeldCell {}

impl HeldCell {
    /// The cell of that number.
    ///
    /// # Panics
    ///
    /// If there is no such cell.
    pub(crate) fn new(segment: Segment, index: u32) -> Self {
        let start = segment.cell(index).start;
        let record = NonNull::from(&segment.senders()[index as usize]);
        Self { start, record, index, segment }
    }

    /// Of its writer.
    #[inline]
    pub(crate) fn record(&self) -> &Record {
        // SAFETY: a record (invariant), which the segment keeps; it holds only atomics.
        unsafe { self.record.as_ref() }
    }

    /// Where it lies.
    ///
    /// # Panics
    ///
    /// In a forked child.
    #[inline]
    #[track_caller]
    pub(crate) fn place(&self) -> CellPlace<'_> {
        self.segment.assert_ours();
        CellPlace { start: self.start, shape: self.segment.shape() }
    }

    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    pub(crate) fn segment(&self) -> &Segment {
        &self.segment
    }
}
