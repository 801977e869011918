//! A schema as bytes.
//!
//! The bytes are canonical: one schema has one encoding, and the [fingerprint](Schema::fingerprint) is a hash
//! of it. All numbers are little-endian and of the width given; there is no alignment and no filling.
//!
//! | what | bytes |
//! |---|---|
//! | *schema* | `u8` format = 1, then one *type*; nothing follows |
//! | *type* | `u8` tag, then what the tag says |
//! | *name* | `u8` length 1 to 255, then so many bytes of UTF-8, all of which print |
//!
//! | tag | type | what follows the tag |
//! |---|---|---|
//! | 0x01 to 0x05 | `u8`, `u16`, `u32`, `u64`, `u128` | nothing |
//! | 0x11 to 0x15 | `i8`, `i16`, `i32`, `i64`, `i128` | nothing |
//! | 0x23, 0x24 | `f32`, `f64` | nothing |
//! | 0x31, 0x32 | `bool`, `char` | nothing |
//! | 0x40 | array | `u64` number of elements, *type* of the elements |
//! | 0x41 | struct | *name*, `u32` version, `u64` size, `u32` alignment, `u16` number of fields, *fields* |
//! | 0x42 | enum | *name*, `u32` version, `u8` tag of the discriminant's type, `u16` number of variants, *variants* |
//!
//! | part | bytes |
//! |---|---|
//! | *field* | *name*, `u64` offset in the struct, *type* |
//! | *variant* | *name*, `u32` discriminant |
//!
//! A primitive is aligned to its size. Fields and variants are in the order of their declaration. A field of
//! a tuple struct is named by its index. The name of a struct or enum is the stable one, never a Rust path.
//!
//! What else a decoder may rely on, and [`SchemaTree::decode`] checks:
//!
//! - the whole is at most 65536 bytes, and types are nested at most 32 deep, counting the outermost;
//! - an alignment is a power of two, at most 4096; a size is a multiple of the alignment, at most 2⁶³ - 1;
//! - a struct is at least as aligned as each field, and each offset is a multiple of its field's alignment;
//! - fields that have a size lie one right after the other, the first at 0, the last up to the end of the
//!   struct: there is no padding; fields of size zero lie anywhere in the struct or at its end;
//! - a name has no control, format, private-use or unassigned character, no surrogate, no separator but the
//!   space, and no combining mark in front; that of a struct or enum is not that of a primitive;
//! - the fields of a struct, and the variants of an enum, all have different names;
//! - an enum's discriminants are `u8`, `u16` or `u32`, fit it, and are all different; there is at least one.
//!
//! ```
//! use ringway::Message;
//! use ringway::message::SchemaTree;
//!
//! let bytes = <[u32; 2]>::SCHEMA.encode();
//! assert_eq!(bytes, [1, 0x40, 2, 0, 0, 0, 0, 0, 0, 0, 0x03], "format, array of two, u32");
//! assert_eq!(SchemaTree::decode(&bytes)?, <[u32; 2]>::SCHEMA.tree());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(doc)]
use super::Schema;
use super::schema::Primitive;
use super::tree::SchemaTree;

/// The first byte: which version of this description the bytes follow.
pub(super) const FORMAT: u8 = 1;
/// How many bytes precede the outermost type.
pub(super) const FORMAT_BYTES: usize = 1;
/// The most types inside each other, the outermost included.
pub(super) const MAX_DEPTH: u32 = 32;
/// The most bytes of an encoded schema.
pub(crate) const MAX_ENCODED: usize = 65_536;
/// The most bytes of a name: what its length byte can say.
pub(super) const MAX_NAME: usize = u8::MAX as usize;

pub(super) const ARRAY: u8 = 0x40;
pub(super) const STRUCT: u8 = 0x41;
pub(super) const ENUM: u8 = 0x42;

/// The tag of each primitive.
pub(super) const PRIMITIVES: [(u8, Primitive); 14] = [
    (0x01, Primitive::U8),
    (0x02, Primitive::U16),
    (0x03, Primitive::U32),
    (0x04, Primitive::U64),
    (0x05, Primitive::U128),
    (0x11, Primitive::I8),
    (0x12, Primitive::I16),
    (0x13, Primitive::I32),
    (0x14, Primitive::I64),
    (0x15, Primitive::I128),
    (0x23, Primitive::F32),
    (0x24, Primitive::F64),
    (0x31, Primitive::Bool),
    (0x32, Primitive::Char),
];

pub(super) fn encode(schema: &SchemaTree) -> Vec<u8> {
    let mut out = vec![FORMAT];
    put_type(&mut out, schema);
    out
}

fn put_type(out: &mut Vec<u8>, schema: &SchemaTree) {
    match schema {
        SchemaTree::Primitive(primitive) => put_primitive(out, *primitive),
        SchemaTree::Array(array) => {
            out.push(ARRAY);
            out.extend(array.len.to_le_bytes());
            put_type(out, &array.element);
        }
        SchemaTree::Struct(structure) => {
            out.push(STRUCT);
            put_name(out, &structure.name);
            out.extend(structure.version.to_le_bytes());
            out.extend(structure.size.to_le_bytes());
            out.extend(structure.align.to_le_bytes());
            put_count(out, structure.fields.len());
            for field in &structure.fields {
                put_name(out, &field.name);
                out.extend(field.offset.to_le_bytes());
                put_type(out, &field.schema);
            }
        }
        SchemaTree::Enum(enumeration) => {
            out.push(ENUM);
            put_name(out, &enumeration.name);
            out.extend(enumeration.version.to_le_bytes());
            put_primitive(out, enumeration.repr);
            put_count(out, enumeration.variants.len());
            for variant in &enumeration.variants {
                put_name(out, &variant.name);
                out.extend(variant.value.to_le_bytes());
            }
        }
    }
}

fn put_primitive(out: &mut Vec<u8>, primitive: Primitive) {
    out.extend(PRIMITIVES.iter().find(|(_, known)| *known == primitive).map(|(tag, _)| *tag));
}

/// At most 255 bytes, by `MAX_NAME`.
fn put_name(out: &mut Vec<u8>, name: &str) {
    out.push(name.len() as u8);
    out.extend(name.as_bytes());
}

/// Fits, by `MAX_ENCODED`: each part takes more than one byte.
fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend((count as u16).to_le_bytes());
}
