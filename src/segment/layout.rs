//! Where every part of a segment lies: computed from its shape, never read from shared memory.

use super::cells::CellShape;
use super::content::Content;
use super::header::HEADER_LEN;
use super::kind::Terms;
use crate::message::Message;
use crate::protocol::ring::{Control, Form};
use crate::protocol::roster::Record;

/// Most messages a channel can hold: positions are counted in slots of 32 bits.
pub(crate) const MAX_CAPACITY: u64 = 1 << 31;

/// Bytes of a cache line.
pub(super) const LINE: usize = 64;
/// Roster, control lines and slots start at a multiple of this: two lines, as prefetchers pull them.
const PART_ALIGN: u64 = 128;

/// What a segment has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) terms: Terms,
    pub(crate) schema_len: u32,
    pub(crate) stride: u64,
    pub(crate) payload_offset: u64,
    pub(crate) message_size: u64,
    pub(crate) message_align: u64,
    /// Of a ring.
    pub(crate) form: Option<Form>,
    /// Of cells; of a ring all zero.
    pub(crate) cell: CellShape,
}

impl Shape {
    /// The shape of a ring of these terms.
    pub(crate) fn of<T: Message>(terms: Terms, schema_len: u32) -> Self {
        Self::of_ring(Content::of::<T>(), terms, schema_len)
    }

    /// The same, of messages of that size and alignment.
    pub(super) fn of_ring(content: Content, terms: Terms, schema_len: u32) -> Self {
        Self {
            terms,
            schema_len,
            stride: content.stride(terms.kind) as u64,
            payload_offset: content.payload_offset(terms.kind) as u64,
            message_size: content.size() as u64,
            message_align: content.align() as u64,
            form: Some(content.form(terms.kind)),
            cell: CellShape::default(),
        }
    }

    /// Bytes of the schema, and of the key's behind it.
    pub(super) fn schemas_len(&self) -> u64 {
        u64::from(self.schema_len) + u64::from(self.cell.key.schema_len)
    }

    /// The largest alignment of what a slot or a cell holds.
    fn content_align(&self) -> u64 {
        self.message_align.max(self.cell.key.align)
    }

    /// Bytes of the control lines; cells have none.
    fn control_len(&self) -> u64 {
        if self.terms.kind.is_ring() { size_of::<Control>() as u64 } else { 0 }
    }

    /// Bytes of the roster: the senders' records, and behind them the receivers'.
    fn roster_len(&self) -> u64 {
        (u64::from(self.terms.senders) + u64::from(self.terms.receivers)) * size_of::<Record>() as u64
    }
}

/// Offsets of the parts from the start of the segment, and its length, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) shape: Shape,
    pub(crate) schema: u64,
    pub(crate) roster: u64,
    pub(crate) control: u64,
    pub(crate) slots: u64,
    pub(crate) len: u64,
}

impl Layout {
    /// Plans a segment; `None` if it has more bytes than a mapping can have.
    pub(crate) fn plan(shape: Shape) -> Option<Self> {
        let schema = HEADER_LEN as u64;
        let roster = align_up(schema.checked_add(shape.schemas_len())?, PART_ALIGN)?;
        let control = align_up(roster.checked_add(shape.roster_len())?, PART_ALIGN)?;
        let after = control.checked_add(shape.control_len())?;
        let slots = align_up(after, PART_ALIGN.max(shape.content_align()))?;
        let len = slots.checked_add(shape.stride.checked_mul(shape.terms.capacity.into())?)?;
        (len <= isize::MAX as u64).then_some(Self { shape, schema, roster, control, slots, len })
    }
}

fn align_up(offset: u64, align: u64) -> Option<u64> {
    offset.checked_next_multiple_of(align)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;
    use crate::protocol::gate::Parking;
    use crate::protocol::ring::OnReceiverDeath;
    use crate::segment::Kind;
    use crate::segment::cells::Key;

    const SPSC: Kind = Kind::Spsc;

    fn form<T: Message>(kind: Kind) -> Form {
        Content::of::<T>().form(kind)
    }

    fn stride<T: Message>(kind: Kind) -> usize {
        Content::of::<T>().stride(kind)
    }

    fn payload_offset<T: Message>(kind: Kind) -> usize {
        Content::of::<T>().payload_offset(kind)
    }

    fn terms(kind: Kind, capacity: u32, [senders, receivers]: [u32; 2]) -> Terms {
        Terms {
            kind,
            capacity,
            senders,
            receivers,
            on_receiver_death: OnReceiverDeath::Redeliver,
            parking: Parking::Fenced,
        }
    }

    #[test]
    fn a_message_that_fits_a_line_with_its_stamp_is_published_by_it() {
        assert_eq!(
            (form::<u8>(SPSC), stride::<u8>(SPSC), payload_offset::<u8>(SPSC)),
            (Form::Stamped, 16, 8)
        );
        assert_eq!(
            (form::<u64>(SPSC), stride::<u64>(SPSC), payload_offset::<u64>(SPSC)),
            (Form::Stamped, 16, 8)
        );
        assert_eq!((form::<[u64; 2]>(SPSC), stride::<[u64; 2]>(SPSC)), (Form::Stamped, 32));
        assert_eq!((form::<[u64; 3]>(SPSC), stride::<[u64; 3]>(SPSC)), (Form::Stamped, 32));
        assert_eq!((form::<[u64; 4]>(SPSC), stride::<[u64; 4]>(SPSC)), (Form::Stamped, 64));
        assert_eq!((form::<[u64; 7]>(SPSC), stride::<[u64; 7]>(SPSC)), (Form::Stamped, 64));
        assert_eq!(
            (form::<u128>(SPSC), stride::<u128>(SPSC), payload_offset::<u128>(SPSC)),
            (Form::Stamped, 32, 16)
        );
    }

    #[test]
    fn a_larger_message_is_published_by_index_in_slots_of_whole_lines() {
        assert_eq!((form::<[u64; 8]>(SPSC), stride::<[u64; 8]>(SPSC)), (Form::Indexed, 64));
        assert_eq!((form::<[u8; 57]>(SPSC), stride::<[u8; 57]>(SPSC)), (Form::Indexed, 64));
        assert_eq!((form::<[u64; 9]>(SPSC), stride::<[u64; 9]>(SPSC)), (Form::Indexed, 128));
        assert_eq!((form::<[u64; 128]>(SPSC), stride::<[u64; 128]>(SPSC)), (Form::Indexed, 1024));
    }

    #[test]
    fn a_message_of_any_size_is_published_by_its_stamp_where_a_side_is_shared() {
        for kind in [Kind::Mpsc, Kind::Spmc, Kind::Mpmc] {
            let small = (form::<u64>(kind), stride::<u64>(kind), payload_offset::<u64>(kind));
            assert_eq!(small, (Form::Stamped, 16, 8));
            type Large = [u64; 8];
            let large = (form::<Large>(kind), stride::<Large>(kind), payload_offset::<Large>(kind));
            assert_eq!(large, (Form::Stamped, 128, 8));
            assert_eq!((form::<[u8; 57]>(kind), stride::<[u8; 57]>(kind)), (Form::Stamped, 128));
        }
    }

    #[test]
    fn the_document_has_form_payload_offset_and_stride() {
        fn row<T: Message>(name: &str) -> Vec<String> {
            let mut row = vec![name.to_owned(), size_of::<T>().to_string(), align_of::<T>().to_string()];
            for kind in [SPSC, Kind::Mpmc] {
                row.push(format!("{:?}", form::<T>(kind)).to_lowercase());
                row.push(payload_offset::<T>(kind).to_string());
                row.push(stride::<T>(kind).to_string());
            }
            row
        }
        let rows = [
            row::<u8>("u8"),
            row::<u64>("u64"),
            row::<[u64; 2]>("[u64; 2]"),
            row::<[u64; 3]>("[u64; 3]"),
            row::<u128>("u128"),
            row::<[u64; 4]>("[u64; 4]"),
            row::<[u64; 7]>("[u64; 7]"),
            row::<[u128; 3]>("[u128; 3]"),
            row::<[u8; 57]>("[u8; 57]"),
            row::<[u64; 8]>("[u64; 8]"),
            row::<[u64; 9]>("[u64; 9]"),
        ];
        assert_eq!(crate::documents::table("docs/format.md", "Strides by example"), rows);
    }

    #[test]
    fn the_document_has_the_alignment_of_the_parts() {
        let values = [("alignment of parts", PART_ALIGN.to_string()), ("cache line", LINE.to_string())];
        crate::documents::assert_values("docs/format.md", "Constants", &values);
    }

    #[test]
    fn a_plan_that_no_mapping_can_hold_is_refused() {
        let mut shape = Shape::of::<u64>(terms(SPSC, 4, [1, 1]), 9);
        assert!(Layout::plan(shape).is_some());
        shape.stride = u64::MAX;
        assert_eq!(Layout::plan(shape), None);
        shape.stride = 1 << 62;
        assert_eq!(Layout::plan(shape), None);
    }

    #[derive(Message, Clone, Copy)]
    #[message(crate = crate)]
    #[repr(C, align(4096))]
    struct Page([u8; 4096]);

    #[test]
    fn the_slots_start_at_the_alignment_of_their_content() {
        let key = Some(Key::of::<Page>());
        let ring = Shape::of::<Page>(terms(Kind::Mpmc, 2, [1, 1]), 9);
        let cells = Shape::of_cells::<Page>(Kind::Table, 2, 9, None, Parking::Fenced);
        let keyed = Shape::of_cells::<u8>(Kind::KeyedTable, 2, 9, key, Parking::Fenced);
        for shape in [ring, cells, keyed] {
            assert_eq!(Layout::plan(shape).expect("it fits").slots % 4096, 0);
        }
    }

    #[test]
    fn no_two_parts_overlap_and_every_part_is_aligned() {
        let kinds = [(SPSC, [1, 1]), (Kind::Mpsc, [3, 1]), (Kind::Spmc, [1, 254]), (Kind::Mpmc, [254, 254])];
        for (kind, records) in kinds {
            for capacity in [1, 2, 3, 1000] {
                for schema_len in [1, 100, 127, 128, 129, 65_535] {
                    let shape = Shape::of::<[u64; 4]>(terms(kind, capacity, records), schema_len);
                    let plan = Layout::plan(shape).unwrap();
                    assert!(plan.schema + u64::from(schema_len) <= plan.roster);
                    let records = u64::from(records[0] + records[1]);
                    assert!(plan.roster + records * size_of::<Record>() as u64 <= plan.control);
                    assert!(plan.control + size_of::<Control>() as u64 <= plan.slots);
                    assert_eq!(plan.slots + u64::from(capacity) * 64, plan.len);
                    for part in [plan.roster, plan.control, plan.slots] {
                        assert_eq!(part % PART_ALIGN, 0);
                    }
                }
            }
        }
    }
}
