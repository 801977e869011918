//! JSON, for programs: everything, and exactly.

use std::fmt::{self, Display, Formatter, Write};

use ringway::message::SchemaTree;

use super::scalar::{Scalar, read, variant};
use super::{Value, elements, is_visible, json_escape};

impl Value<'_> {
    /// The message as JSON, on one line.
    ///
    /// Structs are objects, arrays arrays, enums the names of their variants. Numbers are exact, also those that do not fit
    /// a `double`; what JSON has no number for is `"NaN"`, `"inf"` and `"-inf"`. What is no value of its type is
    /// `{"invalid": 7}`, with its bits. An array without bytes is `[]`, whatever its length.
    #[must_use]
    pub(crate) fn json(self) -> impl Display {
        Json(self)
    }
}

struct Json<'v>(Value<'v>);

impl Display for Json<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let value = self.0;
        match value.schema {
            SchemaTree::Primitive(primitive) => scalar(f, &read(*primitive, value.bytes)),
            SchemaTree::Enum(enumeration) => match variant(enumeration, value.bytes) {
                Ok(name) => string(f, name),
                Err(bits) => invalid(f, bits),
            },
            SchemaTree::Struct(structure) => {
                f.write_char('{')?;
                let mut before = "";
                for field in structure.fields() {
                    f.write_str(before)?;
                    string(f, field.name())?;
                    f.write_char(':')?;
                    Json(value.part(field.offset(), field.schema())).fmt(f)?;
                    before = ",";
                }
                f.write_char('}')
            }
            SchemaTree::Array(array) => {
                f.write_char('[')?;
                let mut before = "";
                for element in elements(array, value.bytes) {
                    f.write_str(before)?;
                    Json(element).fmt(f)?;
                    before = ",";
                }
                f.write_char(']')
            }
        }
    }
}

fn scalar(f: &mut Formatter<'_>, scalar: &Scalar) -> fmt::Result {
    match *scalar {
        Scalar::F32(number) if !number.is_finite() => not_finite(f, number.into()),
        Scalar::F64(number) if !number.is_finite() => not_finite(f, number),
        Scalar::Char(char) => string(f, char.encode_utf8(&mut [0; 4])),
        Scalar::Invalid(_, bits) => invalid(f, bits),
        // Rust writes numbers as JSON does: digits, a point between digits, `e` with a sign or none.
        _ => scalar.fmt(f),
    }
}

fn not_finite(f: &mut Formatter<'_>, number: f64) -> fmt::Result {
    write!(f, "\"{number}\"")
}

fn invalid(f: &mut Formatter<'_>, bits: u32) -> fmt::Result {
    write!(f, "{{\"invalid\":{bits}}}")
}

/// What is not visible is escaped, also where JSON would let it stand.
fn string(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for char in text.chars() {
        match char {
            '"' | '\\' => write!(f, "\\{char}")?,
            visible if is_visible(visible) => f.write_char(visible)?,
            other => f.write_str(&json_escape(other))?,
        }
    }
    f.write_char('"')
}
