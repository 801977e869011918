//! Sleepers at a gate, all of whom live: no wake is lost, whoever publishes and whoever waits.

use std::panic::{AssertUnwindSafe, catch_unwind};

use loom::sync::Arc;
use loom::thread::{self, JoinHandle};
use ringway::protocol::peer::Stuck;
use ringway::protocol::ring::{Blocked, Form};
use ringway::protocol::roster::Side;
use ringway::protocol::shared::{SharedReceiver, SharedSender};

use crate::cells::{Memory, Reader, filled};
use crate::ends;
use crate::fixture::{Receiver, Sender, Shared};
use crate::futex::Futex;
use crate::many::{MPMC, Many, settle};
use crate::{explore, explore_within};

type Tx = ends::Sender<SharedSender>;
type Rx = ends::Receiver<SharedReceiver>;

/// What one look of a blocking call found; `None` if it has to wait.
fn found(look: Result<u32, Stuck>) -> Option<()> {
    match look {
        Ok(_) => Some(()),
        Err(Stuck::Ring(Blocked::NotReady)) => None,
        Err(stuck) => panic!("{stuck:?}, and nobody broke the rules"),
    }
}

fn ended(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// One sender and one receiver, who waits for each of so many messages.
fn sole_receiver_sleeps(form: Form, messages: u32) {
    explore(&format!("receiver sleeps, {form:?}, {messages} messages"), move || {
        let shared = Shared::new(2, form);
        let futex = Futex::default();
        let (other, bell) = (Arc::clone(&shared), futex.clone());
        let sender = thread::spawn(move || {
            let (mut sender, _) = Sender::attach(&other, 1).expect("a free role");
            for _ in 0..messages {
                sender.try_send(1).expect("room");
                bell.ring(other.ring().control.gate(Side::Receiving));
            }
        });
        let (mut receiver, _) = Receiver::attach(&shared, 2).expect("a free role");
        let mut log = Vec::new();
        for _ in 0..messages {
            futex.wait(shared.ring().control.gate(Side::Receiving), || found(receiver.try_recv(1, &mut log)));
        }
        sender.join().unwrap();
        assert_eq!(log.len() as u32, messages);
    });
}

#[test]
fn a_receiver_that_sleeps_wakes_for_every_message() {
    for form in [Form::Stamped, Form::Indexed] {
        sole_receiver_sleeps(form, 1);
        sole_receiver_sleeps(form, 2);
    }
}

/// One slot, which is full in the beginning.
#[test]
fn a_sender_that_sleeps_wakes_when_there_is_room() {
    for form in [Form::Stamped, Form::Indexed] {
        explore(&format!("sender sleeps, {form:?}"), move || {
            let shared = Shared::new(1, form);
            let futex = Futex::default();
            let (mut sender, _) = Sender::attach(&shared, 1).expect("a free role");
            sender.try_send(1).expect("room");
            let (other, bell) = (Arc::clone(&shared), futex.clone());
            let receiver = thread::spawn(move || {
                let (mut receiver, _) = Receiver::attach(&other, 2).expect("a free role");
                receiver.try_recv(1, &mut Vec::new()).expect("a message");
                bell.ring(other.ring().control.gate(Side::Sending));
            });
            futex.wait(shared.ring().control.gate(Side::Sending), || found(sender.try_send(1)));
            receiver.join().unwrap();
        });
    }
}

/// Through one slot, so that each has to wait for the other one.
#[test]
fn two_sides_that_both_sleep_do_not_wait_for_each_other() {
    for form in [Form::Stamped, Form::Indexed] {
        explore_within(2, &format!("both sleep, {form:?}"), move || {
            let shared = Shared::new(1, form);
            let futexes = [Futex::default(), Futex::default()];
            let (other, bells) = (Arc::clone(&shared), futexes.clone());
            let sender = thread::spawn(move || {
                let (mut sender, _) = Sender::attach(&other, 1).expect("a free role");
                let control = other.ring().control;
                for _ in 0..2 {
                    bells[0].wait(control.gate(Side::Sending), || found(sender.try_send(1)));
                    bells[1].ring(control.gate(Side::Receiving));
                }
            });
            let (mut receiver, _) = Receiver::attach(&shared, 2).expect("a free role");
            let control = shared.ring().control;
            let mut log = Vec::new();
            for _ in 0..2 {
                futexes[1].wait(control.gate(Side::Receiving), || found(receiver.try_recv(1, &mut log)));
                futexes[0].ring(control.gate(Side::Sending));
            }
            sender.join().unwrap();
            assert_eq!(log, [0, 1]);
        });
    }
}

/// A receiver in a thread of its own, which waits for one message by looking so.
fn sleeper(many: &Arc<Many>, futex: &Futex, process: u64, look: fn(&mut Rx) -> Option<()>) -> JoinHandle<()> {
    let mut rx = Rx::join(many, process).expect("a record");
    let (many, futex) = (Arc::clone(many), futex.clone());
    thread::spawn(move || futex.wait(many.ring().control.gate(Side::Receiving), || look(&mut rx)))
}

/// As the channels do.
fn properly(rx: &mut Rx) -> Option<()> {
    found(rx.try_recv(1))
}

/// As nobody must: a lost claim counts as empty.
fn hastily(rx: &mut Rx) -> Option<()> {
    rx.try_one().then_some(())
}

/// Two receivers that sleep at one gate, and as many messages, in batches of that size, each rung for once.
fn two_receivers_sleep(name: &str, batch: usize, futex: fn() -> Futex, look: fn(&mut Rx) -> Option<()>) {
    explore_within(2, name, move || {
        let many = Many::new(2, (1, 3), MPMC);
        let futex = futex();
        let mut tx = Tx::join(&many, 10).expect("a record");
        let receivers = [1, 2].map(|process| sleeper(&many, &futex, process, look));
        for messages in [10, 11].chunks(batch) {
            assert_eq!(tx.try_send(messages), Ok(batch as u32));
            futex.ring(many.ring().control.gate(Side::Receiving));
        }
        ended(receivers);
        assert_eq!(settle(&many).done().len(), 2);
    });
}

#[test]
fn no_receiver_sleeps_while_there_is_a_message_for_it() {
    two_receivers_sleep("two sleepers, two messages", 1, Futex::default, properly);
    two_receivers_sleep("two sleepers, a batch", 2, Futex::default, properly);
}

/// A control: who loses a claim must look again before it sleeps.
#[test]
fn a_lost_claim_that_counts_as_empty_is_found() {
    let model = || two_receivers_sleep("a lost claim is empty", 1, Futex::default, hastily);
    assert!(catch_unwind(AssertUnwindSafe(model)).is_err(), "loom did not find who sleeps beside a message");
}

/// A control: who is woken for a batch may take a part of it only.
#[test]
fn a_wake_of_one_sleeper_is_found() {
    let model = || two_receivers_sleep("a wake of one", 2, Futex::that_wakes_one, properly);
    assert!(catch_unwind(AssertUnwindSafe(model)).is_err(), "loom did not find who sleeps beside a message");
}

#[test]
fn two_senders_that_tell_their_news_at_once_wake_the_receiver_for_both() {
    explore_within(2, "two senders, one sleeper", || {
        let many = Many::new(2, (2, 2), MPMC);
        let futex = Futex::default();
        let mut rx = Rx::join(&many, 1).expect("a record");
        let senders = [10, 20].map(|process| {
            let mut tx = Tx::join(&many, process).expect("a record");
            let (many, futex) = (Arc::clone(&many), futex.clone());
            thread::spawn(move || {
                assert_eq!(tx.try_send(&[process]), Ok(1));
                futex.ring(many.ring().control.gate(Side::Receiving));
            })
        });
        for _ in 0..2 {
            futex.wait(many.ring().control.gate(Side::Receiving), || properly(&mut rx));
        }
        ended(senders);
        assert_eq!(settle(&many).done().len(), 2);
    });
}

/// Two slots, which are full in the beginning, and one batch that is taken.
#[test]
fn two_senders_that_sleep_wake_when_there_is_room_for_both() {
    explore_within(2, "two senders sleep", || {
        let many = Many::new(2, (3, 2), MPMC);
        let futex = Futex::default();
        let mut rx = Rx::join(&many, 1).expect("a record");
        Tx::join(&many, 30).expect("a record").try_send(&[30, 31]).expect("room");
        let senders = [10, 20].map(|process| {
            let mut tx = Tx::join(&many, process).expect("a record");
            let (many, futex) = (Arc::clone(&many), futex.clone());
            thread::spawn(move || {
                let look = || found(tx.try_send(&[process]).map_err(Stuck::Ring));
                futex.wait(many.ring().control.gate(Side::Sending), look);
            })
        });
        assert_eq!(rx.try_recv(2), Ok(2));
        futex.ring(many.ring().control.gate(Side::Sending));
        ended(senders);
        assert_eq!(settle(&many).done().len(), 4);
    });
}

/// Readers, one in this thread, that sleep until the last of so many newer values is there.
fn readers_sleep(name: &str, readers: u64, values: u64) {
    explore_within(2, name, move || {
        let (memory, mut writer) = filled(2, 1);
        let futex = Futex::default();
        let wait = move |memory: &std::sync::Arc<Memory>, futex: &Futex| {
            let mut reader = Reader::new(memory);
            futex.wait(&memory.record().gate, || reader.try_load().filter(|version| *version > values))
        };
        let others: Vec<_> = (1..readers)
            .map(|_| {
                let (memory, futex) = (memory.clone(), futex.clone());
                thread::spawn(move || assert_eq!(wait(&memory, &futex), 1 + values))
            })
            .collect();
        let (other, bell) = (memory.clone(), futex.clone());
        let writer = thread::spawn(move || {
            for _ in 0..values {
                writer.store();
                bell.ring(&other.record().gate);
            }
        });
        assert_eq!(wait(&memory, &futex), 1 + values);
        writer.join().unwrap();
        ended(others);
    });
}

#[test]
fn a_reader_that_sleeps_wakes_for_a_newer_value() {
    readers_sleep("reader sleeps, one value", 1, 1);
    readers_sleep("reader sleeps, two values", 1, 2);
    readers_sleep("two readers sleep", 2, 1);
}
