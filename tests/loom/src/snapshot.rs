//! Several cells at once, as the library reads them: all of them, and then whether any has changed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use loom::thread;
use ringway::protocol::seqlock;

use crate::cells::{Memory, Reader, Writer};
use crate::explore_within;

/// Two cells.
type Two = [Arc<Memory>; 2];

fn two() -> Two {
    [Memory::new(2), Memory::new(2)]
}

fn writer(memory: &Arc<Memory>, process: u64) -> Writer {
    Writer::attach(memory, process).expect("a free role").0
}

/// The first look of a snapshot: the numbers of the values.
fn look(cells: &Two) -> Option<[u64; 2]> {
    let [first, second] = cells;
    Some([Reader::new(first).try_load()?, Reader::new(second).try_load()?])
}

/// One attempt at a snapshot: the numbers of the values.
fn snapshot(cells: &Two) -> Option<[u64; 2]> {
    let seen = look(cells)?;
    seqlock::between_looks();
    let again = cells.each_ref().map(|memory| memory.cell().version());
    (again == seen).then_some(seen)
}

/// Values that one process stores in turn, in the one cell and then in the other one.
fn in_turn(name: &str, snapshot: fn(&Two) -> Option<[u64; 2]>) {
    explore_within(3, name, move || {
        let cells = two();
        let [mut first, mut second] = cells.each_ref().map(|memory| writer(memory, 1));
        let writers = thread::spawn(move || {
            for _ in 0..2 {
                first.store();
                second.store();
            }
        });
        if let Some([first, second]) = snapshot(&cells) {
            assert!(second <= first && first <= second + 1, "never so at any instant: {first}, {second}");
        }
        writers.join().unwrap();
        assert_eq!(snapshot(&cells), Some([2, 2]));
    });
}

#[test]
fn a_snapshot_is_what_the_cells_were_at_one_instant() {
    in_turn("snapshot", snapshot);
}

/// A control: without the second look.
#[test]
fn a_snapshot_in_one_look_is_found() {
    let found = catch_unwind(AssertUnwindSafe(|| in_turn("one look", look)));
    assert!(found.is_err(), "loom did not find a mixture of different instants");
}

#[test]
fn a_snapshot_has_no_effect_without_its_cause() {
    explore_within(3, "cause and effect", || {
        let cells = two();
        let [mut cause, mut effect] = cells.each_ref().map(|memory| writer(memory, 1));
        let writer = thread::spawn(move || cause.store());
        let mut reader = Reader::new(&cells[0]);
        let other = thread::spawn(move || {
            if reader.try_load() == Some(1) {
                effect.store();
            }
        });
        assert_ne!(snapshot(&cells), Some([0, 1]), "what came of it, and not the thing itself");
        writer.join().unwrap();
        other.join().unwrap();
    });
}

/// Two processes, each of which stores a value and then takes a snapshot.
#[test]
fn two_snapshots_do_not_contradict_each_other() {
    explore_within(3, "two snapshots", || {
        let cells = Arc::new(two());
        let [mut first, mut second] = cells.each_ref().map(|memory| writer(memory, 1));
        let other = Arc::clone(&cells);
        let rival = thread::spawn(move || {
            first.store();
            snapshot(&other)
        });
        second.store();
        let (mine, theirs) = (snapshot(&cells), rival.join().unwrap());
        let contradict = mine == Some([0, 1]) && theirs == Some([1, 0]);
        assert!(!contradict, "each was stored before the other one was");
    });
}
