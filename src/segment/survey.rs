//! A segment of any kind and any type, checked by what it says of itself.

use super::cells::KeyShape;
use super::check::{Refusal, damaged, tree};
use super::content::Content;
use super::header::Header;
use super::kind::Kind;
use super::layout::{Layout, Shape};
use crate::message::SchemaTree;

/// What a segment turned out to be.
#[derive(Clone, Debug)]
pub(crate) struct Survey {
    pub(crate) layout: Layout,
    /// The type of its messages, or values.
    pub(crate) message: SchemaTree,
    /// The type of its keys, if it has any.
    pub(crate) key: Option<SchemaTree>,
}

impl Header {
    /// Checks a private copy of a segment's start as [`check`](Self::check) does, but against nothing, and plans the
    /// segment from its schemas and terms.
    pub(crate) fn survey(
        bytes: &[u8],
        len: u64,
        read: impl FnOnce(u64, u64) -> Option<Vec<u8>>,
    ) -> Result<Survey, Refusal> {
        let header = Self::begin(bytes)?;
        let Some(kind) = Kind::from_code(header.kind) else {
            let expected = "a kind that this version knows".to_owned();
            return Err(Refusal::Kind { found: header.kind_found(), expected });
        };
        header.check_reserved()?;
        let schemas = header.read_schemas(read)?;
        let (message, key) = schemas.split_at(header.schema_len as usize);
        let message = tree(message)?;
        let key = match (kind, key.is_empty()) {
            (Kind::KeyedTable, false) => Some(tree(key)?),
            (Kind::KeyedTable, true) => {
                return Err(damaged("key schema length", "0".into(), "at least 1".into()));
            }
            (_, true) => None,
            (_, false) => return Err(damaged("key schema length", key.len().to_string(), "0".into())),
        };
        let too_large =
            || damaged("schema", "a type that is too large for a mapping".into(), "a smaller one".into());
        let content = Content::described_by(&message).ok_or_else(too_large)?;
        let terms = header.check_terms(kind)?;
        let schema_len = header.schema_len as u32;
        let shape = if kind.is_ring() {
            Shape::of_ring(content, terms, schema_len)
        } else {
            let key = key.as_ref().map(|key| KeyShape {
                size: key.size(),
                align: key.align().into(),
                schema_len: header.key_schema_len,
            });
            Shape::of_contents(content, terms, schema_len, key).ok_or_else(too_large)?
        };
        Ok(Survey { layout: header.check_layout(len, shape)?, message, key })
    }
}
