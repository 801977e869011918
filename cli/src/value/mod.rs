//! Messages whose types are known by their schemas only: as text, as JSON, in columns, and from JSON.
//!
//! The bytes may come from anyone. Whatever they are, they are shown: a `bool` that is 7, a character that there is not
//! and a variant that has no name are shown as such.

mod columns;
mod json;
mod parse;
mod scalar;
mod text;

pub(crate) use columns::columns;
pub(crate) use parse::parse;

use ringway::message::{ArrayTree, Primitive, SchemaTree};

/// A message, or a part of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'v> {
    schema: &'v SchemaTree,
    /// As many as the schema says.
    bytes: &'v [u8],
}

/// As many bytes as a type needs.
fn size(schema: &SchemaTree) -> usize {
    usize::try_from(schema.size()).expect("a size of a type is below 2^63")
}

impl<'v> Value<'v> {
    /// The message that these bytes are.
    ///
    /// # Panics
    ///
    /// If the schema asks for another number of bytes.
    #[must_use]
    pub(crate) fn new(schema: &'v SchemaTree, bytes: &'v [u8]) -> Self {
        assert_eq!(size(schema), bytes.len(), "a message of {schema}");
        Self { schema, bytes }
    }

    /// The part at this offset.
    fn part(&self, offset: u64, schema: &'v SchemaTree) -> Self {
        let start = usize::try_from(offset).expect("a part lies inside the whole");
        Self { schema, bytes: &self.bytes[start..start + size(schema)] }
    }
}

/// The elements of an array one after the other.
///
/// An array without bytes is none that is walked through: it may have any number of elements.
fn elements<'v>(array: &'v ArrayTree, bytes: &'v [u8]) -> impl ExactSizeIterator<Item = Value<'v>> {
    let schema = array.element();
    bytes.chunks_exact(size(schema).max(1)).map(move |bytes| Value { schema, bytes })
}

/// An array of `u8`, which may be text.
fn is_bytes(array: &ArrayTree) -> bool {
    *array.element() == SchemaTree::Primitive(Primitive::U8)
}

/// The path of a field of what has this path.
fn in_field(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Whether a terminal shows the character as it is: it does not control it, reorder the text around it, or hide.
pub(crate) fn is_visible(char: char) -> bool {
    matches!(char, '"' | '\'' | '\\') || char.escape_debug().len() == 1
}

/// The character as JSON escapes it.
pub(crate) fn json_escape(char: char) -> String {
    char.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// The text, with what is not visible as Rust escapes it.
pub(crate) fn visible(text: &str) -> String {
    let shown = |char: char| match is_visible(char) {
        true => char.to_string(),
        false => char.escape_debug().to_string(),
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests;
