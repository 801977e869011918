//! The ring with one sender and one receiver, both alive.

use loom::sync::Arc;
use loom::thread;
use ringway::protocol::ring::Form;

use crate::fixture::{Receiver, Sender, Shared};
use crate::{explore, long};

fn run(name: &str, capacity: u32, form: Form, sends: u32, batch: u32, polls: u32) {
    explore(name, move || {
        let shared = Shared::new(capacity, form);
        let other = Arc::clone(&shared);
        let sender = thread::spawn(move || {
            let (mut sender, _) = Sender::attach(&other, 1).expect("a free role");
            for _ in 0..sends {
                let _ = sender.try_send(batch);
            }
            sender.position()
        });
        let (mut receiver, _) = Receiver::attach(&shared, 2).expect("a free role");
        let mut log = Vec::new();
        for _ in 0..polls {
            let _ = receiver.try_recv(batch, &mut log);
        }
        let sent = sender.join().unwrap();
        while receiver.try_recv(1, &mut log).is_ok() {}
        assert_eq!(log, (0..sent).collect::<Vec<_>>(), "lost, repeated or out of order");
        assert!(sent >= u64::from(capacity.min(sends)), "an empty ring refused a message");
    });
}

fn forms(name: &str, capacity: u32, sends: u32, batch: u32, polls: u32) {
    run(&format!("{name}, stamped"), capacity, Form::Stamped, sends, batch, polls);
    run(&format!("{name}, indexed"), capacity, Form::Indexed, sends, batch, polls);
}

#[test]
fn every_message_arrives_once_and_in_order_through_one_slot() {
    forms("one slot", 1, 2 + u32::from(long()), 1, 2);
}

#[test]
fn every_message_arrives_once_and_in_order_round_the_ring() {
    forms("two slots", 2, 3 + u32::from(long()), 1, 2);
}

#[test]
fn every_message_of_a_batch_arrives_once_and_in_order() {
    forms("batches", 2, 2, 2, 2);
    forms("batches, odd capacity", 3, 2, 2, 2);
}
