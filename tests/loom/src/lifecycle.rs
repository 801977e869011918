//! The state word of a segment.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::AtomicU64;
use loom::thread;
use ringway::protocol::lifecycle::{self, READY};

use crate::explore;

#[test]
fn an_attach_that_sees_ready_sees_every_part() {
    explore("lifecycle", || {
        let segment = Arc::new((AtomicU64::new(0), UnsafeCell::new(0_u64)));
        let other = Arc::clone(&segment);
        let creator = thread::spawn(move || {
            // SAFETY: nobody reads a part before the state says so; that is what is being checked.
            other.1.with_mut(|part| unsafe { *part = 42 });
            lifecycle::publish(&other.0);
        });
        match lifecycle::observe(&segment.0) {
            // SAFETY: the state says that the part is written.
            READY => assert_eq!(segment.1.with(|part| unsafe { *part }), 42),
            state => assert_eq!(state, 0),
        }
        creator.join().unwrap();
        assert_eq!(lifecycle::observe(&segment.0), READY);
    });
}
