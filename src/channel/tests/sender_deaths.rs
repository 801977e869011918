//! A sender that dies: what was published arrives, nothing else does, and its successor goes on exactly
//! there.

use super::{Bench, Numbered, assert_gone_by, assert_works, drain, everywhere, receive, send};
use crate::spsc::Receiver;
use crate::{Departure, Peer, Predecessor, TrySendError};

const POINTS: [&str; 3] = ["send.after-write", "send.after-fill", "send.after-commit"];
const VERBS: [&str; 3] = ["single", "batch", "loan"];

/// How many messages the dead sender had published when it got to a crash point for the `nth` time (from
/// 1), sending `count` of them by `verb`.
fn published(form: &str, verb: &str, point: &str, nth: u64, count: u64) -> u64 {
    match (point, verb, form) {
        ("send.after-write", "batch", "indexed") => 0,
        ("send.after-write", ..) => nth - 1,
        ("send.after-fill", _, "stamped") => nth,
        ("send.after-fill", "batch", _) => 0,
        ("send.after-fill", ..) => nth - 1,
        ("send.after-commit", "batch", _) => count,
        ("send.after-commit", ..) => nth,
        other => panic!("{other:?}"),
    }
}

/// One death of a sender that was sending as many messages as the ring holds.
struct Death<M: Numbered> {
    bench: Bench<M>,
    rx: Receiver<M>,
    /// Where it took the channel over, in the middle of a lap.
    start: u64,
    /// Where its last published message ends.
    end: u64,
    pid: u64,
}

fn each_death<M: Numbered>(capacity: usize, check: impl Fn(Death<M>)) {
    let count = capacity as u64;
    for verb in VERBS {
        for point in POINTS {
            let mut hits = vec![1, count.div_ceil(2), count];
            hits.dedup();
            if verb == "batch" && point == "send.after-commit" {
                hits.truncate(1);
            }
            for nth in hits {
                let bench = Bench::<M>::new(capacity);
                let mut rx = bench.receiver();
                let start = count * 2 + nth - 1;
                bench.warm_up(&mut bench.sender(), &mut rx, start);
                let pid = bench.die("sender", verb, capacity, &format!("{point}#{nth}"));
                let end = start + published(M::FORM, verb, point, nth, count);
                println!("{} {capacity} {verb} {point}#{nth}: {start} to {end}", M::FORM);
                check(Death { bench, rx, start, end, pid });
            }
        }
    }
}

#[test]
fn what_a_dead_sender_published_arrives_then_its_death_is_heard_then_its_successor_goes_on() {
    fn check<M: Numbered>(capacity: usize) {
        each_death::<M>(capacity, |Death { bench, mut rx, start, end, pid }| {
            drain(&mut rx, start..end, Departure::Died);
            assert_gone_by(rx.peer(), Departure::Died, pid);
            drain(&mut rx, end..end, Departure::Died);

            let mut tx = bench.sender();
            assert_eq!((tx.position(), tx.predecessor()), (end, Predecessor::Died));
            assert!(matches!(rx.peer(), Peer::Attached { pid, .. } if pid == u64::from(std::process::id())));
            assert_works(&mut tx, &mut rx);
            let last = tx.position();
            drop(tx);
            drain(&mut rx, last..last, Departure::Left);
            assert_eq!(bench.sender().predecessor(), Predecessor::Left);
            drop(rx);
            bench.assert_gone();
        });
    }
    everywhere(check::<u64>, check::<[u64; 16]>);
}

#[test]
fn a_successor_that_comes_before_anything_is_received_neither_overwrites_nor_repeats_nor_skips() {
    fn check<M: Numbered>(capacity: usize) {
        each_death::<M>(capacity, |Death { bench, mut rx, start, end, .. }| {
            let mut tx = bench.sender();
            assert_eq!((tx.position(), tx.predecessor()), (end, Predecessor::Died));
            let full = start + capacity as u64;
            (end..full).for_each(|number| send(&mut tx, number));
            assert_eq!(tx.try_send(M::of(full)), Err(TrySendError::Full(M::of(full))));
            // Nothing in between: to the receiver the death never happened.
            (start..full).for_each(|number| assert_eq!(receive(&mut rx), Ok(number)));
            assert_works(&mut tx, &mut rx);
            drop((tx, rx));
            bench.assert_gone();
        });
    }
    everywhere(check::<u64>, check::<[u64; 16]>);
}

#[test]
fn a_receiver_that_comes_after_the_sender_died_gets_all_that_it_published() {
    fn check<M: Numbered>(capacity: usize) {
        each_death::<M>(capacity, |Death { bench, rx, start, end, .. }| {
            // Something has to hold the segment meanwhile.
            let mut tx = bench.sender();
            drop(rx);
            let mut rx = bench.receiver();
            assert_eq!((rx.position(), rx.predecessor()), (start, Predecessor::Left));
            (start..end).for_each(|number| assert_eq!(receive(&mut rx), Ok(number)));
            assert!(rx.try_recv().is_err());
            assert_works(&mut tx, &mut rx);
            drop((rx, tx));
            bench.assert_gone();
        });
    }
    check::<u64>(3);
    check::<[u64; 16]>(3);
}

#[test]
fn a_successor_that_dies_while_it_resumes_leaves_the_same_place_to_the_next() {
    for capacity in super::CAPACITIES {
        let count = capacity as u64;
        for verb in VERBS {
            let bench = Bench::<u64>::new(capacity);
            let mut rx = bench.receiver();
            bench.warm_up(&mut bench.sender(), &mut rx, count + 1);
            // All messages carry their stamp; the tail knows of none of a batch.
            bench.die("sender", verb, capacity, &format!("send.after-fill#{count}"));
            for _ in 0..2 {
                bench.die("sender", verb, capacity, "sender.resume.after-tail");
            }
            let mut tx = bench.sender();
            assert_eq!((tx.position(), tx.predecessor()), (2 * count + 1, Predecessor::Died));
            assert!(matches!(tx.try_send(0), Err(TrySendError::Full(0))));
            (count + 1..2 * count + 1).for_each(|number| assert_eq!(receive(&mut rx), Ok(number)));
            assert_works(&mut tx, &mut rx);
            drop((tx, rx));
            bench.assert_gone();
        }
    }
}

#[test]
fn one_dead_sender_after_another_loses_and_repeats_nothing() {
    fn check<M: Numbered>(capacity: usize) {
        let bench = Bench::<M>::new(capacity);
        let mut rx = bench.receiver();
        let mut end = 0;
        for round in 0..12 {
            let (verb, point) = (VERBS[round % 3], POINTS[round / 3 % 3]);
            bench.die("sender", verb, capacity, point);
            let start = end;
            end += published(M::FORM, verb, point, 1, capacity as u64);
            drain(&mut rx, start..end, Departure::Died);
        }
        let mut tx = bench.sender();
        assert_eq!(tx.position(), end);
        assert_works(&mut tx, &mut rx);
        drop((tx, rx));
        bench.assert_gone();
    }
    everywhere(check::<u64>, check::<[u64; 16]>);
}

#[test]
fn a_message_that_was_written_in_place_and_not_published_dies_with_its_sender() {
    fn check<M: Numbered>(capacity: usize) {
        let bench = Bench::<M>::new(capacity);
        let mut rx = bench.receiver();
        let mut child = bench.spawn("sender", "draft", 1);
        assert_eq!(child.hear(), "attached 0");
        assert_eq!(child.hear(), "holding");
        child.kill_running();
        drain(&mut rx, 0..0, Departure::Died);
        let mut tx = bench.sender();
        assert_eq!((tx.position(), tx.predecessor()), (0, Predecessor::Died));
        assert_works(&mut tx, &mut rx);
        drop((tx, rx));
        bench.assert_gone();
    }
    everywhere(check::<u64>, check::<[u64; 16]>);
}
