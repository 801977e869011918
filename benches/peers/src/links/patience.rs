//! How long one waits for another side that may have lost what it was sent, or lose its core.

use std::thread;
use std::time::{Duration, Instant};

/// Looks between two thoughts about it.
pub(crate) const LOOKS: u64 = 1 << 14;
/// Nobody waits longer, if it has looked often enough meanwhile: who was stopped has not.
const LONGEST: Duration = Duration::from_secs(2);
const OFTEN: u64 = 1 << 16;

/// For those who are known to lose messages.
const SHORT: Duration = Duration::from_millis(100);

/// Counts the looks in vain since something happened.
pub(crate) struct Patience {
    looks: u64,
    since: Option<Instant>,
    longest: Duration,
}

impl Patience {
    pub(crate) fn new() -> Self {
        Self { looks: 0, since: None, longest: LONGEST }
    }

    pub(crate) fn short() -> Self {
        Self { longest: SHORT, ..Self::new() }
    }

    /// Something happened.
    #[inline]
    pub(crate) fn renew(&mut self) {
        self.looks = 0;
    }

    /// Another look in vain. Whether it was the last one.
    #[inline]
    pub(crate) fn is_over(&mut self) -> bool {
        self.looks += 1;
        self.looks % LOOKS == 0 && self.think()
    }

    /// The same for who gives the core away in each turn.
    #[inline]
    pub(crate) fn is_over_yielding(&mut self) -> bool {
        thread::yield_now();
        self.is_over()
    }

    #[cold]
    fn think(&mut self) -> bool {
        // It may need this core.
        thread::yield_now();
        if self.looks == LOOKS {
            self.since = Some(Instant::now());
        }
        self.looks > OFTEN && self.since.is_some_and(|since| since.elapsed() > self.longest)
    }
}
