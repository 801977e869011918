//! A receiver that dies: what it had not given back is delivered again and marked, nothing else is, and nothing is
//! lost.

use super::{
    Bench, CAPACITIES, Many, Mpmc, Mpsc, Part, Received, Sender, Spmc, Wide, assert_works, each, fill,
    gather, is_attached, is_gone, own_pid, receive, send_all, sorted,
};
use crate::{Departure, Message, OnReceiverDeath};

/// The crash points on the way of a receiver that is one of several, and those of an only one, by verb.
fn points<K: Many>(verb: &str) -> &'static [&'static str] {
    match verb {
        "lease" if K::SHARED_RECEIVERS => {
            &["recv.after-intent", "recv.after-claim", "lease.before-release", "recv.after-release"]
        }
        "lease" => &["recv.after-intent", "lease.before-release", "recv.after-release"],
        "forget" if K::SHARED_RECEIVERS => &["recv.after-abandon", "repair.after-announcement"],
        "forget" => &["recv.after-abandon"],
        _ if K::SHARED_RECEIVERS => {
            &["recv.after-intent", "recv.after-claim", "recv.after-read", "recv.after-release"]
        }
        _ => &["recv.after-intent", "recv.after-read", "recv.after-release"],
    }
}

/// How often a receiver of `count` messages passes a crash point.
fn hits(verb: &str, point: &str, count: u64) -> u64 {
    match (verb, point) {
        ("batch", "recv.after-intent" | "recv.after-claim") | ("forget", _) => 1,
        _ => count,
    }
}

/// How many messages the dead receiver had given back when it got to a crash point for the `nth` time (from 1),
/// receiving `count` of them by `verb`; and how many it held.
fn given_and_held<K: Many>(verb: &str, point: &str, nth: u64, count: u64) -> (u64, u64) {
    match (verb, point) {
        ("forget", _) => (0, 1),
        ("batch", "recv.after-release") => (nth, count - nth),
        (_, "recv.after-release") => (nth, 0),
        // The intent of one of several is not yet a claim; that of an only one is all that its successor has.
        ("batch", "recv.after-intent") if K::SHARED_RECEIVERS => (0, 0),
        (_, "recv.after-intent") if K::SHARED_RECEIVERS => (nth - 1, 0),
        ("batch", _) => (0, count),
        _ => (nth - 1, 1),
    }
}

/// One death of a receiver, of a ring with the messages from 100 to `end`.
struct Death<K: Many> {
    bench: Bench<K>,
    tx: Sender<Wide, K>,
    /// The first message that it had not given back.
    next: u64,
    /// The first message that it had not touched.
    rest: u64,
    /// How often those that it held are said to have been received.
    times: u32,
    end: u64,
    pid: u64,
}

impl<K: Many> Death<K> {
    /// Messages that fit before the slot of one that was not given back.
    fn room(&self) -> u64 {
        self.next + self.bench.capacity as u64 - self.end
    }

    /// What is delivered, of those that were sent before and of `more` that were sent after.
    fn delivered(&self, more: u64) -> Vec<Received> {
        let held = each(self.next..self.rest, self.times);
        [held, each(self.rest..self.end, 0), each(self.end..self.end + more, 0)].concat()
    }
}

/// Each way to receive, each crash point on it, from a ring that is full and from one that has fewer messages.
/// The others are who `prepare` says.
fn each_death<K: Many, Others>(
    bench: impl Fn(usize) -> Bench<K>,
    prepare: impl Fn(&Bench<K>) -> Others,
    check: impl Fn(Death<K>, Others),
) {
    for capacity in CAPACITIES {
        let full = capacity as u64;
        let mut loads = vec![(full, full), (full, 1), (1, 1), (full - 1, full - 1)];
        loads.retain(|(messages, _)| *messages > 0);
        loads.dedup();
        for ((messages, count), verb) in
            loads.into_iter().flat_map(|load| ["single", "batch", "lease", "forget"].map(|verb| (load, verb)))
        {
            for point in points::<K>(verb) {
                for nth in 1..=hits(verb, point, count) {
                    println!("{} {capacity}, {count} of {messages}, {verb} {point}#{nth}", K::NAME);
                    let bench = bench(capacity);
                    let mut tx = bench.sender();
                    bench.warm_up(&mut tx, &mut bench.receiver(), capacity + nth as usize);
                    let end = 100 + messages;
                    send_all(&mut tx, 100..end);
                    let others = prepare(&bench);
                    let pid = bench.die(&Part::receiver(verb, count).kill_at(&format!("{point}#{nth}")));
                    let (given, held) = given_and_held::<K>(verb, point, nth, count);
                    let next = 100 + given;
                    // An only receiver has given the message up, and then dies with the intent that names it.
                    let times = if verb == "forget" && !K::SHARED_RECEIVERS { 2 } else { 1 };
                    check(Death { bench, tx, next, rest: next + held, times, end, pid }, others);
                }
            }
        }
    }
}

fn one_place<K: Many>(capacity: usize) -> Bench<K> {
    Bench::with_room(capacity, 1)
}

fn two_places<K: Many>(capacity: usize) -> Bench<K> {
    Bench::with_room(capacity, 2)
}

/// What was held, which one of several receivers gets in any order, comes first, then the rest in order.
#[track_caller]
fn assert_same<K: Many>(mut received: Vec<Received>, held: usize, expected: &[Received]) {
    if K::SHARED_RECEIVERS {
        received[..held].sort();
    }
    assert_eq!(received, expected);
}

#[test]
fn a_sender_fills_what_the_last_receiver_gave_back_then_hears_of_its_death_then_another_one_gets_the_rest() {
    fn check<K: Many>() {
        each_death::<K, ()>(
            one_place,
            |_| (),
            |mut death, ()| {
                let room = death.room();
                assert_eq!(
                    fill(&mut death.tx, death.end, Departure::Died),
                    room,
                    "nothing overwritten, no slot lost"
                );
                assert_eq!(fill(&mut death.tx, death.end, Departure::Died), 0);
                let health = death.tx.health();
                let dead =
                    matches!(&health.receivers[..], [dead] if is_gone(dead, Departure::Died, death.pid));
                assert!(dead, "{health:?}");
                assert!(matches!(&health.senders[..], [me] if is_attached(me, own_pid())), "{health:?}");
                assert_eq!((health.stalled, health.poisoned, health.discarded), (None, 0, 0));

                let expected = death.delivered(room);
                let mut rx = death.bench.receiver();
                let received =
                    (0..expected.len()).map(|way| receive(&mut rx, way).expect("a message")).collect();
                assert_same::<K>(received, (death.rest - death.next) as usize, &expected);
                assert_works(&mut death.tx, &mut rx);
                drop(rx);
                assert_eq!(fill(&mut death.tx, 0, Departure::Left), death.bench.capacity as u64);
                drop(death.tx);
                death.bench.assert_gone();
            },
        );
    }
    check::<Mpmc>();
    check::<Mpsc>();
    check::<Spmc>();
}

#[test]
fn a_receiver_that_comes_after_all_others_died_gets_everything_then_hears_of_it() {
    fn check<K: Many>() {
        each_death::<K, ()>(
            one_place,
            |_| (),
            |death, ()| {
                let expected = death.delivered(0);
                // Something has to hold the channel meanwhile.
                let map = death.bench.map();
                drop(death.tx);
                let mut rx = death.bench.receiver();
                let (received, departure) = gather(&mut rx);
                assert_same::<K>(received, (death.rest - death.next) as usize, &expected);
                assert_eq!(departure, Departure::Left);
                // And the channel goes on when a sender comes back.
                let mut tx = death.bench.sender();
                assert_works(&mut tx, &mut rx);
                drop((tx, rx, map));
                death.bench.assert_gone();
            },
        );
    }
    check::<Mpmc>();
    check::<Mpsc>();
    check::<Spmc>();
}

#[test]
fn several_survivors_of_a_receiver_go_on_at_once_and_one_of_them_gets_what_it_held() {
    fn check<K: Many>() {
        let others = |bench: &Bench<K>| {
            let receivers = K::SHARED_RECEIVERS.then(|| bench.receiver());
            (receivers, K::SHARED_SENDERS.then(|| bench.sender()))
        };
        each_death::<K, _>(two_places, others, |death, (one, fellow)| {
            // The successor of an only receiver.
            let mut one = one.unwrap_or_else(|| death.bench.receiver());
            let mut other = K::SHARED_RECEIVERS.then(|| death.bench.receiver());
            let more = 3 * death.bench.capacity as u64;
            let expected = death.delivered(if fellow.is_some() { 2 * more } else { more });
            let Death { bench, mut tx, end, .. } = death;
            let (first, second) = std::thread::scope(|threads| {
                let first = threads.spawn(|| gather(&mut one).0);
                let second = threads.spawn(|| other.as_mut().map_or(vec![], |rx| gather(rx).0));
                if let Some(mut fellow) = fellow {
                    threads.spawn(move || send_all(&mut fellow, end + more..end + 2 * more));
                }
                send_all(&mut tx, end..end + more);
                drop(tx);
                (first.join().expect("no panic"), second.join().expect("no panic"))
            });
            assert_eq!(sorted([first, second].concat()), expected);

            // Nobody has a place for ever.
            let mut tx = bench.sender();
            drop(other);
            let other = K::SHARED_RECEIVERS.then(|| bench.receiver());
            assert_works(&mut tx, &mut one);
            drop((tx, one, other));
            bench.assert_gone();
        });
    }
    check::<Mpmc>();
    check::<Mpsc>();
    check::<Spmc>();
}

/// As `with_room`, of a channel that delivers nothing twice.
fn discarding<K: Many>(capacity: usize) -> Bench<K> {
    fn options<M: Message, K: Many>(channel: crate::channel::Channel<M, K>) -> crate::channel::Channel<M, K> {
        K::with_room(channel, 1).on_receiver_death(OnReceiverDeath::Discard)
    }
    Bench::with(capacity, options)
}

#[test]
fn what_a_dead_receiver_held_is_dropped_and_counted_if_the_channel_says_so() {
    fn check<K: Many>() {
        each_death::<K, ()>(
            discarding,
            |_| (),
            |mut death, ()| {
                let mut held = death.rest - death.next;
                let mut expected = death.delivered(0);
                let mut rx = death.bench.receiver();
                let given_up = expected.first() == Some(&(100, death.times)) && rx.health().discarded == 0;
                if given_up {
                    // It had given the message up before it died: that was no death with the message.
                    held = 0;
                }
                expected.drain(..held as usize);
                let received: Vec<_> = (0..expected.len()).map(|way| receive(&mut rx, way)).collect();
                assert_eq!(received, expected.into_iter().map(Ok).collect::<Vec<_>>());
                assert_works(&mut death.tx, &mut rx);
                let health = rx.health();
                assert_eq!((health.poisoned, health.discarded), (0, held));
                drop((death.tx, rx));
                death.bench.assert_gone();
            },
        );
    }
    check::<Mpmc>();
    check::<Mpsc>();
    check::<Spmc>();
}
