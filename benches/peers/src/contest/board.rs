//! What the two sides of a contestant tell each other in a slice, besides what is measured.
#![allow(unsafe_code, reason = "casts shared memory to atomics")]

use std::sync::atomic::{AtomicU64, Ordering};

use super::Side;
use crate::crew::Memory;
use crate::links::Patience;
use crate::place::Probe;

/// Each word on a line of its own, after the probe's.
#[derive(Clone, Copy)]
pub(crate) struct Board {
    memory: *mut u8,
}

// SAFETY: whichever thread has it, the memory is the same, is there, and is only accessed atomically.
unsafe impl Send for Board {}

/// Where the yardsticks may begin.
pub(crate) const YARDSTICKS: usize = 2 * Probe::BYTES;

impl Board {
    pub(crate) fn new(memory: &Memory) -> Self {
        Self { memory: memory.at(Probe::BYTES) }
    }

    fn word(&self, at: usize) -> &AtomicU64 {
        // SAFETY: a page of the crew's memory, zero at first, which outlives all jobs; only accessed atomically.
        unsafe { &*self.memory.wrapping_add(at * 256).cast::<AtomicU64>() }
    }

    /// Before a slice: how many messages or rounds it has.
    pub(crate) fn announce(&self, count: u64) {
        self.word(1).store(0, Ordering::Relaxed);
        self.word(2).store(0, Ordering::Relaxed);
        self.word(0).store(count, Ordering::Release);
    }

    pub(crate) fn count(&self) -> u64 {
        self.word(0).load(Ordering::Acquire)
    }

    /// At the end of what the other side does in a slice.
    pub(crate) fn finish(&self, side: Side) {
        self.word(2).store(side.wrong, Ordering::Relaxed);
        self.word(1).store(side.done + 1, Ordering::Release);
    }

    /// Waits for that end, unless it does not come.
    pub(crate) fn wait(&self) -> Option<Side> {
        let mut patience = Patience::new();
        loop {
            match self.word(1).load(Ordering::Acquire) {
                0 if patience.is_over() => return None,
                0 => {}
                done => return Some(Side { done: done - 1, wrong: self.word(2).load(Ordering::Relaxed) }),
            }
        }
    }
}
