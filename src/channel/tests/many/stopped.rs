//! One that is stopped is slow, not dead: nothing of its is repaired or taken, others hear who is in the way, and
//! when it goes on, nothing is lost or repeated.

use super::{
    A_WHILE, Bench, CAPACITIES, Many, Mpmc, Mpsc, Numbered, Part, Spmc, Wide, assert_names,
    assert_receiver_stalled, assert_sender_stalled, assert_waits, assert_works, each, gather, heard,
    is_attached, receive, receive_for, send, send_all, sorted,
};
use crate::{Error, RecvTimeoutError, SendTimeoutError};

/// Where a sender of two messages stops: verb, point, how many it had published and how many positions it had taken.
const SENDERS: [(&str, &str, u64, u64); 14] = [
    ("single", "send.after-intent", 0, 0),
    ("single", "send.after-claim", 0, 1),
    ("single", "send.after-write#2", 1, 2),
    ("single", "send.after-fill", 1, 1),
    ("batch", "send.after-intent", 0, 0),
    ("batch", "send.after-claim", 0, 2),
    ("batch", "send.after-write#2", 1, 2),
    ("batch", "send.after-fill#1", 1, 2),
    ("batch", "send.after-fill#2", 2, 2),
    ("loan", "send.after-intent#2", 1, 1),
    ("loan", "send.after-claim#2", 1, 2),
    ("loan", "send.after-write", 0, 1),
    ("drop", "send.after-claim", 0, 1),
    ("drop", "send.after-abandon", 1, 1),
];

#[test]
fn a_stopped_sender_keeps_what_it_claimed_until_it_goes_on() {
    fn check<K: Many>() {
        const CAPACITY: u64 = 3;
        for (verb, point, filled, taken) in SENDERS {
            println!("{} {verb} {point}", K::NAME);
            let bench = Bench::<K>::with_room(CAPACITY as usize, 2);
            let (mut tx, mut rx) = (bench.sender(), bench.receiver());
            bench.warm_up(&mut tx, &mut rx, 2);
            let mut child = bench.stop(&Part::sender(verb, 100..102).stop_at(point));
            // What it filled without a message is passed over.
            let published = if verb == "drop" { 0 } else { filled };
            let first = (0..published as usize).map(|way| receive(&mut rx, way).expect("a message"));
            let first: Vec<_> = first.collect();
            assert_eq!(first, each(100..100 + published, 0));
            if verb == "drop" {
                assert_waits(&mut rx);
            }
            let room = CAPACITY - (taken - filled);
            send_all(&mut tx, 200..200 + room);
            if taken > filled {
                assert_receiver_stalled(&mut rx, child.pid());
                assert_sender_stalled(&mut tx, child.pid());
                assert_names(|| rx.health(), child.pid());
                assert_names(|| tx.health(), child.pid());
            } else {
                // It is in nobody's way.
                let full = tx.send_timeout(Wide::of(0), A_WHILE);
                assert_eq!(full, Err(SendTimeoutError::Timeout(Wide::of(0))));
                assert_eq!(rx.health().stalled, None);
            }
            assert!(rx.health().senders.iter().any(|peer| is_attached(peer, child.pid())));
            child.go_on();
            drop(tx);
            let rest = gather(&mut rx).0;
            let own = if verb == "drop" { vec![] } else { each(100..102, 0) };
            assert_eq!(sorted([first, rest].concat()), [own, each(200..200 + room, 0)].concat());
            child.wait_success();
            let (mut tx, fellow) = (bench.sender(), bench.sender());
            assert_works(&mut tx, &mut rx);
            drop((tx, rx, fellow));
            bench.assert_gone();
        }
    }
    check::<Mpmc>();
    check::<Mpsc>();
}

/// Where a receiver of two messages stops: verb, point, how many it had given back and how many it held.
const RECEIVERS: [(&str, &str, u64, u64); 13] = [
    ("single", "recv.after-intent", 0, 0),
    ("single", "recv.after-claim", 0, 1),
    ("single", "recv.after-read#2", 1, 1),
    ("single", "recv.after-release#1", 1, 0),
    ("batch", "recv.after-intent", 0, 0),
    ("batch", "recv.after-claim", 0, 2),
    ("batch", "recv.after-read#1", 0, 2),
    ("batch", "recv.after-read#2", 0, 2),
    ("batch", "recv.after-release#1", 1, 1),
    ("batch", "recv.after-release#2", 2, 0),
    ("lease", "recv.after-claim#2", 1, 1),
    ("lease", "lease.before-release", 0, 1),
    ("lease", "recv.after-release#2", 2, 0),
];

#[test]
fn a_stopped_receiver_keeps_what_it_holds_until_it_goes_on() {
    fn check<K: Many>() {
        for (verb, point, given, held) in RECEIVERS {
            println!("{} {verb} {point}", K::NAME);
            let bench = Bench::<K>::with_room(3, 2);
            let (mut tx, mut rx) = (bench.sender(), bench.receiver());
            bench.warm_up(&mut tx, &mut rx, 2);
            send_all(&mut tx, 100..103);
            let mut child = bench.stop(&Part::receiver(verb, 2).stop_at(point));
            let rest: Vec<_> = (100 + given + held..103)
                .map(|number| receive(&mut rx, number as usize).expect("a message"))
                .collect();
            assert_eq!(rest, each(100 + given + held..103, 0));
            if held > 0 {
                // As far as the slot that it holds.
                send_all(&mut tx, 200..200 + given);
                assert_sender_stalled(&mut tx, child.pid());
                for number in 200..200 + given {
                    assert_eq!(receive(&mut rx, 0), Ok((number, 0)));
                }
                assert_receiver_stalled(&mut rx, child.pid());
                assert_names(|| rx.health(), child.pid());
                assert_names(|| tx.health(), child.pid());
            } else {
                send_all(&mut tx, 200..203);
                for number in 200..203 {
                    assert_eq!(receive(&mut rx, number as usize), Ok((number, 0)));
                }
                assert_eq!(receive_for(&mut rx, 0, A_WHILE), Err(RecvTimeoutError::Timeout));
                assert_eq!(tx.health().stalled, None);
            }
            child.go_on();
            // What it had given back or held, and as many new ones as it wants besides.
            let wants = 2 - given - held;
            send_all(&mut tx, 300..300 + wants);
            let own = [each(100..100 + given + held, 0), each(300..300 + wants, 0)].concat();
            assert_eq!(heard(&mut child), own);
            child.wait_success();
            let fellow = bench.receiver();
            assert_works(&mut tx, &mut rx);
            drop((tx, rx, fellow));
            bench.assert_gone();
        }
    }
    check::<Mpmc>();
    check::<Spmc>();
}

#[test]
fn a_stopped_receiver_that_is_taking_what_was_set_free_keeps_it_only_if_it_has_it() {
    fn check<K: Many>() {
        for capacity in CAPACITIES {
            for (point, has_it) in [("orphan.after-intent", false), ("orphan.after-take", true)] {
                let bench = Bench::<K>::with_room(capacity, 3);
                let (mut tx, mut rx) = (bench.sender(), bench.receiver());
                bench.warm_up(&mut tx, &mut rx, 2);
                send(&mut tx, 100);
                bench.die(&Part::receiver("single", 1).kill_at("recv.after-claim"));
                let mut child = bench.stop(&Part::receiver("single", 1).stop_at(point));
                if has_it {
                    assert_waits(&mut rx);
                    send_all(&mut tx, 101..100 + capacity as u64);
                    assert_sender_stalled(&mut tx, child.pid());
                    (101..100 + capacity as u64)
                        .for_each(|number| assert_eq!(receive(&mut rx, 0), Ok((number, 0))));
                    assert_receiver_stalled(&mut rx, child.pid());
                    child.go_on();
                    assert_eq!(heard(&mut child), [(100, 1)]);
                } else {
                    assert_eq!(receive(&mut rx, 0), Ok((100, 1)));
                    child.go_on();
                    send(&mut tx, 200);
                    assert_eq!(heard(&mut child), [(200, 0)]);
                }
                child.wait_success();
                let others = (bench.receiver(), bench.receiver());
                assert_works(&mut tx, &mut rx);
                drop((tx, rx, others));
                bench.assert_gone();
            }
        }
    }
    check::<Mpmc>();
    check::<Spmc>();
}

#[test]
fn a_stopped_only_side_is_waited_for_and_keeps_its_role() {
    // The message that is being sent: it is not there yet, or it is.
    for (verb, point, published) in [
        ("single", "send.after-write", 0),
        ("single", "send.after-fill", 1),
        ("batch", "send.after-fill#1", 1),
        ("batch", "send.after-commit", 2),
    ] {
        let bench = Bench::<Spmc>::with_room(3, 2);
        let (mut rx, mut fellow) = (bench.receiver(), bench.receiver());
        let mut child = bench.stop(&Part::sender(verb, 100..102).stop_at(point));
        for number in 100..100 + published {
            assert_eq!(receive(&mut rx, 0), Ok((number, 0)));
        }
        assert_eq!(receive_for(&mut fellow, 0, A_WHILE), Err(RecvTimeoutError::Timeout));
        let taken = bench.channel().sender().expect_err("it is alive");
        assert!(matches!(taken, Error::RoleTaken { pid, .. } if pid == child.pid()), "{taken}");
        child.go_on();
        child.wait_success();
        assert_eq!(gather(&mut fellow).0, each(100 + published..102, 0));
        drop((rx, fellow));
        bench.assert_gone();
    }
    for (verb, point, given) in [
        ("single", "recv.after-intent", 0),
        ("batch", "recv.after-read#1", 0),
        ("batch", "recv.after-release#1", 1),
        ("lease", "lease.before-release#2", 1),
    ] {
        let bench = Bench::<Mpsc>::with_room(3, 2);
        let (mut tx, mut fellow) = (bench.sender(), bench.sender());
        send_all(&mut tx, 100..103);
        let mut child = bench.stop(&Part::receiver(verb, 2).stop_at(point));
        send_all(&mut fellow, 103..103 + given);
        let full = tx.send_timeout(Wide::of(0), A_WHILE);
        assert_eq!(full, Err(SendTimeoutError::Timeout(Wide::of(0))));
        let taken = bench.channel().receiver().expect_err("it is alive");
        assert!(matches!(taken, Error::RoleTaken { pid, .. } if pid == child.pid()), "{taken}");
        child.go_on();
        assert_eq!(heard(&mut child), each(100..102, 0));
        child.wait_success();
        let mut rx = bench.receiver();
        drop((tx, fellow));
        assert_eq!(gather(&mut rx).0, each(102..103 + given, 0));
        drop(rx);
        bench.assert_gone();
    }
}

#[test]
fn others_do_the_work_of_a_stopped_repairer_and_what_it_does_late_does_no_harm() {
    fn check<K: Many>() {
        let gaps = Part::sender("batch", 100..103).kill_at("send.after-claim");
        let held = Part::receiver("batch", 3).kill_at("recv.after-claim");
        let mut cases = vec![];
        if K::SHARED_SENDERS {
            cases.push((&gaps, &["repair.after-skip#1", "repair.after-skip#3", "repair.after-burial"][..]));
            cases.push((&gaps, &["probe.after-certificate"]));
        }
        if K::SHARED_RECEIVERS {
            cases.push((&held, &["repair.after-orphan#1", "repair.after-orphan#3", "repair.after-burial"]));
            cases.push((&held, &["repair.after-announcement", "probe.after-certificate"]));
        }
        for (victim, point) in cases.iter().flat_map(|(part, points)| points.iter().map(move |p| (*part, p)))
        {
            for repairer in [Part::sender("health", 0..0), Part::receiver("health", 0)] {
                if repairer.role == "sender" && !K::SHARED_SENDERS
                    || repairer.role == "receiver" && !K::SHARED_RECEIVERS
                {
                    continue;
                }
                println!("{} {victim:?} {repairer:?} {point}", K::NAME);
                // A stopped prober has the dead one's lock, so that nobody gets its place.
                let room = if *point == "probe.after-certificate" { 4 } else { 3 };
                let bench = Bench::<K>::with_room(3, room);
                let (mut tx, mut rx) = (bench.sender(), bench.receiver());
                bench.warm_up(&mut tx, &mut rx, 2);
                let mut repairer = bench.attach(&repairer.waits().stop_at(point));
                let is_receiver = victim.role == "receiver";
                if is_receiver {
                    send_all(&mut tx, 100..103);
                }
                bench.die(victim);
                repairer.tell("begin");
                repairer.wait_stopped();
                let expected = if is_receiver { each(100..103, 1) } else { vec![] };
                let received = (0..expected.len()).map(|way| receive(&mut rx, way).expect("a message"));
                assert_eq!(sorted(received.collect()), expected);
                assert_eq!(rx.health().stalled, None);
                assert_works(&mut tx, &mut rx);
                // Somebody new in the dead one's place, with a claim of its own in one of those slots.
                let (mut new, said) = if is_receiver {
                    send(&mut tx, 400);
                    (bench.attach(&Part::receiver("reading", 1)), "400 0")
                } else {
                    (bench.attach(&Part::sender("draft", 400..401)), "holding")
                };
                assert_eq!(new.hear(), said);
                repairer.go_on();
                repairer.wait_success();
                assert_waits(&mut rx);
                // It has its claim still.
                send_all(&mut tx, 500..502);
                assert_names(|| tx.health(), new.pid());
                new.kill_running();
                drop(tx);
                let claimed = if is_receiver { vec![(400, 1)] } else { vec![] };
                assert_eq!(sorted(gather(&mut rx).0), [claimed, each(500..502, 0)].concat());
                let mut tx = bench.sender();
                assert_works(&mut tx, &mut rx);
                drop((tx, rx));
                bench.assert_gone();
            }
        }
    }
    check::<Mpmc>();
    check::<Mpsc>();
    check::<Spmc>();
}

#[test]
fn a_dead_one_seems_to_live_while_somebody_is_stopped_who_is_just_proving_its_death() {
    fn check<K: Many>() {
        let bench = Bench::<K>::with_room(1, 3);
        let (mut tx, mut rx) = (bench.sender(), bench.receiver());
        let part =
            if K::SHARED_SENDERS { Part::sender("single", 100..101) } else { Part::receiver("single", 1) };
        let point = if K::SHARED_SENDERS { "send.after-claim" } else { "recv.after-claim" };
        // It has the lock, by which life is told, for some microseconds.
        let repairer = Part::receiver("health", 0).waits().stop_at("probe.after-lock");
        let repairer = if K::SHARED_RECEIVERS { repairer } else { Part { role: "sender", ..repairer } };
        let mut repairer = bench.attach(&repairer);
        if !K::SHARED_SENDERS {
            send(&mut tx, 100);
        }
        let dead = bench.die(&part.kill_at(point));
        repairer.tell("begin");
        repairer.wait_stopped();
        assert_receiver_stalled(&mut rx, dead);
        assert_sender_stalled(&mut tx, dead);
        repairer.go_on();
        repairer.wait_success();
        if !K::SHARED_SENDERS {
            assert_eq!(receive(&mut rx, 0), Ok((100, 1)));
        }
        assert_eq!(rx.health().stalled, None);
        assert_works(&mut tx, &mut rx);
        drop((tx, rx));
        bench.assert_gone();
    }
    check::<Mpmc>();
    check::<Mpsc>();
    check::<Spmc>();
}

#[test]
fn one_that_is_stopped_while_it_comes_or_goes_keeps_its_place_and_nothing_else() {
    fn check<K: Many>(role: &str) {
        for (point, attached) in [
            ("join.after-lock", false),
            ("join.after-identity", false),
            ("join.after-live", true),
            ("leave.before-vacant", true),
            ("leave.after-vacant", false),
        ] {
            let bench = Bench::<K>::with_room(3, 2);
            let (mut tx, mut rx) = (bench.sender(), bench.receiver());
            let part = if role == "sender" { Part::sender("hold", 0..0) } else { Part::receiver("hold", 0) };
            let mut child = bench.start(&part.stop_at(point));
            if point.starts_with("leave") {
                child.tell("leave");
            }
            child.wait_stopped();
            assert_works(&mut tx, &mut rx);
            let health = tx.health();
            let all = if role == "sender" { &health.senders } else { &health.receivers };
            assert_eq!(
                all.iter().any(|peer| is_attached(peer, child.pid())),
                attached,
                "{point}: {health:?}"
            );
            assert_eq!(health.stalled, None);
            let full = match role {
                "sender" => bench.channel().sender().err(),
                _ => bench.channel().receiver().err(),
            };
            assert!(matches!(full, Some(Error::Full { limit: 2, .. })), "{full:?}");
            child.go_on();
            if point.starts_with("join") {
                child.tell("leave");
            }
            child.wait_success();
            let one = (role == "sender").then(|| bench.sender());
            let other = (role == "receiver").then(|| bench.receiver());
            assert_works(&mut tx, &mut rx);
            drop((tx, rx, one, other));
            bench.assert_gone();
        }
    }
    check::<Mpmc>("sender");
    check::<Mpmc>("receiver");
    check::<Mpsc>("sender");
    check::<Spmc>("receiver");
}
