//! A seqlock cell: the latest of the values that one writer stores, for any number of readers that only read.
//!
//! Source: the sequence lock (Lameter, "Effective synchronization on Linux/NUMA systems", 2005) with the orderings of
//! Boehm ("Can seqlocks get along with programming language memory models?", MSPC 2012). Value number k (from 1) lies
//! in slot `k mod N`, N ≥ 2; `sequence` is the number of the latest complete value, and 0 if there is none. Memory
//! that is all zero is a cell without a value.
//!
//! Writer of value k + 1, where k is the latest:
//!
//! | step | | killed after it |
//! |---|---|---|
//! | W1 | fence(Release) | value k is the latest |
//! | W2 | store the words of slot (k + 1) mod N, Relaxed | the same; what is in that slot is accepted by nobody |
//! | W3 | sequence.store(k + 1, Release) | value k + 1 is the latest |
//!
//! Reader:
//!
//! | step | |
//! |---|---|
//! | Q1 | k = sequence.load(Relaxed), fence(Acquire); 0: there is no value |
//! | Q2 | load the words of slot k mod N, Relaxed, into memory of its own |
//! | Q3 | fence(Acquire), s = sequence.load(Relaxed); s ≤ k + N - 2: they are value k; else Q1 |
//!
//! A successor, once the kernel says that the writer before it is dead and everything it stored is visible, starts at
//! `sequence`, and writes over what the dead one may have begun.
//!
//! *Why no value is torn.* By W3 and Q1 a reader of value k sees its words, or later ones. The slot of value k is written
//! next for value k + N. Who has seen a word of that has, by the fences W1 and Q3, also seen what was stored before W1:
//! `sequence` = k + N - 1, which Q3 refuses. A successor passes W1 as well, and has seen the `sequence` of the one before
//! it.
//!
//! A snapshot of several cells is Q1 to Q3 of each, fence(SeqCst), and `sequence` of each again. If no number has changed,
//! each cell had that value when the last of them had been read: numbers only grow. By the fences of Q1 nothing in it is
//! newer than something that it misses and that came before. The fence between the looks is for whoever stores a value
//! and then takes a snapshot: its store has to be there for everybody before it says what the others have not stored.
//!
//! Differences from the sources: (1) several slots, so that a reader is disturbed only by a writer that completes
//! N - 1 values while it copies one, and never by one that is slow, stopped or dead; (2) `sequence` counts complete
//! values and nothing says that one is being written, since N - 1 slots hold complete values all the time: one store less
//! for the writer, no odd state to be inherited, and a version that a user can read; (3) loads of a reader are Relaxed,
//! with a fence, since its mapping may be read-only, and only such loads are promised to work there.
//!
//! Progress: the writer is wait-free; a reader is lock-free: it copies again only if the writer has gone on.

use super::ring::{Corruption, Position};
use crate::sync::Ordering::{self, Acquire, Relaxed, Release, SeqCst};
use crate::sync::{AtomicU64, crash_point, fence, mutant, weakened};

/// E16. A value's words are written before its number says so. Pairs with [`OBSERVE`].
/// Without it a reader can take what was in the slot before for the value.
const PUBLISH: Ordering = weakened("seqlock_publish", Release, Relaxed);
/// E16. The words are read after the number was seen. Pairs with [`PUBLISH`].
const OBSERVE: Ordering = Acquire;
/// E17. The number of the value before is stored before the words of the next one. Pairs with [`CONFIRM`].
/// Without it a reader can see words of a later value, and not the number that tells it so.
const BEGIN: Ordering = Release;
/// E17. The number is read again after the words. Pairs with [`BEGIN`].
const CONFIRM: Ordering = Acquire;
/// E19. Between the two looks of a snapshot of several cells. Pairs with itself: all such fences have one order.
/// Without it two processes that store a value each, in different cells, and then take a snapshot each, can both find
/// that the other one's value is not there yet, as processors keep stores back for a while.
const SNAPSHOT: Ordering = SeqCst;
/// The loads that go with the fences; and what a successor reads of the writer before it, ordered by the role's lock.
const LOOK: Ordering = Relaxed;

/// Numbers above it are nonsense: at 10⁹ values a second it takes 292 years to get there.
pub const MOST_VALUES: u64 = 1 << 63;

/// A cell in place.
#[derive(Clone, Copy, Debug)]
pub struct Cell<'m> {
    /// The number of the latest complete value.
    pub sequence: &'m AtomicU64,
    /// N, at least 2.
    pub slots: u32,
}

/// What a reader is about to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    version: u64,
}

impl Reading {
    /// The number of the value, from 1.
    #[inline]
    pub fn version(self) -> u64 {
        self.version
    }
}

impl Cell<'_> {
    /// The number of the latest complete value; 0 if there is none.
    #[inline]
    pub fn version(&self) -> u64 {
        let version = self.sequence.load(LOOK);
        if !mutant("seqlock_observe") {
            fence(OBSERVE);
        }
        version
    }

    /// Step Q1: the latest value, if there is one.
    #[inline]
    pub fn begin(&self) -> Option<Reading> {
        let version = self.version();
        let ahead = u64::from(mutant("seqlock_early_reader"));
        (version != 0).then_some(Reading { version: version + ahead })
    }

    /// The slot of a value.
    #[inline]
    pub fn slot(&self, version: u64) -> u32 {
        (version % u64::from(self.slots)) as u32
    }

    /// Step Q3: whether what was copied since [`begin`](Self::begin) is the value.
    #[inline]
    pub fn accept(&self, reading: Reading) -> bool {
        if !mutant("seqlock_confirm") {
            fence(CONFIRM);
        }
        let passed = self.sequence.load(LOOK).wrapping_sub(reading.version);
        let slack = if mutant("seqlock_slack") { 1 } else { 2 };
        passed <= u64::from(self.slots) - slack
    }
}

/// Between the first look of a snapshot, which loads the values of several cells, and the second one, which finds that none
/// of the cells has another [`version`](Cell::version) by now.
pub fn between_looks() {
    if !mutant("seqlock_snapshot") {
        fence(SNAPSHOT);
    }
}

/// The writing side's private state.
#[derive(Debug)]
pub struct Writer {
    /// The number of the latest value.
    version: u64,
}

impl Writer {
    /// Starts as the holder of the cell's role: after the latest complete value.
    ///
    /// # Errors
    ///
    /// If the number of values is one that no writer can have come to.
    pub fn resume(cell: &Cell<'_>) -> Result<Self, Corruption> {
        let version = cell.sequence.load(LOOK);
        if version > MOST_VALUES {
            return Err(Corruption { word: "sequence", found: version, position: version });
        }
        if mutant("seqlock_resume_low") {
            return Ok(Self { version: version.saturating_sub(1) });
        }
        Ok(Self { version: version + u64::from(mutant("seqlock_resume_high")) })
    }

    /// The number of the latest value; 0 if there is none.
    #[inline]
    pub fn version(&self) -> Position {
        self.version
    }

    /// Step W1: the slot that the next value is to be written into.
    #[inline]
    pub fn begin(&self, cell: &Cell<'_>) -> u32 {
        if !mutant("seqlock_begin") && !mutant("seqlock_begin_late") {
            fence(BEGIN);
        }
        if mutant("seqlock_publish_first") {
            cell.sequence.store(self.version + 1, PUBLISH);
        }
        crash_point("store.after-begin");
        cell.slot(self.version + 1)
    }

    /// Step W3: the slot holds the next value.
    #[inline]
    pub fn publish(&mut self, cell: &Cell<'_>) {
        self.version += 1;
        if !mutant("seqlock_publish_first") {
            cell.sequence.store(self.version, PUBLISH);
        }
        crash_point("store.after-publish");
        if mutant("seqlock_begin_late") {
            fence(BEGIN);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_nobody_can_have_come_to_is_refused() {
        for (found, fine) in [(0, true), (MOST_VALUES, true), (MOST_VALUES + 1, false), (u64::MAX, false)] {
            let sequence = AtomicU64::default();
            sequence.store(found, Relaxed);
            let writer = Writer::resume(&Cell { sequence: &sequence, slots: 2 });
            assert_eq!(writer.is_ok(), fine, "{found:#x}");
        }
    }
}
