//! The schema of a type as the program carries it: constant, shared, and within limits that are checked
//! while it is compiled.

use super::encode::{FORMAT_BYTES, MAX_DEPTH, MAX_ENCODED, MAX_NAME, PRIMITIVES};
use super::layout::{MAX_ALIGN, Sentence};
use super::tree::SchemaTree;
use crate::fnv::fnv1a_128;

/// A type without parts.
///
/// ```
/// use ringway::Message;
/// use ringway::message::{Primitive, SchemaTree};
///
/// assert_eq!(f64::SCHEMA.tree(), SchemaTree::Primitive(Primitive::F64));
/// assert_eq!((Primitive::F64.name(), Primitive::F64.size(), Primitive::F64.align()), ("f64", 8, 8));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is the Rust type of that name")]
pub enum Primitive {
    U8,
    U16,
    U32,
    U64,
    U128,
    I8,
    I16,
    I32,
    I64,
    I128,
    F32,
    F64,
    Bool,
    Char,
}

impl Primitive {
    /// The name of the Rust type.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Primitive::U8 => "u8",
            Primitive::U16 => "u16",
            Primitive::U32 => "u32",
            Primitive::U64 => "u64",
            Primitive::U128 => "u128",
            Primitive::I8 => "i8",
            Primitive::I16 => "i16",
            Primitive::I32 => "i32",
            Primitive::I64 => "i64",
            Primitive::I128 => "i128",
            Primitive::F32 => "f32",
            Primitive::F64 => "f64",
            Primitive::Bool => "bool",
            Primitive::Char => "char",
        }
    }

    /// The size in bytes.
    #[must_use]
    pub const fn size(self) -> u64 {
        match self {
            Primitive::U8 | Primitive::I8 | Primitive::Bool => 1,
            Primitive::U16 | Primitive::I16 => 2,
            Primitive::U32 | Primitive::I32 | Primitive::F32 | Primitive::Char => 4,
            Primitive::U64 | Primitive::I64 | Primitive::F64 => 8,
            Primitive::U128 | Primitive::I128 => 16,
        }
    }

    /// The alignment in bytes: the size.
    #[must_use]
    pub const fn align(self) -> u32 {
        self.size() as u32
    }
}

/// Whether a primitive has this name, so that a struct or enum may not.
pub(super) const fn is_primitive(name: &str) -> bool {
    let mut at = 0;
    while at < PRIMITIVES.len() {
        if same(name.as_bytes(), PRIMITIVES[at].1.name().as_bytes()) {
            return true;
        }
        at += 1;
    }
    false
}

/// `==`, which is not yet `const`.
const fn same(left: &[u8], right: &[u8]) -> bool {
    let mut at = 0;
    while at < left.len() && at < right.len() && left[at] == right[at] {
        at += 1;
    }
    at == left.len() && at == right.len()
}

/// The layout of a message, constant in the program: [`Message::SCHEMA`](super::Message::SCHEMA).
///
/// `{}` prints it in one line, `{:#}` with all nested types. [`tree`](Schema::tree) gives its parts.
///
/// ```
/// use ringway::Message;
///
/// #[derive(Message, Clone, Copy)]
/// #[repr(C)]
/// struct Tick { price: f64, size: u32, venue: u32 }
///
/// let schema = &Tick::SCHEMA;
/// assert_eq!((schema.size(), schema.align()), (16, 8));
/// assert!(schema.to_string().starts_with("Tick { price: f64 @0, size: u32 @8, "));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    pub(super) node: Node,
    pub(super) size: u64,
    pub(super) align: u32,
    /// At most `MAX_ENCODED`, with the format byte.
    encoded_len: usize,
    /// At most `MAX_DEPTH`.
    depth: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Node {
    Primitive(Primitive),
    Array { element: &'static Schema, len: u64 },
    Struct { name: &'static str, version: u32, fields: &'static [Field] },
    Enum { name: &'static str, version: u32, repr: Primitive, variants: &'static [Variant] },
}

/// A field of a struct, as the derive describes it.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub(super) name: &'static str,
    pub(super) offset: u64,
    pub(super) schema: &'static Schema,
}

impl Field {
    /// The field `name` at `offset` bytes.
    #[must_use]
    #[track_caller]
    pub const fn new(name: &'static str, offset: usize, schema: &'static Schema) -> Self {
        check_name(name);
        Field { name, offset: offset as u64, schema }
    }
}

/// A variant of an enum, as the derive describes it.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    pub(super) name: &'static str,
    pub(super) value: u32,
}

impl Variant {
    /// The variant `name` with the discriminant `value`.
    #[must_use]
    #[track_caller]
    pub const fn new(name: &'static str, value: u32) -> Self {
        check_name(name);
        Variant { name, value }
    }
}

impl Schema {
    pub(super) const fn primitive(primitive: Primitive) -> Schema {
        Schema {
            node: Node::Primitive(primitive),
            size: primitive.size(),
            align: primitive.align(),
            encoded_len: FORMAT_BYTES + 1,
            depth: 1,
        }
    }

    #[track_caller]
    pub(super) const fn array(element: &'static Schema, len: u64) -> Schema {
        Schema {
            node: Node::Array { element, len },
            size: element.size.saturating_mul(len),
            align: element.align,
            encoded_len: element.encoded_len + 1 + 8,
            depth: element.depth + 1,
        }
        .within_limits("an array")
    }

    /// A struct of `size` bytes with its fields in the order of their declaration.
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub const fn structure(
        name: &'static str,
        version: u32,
        [size, align]: [usize; 2],
        fields: &'static [Field],
    ) -> Schema {
        check_stable_name(name);
        let mut encoded_len = FORMAT_BYTES + 1 + 1 + name.len() + 4 + 8 + 4 + 2;
        let mut depth = 0;
        let mut at = 0;
        while at < fields.len() {
            let field = &fields[at];
            encoded_len += 1 + field.name.len() + 8 + (field.schema.encoded_len - FORMAT_BYTES);
            if field.schema.depth > depth {
                depth = field.schema.depth;
            }
            at += 1;
        }
        Schema {
            node: Node::Struct { name, version, fields },
            size: size as u64,
            align: align as u32,
            encoded_len,
            depth: depth + 1,
        }
        .within_limits(name)
    }

    /// An enum without fields, whose discriminant is a `repr`.
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub const fn enumeration(
        name: &'static str,
        version: u32,
        repr: Primitive,
        variants: &'static [Variant],
    ) -> Schema {
        check_stable_name(name);
        let mut encoded_len = FORMAT_BYTES + 1 + 1 + name.len() + 4 + 1 + 2;
        let mut at = 0;
        while at < variants.len() {
            encoded_len += 1 + variants[at].name.len() + 4;
            at += 1;
        }
        Schema {
            node: Node::Enum { name, version, repr, variants },
            size: repr.size(),
            align: repr.align(),
            encoded_len,
            depth: 1,
        }
        .within_limits(name)
    }

    #[track_caller]
    const fn within_limits(self, name: &str) -> Schema {
        let said = Sentence::new().text("the schema of `").text(name);
        if self.depth > MAX_DEPTH {
            let said = said.text("` is ").number(self.depth as u64).text(" types deep, and the limit is ");
            let said = said.number(MAX_DEPTH as u64).text(": nest structs and arrays less deeply");
            panic!("{}", said.as_str());
        }
        if self.encoded_len > MAX_ENCODED {
            let said =
                said.text("` takes ").number(self.encoded_len as u64).text(" bytes, and the limit is ");
            let said = said.number(MAX_ENCODED as u64).text(": use fewer fields or shorter names");
            panic!("{}", said.as_str());
        }
        if self.align as u64 > MAX_ALIGN {
            let said = said.text("` has alignment ").number(self.align as u64).text(", and the limit is ");
            let said = said.number(MAX_ALIGN).text(", one page: ask for less");
            panic!("{}", said.as_str());
        }
        self
    }

    /// The size of the type in bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The alignment of the type in bytes, at most 4096.
    #[must_use]
    pub const fn align(&self) -> u32 {
        self.align
    }

    /// How many bytes [`encode`](Schema::encode) gives: at most 65536.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.encoded_len
    }

    /// The schema with its parts, to be walked, and compared with one found in a segment.
    #[must_use]
    pub fn tree(&self) -> SchemaTree {
        SchemaTree::from(self)
    }

    /// The canonical bytes, as [`encode`](super::encode) describes them: the same on every machine.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.tree().encode()
    }

    /// The 128-bit FNV-1a hash of the [encoded](Schema::encode) schema: equal for equal schemas, and for
    /// others different but for a chance of 2⁻¹²⁸. It is no defence against a collision made on purpose.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        fnv1a_128(&self.encode())
    }
}

#[track_caller]
const fn check_name(name: &str) {
    if name.is_empty() || name.len() > MAX_NAME {
        let said = Sentence::new().text("the name `").text(name).text("` is ").number(name.len() as u64);
        panic!("{}", said.text(" bytes long, and a name has 1 to 255").as_str());
    }
}

#[track_caller]
const fn check_stable_name(name: &str) {
    check_name(name);
    if is_primitive(name) {
        let said = Sentence::new().text("`").text(name).text("` is the name of a primitive type");
        panic!("{}", said.text(": give the message another, as with `#[message(name = \"..\")]`").as_str());
    }
}

#[cfg(test)]
mod tests {
    use crate::Message;
    use crate::message::tests::{Level, Side, Tick};

    #[test]
    fn a_schema_says_how_large_and_how_aligned_its_type_is() {
        fn check<T: Message>() {
            let told = (T::SCHEMA.size(), T::SCHEMA.align());
            assert_eq!(told, (size_of::<T>() as u64, align_of::<T>() as u32), "{}", T::SCHEMA);
        }
        check::<u8>();
        check::<i16>();
        check::<f32>();
        check::<char>();
        check::<i64>();
        check::<u128>();
        check::<[u32; 5]>();
        check::<[[u64; 3]; 0]>();
        check::<Level>();
        check::<Side>();
        check::<[Tick; 3]>();
    }
}
