//! The parts of a segment as references: the one place where its bytes become atomics.

#![allow(unsafe_code, reason = "casts the checked parts of a mapping to the types that the protocols use")]

use std::ptr::NonNull;
use std::slice;
use std::sync::{Arc, OnceLock};

use zerocopy::IntoBytes;

use super::cell_place::CellPlace;
use super::check::{Expected, Refusal};
use super::header::{HEADER_LEN, Header, STATE_OFFSET};
use super::kind::Kind;
use super::layout::{Layout, Shape};
use super::memory::Memory;
use super::survey::Survey;
use crate::map::{ForkGuard, HeapRegion, Observed, Region, SharedMap};
use crate::message::SchemaTree;
use crate::protocol::gate::{Gate, Parking};
use crate::protocol::ring::{Control, Form, Ring};
use crate::protocol::roster::Record;
use crate::protocol::{Strided, lifecycle};
use crate::sync::{AtomicU64, crash_point, words};

/// What a forked child is told that uses what it inherited.
pub(crate) const INHERITED: &str = "this handle belongs to the process that forked this one, which does not have its \
    memory: open the channel or the cells in the child";

/// A segment that was formatted or checked here: its memory and where its parts lie.
///
/// Invariants: `base` is the start of `memory`; `layout` was planned by this process and lies inside it; `control` and
/// `slots` are where it says.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    base: NonNull<u8>,
    /// At hand, as the slots are: both are used for every message.
    control: NonNull<u8>,
    slots: NonNull<u8>,
    layout: Layout,
    /// Dropped before the memory, which makes its user present.
    doors: Arc<OnceLock<Option<Doors>>>,
    memory: Memory,
    /// The process that has the memory: a forked child does not.
    owner: ForkGuard,
}

/// Header and roster of a segment that is mapped for reading, mapped once more to be written: readers of cells sleep at
/// gates. Made when one first sleeps; `None` if it may not write there.
#[derive(Debug)]
struct Doors {
    region: Region,
    /// Bytes from the start of the region to the segment, which has its roster inside the region (invariant).
    offset: u64,
}

// SAFETY: what is behind it is only touched through atomics.
unsafe impl Send for Doors {}
// SAFETY: as above.
unsafe impl Sync for Doors {}

// SAFETY: what is behind the pointers is only touched through atomics, and by the slot owner that a protocol
// names; the memory itself is `Send + Sync`.
unsafe impl Send for Segment {}
// SAFETY: as above.
unsafe impl Sync for Segment {}

/// What writes a segment into the data area of a map that has no name yet: every part, and then the state
/// that says so. The map layer calls it with the first byte and the length of that area.
pub(crate) fn formatter<'a>(layout: &'a Layout, schema: &'a [u8]) -> impl FnMut(*mut u8, u64) + 'a {
    move |base, len| {
        // SAFETY: `len` zeroed, writable bytes, which nobody else can see while their file has no name.
        let bytes = unsafe { slice::from_raw_parts_mut(base, len as usize) };
        bytes[..HEADER_LEN].copy_from_slice(Header::new(layout, schema).as_bytes());
        crash_point("segment.format.after-header");
        bytes[layout.schema as usize..][..schema.len()].copy_from_slice(schema);
        // Roster, control lines and stamps are valid when all zero.
        assert!(layout.len <= len, "a segment of {} bytes in {len}", layout.len);
        crash_point("segment.format.before-state");
        let state = bytes[STATE_OFFSET..].as_mut_ptr().cast::<AtomicU64>();
        assert!(state.is_aligned());
        // SAFETY: aligned; inside the bytes, which are borrowed mutably; initialised.
        lifecycle::publish(unsafe { &*state });
    }
}

impl Segment {
    /// Formats a segment on the heap.
    pub(crate) fn on_heap(heap: HeapRegion, layout: Layout, schema: &[u8]) -> Self {
        formatter(&layout, schema)(heap.as_ptr(), heap.capacity());
        // SAFETY: `formatter` found room for the layout there.
        unsafe { Self::of(Memory::Heap(heap), layout) }
    }

    /// # Safety
    ///
    /// `layout` was planned by this process and lies inside `memory`.
    unsafe fn of(memory: Memory, layout: Layout) -> Self {
        let base = memory.base();
        // SAFETY: the caller's word.
        let part = |offset: u64| unsafe { base.add(offset as usize) };
        let (control, slots) = (part(layout.control), part(layout.slots));
        Self { base, control, slots, layout, memory, owner: ForkGuard::new(), doors: Arc::default() }
    }

    /// Borrows a segment that somebody formatted, if it is what the program expects.
    pub(crate) fn attach(map: SharedMap, expected: &Expected<'_>) -> Result<Self, Refusal> {
        Self::borrow(Memory::Map(map), |start, len, read| {
            let layout = Header::check(start, len, expected, read)?;
            Ok((layout, ()))
        })
        .map(|(segment, ())| segment)
    }

    /// Borrows a segment of any kind and any type; with its types.
    pub(crate) fn attach_any(map: SharedMap) -> Result<(Self, SchemaTree, Option<SchemaTree>), Refusal> {
        Self::survey(Memory::Map(map))
    }

    /// The same of one that is only looked at.
    pub(crate) fn observe(map: Arc<Observed>) -> Result<(Self, SchemaTree, Option<SchemaTree>), Refusal> {
        Self::survey(Memory::Observed(map))
    }

    fn survey(memory: Memory) -> Result<(Self, SchemaTree, Option<SchemaTree>), Refusal> {
        let (segment, (message, key)) = Self::borrow(memory, |start, len, read| {
            let Survey { layout, message, key } = Header::survey(start, len, read)?;
            Ok((layout, (message, key)))
        })?;
        Ok((segment, message, key))
    }

    /// Borrows a segment whose start `check` accepts and plans; it is given a copy of that, the length of the memory, and
    /// what reads a range.
    fn borrow<R>(
        memory: Memory,
        check: impl FnOnce(&[u8], u64, &dyn Fn(u64, u64) -> Option<Vec<u8>>) -> Result<(Layout, R), Refusal>,
    ) -> Result<(Self, R), Refusal> {
        let (base, len) = (memory.base(), memory.len());
        let copy = |offset: u64, count: u64| -> Option<Vec<u8>> {
            let end = offset.checked_add(count)?;
            if end > len {
                return None;
            }
            let mut bytes = vec![0; count as usize];
            let mut source = base.as_ptr().wrapping_add(offset as usize);
            // By parts that are too short for the crash points of a value.
            for part in bytes.chunks_mut(32) {
                // SAFETY: 1. `offset <= end <= len`, the mapping has `len` readable bytes, and is made of whole pages, so of
                // whole words; 2. the copy is private. A peer that follows the protocol does not write the header or the
                // schema after the segment has its name; of one that does not, only this copy is checked, and used.
                unsafe { words::load(source, part.as_mut_ptr(), part.len()) };
                source = source.wrapping_add(part.len());
            }
            Some(bytes)
        };
        if len >= HEADER_LEN as u64 {
            // SAFETY: inside the mapping, a multiple of 8 from a page boundary.
            let state = unsafe { base.as_ptr().add(STATE_OFFSET) }.cast::<AtomicU64>();
            // SAFETY: aligned and initialised; the word is only accessed atomically. The load orders the
            // copies below behind the formatting; `check` looks at the copy of the word.
            lifecycle::observe(unsafe { &*state });
        }
        let start = copy(0, len.min(HEADER_LEN as u64)).expect("the start of the mapping");
        let (layout, result) = check(&start, len, &copy)?;
        // SAFETY: the check is of this memory.
        Ok((unsafe { Self::of(memory, layout) }, result))
    }

    /// Where the segment lies.
    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// What it holds.
    pub(crate) fn shape(&self) -> &Shape {
        &self.layout.shape
    }

    /// Bytes of all of it.
    pub(crate) fn size(&self) -> u64 {
        self.layout.len
    }

    /// What it is.
    pub(crate) fn kind(&self) -> Kind {
        self.layout.shape.terms.kind
    }

    /// Whether those who wait may sleep.
    pub(crate) fn parking(&self) -> Parking {
        self.layout.shape.terms.parking
    }

    /// Slots of the ring, or cells.
    #[inline]
    pub(crate) fn capacity(&self) -> u32 {
        self.layout.shape.terms.capacity
    }

    /// Records of the sending side.
    pub(crate) fn max_senders(&self) -> u32 {
        self.layout.shape.terms.senders
    }

    /// Records of the receiving side.
    pub(crate) fn max_receivers(&self) -> u32 {
        self.layout.shape.terms.receivers
    }

    /// Who takes part as a sender.
    #[inline]
    pub(crate) fn senders(&self) -> &[Record] {
        let first = self.part(self.layout.roster).cast::<Record>();
        // SAFETY: the plan keeps so many records' bytes there, aligned to 128, inside the mapping; zero
        // bytes are valid records, which hold only atomics; `self` keeps the memory.
        unsafe { slice::from_raw_parts(first, self.max_senders() as usize) }
    }

    /// Who takes part as a receiver.
    #[inline]
    pub(crate) fn receivers(&self) -> &[Record] {
        let behind = u64::from(self.max_senders()) * size_of::<Record>() as u64;
        let first = self.part(self.layout.roster + behind).cast::<Record>();
        // SAFETY: as in `senders`: the plan keeps these records behind those.
        unsafe { slice::from_raw_parts(first, self.max_receivers() as usize) }
    }

    /// Where readers of a cell sleep; `None` if this process may not write there.
    ///
    /// # Panics
    ///
    /// If there is no such cell.
    pub(crate) fn cell_gate(&self, index: u32) -> Option<&Gate> {
        let record = &self.senders()[index as usize];
        match &self.memory {
            Memory::Observed(_) => None,
            Memory::Map(map) if !map.is_writable() => {
                let Layout { roster, shape, .. } = &self.layout;
                let end = roster + u64::from(shape.terms.senders) * size_of::<Record>() as u64;
                let open = || map.map_start_to_write(end).map(|(region, offset)| Doors { region, offset });
                let Doors { region, offset } = self.doors.get_or_init(open).as_ref()?;
                let at = offset + roster + u64::from(index) * size_of::<Record>() as u64;
                let record = region.as_ptr().wrapping_add(at as usize).cast::<Record>();
                // SAFETY: as in `senders`: of the records that the plan keeps there this one is inside the region
                // (invariant), aligned as a page-aligned region and the plan have it; `self` keeps the region.
                Some(unsafe { &(*record).gate })
            }
            Memory::Map(_) | Memory::Heap(_) => Some(&record.gate),
        }
    }

    /// The ring in place. That the caller says what the layout says lets the compiler know it.
    ///
    /// # Safety
    ///
    /// `form`, `kind` and `stride` are those of the layout.
    #[inline]
    pub(crate) unsafe fn ring(&self, form: Form, kind: Kind, stride: usize) -> Ring<'_> {
        let Shape { terms, form: planned, stride: bytes, .. } = self.layout.shape;
        debug_assert_eq!((Some(form), kind, stride as u64), (planned, terms.kind, bytes));
        let control = self.control.cast::<Control>();
        // SAFETY: the plan keeps the control lines there, aligned to 128, inside the mapping; zero bytes are
        // valid, it holds only atomics; `self` keeps the memory.
        let control = unsafe { control.as_ref() };
        let stamps = match form {
            Form::Stamped => {
                // SAFETY: 1. each slot starts with its stamp: `capacity` slots, `stride` bytes apart, lie
                // inside the mapping, aligned to 16 or more; zero bytes are a valid stamp; `self` keeps the
                // memory. 2. A payload starts behind the stamp, so nothing else touches these words.
                unsafe { Strided::new(self.slots, stride, self.capacity()) }
            }
            Form::Indexed => Strided::none(),
        };
        Ring {
            control,
            stamps,
            capacity: self.capacity(),
            form,
            senders: self.senders(),
            receivers: self.receivers(),
            rules: self.layout.shape.terms.rules(kind),
        }
    }

    /// Copies the message in a slot of a ring, which others may be writing meanwhile: then any mixture.
    ///
    /// # Panics
    ///
    /// If there is no such slot, or `message` has another length; in a forked child.
    pub(crate) fn copy_slot(&self, slot: u32, message: &mut [u8]) {
        self.assert_ours();
        let shape = &self.layout.shape;
        assert!(shape.form.is_some() && slot < self.capacity(), "slot {slot} of {}", self.capacity());
        assert_eq!(message.len() as u64, shape.message_size);
        let offset = u64::from(slot) * shape.stride + shape.payload_offset;
        let from = self.slots.as_ptr().wrapping_add(offset as usize);
        // SAFETY: 1. so many bytes of a slot lie there (the plan), in whole words of the segment. Senders may store them
        // plainly, of this process or another: to the processor that is a mixture, which the caller throws away
        // (docs/limitations.md); 2. the copy is private.
        unsafe { words::load(from, message.as_mut_ptr(), message.len()) }
    }

    /// Whether this process has the memory: not in a forked child.
    #[inline]
    pub(crate) fn is_ours(&self) -> bool {
        self.owner.may_be_ours()
    }

    /// # Panics
    ///
    /// In a forked child.
    #[inline]
    #[track_caller]
    pub(crate) fn assert_ours(&self) {
        assert!(self.is_ours(), "{INHERITED}");
    }

    /// The ring in place, for those who are in no hurry and know neither its form nor its kind.
    ///
    /// # Panics
    ///
    /// In a forked child.
    #[track_caller]
    pub(crate) fn any_ring(&self) -> Ring<'_> {
        self.assert_ours();
        let shape = &self.layout.shape;
        let form = shape.form.expect("the segment has a ring");
        // SAFETY: they are its own.
        unsafe { self.ring(form, shape.terms.kind, shape.stride as usize) }
    }

    /// The cell of that number, of a segment that has cells.
    ///
    /// # Panics
    ///
    /// If there is no such cell; in a forked child.
    #[inline]
    #[track_caller]
    pub(crate) fn cell(&self, index: u32) -> CellPlace<'_> {
        self.assert_ours();
        assert!(index < self.capacity(), "cell {index} of a table of {}", self.capacity());
        debug_assert!(!self.layout.shape.terms.kind.is_ring());
        let offset = u64::from(index) * self.layout.shape.stride;
        // SAFETY: the plan keeps so many cells inside the memory.
        let start = unsafe { self.slots.add(offset as usize) };
        CellPlace { start, shape: &self.layout.shape }
    }

    /// The start of the first slot.
    #[inline]
    pub(crate) fn slots(&self) -> NonNull<u8> {
        self.slots
    }

    #[inline]
    fn part(&self, offset: u64) -> *mut u8 {
        // SAFETY: every offset of the layout lies inside the memory (invariants).
        unsafe { self.base.as_ptr().add(offset as usize) }
    }
}
