//! A column for each value without parts, for tables.

use std::error::Error;
use std::fmt;

use ringway::message::SchemaTree;

use super::scalar::{Scalar, ascii, read, variant};
use super::{Value, elements, in_field, is_bytes, visible};

/// As many columns as a table may have.
const MOST: usize = 4096;

/// The message has more parts than a table may have columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a message has more than {MOST} parts, and a table no more columns than that: write JSON instead"
        )
    }
}

impl Error for TooMany {}

/// The names of the columns in which [`Value::cells`] writes messages of this type, such as `levels[0].price`.
///
/// A value of no struct and no array is called `value`. Bytes are one column.
///
/// # Errors
///
/// There are too many.
pub(crate) fn columns(schema: &SchemaTree) -> Result<Vec<String>, TooMany> {
    let mut names = Vec::new();
    name(schema, String::new(), &mut names)?;
    Ok(names)
}

fn name(schema: &SchemaTree, path: String, names: &mut Vec<String>) -> Result<(), TooMany> {
    match schema {
        SchemaTree::Struct(structure) => {
            for field in structure.fields() {
                name(field.schema(), in_field(&path, field.name()), names)?;
            }
        }
        SchemaTree::Array(array) if !is_bytes(array) => {
            // Elements without bytes have no parts with any.
            let len = if schema.size() == 0 { 0 } else { array.len() };
            for index in 0..len {
                name(array.element(), format!("{path}[{index}]"), names)?;
            }
        }
        SchemaTree::Array(_) | SchemaTree::Primitive(_) | SchemaTree::Enum(_) => {
            if names.len() == MOST {
                return Err(TooMany);
            }
            names.push(if path.is_empty() { "value".to_owned() } else { path });
        }
    }
    Ok(())
}

impl Value<'_> {
    /// A text for each of the [`columns`]: numbers as they are, names of variants, and bytes as their text or, if they are
    /// none, as `0x` and hexadecimal digits.
    #[must_use]
    pub(crate) fn cells(&self) -> Vec<String> {
        let mut cells = Vec::new();
        self.fill(&mut cells);
        cells
    }

    fn fill(&self, cells: &mut Vec<String>) {
        match self.schema {
            SchemaTree::Struct(structure) => {
                for field in structure.fields() {
                    self.part(field.offset(), field.schema()).fill(cells);
                }
            }
            SchemaTree::Array(array) if is_bytes(array) => cells.push(match ascii(self.bytes) {
                Some(text) if !text.starts_with("0x") => text.to_owned(),
                _ => self.bytes.iter().fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}")),
            }),
            SchemaTree::Array(array) => {
                for element in elements(array, self.bytes) {
                    element.fill(cells);
                }
            }
            SchemaTree::Primitive(primitive) => cells.push(match read(*primitive, self.bytes) {
                Scalar::Char(char) => visible(char.encode_utf8(&mut [0; 4])),
                other => other.to_string(),
            }),
            SchemaTree::Enum(enumeration) => cells.push(match variant(enumeration, self.bytes) {
                Ok(name) => name.to_owned(),
                Err(value) => format!("{}({value})", enumeration.name()),
            }),
        }
    }
}
