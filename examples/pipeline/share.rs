//! A worker's share of the work: the cell of its slot, which it takes over from the worker that was there before.

use ringway::seqlock::{self, LoadError, TableReader, Writer};

use crate::published::{self, NO_BLOCK, Share};

pub(crate) struct Ledger {
    cell: Writer<Share>,
    share: Share,
    /// The shares of all slots.
    all: TableReader<Share>,
}

impl Ledger {
    /// Goes on where the worker stopped that had the slot before. If it was killed that is its last complete share,
    /// which lacks at most the block that it had in hand.
    pub(crate) fn take_over(run: &str, slot: usize) -> Result<Self, Box<dyn std::error::Error>> {
        let table = seqlock::table(&published::shares(run)).open_existing();
        let all = table.clone().reader()?;
        let mut cell = table.writer(slot)?;
        let pid = std::process::id().into();
        let share = match cell.load() {
            Ok(before) => successor(before, pid),
            Err(LoadError::Empty) => Share { pid, ..Share::NONE },
            Err(error) => return Err(error.into()),
        };
        cell.store(share);
        Ok(Self { cell, share, all })
    }

    /// Counts a block that is done, with its samples, and whether a worker had it before. Not before its result is out, and
    /// before it is given back: one that is in no share comes again.
    pub(crate) fn count(&mut self, block: u64, samples: u64, again: bool) {
        // Whoever was killed with it may have counted it.
        if again && self.all.snapshot().iter().flatten().any(|share| has_counted(share, block)) {
            self.share.repeated += 1;
        } else {
            self.share.blocks += 1;
            self.share.samples += samples;
        }
        self.share.redelivered += u64::from(again);
        self.share.latest = block;
        self.cell.store(self.share);
    }
}

/// The share of the next worker in a slot.
fn successor(before: Share, pid: u64) -> Share {
    let mut share = Share { pid, restarts: before.restarts + 1, ..before };
    if before.latest != NO_BLOCK {
        share.left_behind.rotate_right(1);
        share.left_behind[0] = before.latest;
        share.latest = NO_BLOCK;
    }
    share
}

fn has_counted(share: &Share, block: u64) -> bool {
    share.latest == block || share.left_behind.contains(&block)
}
