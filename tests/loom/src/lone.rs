//! Sides with one holder that face shared ones: its death at each step, and its successor.

use loom::sync::Arc;
use loom::thread;
use ringway::protocol::lone::{LoneReceiver, LoneSender};
use ringway::protocol::ring::Rules;
use ringway::protocol::shared::{SharedReceiver, SharedSender};

use crate::ends::{Receiver, Sender};
use crate::explore_within;
use crate::many::{DISCARD, MPSC, Many, SPMC, settle};
use crate::repair::{dies, every_crash};

type Tx = Sender<SharedSender>;
type Rx = Receiver<SharedReceiver>;
type LoneTx = Sender<LoneSender>;
type LoneRx = Receiver<LoneReceiver>;

/// A sole sender that dies, and its successor, in one thread; two receivers.
fn sender_dies(capacity: u32, batch: u64) {
    every_crash(&format!("sole sender dies, {capacity}, batch {batch}"), 6, move |fuse| {
        let many = Many::new(capacity, (1, 3), SPMC);
        let [mut one, mut other] = [1, 2].map(|process| Rx::join(&many, process).expect("a record"));
        let first = Arc::clone(&many);
        let senders = thread::spawn(move || {
            let end = first.mortal(10, Some(fuse), || {
                let mut tx = LoneTx::attach(&first, 10).expect("the role");
                let _ = tx.try_send(&(0..batch).collect::<Vec<_>>());
                let _ = tx.try_send(&[batch]);
            });
            let mut tx = end.is_err().then(|| LoneTx::attach(&first, 11).expect("the role"));
            if let Some(tx) = &mut tx {
                let published = first.published();
                assert_eq!(tx.position(), published, "nothing is lost and nothing repeated");
                let _ = tx.try_send(&[20]);
            }
            tx.is_some()
        });
        let receiver = thread::spawn(move || {
            other.try_one();
        });
        let _ = one.try_recv(2);
        receiver.join().unwrap();
        let died = senders.join().unwrap();
        let account = settle(&many);
        assert!(account.reads().iter().all(|read| read.1 == 0), "no receiver died");
        died
    });
}

#[test]
fn a_sole_senders_successor_goes_on_exactly_where_it_stopped() {
    sender_dies(1, 1);
    sender_dies(2, 2);
}

/// A sole receiver that dies, and its successor, in one thread; a sender that goes round the ring. The successor may
/// die as well, a little later.
fn receiver_dies(capacity: u32, batch: u32, rules: Rules) {
    let name = format!("sole receiver dies, {capacity}, batch {batch}, {:?}", rules.on_receiver_death);
    every_crash(&name, 6, move |fuse| {
        let many = Many::new(capacity, (2, 1), rules);
        let mut tx = Tx::join(&many, 10).expect("a record");
        tx.try_send(&(10..10 + u64::from(capacity)).collect::<Vec<_>>()).expect("room");
        let first = Arc::clone(&many);
        let receivers = thread::spawn(move || {
            let mut died = false;
            for (process, fuse) in [(1, Some(fuse)), (2, fuse.checked_sub(3)), (3, None)] {
                let end = first.mortal(process, fuse, || {
                    let mut rx = LoneRx::attach(&first, process).expect("the role");
                    let _ = rx.try_recv(batch);
                    rx.leave();
                });
                died |= process == 1 && end.is_err();
            }
            died
        });
        tx.try_one(20);
        let died = receivers.join().unwrap();
        let account = settle(&many);
        assert!(account.done().is_sorted(), "out of order: {:?}", account.done());
        died
    });
}

#[test]
fn a_sole_receivers_successor_gets_what_it_held_in_order_and_marked() {
    receiver_dies(1, 1, MPSC);
    receiver_dies(2, 2, MPSC);
}

#[test]
fn what_a_dead_sole_receiver_held_is_dropped_and_counted_if_the_channel_says_so() {
    receiver_dies(2, 2, Rules { shared_receivers: false, ..DISCARD });
}

#[test]
fn a_sole_receiver_passes_over_the_holes_of_a_dead_sender() {
    every_crash("a sender of a sole receiver dies", 5, |fuse| {
        let many = Many::new(2, (2, 1), MPSC);
        let mut tx = Tx::join(&many, 10).expect("a record");
        let mut other = Tx::join(&many, 20).expect("a record");
        let mut rx = LoneRx::attach(&many, 1).expect("the role");
        let mortal = dies(&many, 10, fuse, move || tx.try_send(&[10, 11]).map(drop));
        let _ = rx.try_recv_or_sweep(1);
        other.try_one(20);
        let died = mortal.join().unwrap();
        settle(&many);
        died
    });
}

#[test]
fn a_sole_senders_receivers_go_on_when_one_of_them_dies() {
    every_crash("a receiver of a sole sender dies", 5, |fuse| {
        let many = Many::new(2, (1, 3), SPMC);
        let mut tx = LoneTx::attach(&many, 10).expect("the role");
        tx.try_send(&[10, 11]).expect("room");
        let [mut one, mut other] = [1, 2].map(|process| Rx::join(&many, process).expect("a record"));
        let mortal = dies(&many, 1, fuse, move || one.try_recv(2).map(drop));
        let _ = other.try_recv_or_sweep(1);
        tx.try_one(12);
        let died = mortal.join().unwrap();
        settle(&many);
        died
    });
}

/// A sole receiver leaves with messages that it asked for and did not take.
fn leaves(rules: Rules) {
    explore_within(2, &format!("sole receiver leaves, {:?}", rules.on_receiver_death), move || {
        let many = Many::new(2, (1, 1), rules);
        let mut tx = Tx::join(&many, 10).expect("a record");
        tx.try_send(&[10, 11]).expect("room");
        let first = Arc::clone(&many);
        let receiver = thread::spawn(move || {
            let mut rx = LoneRx::attach(&first, 1).expect("the role");
            rx.abandon(2).expect("messages");
            rx.leave();
        });
        tx.try_one(12);
        receiver.join().unwrap();
        let account = settle(&many);
        assert_eq!(account.done()[..2], [10, 11], "nobody died, so nothing is dropped");
    });
}

#[test]
fn what_a_sole_receiver_leaves_behind_is_its_successors() {
    leaves(MPSC);
    leaves(Rules { shared_receivers: false, ..DISCARD });
}
