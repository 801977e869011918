//! Counting, where it is compiled in: what a participant does, in its own record.

use crate::protocol::counters::Event;
use crate::protocol::roster::{Record, identity};

/// Whether participants of this program count.
pub(super) const COUNTS: bool = cfg!(feature = "counters");

/// Once in so many messages the sums are stored, and it is looked how full the ring is.
const MESSAGES: u64 = 1024;
/// After so many looks in turn that found nothing the sums are stored: there is time.
const LOOKS: u32 = 64;

/// What one end has moved.
///
/// Of a sole side its position says that, so that nothing is written for a message that goes by itself.
#[derive(Debug)]
pub(super) struct Tally {
    /// Which of its side's records it has.
    index: u32,
    /// Looks that found nothing since something was moved.
    looks: u32,
    /// Of a sole side: the position at which it began. Of a shared one: what it has moved, counted down.
    first: u64,
    /// Messages that went with others, but for the first of each batch.
    further: u64,
    /// As many messages are in the record.
    stored: u64,
}

impl Tally {
    pub(super) fn new(index: u32, first: u64) -> Self {
        Self { index, looks: 0, first, further: 0, stored: 0 }
    }

    /// Messages that were moved. `position`: of a sole side, where it is; of a shared one 0.
    #[inline(always)]
    fn messages(&self, position: u64) -> u64 {
        position.wrapping_sub(self.first)
    }

    /// So many messages are published, or given back, at once; whether the sums are to be stored. `position`: of a sole side,
    /// where it is now.
    #[inline(always)]
    pub(super) fn is_due(&mut self, count: u64, position: Option<u64>) -> bool {
        if !COUNTS {
            return false;
        }
        if position.is_none() {
            self.first = self.first.wrapping_sub(count);
        }
        if count != 1 {
            self.further = self.further.wrapping_add(count.wrapping_sub(1));
        }
        position.unwrap_or(self.first.wrapping_neg()) % MESSAGES < count
    }

    /// A look found nothing.
    #[inline]
    pub(super) fn nothing(&mut self, position: Option<u64>, records: &[Record]) {
        if COUNTS && self.stored != self.messages(position.unwrap_or(0)) {
            self.looks += 1;
            if self.looks >= LOOKS {
                self.store(position, records, None);
            }
        }
    }

    /// Stores the sums.
    #[cold]
    #[inline(never)]
    pub(super) fn store(&mut self, position: Option<u64>, records: &[Record], fill: Option<u64>) {
        let messages = self.messages(position.unwrap_or(0));
        if COUNTS && self.stored != messages {
            let record = &records[self.index as usize];
            record.note_moved(messages, messages.wrapping_sub(self.further));
            record.note_active(roughly_now());
            if let Some(fill) = fill {
                record.note_fill(fill);
            }
            (self.stored, self.looks) = (messages, 0);
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
