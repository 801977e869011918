//! The names that `derive(Message)` writes. Nothing here is for other use, or stable.

pub use bytemuck::{CheckedBitPattern, NoUninit, Pod, Zeroable};

pub use super::bits::Bits;
pub use super::contract::Message;
pub use super::invalid::InvalidField;
pub use super::layout::{no_padding, plain};
pub use super::schema::{Field, Primitive, Schema, Variant};

/// The bounds of an impl that is emitted whether or not they hold: a lifetime makes the compiler look only
/// where the impl is used. So what is missing is told once, by the check made for it, and not by each impl.
pub trait IsMessage<'a>: Message {}
impl<T: Message> IsMessage<'_> for T {}

/// `Copy`, by a name that can carry the sentence.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not `Copy`, and a message is copied byte for byte and never dropped: add \
               `#[derive(Clone, Copy)]` and remove any `Drop` impl",
    label = "not `Copy`"
)]
pub trait Copied {}

#[diagnostic::do_not_recommend]
impl<T: Copy> Copied for T {}

/// The check that a message is `Copy`.
pub const fn copied<T: Copied>() {}

/// As [`IsMessage`], for `Copy`.
pub trait IsCopy<'a>: Copy {}
impl<T: Copy> IsCopy<'_> for T {}

/// As [`IsMessage`], for `Pod`.
pub trait IsPod<'a>: Pod {}
impl<T: Pod> IsPod<'_> for T {}

/// Where the expansion for a generic type says that the fields are messages whatever the parameters are.
pub trait Fields {
    /// An error at compile time if one is not.
    const ARE_MESSAGES: ();
}

/// Validates the field `name` at `offset` of the message in `bytes`.
///
/// # Errors
///
/// The field, or a field in it, is invalid.
///
/// # Panics
///
/// The field is not inside `bytes`.
#[inline]
pub fn validate_field<T: Message>(bytes: &[u8], offset: usize, name: &str) -> Result<(), InvalidField> {
    if !T::CHECKED {
        return Ok(());
    }
    T::validate(&bytes[offset..offset + size_of::<T>()]).map_err(|invalid| invalid.in_field(name))
}
