//! Which slots' lines to fetch before they are needed.
//!
//! A slot's line is with the other side when a side comes to it: a receiver waits for it, the stores of a sender stand in line
//! behind it, and the compare-exchange of a shared claim waits until everything before it is done. So without help each
//! message costs the whole way of a line. A side that knows that a later slot is ready for it has that line brought early,
//! to be written. It must know, since a line that is fetched too early is torn from somebody who is still at it; so each
//! side looks at the other's index, of which a sole side keeps a copy anyway, and others take one once in a while.
//!
//! Both sides have to do it: where only the sender fetches, nothing is gained, and where only the receiver does, it is the
//! sender that waits. Here is which slot; what lies there, and so how far ahead that should be, is known to whoever moves
//! messages. Measured: `docs/performance.md`.

use super::ring::{Cursor, Position, Ring};
use crate::sync::AtomicU64;
use crate::sync::Ordering::Relaxed;

/// The other side's index is read once in so many messages.
const INTERVAL: u64 = 32;
/// What several sides have claimed is ready to within so many messages: a batch of usual size.
const CLAIMED: u64 = 32;
/// A ring that is smaller is full or empty all the time.
pub const SMALL: u32 = 64;

/// The slot so many messages after `cursor`, if its position is below `ready`. It is one of the ring if either of the two is no
/// more than a lap away.
#[inline(always)]
pub fn slot(ring: &Ring<'_>, cursor: &Cursor, distance: u32, ready: Position) -> Option<u32> {
    if cursor.position() + u64::from(distance) >= ready {
        return None;
    }
    let left = ring.capacity - cursor.slot();
    Some(if distance < left { cursor.slot() + distance } else { distance - left })
}

/// Whose position it is that says what is ready.
#[derive(Clone, Copy)]
pub struct Other<'m> {
    /// Where it is published.
    pub index: &'m AtomicU64,
    /// Slots up to so many positions after it are ready.
    pub room: u32,
    /// Whether it is moved when positions are claimed, before anything is done in their slots.
    pub claims: bool,
}

impl<'m> Other<'m> {
    /// The receiving side, as its senders see it.
    #[inline(always)]
    pub fn receivers(ring: &Ring<'m>) -> Self {
        let claims = ring.rules.shared_receivers;
        Self { index: &ring.control.head.0, room: ring.capacity, claims }
    }

    /// The sending side, as its receivers see it.
    #[inline(always)]
    pub fn senders(ring: &Ring<'m>) -> Self {
        Self { index: &ring.control.tail.0, room: 0, claims: ring.rules.shared_senders }
    }
}

/// What a side knows of the other one's position.
#[derive(Debug, Default)]
pub struct Ahead {
    /// Slots of positions below it are ready for this side, or were about to be when it was read.
    ready: Position,
    /// From here on the index is read again.
    stale: Position,
}

impl Ahead {
    /// The slot so many messages after `cursor`, where this side is, if it seems to be ready.
    #[inline(always)]
    pub fn slot(&mut self, ring: &Ring<'_>, cursor: &Cursor, distance: u32, other: Other<'_>) -> Option<u32> {
        debug_assert!(distance <= SMALL, "{distance} messages ahead");
        // `ready` may be nonsense: but this is within a lap, since it is none in a smaller ring.
        let slot = slot(ring, cursor, distance, self.ready);
        if slot.is_none() && cursor.position() >= self.stale && ring.capacity >= SMALL {
            // Only a hint: no slot is touched on the strength of it.
            let ready = other.index.load(Relaxed).saturating_add(other.room.into());
            self.ready = if other.claims { ready.saturating_sub(CLAIMED) } else { ready };
            self.stale = cursor.position() + INTERVAL;
        }
        slot
    }

    /// There was no message at that position. One that is waited for by itself is not to cost a look at the index as well.
    #[inline]
    pub fn found_nothing(&mut self, position: Position) {
        self.stale = position + INTERVAL;
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::protocol::ring::{Control, Form, OnReceiverDeath, Rules};
    use crate::protocol::strided::Strided;

    fn with_ring(capacity: u32, run: impl FnOnce(Ring<'_>)) {
        let control = Control::default();
        let rules = Rules {
            shared_senders: false,
            shared_receivers: false,
            on_receiver_death: OnReceiverDeath::Redeliver,
        };
        run(Ring {
            control: &control,
            stamps: Strided::none(),
            capacity,
            form: Form::Indexed,
            senders: &[],
            receivers: &[],
            rules,
        });
    }

    #[test]
    fn a_slot_is_fetched_only_if_its_position_is_ready() {
        with_ring(100, |ring| {
            let at = |position, ready| slot(&ring, &Cursor::at(position, 100), 8, ready);
            assert_eq!([at(0, 8), at(0, 9), at(91, 99), at(91, 100)], [None, Some(8), None, Some(99)]);
            assert_eq!([at(92, 101), at(199, 208)], [Some(0), Some(7)]);
        });
    }

    #[test]
    fn no_slot_is_fetched_that_is_not_there_whatever_the_other_side_says() {
        for capacity in [1, 4, SMALL - 1, SMALL, SMALL + 1, 100] {
            with_ring(capacity, |ring| {
                ring.control.tail.0.store(u64::MAX, Relaxed);
                let mut ahead = Ahead::default();
                let slots: Vec<_> = (0..3 * u64::from(capacity))
                    .filter_map(|at| {
                        ahead.slot(&ring, &Cursor::at(at, capacity), SMALL, Other::senders(&ring))
                    })
                    .collect();
                assert!(slots.iter().all(|slot| *slot < capacity), "{slots:?} of {capacity}");
                assert_eq!(slots.is_empty(), capacity < SMALL, "{slots:?} of {capacity}");
            });
        }
    }

    #[test]
    fn the_other_sides_position_is_read_once_in_a_while_and_what_it_claims_is_left_alone() {
        with_ring(128, |ring| {
            let index = &ring.control.tail.0;
            index.store(70, Relaxed);
            let (mut ahead, other) = (Ahead::default(), Other::senders(&ring));
            let mut slots = |claims| {
                let mut look = |at| ahead.slot(&ring, &Cursor::at(at, 128), 8, Other { claims, ..other });
                [look(0), look(1), look(61), look(62)]
            };
            assert_eq!(slots(false), [None, Some(9), Some(69), None]);
            let mut ahead = Ahead::default();
            let mut look = |at| ahead.slot(&ring, &Cursor::at(at, 128), 8, Other { claims: true, ..other });
            assert_eq!([look(0), look(29), look(30)], [None, Some(37), None]);
        });
    }

    #[test]
    fn after_a_look_in_vain_the_position_is_left_alone() {
        with_ring(128, |ring| {
            let mut ahead = Ahead::default();
            ahead.found_nothing(0);
            ring.control.tail.0.store(100, Relaxed);
            let mut look = |at| ahead.slot(&ring, &Cursor::at(at, 128), 8, Other::senders(&ring));
            assert_eq!([look(1), look(31), look(32), look(33)], [None, None, None, Some(41)]);
        });
    }
}
