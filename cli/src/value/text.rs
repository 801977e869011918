//! For people to read, as Rust's `Debug` would have it.

use std::fmt::{self, Display, Formatter};

use ringway::message::SchemaTree;

use super::scalar::{ascii, read, variant};
use super::{Value, elements, is_bytes};

/// Elements of an array that are shown before it says how many more there are.
const SHOWN: usize = 16;

impl Display for Value<'_> {
    /// `Tick { price: 101.5, venue: 3 }`. Of an array the first sixteen elements, with `#` all. Bytes that are text are
    /// shown as text.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.schema {
            SchemaTree::Primitive(primitive) => read(*primitive, self.bytes).fmt(f),
            SchemaTree::Enum(enumeration) => match variant(enumeration, self.bytes) {
                Ok(name) => f.write_str(name),
                Err(value) => write!(f, "{}({value})", enumeration.name()),
            },
            SchemaTree::Struct(structure) => {
                f.write_str(structure.name())?;
                let mut before = " { ";
                for field in structure.fields() {
                    write!(f, "{before}{}: ", field.name())?;
                    self.part(field.offset(), field.schema()).fmt(f)?;
                    before = ", ";
                }
                f.write_str(if structure.fields().is_empty() { " {}" } else { " }" })
            }
            SchemaTree::Array(array) => {
                if let Some(text) = ascii(self.bytes).filter(|_| is_bytes(array)) {
                    return write!(f, "b{text:?}");
                }
                if self.bytes.is_empty() && !array.is_empty() {
                    return write!(f, "[.. {}]", array.len());
                }
                let (all, mut before) = (elements(array, self.bytes), "");
                let (count, shown) = (all.len(), if f.alternate() { usize::MAX } else { SHOWN });
                f.write_str("[")?;
                for element in all.take(shown) {
                    f.write_str(before)?;
                    element.fmt(f)?;
                    before = ", ";
                }
                match count.saturating_sub(shown) {
                    0 => f.write_str("]"),
                    more => write!(f, ", .. {more} more]"),
                }
            }
        }
    }
}
