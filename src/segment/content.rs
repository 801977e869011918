//! What lies in a slot or in a cell, as far as the layout of a segment depends on it: so many bytes at that alignment.

use super::kind::Kind;
use super::layout::LINE;
use crate::message::{Message, SchemaTree, assert_layout};
use crate::protocol::ring::Form;

/// Bytes of a stamp, of a sequence, of the state of a key.
pub(super) const WORD: usize = 8;
/// A sequence that is alone.
const APART: usize = 2 * LINE;

/// The size of a type and its alignment, a power of two, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    size: usize,
    align: usize,
}

impl Content {
    /// Bytes from one slot to the next, at least.
    pub(crate) const LEAST_STRIDE: usize = 16;

    /// Of a type of this program.
    pub(crate) const fn of<T: Message>() -> Self {
        assert_layout::<T>();
        Self { size: size_of::<T>(), align: align_of::<T>() }
    }

    /// Of a type that only its schema is known of; `None` if there can be no mapping of two of them.
    pub(crate) fn described_by(schema: &SchemaTree) -> Option<Self> {
        let size = usize::try_from(schema.size()).ok().filter(|size| *size <= usize::MAX >> 2)?;
        Some(Self { size, align: schema.align() as usize })
    }

    pub(crate) const fn size(self) -> usize {
        self.size
    }

    pub(crate) const fn align(self) -> usize {
        self.align
    }

    /// How messages of this type become visible in a channel of this kind.
    ///
    /// Where a side is shared, by their stamp: an index of a shared side says who has claimed what, not what is
    /// complete. Else by their stamp if stamp and message fit one cache line, and otherwise by index: a message
    /// of several lines has to wait for them anyway, and a stamp would take it to one more.
    pub(crate) const fn form(self, kind: Kind) -> Form {
        let shared = !matches!(kind, Kind::Spsc);
        if shared || WORD.next_multiple_of(self.align) + self.size <= LINE {
            Form::Stamped
        } else {
            Form::Indexed
        }
    }

    /// Distance of the message from the start of its slot, in bytes.
    pub(crate) const fn payload_offset(self, kind: Kind) -> usize {
        match self.form(kind) {
            Form::Stamped => WORD.next_multiple_of(self.align),
            Form::Indexed => 0,
        }
    }

    /// Distance of the slots from each other, in bytes: 16, 32 or a multiple of 64, and of the alignment.
    pub(crate) const fn stride(self, kind: Kind) -> usize {
        let bytes = self.payload_offset(kind) + self.size;
        let lines = if bytes <= Self::LEAST_STRIDE {
            Self::LEAST_STRIDE
        } else if bytes <= 32 {
            32
        } else {
            bytes.next_multiple_of(LINE)
        };
        lines.next_multiple_of(self.align)
    }

    /// Where the slots of a cell of it lie.
    ///
    /// The sequence is on the line that everybody wants. Of a small value it is not alone there: with both slots beside it
    /// one line moves for a value, with one slot every other value. A larger value has lines of its own, and the more slots
    /// it has, the less often the writer meets a reader in one: but they should fit into a cache together.
    pub(crate) const fn cell(self) -> CellSlots {
        let words = if self.size == 0 { WORD } else { self.size.next_multiple_of(WORD) };
        let bytes = words.next_multiple_of(self.align);
        // Behind the sequence.
        let next = WORD.next_multiple_of(self.align);
        if next + bytes > LINE {
            let count = match bytes {
                0..=128 => 32,
                129..=512 => 16,
                513..=2048 => 8,
                _ => 4,
            };
            let offset = APART.next_multiple_of(self.align);
            return CellSlots { count, offset, stride: bytes.next_multiple_of(LINE), bytes };
        }
        let count = if next + 4 * bytes <= LINE { 4 } else { 2 };
        // If they do not fit: the first one behind the sequence, the second one at the start of the next line.
        let stride = if next + count * bytes <= LINE { bytes } else { LINE - next };
        CellSlots { count: count as u32, offset: next, stride, bytes }
    }
}

/// The slots of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CellSlots {
    /// How many: a power of two.
    pub(crate) count: u32,
    /// Bytes from the start of the cell to the first slot.
    pub(crate) offset: usize,
    /// Bytes from one slot to the next.
    pub(crate) stride: usize,
    /// Bytes of a value, in whole words, at its alignment.
    bytes: usize,
}

impl CellSlots {
    /// Whether a writer has the lines of the slot after the next one brought to it in advance. Between values of this size
    /// there is time for it, and by turns with a reader a writer then stores half as much again; a smaller or larger
    /// value gains nothing by it.
    pub(super) const fn ahead(self) -> bool {
        matches!(self.bytes, 513..=2048)
    }

    /// Behind the last slot; `None` where that is beyond what there can be.
    pub(super) fn end(self) -> Option<usize> {
        self.stride.checked_mul(self.count as usize)?.checked_add(self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_brought_in_advance_for_values_between_which_there_is_time_for_it() {
        let ahead = |size| Content { size, align: 8 }.cell().ahead();
        assert_eq!([0, 8, 504, 512].map(ahead), [false; 4]);
        assert_eq!([513, 520, 1024, 2048].map(ahead), [true; 4]);
        assert_eq!([2049, 4096, 1 << 20].map(ahead), [false; 3]);
    }
}
