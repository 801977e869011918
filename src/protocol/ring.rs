//! The words of a ring, and how positions, slots, laps and stamps belong together.
//!
//! Position p (from 0, never reused) lies in slot `p mod N` in lap `p div N`. Memory that is all zero is a
//! valid empty ring of any capacity N ≥ 1.
//!
//! A stamp is `lap << 12 | state`. The state FULL is 1; a word that is zero has never been written. Within
//! a slot stamps only grow, since the lap does. The twelve bits leave room for the states of the shared
//! sides (skipped, orphaned, taken) within one lap.

use super::{Line, Strided};
use crate::sync::AtomicU64;

/// Number of a message in its channel, from 0.
pub type Position = u64;

/// How a message becomes visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// By the stamp in its slot: one cache line carries the news and the message.
    Stamped,
    /// By the sender's index alone: no stamp in the slot, and a slot is exactly as large as its message.
    Indexed,
}

/// The two words that both sides share, each on a line of its own.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Control {
    /// Sender's line. Indexed: every position below it is published. Stamped: at least every position
    /// below it is; a successor looks for more.
    pub tail: Line<AtomicU64>,
    /// Receiver's line. Every position below it has been received and its slot may be written again.
    pub head: Line<AtomicU64>,
}

// Loom's atomics have another size.
#[cfg(not(loom))]
const _: () = {
    use std::mem::offset_of;
    assert!(offset_of!(Control, tail) == 0);
    assert!(offset_of!(Control, head) == 128);
    assert!(size_of::<Control>() == 256);
    assert!(size_of::<AtomicU64>() == 8 && align_of::<AtomicU64>() == 8);
};

/// A ring in place: what both sides read to know where to look.
#[derive(Clone, Copy, Debug)]
pub struct Ring<'m> {
    /// The shared words.
    pub control: &'m Control,
    /// One stamp per slot; none if the ring is [`Form::Indexed`].
    pub stamps: Strided<'m>,
    /// Number of slots, at least 1.
    pub capacity: u32,
    /// How messages become visible.
    pub form: Form,
}

impl Ring<'_> {
    /// The first position that is never used: stamps have 52 bits for the lap and a position 56.
    #[inline]
    pub fn end(&self) -> Position {
        end(self.capacity)
    }
}

/// The first position that a ring of this capacity never uses.
#[inline]
pub const fn end(capacity: u32) -> Position {
    if capacity < 16 { (capacity as u64) << 52 } else { 1 << 56 }
}

/// The stamp of a slot whose message of this lap is published.
#[inline]
pub const fn full(lap: u64) -> u64 {
    lap << 12 | 1
}

/// A position, with its slot and lap carried along so that stepping needs no division.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    position: Position,
    lap: u64,
    slot: u32,
}

impl Cursor {
    /// The cursor of a position.
    pub fn at(position: Position, capacity: u32) -> Self {
        let n = u64::from(capacity);
        Self { position, lap: position / n, slot: (position % n) as u32 }
    }

    /// The position.
    #[inline]
    pub fn position(&self) -> Position {
        self.position
    }

    /// The slot, always below the capacity.
    #[inline]
    pub fn slot(&self) -> u32 {
        self.slot
    }

    /// The lap.
    #[inline]
    pub fn lap(&self) -> u64 {
        self.lap
    }

    /// On to the next position.
    #[inline]
    pub fn step(&mut self, capacity: u32) {
        self.position += 1;
        self.slot += 1;
        if self.slot == capacity {
            self.slot = 0;
            self.lap += 1;
        }
    }
}

/// Why a side cannot go on now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// No free slot, or no message.
    NotReady,
    /// Every position that the format can count has been used.
    Exhausted,
    /// A shared word has a value that no peer that follows the protocol writes.
    Corrupt(Corruption),
}

/// A shared word that makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corruption {
    /// Which word: `head`, `tail` or `stamp`.
    pub word: &'static str,
    /// What it says.
    pub found: u64,
    /// The position this side is at.
    pub position: Position,
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_both_control_lines_at_their_bytes() {
        let lines = crate::documents::fields!(Control: tail head);
        crate::documents::assert_fields("docs/format.md", "Control lines", &lines, size_of::<Control>());
    }

    #[test]
    fn the_document_has_stamps_and_the_end_of_positions() {
        let documented = crate::documents::table("docs/format.md", "Stamps and the end, by example");
        let capacities = [1, 3, 15, 16, 1024];
        let rows = capacities.map(|capacity| {
            let at = |position| full(Cursor::at(position, capacity).lap()).to_string();
            let end = end(capacity);
            vec![capacity.to_string(), at(0), at(1), at(1000), end.to_string(), at(end - 1)]
        });
        assert_eq!(documented, rows);
    }

    #[test]
    fn a_cursor_steps_as_the_division_says() {
        for capacity in [1, 2, 3, 7, 8] {
            let mut cursor = Cursor::at(0, capacity);
            for position in 0..100 {
                assert_eq!(cursor, Cursor::at(position, capacity));
                cursor.step(capacity);
            }
        }
    }

    #[test]
    fn no_lap_overflows_its_bits_before_the_end() {
        for capacity in [1, 2, 15, 16, 17, 1024, u32::MAX] {
            let last = Cursor::at(end(capacity) - 1, capacity);
            assert!(last.lap() < 1 << 52, "capacity {capacity}");
            assert!(full(last.lap()) >> 12 == last.lap());
        }
    }
}
