//! Where the parts of a cell lie: computed from its types, never read from shared memory.
//!
//! A cell is its sequence, its slots, and its key if it has one, in this order. A key never changes, so it lies on lines
//! that nobody writes.

use std::marker::PhantomData;

use super::content::{CellSlots, Content, WORD};
use super::kind::{Kind, Terms};
use super::layout::{LINE, Shape};
use crate::message::{Message, Schema, assert_layout};
use crate::protocol::gate::Parking;
use crate::protocol::ring::OnReceiverDeath;

/// The cell part of a [`Shape`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CellShape {
    pub(crate) slots: u32,
    pub(crate) slot_stride: u64,
    /// Bytes from the start of a cell to the state of its key; the key itself follows at its alignment.
    pub(crate) key_offset: u64,
    pub(crate) key: KeyShape,
}

/// The key of a cell; all zero if there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyShape {
    pub(crate) size: u64,
    pub(crate) align: u64,
    pub(crate) schema_len: u32,
}

/// A type of keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) schema: &'static Schema,
    pub(crate) size: usize,
    pub(crate) align: usize,
}

impl Key {
    pub(crate) fn of<K: Message>() -> Self {
        const { assert_layout::<K>() }
        Self { schema: K::SCHEMA, size: size_of::<K>(), align: align_of::<K>() }
    }

    /// Distance of a key from its state, in bytes.
    pub(crate) const fn distance(align: usize) -> usize {
        WORD.next_multiple_of(align)
    }
}

/// Where the slots of a cell of `T` lie: [`Content::cell`].
pub(crate) struct Slots<T>(PhantomData<T>);

impl<T: Message> Slots<T> {
    const SLOTS: CellSlots = Content::of::<T>().cell();
    /// How many: a power of two.
    pub(crate) const COUNT: u32 = Self::SLOTS.count;
    /// Bytes from the start of the cell to the first slot.
    pub(crate) const OFFSET: usize = Self::SLOTS.offset;
    /// Bytes from one slot to the next.
    pub(crate) const STRIDE: usize = Self::SLOTS.stride;
    /// Whether a writer has lines brought to it in advance.
    pub(crate) const AHEAD: bool = Self::SLOTS.ahead();
}

impl Shape {
    /// The shape of so many cells of this kind.
    pub(crate) fn of_cells<T: Message>(
        kind: Kind,
        cells: u32,
        schema_len: u32,
        key: Option<Key>,
        parking: Parking,
    ) -> Self {
        let terms = Terms {
            kind,
            capacity: cells,
            senders: cells,
            receivers: 0,
            on_receiver_death: OnReceiverDeath::Redeliver,
            parking,
        };
        let key = key.map(|key| KeyShape {
            size: key.size as u64,
            align: key.align as u64,
            schema_len: key.schema.encode().len() as u32,
        });
        Self::of_contents(Content::of::<T>(), terms, schema_len, key)
            .expect("a value of a program fits in memory")
    }

    /// The same, of values of that size and alignment; `None` if a cell has more bytes than there can be.
    pub(super) fn of_contents(
        content: Content,
        terms: Terms,
        schema_len: u32,
        key: Option<KeyShape>,
    ) -> Option<Self> {
        let slots = content.cell();
        let line = LINE as u64;
        let end = (slots.end()? as u64).checked_next_multiple_of(line)?;
        let (key_offset, end, key) = match key {
            None => (0, end, KeyShape::default()),
            Some(key) => {
                let offset = end.checked_next_multiple_of(key.align)?;
                let behind = Key::distance(key.align as usize) as u64
                    + key.size.checked_next_multiple_of(WORD as u64)?;
                (offset, offset.checked_add(behind)?, key)
            }
        };
        let align = line.max(content.align() as u64).max(key.align);
        Some(Self {
            terms,
            schema_len,
            stride: end.checked_next_multiple_of(align)?,
            payload_offset: slots.offset as u64,
            message_size: content.size() as u64,
            message_align: content.align() as u64,
            form: None,
            cell: CellShape { slots: slots.count, slot_stride: slots.stride as u64, key_offset, key },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::{assert_values, table};
    use crate::protocol::key::SET;
    use crate::protocol::roster::Record;
    use crate::protocol::seqlock::MOST_VALUES;
    use crate::segment::Layout;

    #[test]
    fn the_document_has_the_parts_of_cells() {
        fn row<T: Message>(name: &str) -> Vec<String> {
            let shape = Shape::of_cells::<T>(Kind::Cell, 1, 9, None, Parking::Fenced);
            let CellShape { slots, slot_stride, .. } = shape.cell;
            let (size, align) = (size_of::<T>() as u64, align_of::<T>() as u64);
            let numbers = [size, align, slots.into(), shape.payload_offset, slot_stride, shape.stride];
            [name.to_owned()].into_iter().chain(numbers.map(|number| number.to_string())).collect()
        }
        let rows = [
            row::<u8>("u8"),
            row::<u64>("u64"),
            row::<[u64; 2]>("[u64; 2]"),
            row::<u128>("u128"),
            row::<[u64; 3]>("[u64; 3]"),
            row::<[u64; 4]>("[u64; 4]"),
            row::<[u64; 7]>("[u64; 7]"),
            row::<[u128; 3]>("[u128; 3]"),
            row::<[u64; 8]>("[u64; 8]"),
            row::<[u64; 9]>("[u64; 9]"),
            row::<[u64; 32]>("[u64; 32]"),
            row::<[u64; 128]>("[u64; 128]"),
            row::<[u64; 512]>("[u64; 512]"),
        ];
        assert_eq!(table("docs/format.md", "Cells by example"), rows);
    }

    #[test]
    fn the_document_has_the_constants_of_cells() {
        let values = [("most values", MOST_VALUES), ("key set", SET)];
        let values = values.map(|(name, value)| (name, value.to_string()));
        assert_values("docs/format.md", "Constants", &values);
    }

    /// Every part is aligned, inside its cell, and apart from the others.
    fn check<T: Message, K: Message>() {
        for (cells, key) in [(1, None), (3, Some(Key::of::<K>())), (1000, Some(Key::of::<K>()))] {
            let shape = Shape::of_cells::<T>(Kind::KeyedTable, cells, 77, key, Parking::Fenced);
            let plan = Layout::plan(shape).expect("it fits");
            let CellShape { slots, slot_stride, key_offset, key } = shape.cell;
            assert!(plan.schema + 77 + u64::from(key.schema_len) <= plan.roster);
            assert!(plan.roster + u64::from(cells) * size_of::<Record>() as u64 <= plan.slots);
            assert_eq!(plan.slots + u64::from(cells) * shape.stride, plan.len);
            for align in [64, align_of::<T>() as u64, key.align.max(1)] {
                assert_eq!((plan.slots % align, shape.stride % align), (0, 0));
            }
            assert!(shape.payload_offset >= 8 && slots >= 2);
            for offset in [shape.payload_offset, slot_stride] {
                assert_eq!(offset % (align_of::<T>() as u64).max(8), 0);
            }
            assert!(slot_stride >= size_of::<T>() as u64);
            let end = shape.payload_offset + u64::from(slots) * slot_stride;
            if key.align == 0 {
                assert!(end <= shape.stride);
                continue;
            }
            assert!(key_offset >= end && key_offset % 64 == 0 && key_offset % key.align == 0);
            let start = key_offset + Key::distance(key.align as usize) as u64;
            assert!(start >= key_offset + 8 && start % key.align == 0 && start % 8 == 0);
            let align = key.align.max(align_of::<T>() as u64).max(64);
            assert_eq!((start + key.size.next_multiple_of(8)).next_multiple_of(align), shape.stride);
        }
    }

    #[test]
    fn no_two_parts_of_a_cell_overlap_and_every_part_is_aligned() {
        check::<u8, u8>();
        check::<u64, [u8; 3]>();
        check::<[u8; 9], u128>();
        check::<u128, u64>();
        check::<[u64; 7], u8>();
        check::<[u128; 3], u8>();
        check::<[u64; 8], [u64; 9]>();
        check::<[u8; 100_001], [u8; 100]>();
    }
}
