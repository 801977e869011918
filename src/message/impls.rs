//! The primitives and arrays.
#![allow(unsafe_code)] // each impl of `Message` is a promise about bytes

use super::schema::{Primitive, Schema};
use super::{InvalidField, Message};

macro_rules! plain {
    ($($ty:ident $variant:ident)*) => {$(
        const _: () = assert!(Primitive::$variant.size() == size_of::<$ty>() as u64);
        const _: () = assert!(Primitive::$variant.align() == align_of::<$ty>() as u32);

        // SAFETY: 1: a number has no padding; 2: it is no address and has no cell; 3: all bit patterns are
        // numbers; 4: size and alignment are asserted above.
        unsafe impl Message for $ty {
            const SCHEMA: &'static Schema = &Schema::primitive(Primitive::$variant);
            const CHECKED: bool = false;
            const LAYOUT: () = ();

            #[inline]
            fn validate(_: &[u8]) -> Result<(), InvalidField> {
                Ok(())
            }
        }
    )*};
}

plain! { u8 U8 u16 U16 u32 U32 u64 U64 u128 U128 i8 I8 i16 I16 i32 I32 i64 I64 i128 I128 f32 F32 f64 F64 }

const _: () = assert!(Primitive::Bool.size() == size_of::<bool>() as u64);
const _: () = assert!(Primitive::Char.size() == size_of::<char>() as u64);
const _: () = assert!(Primitive::Char.align() == align_of::<char>() as u32);

// SAFETY: 1, 2: one byte; 3: 0 and 1 are the valid ones; 4: asserted above.
unsafe impl Message for bool {
    const SCHEMA: &'static Schema = &Schema::primitive(Primitive::Bool);
    const CHECKED: bool = true;
    const LAYOUT: () = ();

    #[inline]
    fn validate(bytes: &[u8]) -> Result<(), InvalidField> {
        match bytes[0] {
            0 | 1 => Ok(()),
            found => Err(InvalidField::value("bool", found.into())),
        }
    }
}

// SAFETY: 1, 2: four bytes; 3: `char::from_u32` knows the valid ones; 4: asserted above.
unsafe impl Message for char {
    const SCHEMA: &'static Schema = &Schema::primitive(Primitive::Char);
    const CHECKED: bool = true;
    const LAYOUT: () = ();

    #[inline]
    fn validate(bytes: &[u8]) -> Result<(), InvalidField> {
        let found = u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        match char::from_u32(found) {
            Some(_) => Ok(()),
            None => Err(InvalidField::value("char", found)),
        }
    }
}

// SAFETY: an array is its elements one after the other with nothing between them, so 1 to 4 follow from the
// element's; `LAYOUT` includes the element's.
unsafe impl<T: Message, const N: usize> Message for [T; N] {
    const SCHEMA: &'static Schema = &const { Schema::array(T::SCHEMA, N as u64) };
    const CHECKED: bool = T::CHECKED;
    const LAYOUT: () = T::LAYOUT;

    #[inline]
    fn validate(bytes: &[u8]) -> Result<(), InvalidField> {
        let stride = size_of::<T>();
        if T::CHECKED && stride > 0 {
            for index in 0..N {
                T::validate(&bytes[index * stride..(index + 1) * stride])
                    .map_err(|invalid| invalid.at_index(index))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::Message;

    /// One after the other would take years.
    #[test]
    fn elements_without_bytes_are_not_looked_at() {
        assert_eq!(<[[bool; 0]; usize::MAX]>::validate(&[]), Ok(()));
    }
}
