//! Values without parts.

use std::fmt;

use ringway::message::{EnumTree, Primitive};

/// What the bytes of a primitive say.
pub(super) enum Scalar {
    Unsigned(u128),
    Signed(i128),
    F32(f32),
    F64(f64),
    Bool(bool),
    Char(char),
    /// Bits that are no value of the type.
    Invalid(Primitive, u32),
}

/// The bytes as a number, the least significant first: at most sixteen.
fn unsigned(bytes: &[u8]) -> u128 {
    let mut wide = [0; 16];
    wide[..bytes.len()].copy_from_slice(bytes);
    u128::from_le_bytes(wide)
}

/// Reads as many bytes as the primitive has.
pub(super) fn read(primitive: Primitive, bytes: &[u8]) -> Scalar {
    let bits = unsigned(bytes);
    match primitive {
        Primitive::U8 | Primitive::U16 | Primitive::U32 | Primitive::U64 | Primitive::U128 => {
            Scalar::Unsigned(bits)
        }
        Primitive::I8 | Primitive::I16 | Primitive::I32 | Primitive::I64 | Primitive::I128 => {
            let unused = 128 - 8 * bytes.len() as u32;
            Scalar::Signed((bits << unused) as i128 >> unused)
        }
        Primitive::F32 => Scalar::F32(f32::from_bits(bits as u32)),
        Primitive::F64 => Scalar::F64(f64::from_bits(bits as u64)),
        Primitive::Bool => match bits {
            0 => Scalar::Bool(false),
            1 => Scalar::Bool(true),
            bits => Scalar::Invalid(primitive, bits as u32),
        },
        Primitive::Char => match char::from_u32(bits as u32) {
            Some(char) => Scalar::Char(char),
            None => Scalar::Invalid(primitive, bits as u32),
        },
    }
}

/// The variant's name, or the number that is none.
pub(super) fn variant<'v>(enumeration: &'v EnumTree, bytes: &[u8]) -> Result<&'v str, u32> {
    let value = unsigned(bytes) as u32;
    match enumeration.variants().iter().find(|variant| variant.value() == value) {
        Some(variant) => Ok(variant.name()),
        None => Err(value),
    }
}

/// Text in bytes of a fixed number: printable ASCII and then zeros, not zeros alone.
pub(super) fn ascii(bytes: &[u8]) -> Option<&str> {
    let end = bytes.iter().rposition(|byte| *byte != 0)? + 1;
    let text = &bytes[..end];
    let is_text = text.iter().all(|byte| matches!(byte, b' '..=b'~'));
    if is_text { std::str::from_utf8(text).ok() } else { None }
}

/// As Rust has it.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Unsigned(number) => write!(f, "{number}"),
            Scalar::Signed(number) => write!(f, "{number}"),
            Scalar::F32(number) => write!(f, "{number:?}"),
            Scalar::F64(number) => write!(f, "{number:?}"),
            Scalar::Bool(is) => write!(f, "{is}"),
            Scalar::Char(char) => write!(f, "{char:?}"),
            Scalar::Invalid(primitive, bits) => write!(f, "{}({bits})", primitive.name()),
        }
    }
}
