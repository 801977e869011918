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

    /// Waits a little; false if the time is up.
    #[inline]
    pub(crate) fn pause(&mut self) -> bool {
        if let Some(deadline) = self.deadline {
            if self.looks % LOOKS_PER_CLOCK == 0 && Instant::now() >= deadline {
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
