//! An empty (full) ring and a peer that goes.

use loom::sync::Arc;
use loom::thread;
use ringway::protocol::peer::{Departure, Stuck};
use ringway::protocol::ring::Form;
use ringway::protocol::roster;
use ringway::sync::model::crash_after;

use crate::explore;
use crate::fixture::{Receiver, Sender, Shared};

fn forms(name: &str, model: impl Fn(Form) + Sync + Send + Copy + 'static) {
    for form in [Form::Stamped, Form::Indexed] {
        explore(&format!("{name}, {form:?}"), move || model(form));
    }
}

#[test]
fn a_receiver_hears_of_a_leaving_only_after_the_last_message() {
    forms("sender leaves", |form| {
        let shared = Shared::new(2, form);
        let other = Arc::clone(&shared);
        let sender = thread::spawn(move || {
            let (mut sender, _) = Sender::attach(&other, 1).expect("a free role");
            sender.try_send(1).expect("an empty ring");
            sender.leave();
        });
        let (mut receiver, _) = Receiver::attach(&shared, 2).expect("a free role");
        let mut log = Vec::new();
        for _ in 0..3 {
            if let Err(Stuck::Peer(gone)) = receiver.try_recv(1, &mut log) {
                assert_eq!(gone, Departure::Left);
                assert_eq!(log, [0], "the sender is gone and its message was not seen");
            }
        }
        sender.join().unwrap();
    });
}

#[test]
fn a_receiver_hears_of_a_death_only_after_the_last_message_though_another_certified_it() {
    forms("sender dies, third party", |form| {
        let shared = Shared::new(2, form);
        let (first, second) = (Arc::clone(&shared), Arc::clone(&shared));
        let sender = thread::spawn(move || {
            let (mut sender, _) = Sender::attach(&first, 1).expect("a free role");
            sender.try_send(1).expect("an empty ring");
            first.sender_lock(1).bury();
        });
        let prober = thread::spawn(move || {
            roster::probe(&second.roster.sender, &second.sender_lock(3), 9);
        });
        let (mut receiver, _) = Receiver::attach(&shared, 2).expect("a free role");
        let mut log = Vec::new();
        for _ in 0..2 {
            if let Err(Stuck::Peer(gone)) = receiver.try_recv(1, &mut log) {
                assert_eq!(gone, Departure::Died);
                assert_eq!(log, [0], "the sender is dead and its message was not seen");
            }
        }
        sender.join().unwrap();
        prober.join().unwrap();
    });
}

#[test]
fn a_receiver_that_proves_the_death_itself_has_seen_the_last_message() {
    forms("sender dies", |form| {
        let shared = Shared::new(2, form);
        let other = Arc::clone(&shared);
        let sender = thread::spawn(move || {
            let end = crash_after(Some(5), || {
                let (mut sender, _) = Sender::attach(&other, 1).expect("a free role");
                sender.try_send(1).expect("an empty ring");
                sender.try_send(1).expect("a free slot");
            });
            assert!(end.is_err());
            other.sender_lock(1).bury();
        });
        let (mut receiver, _) = Receiver::attach(&shared, 2).expect("a free role");
        let mut log = Vec::new();
        for _ in 0..2 {
            let lock = shared.sender_lock(2);
            let answer =
                receiver.try_recv_asking(1, &mut log, || roster::probe(&shared.roster.sender, &lock, 9));
            if let Err(Stuck::Peer(gone)) = answer {
                assert_eq!(gone, Departure::Died);
                assert!(!log.is_empty(), "the sender is dead and its message was not seen");
            }
        }
        sender.join().unwrap();
    });
}

#[test]
fn a_sender_hears_of_a_leaving_only_when_no_slot_was_released() {
    forms("receiver leaves", |form| {
        let shared = Shared::new(1, form);
        let (mut sender, _) = Sender::attach(&shared, 1).expect("a free role");
        sender.try_send(1).expect("an empty ring");
        let other = Arc::clone(&shared);
        let receiver = thread::spawn(move || {
            let (mut receiver, _) = Receiver::attach(&other, 2).expect("a free role");
            receiver.try_recv(1, &mut Vec::new()).expect("a message");
            receiver.leave();
        });
        for _ in 0..2 {
            match sender.try_send(1) {
                Err(Stuck::Peer(gone)) => {
                    assert_eq!(gone, Departure::Left);
                    assert_eq!(sender.position(), 2, "the receiver is gone and its release was not seen");
                }
                Err(Stuck::Ring(_)) | Ok(_) => {}
            }
        }
        receiver.join().unwrap();
    });
}
