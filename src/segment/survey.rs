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

#[cfg(test)]
mod tests {
    use zerocopy::IntoBytes;

    use super::*;
    use crate::protocol::gate::Parking;
    use crate::protocol::lifecycle::READY;
    use crate::protocol::ring::OnReceiverDeath;
    use crate::segment::Terms;

    /// Of an array of so many `u8`.
    fn schema_of_bytes(len: u64) -> Vec<u8> {
        [&[1, 0x40][..], &len.to_le_bytes(), &[1]].concat()
    }

    #[test]
    fn a_type_that_no_mapping_can_hold_is_what_a_segment_is_refused_for() {
        let (on_receiver_death, parking) = (OnReceiverDeath::Redeliver, Parking::Fenced);
        for kind in Kind::ALL.into_iter().filter(|kind| kind.is_ring()) {
            let terms = Terms { kind, capacity: 1, senders: 1, receivers: 1, on_receiver_death, parking };
            let found = |len| {
                let schema = schema_of_bytes(len);
                let layout = Layout::plan(Shape::of::<u8>(terms, schema.len() as u32)).expect("it fits");
                let mut header = Header::new(&layout, &schema);
                header.state = READY;
                Header::survey(header.as_bytes(), layout.len, |_, _| Some(schema))
                    .map(|survey| survey.message.size())
            };
            assert_eq!(found(1), Ok(1));
            for len in [1 << 62, i64::MAX as u64] {
                let what = "a type that is too large for a mapping".into();
                assert_eq!(found(len), Err(damaged("schema", what, "a smaller one".into())), "{kind:?}");
            }
        }
    }
}
