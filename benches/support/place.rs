//! Where two cores are to each other. On a machine that is itself virtual this changes from one second to the next, and
//! with it every figure, so that only those of one place can be compared.
#![allow(unsafe_code, reason = "a bare line in shared memory")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::crew::{Counts, Job, Slice};
use crate::report::median;

/// By the round trip of a bare line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Below 100 ns: two halves of one core.
    Siblings,
    /// Below 300 ns: two cores with one cache.
    Near,
    /// Two caches, perhaps two chips.
    Far,
}

impl Place {
    pub(crate) const ALL: [Self; 3] = [Self::Siblings, Self::Near, Self::Far];

    pub(crate) fn of(round_trip: f64) -> Self {
        match round_trip {
            nanos if nanos < 100.0 => Self::Siblings,
            nanos if nanos < 300.0 => Self::Near,
            _ => Self::Far,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Siblings => "siblings",
            Self::Near => "near",
            Self::Far => "far",
        }
    }
}

/// Two lines: one that this side writes and the other polls, and one the other way round.
#[derive(Clone, Copy)]
pub(crate) struct Probe {
    memory: *mut u8,
}

const ROUNDS: u64 = 40;
const PARTS: usize = 9;

impl Probe {
    /// Bytes that it takes.
    pub(crate) const BYTES: usize = 4096;

    /// At `memory`, which is shared, zero at first, aligned, and outlives this.
    pub(crate) fn new(memory: *mut u8) -> Self {
        Self { memory }
    }

    fn words(&self) -> [&AtomicU64; 2] {
        let (ping, pong) =
            (self.memory.cast::<AtomicU64>(), self.memory.wrapping_add(2048).cast::<AtomicU64>());
        // SAFETY: as `new` says; only accessed atomically.
        let ping = unsafe { &*ping };
        // SAFETY: as above.
        [ping, unsafe { &*pong }]
    }

    /// The round trip in nanoseconds: the median of some parts.
    pub(crate) fn measure(&self) -> f64 {
        let [ping, pong] = self.words();
        let mut number = ping.load(Ordering::Relaxed);
        let parts: [f64; PARTS] = std::array::from_fn(|_| {
            let start = Instant::now();
            for _ in 0..ROUNDS {
                number += 1;
                ping.store(number, Ordering::Release);
                while pong.load(Ordering::Acquire) != number {}
            }
            start.elapsed().as_nanos() as f64 / ROUNDS as f64
        });
        median(&parts)
    }

    /// What the other side does meanwhile.
    pub(crate) fn answering(self) -> Job {
        Box::new(move |slice: &Slice<'_>| {
            let [ping, pong] = self.words();
            let mut number = pong.load(Ordering::Relaxed);
            while !slice.over() {
                let next = ping.load(Ordering::Acquire);
                if next != number {
                    number = next;
                    pong.store(number, Ordering::Release);
                }
            }
            Counts::default()
        })
    }
}
