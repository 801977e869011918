//! One blocking call, from its first look to its end.

use std::time::{Duration, Instant};

use super::Wait;
use crate::sync::Backoff;

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
    /// `crowded`: the wait before ended in giving the core away.
    pub(crate) fn new(policy: Wait, timeout: Option<Duration>, crowded: bool) -> Self {
        // A timeout too long for the clock is none.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let backoff = if crowded { Backoff::of_a_crowd() } else { Backoff::default() };
        Self { policy, backoff, deadline, looks: 0 }
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
