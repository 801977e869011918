//! How hard to look again: at once, after a pause, after giving the core away.

use std::{hint::spin_loop, thread::yield_now};

/// Polls at once while the answer may be one cache line away, then pauses between polls, then yields.
///
/// Not crossbeam's `Backoff`: that one doubles its pauses up to some microseconds before it yields, and a
/// round trip through shared memory takes a tenth of one.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    polls: u32,
}

/// Polls without a pause: some hundred nanoseconds, a few round trips of a cache line.
const EAGER: u32 = 256;
/// From the eager polls up to so many, with a pause between them (25 to 45 ns each on current cores): some
/// tens of microseconds, about what it costs to be scheduled out and in again.
const PAUSING: u32 = 1280;

/// So many times the core is given away before it is better to sleep. Where there are fewer cores than processes, whoever
/// is waited for comes to run after one or a few. Of 1, 4, 16 and 64, in `mpmc` channels of two and of four senders
/// and as many receivers on two cores, none was faster than another or than never sleeping, by more than two runs of
/// the same differ: a few, so that a short wait ends without a system call of the other side.
const YIELDING: u32 = 16;

/// With so many pauses left before it gives the core away, one begins that expects to have to.
const FEW: u32 = 32;

impl Backoff {
    /// For a wait that is expected to be long, since the last one was: there seem to be fewer cores than processes
    /// that run, and the one that is waited for may need this one.
    #[inline]
    pub(crate) fn of_a_crowd() -> Self {
        Self { polls: PAUSING - FEW }
    }

    /// Whether [`snooze`](Self::snooze) has come to giving the core away.
    #[inline]
    pub(crate) fn yields(&self) -> bool {
        self.polls >= PAUSING
    }

    /// Whether the core was given away for so often that it is better to sleep.
    #[inline]
    pub(crate) fn is_tired(&self) -> bool {
        self.polls >= PAUSING + YIELDING
    }

    /// Waits a little and never gives the core away.
    #[inline]
    pub(crate) fn spin(&mut self) {
        if self.polls < EAGER {
            self.polls += 1;
        } else {
            spin_loop();
        }
    }

    /// Waits a little, and gives the core away once it has waited for long.
    #[inline]
    pub(crate) fn snooze(&mut self) {
        if self.polls < EAGER {
            self.polls += 1;
        } else if self.polls < PAUSING {
            self.polls += 1;
            spin_loop();
        } else {
            self.polls = self.polls.saturating_add(1);
            yield_now();
        }
    }
}
