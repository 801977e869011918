//! Bytes that may become a checked message.
#![allow(unsafe_code)] // the bit-pattern type of `bytemuck::CheckedBitPattern`, and a view of initialised bytes

use bytemuck::{AnyBitPattern, Zeroable};
use std::mem::MaybeUninit;

use super::{InvalidField, Message};

/// `N` bytes at the alignment of `T`: with `N = size_of::<T>()`, the `Bits` of a checked message.
#[doc(hidden)]
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Bits<T, const N: usize> {
    align: [T; 0],
    bytes: [u8; N],
}

// SAFETY: `[T; 0]` has no bytes, and `[u8; N]` may be all zero.
unsafe impl<T: Message, const N: usize> Zeroable for Bits<T, N> {}

// SAFETY: `[T; 0]` has no bytes, all patterns of `[u8; N]` are valid, neither has a cell, and padding is
// allowed to `AnyBitPattern`.
unsafe impl<T: Message, const N: usize> AnyBitPattern for Bits<T, N> {}

impl<T, const N: usize> Bits<T, N> {
    /// The bytes.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8; N] {
        &self.bytes
    }
}

/// Whether `bits` is a valid `T`: nothing to do, and no code, for a plain message.
///
/// # Safety
///
/// All bytes of `bits` are initialised.
#[inline]
pub(crate) unsafe fn validate_bits<T: Message>(bits: &MaybeUninit<T>) -> Result<(), InvalidField> {
    const { super::assert_layout::<T>() }
    if !T::CHECKED {
        return Ok(());
    }
    // SAFETY: the reference makes `size_of::<T>()` bytes readable and unchanging while it lives; `u8` has
    // no alignment; the caller says that they are initialised.
    let bytes = unsafe { std::slice::from_raw_parts(bits.as_ptr().cast::<u8>(), size_of::<T>()) };
    T::validate(bytes)
}

/// The bytes of a message, all of which are initialised.
#[inline]
pub(crate) fn bytes_of<T: Message>(message: &T) -> &[u8] {
    const { super::assert_layout::<T>() }
    // SAFETY: the reference makes `size_of::<T>()` bytes readable and unchanging while it lives (a message has no
    // cell); `u8` has no alignment; a message has no padding, by the proof above.
    unsafe { std::slice::from_raw_parts(std::ptr::from_ref(message).cast::<u8>(), size_of::<T>()) }
}

#[cfg(test)]
mod tests {
    use super::{MaybeUninit, validate_bits};

    #[test]
    fn bits_are_validated_where_they_lie() {
        // SAFETY: all four bytes were given.
        assert_eq!(unsafe { validate_bits(&MaybeUninit::new([true, false, true, true])) }, Ok(()));
        // SAFETY: all eight bytes were given.
        assert_eq!(unsafe { validate_bits(&MaybeUninit::new(u64::MAX)) }, Ok(()));
        let mut bits = MaybeUninit::new([false; 4]);
        // SAFETY: the four bytes are in bounds; they are not read as `bool`s again.
        unsafe { bits.as_mut_ptr().cast::<[u8; 4]>().write([1, 0, 9, 1]) };
        // SAFETY: all four bytes were given.
        let invalid = unsafe { validate_bits(&bits) };
        assert_eq!(invalid.map_err(|invalid| invalid.to_string()), {
            Err("field `[2]` holds 9, which is not a valid `bool`".to_owned())
        });
    }
}
