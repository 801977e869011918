//! Controls of the checker itself: mistakes that it must find. Published loom 0.7.3 misses both.

use std::panic::{AssertUnwindSafe, catch_unwind};

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;

use crate::explore;

/// A thread that loads what it is about to store must not hide the other thread's load.
#[test]
fn a_load_before_a_store_hides_nothing() {
    let saw = std::sync::Arc::new(std::sync::Mutex::new(std::collections::BTreeSet::new()));
    let log = std::sync::Arc::clone(&saw);
    explore("load then store", move || {
        let x = Arc::new(AtomicU64::new(0));
        let y = Arc::clone(&x);
        let other = thread::spawn(move || {
            y.load(Ordering::Relaxed);
            y.store(1, Ordering::Relaxed);
        });
        log.lock().unwrap().insert(x.load(Ordering::Relaxed));
        other.join().unwrap();
    });
    assert_eq!(saw.lock().unwrap().iter().copied().collect::<Vec<_>>(), [0, 1], "run it by scripts/loom");
}

/// The textbook ring with its publication weakened is a data race.
#[test]
fn a_relaxed_publication_is_found() {
    let race = catch_unwind(AssertUnwindSafe(|| textbook(Ordering::Relaxed)));
    assert!(race.is_err(), "loom did not find the race of a Relaxed publication");
    textbook(Ordering::Release);
}

fn textbook(publish: Ordering) {
    explore("textbook ring", move || {
        let ring = Arc::new((AtomicU64::new(0), UnsafeCell::new(0_u64)));
        let other = Arc::clone(&ring);
        let sender = thread::spawn(move || {
            let tail = other.0.load(Ordering::Relaxed);
            // SAFETY: nobody reads the cell before the tail says so; that is what is being checked.
            other.1.with_mut(|cell| unsafe { *cell = 7 });
            other.0.store(tail + 1, publish);
        });
        if ring.0.load(Ordering::Acquire) == 1 {
            // SAFETY: published.
            assert_eq!(ring.1.with(|cell| unsafe { *cell }), 7);
        }
        sender.join().unwrap();
    });
}
