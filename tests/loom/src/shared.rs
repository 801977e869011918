//! Shared sides while everybody lives.

use loom::sync::Arc;
use loom::thread::{self, JoinHandle};
use ringway::protocol::lone::{LoneReceiver, LoneSender};
use ringway::protocol::shared::{SharedReceiver, SharedSender};

use crate::ends::{Receiver, Sender};
use crate::explore_within;
use crate::many::{MPMC, MPSC, Many, SPMC, settle};

type Tx = Sender<SharedSender>;
type Rx = Receiver<SharedReceiver>;

/// A sender in a thread of its own: one message by the quick try, and then a batch.
fn sends(many: &Arc<Many>, first: u64, batch: u64) -> JoinHandle<()> {
    let mut tx = Tx::join(many, first).expect("a record");
    thread::spawn(move || {
        tx.try_one(first);
        if batch > 0 {
            let _ = tx.try_send(&(first + 1..=first + batch).collect::<Vec<_>>());
        }
    })
}

/// A receiver in a thread of its own.
fn receives(many: &Arc<Many>, process: u64, count: u32) -> JoinHandle<()> {
    let mut rx = Rx::join(many, process).expect("a record");
    thread::spawn(move || {
        if count > 1 || !rx.try_one() {
            let _ = rx.try_recv(count);
        }
    })
}

fn end(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn two_senders_and_a_receiver_pass_every_message_once() {
    for capacity in [1, 2] {
        explore_within(2, &format!("two senders, {capacity}"), move || {
            let many = Many::new(capacity, (2, 2), MPMC);
            let senders = [sends(&many, 10, 1), sends(&many, 20, 0)];
            let mut rx = Rx::join(&many, 1).expect("a record");
            for _ in 0..2 {
                let _ = rx.try_recv(1);
            }
            end(senders);
            let account = settle(&many);
            let of_first: Vec<_> = account.done().iter().filter(|message| **message < 20).collect();
            assert!(of_first.is_sorted(), "out of a sender's order: {of_first:?}");
        });
    }
}

#[test]
fn two_receivers_share_what_is_sent() {
    for capacity in [1, 2] {
        explore_within(2, &format!("two receivers, {capacity}"), move || {
            let many = Many::new(capacity, (1, 3), MPMC);
            let receivers = [receives(&many, 1, 1), receives(&many, 2, 1)];
            let mut tx = Tx::join(&many, 10).expect("a record");
            for message in 0..3 {
                tx.try_one(message);
            }
            end(receivers);
            settle(&many);
        });
    }
}

#[test]
fn two_senders_and_two_receivers_pass_every_message_once() {
    explore_within(2, "two and two", || {
        let many = Many::new(1, (2, 3), MPMC);
        let mut tx = Tx::join(&many, 10).expect("a record");
        let mut rx = Rx::join(&many, 1).expect("a record");
        let others = [sends(&many, 20, 0), receives(&many, 2, 1)];
        tx.try_one(10);
        rx.try_one();
        end(others);
        settle(&many);
    });
}

#[test]
fn batches_are_claimed_whole_and_pass_every_message_once() {
    explore_within(2, "batches", || {
        let many = Many::new(3, (2, 2), MPMC);
        let senders = [[10, 11], [20, 21]].map(|batch| {
            let mut tx = Tx::join(&many, batch[0]).expect("a record");
            thread::spawn(move || {
                let _ = tx.try_send(&batch);
            })
        });
        let mut rx = Rx::join(&many, 1).expect("a record");
        let _ = rx.try_recv(3);
        end(senders);
        settle(&many);
    });
}

#[test]
fn batches_are_received_whole_by_two_and_their_slots_used_again() {
    explore_within(2, "batches of receivers", || {
        let many = Many::new(2, (1, 3), MPMC);
        let mut tx = Tx::join(&many, 10).expect("a record");
        tx.try_send(&[10, 11]).expect("room");
        let receivers = [receives(&many, 1, 2), receives(&many, 2, 2)];
        let _ = tx.try_send(&[12, 13]);
        end(receivers);
        settle(&many);
    });
}

#[test]
fn a_claim_that_is_given_up_is_passed_over() {
    explore_within(2, "abandoned claims", || {
        let many = Many::new(2, (2, 2), MPMC);
        let mut other = Tx::join(&many, 10).expect("a record");
        let sender = thread::spawn(move || {
            let _ = other.abandon(1);
            let _ = other.try_send(&[10]);
        });
        let mut tx = Tx::join(&many, 20).expect("a record");
        let _ = tx.try_send(&[20]);
        let mut rx = Rx::join(&many, 1).expect("a record");
        let _ = rx.try_recv(2);
        sender.join().unwrap();
        settle(&many);
    });
}

#[test]
fn what_a_receiver_gives_up_is_received_by_another() {
    explore_within(2, "given up by a receiver", || {
        let many = Many::new(2, (1, 3), MPMC);
        Tx::join(&many, 10).expect("a record").try_send(&[10, 11]).expect("room");
        let mut rx = Rx::join(&many, 1).expect("a record");
        let other = Rx::join(&many, 2).expect("a record");
        let leaver = thread::spawn(move || {
            let mut other = other;
            let _ = other.abandon(2);
            other.leave();
        });
        let _ = rx.try_recv(1);
        let _ = rx.try_recv(1);
        leaver.join().unwrap();
        settle(&many);
    });
}

#[test]
fn a_sole_receiver_gets_every_message_of_two_senders_once() {
    for capacity in [1, 2] {
        explore_within(2, &format!("two senders, sole receiver, {capacity}"), move || {
            let many = Many::new(capacity, (2, 1), MPSC);
            let senders = [sends(&many, 10, 0), sends(&many, 20, 0)];
            let mut rx = Receiver::<LoneReceiver>::attach(&many, 1).expect("the role");
            rx.try_one();
            for _ in 0..2 {
                let _ = rx.try_recv(2);
            }
            end(senders);
            settle(&many);
        });
    }
}

#[test]
fn two_receivers_share_what_a_sole_sender_sends() {
    for capacity in [1, 2] {
        explore_within(2, &format!("sole sender, two receivers, {capacity}"), move || {
            let many = Many::new(capacity, (1, 3), SPMC);
            let receivers = [receives(&many, 1, 1), receives(&many, 2, 2)];
            let mut tx = Sender::<LoneSender>::attach(&many, 10).expect("the role");
            for message in 0..3 {
                tx.try_one(message);
            }
            end(receivers);
            settle(&many);
        });
    }
}

#[test]
fn a_slot_that_goes_round_while_a_sender_looks_at_it_is_not_taken_for_damage() {
    explore_within(2, "a lap between two looks", || {
        let many = Many::new(1, (2, 2), MPMC);
        let [mut slow, mut tx] = [10, 20].map(|process| Tx::join(&many, process).expect("a record"));
        let mut rx = Rx::join(&many, 1).expect("a record");
        tx.try_send(&[20]).expect("room");
        let slow = thread::spawn(move || {
            let _ = slow.try_send(&[10]);
        });
        rx.try_one();
        tx.try_one(21);
        slow.join().unwrap();
        settle(&many);
    });
}
