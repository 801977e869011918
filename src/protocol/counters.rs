//! What a participant says that it has done: numbers for people, in the bytes of its record that decide nothing.
//!
//! Only the holder of a record writes them. Nobody goes by them, and whoever holds a record may as well count nothing. It does if
//! [`Counts::active`] is before the time at which it came. Each is a plain load and a plain store, in no order with others, but
//! for this: whoever reads them looks who holds the record before and after, so that they are all of one holder.
//!
//! Messages are not counted there one by one: the holder stores sums now and then. Of a sole side the ring has the number of
//! messages anyway.

use super::roster::Record;
use crate::sync::Ordering::{self, Acquire, Relaxed, Release};
use crate::sync::{HintU64, fence};

/// No other word depends on them.
const APART: Ordering = Relaxed;
/// That there is a new holder is there before it begins to count, and its zeros before it says that it does. Pairs with
/// [`OBSERVE`]. Without it one that reads can mix what two have counted.
const BEGIN: Ordering = Release;
/// The counters are read between two looks at the holder. Pairs with [`BEGIN`].
const OBSERVE: Ordering = Acquire;

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

/// The counters of one holder at one time, each by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// When it came, which says whose they are: nanoseconds since the Unix epoch.
    pub since: u64,
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

impl Record {
    /// The holder that came at that time begins to count, at that position.
    pub fn begin_counting(&self, since: u64, position: u64) {
        let Often { messages, batches, refused, redelivered, sleeps, wakes, active } = &self.own.often;
        let Rare { repairs, highest_fill, first } = &self.rare;
        active.store(0, APART);
        fence(BEGIN);
        for word in [messages, batches, refused, redelivered, sleeps, wakes, repairs, highest_fill] {
            word.store(0, APART);
        }
        first.store(position, APART);
        fence(BEGIN);
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
        self.counts_beside(|| {})
    }

    /// The same, and what others do before and after the counters are read.
    fn counts_beside(&self, mut others: impl FnMut()) -> Option<Counts> {
        const LOOKS: u32 = 100;
        let look = |_| {
            let holder = self.holder();
            fence(OBSERVE);
            others();
            let counts = self.words(holder.since);
            others();
            fence(OBSERVE);
            (self.holder() == holder).then(|| holder.counts.then_some(counts))
        };
        (0..LOOKS).find_map(look).flatten()
    }

    fn words(&self, since: u64) -> Counts {
        let (often, rare) = (&self.own.often, &self.rare);
        Counts {
            since,
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
        }
    }

    fn holder(&self) -> Holder {
        let (state, since) = (self.state.load(APART), self.since.load(APART));
        let active = self.own.often.active.load(APART);
        Holder { incarnation: state >> 2, since, counts: since != 0 && active >= since }
    }
}

/// Whose counters they are.
#[derive(PartialEq, Eq)]
struct Holder {
    incarnation: u64,
    since: u64,
    counts: bool,
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::protocol::roster::{self, Identity};

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
        let before =
            Counts { since: 1000, messages: 3, batches: 2, active: 1000, first: 7, ..Counts::default() };
        assert_eq!(record.counts(), Some(before));
        record.since.store(1001, APART);
        assert_eq!(record.counts(), None);
        record.begin_counting(1001, 0);
        assert_eq!(record.counts(), Some(Counts { since: 1001, active: 1001, ..Counts::default() }));
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
    /// Holder n comes at the time n, begins at the position n, and counts n of each.
    #[test]
    fn counters_are_all_of_one_holder_though_another_comes_while_they_are_read() {
        let come = |record: &Record, number: u64| {
            roster::enter(record, Identity { pid: number, since: number });
            record.begin_counting(number, number);
            record.note_moved(number, number);
        };
        // How often it goes on until there is another one.
        for calls in 0_u32..4 {
            let (record, mut left) = (Record::default(), calls);
            come(&record, 1);
            let counts = record.counts_beside(|| {
                if left == 0 {
                    come(&record, 2);
                }
                left = left.wrapping_sub(1);
            });
            let Counts { since, messages, batches, first, .. } = counts.expect("both count");
            assert_eq!([messages, batches, first], [since; 3]);
            assert_eq!(since, if calls < 2 { 2 } else { 1 }, "after {calls}");
        }
        // Or one comes at each look.
        let (record, mut number) = (Record::default(), 1);
        come(&record, number);
        let counts = record.counts_beside(|| {
            number += 1;
            come(&record, number);
        });
        assert_eq!(counts, None);
    }
}
