//! Values in and out of a view, at any position.
//!
//! Typed values may lie at any position, aligned or not. One of 1, 2, 4 or 8 bytes that is aligned in memory goes
//! in one atomic access; any other may be a mixture if somebody writes it at the same time. Nothing here orders
//! one access behind another for other threads: use the atomics in place, a fence, or a lock.

use std::any::type_name;
use std::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
};

use bytemuck::{AnyBitPattern, CheckedBitPattern, NoUninit};

use super::access_error::AccessError;
use super::kinds::{Readable, Writable};
use super::view::View;

/// A position that a value can begin at: within the view, not at its end.
fn assert_within(at: u64, needed: u64, len: u64) -> Result<(), AccessError> {
    if at < len { Ok(()) } else { Err(AccessError::OutOfRange { at, needed, len }) }
}

impl<K: Readable> View<K> {
    /// The value at a position, of any type of which no bytes are invalid, such as numbers, arrays of them, and
    /// plain messages.
    ///
    /// ```
    /// let map = ringway::map::MapOptions::new().capacity(64).anonymous()?;
    /// let view = map.accessor()?;
    /// view.write(3, &-1.5_f64)?;
    /// assert_eq!(view.read::<f64>(3)?, -1.5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`AccessError::OutOfRange`] unless all of it lies in the view; those of bytes that are lost.
    #[inline]
    pub fn read<T: AnyBitPattern>(&self, at: u64) -> Result<T, AccessError> {
        self.to_read()?.read(at)
    }

    /// The value at a position, of a type that not all bytes are values of, such as `bool`, `char` and checked
    /// messages.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); [`AccessError::Invalid`] where the bytes are no value.
    pub fn read_checked<T: CheckedBitPattern>(&self, at: u64) -> Result<T, AccessError> {
        let bits = self.to_read()?.read::<T::Bits>(at)?;
        super::copy::checked(bits).ok_or(AccessError::Invalid { at, type_name: type_name::<T>() })
    }

    /// Fills as much of the slice as the view has from there on, and says how many values that were: perhaps none.
    /// They lie `size_of::<T>()` bytes apart.
    ///
    /// # Errors
    ///
    /// [`AccessError::OutOfRange`] for a position that is not within the view.
    pub fn read_slice<T: AnyBitPattern>(&self, at: u64, into: &mut [T]) -> Result<usize, AccessError> {
        let window = self.to_read()?;
        assert_within(at, size_of_val(into) as u64, window.len())?;
        let space = usize::try_from(window.len() - at).unwrap_or(usize::MAX);
        let count = space.checked_div(size_of::<T>()).unwrap_or(into.len()).min(into.len());
        window.load(at, &mut into[..count])?;
        Ok(count)
    }

    /// Fills all of the bytes.
    ///
    /// # Errors
    ///
    /// [`AccessError::OutOfRange`] unless the view has as many from there on; the bytes are then as before.
    pub fn read_exact_at(&self, at: u64, into: &mut [u8]) -> Result<(), AccessError> {
        self.to_read()?.load(at, into)
    }
}

impl<K: Writable> View<K> {
    /// Writes a value of any type without padding.
    ///
    /// # Errors
    ///
    /// [`AccessError::OutOfRange`] unless all of it lies in the view: then nothing was written; those of bytes
    /// that are lost.
    #[inline]
    pub fn write<T: NoUninit>(&self, at: u64, value: &T) -> Result<(), AccessError> {
        self.to_write()?.write(at, value)
    }

    /// Writes all of the values, `size_of::<T>()` bytes apart, or nothing.
    ///
    /// # Errors
    ///
    /// [`AccessError::OutOfRange`] unless all of them fit from there on; then nothing was written.
    pub fn write_slice<T: NoUninit>(&self, at: u64, from: &[T]) -> Result<(), AccessError> {
        let window = self.to_write()?;
        assert_within(at, size_of_val(from) as u64, window.len())?;
        window.store(at, from)
    }

    /// Writes all of the bytes, or nothing.
    ///
    /// # Errors
    ///
    /// [`AccessError::OutOfRange`] unless all of them fit from there on; then nothing was written.
    pub fn write_all_at(&self, at: u64, from: &[u8]) -> Result<(), AccessError> {
        self.to_write()?.store(at, from)
    }
}

macro_rules! atomics {
    ($($name:ident $atomic:ident $size:literal)*) => {
        /// Atomics in place. All processes see one word, unless the view is copy-on-write: then it is this view's own
        /// as soon as it is written.
        ///
        /// Accesses of another size to the same bytes at the same time, by whatever process, are nothing that the
        /// language defines: agree on one size for each place.
        ///
        /// An access to what a truncation took away meets a zero that nobody shares, without a word:
        /// [`check`](View::check) tells afterwards.
        impl<K: Readable + Writable> View<K> {$(
            #[doc = concat!("The atomic of ", $size, " at a position.")]
            ///
            /// # Errors
            ///
            /// [`AccessError::OutOfRange`] and [`AccessError::Misaligned`].
            pub fn $name(&self, at: u64) -> Result<&$atomic, AccessError> {
                self.to_read()?;
                self.to_write()?.atomic(at)
            }
        )*}
    };
}
atomics! {
    atomic_u8 AtomicU8 "1 byte" atomic_i8 AtomicI8 "1 byte, signed"
    atomic_u16 AtomicU16 "2 bytes" atomic_i16 AtomicI16 "2 bytes, signed"
    atomic_u32 AtomicU32 "4 bytes" atomic_i32 AtomicI32 "4 bytes, signed"
    atomic_u64 AtomicU64 "8 bytes" atomic_i64 AtomicI64 "8 bytes, signed"
}
