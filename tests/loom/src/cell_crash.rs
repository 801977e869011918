//! One cell, whose writer dies at each step in turn, and its successors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use loom::sync::atomic::Ordering;
use loom::thread;
use ringway::protocol::roster::{self, Predecessor, Presence};

use crate::cells::{Memory, Reader, Writer, filled};
use crate::explore_within;
use crate::long;
use crate::repair::every_crash;

/// What is in the cell once everybody is gone: the latest value, at the first attempt.
fn settle(memory: &Arc<Memory>, mut reader: Reader) {
    assert_eq!(reader.try_load(), Some(memory.published()), "the latest complete value is not there");
}

/// A writer that attaches, stores and leaves, dies at each of these steps, and is replaced. Readers look on.
fn dies(slots: u32, readers: u32) {
    let name = format!("writer dies, {slots} slots, {readers} readers");
    every_crash(&name, 9, move |fuse| {
        let memory = Memory::new(slots);
        let (mut first, _) = Writer::attach(&memory, 1).expect("a free role");
        first.store();
        first.leave();
        let others: Vec<_> = (1..readers).map(|_| Reader::spawn(&memory, 1)).collect();
        let other = Arc::clone(&memory);
        let writers = thread::spawn(move || {
            let end = other.mortal(2, fuse, || {
                let (mut writer, _) = Writer::attach(&other, 2).expect("a free role");
                (0..2).for_each(|_| writer.store());
                writer.leave();
            });
            let (mut next, predecessor) = Writer::attach(&other, 3).expect("the role of a dead process");
            let left = match &end {
                Ok(()) => true,
                Err(at) => {
                    matches!(at.0, "attach.after-lock" | "attach.after-identity" | "detach.after-vacant")
                }
            };
            assert_eq!(predecessor, if left { Predecessor::Left } else { Predecessor::Died });
            next.read_back();
            next.store();
            end.is_err()
        });
        let mut reader = Reader::new(&memory);
        let _ = reader.try_load();
        let died = writers.join().unwrap();
        others.into_iter().for_each(|other| other.join().unwrap());
        settle(&memory, reader);
        died
    });
}

#[test]
fn a_writer_killed_at_any_step_leaves_the_latest_complete_value() {
    dies(2, 1);
    dies(3, 1);
    dies(2, 2);
}

/// A dead writer's value in the spare slot, and a successor that dies, too.
fn successor_dies(slots: u32) {
    for first in 0..4 {
        let name = format!("successor dies, {slots} slots, after {first}");
        every_crash(&name, 5, move |fuse| {
            let (memory, mut writer) = filled(slots, 1);
            let other = Arc::clone(&memory);
            let writers = thread::spawn(move || {
                let end = other.mortal(1, first, || writer.store());
                assert!(end.is_err(), "a store passes four steps");
                let end = other.mortal(2, fuse, || {
                    let (mut writer, _) = Writer::attach(&other, 2).expect("the role of a dead process");
                    writer.store();
                });
                other.lock(2).bury();
                let (mut last, predecessor) = Writer::attach(&other, 3).expect("the role of a dead process");
                assert_eq!(predecessor, Predecessor::Died);
                last.store();
                end.is_err()
            });
            let mut reader = Reader::new(&memory);
            let _ = reader.try_load();
            let died = writers.join().unwrap();
            settle(&memory, reader);
            died
        });
    }
}

#[test]
fn a_successor_killed_at_any_step_leaves_the_latest_complete_value() {
    successor_dies(2);
    if long() {
        successor_dies(3);
    }
}

/// A writer that dies, and another one in a thread of its own, which nothing but the lock orders behind it.
fn takeover(slots: u32, fuse: u32, handover: Ordering) {
    explore_within(
        2,
        &format!("a writer takes over, {slots} slots, point {fuse}, {handover:?}"),
        move || {
            let memory = Memory::with_lock(slots, handover);
            let (mut writer, _) = Writer::attach(&memory, 1).expect("a free role");
            writer.store();
            let other = Arc::clone(&memory);
            let mortal = thread::spawn(move || {
                let end = other.mortal(1, fuse, || (0..2).for_each(|_| writer.store()));
                assert!(end.is_err(), "two stores pass more steps than {fuse}");
            });
            let other = Arc::clone(&memory);
            let successor = thread::spawn(move || {
                if let Some((mut writer, predecessor)) = Writer::attach(&other, 2) {
                    assert_eq!(predecessor, Predecessor::Died);
                    writer.read_back();
                    writer.store();
                }
            });
            let mut reader = Reader::new(&memory);
            let _ = reader.try_load();
            mortal.join().unwrap();
            successor.join().unwrap();
            settle(&memory, reader);
        },
    );
}

/// The crash points of two stores.
const OF_TWO_STORES: u32 = 8;

#[test]
fn a_successor_that_only_the_lock_orders_goes_on_behind_the_dead_one() {
    for fuse in 0..OF_TWO_STORES {
        takeover(2, fuse, Ordering::Release);
        takeover(3, fuse, Ordering::Release);
    }
}

/// A control: what a successor reads of its predecessor is ordered by the lock alone, so without it the models must
/// fail.
#[test]
fn a_lock_that_hands_no_value_over_is_found() {
    let found = catch_unwind(AssertUnwindSafe(|| takeover(2, OF_TWO_STORES - 1, Ordering::Relaxed)));
    assert!(found.is_err(), "loom did not miss the lock's ordering");
}

/// What a reader is told of a writer comes after all that the writer stored.
fn is_final(name: &str, ends: impl Fn(&Arc<Memory>, Writer) + Send + Sync + Clone + 'static, how: Presence) {
    explore_within(3, &format!("final look, {name}"), move || {
        let (memory, mut writer) = filled(2, 1);
        let (other, ends) = (Arc::clone(&memory), ends.clone());
        let writer = thread::spawn(move || {
            writer.store();
            ends(&other, writer);
        });
        let mut reader = Reader::new(&memory);
        let seen = roster::observe(memory.record(), &memory.lock(9));
        if seen != Presence::Live {
            assert_eq!(seen, how);
            assert_eq!(reader.try_load(), Some(2), "its last value is not there");
        }
        writer.join().unwrap();
    });
}

#[test]
fn a_reader_that_hears_of_a_writers_end_misses_no_value_of_it() {
    is_final("left", |_, writer| writer.leave(), Presence::Left);
    is_final("died", |memory, _| memory.lock(1).bury(), Presence::Died);
    let certified = |memory: &Arc<Memory>, _| {
        memory.lock(1).bury();
        roster::probe(memory.record(), &memory.lock(2), 9);
    };
    is_final("died and certified", certified, Presence::Died);
}
