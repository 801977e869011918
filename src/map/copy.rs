//! Copies between memory that others write to and memory of our own.
//!
//! Every access to a shared byte is a relaxed atomic one, so whoever writes at the same time makes the value
//! a mixture of old and new, and nothing worse. What is aligned and has 1, 2, 4 or 8 bytes goes in one
//! access and is never a mixture; of the rest, aligned words of eight bytes do.
//!
//! The language defines atomic accesses of the same size only: two that overlap with different sizes at the
//! same time, one of them a store, are undefined in its memory model. What holds is what the hardware does, as
//! it is between processes anyway: on x86-64 and aarch64 each of them is one plain load or store.
//!
//! A view that only reads is mapped so. Of memory that cannot be written std guarantees relaxed atomic loads of up
//! to eight bytes on these targets, through a reference, and nothing else: [`load`] does nothing else.
#![allow(unsafe_code)] // reads and writes through pointers

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use bytemuck::{AnyBitPattern, CheckedBitPattern, NoUninit};

/// A copy orders nothing: the caller has a fence, a lock or a channel where that matters.
const COPY: Ordering = Ordering::Relaxed;

const WORD: usize = 8;

/// Bytes in front of the first aligned word, whole words, and bytes behind them.
fn parts(address: usize, len: usize) -> (usize, usize, usize) {
    let head = (address.wrapping_neg() % WORD).min(len);
    let words = (len - head) / WORD;
    (head, words, len - head - words * WORD)
}

/// Copies `len` shared bytes into private ones.
///
/// # Safety
///
/// 1. `from` is valid for reads of `len` bytes, all of which are accessed atomically or from elsewhere.
/// 2. `into` is valid for writes of `len` bytes, and nobody else has them.
pub(super) unsafe fn load(from: *const u8, into: *mut u8, len: usize) {
    macro_rules! one {
        ($atomic:ty, $number:ty, $offset:expr) => {{
            let (from, into) = (from.wrapping_add($offset), into.wrapping_add($offset));
            // SAFETY: in bounds (1: the caller's, of which this is a part) and aligned (2: checked below);
            // only accessed atomically (3: the caller's). Not `from_ptr`, which asks for memory that can be written.
            let value: $number = unsafe { &*from.cast::<$atomic>() }.load(COPY);
            // SAFETY: in bounds (1: the caller's), and nobody else has it (2: the caller's).
            unsafe { into.cast::<$number>().write_unaligned(value) };
        }};
    }
    match (len, from.addr() % len.max(1)) {
        (2, 0) => return one!(AtomicU16, u16, 0),
        (4, 0) => return one!(AtomicU32, u32, 0),
        _ => {}
    }
    let (head, words, tail) = parts(from.addr(), len);
    (0..head).for_each(|at| one!(AtomicU8, u8, at));
    (0..words).for_each(|word| one!(AtomicU64, u64, head + word * WORD));
    (0..tail).for_each(|at| one!(AtomicU8, u8, head + words * WORD + at));
}

/// Copies `len` private bytes into shared ones.
///
/// # Safety
///
/// 1. `to` is valid for writes of `len` bytes, all of which are accessed atomically or from elsewhere.
/// 2. `from` is valid for reads of `len` initialised bytes, which nobody else writes.
pub(super) unsafe fn store(from: *const u8, to: *mut u8, len: usize) {
    macro_rules! one {
        ($atomic:ty, $number:ty, $offset:expr) => {{
            let (from, to) = (from.wrapping_add($offset), to.wrapping_add($offset));
            // SAFETY: in bounds (1: the caller's), initialised and quiet (2: the caller's).
            let value = unsafe { from.cast::<$number>().read_unaligned() };
            // SAFETY: in bounds (1: the caller's) and aligned (2: checked below); only accessed atomically
            // (3: the caller's).
            unsafe { <$atomic>::from_ptr(to.cast()) }.store(value, COPY);
        }};
    }
    match (len, to.addr() % len.max(1)) {
        (2, 0) => return one!(AtomicU16, u16, 0),
        (4, 0) => return one!(AtomicU32, u32, 0),
        _ => {}
    }
    let (head, words, tail) = parts(to.addr(), len);
    (0..head).for_each(|at| one!(AtomicU8, u8, at));
    (0..words).for_each(|word| one!(AtomicU64, u64, head + word * WORD));
    (0..tail).for_each(|at| one!(AtomicU8, u8, head + words * WORD + at));
}

/// Reads a value.
///
/// # Safety
///
/// As the first demand of [`load`], for `size_of::<T>()` bytes at any alignment.
pub(super) unsafe fn read<T: AnyBitPattern>(from: *const u8) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: 1. the caller's; 2. the value is ours, and as long.
    unsafe { load(from, value.as_mut_ptr().cast(), size_of::<T>()) };
    // SAFETY: every byte was written, and any bytes are a valid `T`.
    unsafe { value.assume_init() }
}

/// Writes a value.
///
/// # Safety
///
/// As the first demand of [`store`], for `size_of::<T>()` bytes at any alignment.
pub(super) unsafe fn write<T: NoUninit>(to: *mut u8, value: &T) {
    // SAFETY: 1. the caller's; 2. the value is borrowed, and has no byte that is not initialised.
    unsafe { store((&raw const *value).cast(), to, size_of::<T>()) }
}

/// The value that the bits are, if they are one.
pub(super) fn checked<T: CheckedBitPattern>(bits: T::Bits) -> Option<T> {
    if !T::is_valid_bit_pattern(&bits) {
        return None;
    }
    // SAFETY: `T` has the layout of its `Bits` (1: the contract of `CheckedBitPattern`), of which these are
    // valid ones (2: just asked), and is `Copy` (3).
    Some(unsafe { (&raw const bits).cast::<T>().read() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_copied_as_words() {
        assert_eq!([parts(8, 24), parts(13, 21), parts(13, 2)], [(0, 3, 0), (3, 2, 2), (2, 0, 0)]);
    }

    #[test]
    fn every_length_at_every_alignment_is_copied_and_nothing_else_is() {
        let pattern: Vec<u8> = (0..64).map(|at| at as u8 ^ 0x5a).collect();
        for start in 0..16 {
            for len in 0..40 {
                let mut shared = [0xee_u8; 64];
                // SAFETY: 16 + 40 < 64, and nobody else has either.
                unsafe { store(pattern.as_ptr(), shared.as_mut_ptr().wrapping_add(start), len) };
                assert_eq!(shared[start..start + len], pattern[..len]);
                assert!(shared[..start].iter().chain(&shared[start + len..]).all(|byte| *byte == 0xee));
                let mut private = [0_u8; 64];
                // SAFETY: as above.
                unsafe { load(shared.as_ptr().wrapping_add(start), private.as_mut_ptr(), len) };
                assert_eq!(private[..len], pattern[..len]);
                assert!(private[len..].iter().all(|byte| *byte == 0));
            }
        }
    }
}
