//! A receiver that dies: what it had not given back is delivered again, nothing else is, and nothing is lost.

use super::{Bench, Numbered, assert_gone_by, assert_works, drain, everywhere, fill, receive, send};
use crate::spsc::Sender;
use crate::{Departure, Peer, Predecessor};

/// By verb, the crash points on its way.
const PLACES: [(&str, &str); 6] = [
    ("single", "recv.after-read"),
    ("single", "recv.after-release"),
    ("batch", "recv.after-read"),
    ("batch", "recv.after-release"),
    ("lease", "lease.before-release"),
    ("lease", "recv.after-release"),
];

/// How many messages the dead receiver had given back when it got to a crash point for the `nth` time (from
/// 1), receiving `count` of them by `verb`. The one it held then, or its batch, is delivered again.
fn released(verb: &str, point: &str, nth: u64, count: u64) -> u64 {
    match (point, verb) {
        ("recv.after-read", "batch") => 0,
        ("recv.after-read" | "lease.before-release", _) => nth - 1,
        ("recv.after-release", "batch") => count,
        ("recv.after-release", _) => nth,
        other => panic!("{other:?}"),
    }
}

/// One death of a receiver that was receiving all messages of a full ring.
struct Death<M: Numbered> {
    bench: Bench<M>,
    tx: Sender<M>,
    /// Where the last message ends.
    end: u64,
    /// Where its successor has to go on.
    next: u64,
    pid: u64,
}

fn each_death<M: Numbered>(capacity: usize, check: impl Fn(Death<M>)) {
    let count = capacity as u64;
    for (verb, point) in PLACES {
        let mut hits = vec![1, count.div_ceil(2), count];
        hits.dedup();
        if verb == "batch" && point == "recv.after-release" {
            hits.truncate(1);
        }
        for nth in hits {
            let bench = Bench::<M>::new(capacity);
            let mut tx = bench.sender();
            let start = count * 2 + nth - 1;
            bench.warm_up(&mut tx, &mut bench.receiver(), start);
            let end = start + count;
            (start..end).for_each(|number| send(&mut tx, number));
            let pid = bench.die("receiver", verb, capacity, &format!("{point}#{nth}"));
            let next = start + released(verb, point, nth, count);
            println!("{} {capacity} {verb} {point}#{nth}: {start} to {end}, next {next}", M::FORM);
            check(Death { bench, tx, end, next, pid });
        }
    }
}

#[test]
fn a_sender_fills_what_a_dead_receiver_gave_back_then_hears_of_its_death_then_its_successor_goes_on() {
    fn check<M: Numbered>(capacity: usize) {
        each_death::<M>(capacity, |Death { bench, mut tx, end, next, pid }| {
            let room = next + capacity as u64 - end;
            assert_eq!(fill(&mut tx, Departure::Died), room, "no message was overwritten, no slot was lost");
            assert_gone_by(tx.peer(), Departure::Died, pid);
            assert_eq!(fill(&mut tx, Departure::Died), 0);

            let mut rx = bench.receiver();
            assert_eq!((rx.position(), rx.predecessor()), (next, Predecessor::Died));
            assert!(matches!(tx.peer(), Peer::Attached { pid, .. } if pid == u64::from(std::process::id())));
            (next..end + room).for_each(|number| assert_eq!(receive(&mut rx), Ok(number)));
            assert_works(&mut tx, &mut rx);
            drop(rx);
            assert_eq!(fill(&mut tx, Departure::Left), capacity as u64);
            assert_eq!(bench.receiver().predecessor(), Predecessor::Left);
            drop(tx);
            bench.assert_gone();
        });
    }
    everywhere(check::<u64>, check::<[u64; 16]>);
}

#[test]
fn a_successor_of_a_receiver_that_comes_at_once_gets_all_that_was_not_given_back() {
    fn check<M: Numbered>(capacity: usize) {
        each_death::<M>(capacity, |Death { bench, mut tx, end, next, .. }| {
            let mut rx = bench.receiver();
            assert_eq!((rx.position(), rx.predecessor()), (next, Predecessor::Died));
            (next..end).for_each(|number| assert_eq!(receive(&mut rx), Ok(number)));
            assert_works(&mut tx, &mut rx);
            drop((tx, rx));
            bench.assert_gone();
        });
    }
    everywhere(check::<u64>, check::<[u64; 16]>);
}

#[test]
fn when_both_sides_died_their_successors_go_on_exactly_there() {
    fn check<M: Numbered>(capacity: usize) {
        each_death::<M>(capacity, |Death { bench, tx, end, next, .. }| {
            let map = bench.map();
            drop(tx);
            bench.die("sender", "single", 1, "attach.after-live");
            let (mut rx, mut tx) = (bench.receiver(), bench.sender());
            assert_eq!((rx.position(), rx.predecessor()), (next, Predecessor::Died));
            assert_eq!((tx.position(), tx.predecessor()), (end, Predecessor::Died));
            (next..end).for_each(|number| assert_eq!(receive(&mut rx), Ok(number)));
            assert_works(&mut tx, &mut rx);
            drop((tx, rx, map));
            bench.assert_gone();
        });
    }
    check::<u64>(3);
    check::<[u64; 16]>(3);
}

#[test]
fn a_message_that_kills_each_of_its_receivers_is_delivered_to_the_next() {
    fn check<M: Numbered>(capacity: usize) {
        let bench = Bench::<M>::new(capacity);
        let mut tx = bench.sender();
        send(&mut tx, 0);
        for round in 0..6 {
            let (verb, point) = [PLACES[0], PLACES[2], PLACES[4]][round % 3];
            bench.die("receiver", verb, 1, point);
        }
        let mut rx = bench.receiver();
        assert_eq!((rx.position(), receive(&mut rx)), (0, Ok(0)));
        assert_works(&mut tx, &mut rx);
        drop(tx);
        drain(&mut rx, 0..0, Departure::Left);
        drop(rx);
        bench.assert_gone();
    }
    everywhere(check::<u64>, check::<[u64; 16]>);
}

#[test]
fn a_message_that_was_being_read_in_place_is_delivered_again_and_its_slot_is_not_written_before() {
    fn check<M: Numbered>(capacity: usize) {
        let bench = Bench::<M>::new(capacity);
        let mut tx = bench.sender();
        let full = capacity as u64;
        (0..full).for_each(|number| send(&mut tx, number));
        let mut child = bench.spawn("receiver", "reading", 1);
        assert_eq!(child.hear(), "attached 0");
        assert_eq!(child.hear(), "holding 0");
        assert!(matches!(tx.try_send(M::of(full)), Err(crate::TrySendError::Full(_))));
        child.kill_running();
        assert_eq!(fill(&mut tx, Departure::Died), 0);
        let mut rx = bench.receiver();
        (0..full).for_each(|number| assert_eq!(receive(&mut rx), Ok(number)));
        assert_works(&mut tx, &mut rx);
        drop((tx, rx));
        bench.assert_gone();
    }
    everywhere(check::<u64>, check::<[u64; 16]>);
}
