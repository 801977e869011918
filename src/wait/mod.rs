//! How to block once a protocol says "not yet".

use std::time::{Duration, Instant};

use crate::sync::Backoff;

/// What a blocking call does between two looks at the channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wait {
    /// Keeps the core: looks at once for some hundred nanoseconds, then pauses some ten nanoseconds between
    /// looks. The lowest latency, and no system call; for a process that has a core to itself.
    Spin,
    /// Spins for some tens of microseconds, then gives the core away between looks. The default: fast while
    /// the peer is running on another core, and sane where there are more processes than cores.
    #[default]
    Yield,
}

/// How long a side holds off before it looks again, so that it does not tear the line with the news from a
/// peer that is about to write it once more.
///
/// In a stream, a receiver that has caught up costs the sender one transfer of the line for each message;
/// if it holds off for a moment, one transfer brings several. In a dialogue it would only be late. The two
/// are told apart by what passed since the last wait: one message in a dialogue, more in a stream.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    pauses: u32,
    waited_at: u64,
}

/// Holding off grows to so many pauses (25 to 45 ns each).
const MOST_PAUSES: u32 = 16;
/// A ring smaller than this is full or empty before holding off can pay.
const SMALL: u32 = 64;

impl Pace {
    /// Holds off before the first look of a wait of a side that is at `position`.
    pub(crate) fn hold(&mut self, position: u64, capacity: u32) {
        let passed = position.wrapping_sub(self.waited_at);
        self.waited_at = position;
        self.pauses = if passed > 1 { (self.pauses * 2 + 1).min(MOST_PAUSES) } else { self.pauses / 2 };
        if capacity >= SMALL {
            (0..self.pauses).for_each(|_| std::hint::spin_loop());
        }
    }
}

/// One blocking call: how long it has been at it, and until when it may.
#[derive(Debug)]
pub(crate) struct Waiting {
    policy: Wait,
    backoff: Backoff,
    deadline: Option<Instant>,
    looks: u32,
}

/// A deadline is looked at once in so many looks at the channel: reading the clock costs as much as ten.
const LOOKS_PER_CLOCK: u32 = 16;

impl Waiting {
    pub(crate) fn new(policy: Wait, timeout: Option<Duration>) -> Self {
        // A timeout too long for the clock is none.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        Self { policy, backoff: Backoff::default(), deadline, looks: 0 }
    }

    /// Whether the core is given away between two looks, so that they are some microseconds or more apart.
    #[inline]
    pub(crate) fn is_slow(&self) -> bool {
        self.policy == Wait::Yield && self.backoff.yields()
    }

    /// Waits a little; false if the time is up.
    #[inline]
    pub(crate) fn pause(&mut self) -> bool {
        if let Some(deadline) = self.deadline {
            if (self.looks % LOOKS_PER_CLOCK == 0 || self.is_slow()) && Instant::now() >= deadline {
                return false;
            }
            self.looks = self.looks.wrapping_add(1);
        }
        match self.policy {
            Wait::Spin => self.backoff.spin(),
            Wait::Yield => self.backoff.snooze(),
        }
        true
    }
}
