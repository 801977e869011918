//! Repairs beside slow owners, late repairers and new holders of old records: whoever lives keeps its claim, and what
//! a dead one read or wrote comes before whoever uses its slot next.

use loom::sync::Arc;
use loom::thread;
use ringway::protocol::ring::Rules;
use ringway::protocol::shared::{SharedReceiver, SharedSender};

use crate::ends::{Receiver, Sender};
use crate::explore_within;
use crate::many::{DISCARD, MPMC, Many, settle};
use crate::repair::dies_reading;

type Tx = Sender<SharedSender>;
type Rx = Receiver<SharedReceiver>;

/// A sender that dies with an intent for the next `count` positions, which it never claims.
fn dead_sender_intends(many: &Arc<Many>, count: u64) {
    let mut tx = Tx::join(many, 20).expect("a record");
    let batch: Vec<_> = (20..20 + count).collect();
    let end = many.mortal(20, Some(0), || tx.try_send(&batch).map(drop));
    assert_eq!(end.expect_err("it dies").0, "send.after-intent");
}

/// A receiver that dies with an intent for the next `count` messages, which it never claims.
fn dead_receiver_intends(many: &Arc<Many>, count: u32) {
    let mut rx = Rx::join(many, 2).expect("a record");
    let end = many.mortal(2, Some(0), || rx.try_recv(count).map(drop));
    assert_eq!(end.expect_err("it dies").0, "recv.after-intent");
}

/// A sender at any step of a claim that a dead one wanted, too, and a repairer that receives.
fn slow_sender(capacity: u32) {
    explore_within(3, &format!("slow sender, {capacity}"), move || {
        let batch: Vec<_> = (10..10 + u64::from(capacity)).collect();
        let many = Many::new(capacity, (2, 2), MPMC);
        let (mut slow, mut rx) =
            (Tx::join(&many, 10).expect("a record"), Rx::join(&many, 1).expect("a record"));
        dead_sender_intends(&many, u64::from(capacity));
        let sent = batch.clone();
        let sender = thread::spawn(move || slow.try_send(&sent));
        rx.sweep();
        let _ = rx.try_recv(1);
        assert_eq!(sender.join().unwrap(), Ok(capacity), "nobody else had the positions");
        assert_eq!(settle(&many).done(), batch);
    });
}

#[test]
fn a_slow_owners_slot_is_left_alone_though_a_dead_one_wanted_it() {
    slow_sender(1);
    slow_sender(2);
}

/// A receiver at any step of a claim that a dead one wanted, too, and a repairer that receives.
fn slow_receiver(capacity: u32) {
    explore_within(3, &format!("slow receiver, {capacity}"), move || {
        let batch: Vec<_> = (10..10 + u64::from(capacity)).collect();
        let many = Many::new(capacity, (1, 3), MPMC);
        Tx::join(&many, 10).expect("a record").try_send(&batch).expect("room");
        let (mut slow, mut rx) =
            (Rx::join(&many, 1).expect("a record"), Rx::join(&many, 3).expect("a record"));
        dead_receiver_intends(&many, capacity);
        let receiver = thread::spawn(move || slow.try_recv(capacity).is_ok());
        rx.sweep();
        let _ = rx.try_recv(1);
        receiver.join().unwrap();
        let account = settle(&many);
        assert_eq!(
            account.reads().len(),
            batch.len(),
            "again, though nobody died of it: {:?}",
            account.reads()
        );
    });
}

#[test]
fn a_slow_receivers_message_is_left_alone_though_a_dead_one_wanted_it() {
    slow_receiver(1);
    slow_receiver(2);
}

/// A sender dies with a claim that one that lives has lost, or has won before it.
fn slow_loser(capacity: u32) {
    explore_within(2, &format!("slow loser, {capacity}"), move || {
        let many = Many::new(capacity, (3, 2), MPMC);
        let [mut slow, mut dead, mut last] =
            [10, 20, 30].map(|process| Tx::join(&many, process).expect("a record"));
        let mut rx = Rx::join(&many, 1).expect("a record");
        let loser = thread::spawn(move || slow.try_send(&[10]).is_ok());
        let _ = many.mortal(20, Some(1), || dead.try_send(&[20]));
        let _ = rx.try_recv_or_sweep(1);
        loser.join().unwrap();
        // The loser lives, and has gone on.
        while many.sweep(40) {}
        while rx.try_recv(1).is_ok() {}
        assert_eq!(last.try_send(&[30]), Ok(1), "a hole stays that nobody lives to fill");
        settle(&many);
    });
}

#[test]
fn a_slow_loser_delays_a_repair_and_no_more() {
    slow_loser(1);
    slow_loser(2);
}

#[test]
fn what_a_dead_sender_wrote_comes_before_the_next_use_of_its_slot() {
    explore_within(3, "torn write", || {
        let many = Many::new(1, (3, 3), MPMC);
        let mut dead = Tx::join(&many, 20).expect("a record");
        let (mut tx, mut rx) =
            (Tx::join(&many, 10).expect("a record"), Rx::join(&many, 1).expect("a record"));
        let other = Arc::clone(&many);
        let repairer = thread::spawn(move || {
            let _ = other.mortal(20, Some(2), || dead.try_send(&[20]));
            other.sweep(30);
        });
        let _ = rx.try_recv(1);
        let _ = tx.try_send(&[11]);
        repairer.join().unwrap();
        settle(&many);
    });
}

/// A receiver reads and dies, `before` others did before it, and somebody repairs; meanwhile another receiver, which
/// has orphans to look for anyway, and a sender that goes round the ring.
fn dead_reader(rules: Rules, before: u64) {
    explore_within(
        3,
        &format!("dead reader, {before} before it, {:?}", rules.on_receiver_death),
        move || {
            let many = Many::new(1, (1, 4), rules);
            let (mut tx, mut rx) =
                (Tx::join(&many, 10).expect("a record"), Rx::join(&many, 1).expect("a record"));
            // Something to look for, though it is gone: the count is above what the receiver has seen.
            tx.try_send(&[10]).expect("room");
            let mut passing = Rx::join(&many, 2).expect("a record");
            passing.give_up().expect("a message");
            passing.try_recv(1).expect("the same one");
            tx.try_send(&[11]).expect("room");
            for process in 3..3 + before {
                dies_reading(&many, process);
                many.sweep(30);
            }
            let mut dead = Rx::join(&many, 9).expect("a record");
            let other = Arc::clone(&many);
            let repairer = thread::spawn(move || {
                let _ = other.mortal(9, Some(2), || dead.try_recv(1));
                other.sweep(30);
            });
            let _ = rx.try_recv(1);
            let _ = tx.try_send(&[12]);
            repairer.join().unwrap();
            settle(&many);
        },
    );
}

#[test]
fn what_a_dead_receiver_read_comes_before_the_next_use_of_its_slot() {
    dead_reader(MPMC, 0);
    dead_reader(DISCARD, 0);
}

#[test]
fn what_a_dead_taker_read_comes_before_the_next_use_of_its_slot() {
    dead_reader(MPMC, 1);
}

#[test]
fn an_old_death_is_not_held_against_the_new_holder_of_a_record() {
    // A record is repaired, taken again, and the new holder takes the old one's message, beside a repairer that had
    // seen the old one dead.
    explore_within(2, "reuse", || {
        let many = Many::new(1, (1, 4), MPMC);
        let mut rx = Rx::join(&many, 1).expect("a record");
        let mut dead = Rx::join(&many, 2).expect("a record");
        Tx::join(&many, 10).expect("a record").try_send(&[10]).expect("room");
        let end = many.mortal(2, Some(2), || dead.try_recv(1).map(drop));
        assert!(end.is_err());
        many.certify();
        let other = Arc::clone(&many);
        let successor = thread::spawn(move || {
            other.sweep(30);
            let mut new = Rx::join(&other, 3).expect("a record");
            let _ = new.try_recv(1);
        });
        let late = thread::spawn(move || {
            rx.sweep();
            let _ = rx.try_recv(1);
        });
        successor.join().unwrap();
        late.join().unwrap();
        assert_eq!(settle(&many).reads().len(), 2, "nobody died but the first");
    });
}

#[test]
fn no_attempt_is_counted_twice_so_a_late_repair_finds_its_stamp_gone() {
    // Two incarnations of one record, the first of which dies of an orphan that the second takes, beside a repairer.
    explore_within(2, "reuse, same attempt", || {
        let many = Many::new(1, (1, 4), MPMC);
        let mut rx = Rx::join(&many, 1).expect("a record");
        Tx::join(&many, 10).expect("a record").try_send(&[10]).expect("room");
        dies_reading(&many, 2);
        many.sweep(30);
        dies_reading(&many, 2);
        many.certify();
        let other = Arc::clone(&many);
        let successor = thread::spawn(move || {
            other.sweep(30);
            let mut new = Rx::join(&other, 3).expect("a record");
            let _ = new.try_recv(1);
        });
        rx.sweep();
        let _ = rx.try_recv(1);
        successor.join().unwrap();
        let account = settle(&many);
        assert_eq!(account.reads(), [(10, 0), (10, 1), (10, 2)], "nobody died but the first two");
    });
}
