//! What may travel, and how two programs agree on it.
//!
//! A [`Message`] is a plain value: fixed-width numbers in a layout that both sides know, all bytes of which
//! mean something, and the same thing in every process. `#[derive(Message)]` proves this about a type or
//! says, at the field, what to write instead.
//!
//! ```
//! use ringway::Message;
//!
//! #[derive(Message, Clone, Copy)]
//! #[repr(C)]
//! struct Tick {
//!     time_ns: u64,
//!     price: f64,
//!     size: u32,
//!     venue: u32,
//! }
//!
//! let layout = "Tick { time_ns: u64 @0, price: f64 @8, size: u32 @16, venue: u32 @20 } (24 bytes)";
//! assert_eq!(Tick::SCHEMA.to_string(), layout);
//! ```
//!
//! | not in a message | because | instead |
//! |---|---|---|
//! | `Box`, `String`, `Vec`, references, pointers | an address means nothing in another process | arrays, indices |
//! | `usize`, `isize` | the width differs between programs | `u64`, `i64` |
//! | padding | its bytes are uninitialised | a `_pad` field, in the place the error names |
//! | `bool`, `char`, enums | not all bit patterns are values | `#[message(checked)]` |
//! | `Option`, tuples, enums with fields, unions | Rust does not promise their layout, or which part is meant | a struct with a field that says which |
//!
//! A type with `#[message(checked)]` may have `bool`, `char`, and enums that are checked themselves. It is
//! [validated](Message::validate) at each receive, since the sender may be any program: what is invalid is an
//! error with the [path of the field](InvalidField), never undefined behaviour. A plain type pays nothing.
//!
//! What identifies a type is its [schema](Schema): the stable name, which is the identifier or what
//! `#[message(name = "md.Tick", version = 2)]` says, and the layout, field by field and recursively. The Rust
//! path is no part of it, nor is a `const` parameter that changes no field. A segment stores the schema ([`encode`]), and its fingerprint is compared on open.

mod bits;
mod contract;
mod decode;
mod difference;
mod display;
pub mod encode;
#[doc(hidden)]
pub mod expansion;
mod impls;
mod invalid;
mod layout;
mod schema;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use bits::{bytes_of, validate_bits};
pub use contract::Message;
pub use decode::DecodeError;
pub use difference::{Difference, first_difference};
pub use invalid::InvalidField;
pub(crate) use layout::assert_layout;
pub use schema::{Primitive, Schema};
pub use tree::{ArrayTree, EnumTree, FieldTree, SchemaTree, StructTree, VariantTree};
