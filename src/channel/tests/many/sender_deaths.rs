//! A sender that dies: what it had published arrives, nothing else does, and all others go on.

use super::{
    Bench, CAPACITIES, Many, Mpmc, Mpsc, Numbered, Part, Receiver, Spmc, Wide, assert_works, each, gather,
    is_attached, is_gone, own_pid, send_all, sorted,
};
use crate::{Departure, TrySendError};

/// The crash points on the way of a sender that is one of several, and those of an only one, by verb.
fn points<K: Many>(verb: &str) -> &'static [&'static str] {
    match verb {
        "drop" | "forget" if K::SHARED_SENDERS => &["send.after-abandon"],
        "drop" | "forget" => &[],
        _ if K::SHARED_SENDERS => {
            &["send.after-intent", "send.after-claim", "send.after-write", "send.after-fill"]
        }
        _ => &["send.after-write", "send.after-fill", "send.after-commit"],
    }
}

/// How often a sender of `count` messages passes a crash point.
fn hits(verb: &str, point: &str, count: u64) -> u64 {
    match (verb, point) {
        ("batch", "send.after-intent" | "send.after-claim" | "send.after-commit") => 1,
        ("forget", _) => 1,
        _ => count,
    }
}

/// How many messages the dead sender had published when it got to a crash point for the `nth` time (from 1),
/// sending `count` of them by `verb`.
fn published(verb: &str, point: &str, nth: u64, count: u64) -> u64 {
    match (verb, point) {
        ("drop" | "forget", _) => 0,
        ("batch", "send.after-commit") => count,
        (_, "send.after-fill" | "send.after-commit") => nth,
        _ => nth - 1,
    }
}

/// How many positions it had taken.
fn taken<K: Many>(verb: &str, point: &str, nth: u64, count: u64) -> u64 {
    match (verb, point) {
        _ if !K::SHARED_SENDERS => published(verb, point, nth, count),
        ("batch", "send.after-intent") => 0,
        ("batch", _) => count,
        (_, "send.after-intent") => nth - 1,
        _ => nth,
    }
}

/// One death of a sender.
struct Death<K: Many> {
    bench: Bench<K>,
    rx: Receiver<Wide, K>,
    /// The messages that are to arrive: those that another one had sent before, and those that the dead one had
    /// published.
    end: u64,
    /// Free slots.
    room: u64,
    pid: u64,
}

/// Each way to send, each crash point on it, into a ring that is empty and into one with a single free slot.
/// The others are who `prepare` says.
fn each_death<K: Many, Others>(
    room: usize,
    prepare: impl Fn(&Bench<K>) -> Others,
    check: impl Fn(Death<K>, Others),
) {
    for capacity in CAPACITIES {
        let mut befores = vec![0, capacity as u64 - 1];
        befores.dedup();
        for (before, verb) in befores
            .into_iter()
            .flat_map(|b| ["single", "batch", "loan", "drop", "forget"].map(|verb| (b, verb)))
        {
            let count = capacity as u64 - before;
            for point in points::<K>(verb) {
                for nth in 1..=hits(verb, point, count) {
                    println!("{} {capacity}, {before} before, {verb} {point}#{nth}", K::NAME);
                    let bench = Bench::<K>::with_room(capacity, room);
                    let mut rx = bench.receiver();
                    let mut tx = bench.sender();
                    bench.warm_up(&mut tx, &mut rx, capacity + nth as usize);
                    send_all(&mut tx, 100..100 + before);
                    drop(tx);
                    let others = prepare(&bench);
                    let first = 100 + before;
                    let part = Part::sender(verb, first..first + count).kill_at(&format!("{point}#{nth}"));
                    let pid = bench.die(&part);
                    let end = first + published(verb, point, nth, count);
                    let room = count - taken::<K>(verb, point, nth, count);
                    check(Death { bench, rx, end, room, pid }, others);
                }
            }
        }
    }
}

#[test]
fn what_the_last_sender_published_arrives_then_its_death_is_heard_then_another_one_goes_on() {
    fn check<K: Many>() {
        // A place on each side: what a dead one leaves has to be free again for the next.
        each_death::<K, ()>(
            1,
            |_| (),
            |Death { bench, mut rx, end, pid, .. }, ()| {
                assert_eq!(gather(&mut rx), (each(100..end, 0), Departure::Died));
                assert_eq!(gather(&mut rx), (vec![], Departure::Died));
                let health = rx.health();
                assert!(
                    matches!(&health.senders[..], [dead] if is_gone(dead, Departure::Died, pid)),
                    "{health:?}"
                );
                assert!(matches!(&health.receivers[..], [me] if is_attached(me, own_pid())), "{health:?}");
                assert_eq!((health.stalled, health.poisoned, health.discarded), (None, 0, 0));

                let mut tx = bench.sender();
                assert_works(&mut tx, &mut rx);
                drop(tx);
                assert_eq!(gather(&mut rx), (vec![], Departure::Left));
                drop(rx);
                bench.assert_gone();
            },
        );
    }
    check::<Mpmc>();
    check::<Mpsc>();
    check::<Spmc>();
}

#[test]
fn another_sender_that_comes_before_anything_is_received_passes_over_what_the_dead_one_left() {
    fn check<K: Many>() {
        each_death::<K, ()>(
            1,
            |_| (),
            |Death { bench, mut rx, end, room, .. }, ()| {
                let mut tx = bench.sender();
                send_all(&mut tx, 200..200 + room);
                assert_eq!(tx.try_send(Wide::of(0)), Err(TrySendError::Full(Wide::of(0))));
                let expected = [each(100..end, 0), each(200..200 + room, 0)].concat();
                let received: Vec<_> = (0..expected.len()).map(|way| super::receive(&mut rx, way)).collect();
                assert_eq!(received, expected.into_iter().map(Ok).collect::<Vec<_>>());
                assert_works(&mut tx, &mut rx);
                drop((tx, rx));
                bench.assert_gone();
            },
        );
    }
    check::<Mpmc>();
    check::<Mpsc>();
    check::<Spmc>();
}

#[test]
fn several_survivors_of_a_sender_go_on_at_once_and_get_every_message_once() {
    fn check<K: Many>() {
        let others = |bench: &Bench<K>| {
            let fellow = K::SHARED_RECEIVERS.then(|| bench.receiver());
            (fellow, K::SHARED_SENDERS.then(|| bench.sender()))
        };
        each_death::<K, _>(2, others, |Death { bench, mut rx, end, pid, .. }, (mut fellow, tx)| {
            let mut tx = tx.unwrap_or_else(|| bench.sender());
            let more = 1000..1000 + 3 * bench.capacity as u64;
            let (one, other) = std::thread::scope(|threads| {
                let one = threads.spawn(|| gather(&mut rx).0);
                let other = threads.spawn(|| fellow.as_mut().map_or(vec![], |rx| gather(rx).0));
                send_all(&mut tx, more.clone());
                let health = tx.health();
                let heard = health.senders.iter().any(|peer| is_gone(peer, Departure::Died, pid));
                // The successor of an only sender has its record.
                assert!(heard || !K::SHARED_SENDERS, "{health:?}");
                drop(tx);
                (one.join().expect("no panic"), other.join().expect("no panic"))
            });
            assert!(
                one.is_sorted() && other.is_sorted(),
                "each gets its messages in order: {one:?} {other:?}"
            );
            assert_eq!(sorted([one, other].concat()), [each(100..end, 0), each(more, 0)].concat());

            // Nobody has a place for ever: one for each sender that there may be.
            let mut tx = bench.sender();
            let fellow_sender = K::SHARED_SENDERS.then(|| bench.sender());
            assert_works(&mut tx, &mut rx);
            drop((tx, rx, fellow, fellow_sender));
            bench.assert_gone();
        });
    }
    check::<Mpmc>();
    check::<Mpsc>();
    check::<Spmc>();
}
