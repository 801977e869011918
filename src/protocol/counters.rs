//! What a participant says that it has done: numbers for people, in the bytes of its record that decide nothing.
//!
//! Only the holder of a record writes them. Nobody goes by them: they are plain loads and stores in no order, and whoever
//! holds a record may as well count nothing. It does if [`Counts::active`] is before the time at which it came.
//!
//! Messages are not counted there one by one: the holder stores sums now and then. Of a sole side the ring has the number of
//! messages anyway.

use super::ring::{Position, Ring};
use super::roster::{Record, Side};
use crate::sync::HintU64;
use crate::sync::Ordering::{self, Relaxed};

/// No other word depends on them.
const APART: Ordering = Relaxed;

/// What changes with messages and waits: beside the intent.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Often {
    pub(super) messages: HintU64,
    pub(super) batches: HintU64,
    pub(super) refused: HintU64,
    pub(super) redelivered: HintU64,
    pub(super) sleeps: HintU64,
    pub(super) wakes: HintU64,
    pub(super) active: HintU64,
}

/// What changes rarely: on the line at which others look now and then.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Rare {
    pub(super) repairs: HintU64,
    pub(super) highest_fill: HintU64,
    pub(super) first: HintU64,
}

/// The counters at one time, each by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that were sent, or received.
    pub messages: u64,
    /// Publications, or returns of slots.
    pub batches: u64,
    /// Calls that ended with nothing since the ring was full, or empty.
    pub refused: u64,
    /// Messages received that may have been received before.
    pub redelivered: u64,
    /// How often it slept.
    pub sleeps: u64,
    /// How often it woke somebody.
    pub wakes: u64,
    /// When it last did something, as far as is known: nanoseconds since the Unix epoch.
    pub active: u64,
    /// How often it repaired what a dead participant had left.
    pub repairs: u64,
    /// The most messages that it saw in the ring.
    pub highest_fill: u64,
    /// Of a sole side: the position at which it began.
    pub first: u64,
}

/// What may be counted by ones.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// [`Counts::refused`].
    Refused,
    /// [`Counts::redelivered`].
    Redelivered,
    /// [`Counts::sleeps`].
    Sleep,
    /// [`Counts::wakes`].
    Wake,
    /// [`Counts::repairs`].
    Repair,
}

/// Of a sole side: everything below it is published, or given back.
pub fn told(ring: &Ring<'_>, side: Side) -> Position {
    match side {
        Side::Sending => ring.control.tail.0.load(APART),
        Side::Receiving => ring.control.head.0.load(APART),
    }
}

impl Record {
    /// The holder that came at that time begins to count, at that position.
    pub fn begin_counting(&self, since: u64, position: u64) {
        let Often { messages, batches, refused, redelivered, sleeps, wakes, active } = &self.own.often;
        let Rare { repairs, highest_fill, first } = &self.rare;
        for word in [messages, batches, refused, redelivered, sleeps, wakes, repairs, highest_fill] {
            word.store(0, APART);
        }
        first.store(position, APART);
        active.store(since, APART);
    }

    /// What it has moved in all.
    pub fn note_moved(&self, messages: u64, batches: u64) {
        self.own.often.messages.store(messages, APART);
        self.own.often.batches.store(batches, APART);
    }

    /// Counts something that happened.
    pub fn count(&self, event: Event) {
        let (often, rare) = (&self.own.often, &self.rare);
        let word = match event {
            Event::Refused => &often.refused,
            Event::Redelivered => &often.redelivered,
            Event::Sleep => &often.sleeps,
            Event::Wake => &often.wakes,
            Event::Repair => &rare.repairs,
        };
        // One writer: no read-modify-write.
        word.store(word.load(APART).wrapping_add(1), APART);
    }

    /// It does something at the time `now`. A clock that is set back does not count.
    pub fn note_active(&self, now: u64) {
        let active = &self.own.often.active;
        active.store(active.load(APART).max(now), APART);
    }

    /// It sees so many messages in the ring.
    pub fn note_fill(&self, fill: u64) {
        let highest = &self.rare.highest_fill;
        if highest.load(APART) < fill {
            highest.store(fill, APART);
        }
    }

    /// What the last holder counted, if it did.
    pub fn counts(&self) -> Option<Counts> {
        let (often, rare) = (&self.own.often, &self.rare);
        let counts = Counts {
            messages: often.messages.load(APART),
            batches: often.batches.load(APART),
            refused: often.refused.load(APART),
            redelivered: often.redelivered.load(APART),
            sleeps: often.sleeps.load(APART),
            wakes: often.wakes.load(APART),
            active: often.active.load(APART),
            repairs: rare.repairs.load(APART),
            highest_fill: rare.highest_fill.load(APART),
            first: rare.first.load(APART),
        };
        let since = self.since.load(APART);
        (since != 0 && counts.active >= since).then_some(counts)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_counters_at_their_bytes() {
        let often = crate::documents::fields!(
            Often: messages batches refused redelivered sleeps wakes active
        );
        crate::documents::assert_fields("docs/format.md", "Counters", &often, size_of::<Often>());
        let rare = crate::documents::fields!(Rare: repairs highest_fill first);
        crate::documents::assert_fields("docs/format.md", "Rare counters", &rare, size_of::<Rare>());
    }

    #[test]
    fn the_counters_of_one_who_counts_nothing_are_not_those_of_the_one_before() {
        let record = Record::default();
        assert_eq!(record.counts(), None, "nobody has ever been here");
        record.since.store(1000, APART);
        record.begin_counting(1000, 7);
        record.note_moved(3, 2);
        let before = Counts { messages: 3, batches: 2, active: 1000, first: 7, ..Counts::default() };
        assert_eq!(record.counts(), Some(before));
        record.since.store(1001, APART);
        assert_eq!(record.counts(), None);
        record.begin_counting(1001, 0);
        assert_eq!(record.counts(), Some(Counts { active: 1001, ..Counts::default() }));
    }

    #[test]
    fn each_event_has_a_counter_of_its_own() {
        let record = Record::default();
        record.since.store(1, APART);
        record.begin_counting(1, 0);
        let events = [Event::Refused, Event::Redelivered, Event::Sleep, Event::Wake, Event::Repair];
        for (times, event) in (1..).zip(events) {
            (0..times).for_each(|_| record.count(event));
        }
        let counts = record.counts().expect("it counts");
        let Counts { refused, redelivered, sleeps, wakes, repairs, .. } = counts;
        assert_eq!([refused, redelivered, sleeps, wakes, repairs], [1, 2, 3, 4, 5]);
        assert_eq!((counts.messages, counts.batches, counts.highest_fill), (0, 0, 0));
    }

    #[test]
    fn a_record_keeps_the_highest_fill_and_the_latest_time() {
        let record = Record::default();
        record.since.store(5, APART);
        record.begin_counting(5, 0);
        for (fill, now) in [(3, 7), (9, 9), (2, 6)] {
            record.note_fill(fill);
            record.note_active(now);
        }
        let counts = record.counts().expect("it counts");
        assert_eq!((counts.highest_fill, counts.active), (9, 9));
    }
}
