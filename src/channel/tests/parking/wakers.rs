//! Somebody dies who has published news, and has not woken the sleepers: they find it when they ask who lives.

use std::thread;
use std::time::Duration;

use super::{Bench, WAKE, is_watched, wait_until};
use crate::channel::{Kind, Mpmc, Mpsc, Spmc, Spsc};
use crate::protocol::roster::Side;
use crate::testing::watched;
use crate::{Departure, RecvError};

const INTERVAL: Duration = Duration::from_millis(20);

#[test]
fn a_receiver_gets_the_message_of_a_sender_that_was_killed_before_it_woke_it() {
    fn check<K: Kind>() {
        for point in WAKE {
            let bench = Bench::new(2, INTERVAL);
            let mut rx = bench.receiver::<K>();
            let mut sender = bench.attach::<K>("send", 1, point);
            let segment = rx.member.segment().clone();
            thread::scope(|scope| {
                let sleeper = scope.spawn(|| (rx.recv(), rx.recv()));
                let gate = segment.any_ring().control.gate(Side::Receiving);
                wait_until("the receiver sleeps", || is_watched(gate));
                sender.tell("go");
                sender.wait_killed();
                let (first, second) = sleeper.join().expect("no panic");
                assert_eq!(first, Ok(1000), "{point}");
                assert_eq!(second, Err(RecvError::Disconnected(Departure::Died)), "{point}");
            });
        }
    }
    watched(check::<Spsc>);
    watched(check::<Mpsc>);
    watched(check::<Spmc>);
    watched(check::<Mpmc>);
}

#[test]
fn a_sender_gets_the_slot_of_a_receiver_that_was_killed_before_it_woke_it() {
    fn check<K: Kind>() {
        for point in WAKE {
            let bench = Bench::new(1, INTERVAL);
            let mut tx = bench.sender::<K>();
            let mut receiver = bench.attach::<K>("receive", 1, point);
            tx.send(0).expect("a slot");
            let segment = tx.member.segment().clone();
            thread::scope(|scope| {
                let sleeper = scope.spawn(|| tx.send(1));
                let gate = segment.any_ring().control.gate(Side::Sending);
                wait_until("the sender sleeps", || is_watched(gate));
                receiver.tell("go");
                receiver.wait_killed();
                sleeper.join().expect("no panic").expect("the slot that was given back");
            });
        }
    }
    watched(check::<Spsc>);
    watched(check::<Mpsc>);
    watched(check::<Spmc>);
    watched(check::<Mpmc>);
}
