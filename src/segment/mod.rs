//! The meaning of a channel's bytes: a versioned, self-describing block of shared memory.
//!
//! A segment is header, schema, roster, control lines, slots, in this order (`docs/format.md` has every
//! byte). It is planned (`layout`), formatted (`header`) and checked (`check`), and only then are its parts handed
//! out as references (`place`). Whoever attaches copies the header once, checks every field of the copy,
//! and works from its own plan afterwards: no offset or length is ever read from shared memory again.
//!
//! Who lives and who died is the kernel's word alone (`liveness`).

mod cell_place;
mod cells;
mod check;
mod content;
mod header;
mod kind;
mod layout;
mod liveness;
mod memory;
mod place;
mod survey;

pub(crate) use cell_place::{CellPlace, HeldCell};
pub(crate) use cells::{Key, Slots};
pub(crate) use check::{Expected, Refusal, Wanted};
pub(crate) use content::Content;
pub use kind::Kind;
pub(crate) use kind::{MAX_CELLS, MAX_RECORDS, Terms};
pub(crate) use layout::{Layout, MAX_CAPACITY, Shape};
pub(crate) use liveness::{Locks, now};
pub(crate) use memory::Memory;
pub(crate) use place::{INHERITED, Segment, formatter};
