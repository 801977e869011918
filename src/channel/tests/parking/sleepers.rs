//! A sleeper that dies, or is stopped.

use super::{Bench, FOR_EVER, PARK, gate, is_watched, wait_asleep, wait_until, word};
use crate::channel::{Kind, Mpmc, Mpsc, Sender, SharedReceivers, SharedSenders, Spmc, Spsc};
use crate::protocol::roster::Side;
use crate::testing::watched;

/// Whoever sends now finds nobody to wake: the word of the gate stays as it is.
#[track_caller]
fn assert_costs_nothing<K: Kind>(tx: &mut Sender<u64, K>, count: u64) {
    tx.send(0).expect("a slot");
    let before = word(gate(&tx.member, Side::Receiving));
    assert_eq!(before % 2, 0, "after one send nobody is looked for");
    for number in 1..count {
        tx.send(number).expect("a slot");
        assert_eq!(word(gate(&tx.member, Side::Receiving)), before, "nobody was woken");
    }
}

#[test]
fn a_receiver_that_is_killed_in_its_sleep_costs_later_sends_nothing() {
    fn check<K: Kind>() {
        for point in ["park.after-enlist", "park.before-sleep"] {
            let bench = Bench::new(8, FOR_EVER);
            let mut tx = bench.sender::<K>();
            let mut sleeper = bench.begin::<K>("receive", 1, point);
            sleeper.wait_killed();
            assert!(is_watched(gate(&tx.member, Side::Receiving)), "the bit is all that it left");
            assert_costs_nothing(&mut tx, 8);
            let mut rx = bench.receiver::<K>();
            (0..8).for_each(|number| assert_eq!(rx.recv(), Ok(number)));
        }
        // In the middle of it.
        let bench = Bench::new(8, FOR_EVER);
        let mut tx = bench.sender::<K>();
        let mut sleeper = bench.begin::<K>("receive", 1, "");
        wait_asleep(sleeper.pid());
        sleeper.kill_running();
        assert_costs_nothing(&mut tx, 8);
        drop(tx);
        bench.space.assert_empty();
    }
    watched(check::<Spsc>);
    watched(check::<Mpsc>);
    watched(check::<Spmc>);
    watched(check::<Mpmc>);
}

#[test]
fn a_receiver_that_is_killed_when_it_was_chosen_leaves_no_other_asleep() {
    fn check<K: SharedReceivers>() {
        for point in PARK {
            let bench = Bench::new(4, FOR_EVER);
            let mut tx = bench.sender::<K>();
            let mut other = bench.begin::<K>("receive", 2, "");
            wait_asleep(other.pid());
            let mut sleeper = bench.begin::<K>("receive", 2, point);
            if point == "park.after-sleep" {
                wait_asleep(sleeper.pid());
                tx.send(0).expect("a slot");
            } else {
                sleeper.wait_killed();
                tx.send(0).expect("a slot");
            }
            assert_eq!(other.hear(), "0", "{point}");
            if point == "park.after-sleep" {
                sleeper.wait_killed();
            }
            wait_asleep(other.pid());
            tx.send(1).expect("a slot");
            assert_eq!(other.hear(), "1", "{point}");
        }
    }
    watched(check::<Spmc>);
    watched(check::<Mpmc>);
}

#[test]
fn a_sender_that_is_killed_in_its_sleep_leaves_no_other_asleep() {
    fn check<K: SharedSenders>() {
        for point in PARK {
            let bench = Bench::new(1, FOR_EVER);
            let mut rx = bench.receiver::<K>();
            let mut first = bench.sender::<K>();
            first.send(0).expect("a slot");
            let mut other = bench.begin::<K>("send", 1, "");
            wait_asleep(other.pid());
            let mut sleeper = bench.begin::<K>("send", 1, point);
            if point == "park.after-sleep" {
                wait_asleep(sleeper.pid());
            } else {
                sleeper.wait_killed();
            }
            assert_eq!(rx.recv(), Ok(0));
            assert_eq!(other.hear(), "sent", "{point}");
            if point == "park.after-sleep" {
                sleeper.wait_killed();
            }
            assert_eq!(rx.recv(), Ok(1000));
            first.send(1).expect("a slot");
            assert_eq!(rx.recv(), Ok(1));
            let before = word(gate(&rx.member, Side::Sending));
            first.send(2).expect("a slot");
            assert_eq!(rx.recv(), Ok(2));
            assert_eq!(word(gate(&rx.member, Side::Sending)), before, "nobody was woken");
        }
    }
    watched(check::<Mpsc>);
    watched(check::<Mpmc>);
}

#[test]
fn a_burst_wakes_a_sleeper_once() {
    fn check<K: Kind>() {
        let bench = Bench::new(1024, FOR_EVER);
        let mut tx = bench.sender::<K>();
        let mut sleeper = bench.begin::<K>("receive", 1000, "");
        wait_asleep(sleeper.pid());
        // So that it cannot sleep again before the burst is over.
        sleeper.stop();
        let before = word(gate(&tx.member, Side::Receiving));
        (0..1000).for_each(|number| tx.send(number).expect("a slot"));
        let after = word(gate(&tx.member, Side::Receiving));
        assert_eq!((before % 2, after), (1, before + 1), "one event, and nobody left to be woken");
        sleeper.go_on();
        (0..1000_u64).for_each(|number| assert_eq!(sleeper.hear(), number.to_string()));
    }
    watched(check::<Spsc>);
    watched(check::<Mpmc>);
}

#[test]
fn a_sleeper_that_is_stopped_keeps_nobody_else_from_what_comes() {
    fn check<K: SharedReceivers>() {
        let bench = Bench::new(4, FOR_EVER);
        let mut tx = bench.sender::<K>();
        let mut stopped = bench.begin::<K>("receive", 1, "");
        wait_asleep(stopped.pid());
        stopped.stop();
        let mut other = bench.begin::<K>("receive", 3, "");
        for number in 0..3_u64 {
            wait_asleep(other.pid());
            tx.send(number).expect("a slot");
            assert_eq!(other.hear(), number.to_string());
        }
        stopped.go_on();
        wait_asleep(stopped.pid());
        tx.send(7).expect("a slot");
        assert_eq!(stopped.hear(), "7");
        wait_until("nobody sleeps", || !is_watched(gate(&tx.member, Side::Receiving)));
    }
    watched(check::<Spmc>);
    watched(check::<Mpmc>);
}

#[test]
fn a_receiver_that_waits_for_the_end_is_woken_when_a_fellow_gives_the_last_message_back() {
    fn check<K: SharedReceivers>() {
        let bench = Bench::new(4, FOR_EVER);
        let (mut tx, mut rx) = (bench.sender::<K>(), bench.receiver::<K>());
        tx.send(0).expect("a slot");
        let last = rx.lease().expect("a message");
        let mut sleeper = bench.begin::<K>("receive", 1, "");
        wait_asleep(sleeper.pid());
        drop(tx);
        // Woken by the leaving, it finds that the message may come again.
        wait_asleep(sleeper.pid());
        std::thread::sleep(std::time::Duration::from_millis(20));
        wait_asleep(sleeper.pid());
        drop(last);
        assert_eq!(sleeper.hear(), "the channel is empty and the sender left");
    }
    watched(check::<Spmc>);
    watched(check::<Mpmc>);
}
