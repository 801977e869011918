//! The gate at which one side sleeps until the other has news for it: one word, which is also the kernel's futex.
//!
//! Source: event counts (Reed and Kanodia, CACM 1979) with the waiters' bit in the same word, as in Drepper's "Futexes
//! are tricky" (2011). The word is `event << 1 | SLEEPERS`.
//!
//! To sleep:
//!
//! | step | | killed after it |
//! |---|---|---|
//! | G1 | g = gate.fetch_or(SLEEPERS) \| SLEEPERS | the next news costs one empty wake |
//! | G2 | heavy barrier | the same |
//! | G3 | look once more; there is something: do not sleep | the same |
//! | G4 | sleep while the word is g, for a bounded time | the same |
//!
//! To tell news, after they are published:
//!
//! | step | | killed after it |
//! |---|---|---|
//! | N1 | light barrier | who sleeps finds the news when its time is up |
//! | N2 | g = gate.load; no SLEEPERS: done | the same |
//! | N3 | compare-exchange g to the next event without SLEEPERS; lost: done | the same |
//! | N4 | wake all that sleep at the word | |
//!
//! *Why no wake is lost.* By the barriers either G3 sees the news or N2 sees the bit. If N2 does, N3 changes the word
//! before N4, so that G4 does not begin, or is ended by N4.
//!
//! *Why a lost N3 is the end.* Only another's N3 can have come first: G1 leaves a word that has the bit as it is. Its N4
//! wakes whoever N2 saw. Whoever has come since was not seen by N2, so by the barriers its G3 sees the news.
//!
//! *Why a wake is for all.* Of one that is chosen and killed nobody would know. Whoever was woken for nothing sleeps
//! again. A burst of news wakes once: the bit is set again only by who goes to sleep again.
//!
//! There is no count of sleepers, so a dead one leaves nothing but the bit.

use crate::sync::Ordering::{self, Relaxed};
use crate::sync::{AtomicU32, Barrier, crash_point, mutant};

/// E20. All of it is ordered by the barriers. The news themselves are ordered as if nobody slept.
const APART: Ordering = Relaxed;

/// Somebody may sleep.
const SLEEPERS: u32 = 1;
/// The next event.
const EVENT: u32 = 2;

/// Whether those who wait may sleep, and what it costs those who do not. The same for all that use a channel.
///
/// ```
/// use ringway::{Parking, spsc};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let name = &format!("doc-parking-{}", std::process::id());
/// // Both sides have cores of their own, and never look whether somebody sleeps.
/// let tx = spsc::channel::<u64>(name).parking(Parking::Never).sender()?;
/// # drop(tx);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parking {
    /// Nobody sleeps: whoever waits spins or yields. Whoever sends or receives does not look for sleepers.
    Never,
    /// Whoever sends or receives makes a full memory fence for each message or batch, some ten nanoseconds, and
    /// whoever goes to sleep makes one, too. For cores that must not be interrupted.
    Fenced,
    /// Whoever sends or receives only reads a word that rarely changes, and whoever goes to sleep has the kernel run a
    /// fence on every core that runs a participant (`membarrier`): a few microseconds, and an interrupt of those cores.
    Asymmetric,
}

impl Parking {
    /// The barrier between news and sleepers; `None` if nobody sleeps. Of a process that cannot take part in the best
    /// one, the next best on its own side.
    #[cfg(not(loom))]
    pub(crate) fn barrier(self) -> Option<Barrier> {
        match self {
            Self::Never => None,
            Self::Fenced => Some(Barrier::Fence),
            Self::Asymmetric => Some(Barrier::register()),
        }
    }
}

/// One side's gate. All zero: nobody sleeps.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Gate(AtomicU32);

impl Gate {
    /// Step G1: what the word is while there are no news. Steps G2 and G3 come before the sleep.
    #[inline]
    pub fn enlist(&self) -> u32 {
        let seen = if mutant("gate_enlist_by_store") {
            let seen = self.0.load(APART) | SLEEPERS;
            self.0.store(seen, APART);
            seen
        } else {
            self.0.fetch_or(SLEEPERS, APART) | SLEEPERS
        };
        crash_point("park.after-enlist");
        seen
    }

    /// Whether somebody may sleep there, as far as is known.
    #[inline]
    pub fn is_watched(&self) -> bool {
        self.0.load(APART) & SLEEPERS != 0
    }

    /// The kernel's futex: step G4 sleeps there.
    pub fn word(&self) -> &AtomicU32 {
        &self.0
    }

    /// Steps N1 to N4. `wake` is step N4; whether it came to that.
    #[inline(always)]
    pub fn notify(&self, barrier: Barrier, wake: impl FnOnce(&AtomicU32)) -> bool {
        barrier.light();
        let seen = self.0.load(APART);
        seen & SLEEPERS != 0 && self.open(seen, wake)
    }

    #[cold]
    #[inline(never)]
    fn open(&self, seen: u32, wake: impl FnOnce(&AtomicU32)) -> bool {
        crash_point("wake.before-event");
        let mut next = if mutant("gate_clear_only") { seen } else { seen.wrapping_add(EVENT) };
        if !mutant("gate_keep_bit") {
            next &= !SLEEPERS;
        }
        if mutant("gate_wake_first") {
            wake(&self.0);
            let _ = self.0.compare_exchange(seen, next, APART, APART);
            return true;
        }
        let is_ours = self.0.compare_exchange(seen, next, APART, APART).is_ok();
        if is_ours {
            crash_point("wake.after-event");
            wake(&self.0);
        }
        is_ours
    }
}

/// Steps G1 to G4: sleeps once, unless a last look finds something. `sleep` is step G4; it is told whether every news
/// will wake it.
pub fn sleep<R>(
    gate: &Gate,
    barrier: Barrier,
    look: impl FnOnce() -> Option<R>,
    sleep: impl FnOnce(&AtomicU32, u32, bool),
) -> Option<R> {
    let seen = gate.enlist();
    let is_heard = barrier.heavy();
    let found = if mutant("gate_no_second_look") { None } else { look() };
    if found.is_none() {
        crash_point("park.before-sleep");
        sleep(&gate.0, seen, is_heard);
        crash_point("park.after-sleep");
    }
    found
}
