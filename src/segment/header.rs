//! The first 256 bytes of a segment, and what is checked before anything behind them is believed.
//!
//! All numbers are little-endian. Offsets are from the start of the segment, which in a named map is the
//! start of its data area.
//!
//! | byte | bytes | field | meaning |
//! |---|---|---|---|
//! | 0 | 8 | `magic` | `RWSEGMNT` |
//! | 8 | 4 | `version` | format version, 1 |
//! | 12 | 4 | `header_len` | 256 |
//! | 16 | 8 | `state` | `RW_READY` once every part is in place (the only field that changes) |
//! | 24 | 8 | `checksum` | FNV-1a, 64 bits, of the 256 bytes with `state` and `checksum` as zero |
//! | 32 | 8 | `len` | bytes of the whole segment |
//! | 40 | 4 | `kind` | 1: ring |
//! | 44 | 4 | `form` | 1: stamped, 2: indexed |
//! | 48 | 4 | `senders` | records of the sending side; 1: a sole side |
//! | 52 | 4 | `receivers` | records of the receiving side; 1: a sole side |
//! | 56 | 8 | `capacity` | slots |
//! | 64 | 8 | `stride` | bytes from one slot to the next |
//! | 72 | 8 | `payload_offset` | bytes from the start of a slot to its message |
//! | 80 | 8 | `message_size` | bytes of a message |
//! | 88 | 8 | `message_align` | alignment of a message |
//! | 96 | 8 | `schema_offset` | where the schema starts |
//! | 104 | 8 | `schema_len` | bytes of the schema |
//! | 112 | 8 | `roster_offset` | where the roster starts |
//! | 120 | 8 | `control_offset` | where the control lines start |
//! | 128 | 8 | `slots_offset` | where the slots start |
//! | 136 | 16 | `fingerprint` | FNV-1a, 128 bits, of the schema's bytes |
//! | 152 | 104 | `reserved` | zero |

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::layout::{Layout, MAX_CAPACITY, Shape};
use crate::fnv::{fnv1a_64, fnv1a_128};
use crate::message::encode::MAX_ENCODED;
use crate::message::{Schema, SchemaTree, first_difference};
use crate::protocol::lifecycle::READY;
use crate::protocol::ring::Form;

pub(crate) const HEADER_LEN: usize = 256;
const MAGIC: [u8; 8] = *b"RWSEGMNT";
const VERSION: u32 = 1;
const KIND_RING: u32 = 1;

/// The header as it lies in memory.
#[derive(Clone, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct Header {
    magic: [u8; 8],
    version: u32,
    header_len: u32,
    state: u64,
    checksum: u64,
    len: u64,
    kind: u32,
    form: u32,
    senders: u32,
    receivers: u32,
    capacity: u64,
    stride: u64,
    payload_offset: u64,
    message_size: u64,
    message_align: u64,
    schema_offset: u64,
    schema_len: u64,
    roster_offset: u64,
    control_offset: u64,
    slots_offset: u64,
    fingerprint: [u8; 16],
    reserved: [u8; 104],
}

const _: () = {
    use std::mem::offset_of;
    assert!(offset_of!(Header, magic) == 0);
    assert!(offset_of!(Header, version) == 8);
    assert!(offset_of!(Header, header_len) == 12);
    assert!(offset_of!(Header, state) == STATE_OFFSET);
    assert!(offset_of!(Header, checksum) == 24);
    assert!(offset_of!(Header, len) == 32);
    assert!(offset_of!(Header, kind) == 40);
    assert!(offset_of!(Header, form) == 44);
    assert!(offset_of!(Header, senders) == 48);
    assert!(offset_of!(Header, receivers) == 52);
    assert!(offset_of!(Header, capacity) == 56);
    assert!(offset_of!(Header, stride) == 64);
    assert!(offset_of!(Header, payload_offset) == 72);
    assert!(offset_of!(Header, message_size) == 80);
    assert!(offset_of!(Header, message_align) == 88);
    assert!(offset_of!(Header, schema_offset) == 96);
    assert!(offset_of!(Header, schema_len) == 104);
    assert!(offset_of!(Header, roster_offset) == 112);
    assert!(offset_of!(Header, control_offset) == 120);
    assert!(offset_of!(Header, slots_offset) == 128);
    assert!(offset_of!(Header, fingerprint) == 136);
    assert!(offset_of!(Header, reserved) == 152);
    assert!(size_of::<Header>() == HEADER_LEN);
};

pub(crate) const STATE_OFFSET: usize = 16;

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
}

/// What an attach asks for.
#[derive(Clone, Debug)]
pub(crate) struct Expected<'a> {
    /// The program's own message type.
    pub(crate) message: &'static Schema,
    /// Its schema, encoded.
    pub(crate) schema: &'a [u8],
    /// The capacity, if the program insists on one.
    pub(crate) capacity: Option<u32>,
    /// The rest of the shape; its capacity is not looked at.
    pub(crate) shape: Shape,
}

impl Header {
    /// The header of a segment that is being formatted: complete but for its state.
    pub(crate) fn new(layout: &Layout, schema: &[u8]) -> Self {
        let shape = &layout.shape;
        let mut header = Self {
            magic: MAGIC,
            version: VERSION,
            header_len: HEADER_LEN as u32,
            state: 0,
            checksum: 0,
            len: layout.len,
            kind: KIND_RING,
            form: form_code(shape.form),
            senders: 1,
            receivers: 1,
            capacity: shape.capacity.into(),
            stride: shape.stride,
            payload_offset: shape.payload_offset,
            message_size: shape.message_size,
            message_align: shape.message_align,
            schema_offset: layout.schema,
            schema_len: shape.schema_len.into(),
            roster_offset: layout.roster,
            control_offset: layout.control,
            slots_offset: layout.slots,
            fingerprint: fnv1a_128(schema).to_le_bytes(),
            reserved: [0; 104],
        };
        header.checksum = header.sum();
        header
    }

    /// The checksum that this header should have.
    fn sum(&self) -> u64 {
        fnv1a_64(Self { state: 0, checksum: 0, ..self.clone() }.as_bytes())
    }

    /// Checks a private copy of a segment's start against what the program expects, in the order in which
    /// the answers make sense, and plans the segment anew from it. `schema` reads a range of the segment,
    /// which has `len` bytes; a range outside is `None`.
    pub(crate) fn check(
        bytes: &[u8],
        len: u64,
        expected: &Expected<'_>,
        schema: impl FnOnce(u64, u64) -> Option<Vec<u8>>,
    ) -> Result<Layout, Refusal> {
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
        if header.reserved != [0; 104] {
            return Err(damaged("reserved bytes", "some that are not zero".into(), "zero".into()));
        }
        header.check_kind()?;
        header.check_schema(expected, schema)?;
        header.check_layout(len, expected)
    }

    fn check_kind(&self) -> Result<(), Refusal> {
        let found = (self.kind, self.senders, self.receivers);
        if found == (KIND_RING, 1, 1) {
            return Ok(());
        }
        let found = match found {
            (KIND_RING, senders, receivers) => format!("a ring for {senders} senders, {receivers} receivers"),
            (kind, ..) => format!("a channel of kind {kind}"),
        };
        Err(Refusal::Kind { found, expected: "an spsc channel".into() })
    }

    fn check_schema(
        &self,
        expected: &Expected<'_>,
        read: impl FnOnce(u64, u64) -> Option<Vec<u8>>,
    ) -> Result<(), Refusal> {
        is("schema offset", self.schema_offset, HEADER_LEN as u64)?;
        if self.schema_len > MAX_ENCODED as u64 {
            let found = format!("{} bytes", self.schema_len);
            return Err(damaged("schema length", found, format!("at most {MAX_ENCODED} bytes")));
        }
        let Some(schema) = read(self.schema_offset, self.schema_len) else {
            let found = format!("{} bytes", self.schema_len);
            return Err(damaged("schema length", found, "no more than the segment has".into()));
        };
        let (found, sum) = (u128::from_le_bytes(self.fingerprint), fnv1a_128(&schema));
        if found != sum {
            return Err(damaged("schema fingerprint", format!("{found:#034x}"), format!("{sum:#034x}")));
        }
        if schema == expected.schema {
            return Ok(());
        }
        let theirs = SchemaTree::decode(&schema)
            .map_err(|error| damaged("schema", error.to_string(), "a schema of format version 1".into()))?;
        let difference = match first_difference(&expected.message.tree(), &theirs) {
            Some(difference) => difference.to_string(),
            None => "the encodings differ, the fields do not".into(),
        };
        Err(Refusal::Type { difference })
    }

    fn check_layout(&self, len: u64, expected: &Expected<'_>) -> Result<Layout, Refusal> {
        if self.capacity == 0 || self.capacity > MAX_CAPACITY {
            return Err(damaged("capacity", self.capacity.to_string(), format!("1 to {MAX_CAPACITY}")));
        }
        let wanted = expected.capacity.map_or(self.capacity, u64::from);
        if self.capacity != wanted {
            return Err(Refusal::Capacity { found: self.capacity, expected: wanted });
        }
        let shape =
            Shape { capacity: self.capacity as u32, schema_len: self.schema_len as u32, ..expected.shape };
        is("form", self.form, form_code(shape.form))?;
        is("stride", self.stride, shape.stride)?;
        is("payload offset", self.payload_offset, shape.payload_offset)?;
        is("message size", self.message_size, shape.message_size)?;
        is("message alignment", self.message_align, shape.message_align)?;
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

fn form_code(form: Form) -> u32 {
    match form {
        Form::Stamped => 1,
        Form::Indexed => 2,
    }
}

fn is<N: PartialEq + ToString>(part: &'static str, found: N, expected: N) -> Result<(), Refusal> {
    if found == expected {
        return Ok(());
    }
    Err(damaged(part, found.to_string(), expected.to_string()))
}

fn damaged(part: &'static str, found: String, expected: String) -> Refusal {
    Refusal::Damaged { part, found, expected }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::{assert_fields, assert_values, fields};
    use crate::message::expansion::{Field, Message};

    #[test]
    fn the_document_has_every_field_of_the_header_at_its_byte() {
        let fields = fields!(Header: magic version header_len state checksum len kind form senders receivers
            capacity stride payload_offset message_size message_align schema_offset schema_len roster_offset
            control_offset slots_offset fingerprint reserved);
        assert_fields("docs/format.md", "Segment header", &fields, size_of::<Header>());
    }

    #[test]
    fn the_document_has_the_constants_of_the_header() {
        let text = |bytes: [u8; 8]| String::from_utf8(bytes.to_vec()).unwrap();
        let values = [
            ("segment magic", text(MAGIC)),
            ("segment format version", VERSION.to_string()),
            ("segment state ready", text(READY.to_le_bytes())),
            ("kind ring", KIND_RING.to_string()),
            ("form stamped", form_code(Form::Stamped).to_string()),
            ("form indexed", form_code(Form::Indexed).to_string()),
            ("most messages", MAX_CAPACITY.to_string()),
        ];
        assert_values("docs/format.md", "Constants", &values);
    }

    /// What a program whose message is `message` finds in a segment for messages like `theirs`.
    fn checked(
        message: &'static Schema,
        theirs: &[u8],
        forge: impl FnOnce(&mut Header),
        read: impl FnOnce(u64, u64) -> Option<Vec<u8>>,
    ) -> Result<Layout, Refusal> {
        let shape = Shape::of::<u64>(8, theirs.len() as u32);
        let layout = Layout::plan(shape).unwrap();
        let mut header = Header::new(&layout, theirs);
        header.state = READY;
        forge(&mut header);
        header.checksum = header.sum();
        let expected = Expected { message, schema: &message.encode(), capacity: None, shape };
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
