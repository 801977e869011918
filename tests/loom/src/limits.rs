//! A side that is handed over, a participant that sees what is long past, and the last positions of all.

use loom::sync::Arc;
use loom::sync::atomic::Ordering::SeqCst;
use loom::thread;
use ringway::protocol::lone::LoneReceiver;
use ringway::protocol::peer::Stuck;
use ringway::protocol::ring::{Cursor, Rules};
use ringway::protocol::shared::{SharedReceiver, SharedSender};
use ringway::protocol::stamp::free;

use crate::ends::{Receiver, Sender};
use crate::explore_within;
use crate::many::{MPMC, MPSC, Many};

type Tx = Sender<SharedSender>;
type Rx = Receiver<SharedReceiver>;
type LoneRx = Receiver<LoneReceiver>;

#[test]
fn a_side_that_is_handed_over_is_never_empty() {
    explore_within(2, "handover", || {
        let many = Many::new(1, (2, 1), MPMC);
        let [first, giver] = [10, 11].map(|process| Tx::join(&many, process).expect("a record"));
        first.leave();
        let mut rx = Rx::join(&many, 1).expect("a record");
        let other = Arc::clone(&many);
        let handover = thread::spawn(move || {
            // Into the record before the giver's, before the giver leaves.
            let mut taker = Tx::join(&other, 20).expect("a record");
            giver.leave();
            taker.try_one(20);
            taker
        });
        let answer = rx.try_recv_or_sweep(1);
        let _taker = handover.join().unwrap();
        assert!(!matches!(answer, Err(Stuck::Peer(_))), "at its end, though a sender was there all the time");
    });
}

#[test]
fn a_participant_that_sees_old_stamps_calls_nothing_damaged() {
    for is_sender in [true, false] {
        explore_within(3, &format!("old stamps, sender {is_sender}"), move || {
            let many = Many::new(1, (2, 2), MPMC);
            let [mut tx, mut late_tx] = [10, 20].map(|process| Tx::join(&many, process).expect("a record"));
            let [mut rx, mut late_rx] = [1, 2].map(|process| Rx::join(&many, process).expect("a record"));
            let others = thread::spawn(move || {
                for message in 0..3 {
                    tx.try_one(message);
                    rx.try_one();
                }
            });
            // Both fail the model if they are told that something is damaged.
            if is_sender {
                let _ = late_tx.try_send(&[20]);
            } else {
                let _ = late_rx.try_recv(1);
            }
            others.join().unwrap();
        });
    }
}

/// A ring that is at the last position that it uses.
fn at_the_last(capacity: u32, rules: Rules, receivers: usize) -> Arc<Many> {
    let many = Many::new(capacity, (1, receivers), rules);
    let ring = many.ring();
    let last = ring.end() - 1;
    ring.control.tail.0.store(last, SeqCst);
    ring.control.head.0.store(last, SeqCst);
    for position in last - u64::from(capacity) + 1..=last {
        let cursor = Cursor::at(position, capacity);
        let lap = if position == last { cursor.lap() } else { cursor.lap() + 1 };
        ring.stamps.get(cursor.slot()).store(free(lap), SeqCst);
    }
    many
}

#[test]
fn the_last_message_of_all_is_received_and_given_back() {
    // Around the capacity from which on positions end before laps do.
    for capacity in [1, 3, 16, 17] {
        explore_within(2, &format!("last message, {capacity}"), move || {
            let many = at_the_last(capacity, MPMC, 2);
            let mut rx = Rx::join(&many, 1).expect("a record");
            let mut tx = Tx::join(&many, 10).expect("a record");
            let sender = thread::spawn(move || tx.try_send(&[10]).expect("room"));
            let early = rx.try_recv(1);
            sender.join().unwrap();
            assert!(early.is_ok() || rx.try_recv(1).is_ok(), "lost");
            let last = Cursor::at(many.ring().end() - 1, capacity);
            let stamp = many.ring().stamps.get(last.slot()).load(SeqCst);
            assert!(stamp > free(last.lap()), "the stamp went back to {stamp}");
        });
        explore_within(2, &format!("last message, sole receiver, {capacity}"), move || {
            let many = at_the_last(capacity, MPSC, 1);
            let mut tx = Tx::join(&many, 10).expect("a record");
            let sender = thread::spawn(move || tx.try_send(&[10]).expect("room"));
            let mut rx = LoneRx::attach(&many, 1).expect("the role");
            let early = rx.try_recv(1);
            sender.join().unwrap();
            assert!(early.is_ok() || rx.try_recv(1).is_ok(), "lost");
            // At the end, and not damaged.
            assert!(rx.try_recv(1).is_err());
        });
    }
}

#[test]
fn what_a_receiver_died_with_at_the_last_position_is_received() {
    explore_within(2, "last position, dead receiver", || {
        let many = at_the_last(17, MPMC, 3);
        let mut rx = Rx::join(&many, 1).expect("a record");
        let mut tx = Tx::join(&many, 10).expect("a record");
        tx.try_send(&[10]).expect("room");
        let mut fellow = Rx::join(&many, 2).expect("a record");
        let other = Arc::clone(&many);
        // With the message, unless the other one was faster.
        let mortal = thread::spawn(move || drop(other.mortal(2, Some(2), || fellow.try_recv(1).map(drop))));
        let early = rx.try_recv_or_sweep(1).is_ok();
        mortal.join().unwrap();
        let answers: Vec<_> = (0..3).map(|_| rx.try_recv_or_sweep(1)).collect();
        assert!(early || answers.iter().any(Result::is_ok), "nobody looks after it: {answers:?}");
    });
}
