//! The schema of a type as a segment holds it: owned, and walked by whoever has no access to the type.

use super::encode;
use super::schema::{Node, Primitive, Schema};
use crate::fnv::fnv1a_128;

/// The layout of a message: that of a type here ([`Schema::tree`]), or one found in a segment
/// ([`decode`](SchemaTree::decode)).
///
/// A tree keeps what `decode` checks: sizes do not overflow, parts lie inside the whole, one after the
/// other, names are printable. `{}` prints it in one line, `{:#}` with all nested types.
///
/// ```
/// use ringway::Message;
/// use ringway::message::{SchemaTree, first_difference};
///
/// #[derive(Message, Clone, Copy)]
/// #[message(name = "Tick")]
/// #[repr(C)]
/// struct Old { price: f64, size: u64 }
///
/// #[derive(Message, Clone, Copy)]
/// #[message(name = "Tick")]
/// #[repr(C)]
/// struct New { price: f64, volume: u64 }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let found = SchemaTree::decode(&Old::SCHEMA.encode())?; // as it lies in a segment
/// assert_eq!(found, Old::SCHEMA.tree());
/// let SchemaTree::Struct(parts) = &found else { panic!("it is one") };
/// assert_eq!(parts.fields()[1].name(), "size");
/// let difference = first_difference(&New::SCHEMA.tree(), &found).expect("they differ");
/// assert!(difference.to_string().contains("volume"), "{difference}");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaTree {
    /// A number, `bool` or `char`.
    Primitive(Primitive),
    /// `[element; len]`.
    Array(ArrayTree),
    /// A struct with its fields.
    Struct(StructTree),
    /// An enum without fields.
    Enum(EnumTree),
}

/// An array in a [`SchemaTree`].
///
/// ```
/// use ringway::Message;
/// use ringway::message::SchemaTree;
///
/// let SchemaTree::Array(array) = <[u16; 3]>::SCHEMA.tree() else { panic!("it is one") };
/// assert_eq!((array.len(), array.element().to_string().as_str()), (3, "u16 (2 bytes)"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrayTree {
    pub(super) element: Box<SchemaTree>,
    pub(super) len: u64,
}

/// A struct in a [`SchemaTree`].
///
/// ```
/// use ringway::Message;
/// use ringway::message::SchemaTree;
///
/// #[derive(Message, Clone, Copy)]
/// #[message(name = "md.Tick", version = 2)]
/// #[repr(C)]
/// struct Tick { price: f64, size: u64 }
///
/// let SchemaTree::Struct(tick) = Tick::SCHEMA.tree() else { panic!("it is one") };
/// assert_eq!((tick.name(), tick.version(), tick.fields().len()), ("md.Tick", 2, 2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructTree {
    pub(super) name: String,
    pub(super) version: u32,
    pub(super) size: u64,
    pub(super) align: u32,
    pub(super) fields: Vec<FieldTree>,
}

/// A field of a [`StructTree`].
///
/// ```
/// use ringway::Message;
/// use ringway::message::{Primitive, SchemaTree};
///
/// #[derive(Message, Clone, Copy)]
/// #[repr(C)]
/// struct Tick { price: f64, size: u64 }
///
/// let SchemaTree::Struct(tick) = Tick::SCHEMA.tree() else { panic!("it is one") };
/// let size = &tick.fields()[1];
/// assert_eq!((size.name(), size.offset()), ("size", 8));
/// assert_eq!(*size.schema(), SchemaTree::Primitive(Primitive::U64));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldTree {
    pub(super) name: String,
    pub(super) offset: u64,
    pub(super) schema: SchemaTree,
}

/// An enum in a [`SchemaTree`].
///
/// ```
/// use ringway::Message;
/// use ringway::message::{Primitive, SchemaTree};
///
/// #[derive(Message, Clone, Copy)]
/// #[message(checked)]
/// #[repr(u8)]
/// enum Side { Buy = 1, Sell = 2 }
///
/// let SchemaTree::Enum(side) = Side::SCHEMA.tree() else { panic!("it is one") };
/// assert_eq!((side.name(), side.repr(), side.variants().len()), ("Side", Primitive::U8, 2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumTree {
    pub(super) name: String,
    pub(super) version: u32,
    pub(super) repr: Primitive,
    pub(super) variants: Vec<VariantTree>,
}

/// A variant of an [`EnumTree`].
///
/// ```
/// use ringway::Message;
/// use ringway::message::SchemaTree;
///
/// #[derive(Message, Clone, Copy)]
/// #[message(checked)]
/// #[repr(u8)]
/// enum Side { Buy = 1, Sell = 2 }
///
/// let SchemaTree::Enum(side) = Side::SCHEMA.tree() else { panic!("it is one") };
/// let sell = &side.variants()[1];
/// assert_eq!((sell.name(), sell.value()), ("Sell", 2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariantTree {
    pub(super) name: String,
    pub(super) value: u32,
}

impl SchemaTree {
    /// The size of the type in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self {
            SchemaTree::Primitive(primitive) => primitive.size(),
            SchemaTree::Array(array) => array.element.size().saturating_mul(array.len),
            SchemaTree::Struct(structure) => structure.size,
            SchemaTree::Enum(enumeration) => enumeration.repr.size(),
        }
    }

    /// The alignment of the type in bytes, at most 4096.
    #[must_use]
    pub fn align(&self) -> u32 {
        match self {
            SchemaTree::Primitive(primitive) => primitive.align(),
            SchemaTree::Array(array) => array.element.align(),
            SchemaTree::Struct(structure) => structure.align,
            SchemaTree::Enum(enumeration) => enumeration.repr.align(),
        }
    }

    /// The canonical bytes, as [`encode`](super::encode) describes them.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode::encode(self)
    }

    /// The 128-bit FNV-1a hash of the [encoded](SchemaTree::encode) schema.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        fnv1a_128(&self.encode())
    }
}

impl ArrayTree {
    /// The type of each element.
    #[must_use]
    pub fn element(&self) -> &SchemaTree {
        &self.element
    }

    /// How many elements there are. Elements may be of size zero, and then there is no bound to this.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl StructTree {
    /// The stable name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version that the author gave it, 0 if none.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The fields in the order of their declaration.
    #[must_use]
    pub fn fields(&self) -> &[FieldTree] {
        &self.fields
    }
}

impl FieldTree {
    /// The name; the index, for a field of a tuple struct.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes from the start of the struct.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The type.
    #[must_use]
    pub fn schema(&self) -> &SchemaTree {
        &self.schema
    }
}

impl EnumTree {
    /// The stable name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version that the author gave it, 0 if none.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The type of the discriminant: `u8`, `u16` or `u32`.
    #[must_use]
    pub fn repr(&self) -> Primitive {
        self.repr
    }

    /// The variants in the order of their declaration.
    #[must_use]
    pub fn variants(&self) -> &[VariantTree] {
        &self.variants
    }
}

impl VariantTree {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The discriminant.
    #[must_use]
    pub fn value(&self) -> u32 {
        self.value
    }
}

impl From<&Schema> for SchemaTree {
    fn from(schema: &Schema) -> Self {
        match schema.node {
            Node::Primitive(primitive) => SchemaTree::Primitive(primitive),
            Node::Array { element, len } => {
                SchemaTree::Array(ArrayTree { element: Box::new(element.tree()), len })
            }
            Node::Struct { name, version, fields } => SchemaTree::Struct(StructTree {
                name: name.to_owned(),
                version,
                size: schema.size,
                align: schema.align,
                fields: fields
                    .iter()
                    .map(|field| FieldTree {
                        name: field.name.to_owned(),
                        offset: field.offset,
                        schema: field.schema.tree(),
                    })
                    .collect(),
            }),
            Node::Enum { name, version, repr, variants } => SchemaTree::Enum(EnumTree {
                name: name.to_owned(),
                version,
                repr,
                variants: variants
                    .iter()
                    .map(|variant| VariantTree { name: variant.name.to_owned(), value: variant.value })
                    .collect(),
            }),
        }
    }
}
