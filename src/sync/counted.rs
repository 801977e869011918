//! Std's atomic, counting its read-modify-writes for the unit tests: a channel makes as few as it says.

use std::cell::Cell;
use std::sync::atomic::{self, Ordering};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// Read-modify-writes of this thread so far.
pub(crate) fn read_modify_writes() -> u64 {
    COUNT.get()
}

/// As [`atomic::AtomicU64`].
#[derive(Debug, Default)]
#[allow(unreachable_pub, reason = "in the place of one that everybody may name")]
#[repr(transparent)]
pub struct AtomicU64(atomic::AtomicU64);

impl AtomicU64 {
    #[inline]
    pub(crate) fn load(&self, order: Ordering) -> u64 {
        self.0.load(order)
    }

    #[inline]
    pub(crate) fn store(&self, value: u64, order: Ordering) {
        self.0.store(value, order);
    }

    #[inline]
    pub(crate) fn compare_exchange(
        &self,
        current: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        COUNT.set(COUNT.get() + 1);
        self.0.compare_exchange(current, new, success, failure)
    }

    #[inline]
    pub(crate) fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
        COUNT.set(COUNT.get() + 1);
        self.0.fetch_add(value, order)
    }
}
