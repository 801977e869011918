//! Deaths while the segment is made, joined, left or replaced by one that only reads it, or that writes: there is none or
//! a whole one, and cells that are alive go on.

use super::{Bench, Bytes64, NAME, assert_has, assert_works, store};
use crate::Predecessor;
use crate::seqlock::Freshness;

/// Before the segment has its name.
const UNNAMED: [&str; 8] = [
    "map.create.after-tmpfile",
    "map.create.after-allocate",
    "map.create.after-header",
    "map.create.after-mode",
    "map.create.after-presence",
    "segment.format.after-header",
    "segment.format.before-state",
    "map.create.after-format",
];

const JOINING: [&str; 5] = [
    "map.open.before-flock",
    "map.open.after-flock",
    "map.open.after-probe",
    "map.open.after-presence",
    "map.open.after-unlock",
];

/// On the way out of a segment that others still hold.
const LEAVING: [&str; 3] = ["map.drop.after-flock", "map.drop.after-presence", "map.drop.after-unlock"];

/// On the way out of a segment that nobody else holds.
const LAST: [&str; 5] = [
    "map.drop.after-flock",
    "map.drop.after-presence",
    "map.drop.before-unlink",
    "map.drop.after-unlink",
    "map.drop.after-unlock",
];

const REPLACING: [&str; 4] = [
    "map.open.before-flock",
    "map.open.after-flock",
    "map.reclaim.before-unlink",
    "map.reclaim.after-unlink",
];

const ROLES: [(&str, &str); 2] = [("writer", "store"), ("reader", "visit")];

/// Nobody has the cell: a new one is made, whole and empty, and goes with its last holder.
#[track_caller]
fn assert_new(bench: &Bench<Bytes64>) {
    assert!(bench.cell().open_existing().reader().is_err(), "nobody holds a cell");
    let reader = bench.reader();
    assert_eq!((reader.version(), reader.freshness()), (0, Freshness::Awaited));
    let mut writer = bench.writer();
    assert_eq!((writer.version(), writer.predecessor()), (0, Predecessor::None));
    assert_works(&mut writer, &reader);
    drop((writer, reader));
    bench.space.assert_empty();
}

#[test]
fn one_that_dies_while_it_makes_the_cell_leaves_nothing_to_those_who_come() {
    for (role, verb) in ROLES {
        for point in UNNAMED {
            let bench = Bench::<Bytes64>::new();
            bench.die(role, verb, 0, point);
            bench.space.assert_empty();
            assert_new(&bench);
        }
        let bench = Bench::<Bytes64>::new();
        bench.die(role, verb, 0, "map.create.after-link");
        assert_eq!(bench.space.files(), [NAME], "a leftover");
        assert_new(&bench);
    }
}

#[test]
fn one_that_dies_while_it_joins_was_never_there() {
    for (role, verb) in ROLES {
        for point in JOINING {
            let bench = Bench::<Bytes64>::new();
            let reader = bench.reader();
            store(&mut bench.writer());
            let before = reader.freshness();
            bench.die(role, verb, 1, point);
            assert_has(&reader, 1);
            assert_eq!(reader.freshness(), before);
            let mut writer = bench.writer();
            assert_eq!((writer.version(), writer.predecessor()), (1, Predecessor::Left));
            assert_works(&mut writer, &reader);
            drop((writer, reader));
            bench.space.assert_empty();
        }
    }
}

#[test]
fn one_that_dies_after_it_left_has_left() {
    for point in LEAVING {
        let bench = Bench::<Bytes64>::new();
        let reader = bench.reader();
        bench.die("writer", "store", 3, point);
        assert_has(&reader, 3);
        let mut writer = bench.writer();
        assert_eq!((writer.version(), writer.predecessor()), (3, Predecessor::Left));
        bench.die("reader", "visit", 0, point);
        assert_works(&mut writer, &reader);
        drop((writer, reader));
        bench.space.assert_empty();
    }
}

#[test]
fn the_last_one_that_dies_while_it_leaves_takes_the_cell_with_it() {
    for (role, verb) in ROLES {
        for point in LAST {
            let bench = Bench::<Bytes64>::new();
            bench.die(role, verb, 3, point);
            assert_new(&bench);
        }
    }
}

#[test]
fn a_death_while_dead_cells_are_replaced_is_repaired_by_the_next() {
    for (role, verb) in ROLES {
        for point in REPLACING {
            let bench = Bench::<Bytes64>::new();
            bench.die("writer", "store", 2, "store.after-publish#2");
            bench.die(role, verb, 1, point);
            assert_new(&bench);
        }
    }
}

#[test]
fn a_cell_stays_for_as_long_as_anybody_has_it_be_it_only_to_read() {
    let bench = Bench::<Bytes64>::new();
    bench.die("writer", "store", 3, "store.after-publish#3");
    assert_new(&bench);
    let first = bench.reader();
    bench.die("writer", "store", 3, "store.after-publish#3");
    let second = bench.reader();
    drop(first);
    assert_has(&second, 3);
    let mut child = bench.spawn("reader", "demand", 0);
    assert_eq!(child.hear(), "attached 3");
    drop(second);
    let reader = bench.cell().open_existing().reader().expect("the other process has it");
    child.kill_running();
    assert_has(&reader, 3);
    drop(reader);
    bench.space.assert_empty();
}
