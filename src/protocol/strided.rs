//! n atomics at a fixed distance from each other.

#![allow(unsafe_code, reason = "turns a base address and a stride into references to atomics")]

use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::sync::AtomicU64;

/// `len` atomics, `stride` bytes apart, somewhere in memory that outlives `'m`.
#[derive(Clone, Copy, Debug)]
pub struct Strided<'m> {
    base: NonNull<u8>,
    stride: usize,
    len: u32,
    memory: PhantomData<&'m AtomicU64>,
}

impl<'m> Strided<'m> {
    /// The atomics at `base`, `base + stride`, … .
    ///
    /// # Safety
    ///
    /// 1. For each `i < len` the address `base + i * stride` is inside one allocation or mapping, aligned
    ///    for an `AtomicU64`, and holds an initialised one for all of `'m`.
    /// 2. During `'m` nothing but atomic operations touches these words.
    #[inline]
    pub unsafe fn new(base: NonNull<u8>, stride: usize, len: u32) -> Self {
        Self { base, stride, len, memory: PhantomData }
    }

    /// No atomics at all: the stamps of a ring that publishes by index.
    #[inline]
    pub fn none() -> Self {
        Self { base: NonNull::dangling(), stride: 0, len: 0, memory: PhantomData }
    }

    /// The atomic number `index`.
    ///
    /// # Panics
    ///
    /// If `index` is not below the length.
    #[inline]
    pub fn get(&self, index: u32) -> &'m AtomicU64 {
        if index >= self.len {
            out_of_range(index, self.len);
        }
        // SAFETY: in bounds, since the index is below `len` (1 of `new`).
        let word = unsafe { self.base.as_ptr().add(index as usize * self.stride) };
        // SAFETY: aligned, initialised and alive for `'m` (1 of `new`); only accessed atomically (2).
        unsafe { &*word.cast::<AtomicU64>() }
    }
}

/// Apart, so that the arguments of the message are no part of the hot path.
#[cold]
#[inline(never)]
fn out_of_range(index: u32, len: u32) -> ! {
    panic!("slot {index} of a ring of {len}");
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "slot 0 of a ring of 0")]
    fn a_slot_that_is_not_there_is_not_reached() {
        Strided::none().get(0);
    }
}
