//! One that dies while it repairs what another left: the next one does the rest, and nothing is done twice.

use super::{
    Bench, Channel, Many, Mpmc, Mpsc, Part, Spmc, Wide, assert_works, each, gather, heard, receive, send,
    send_all, sorted,
};
use crate::{Departure, OnReceiverDeath};

const CAPACITY: u64 = 3;

const PROBES: [&str; 2] = ["probe.after-lock", "probe.after-certificate"];

/// Those who repair: while they wait, a receiver for a message and a sender for a slot; because they are asked how
/// the channel is; and one that joins.
fn repairers<K: Many>(joins: Part<'static>) -> Vec<Part<'static>> {
    let receivers = [Part::receiver("single", 1).waits(), Part::receiver("health", 0).waits()];
    let senders = [Part::sender("single", 900..901).waits(), Part::sender("health", 0..0).waits()];
    let mut all = vec![joins];
    if K::SHARED_RECEIVERS {
        all.extend(receivers);
    }
    if K::SHARED_SENDERS {
        all.extend(senders);
    }
    all
}

/// Lets `victim` die, and then the one that repairs what it left.
#[track_caller]
fn die_both<K: Many>(bench: &Bench<K>, victim: &Part<'_>, repairer: Part<'_>, point: &str) {
    println!("{} {repairer:?} {point}", K::NAME);
    let repairer = repairer.kill_at(point);
    if !repairer.waits {
        bench.die(victim);
        bench.die(&repairer);
        return;
    }
    let mut repairer = bench.attach(&repairer);
    bench.die(victim);
    repairer.tell("begin");
    repairer.wait_killed();
}

#[test]
fn one_that_dies_while_it_closes_a_gap_leaves_the_rest_to_the_next() {
    fn check<K: Many>() {
        let points =
            ["repair.after-skip#1", "repair.after-skip#2", "repair.after-skip#3", "repair.after-burial"];
        for part in repairers::<K>(Part::sender("hold", 0..0)) {
            for point in points.into_iter().chain(PROBES) {
                let bench = Bench::<K>::with_room(3, 3);
                let (mut tx, mut rx) = (bench.sender(), bench.receiver());
                bench.warm_up(&mut tx, &mut rx, 2);
                // A ring full of gaps, so that a sender waits, too.
                let victim = Part::sender("batch", 100..103).kill_at("send.after-claim");
                die_both(&bench, &victim, part.clone(), point);
                // The next one that waits; nobody tells it.
                std::thread::scope(|threads| {
                    threads.spawn(|| send(&mut tx, 200));
                    assert_eq!(receive(&mut rx, 0), Ok((200, 0)));
                });
                assert_eq!(rx.health().stalled, None);
                // Both have left their places.
                let others = (bench.sender(), bench.sender());
                assert_works(&mut tx, &mut rx);
                drop((tx, others));
                assert_eq!(gather(&mut rx).0, []);
                drop(rx);
                bench.assert_gone();
            }
        }
    }
    check::<Mpmc>();
    check::<Mpsc>();
}

#[test]
fn one_that_dies_while_it_sets_messages_free_leaves_the_rest_to_the_next() {
    fn check<K: Many>() {
        let points = ["repair.after-orphan#1", "repair.after-orphan#2", "repair.after-orphan#3"];
        let points = [&points[..], &["repair.after-announcement", "repair.after-burial"], &PROBES].concat();
        for part in repairers::<K>(Part::receiver("hold", 0)) {
            for point in &points {
                let bench = Bench::<K>::with_room(3, 3);
                let (mut tx, mut rx) = (bench.sender(), bench.receiver());
                bench.warm_up(&mut tx, &mut rx, 2);
                send_all(&mut tx, 100..103);
                let victim = Part::receiver("batch", 3).kill_at("recv.after-claim");
                die_both(&bench, &victim, part.clone(), point);
                let received = (0..CAPACITY as usize).map(|way| receive(&mut rx, way).expect("a message"));
                assert_eq!(sorted(received.collect()), each(100..103, 1));
                assert_eq!(tx.health().stalled, None);
                let others = (bench.receiver(), bench.receiver());
                assert_works(&mut tx, &mut rx);
                drop(tx);
                assert_eq!(gather(&mut rx).0, []);
                drop((rx, others));
                bench.assert_gone();
            }
        }
    }
    check::<Mpmc>();
    check::<Spmc>();
}

#[test]
fn one_that_dies_while_it_takes_what_was_set_free_leaves_it_to_the_next() {
    fn check<K: Many>() {
        for verb in ["single", "batch", "lease"] {
            let last = if verb == "lease" { "lease.before-release" } else { "recv.after-read" };
            for (point, again) in
                [("orphan.after-intent", 0), ("orphan.after-take", 1), (last, 1), ("recv.after-release", 2)]
            {
                for nth in 1..=CAPACITY {
                    println!("{} {verb} {point}#{nth}", K::NAME);
                    let bench = Bench::<K>::with_room(3, 2);
                    let (mut tx, mut rx) = (bench.sender(), bench.receiver());
                    bench.warm_up(&mut tx, &mut rx, 2);
                    send_all(&mut tx, 100..103);
                    bench.die(&Part::receiver("batch", 3).kill_at("recv.after-claim"));
                    // It repairs when it joins, and has its predecessor's place.
                    bench.die(&Part::receiver(verb, 3).kill_at(&format!("{point}#{nth}")));
                    // How often those that are left have been claimed.
                    let mut left = match again {
                        0 => vec![1; (CAPACITY - nth + 1) as usize],
                        1 => [vec![1; (CAPACITY - nth) as usize], vec![2]].concat(),
                        _ => vec![1; (CAPACITY - nth) as usize],
                    };
                    rx.health();
                    let received = (0..left.len()).map(|way| receive(&mut rx, way).expect("a message"));
                    let mut received: Vec<_> = received.collect();
                    left.sort();
                    received.sort_by_key(|(_, redelivered)| *redelivered);
                    assert_eq!(
                        received.iter().map(|(_, redelivered)| *redelivered).collect::<Vec<_>>(),
                        left
                    );
                    // Each of them once.
                    received.sort();
                    received.dedup_by_key(|(number, _)| *number);
                    assert_eq!(received.len(), left.len());
                    let fellow = bench.receiver();
                    assert_works(&mut tx, &mut rx);
                    drop((tx, fellow));
                    assert_eq!(gather(&mut rx), (vec![], Departure::Left));
                    drop(rx);
                    bench.assert_gone();
                }
            }
        }
    }
    check::<Mpmc>();
    check::<Spmc>();
}

#[test]
fn what_is_set_free_is_taken_by_a_waiting_receiver_in_another_process() {
    fn check<K: Many>() {
        let bench = Bench::<K>::with_room(3, 3);
        let mut tx = bench.sender();
        let mut waiting =
            [bench.attach(&Part::receiver("single", 1)), bench.attach(&Part::receiver("lease", 1))];
        let mut dead = bench.attach(&Part::receiver("batch", 2).waits().kill_at("recv.after-read"));
        // Whoever gets a message of these is through; the other two messages go to the one that dies of them.
        send_all(&mut tx, 100..102);
        let first = waiting.iter_mut().flat_map(heard).collect::<Vec<_>>();
        assert_eq!(sorted(first), each(100..102, 0));
        let mut waiting =
            [bench.attach(&Part::receiver("batch", 1)), bench.attach(&Part::receiver("lease", 1))].map(
                |mut child| {
                    child.stop();
                    child
                },
            );
        send_all(&mut tx, 102..104);
        dead.tell("begin");
        dead.wait_killed();
        waiting.iter_mut().for_each(crate::testing::Child::go_on);
        let second = waiting.iter_mut().flat_map(heard).collect::<Vec<_>>();
        assert_eq!(sorted(second), each(102..104, 1));
        waiting.iter_mut().for_each(crate::testing::Child::wait_success);
        let mut rx = bench.receiver();
        assert_works(&mut tx, &mut rx);
        drop((tx, rx));
        bench.assert_gone();
    }
    check::<Mpmc>();
    check::<Spmc>();
}

#[test]
fn a_successor_that_dies_while_it_marks_what_the_only_receiver_held_is_counted_as_one_more() {
    for (point, marks) in [
        ("receiver.resume.after-mark#1", [2, 1, 1]),
        ("receiver.resume.after-mark#2", [2, 2, 1]),
        ("receiver.resume.after-mark#3", [2, 2, 2]),
        ("receiver.resume.after-intent", [1, 1, 1]),
        // Before it has looked, and after it left without having received.
        ("attach.after-lock", [1, 1, 1]),
        ("attach.after-identity", [1, 1, 1]),
        ("attach.after-live", [1, 1, 1]),
        ("detach.before-vacant", [1, 1, 1]),
        ("detach.after-vacant", [1, 1, 1]),
    ] {
        println!("{point}");
        let bench = Bench::<Mpsc>::with_room(4, 2);
        let mut tx = bench.sender();
        bench.warm_up(&mut tx, &mut bench.receiver(), 6);
        send_all(&mut tx, 100..103);
        bench.die(&Part::receiver("batch", 3).kill_at("recv.after-read#3"));
        bench.die(&Part::receiver("batch", 0).kill_at(point));
        send(&mut tx, 103);
        let mut rx = bench.receiver();
        // A batch is of messages that came equally often, in order.
        let mut received = Vec::new();
        while received.len() < 4 {
            let mut messages = Vec::new();
            rx.recv_batch(&mut messages, 8).expect("messages");
            let redelivered = rx.redelivered();
            received.extend(messages.iter().map(|message| (message[0], redelivered)));
        }
        let expected = [marks[0], marks[1], marks[2], 0];
        assert_eq!(received, (100..104).zip(expected).collect::<Vec<_>>());
        assert_works(&mut tx, &mut rx);
        drop((tx, rx));
        bench.assert_gone();
    }
}

#[test]
fn a_successor_that_dies_while_it_resumes_leaves_the_only_senders_place_to_the_next() {
    for verb in ["single", "batch", "loan"] {
        let bench = Bench::<Spmc>::with_room(3, 1);
        let mut rx = bench.receiver();
        bench.warm_up(&mut bench.sender(), &mut rx, 4);
        // All messages carry their stamp; the tail knows of none of a batch.
        bench.die(&Part::sender(verb, 100..103).kill_at("send.after-fill#3"));
        for point in ["sender.resume.after-tail", "attach.after-live", "detach.before-vacant"] {
            bench.die(&Part::sender("single", 0..0).kill_at(point));
        }
        let mut tx = bench.sender();
        assert_eq!(tx.position(), 7);
        assert!(tx.try_send([0; 16]).is_err(), "full");
        for number in 100..103 {
            assert_eq!(receive(&mut rx, number as usize), Ok((number, 0)));
        }
        assert_works(&mut tx, &mut rx);
        drop((tx, rx));
        bench.assert_gone();
    }
}

#[test]
fn what_the_only_receiver_held_is_dropped_and_counted_once_also_if_successors_die_at_that() {
    let discarding = |channel: Channel<Wide, Mpsc>| channel.on_receiver_death(OnReceiverDeath::Discard);
    let drops_all = [Part::receiver("batch", 0).kill_at("receiver.resume.after-mark#3")];
    let drops_one = ["#1", "#2"]
        .map(|nth| Part::receiver("batch", 0).kill_at(&format!("receiver.resume.after-mark{nth}")));
    for successors in
        [&drops_all[..], &drops_one, &[Part::receiver("hold", 0).kill_at("receiver.resume.after-intent")]]
    {
        let bench = Bench::<Mpsc>::with(4, discarding);
        let mut tx = bench.sender();
        bench.warm_up(&mut tx, &mut bench.receiver(), 6);
        send_all(&mut tx, 100..103);
        bench.die(&Part::receiver("batch", 3).kill_at("recv.after-read#3"));
        for successor in successors {
            bench.die(successor);
        }
        send(&mut tx, 103);
        let mut rx = bench.receiver();
        assert_eq!(receive(&mut rx, 0), Ok((103, 0)));
        assert_eq!((tx.health().discarded, tx.health().poisoned), (3, 0));
        assert_works(&mut tx, &mut rx);
        drop((tx, rx));
        bench.assert_gone();
    }
    // Of one that sixteen died of, too. After the first time it comes alone, so nothing else goes with it.
    let bench = Bench::<Mpsc>::with_room(4, 1);
    let mut tx = bench.sender();
    send_all(&mut tx, 100..102);
    for _ in 0..16 {
        bench.die(&Part::receiver("batch", 2).kill_at("recv.after-read"));
    }
    bench.die(&Part::receiver("batch", 0).kill_at("receiver.resume.after-mark"));
    let mut rx = bench.receiver();
    assert_eq!((tx.health().discarded, tx.health().poisoned), (0, 1));
    assert_eq!(receive(&mut rx, 0), Ok((101, 1)));
    assert_works(&mut tx, &mut rx);
    drop((tx, rx));
    bench.assert_gone();
}
