//! Deaths while the segment is made, joined, left or replaced: there is none or a whole one, and a channel
//! that is alive goes on.

use super::{Bench, Numbered, assert_works, drain, receive, send};
use crate::{Departure, Predecessor};

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

const REPLACING: [&str; 5] = [
    "map.open.before-flock",
    "map.open.after-flock",
    "map.reclaim.before-unlink",
    "map.reclaim.after-unlink",
    "map.create.after-tmpfile",
];

const ROLES: [&str; 2] = ["sender", "receiver"];

/// Nobody has the channel: a new one is made, whole and empty, and goes with its last holder.
#[track_caller]
fn assert_new<M: Numbered>(bench: &Bench<M>) {
    assert!(bench.channel().open_existing().sender().is_err(), "nobody holds a channel");
    let (mut tx, mut rx) = (bench.sender(), bench.receiver());
    assert_eq!((tx.position(), tx.predecessor()), (0, Predecessor::None));
    assert_eq!((rx.position(), rx.predecessor()), (0, Predecessor::None));
    assert_works(&mut tx, &mut rx);
    drop((tx, rx));
    bench.assert_gone();
}

/// Runs a check for both forms.
fn both(stamped: fn(), indexed: fn()) {
    stamped();
    indexed();
}

#[test]
fn a_creator_that_dies_before_the_channel_has_its_name_leaves_nothing() {
    fn check<M: Numbered>() {
        for point in UNNAMED {
            for role in ROLES {
                let bench = Bench::<M>::new(3);
                bench.die(role, "single", 0, point);
                bench.assert_gone();
                assert_new(&bench);
            }
        }
    }
    both(check::<u64>, check::<[u64; 16]>);
}

#[test]
fn a_creator_that_dies_after_the_channel_has_its_name_leaves_nothing_to_those_who_come() {
    fn check<M: Numbered>() {
        for role in ROLES {
            for point in ["map.create.after-link", "attach.after-lock", "attach.after-live"] {
                let bench = Bench::<M>::new(3);
                bench.die(role, "single", 0, point);
                assert_eq!(bench.space.files(), [super::NAME], "a leftover");
                assert_new(&bench);
            }
        }
    }
    both(check::<u64>, check::<[u64; 16]>);
}

#[test]
fn a_peer_that_dies_while_it_joins_was_never_there() {
    fn check<M: Numbered>() {
        for point in JOINING {
            let bench = Bench::<M>::new(3);
            let mut tx = bench.sender();
            send(&mut tx, 0);
            bench.die("receiver", "single", 1, point);
            assert_eq!(tx.peer(), crate::Peer::Awaited);
            let mut rx = bench.receiver();
            assert_eq!((rx.position(), rx.predecessor()), (0, Predecessor::None));
            assert_eq!(receive(&mut rx), Ok(0));
            drop(tx);
            bench.die("sender", "single", 1, point);
            drain(&mut rx, 1..1, Departure::Left);
            let mut tx = bench.sender();
            assert_eq!((tx.position(), tx.predecessor()), (1, Predecessor::Left));
            assert_works(&mut tx, &mut rx);
            drop((tx, rx));
            bench.assert_gone();
        }
    }
    both(check::<u64>, check::<[u64; 16]>);
}

#[test]
fn a_peer_that_dies_after_it_left_has_left() {
    fn check<M: Numbered>() {
        for point in LEAVING {
            let bench = Bench::<M>::new(3);
            let mut rx = bench.receiver();
            bench.die("sender", "batch", 3, point);
            drain(&mut rx, 0..3, Departure::Left);
            let mut tx = bench.sender();
            assert_eq!((tx.position(), tx.predecessor()), (3, Predecessor::Left));
            send(&mut tx, 3);
            drop(rx);
            bench.die("receiver", "lease", 1, point);
            let mut rx = bench.receiver();
            assert_eq!((rx.position(), rx.predecessor()), (4, Predecessor::Left));
            assert_works(&mut tx, &mut rx);
            drop((tx, rx));
            bench.assert_gone();
        }
    }
    both(check::<u64>, check::<[u64; 16]>);
}

#[test]
fn the_last_one_that_dies_while_it_leaves_takes_the_channel_with_it() {
    fn check<M: Numbered>() {
        for point in LAST {
            let bench = Bench::<M>::new(3);
            bench.die("sender", "batch", 3, point);
            assert_new(&bench);
        }
    }
    both(check::<u64>, check::<[u64; 16]>);
}

#[test]
fn the_channel_goes_with_the_last_of_its_processes_however_they_end() {
    for point in ["send.after-write", "send.after-commit", "detach.before-vacant", "detach.after-vacant"] {
        let bench = Bench::<u64>::new(3);
        bench.die("sender", "single", 2, point);
        assert_eq!(bench.space.files().len(), 1, "nobody was there to remove it");
        // It is gone for whoever asks, and asking removes it.
        assert!(bench.channel().open_existing().receiver().is_err());
        bench.assert_gone();
        assert_new(&bench);
    }
}

#[test]
fn a_death_while_a_dead_channel_is_replaced_is_repaired_by_the_next() {
    fn check<M: Numbered>() {
        for point in REPLACING {
            for role in ROLES {
                let bench = Bench::<M>::new(3);
                bench.die("sender", "batch", 2, "send.after-commit");
                bench.die(role, "single", 0, point);
                assert_new(&bench);
            }
        }
    }
    both(check::<u64>, check::<[u64; 16]>);
}
