//! The first 256 bytes of a segment; `check` reads them.
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
//! | 40 | 4 | `kind` | 1: spsc, 2: mpsc, 3: spmc, 4: mpmc, 5: cell, 6: table, 7: keyed table |
//! | 44 | 4 | `form` | 1: stamped, 2: indexed; 0 of cells |
//! | 48 | 4 | `senders` | records of the sending side: 1 of a sole side, else 1 to 254; of cells one for each |
//! | 52 | 4 | `receivers` | records of the receiving side, likewise; 0 of cells |
//! | 56 | 8 | `capacity` | slots, or cells |
//! | 64 | 8 | `stride` | bytes from one slot, or cell, to the next |
//! | 72 | 8 | `payload_offset` | bytes from the start of a slot to its message, or of a cell to its first slot |
//! | 80 | 8 | `message_size` | bytes of a message |
//! | 88 | 8 | `message_align` | alignment of a message |
//! | 96 | 8 | `schema_offset` | where the schema starts |
//! | 104 | 8 | `schema_len` | bytes of the schema |
//! | 112 | 8 | `roster_offset` | where the roster starts |
//! | 120 | 8 | `control_offset` | where the control lines start |
//! | 128 | 8 | `slots_offset` | where the slots, or cells, start |
//! | 136 | 16 | `fingerprint` | FNV-1a, 128 bits, of the bytes of the schema, and of the key's behind it |
//! | 152 | 4 | `on_receiver_death` | 0: redeliver, 1: discard; 0 of spsc and of cells |
//! | 156 | 4 | `cell_slots` | slots of a cell; from here on 0 of rings |
//! | 160 | 8 | `cell_slot_stride` | bytes from one slot of a cell to the next |
//! | 168 | 8 | `key_offset` | bytes from the start of a cell to its key's state; from here on 0 if there are no keys |
//! | 176 | 8 | `key_size` | bytes of a key |
//! | 184 | 8 | `key_align` | alignment of a key |
//! | 192 | 4 | `key_schema_len` | bytes of the key's schema |
//! | 196 | 4 | `parking` | 0: never, 1: fenced, 2: asymmetric |
//! | 200 | 56 | `reserved` | zero |

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::kind::{on_receiver_death_code, parking_code};
use super::layout::Layout;
use crate::fnv::{fnv1a_64, fnv1a_128};
use crate::protocol::ring::Form;

pub(crate) const HEADER_LEN: usize = 256;
pub(super) const MAGIC: [u8; 8] = *b"RWSEGMNT";
pub(super) const VERSION: u32 = 1;

/// The header as it lies in memory.
#[derive(Clone, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct Header {
    pub(super) magic: [u8; 8],
    pub(super) version: u32,
    pub(super) header_len: u32,
    pub(super) state: u64,
    pub(super) checksum: u64,
    pub(super) len: u64,
    pub(super) kind: u32,
    pub(super) form: u32,
    pub(super) senders: u32,
    pub(super) receivers: u32,
    pub(super) capacity: u64,
    pub(super) stride: u64,
    pub(super) payload_offset: u64,
    pub(super) message_size: u64,
    pub(super) message_align: u64,
    pub(super) schema_offset: u64,
    pub(super) schema_len: u64,
    pub(super) roster_offset: u64,
    pub(super) control_offset: u64,
    pub(super) slots_offset: u64,
    pub(super) fingerprint: [u8; 16],
    pub(super) on_receiver_death: u32,
    pub(super) cell_slots: u32,
    pub(super) cell_slot_stride: u64,
    pub(super) key_offset: u64,
    pub(super) key_size: u64,
    pub(super) key_align: u64,
    pub(super) key_schema_len: u32,
    pub(super) parking: u32,
    pub(super) reserved: [u8; RESERVED],
}

/// Bytes that are not used yet.
pub(super) const RESERVED: usize = 56;

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
    assert!(offset_of!(Header, on_receiver_death) == 152);
    assert!(offset_of!(Header, cell_slots) == 156);
    assert!(offset_of!(Header, cell_slot_stride) == 160);
    assert!(offset_of!(Header, key_offset) == 168);
    assert!(offset_of!(Header, key_size) == 176);
    assert!(offset_of!(Header, key_align) == 184);
    assert!(offset_of!(Header, key_schema_len) == 192);
    assert!(offset_of!(Header, parking) == 196);
    assert!(offset_of!(Header, reserved) == 200);
    assert!(size_of::<Header>() == HEADER_LEN);
};

pub(crate) const STATE_OFFSET: usize = 16;

impl Header {
    /// The header of a segment that is being formatted: complete but for its state. `schema` has the key's, if there
    /// is one, behind that of the message.
    pub(crate) fn new(layout: &Layout, schema: &[u8]) -> Self {
        let Layout { shape, .. } = layout;
        let terms = &shape.terms;
        let mut header = Self {
            magic: MAGIC,
            version: VERSION,
            header_len: HEADER_LEN as u32,
            state: 0,
            checksum: 0,
            len: layout.len,
            kind: terms.kind.code(),
            form: form_code(shape.form),
            senders: terms.senders,
            receivers: terms.receivers,
            capacity: terms.capacity.into(),
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
            on_receiver_death: on_receiver_death_code(terms.on_receiver_death),
            cell_slots: shape.cell.slots,
            cell_slot_stride: shape.cell.slot_stride,
            key_offset: shape.cell.key_offset,
            key_size: shape.cell.key.size,
            key_align: shape.cell.key.align,
            key_schema_len: shape.cell.key.schema_len,
            parking: parking_code(terms.parking),
            reserved: [0; RESERVED],
        };
        header.checksum = header.sum();
        header
    }

    /// The checksum that this header should have.
    pub(super) fn sum(&self) -> u64 {
        fnv1a_64(Self { state: 0, checksum: 0, ..self.clone() }.as_bytes())
    }
}

/// The number in the header; cells have no form.
pub(super) fn form_code(form: Option<Form>) -> u32 {
    match form {
        None => 0,
        Some(Form::Stamped) => 1,
        Some(Form::Indexed) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::{assert_fields, assert_values, fields};
    use crate::protocol::lifecycle::READY;
    use crate::segment::MAX_CAPACITY;

    #[test]
    fn the_document_has_every_field_of_the_header_at_its_byte() {
        let fields = fields!(Header: magic version header_len state checksum len kind form senders receivers
            capacity stride payload_offset message_size message_align schema_offset schema_len roster_offset
            control_offset slots_offset fingerprint on_receiver_death cell_slots cell_slot_stride key_offset
            key_size key_align key_schema_len parking reserved);
        assert_fields("docs/format.md", "Segment header", &fields, size_of::<Header>());
    }

    #[test]
    fn the_document_has_the_constants_of_the_header() {
        let text = |bytes: [u8; 8]| String::from_utf8(bytes.to_vec()).unwrap();
        let values = [
            ("segment magic", text(MAGIC)),
            ("segment format version", VERSION.to_string()),
            ("segment state ready", text(READY.to_le_bytes())),
            ("form stamped", form_code(Some(Form::Stamped)).to_string()),
            ("form indexed", form_code(Some(Form::Indexed)).to_string()),
            ("most messages", MAX_CAPACITY.to_string()),
        ];
        assert_values("docs/format.md", "Constants", &values);
    }
}
