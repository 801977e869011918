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
    /// Whether it has come to sleeping.
    sleeps: bool,
}

/// What is next in a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// It has waited a little: look again.
    Look,
    /// Sleep, for at most so long.
    Sleep(Duration),
    /// The time is up.
    Over,
}

/// A deadline is looked at once in so many looks at the channel: reading the clock costs as much as ten.
const LOOKS_PER_CLOCK: u32 = 16;

impl Waiting {
    /// `crowded`: the wait before ended in giving the core away.
    pub(crate) fn new(policy: Wait, timeout: Option<Duration>, crowded: bool) -> Self {
        // A timeout too long for the clock is none.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let backoff = if crowded { Backoff::of_a_crowd() } else { Backoff::default() };
        Self { policy, backoff, deadline, looks: 0, sleeps: false }
    }

    /// Whether the core is given away between two looks, so that they are some microseconds or more apart.
    #[inline]
    pub(crate) fn is_slow(&self) -> bool {
        match self.policy {
            Wait::Spin => false,
            Wait::Yield | Wait::Park => self.backoff.yields(),
            Wait::ParkAtOnce => true,
        }
    }

    /// Whether it came to giving the core away and not to sleeping: then somebody else seems to need the core.
    pub(crate) fn is_crowded(&self) -> bool {
        self.backoff.yields() && !self.sleeps
    }

    /// Waits a little, unless it is better to sleep, or the time is up.
    #[inline]
    pub(crate) fn pause(&mut self) -> Pause {
        let mut left = Duration::MAX;
        if let Some(deadline) = self.deadline {
            if self.looks % LOOKS_PER_CLOCK == 0 || self.is_slow() {
                left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Pause::Over;
                }
            }
            self.looks = self.looks.wrapping_add(1);
        }
        match self.policy {
            Wait::Spin => self.backoff.spin(),
            Wait::Park if self.sleeps || self.backoff.is_tired() => return self.sleep(left),
            Wait::ParkAtOnce => return self.sleep(left),
            Wait::Yield | Wait::Park => self.backoff.snooze(),
        }
        Pause::Look
    }

    /// Whoever has slept and was woken for nothing sleeps again at once.
    fn sleep(&mut self, left: Duration) -> Pause {
        self.sleeps = true;
        Pause::Sleep(left)
    }
}
