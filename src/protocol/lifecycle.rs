//! The state word of a segment: zero until every part of it is written, then READY for good.
//!
//! A named segment gets its name only after it is READY, so no attach ever meets a blank one there; the
//! word is what holds where no name is involved, and it catches a file that somebody copied half-way.
//!
//! | step | | killed after it |
//! |---|---|---|
//! | L1 | write every part of the segment | blank: refused |
//! | L2 | state.store(READY, Release) | READY: a whole segment |
//! | L3 | an attach loads the state, fence(Acquire), and reads the parts if it is READY | |

use crate::sync::Ordering::{self, Acquire, Relaxed, Release};
use crate::sync::{AtomicU64, fence, mutant, weakened};

/// Every part of the segment is in place.
pub const READY: u64 = 0x5944_4145_525f_5752; // "RW_READY" in memory

/// E4. The parts are written before the state says so. Pairs with [`OBSERVE`].
/// Without it an attach can read a part that is not there yet.
const PUBLISH: Ordering = weakened("lifecycle_publish", Release, Relaxed);
/// E4. The parts are read after the state was seen. Pairs with [`PUBLISH`].
const OBSERVE: Ordering = Acquire;
/// The load that goes with the fence: the mapping may be read-only, where only such a load is promised to work.
const LOOK: Ordering = Relaxed;

/// Step L2.
pub fn publish(state: &AtomicU64) {
    state.store(READY, PUBLISH);
}

/// Step L3: the state, which is [`READY`] if the parts may be read.
pub fn observe(state: &AtomicU64) -> u64 {
    let seen = state.load(LOOK);
    if !mutant("lifecycle_observe") {
        fence(OBSERVE);
    }
    seen
}
