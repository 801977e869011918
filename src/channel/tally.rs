//! Counting, where it is compiled in: what a participant does, in its own record.

use crate::protocol::counters::Event;
use crate::protocol::roster::{Record, identity};

/// Whether participants of this program count.
pub(super) const COUNTS: bool = cfg!(feature = "counters");

/// Once in so many messages, at least, the sums are stored, and at a tick of the clock that a wait reads.
const MESSAGES: u64 = 1024;
/// At first whenever the sums are stored, and later once in so many messages, at least, and not more often by much, it is looked
/// how full the ring is: by a line that the other side writes.
const BETWEEN_FILLS: u64 = 8 * MESSAGES;

/// What one end has moved.
///
/// Of a sole side its position says that, so that nothing is done for a message that goes by itself: the end of a lap or a batch,
/// where it has something to do anyway, is where the sums are stored, by a receiver with its next look.
#[derive(Debug)]
pub(super) struct Tally {
    /// Which of its side's records it has.
    index: u32,
    /// Of a sole side: the position at which it began.
    first: u64,
    /// Messages that were moved when the sums were last due. They are stored then, and now and then between.
    base: u64,
    /// Of a shared side: so many more before they are due again. Counted down, which with the test is two instructions.
    left: i64,
    /// Messages that went with others, but for the first of each batch.
    further: u64,
    /// As many messages are in the record.
    stored: u64,
    /// After so many it was looked how full the ring is.
    looked: u64,
}

impl Tally {
    pub(super) fn new(index: u32, first: u64) -> Self {
        Self { index, first, base: 0, left: MESSAGES as i64, further: 0, stored: 0, looked: 0 }
    }

    /// Which of its side's records it has.
    pub(super) fn index(&self) -> u32 {
        self.index
    }

    /// Messages that were moved. `position`: of a sole side, where it is.
    fn messages(&self, position: Option<u64>) -> u64 {
        let counted = || self.base.wrapping_add(MESSAGES.wrapping_sub(self.left as u64));
        position.map_or_else(counted, |position| position.wrapping_sub(self.first))
    }

    /// So many messages are published, or given back, at once; whether the sums are to be stored.
    #[inline(always)]
    pub(super) fn moved(&mut self, count: u64, is_shared: bool) -> bool {
        if !COUNTS {
            return false;
        }
        if count != 1 {
            self.further = self.further.wrapping_add(count.wrapping_sub(1));
        }
        if is_shared {
            self.left = self.left.wrapping_sub(count as i64);
        }
        is_shared && self.left <= 0
    }

    /// Whether the sums of a sole side at that position are to be stored, at the end of a lap or of a batch.
    pub(super) fn is_due_at(&self, position: u64) -> bool {
        self.messages(Some(position)).wrapping_sub(self.base) >= MESSAGES
    }

    /// The sums are due, and about to be stored: whether it is to be looked how full the ring is as well.
    pub(super) fn looks_at_fill(&mut self, position: Option<u64>) -> bool {
        let messages = self.messages(position);
        (self.base, self.left) = (messages, MESSAGES as i64);
        let looks = messages < BETWEEN_FILLS || messages.wrapping_sub(self.looked) >= BETWEEN_FILLS;
        if looks {
            self.looked = messages;
        }
        looks
    }

    /// Stores the sums.
    #[cold]
    #[inline(never)]
    pub(super) fn store(&mut self, position: Option<u64>, records: &[Record], fill: Option<u64>) {
        if !COUNTS {
            return;
        }
        let (messages, record) = (self.messages(position), &records[self.index as usize]);
        if self.stored != messages {
            record.note_moved(messages, messages.wrapping_sub(self.further));
            record.note_active(roughly_now());
            self.stored = messages;
        }
        if let Some(fill) = fill {
            record.note_fill(fill);
        }
    }

    /// Something happened that is rare, or slow.
    #[cold]
    #[inline(never)]
    pub(super) fn happened(&mut self, position: Option<u64>, records: &[Record], event: Event) {
        if COUNTS {
            self.store(position, records, None);
            happened(&records[self.index as usize], event);
        }
    }
}

/// Nanoseconds since the Unix epoch, by a clock that ticks every few milliseconds and is read without a system call.
fn roughly_now() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
    (now.tv_sec.max(0) as u64).saturating_mul(1_000_000_000).saturating_add(now.tv_nsec as u64)
}

/// The holder of that record has come, and is at that position; where its count begins.
pub(super) fn begin(record: &Record, is_shared: bool, position: u64) -> u64 {
    let first = if is_shared { 0 } else { position };
    if COUNTS {
        record.begin_counting(identity(record).since, first);
    }
    first
}

/// Something happened that is rare, or slow.
pub(super) fn happened(record: &Record, event: Event) {
    record.count(event);
    record.note_active(roughly_now());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_other_side_is_looked_at_at_first_and_then_once_in_a_while() {
        let looks = |lap: u64, before: u64| {
            let mut tally = Tally::new(0, 100);
            let positions = (1..=40).filter(|laps| tally.looks_at_fill(Some(100 + laps * lap - before)));
            positions.collect::<Vec<_>>()
        };
        assert_eq!(looks(MESSAGES, 0), [1, 2, 3, 4, 5, 6, 7, 15, 23, 31, 39]);
        assert_eq!(looks(MESSAGES, 1), [1, 2, 3, 4, 5, 6, 7, 8, 16, 24, 32, 40]);
        assert_eq!(looks(2 * MESSAGES, 1), [1, 2, 3, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40]);
        assert_eq!(looks(64 * MESSAGES, 1), (1..=40).collect::<Vec<_>>());
    }
}
