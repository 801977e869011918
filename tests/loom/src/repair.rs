//! Shared sides whose participants die at each step in turn, while others go on and repair what they left.

use std::sync::atomic::{AtomicBool, Ordering};

use loom::sync::Arc;
use loom::thread::{self, JoinHandle};
use ringway::protocol::shared::{SharedReceiver, SharedSender};

use crate::ends::{Receiver, Sender};
use crate::many::{MPMC, Many, settle};
use crate::{explore_within, long};

type Tx = Sender<SharedSender>;
type Rx = Receiver<SharedReceiver>;

/// More crash points than any process here passes; the model says when it was too few.
const MOST: u32 = 40;

/// For each crash point until the process outlives them all. The model says whether it died.
pub fn every_crash(name: &str, least: u32, model: impl Fn(u32) -> bool + Send + Sync + Clone + 'static) {
    for fuse in 0..MOST {
        let died = std::sync::Arc::new(AtomicBool::new(false));
        let (note, model) = (std::sync::Arc::clone(&died), model.clone());
        explore_within(2, &format!("{name}, point {fuse}"), move || {
            note.fetch_or(model(fuse), Ordering::Relaxed);
        });
        if !died.load(Ordering::Relaxed) {
            assert!(fuse > least, "{name}: the process passed only {fuse} crash points");
            return;
        }
    }
    panic!("{name}: the process passes more than {MOST} crash points");
}

/// A process in a thread of its own that dies at its `fuse`-th crash point; whether it did.
pub fn dies<R>(
    many: &Arc<Many>,
    process: u64,
    fuse: u32,
    life: impl FnOnce() -> R + 'static,
) -> JoinHandle<bool> {
    let many = Arc::clone(many);
    thread::spawn(move || many.mortal(process, Some(fuse), || drop(life())).is_err())
}

/// A sender that dies, one that lives, and a receiver that repairs.
fn sender_dies(capacity: u32, batch: u64) {
    every_crash(&format!("sender dies, {capacity}, batch {batch}"), 5, move |fuse| {
        let many = Many::new(capacity, (3, 2), MPMC);
        let mut tx = Tx::join(&many, 10).expect("a record");
        let mut other = Tx::join(&many, 20).expect("a record");
        let mut rx = Rx::join(&many, 1).expect("a record");
        let mortal =
            dies(&many, 10, fuse, move || tx.try_send(&(10..10 + batch).collect::<Vec<_>>()).map(drop));
        let survivor = thread::spawn(move || {
            other.try_one(20);
        });
        for _ in 0..2 {
            let _ = rx.try_recv_or_sweep(2);
        }
        survivor.join().unwrap();
        let died = mortal.join().unwrap();
        settle(&many);
        died
    });
}

#[test]
fn what_a_dead_sender_published_arrives_and_its_holes_are_closed() {
    sender_dies(1, 1);
    sender_dies(2, 1);
}

#[test]
fn of_a_dead_senders_batch_a_part_arrives() {
    sender_dies(2, 2);
}

/// A receiver that dies, another that goes on and repairs, and a sender that goes round the ring.
fn receiver_dies(capacity: u32, batch: u32) {
    every_crash(&format!("receiver dies, {capacity}, batch {batch}"), 5, move |fuse| {
        let many = Many::new(capacity, (2, 3), MPMC);
        let mut tx = Tx::join(&many, 10).expect("a record");
        let _ = tx.try_send(&[10, 11]);
        let mut rx = Rx::join(&many, 1).expect("a record");
        let mut other = Rx::join(&many, 2).expect("a record");
        let mortal = dies(&many, 1, fuse, move || rx.try_recv(batch).map(drop));
        let survivor = thread::spawn(move || {
            let _ = other.try_recv_or_sweep(1);
        });
        tx.try_one(12);
        survivor.join().unwrap();
        let died = mortal.join().unwrap();
        settle(&many);
        died
    });
}

#[test]
fn what_a_dead_receiver_held_is_received_by_another() {
    receiver_dies(1, 1);
    receiver_dies(2, 1);
}

#[test]
fn what_a_dead_receiver_held_of_a_batch_is_received_by_another() {
    receiver_dies(2, 2);
    if long() {
        receiver_dies(3, 2);
    }
}

#[test]
fn a_receiver_that_dies_while_it_gives_up_a_batch_loses_nothing() {
    every_crash("receiver dies while it gives up", 6, |fuse| {
        let many = Many::new(2, (1, 3), MPMC);
        let mut tx = Tx::join(&many, 10).expect("a record");
        tx.try_send(&[10, 11]).expect("room");
        let mut rx = Rx::join(&many, 1).expect("a record");
        let mut other = Rx::join(&many, 2).expect("a record");
        let mortal = dies(&many, 1, fuse, move || {
            let _ = rx.abandon(2);
            rx.leave();
        });
        let _ = other.try_recv_or_sweep(1);
        tx.try_one(12);
        let died = mortal.join().unwrap();
        settle(&many);
        died
    });
}

#[test]
fn a_sender_that_dies_while_it_gives_up_a_batch_blocks_nobody() {
    every_crash("sender dies while it gives up", 4, |fuse| {
        let many = Many::new(2, (2, 2), MPMC);
        let mut tx = Tx::join(&many, 10).expect("a record");
        let mut other = Tx::join(&many, 20).expect("a record");
        let mut rx = Rx::join(&many, 1).expect("a record");
        let mortal = dies(&many, 10, fuse, move || {
            let _ = tx.abandon(2);
            tx.leave();
        });
        other.try_one(20);
        let _ = rx.try_recv_or_sweep(2);
        let died = mortal.join().unwrap();
        settle(&many);
        died
    });
}

/// Somebody has died with a claim; who repairs it dies at each step, while another does the same.
fn repairer_dies(name: &str, die: impl Fn(&Arc<Many>) + Copy + Send + Sync + 'static) {
    every_crash(&format!("repairer dies, {name}"), 2, move |fuse| {
        let many = Many::new(1, (2, 4), MPMC);
        // Before anybody dies, since whoever joins repairs.
        let [mut one, mut other] = [1, 2].map(|process| Rx::join(&many, process).expect("a record"));
        let tx = Tx::join(&many, 10).expect("a record");
        die(&many);
        let mortal = dies(&many, 1, fuse, move || {
            one.sweep();
            let _ = one.try_recv(1);
        });
        other.sweep();
        let died = mortal.join().unwrap();
        // Repaired by whoever was first, so the one that lives needs no more than to look.
        tx.sweep();
        while other.try_recv(1).is_ok() {}
        let before = many.reads();
        settle(&many);
        assert_eq!(many.reads(), before, "missed by a receiver that had looked before");
        died
    });
}

/// A sender dies with a hole.
fn with_a_hole(many: &Arc<Many>) {
    let mut tx = Tx::join(many, 20).expect("a record");
    let end = many.mortal(20, Some(1), || tx.try_send(&[20]).map(drop));
    assert_eq!(end.expect_err("it dies").0, "send.after-claim");
}

/// A message is sent, and a receiver dies of it after reading it.
fn with_a_message(many: &Arc<Many>) {
    Tx::join(many, 20).expect("a record").try_send(&[20]).expect("room");
    dies_reading(many, 3);
}

/// A receiver reads the next message and dies.
pub fn dies_reading(many: &Arc<Many>, process: u64) {
    let mut rx = Rx::join(many, process).expect("a record");
    let end = many.mortal(process, Some(2), || rx.try_recv(1).map(drop));
    assert_eq!(end.expect_err("it dies").0, "model.recv.after-read");
}

/// A message is set free, and its taker dies of it, too.
fn with_an_orphan(many: &Arc<Many>) {
    with_a_message(many);
    many.sweep(30);
    dies_reading(many, 4);
}

/// A receiver dies that has claimed the hole of a sender that died before it.
fn with_a_claimed_hole(many: &Arc<Many>) {
    with_a_hole(many);
    many.sweep(30);
    let mut rx = Rx::join(many, 3).expect("a record");
    let end = many.mortal(3, Some(1), || rx.try_recv(1).map(drop));
    assert_eq!(end.expect_err("it dies").0, "recv.after-claim");
}

#[test]
fn two_that_repair_a_hole_and_one_dies_at_it() {
    repairer_dies("of a sender", with_a_hole);
}

#[test]
fn two_that_repair_a_receivers_claim_and_one_dies_at_it() {
    repairer_dies("of a receiver", with_a_message);
}

#[test]
fn two_that_repair_what_the_taker_of_an_orphan_left_and_one_dies_at_it() {
    repairer_dies("of a taker", with_an_orphan);
}

#[test]
fn two_that_repair_a_claimed_hole_and_one_dies_at_it() {
    repairer_dies("of a sender and a receiver", with_a_claimed_hole);
}
