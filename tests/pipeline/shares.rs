//! The shares of the workers: each block is counted once, whoever was killed with it.

use ringway::seqlock::{self, TableReader};

use crate::published::{self, Share};
use crate::share::Ledger;

/// The table of a run that nobody else has.
fn table(test: &str) -> (String, TableReader<Share>) {
    let run = format!("shares-{}-{test}", std::process::id());
    let table = seqlock::table(&published::shares(&run)).cells(2).create_new().reader();
    (run, table.expect("there is no such table"))
}

fn take_over(run: &str, slot: usize) -> Ledger {
    Ledger::take_over(run, slot).expect("nobody has the slot")
}

fn counts(table: &TableReader<Share>, slot: usize) -> [u64; 5] {
    let Share { restarts, blocks, samples, redelivered, repeated, .. } = table.load(slot).expect("a share");
    [restarts, blocks, samples, redelivered, repeated]
}

#[test]
fn a_block_that_no_share_has_is_counted_by_whoever_gets_it_again() {
    let (run, table) = table("first");
    let (mut one, mut other) = (take_over(&run, 0), take_over(&run, 1));
    one.count(0, 100, false);
    // The first one was killed with block 1 before it counted it.
    drop(one);
    other.count(1, 100, true);
    other.count(2, 50, false);
    take_over(&run, 0).count(3, 10, false);
    assert_eq!(counts(&table, 0), [1, 2, 110, 0, 0]);
    assert_eq!(counts(&table, 1), [0, 2, 150, 1, 0]);
}

#[test]
fn a_block_that_a_killed_worker_had_counted_is_not_counted_again() {
    let (run, table) = table("again");
    let mut other = take_over(&run, 1);
    for block in 0..8 {
        take_over(&run, 0).count(block, 100, false);
    }
    // They were killed before they gave them back; and some came to nothing.
    drop(take_over(&run, 0));
    let mut successor = take_over(&run, 0);
    successor.count(8, 100, false);
    for block in 0..8 {
        other.count(block, 100, true);
    }
    successor.count(7, 100, true);
    other.count(9, 100, true);
    assert_eq!(counts(&table, 0), [9, 9, 900, 1, 1]);
    assert_eq!(counts(&table, 1), [0, 1, 100, 9, 8]);
}
