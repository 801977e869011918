//! The names that `derive(Message)` writes. Nothing here is for other use, or stable.

/// By this path, since a program may call another crate `core`.
pub use ::core;
pub use bytemuck::{CheckedBitPattern, NoUninit, Pod, Zeroable};

pub use super::bits::Bits;
pub use super::contract::Message;
pub use super::invalid::InvalidField;
pub use super::layout::{aligned, enum_layout, filled, no_padding, plain};
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

/// One type, whatever the words for it are. That it is one is what [`Itself`] says, which has one impl only.
#[diagnostic::on_unimplemented(
    message = "this is of type `{Self}` where the derive read `{T}`: if an attribute macro changes the type, put \
               the derive below it",
    label = "not what the derive read"
)]
pub trait Same<'a, T: ?Sized>: Itself<Type = T> {}
impl<T: ?Sized> Same<'_, T> for T {}

/// The type itself, as the compiler knows it.
pub trait Itself {
    /// `Self`.
    type Type: ?Sized;
}
impl<T: ?Sized> Itself for T {
    type Type = T;
}

/// Stands for the type of a field.
pub struct TypeOf<T>(core::marker::PhantomData<fn(T) -> T>);

/// The type of what is referred to: to be called where nothing expects another, to which a reference could be
/// coerced.
pub const fn type_of<T>(_: &T) -> TypeOf<T> {
    TypeOf(core::marker::PhantomData)
}

/// The check that a field is of the type `T` that the derive read.
pub const fn is_read_as<T, Found: for<'a> Same<'a, T>>(_: TypeOf<Found>) {}

/// Where the expansion says what holds for the definition of a type, whatever its parameters are. Nothing of it
/// is ever run: it compiles or it does not.
pub trait Definition {
    /// An error at compile time if the type is not `Copy`, or a field of a generic type is no message.
    const HOLDS: () = ();

    /// Takes the type apart: an error at compile time if it is not the one that the derive read.
    fn is_as_read(&self);
}

/// Whether `bits` are a valid `T`.
#[inline]
pub fn is_valid<T: Message, const N: usize>(bits: &Bits<T, N>) -> bool {
    T::validate(bits.bytes()).is_ok()
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
