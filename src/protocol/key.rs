//! The key beside a cell: stored once, by the first holder of the cell's role, and never changed.
//!
//! | step | | killed after it |
//! |---|---|---|
//! | K1 | as the holder of the role: state.load(Relaxed) = none | there is no key |
//! | K2 | store the words of the key, Relaxed | the same |
//! | K3 | state.store(set, Release) | there is a key |
//! | K4 | a reader: state.load(Relaxed), fence(Acquire); set: it loads the words of the key, Relaxed | |
//!
//! Whoever has the role of a cell without a key may write over what a dead one began.
//!
//! *A key is in one cell only.* Keys are looked for, and put, along one sequence of cells that depends on the key alone,
//! and nobody goes on behind a cell that has no key. Two that want to put the same key come to the same cell, of which
//! one has the role.

use crate::sync::Ordering::{self, Acquire, Relaxed, Release};
use crate::sync::{AtomicU64, crash_point, fence, mutant, weakened};

/// There is a key.
pub const SET: u64 = 1;

/// E18. The words of a key are written before the state says so. Pairs with [`OBSERVE`].
/// Without it a reader can take zeros, or what a dead one began, for the key.
const PUBLISH: Ordering = weakened("key_publish", Release, Relaxed);
/// E18. The words are read after the state was seen. Pairs with [`PUBLISH`].
const OBSERVE: Ordering = Acquire;
/// The load that goes with the fence.
const LOOK: Ordering = Relaxed;

/// Steps K1, K4: whether there is a key.
#[inline]
pub fn is_set(state: &AtomicU64) -> bool {
    let seen = state.load(LOOK);
    if !mutant("key_observe") {
        fence(OBSERVE);
    }
    seen == SET
}

/// What the state says, for people.
pub fn look(state: &AtomicU64) -> u64 {
    state.load(LOOK)
}

/// Step K3: the key is complete.
pub fn publish(state: &AtomicU64) {
    crash_point("key.after-write");
    state.store(SET, PUBLISH);
    crash_point("key.after-publish");
}
