//! A store and a load that must not pass each other, on two sides of which one is in a hurry.
//!
//! Whoever publishes stores the news and then loads a word that says whether anybody sleeps; whoever goes to sleep
//! stores that word and then looks for news once more. Unless both keep store and load apart, each can miss the other.
//! A full fence for each message would cost more than the message. Where the kernel has `membarrier`, the side that is
//! about to sleep, and has time, has it run a fence on every core that runs a participant; then the publishing side
//! only has to keep the compiler from exchanging the two.

use super::Ordering::{Release, SeqCst};
use super::{fence, mutant};

/// How store and load are kept apart; both sides go by the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(unreachable_pub, reason = "the oldest Rust does not see who reaches it")]
pub enum Barrier {
    /// A full fence on either side.
    Fence,
    /// The side that goes to sleep asks the kernel for a fence everywhere (`MEMBARRIER_CMD_GLOBAL_EXPEDITED`). For
    /// processes that are [registered](Self::register).
    #[cfg(not(loom))]
    Membarrier,
}

impl Barrier {
    /// Of the side that publishes: between its store and its load.
    #[inline(always)]
    pub(crate) fn light(self) {
        match self {
            Self::Fence if mutant("barrier_light") => {}
            Self::Fence => {
                rarely();
                fence(SeqCst);
            }
            #[cfg(not(loom))]
            Self::Membarrier => std::sync::atomic::compiler_fence(SeqCst),
        }
    }

    /// Of the side that goes to sleep; false if the kernel will not do it, so that nobody may rely on it.
    pub(crate) fn heavy(self) -> bool {
        match self {
            Self::Fence if mutant("barrier_heavy") => true,
            Self::Fence => {
                fence(SeqCst);
                true
            }
            #[cfg(not(loom))]
            Self::Membarrier => kernel::fence_everywhere(),
        }
    }

    /// The best one that this process can take part in, without taking part in it yet.
    #[cfg(not(loom))]
    pub(crate) fn best() -> Self {
        if kernel::can_fence_everywhere() { Self::Membarrier } else { Self::Fence }
    }

    /// As [`best`](Self::best), and takes part in it. Whoever uses [`Membarrier`](Self::Membarrier) has called this
    /// before its first store.
    #[cfg(not(loom))]
    pub(crate) fn register() -> Self {
        if kernel::register() { Self::Membarrier } else { Self::Fence }
    }
}

/// Whether the stores of a thread are seen in the order of its program, and not before what it has loaded before them, at no
/// cost. In models only if they say so, so that all others are checked without.
#[inline(always)]
pub(crate) fn stores_in_order() -> bool {
    #[cfg(loom)]
    return IN_ORDER.get();
    #[cfg(not(loom))]
    cfg!(target_arch = "x86_64")
}

#[cfg(loom)]
std::thread_local! {
    static IN_ORDER: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// From now on the stores of the models of this thread are seen in order, or not.
#[cfg(loom)]
pub fn keep_stores_in_order(keep: bool) {
    IN_ORDER.set(keep);
}

/// Between what was stored or loaded and stores that are not to be seen before it, by whoever looks on and takes no part.
/// No instruction: where the processor needs none the compiler is told; elsewhere nothing is done, and nobody may rely on it.
#[inline(always)]
pub(crate) fn in_order() {
    if stores_in_order() {
        fence(Release);
    }
}

/// Tells the compiler that whoever comes here is in no hurry.
#[cold]
#[inline(always)]
fn rarely() {}

#[cfg(not(loom))]
mod kernel {
    use rustix::thread::{MembarrierCommand, membarrier, membarrier_query};

    pub(super) fn can_fence_everywhere() -> bool {
        let can = membarrier_query();
        let needed = [MembarrierCommand::RegisterGlobalExpedited, MembarrierCommand::GlobalExpedited];
        needed.into_iter().all(|command| can.contains_command(command))
    }

    /// From now on a fence of anybody's reaches the threads of this process. Again and again is fine: it is what the
    /// process is, until it calls `exec`.
    pub(super) fn register() -> bool {
        membarrier(MembarrierCommand::RegisterGlobalExpedited).is_ok()
    }

    pub(super) fn fence_everywhere() -> bool {
        membarrier(MembarrierCommand::GlobalExpedited).is_ok()
    }
}
