//! The records of a shared side: who gets one, and what becomes of what was in it.

use loom::sync::Arc;
use loom::thread;
use ringway::protocol::roster::{Presence, Side};
use ringway::protocol::shared::{SharedReceiver, SharedSender};
use ringway::protocol::table;

use crate::ends::{Receiver, Sender};
use crate::explore_within;
use crate::many::{MPMC, Many, me, settle};
use crate::repair::{dies, every_crash};

type Tx = Sender<SharedSender>;
type Rx = Receiver<SharedReceiver>;

#[test]
fn of_two_that_want_the_last_record_one_gets_it_and_the_other_hears_that_all_are_taken() {
    explore_within(3, "last record", || {
        let many = Many::new(1, (1, 1), MPMC);
        let other = Arc::clone(&many);
        let rival = thread::spawn(move || Tx::join(&other, 20).is_some());
        let mine = Tx::join(&many, 10).is_some();
        assert!(mine ^ rival.join().unwrap(), "one holder");
    });
}

#[test]
fn of_two_that_want_records_each_gets_its_own() {
    explore_within(3, "two records", || {
        let many = Many::new(2, (2, 2), MPMC);
        let other = Arc::clone(&many);
        let rival = thread::spawn(move || Tx::join(&other, 20).map(|mut tx| tx.try_one(20)));
        let mine = Tx::join(&many, 10).map(|mut tx| tx.try_one(10));
        // A prober that asks in this very moment takes a lock, too: but nobody is dead here, so none does.
        assert!(mine.is_some() && rival.join().unwrap().is_some());
        settle(&many);
    });
}

#[test]
fn whoever_sees_a_record_taken_can_name_its_holder() {
    explore_within(3, "name", || {
        let many = Many::new(1, (1, 1), MPMC);
        let other = Arc::clone(&many);
        let joiner = thread::spawn(move || Tx::join(&other, 10).is_some());
        for holder in table::participants(&many.ring(), Side::Sending) {
            assert_eq!((holder.presence, holder.identity), (Presence::Live, me(10)));
        }
        joiner.join().unwrap();
    });
}

/// Somebody joins by the only record and dies at each step, and somebody else wants the same record, beside a prober.
#[test]
fn what_the_last_holder_left_is_repaired_before_its_record_is_taken() {
    every_crash("join after a death", 5, |fuse| {
        let many = Many::new(1, (1, 2), MPMC);
        let first = Arc::clone(&many);
        let mortal = dies(&many, 20, fuse, move || {
            if let Some(mut tx) = Tx::join(&first, 20) {
                tx.try_one(20);
                tx.leave();
            }
        });
        if let Some(mut tx) = Tx::join(&many, 10) {
            tx.try_one(10);
        }
        let died = mortal.join().unwrap();
        settle(&many);
        died
    });
}

#[test]
fn a_prober_keeps_nobody_from_joining_for_good() {
    explore_within(2, "join beside a prober", || {
        let many = Many::new(1, (1, 2), MPMC);
        let mut dead = Tx::join(&many, 20).expect("a record");
        assert!(many.mortal(20, Some(1), || dead.try_send(&[20]).map(drop)).is_err());
        let other = Arc::clone(&many);
        let prober = thread::spawn(move || other.sweep(30));
        let early = Tx::join(&many, 10);
        prober.join().unwrap();
        let late = early.is_none().then(|| Tx::join(&many, 10));
        assert!(late.is_none() || late.flatten().is_some(), "the dead holder's record is free");
        let mut rx = Rx::join(&many, 1).expect("a record");
        while rx.try_recv(1).is_ok() {}
        settle(&many);
    });
}
