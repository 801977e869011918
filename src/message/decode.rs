//! Bytes that nobody vouches for, as a schema: each length, number and name is checked before it is used.

use std::collections::HashSet;
use std::error::Error;
use std::fmt;

use super::encode::{ARRAY, ENUM, FORMAT, MAX_DEPTH, MAX_ENCODED, PRIMITIVES, STRUCT};
use super::layout::MAX_ALIGN;
use super::schema::{Primitive, is_primitive};
use super::tree::{ArrayTree, EnumTree, FieldTree, SchemaTree, StructTree, VariantTree};

/// The largest size of a Rust type.
const MAX_SIZE: u64 = i64::MAX as u64;

/// The bytes are not a schema: what is wrong, and where.
///
/// ```
/// use ringway::message::SchemaTree;
///
/// let error = SchemaTree::decode(&[1, 0x99]).unwrap_err();
/// assert_eq!(error.at(), 1);
/// assert_eq!(error.to_string(), "the schema is damaged at byte 1: 0x99 is the tag of no type");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    at: usize,
    what: String,
}

impl DecodeError {
    /// The byte from which on it is wrong.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the schema is damaged at byte {}: {}", self.at, self.what)
    }
}

impl Error for DecodeError {}

impl SchemaTree {
    /// Reads the canonical bytes that [`encode`](super::encode) describes.
    ///
    /// The bytes may come from anyone. Takes time and memory in proportion to their number.
    ///
    /// # Errors
    ///
    /// The bytes are not the encoding of any schema.
    pub fn decode(bytes: &[u8]) -> Result<SchemaTree, DecodeError> {
        let mut reader = Reader { bytes, at: 0 };
        if bytes.len() > MAX_ENCODED {
            return Err(reader.error(format!("it has {} bytes, the limit is {MAX_ENCODED}", bytes.len())));
        }
        let [format] = reader.take()?;
        if format != FORMAT {
            return Err(error_at(0, format!("it has format {format}, this program reads {FORMAT}")));
        }
        let schema = reader.schema(1)?;
        match bytes.len() - reader.at {
            0 => Ok(schema),
            left => Err(reader.error(format!("{left} bytes follow the end"))),
        }
    }
}

fn error_at(at: usize, what: String) -> DecodeError {
    DecodeError { at, what }
}

/// A type that is its tag and nothing else.
fn primitive(tag: u8) -> Option<Primitive> {
    PRIMITIVES.iter().find(|(known, _)| *known == tag).map(|(_, primitive)| *primitive)
}

/// Whether `name` is shown as it is: what `escape_debug` would change, but for quotes and backslashes, is
/// invisible, reorders the text around it, or is a combining mark at the front.
fn is_printable(name: &str) -> bool {
    let unquoted: String = name.chars().filter(|char| !matches!(char, '"' | '\'' | '\\')).collect();
    unquoted.escape_debug().eq(unquoted.chars())
}

fn unique<'n>(at: usize, owner: &str, names: impl Iterator<Item = &'n str>) -> Result<(), DecodeError> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(error_at(at, format!("`{owner}` has two parts named `{name}`")));
        }
    }
    Ok(())
}

struct Reader<'b> {
    bytes: &'b [u8],
    /// At most `bytes.len()`.
    at: usize,
}

impl<'b> Reader<'b> {
    fn error(&self, what: String) -> DecodeError {
        error_at(self.at, what)
    }

    fn slice(&mut self, len: usize) -> Result<&'b [u8], DecodeError> {
        let rest = &self.bytes[self.at..];
        match rest.get(..len) {
            Some(taken) => {
                self.at += len;
                Ok(taken)
            }
            None => Err(self.error(format!("{len} bytes are wanted, {} are left", rest.len()))),
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut taken = [0; N];
        taken.copy_from_slice(self.slice(N)?);
        Ok(taken)
    }

    fn name(&mut self) -> Result<String, DecodeError> {
        let at = self.at;
        let [len] = self.take()?;
        let bytes = self.slice(len.into())?;
        match std::str::from_utf8(bytes) {
            Ok("") => Err(error_at(at, "a name is empty".to_owned())),
            Ok(name) if !is_printable(name) => {
                Err(error_at(at, format!("the name {name:?} has a character that does not print")))
            }
            Ok(name) => Ok(name.to_owned()),
            Err(_) => Err(error_at(at, "a name is not UTF-8".to_owned())),
        }
    }

    /// That of a struct or enum.
    fn stable_name(&mut self) -> Result<String, DecodeError> {
        let at = self.at;
        let name = self.name()?;
        if is_primitive(&name) {
            return Err(error_at(at, format!("a struct or enum has the name of the primitive `{name}`")));
        }
        Ok(name)
    }

    /// Recurses at most `MAX_DEPTH` times: only through `array` and `structure`, each a level deeper.
    fn schema(&mut self, depth: u32) -> Result<SchemaTree, DecodeError> {
        let at = self.at;
        if depth > MAX_DEPTH {
            return Err(self.error(format!("types are nested more than {MAX_DEPTH} deep")));
        }
        let [tag] = self.take()?;
        match tag {
            ARRAY => self.array(at, depth).map(SchemaTree::Array),
            STRUCT => self.structure(at, depth).map(SchemaTree::Struct),
            ENUM => self.enumeration(at).map(SchemaTree::Enum),
            tag => match primitive(tag) {
                Some(primitive) => Ok(SchemaTree::Primitive(primitive)),
                None => Err(error_at(at, format!("0x{tag:02x} is the tag of no type"))),
            },
        }
    }

    fn array(&mut self, at: usize, depth: u32) -> Result<ArrayTree, DecodeError> {
        let len = u64::from_le_bytes(self.take()?);
        let element = self.schema(depth + 1)?;
        match element.size().checked_mul(len) {
            Some(0..=MAX_SIZE) => Ok(ArrayTree { element: Box::new(element), len }),
            _ => Err(error_at(at, format!("{len} elements of {} bytes are too much", element.size()))),
        }
    }

    fn structure(&mut self, at: usize, depth: u32) -> Result<StructTree, DecodeError> {
        let name = self.stable_name()?;
        let version = u32::from_le_bytes(self.take()?);
        let size_at = self.at;
        let size = u64::from_le_bytes(self.take()?);
        let align = u32::from_le_bytes(self.take()?);
        if !align.is_power_of_two() || u64::from(align) > MAX_ALIGN {
            return Err(error_at(size_at + 8, format!("`{name}` has alignment {align}")));
        }
        if size > MAX_SIZE || size % u64::from(align) != 0 {
            return Err(error_at(size_at, format!("`{name}` has size {size} at alignment {align}")));
        }
        let count = u16::from_le_bytes(self.take()?);
        let mut fields = Vec::new();
        let mut end = 0;
        for _ in 0..count {
            let field_at = self.at;
            let field =
                FieldTree { name: self.name()?, offset: self.offset()?, schema: self.schema(depth + 1)? };
            let (bytes, offset) = (field.schema.size(), field.offset);
            let in_place = if bytes == 0 { offset <= size } else { offset == end && bytes <= size - end };
            if !in_place {
                return Err(error_at(
                    field_at,
                    format!("field `{}` of {bytes} bytes is at {offset} in `{name}`", field.name),
                ));
            }
            if field.schema.align() > align || offset % u64::from(field.schema.align()) != 0 {
                return Err(error_at(field_at, format!("field `{}` of `{name}` is misaligned", field.name)));
            }
            end += bytes;
            fields.push(field);
        }
        unique(at, &name, fields.iter().map(|field| &*field.name))?;
        if end != size {
            return Err(error_at(at, format!("the fields of `{name}` have {end} bytes, itself {size}")));
        }
        Ok(StructTree { name, version, size, align, fields })
    }

    fn offset(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    fn enumeration(&mut self, at: usize) -> Result<EnumTree, DecodeError> {
        let name = self.stable_name()?;
        let version = u32::from_le_bytes(self.take()?);
        let repr_at = self.at;
        let [tag] = self.take()?;
        let (repr, most) = match primitive(tag) {
            Some(Primitive::U8) => (Primitive::U8, u8::MAX.into()),
            Some(Primitive::U16) => (Primitive::U16, u16::MAX.into()),
            Some(Primitive::U32) => (Primitive::U32, u32::MAX),
            _ => return Err(error_at(repr_at, format!("enum `{name}` is no u8, u16 or u32"))),
        };
        let count = u16::from_le_bytes(self.take()?);
        let mut variants = Vec::new();
        for _ in 0..count {
            let variant_at = self.at;
            let variant = VariantTree { name: self.name()?, value: u32::from_le_bytes(self.take()?) };
            if variant.value > most {
                let VariantTree { name: variant, value } = variant;
                let what = format!("variant `{variant}` of `{name}` is {value}, beyond {}", repr.name());
                return Err(error_at(variant_at, what));
            }
            variants.push(variant);
        }
        unique(at, &name, variants.iter().map(|variant| &*variant.name))?;
        let mut values: Vec<u32> = variants.iter().map(|variant| variant.value).collect();
        values.sort_unstable();
        if values.is_empty() || values.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(error_at(at, format!("enum `{name}` has no variants, or two of one value")));
        }
        Ok(EnumTree { name, version, repr, variants })
    }
}
