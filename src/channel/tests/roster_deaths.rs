//! Deaths between two steps of taking a role, giving it back, or proving another's death.

use super::{Bench, Numbered, assert_works, drain, fill, receive, send};
use crate::{Departure, Peer, Predecessor};

/// What the others see of a role in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// As it was before.
    Unchanged,
    Left,
    Died,
}

const STEPS: [(&str, Seen); 5] = [
    ("attach.after-lock", Seen::Unchanged),
    ("attach.after-identity", Seen::Unchanged),
    ("attach.after-live", Seen::Died),
    ("detach.before-vacant", Seen::Died),
    ("detach.after-vacant", Seen::Left),
];

const BEFORE: [Predecessor; 3] = [Predecessor::None, Predecessor::Left, Predecessor::Died];

fn expected(before: Predecessor, seen: Seen) -> Predecessor {
    match seen {
        Seen::Unchanged => before,
        Seen::Left => Predecessor::Left,
        Seen::Died => Predecessor::Died,
    }
}

/// Brings the role of `role` to where its next holder finds such a predecessor.
#[track_caller]
fn arrange<M: Numbered>(bench: &Bench<M>, role: &str, before: Predecessor) {
    match before {
        Predecessor::None => {}
        Predecessor::Left => bench.spawn(role, "single", 0).wait_success(),
        Predecessor::Died => {
            bench.die(role, "single", 0, "attach.after-live");
        }
    }
}

#[track_caller]
fn assert_peer(peer: Peer, expected: Predecessor) {
    match (peer, expected) {
        (Peer::Awaited, Predecessor::None)
        | (Peer::Gone { departure: Departure::Left, .. }, Predecessor::Left)
        | (Peer::Gone { departure: Departure::Died, .. }, Predecessor::Died) => {}
        wrong => panic!("{wrong:?}"),
    }
}

/// For each step and each earlier state of the role; the flag asks for a look at the peer before its
/// successor comes, which leaves a certificate.
fn each_step(check: impl Fn(&str, Predecessor, Predecessor, bool)) {
    for (point, seen) in STEPS {
        for before in BEFORE {
            for look in [false, true] {
                println!("{point} after {before:?}, look: {look}");
                check(point, before, expected(before, seen), look);
            }
        }
    }
}

#[test]
fn a_sender_that_dies_while_it_comes_or_goes_leaves_the_role_free_and_the_receiver_unharmed() {
    fn check<M: Numbered>(point: &str, before: Predecessor, after: Predecessor, look: bool) {
        let bench = Bench::<M>::new(3);
        let mut rx = bench.receiver();
        arrange(&bench, "sender", before);
        bench.die("sender", "single", 0, point);
        if look {
            assert_peer(rx.peer(), after);
        }
        if after != Predecessor::None {
            let departure = if after == Predecessor::Left { Departure::Left } else { Departure::Died };
            drain(&mut rx, 0..0, departure);
        } else {
            assert_eq!(rx.try_recv(), Err(crate::TryRecvError::Empty), "a sender may yet come");
        }
        let mut tx = bench.sender();
        assert_eq!((tx.position(), tx.predecessor()), (0, after));
        assert_works(&mut tx, &mut rx);
        drop((tx, rx));
        bench.assert_gone();
    }
    each_step(check::<u64>);
    check::<[u64; 16]>("attach.after-live", Predecessor::None, Predecessor::Died, true);
}

#[test]
fn a_receiver_that_dies_while_it_comes_or_goes_leaves_the_role_free_and_the_sender_unharmed() {
    fn check<M: Numbered>(point: &str, before: Predecessor, after: Predecessor, look: bool) {
        let bench = Bench::<M>::new(3);
        let mut tx = bench.sender();
        arrange(&bench, "receiver", before);
        send(&mut tx, 0);
        bench.die("receiver", "single", 0, point);
        if look {
            assert_peer(tx.peer(), after);
        }
        let mut last = 3;
        if after != Predecessor::None {
            let departure = if after == Predecessor::Left { Departure::Left } else { Departure::Died };
            assert_eq!(fill(&mut tx, departure), 2);
        } else {
            send(&mut tx, 1);
            last = 2;
        }
        let mut rx = bench.receiver();
        assert_eq!((rx.position(), rx.predecessor()), (0, after));
        (0..last).for_each(|number| assert_eq!(receive(&mut rx), Ok(number)));
        assert_works(&mut tx, &mut rx);
        drop((tx, rx));
        bench.assert_gone();
    }
    each_step(check::<u64>);
    check::<[u64; 16]>("attach.after-live", Predecessor::None, Predecessor::Died, true);
}

#[test]
fn a_receiver_that_dies_while_it_proves_the_senders_death_harms_nobody() {
    for point in ["probe.after-lock", "probe.after-certificate"] {
        // By waiting for a message, and by asking.
        for verb in ["single", "batch", "lease", "probe"] {
            let bench = Bench::<u64>::new(2);
            let keeper = bench.receiver();
            let map = bench.map();
            let victim = bench.die("sender", "single", 1, "send.after-commit");
            drop(keeper);
            let count = if verb == "single" || verb == "lease" { 2 } else { 1 };
            if verb == "batch" {
                // The message has to be taken first, for the batch to wait for one.
                bench.spawn("receiver", "single", 1).wait_success();
            }
            let prober = bench.die("receiver", verb, count, point);
            assert_ne!(victim, prober);
            let next = if verb == "probe" { 0 } else { 1 };

            let mut rx = bench.receiver();
            assert_eq!((rx.position(), rx.predecessor()), (next, Predecessor::Died));
            (next..1).for_each(|number| assert_eq!(receive(&mut rx), Ok(number)));
            assert!(
                matches!(rx.peer(), Peer::Gone { departure, pid, .. } if (departure, pid) == (Departure::Died, victim))
            );
            drain(&mut rx, 1..1, Departure::Died);
            let mut tx = bench.sender();
            assert_eq!((tx.position(), tx.predecessor()), (1, Predecessor::Died));
            assert_works(&mut tx, &mut rx);
            drop((tx, rx));
            drop(map);
            bench.assert_gone();
        }
    }
}

#[test]
fn a_sender_that_dies_while_it_proves_the_receivers_death_harms_nobody() {
    for point in ["probe.after-lock", "probe.after-certificate"] {
        for verb in ["single", "batch", "loan", "probe"] {
            let bench = Bench::<u64>::new(2);
            let keeper = bench.sender();
            let map = bench.map();
            let victim = bench.die("receiver", "single", 0, "detach.before-vacant");
            drop(keeper);
            let prober = bench.die("sender", verb, 3, point);
            assert_ne!(victim, prober);
            let sent = if verb == "probe" { 0 } else { 2 };

            let mut tx = bench.sender();
            assert_eq!((tx.position(), tx.predecessor()), (sent, Predecessor::Died));
            assert!(
                matches!(tx.peer(), Peer::Gone { departure, pid, .. } if (departure, pid) == (Departure::Died, victim))
            );
            assert_eq!(fill(&mut tx, Departure::Died), 2 - sent);
            let mut rx = bench.receiver();
            assert_eq!((rx.position(), rx.predecessor()), (0, Predecessor::Died));
            (0..2).for_each(|number| assert_eq!(receive(&mut rx), Ok(number)));
            assert_works(&mut tx, &mut rx);
            drop((tx, rx));
            drop(map);
            bench.assert_gone();
        }
    }
}
