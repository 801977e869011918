//! How long one waits for another side that may have lost what it was sent, or lose its core.

use std::thread;
use std::time::{Duration, Instant};

/// Looks between two thoughts about it.
pub(crate) const LOOKS: u64 = 1 << 14;
/// The same for who gives the core away at each look, which may take long.
const YIELDS: u64 = 1 << 6;
/// Nobody waits longer, if there were so many thoughts meanwhile: who was stopped had none.
const LONGEST: Duration = Duration::from_secs(2);
const THOUGHTS: u32 = 4;
/// For those who are known to lose messages.
const SHORT: Duration = Duration::from_millis(100);

/// Counts the looks in vain since something happened.
pub(crate) struct Patience {
    looks: u64,
    thoughts: u32,
    since: Option<Instant>,
    longest: Duration,
}

impl Patience {
    pub(crate) fn new() -> Self {
        Self { looks: 0, thoughts: 0, since: None, longest: LONGEST }
    }

    pub(crate) fn short() -> Self {
        Self { longest: SHORT, ..Self::new() }
    }

    /// Something happened.
    #[inline]
    pub(crate) fn renew(&mut self) {
        self.looks = 0;
        self.thoughts = 0;
    }

    /// Another look in vain. Whether it was the last one.
    #[inline]
    pub(crate) fn is_over(&mut self) -> bool {
        self.looks += 1;
        self.looks % LOOKS == 0 && self.think()
    }

    /// The same for who gives the core away at each look.
    #[inline]
    pub(crate) fn is_over_yielding(&mut self) -> bool {
        thread::yield_now();
        self.looks += 1;
        self.looks % YIELDS == 0 && self.think()
    }

    #[cold]
    fn think(&mut self) -> bool {
        // The other side may need this core.
        thread::yield_now();
        if self.thoughts == 0 {
            self.since = Some(Instant::now());
        }
        self.thoughts += 1;
        self.thoughts > THOUGHTS && self.since.is_some_and(|since| since.elapsed() > self.longest)
    }
}
