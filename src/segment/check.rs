//! What is checked before anything of a segment is believed.

use zerocopy::FromBytes;

use super::header::{HEADER_LEN, Header, MAGIC, RESERVED, VERSION, form_code};
use super::kind::{Kind, MAX_CELLS, MAX_RECORDS, Terms, on_receiver_death_from_code, parking_from_code};
use super::layout::{Layout, MAX_CAPACITY, Shape};
use crate::fnv::fnv1a_128;
use crate::message::encode::MAX_ENCODED;
use crate::message::{Schema, SchemaTree, first_difference};
use crate::protocol::gate::Parking;
use crate::protocol::lifecycle::READY;
use crate::protocol::ring::OnReceiverDeath;

/// Why a segment is not what this program can use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not a segment at all.
    Foreign,
    /// A part has a value that no writer of this format leaves there.
    Damaged { part: &'static str, found: String, expected: String },
    /// Another version of the format.
    Version { found: u32, expected: u32 },
    /// A channel of another kind.
    Kind { found: String, expected: String },
    /// Another message type.
    Type { difference: String },
    /// Another capacity than the one asked for.
    Capacity { found: u64, expected: u64 },
    /// Another value of an option than the one asked for.
    Mismatch { option: &'static str, found: String, expected: String },
}

/// What an attach asks for.
#[derive(Clone, Debug)]
pub(crate) struct Expected<'a> {
    /// The program's own message type.
    pub(crate) message: &'static Schema,
    /// And the type of its keys, if it has any.
    pub(crate) key: Option<&'static Schema>,
    /// The schema, encoded, and the key's behind it.
    pub(crate) schema: &'a [u8],
    /// The shape. Of its terms only the kind is looked at.
    pub(crate) shape: Shape,
    /// The rest of the terms, as far as the program insists on them.
    pub(crate) wanted: Wanted,
}

/// Terms that a program may leave to whoever made the channel.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) capacity: Option<u32>,
    pub(crate) senders: Option<u32>,
    pub(crate) receivers: Option<u32>,
    pub(crate) on_receiver_death: Option<OnReceiverDeath>,
    pub(crate) parking: Option<Parking>,
}

impl Header {
    /// Checks a private copy of a segment's start against what the program expects, in the order in which
    /// the answers make sense, and plans the segment anew from it. `schema` reads a range of the segment,
    /// which has `len` bytes; a range outside is `None`.
    pub(crate) fn check(
        bytes: &[u8],
        len: u64,
        expected: &Expected<'_>,
        schema: impl FnOnce(u64, u64) -> Option<Vec<u8>>,
    ) -> Result<Layout, Refusal> {
        let header = Self::begin(bytes)?;
        // First: a kind of a later version may have fields in the bytes that are reserved here.
        header.check_kind(expected.shape.terms.kind)?;
        header.check_reserved()?;
        header.check_schema(expected, schema)?;
        let terms = header.check_terms(expected.shape.terms.kind)?;
        expected.wanted.check(&terms)?;
        // The schemas are the expected ones by now, and if the key's is as long, so is the message's.
        header.check_layout(len, Shape { terms, ..expected.shape })
    }

    /// A private copy of a segment's start as a header of this version that is whole and ready.
    pub(super) fn begin(bytes: &[u8]) -> Result<Self, Refusal> {
        let Ok((header, _)) = Self::read_from_prefix(bytes) else {
            let found = format!("{} bytes", bytes.len());
            return Err(damaged("segment", found, format!("at least {HEADER_LEN} bytes")));
        };
        if header.magic != MAGIC {
            return Err(Refusal::Foreign);
        }
        if header.version != VERSION {
            return Err(Refusal::Version { found: header.version, expected: VERSION });
        }
        is("header length", header.header_len, HEADER_LEN as u32)?;
        if header.checksum != header.sum() {
            let (found, sum) = (header.checksum, header.sum());
            return Err(damaged("header checksum", format!("{found:#018x}"), format!("{sum:#018x}")));
        }
        if header.state != READY {
            return Err(damaged("state", format!("{:#018x}", header.state), format!("{READY:#018x}")));
        }
        Ok(header)
    }

    pub(super) fn check_reserved(&self) -> Result<(), Refusal> {
        if self.reserved == [0; RESERVED] {
            return Ok(());
        }
        Err(damaged("reserved bytes", "some that are not zero".into(), "zero".into()))
    }

    fn check_kind(&self, expected: Kind) -> Result<(), Refusal> {
        if self.kind == expected.code() {
            return Ok(());
        }
        Err(Refusal::Kind { found: self.kind_found(), expected: expected.with_article() })
    }

    /// The kind in words, be it known or not.
    pub(super) fn kind_found(&self) -> String {
        match Kind::from_code(self.kind) {
            Some(kind) => kind.with_article(),
            None => format!("a channel of kind {}", self.kind),
        }
    }

    fn check_schema(
        &self,
        expected: &Expected<'_>,
        read: impl FnOnce(u64, u64) -> Option<Vec<u8>>,
    ) -> Result<(), Refusal> {
        let schema = self.read_schemas(read)?;
        if schema == expected.schema {
            return Ok(());
        }
        let (message, key) = schema.split_at(self.schema_len as usize);
        let mut difference = difference(expected.message, message)?;
        if difference.is_none() {
            difference = match (expected.key, key.is_empty()) {
                (None, true) => None,
                (Some(ours), false) => difference_of_keys(ours, key)?,
                (None, false) => Some("its values have keys, this program's have none".into()),
                (Some(_), true) => Some("its values have no keys, this program's have".into()),
            };
        }
        let difference = difference.unwrap_or_else(|| "the encodings differ, the fields do not".into());
        Err(Refusal::Type { difference })
    }

    /// The encoded schemas, the key's behind that of the message: as long as the header says, and with its fingerprint.
    pub(super) fn read_schemas(
        &self,
        read: impl FnOnce(u64, u64) -> Option<Vec<u8>>,
    ) -> Result<Vec<u8>, Refusal> {
        is("schema offset", self.schema_offset, HEADER_LEN as u64)?;
        let key_len = u64::from(self.key_schema_len);
        for (part, len) in [("schema length", self.schema_len), ("key schema length", key_len)] {
            if len > MAX_ENCODED as u64 {
                return Err(damaged(part, format!("{len} bytes"), format!("at most {MAX_ENCODED} bytes")));
            }
        }
        let Some(schema) = read(self.schema_offset, self.schema_len + key_len) else {
            let found = format!("{} bytes", self.schema_len + key_len);
            return Err(damaged("schema length", found, "no more than the segment has".into()));
        };
        let (found, sum) = (u128::from_le_bytes(self.fingerprint), fnv1a_128(&schema));
        if found != sum {
            return Err(damaged("schema fingerprint", format!("{found:#034x}"), format!("{sum:#034x}")));
        }
        Ok(schema)
    }

    /// The terms of the channel, each one checked before anything is computed from it.
    pub(super) fn check_terms(&self, kind: Kind) -> Result<Terms, Refusal> {
        let most_cells = if kind == Kind::Cell { 1 } else { MAX_CELLS };
        let most = if kind.is_ring() { MAX_CAPACITY } else { most_cells.into() };
        if self.capacity == 0 || self.capacity > most {
            return Err(damaged("capacity", self.capacity.to_string(), format!("1 to {most}")));
        }
        if kind.is_ring() {
            self.check_sides(kind)?;
        } else {
            is("senders", self.senders.into(), self.capacity)?;
            is("receivers", self.receivers, 0)?;
        }
        let has_choice = kind.is_ring() && kind != Kind::Spsc;
        let on_receiver_death = match on_receiver_death_from_code(self.on_receiver_death) {
            Some(choice) if has_choice || choice == OnReceiverDeath::Redeliver => choice,
            _ => {
                let expected = if has_choice { "0 or 1" } else { "0" };
                let found = self.on_receiver_death.to_string();
                return Err(damaged("choice on a receiver's death", found, expected.to_owned()));
            }
        };
        let Some(parking) = parking_from_code(self.parking) else {
            return Err(damaged("choice of parking", self.parking.to_string(), "0, 1 or 2".to_owned()));
        };
        let (capacity, senders, receivers) = (self.capacity as u32, self.senders, self.receivers);
        Ok(Terms { kind, capacity, senders, receivers, on_receiver_death, parking })
    }

    /// The numbers of records of a ring's sides.
    fn check_sides(&self, kind: Kind) -> Result<(), Refusal> {
        let counts = [
            ("senders", self.senders, kind.shared_senders()),
            ("receivers", self.receivers, kind.shared_receivers()),
        ];
        for (part, found, shared) in counts {
            let most = if shared { MAX_RECORDS } else { 1 };
            if found == 0 || found > most {
                let expected = if shared { format!("1 to {MAX_RECORDS}") } else { "1".to_owned() };
                return Err(damaged(part, found.to_string(), expected));
            }
        }
        Ok(())
    }

    /// Whether a segment of this shape is what lies there, in `len` bytes.
    pub(super) fn check_layout(&self, len: u64, shape: Shape) -> Result<Layout, Refusal> {
        is("form", self.form, form_code(shape.form))?;
        is("stride", self.stride, shape.stride)?;
        is("payload offset", self.payload_offset, shape.payload_offset)?;
        is("message size", self.message_size, shape.message_size)?;
        is("message alignment", self.message_align, shape.message_align)?;
        is("slots of a cell", self.cell_slots, shape.cell.slots)?;
        is("stride in a cell", self.cell_slot_stride, shape.cell.slot_stride)?;
        is("key offset", self.key_offset, shape.cell.key_offset)?;
        is("key size", self.key_size, shape.cell.key.size)?;
        is("key alignment", self.key_align, shape.cell.key.align)?;
        is("key schema length", self.key_schema_len, shape.cell.key.schema_len)?;
        let Some(layout) = Layout::plan(shape) else {
            return Err(damaged("capacity", self.capacity.to_string(), "one that fits in memory".into()));
        };
        is("roster offset", self.roster_offset, layout.roster)?;
        is("control offset", self.control_offset, layout.control)?;
        is("slots offset", self.slots_offset, layout.slots)?;
        is("length", self.len, layout.len)?;
        if layout.len > len {
            return Err(damaged("size", format!("{len} bytes"), format!("at least {} bytes", layout.len)));
        }
        Ok(layout)
    }
}

impl Wanted {
    /// Whether the channel has what the program insists on.
    fn check(&self, terms: &Terms) -> Result<(), Refusal> {
        let capacity = self.capacity.unwrap_or(terms.capacity);
        let choice = |parking| format!("{parking:?}");
        agree("parking", choice(terms.parking), self.parking.map(choice))?;
        if !terms.kind.is_ring() {
            return agree("cells", terms.capacity, self.capacity);
        }
        if capacity != terms.capacity {
            return Err(Refusal::Capacity { found: terms.capacity.into(), expected: capacity.into() });
        }
        agree("max_senders", terms.senders, self.senders)?;
        agree("max_receivers", terms.receivers, self.receivers)?;
        let choice = |choice| match choice {
            OnReceiverDeath::Redeliver => "Redeliver",
            OnReceiverDeath::Discard => "Discard",
        };
        let wanted = self.on_receiver_death.map(choice);
        agree("on_receiver_death", choice(terms.on_receiver_death), wanted)
    }
}

/// The first difference between a type of ours and one of theirs, in words.
fn difference(ours: &Schema, theirs: &[u8]) -> Result<Option<String>, Refusal> {
    let theirs = tree(theirs)?;
    Ok(first_difference(&ours.tree(), &theirs).map(|difference| difference.to_string()))
}

/// A schema that a segment has.
pub(super) fn tree(encoded: &[u8]) -> Result<SchemaTree, Refusal> {
    SchemaTree::decode(encoded)
        .map_err(|error| damaged("schema", error.to_string(), "a schema of format version 1".into()))
}

fn difference_of_keys(ours: &Schema, theirs: &[u8]) -> Result<Option<String>, Refusal> {
    Ok(difference(ours, theirs)?.map(|difference| format!("of the key, {difference}")))
}

fn agree<V: PartialEq + ToString>(option: &'static str, found: V, wanted: Option<V>) -> Result<(), Refusal> {
    match wanted {
        Some(wanted) if wanted != found => {
            let (found, expected) = (found.to_string(), wanted.to_string());
            Err(Refusal::Mismatch { option, found, expected })
        }
        _ => Ok(()),
    }
}

fn is<N: PartialEq + ToString>(part: &'static str, found: N, expected: N) -> Result<(), Refusal> {
    if found == expected {
        return Ok(());
    }
    Err(damaged(part, found.to_string(), expected.to_string()))
}

pub(super) fn damaged(part: &'static str, found: String, expected: String) -> Refusal {
    Refusal::Damaged { part, found, expected }
}

#[cfg(test)]
mod tests {
    use zerocopy::IntoBytes;

    use super::*;
    use crate::message::expansion::{Field, Message};

    const SPSC: Terms = Terms {
        kind: Kind::Spsc,
        capacity: 8,
        senders: 1,
        receivers: 1,
        on_receiver_death: OnReceiverDeath::Redeliver,
        parking: Parking::Fenced,
    };

    /// What a program whose message is `message` finds in a segment for messages like `theirs`.
    fn checked(
        message: &'static Schema,
        theirs: &[u8],
        forge: impl FnOnce(&mut Header),
        read: impl FnOnce(u64, u64) -> Option<Vec<u8>>,
    ) -> Result<Layout, Refusal> {
        let shape = Shape::of::<u64>(SPSC, theirs.len() as u32);
        let layout = Layout::plan(shape).unwrap();
        let mut header = Header::new(&layout, theirs);
        header.state = READY;
        forge(&mut header);
        header.checksum = header.sum();
        let wanted = Wanted::default();
        let expected = Expected { message, key: None, schema: &message.encode(), shape, wanted };
        Header::check(header.as_bytes(), layout.len, &expected, read)
    }

    #[test]
    fn a_schema_that_is_too_long_is_not_even_read() {
        let ours = u64::SCHEMA.encode();
        let same = |_, _| Some(ours.clone());
        assert!(checked(u64::SCHEMA, &ours, |_| (), same).is_ok());
        for len in [MAX_ENCODED as u64 + 1, u64::from(u32::MAX), u64::MAX] {
            let refusal = checked(
                u64::SCHEMA,
                &ours,
                |header| header.schema_len = len,
                |_, _| panic!("{len} bytes were read"),
            );
            let expected = damaged("schema length", format!("{len} bytes"), "at most 65536 bytes".into());
            assert_eq!(refusal, Err(expected));
        }
        let forge = |header: &mut Header| header.schema_len = MAX_ENCODED as u64;
        let refusal = checked(u64::SCHEMA, &ours, forge, |_, _| None);
        let expected = damaged("schema length", "65536 bytes".into(), "no more than the segment has".into());
        assert_eq!(refusal, Err(expected), "as long as it may be, and not there");
    }

    #[test]
    fn a_capacity_that_no_channel_can_have_is_named() {
        let ours = u64::SCHEMA.encode();
        for capacity in [0, MAX_CAPACITY + 1, u64::MAX] {
            let forge = |header: &mut Header| header.capacity = capacity;
            let refusal = checked(u64::SCHEMA, &ours, forge, |_, _| Some(ours.clone()));
            let expected = damaged("capacity", capacity.to_string(), "1 to 2147483648".into());
            assert_eq!(refusal, Err(expected));
        }
    }

    #[test]
    fn a_kind_that_is_not_known_is_another_kind_whatever_it_has_in_the_reserved_bytes() {
        let ours = u64::SCHEMA.encode();
        let found = |kind| {
            let forge = |header: &mut Header| (header.kind, header.reserved[0]) = (kind, 1);
            checked(u64::SCHEMA, &ours, forge, |_, _| Some(ours.clone()))
        };
        let expected = Kind::Spsc.with_article();
        assert_eq!(found(9), Err(Refusal::Kind { found: "a channel of kind 9".into(), expected }));
        let known = found(Kind::Spsc.code());
        assert!(matches!(known, Err(Refusal::Damaged { part: "reserved bytes", .. })), "{known:?}");
    }

    /// `Message` can be implemented without the derive, and then a schema may be one that no decoder takes.
    #[test]
    fn a_schema_of_our_own_that_cannot_be_decoded_is_compared_all_the_same() {
        const PACKED: &Schema = &const {
            Schema::structure(
                "G",
                0,
                [5, 1],
                &const { [Field::new("v", 0, u8::SCHEMA), Field::new("w", 1, u32::SCHEMA)] },
            )
        };
        assert!(SchemaTree::decode(&PACKED.encode()).is_err());
        let theirs = u64::SCHEMA.encode();
        let refusal = checked(PACKED, &theirs, |_| (), |_, _| Some(theirs.clone()));
        assert!(matches!(refusal, Err(Refusal::Type { .. })), "{refusal:?}");
    }
}
