//! The words of a ring, and how positions, slots, laps and stamps belong together.
//!
//! Position p (from 0, never reused) lies in slot `p mod N` in lap `p div N`. Memory that is all zero is a
//! valid empty ring of any capacity N ≥ 1.
//!
//! `stamp` has the words in front of the messages, `intent` those in which participants say what they claim.

use super::gate::Gate;
use super::roster::{Record, Side};
use super::{Line, Strided, stamp};
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

/// What all participants share, each line for itself.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Control {
    /// Senders' line. Of shared senders: every position below it is claimed. Of a sole one, indexed: every position
    /// below it is published; stamped: at least every position below it is, and a successor looks for more.
    pub tail: Line<AtomicU64>,
    /// Receivers' line. Of shared receivers: every position below it is claimed. Of a sole one: Every position below it has been received and its slot may be written again.
    pub head: Line<AtomicU64>,
    /// The notice board of a ring with a shared side; all zero otherwise.
    pub board: Line<Board>,
    /// Where receivers sleep until there is a message, or somebody comes or goes.
    pub receivers_gate: Line<Gate>,
    /// Where senders sleep until there is a free slot, or somebody comes or goes.
    pub senders_gate: Line<Gate>,
}

/// What changes only when something is repaired, so that reading it is cheap.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Board {
    /// How often a message was set free to be delivered again.
    pub epoch: AtomicU64,
    /// Messages dropped because sixteen receivers in turn claimed them and did not give them back.
    pub poisoned: AtomicU64,
    /// Messages dropped with their dead receivers, as the channel was told to.
    pub discarded: AtomicU64,
    /// How many positions were given up before they were sent, by whomever; some may be counted twice. A hint for taps (`tap`).
    pub skips: AtomicU64,
}

// Loom's atomics have another size.
#[cfg(not(loom))]
const _: () = {
    use std::mem::offset_of;
    assert!(offset_of!(Control, tail) == 0);
    assert!(offset_of!(Control, head) == 128);
    assert!(offset_of!(Control, board) == 256);
    assert!(offset_of!(Board, epoch) == 0);
    assert!(offset_of!(Board, poisoned) == 8);
    assert!(offset_of!(Board, discarded) == 16);
    assert!(offset_of!(Board, skips) == 24);
    assert!(offset_of!(Control, receivers_gate) == 384);
    assert!(offset_of!(Control, senders_gate) == 512);
    assert!(size_of::<Control>() == 640);
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
    /// The sending side's records: 1 of a sole side.
    pub senders: &'m [Record],
    /// The receiving side's records: 1 of a sole side.
    pub receivers: &'m [Record],
    /// Which sides are shared, and what becomes of a dead receiver's messages.
    pub rules: Rules,
}

/// What a ring was made to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether there may be several senders: then a position is claimed by compare-exchange.
    pub shared_senders: bool,
    /// Whether there may be several receivers.
    pub shared_receivers: bool,
    /// What becomes of the messages that a receiver had claimed when it died.
    pub on_receiver_death: OnReceiverDeath,
}

/// What becomes of the messages that a receiver had claimed, and not given back, when it died.
///
/// ```
/// use ringway::{OnReceiverDeath, mpmc};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let name = &format!("doc-on-death-{}", std::process::id());
/// // Prices: one that was not shown is not worth showing late.
/// let channel = mpmc::channel::<f64>(name).on_receiver_death(OnReceiverDeath::Discard);
/// # channel.sender()?;
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnReceiverDeath {
    /// Another receiver gets them. So a message may be received more than once, and the later times say so.
    #[default]
    Redeliver,
    /// They are dropped, and counted. So no message is received again because of a death. What a living receiver gives
    /// up, by forgetting a lease or leaving the rest of a batch and dropping its handle, still goes to another one.
    Discard,
}

impl Control {
    /// Where that side sleeps.
    #[inline]
    pub fn gate(&self, side: Side) -> &Gate {
        match side {
            Side::Sending => &self.senders_gate.0,
            Side::Receiving => &self.receivers_gate.0,
        }
    }
}

impl Ring<'_> {
    /// The first position that is never used: stamps have 52 bits for the lap and a position 56.
    #[inline]
    pub fn end(&self) -> Position {
        end(self.capacity)
    }

    /// Whether `tail` is a hint, which may be behind what stamps say: of a sole sender that publishes by them.
    pub fn publishes_ahead(&self) -> bool {
        self.form == Form::Stamped && !self.rules.shared_senders
    }
}

/// The first position that a ring of this capacity never uses: 2^56, or where laps are short the end of the last but
/// one that a stamp can name, since a slot is given back with the stamp of the next.
#[inline]
pub const fn end(capacity: u32) -> Position {
    if capacity <= 16 { capacity as u64 * ((1 << 52) - 1) } else { 1 << 56 }
}

/// A position, with its lap carried along so that stepping needs no division.
///
/// A step writes `position` alone, and the order of the fields keeps it apart when a cursor is copied: a copy in
/// wider words would have to wait for that store, and for every one before it, until they are done. With the message
/// before among them, which another core wants to read, that was most of the time of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Cursor {
    /// The first position of the lap.
    start: Position,
    lap: u64,
    position: Position,
}

impl Cursor {
    /// The cursor of a position.
    #[inline]
    pub fn at(position: Position, capacity: u32) -> Self {
        let (start, lap) = lap_of(position, capacity);
        Self { start, lap, position }
    }

    /// The position.
    #[inline]
    pub fn position(&self) -> Position {
        self.position
    }

    /// The slot, always below the capacity.
    #[inline]
    pub fn slot(&self) -> u32 {
        (self.position - self.start) as u32
    }

    /// The lap.
    #[inline]
    pub fn lap(&self) -> u64 {
        self.lap
    }

    /// The cursor of another position: without a division in this lap and the next.
    #[inline]
    pub fn moved_to(&self, position: Position, capacity: u32) -> Self {
        let (ahead, n) = (position.wrapping_sub(self.start), u64::from(capacity));
        if ahead < n {
            Self { position, ..*self }
        } else if ahead - n < n {
            Self { start: self.start + n, lap: self.lap + 1, position }
        } else {
            Self::at(position, capacity)
        }
    }

    /// The first position of the next lap.
    #[inline]
    fn end_of_lap(&self, capacity: u32) -> Position {
        self.start + u64::from(capacity)
    }

    /// On to the next position; whether that is the first of a lap.
    #[inline]
    pub fn step(&mut self, capacity: u32) -> bool {
        self.step_before(self.end_of_lap(capacity))
    }

    /// The same, where the next lap is known to begin there.
    #[inline]
    fn step_before(&mut self, end: Position) -> bool {
        self.position += 1;
        let begins_lap = self.position == end;
        if begins_lap {
            self.start = self.position;
            self.lap += 1;
        }
        begins_lap
    }
}

/// The first position of the lap of a position, and that lap. Apart, and returned in registers.
#[inline(never)]
fn lap_of(position: Position, capacity: u32) -> (Position, u64) {
    let (n, lap) = (u64::from(capacity), position / u64::from(capacity));
    (lap * n, lap)
}

/// What is the same for all messages of the lap in which a cursor is. At hand: to work it out for each of them is a tenth of what
/// a small one costs.
#[derive(Debug)]
pub struct ThisLap {
    /// Where the next one begins.
    end: Position,
    /// The stamp of a message.
    pub full: u64,
}

impl ThisLap {
    /// Of that cursor.
    #[inline]
    pub fn of(cursor: &Cursor, capacity: u32) -> Self {
        Self { end: cursor.end_of_lap(capacity), full: stamp::full(cursor.lap()) }
    }

    /// On to the next message, with the cursor; whether that is the first of a lap.
    #[inline]
    pub fn step(&mut self, cursor: &mut Cursor, capacity: u32) -> bool {
        let begins_lap = cursor.step_before(self.end);
        if begins_lap {
            *self = Self::of(cursor, capacity);
        }
        begins_lap
    }
}

/// Why a side cannot go on now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// No free slot, or no message.
    NotReady,
    /// A word changed as often as it was looked at, so that nothing is known: neither that there is something, nor that
    /// there is nothing.
    Contended,
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
    use crate::protocol::stamp::{free, full};

    #[test]
    fn the_document_has_both_control_lines_at_their_bytes() {
        let lines = crate::documents::fields!(Control: tail head board receivers_gate senders_gate);
        crate::documents::assert_fields("docs/format.md", "Control lines", &lines, size_of::<Control>());
        let words = crate::documents::fields!(Board: epoch poisoned discarded skips);
        crate::documents::assert_fields("docs/format.md", "Board", &words, 128);
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
            let mut lap = ThisLap::of(&cursor, capacity);
            for position in 0..100 {
                assert_eq!(cursor, Cursor::at(position, capacity));
                assert_eq!(lap.full, full(cursor.lap()));
                let mut other = cursor;
                let is_first = lap.step(&mut cursor, capacity);
                assert_eq!(is_first, (position + 1) % u64::from(capacity) == 0);
                assert_eq!((other.step(capacity), other), (is_first, cursor));
            }
        }
    }

    #[test]
    fn a_cursor_moves_as_the_division_says() {
        for capacity in [1, 2, 3, 7, 8] {
            for (from, to) in (0..40).flat_map(|from| (0..40).map(move |to| (from, to))) {
                let moved = Cursor::at(from, capacity).moved_to(to, capacity);
                assert_eq!(moved, Cursor::at(to, capacity), "{from} to {to} of {capacity}");
            }
        }
    }

    #[test]
    fn no_lap_overflows_its_bits_before_the_end() {
        for capacity in [1, 2, 15, 16, 17, 1024, u32::MAX] {
            let last = Cursor::at(end(capacity) - 1, capacity);
            assert!(last.lap() + 1 < 1 << 52, "capacity {capacity}");
            assert!(free(last.lap() + 1) > full(last.lap()));
        }
    }
}
