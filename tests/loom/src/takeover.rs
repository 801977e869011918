//! Successors in threads of their own: nothing but the role's lock orders them behind the dead.

use std::panic::{AssertUnwindSafe, catch_unwind};

use loom::sync::Arc;
use loom::sync::atomic::Ordering;
use loom::thread;
use ringway::protocol::ring::Form;

use crate::explore;
use crate::fixture::{Receiver, Sender, Shared};

/// Two receivers, one after the other by the lock alone, against a sender that needs their slots.
fn receivers(form: Form, handover: Ordering) {
    explore(&format!("a receiver takes over, {form:?}, {handover:?}"), move || {
        let shared = Shared::with_lock(1, form, handover);
        let (mut sender, _) = Sender::attach(&shared, 1).expect("a free role");
        sender.try_send(1).expect("an empty ring");
        let receivers = [2, 3].map(|process| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                if let Some((mut receiver, _)) = Receiver::attach(&shared, process) {
                    let _ = receiver.try_recv(1, &mut Vec::new());
                    shared.receiver_lock(process).bury();
                }
            })
        });
        let _ = sender.try_send(1);
        for receiver in receivers {
            receiver.join().unwrap();
        }
    });
}

/// Two senders, one after the other by the lock alone, against a receiver.
fn senders(form: Form, handover: Ordering) {
    explore(&format!("a sender takes over, {form:?}, {handover:?}"), move || {
        let shared = Shared::with_lock(2, form, handover);
        let senders = [1, 2].map(|process| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                if let Some((mut sender, _)) = Sender::attach(&shared, process) {
                    let _ = sender.try_send(1);
                    shared.sender_lock(process).bury();
                }
            })
        });
        let (mut receiver, _) = Receiver::attach(&shared, 3).expect("a free role");
        let mut log = Vec::new();
        for _ in 0..2 {
            let _ = receiver.try_recv(1, &mut log);
        }
        for sender in senders {
            sender.join().unwrap();
        }
        while receiver.try_recv(1, &mut log).is_ok() {}
        assert_eq!(log, (0..log.len() as u64).collect::<Vec<_>>(), "repeated or out of order");
    });
}

fn both(form: Form, handover: Ordering) {
    receivers(form, handover);
    senders(form, handover);
}

#[test]
fn a_successor_sees_all_that_the_dead_one_did_by_stamp() {
    both(Form::Stamped, Ordering::Release);
}

#[test]
fn a_successor_sees_all_that_the_dead_one_did_by_index() {
    both(Form::Indexed, Ordering::Release);
}

/// A control: what a successor reads of its predecessor is ordered by the lock alone, so without it the
/// models must fail.
#[test]
fn a_lock_that_hands_nothing_over_is_found() {
    for form in [Form::Stamped, Form::Indexed] {
        for side in [receivers, senders] {
            let found = catch_unwind(AssertUnwindSafe(|| side(form, Ordering::Relaxed)));
            assert!(found.is_err(), "loom did not miss the lock's ordering, {form:?}");
        }
    }
}
