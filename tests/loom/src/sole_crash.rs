//! The ring with one sender and one receiver, of whom one dies at each step in turn and is replaced.

use std::sync::atomic::{AtomicBool, Ordering};

use loom::sync::Arc;
use loom::thread;
use ringway::protocol::ring::Form;
use ringway::protocol::roster::Predecessor;
use ringway::sync::model::crash_after;

use crate::fixture::{Receiver, Sender, Shared};
use crate::{explore, long};

/// More crash points than any process here passes; the model says when it was too few.
const MOST: u32 = 32;

/// For each crash point until the process outlives them all.
fn every_crash(mut model: impl FnMut(u32) -> bool) {
    for fuse in 0..MOST {
        if !model(fuse) {
            assert!(fuse > 4, "the process passed only {fuse} crash points");
            return;
        }
    }
    panic!("the process passes more than {MOST} crash points");
}

fn sender_dies(form: Form, capacity: u32, batch: u32) {
    every_crash(|fuse| {
        let died = std::sync::Arc::new(AtomicBool::new(false));
        let note = std::sync::Arc::clone(&died);
        explore(&format!("sender dies, {form:?} {capacity}, batch {batch}, point {fuse}"), move || {
            let shared = Shared::new(capacity, form);
            let other = Arc::clone(&shared);
            let note = std::sync::Arc::clone(&note);
            let senders = thread::spawn(move || {
                // What the first one published, by its own account: the last fill (commit) that it passed.
                let mut published = 0;
                let end = crash_after(Some(fuse), || {
                    let (mut sender, _) = Sender::attach(&other, 1).expect("a free role");
                    for _ in 0..2 {
                        let _ = sender.try_send(batch);
                        published = sender.position();
                    }
                    sender.leave();
                });
                let crashed = end.is_err();
                note.fetch_or(crashed, Ordering::Relaxed);
                other.sender_lock(1).bury();
                let (mut sender, predecessor) =
                    Sender::attach(&other, 3).expect("the role of a dead process");
                let resumed = sender.position();
                assert!(resumed >= published, "{resumed} takes back what was published: {published}");
                assert!(resumed <= published + u64::from(batch), "{resumed} invents messages: {published}");
                match end {
                    Ok(()) => assert_eq!(predecessor, Predecessor::Left),
                    Err(at) if at.0 == "attach.after-lock" || at.0 == "attach.after-identity" => {
                        assert_eq!(predecessor, Predecessor::None);
                    }
                    Err(at) if at.0 == "detach.after-vacant" => assert_eq!(predecessor, Predecessor::Left),
                    Err(_) => assert_eq!(predecessor, Predecessor::Died),
                }
                let _ = sender.try_send(1);
                sender.position()
            });
            let (mut receiver, _) = Receiver::attach(&shared, 2).expect("a free role");
            let mut log = Vec::new();
            for _ in 0..2 {
                let _ = receiver.try_recv(batch, &mut log);
            }
            let sent = senders.join().unwrap();
            while receiver.try_recv(1, &mut log).is_ok() {}
            assert_eq!(log, (0..sent).collect::<Vec<_>>(), "lost, repeated or out of order");
        });
        died.load(Ordering::Relaxed)
    });
}

fn receiver_dies(form: Form, capacity: u32, batch: u32) {
    // With two each slot is used again; a third one takes three times as long.
    let sends = if long() { 3 } else { 2 };
    every_crash(|fuse| {
        let died = std::sync::Arc::new(AtomicBool::new(false));
        let note = std::sync::Arc::clone(&died);
        explore(&format!("receiver dies, {form:?} {capacity}, batch {batch}, point {fuse}"), move || {
            let shared = Shared::new(capacity, form);
            let other = Arc::clone(&shared);
            let note = std::sync::Arc::clone(&note);
            let receivers = thread::spawn(move || {
                let mut first = Vec::new();
                let end = crash_after(Some(fuse), || {
                    let (mut receiver, _) = Receiver::attach(&other, 1).expect("a free role");
                    for _ in 0..2 {
                        let _ = receiver.try_recv(batch, &mut first);
                    }
                    receiver.leave();
                });
                note.fetch_or(end.is_err(), Ordering::Relaxed);
                other.receiver_lock(1).bury();
                let (mut receiver, _) = Receiver::attach(&other, 3).expect("the role of a dead process");
                let resumed = receiver.position();
                let read = first.len() as u64;
                assert!(resumed <= read, "{resumed} skips messages that nobody read: {read} were");
                assert!(read - resumed <= u64::from(batch), "more is delivered again than was held");
                if !matches!(&end, Err(at) if at.0 == "model.recv.after-read") {
                    assert_eq!(resumed, read, "a released message is delivered again");
                }
                let mut second = Vec::new();
                let _ = receiver.try_recv(batch, &mut second);
                receiver.leave();
                resumed + second.len() as u64
            });
            let (mut sender, _) = Sender::attach(&shared, 2).expect("a free role");
            for _ in 0..sends {
                let _ = sender.try_send(batch);
            }
            let sent = sender.position();
            let received = receivers.join().unwrap();
            let (mut receiver, _) = Receiver::attach(&shared, 4).expect("a free role");
            let mut log = Vec::new();
            while receiver.try_recv(1, &mut log).is_ok() {}
            assert_eq!(log, (received..sent).collect::<Vec<_>>(), "lost, repeated or out of order");
        });
        died.load(Ordering::Relaxed)
    });
}

#[test]
fn a_sender_killed_at_any_step_loses_nothing_published_by_stamp() {
    sender_dies(Form::Stamped, 1, 1);
    sender_dies(Form::Stamped, 2, 1);
    sender_dies(Form::Stamped, 2, 2);
}

#[test]
fn a_sender_killed_at_any_step_loses_nothing_published_by_index() {
    sender_dies(Form::Indexed, 1, 1);
    sender_dies(Form::Indexed, 2, 2);
}

#[test]
fn a_receiver_killed_at_any_step_loses_nothing_published_by_stamp() {
    receiver_dies(Form::Stamped, 1, 1);
    receiver_dies(Form::Stamped, 2, 2);
}

#[test]
fn a_receiver_killed_at_any_step_loses_nothing_published_by_index() {
    receiver_dies(Form::Indexed, 1, 1);
    receiver_dies(Form::Indexed, 2, 2);
}
