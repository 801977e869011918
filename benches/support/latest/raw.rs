//! The yardsticks: sequence locks on bare shared memory, word by word, and a plain copy.
#![allow(unsafe_code, reason = "works on bare shared memory")]

use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use super::cells::{Load, Store};

/// Bytes that any of them takes at most.
pub(crate) const BYTES: usize = 32 << 10;

/// A value of the reader's own, where its pages do not get in the way of those of the shared memory: that begins in the
/// middle of a page.
#[repr(align(4096))]
struct Own<const N: usize>([u64; N]);

impl<const N: usize> Own<N> {
    fn new() -> Box<Self> {
        Box::new(Self([0; N]))
    }
}

fn words<'a>(memory: *mut u8, count: usize) -> &'a [AtomicU64] {
    // SAFETY: whoever makes a yardstick hands it memory that is shared, zero at first, aligned and large enough, that
    // outlives it, and that is only accessed as atomic words.
    unsafe { std::slice::from_raw_parts(memory.cast::<AtomicU64>(), count) }
}

/// A sequence lock: odd while a value is written.
struct Lock<'a, const N: usize> {
    sequence: &'a AtomicU64,
    words: &'a [AtomicU64],
}

impl<const N: usize> Lock<'_, N> {
    fn at(memory: *mut u8) -> Self {
        let (sequence, words) = words(memory, 1 + N).split_at(1);
        Self { sequence: &sequence[0], words }
    }

    #[inline]
    fn store(&self, number: u64, value: &[u64; N]) {
        self.sequence.store(2 * number - 1, Ordering::Relaxed);
        fence(Ordering::Release);
        for (word, value) in self.words[..N].iter().zip(value) {
            word.store(*value, Ordering::Relaxed);
        }
        self.sequence.store(2 * number, Ordering::Release);
    }

    #[inline]
    fn try_load(&self, number: Option<u64>, value: &mut [u64; N]) -> bool {
        let before = self.sequence.load(Ordering::Acquire);
        // What is in the lock may be newer than the value with that number: the next one would be older than it.
        if number.map_or(before % 2 == 1, |number| before != 2 * number) {
            return false;
        }
        for (word, value) in self.words[..N].iter().zip(&mut *value) {
            *value = word.load(Ordering::Relaxed);
        }
        fence(Ordering::Acquire);
        self.sequence.load(Ordering::Relaxed) == before
    }
}

/// One slot under one lock.
pub(crate) struct OneLock<const N: usize> {
    lock: Lock<'static, N>,
    number: u64,
    value: Box<Own<N>>,
}

impl<const N: usize> OneLock<N> {
    pub(crate) fn new(memory: *mut u8) -> Self {
        Self { lock: Lock::at(memory), number: 0, value: Own::new() }
    }
}

impl<const N: usize> Store<N> for OneLock<N> {
    #[inline]
    fn store(&mut self, value: &[u64; N]) {
        self.number += 1;
        self.lock.store(self.number, value);
    }
}

impl<const N: usize> Load<N> for OneLock<N> {
    #[inline]
    fn load(&mut self, mut look: impl FnMut(&[u64; N])) {
        while !self.lock.try_load(None, &mut self.value.0) {}
        look(&self.value.0);
    }
}

/// Four slots under a lock each, written in turn, and the number of the latest on a line of its own.
pub(crate) struct FourInTurn<const N: usize> {
    latest: &'static AtomicU64,
    locks: [Lock<'static, N>; 4],
    number: u64,
    value: Box<Own<N>>,
}

impl<const N: usize> FourInTurn<N> {
    pub(crate) fn new(memory: *mut u8) -> Self {
        let stride = (8 + N * 8).next_multiple_of(64);
        let lock = |at| Lock::at(memory.wrapping_add(64 + at * stride));
        Self { latest: &words(memory, 1)[0], locks: std::array::from_fn(lock), number: 0, value: Own::new() }
    }
}

impl<const N: usize> Store<N> for FourInTurn<N> {
    #[inline]
    fn store(&mut self, value: &[u64; N]) {
        self.number += 1;
        self.locks[self.number as usize % 4].store(self.number, value);
        self.latest.store(self.number, Ordering::Release);
    }
}

impl<const N: usize> Load<N> for FourInTurn<N> {
    #[inline]
    fn load(&mut self, mut look: impl FnMut(&[u64; N])) {
        loop {
            let number = self.latest.load(Ordering::Acquire);
            if self.locks[number as usize % 4].try_load(Some(number), &mut self.value.0) {
                return look(&self.value.0);
            }
        }
    }
}

/// A plain copy out of memory, or into it, that nobody else uses meanwhile.
pub(crate) struct Plain<const N: usize> {
    memory: *mut u8,
    value: Box<Own<N>>,
}

impl<const N: usize> Plain<N> {
    pub(crate) fn new(memory: *mut u8) -> Self {
        Self { memory, value: Own::new() }
    }
}

impl<const N: usize> Store<N> for Plain<N> {
    #[inline]
    fn store(&mut self, value: &[u64; N]) {
        let to = std::hint::black_box(self.memory).cast::<u64>();
        // SAFETY: memory as in `words`, which nobody else accesses while a slice stores to it.
        unsafe { ptr::copy_nonoverlapping(value.as_ptr(), to, N) };
    }
}

impl<const N: usize> Load<N> for Plain<N> {
    #[inline]
    fn load(&mut self, mut look: impl FnMut(&[u64; N])) {
        let from = std::hint::black_box(self.memory).cast::<u64>();
        // SAFETY: memory as in `words`, which nobody stores to while a slice loads from it.
        unsafe { ptr::copy_nonoverlapping(from, self.value.0.as_mut_ptr(), N) };
        look(&self.value.0);
    }
}
