//! Telling the other side that there are news.

use std::time::Duration;

use super::futex::{self, NAP};
use crate::protocol::gate::{self, Gate, Parking};
use crate::sync::Barrier;

/// What one participant of a channel does at gates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bell {
    /// `None`: nobody sleeps.
    barrier: Option<Barrier>,
    /// Whether the others can be told to look for sleepers: not if they rely on a kernel that will not do it for us.
    is_heard: bool,
}

impl Bell {
    /// Of a channel with that choice. Its participant makes it before it takes its place.
    pub(crate) fn new(parking: Parking) -> Self {
        let barrier = parking.barrier();
        Self { barrier, is_heard: parking != Parking::Asymmetric || barrier == Some(Barrier::Membarrier) }
    }

    /// Whether anybody may sleep.
    #[inline]
    pub(crate) fn lets_sleep(self) -> bool {
        self.barrier.is_some()
    }

    /// Wakes those who sleep at the gate, if there are any: after news were published. No system call if nobody does; whether
    /// there was one.
    #[inline(always)]
    pub(crate) fn ring(self, gate: &Gate) -> bool {
        match self.barrier {
            None => false,
            Some(Barrier::Membarrier) => gate.notify(Barrier::Membarrier, futex::wake),
            Some(Barrier::Fence) => Self::ring_fenced(gate),
        }
    }

    /// Apart: beside ten nanoseconds of a fence a call is nothing.
    #[cold]
    #[inline(never)]
    fn ring_fenced(gate: &Gate) -> bool {
        gate.notify(Barrier::Fence, futex::wake)
    }

    /// The same, where the news are for those who sleep only if that holds, which takes longer to find out.
    #[inline(always)]
    pub(crate) fn ring_if(self, gate: &Gate, holds: impl FnOnce() -> bool) {
        // A look too early is made up for by the time limit of whoever sleeps.
        if self.barrier.is_some() && gate.is_watched() && holds() {
            self.ring(gate);
        }
    }

    /// The barrier of one that has enlisted at several gates, before its last look; whether all news will wake it.
    pub(crate) fn all_are_heard(bells: impl Iterator<Item = Self>) -> bool {
        let (mut done, mut is_heard) = (Vec::new(), true);
        for bell in bells {
            is_heard &= bell.is_heard;
            if let Some(barrier) = bell.barrier.filter(|barrier| !done.contains(barrier)) {
                is_heard &= barrier.heavy();
                done.push(barrier);
            }
        }
        is_heard
    }

    /// Sleeps at the gate, once and for at most so long, unless `look` finds something. The caller may sleep.
    pub(crate) fn sleep<R>(
        self,
        gate: &Gate,
        at_most: Duration,
        look: impl FnOnce() -> Option<R>,
    ) -> Option<R> {
        let barrier = self.barrier.expect("whoever may sleep");
        gate::sleep(gate, barrier, look, |word, seen, is_heard| {
            futex::sleep(word, seen, if is_heard && self.is_heard { at_most } else { at_most.min(NAP) });
        })
    }
}
