//! The trait.
#![allow(unsafe_code)] // `Message` is a promise about bytes that the compiler cannot check

use super::{InvalidField, Schema};

/// A value that may travel between processes: fixed-width data, no padding, no addresses.
///
/// Implemented by `#[derive(Message)]` and, here, for `u8` to `u128`, `i8` to `i128`, `f32`, `f64`,
/// `bool`, `char` and arrays of messages. See [the module](super) for what is refused and why.
///
/// # Generic messages and bytemuck
///
/// A plain message that is not generic is also `bytemuck::Pod`, and a checked one is
/// `bytemuck::NoUninit + bytemuck::CheckedBitPattern`; the derive emits these impls, so do not derive them
/// as well. They are not supertraits, because a *generic* message cannot have them: whether
/// `Pair<A, B> { a: A, b: B }` has padding depends on `A` and `B` and is only known once both are chosen.
/// With an impl for all `A` and `B`, `bytemuck::bytes_of(&Pair { a: 1u8, b: 2u32 })` would be safe code that
/// reads padding. ringway itself evaluates [`LAYOUT`](Message::LAYOUT) for each instantiation that it
/// carries, so a generic message is as sound as any other there. A generic message gets `Pod` only where
/// its shape rules padding out for all parameters: all its fields are of one type, or arrays of it, it has no
/// `align`, and no attribute that the derive does not know, which might be a macro that adds one.
///
/// # What two programs compare
///
/// The [schema](Message::SCHEMA), and so only what shows in it: names, versions and the layout. A parameter that
/// changes no field, such as a `const` that stands for a unit or a kind, is no part of it: two instances are one
/// message to the other program. Give them different types, each with a `name`, if they must not be mixed up.
///
/// ```
/// # use ringway::Message;
/// #[derive(Message, Clone, Copy)]
/// #[repr(C)]
/// struct Id<const KIND: u32> {
///     value: u64,
/// }
/// assert_eq!(Id::<1>::SCHEMA.fingerprint(), Id::<2>::SCHEMA.fingerprint());
///
/// #[derive(Message, Clone, Copy)]
/// #[message(name = "md.OrderId")]
/// #[repr(transparent)]
/// struct OrderId(Id<1>);
///
/// #[derive(Message, Clone, Copy)]
/// #[message(name = "md.TradeId")]
/// #[repr(transparent)]
/// struct TradeId(Id<2>);
/// assert_ne!(OrderId::SCHEMA.fingerprint(), TradeId::SCHEMA.fingerprint());
/// ```
///
/// # Safety
///
/// If `LAYOUT` evaluates, then for `Self`:
///
/// 1. each of its `size_of::<Self>()` bytes is initialised in each value (no padding);
/// 2. no value holds an address or anything else that means something in one process only, and there is no
///    interior mutability;
/// 3. [`validate`](Message::validate) returns `Ok` only for bytes that are a valid value, and if `CHECKED`
///    is `false`, all bytes are;
/// 4. `SCHEMA` describes the layout truly.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel in shared memory, because it is not a `Message`",
    label = "not a `Message`",
    note = "a message is made of u8 to u128, i8 to i128, f32, f64, arrays, and structs with \
            `#[derive(Message)]`; `bool`, `char` and enums with `#[derive(Message)]` may stand in a struct \
            with `#[message(checked)]`",
    note = "instead of usize and isize use u64 and i64; instead of a NonZero type use the plain integer; a \
            PhantomData can be left out, or its type parameter given to a wrapper that is not sent"
)]
pub unsafe trait Message: Copy + Send + Sync + 'static {
    /// What the layout is: names, types, offsets, sizes.
    const SCHEMA: &'static Schema;

    /// Whether some bit patterns are no valid value, so that each receive calls [`validate`](Message::validate).
    const CHECKED: bool;

    /// The proof that there is no padding and nothing unchecked: an error at compile time where it does not
    /// hold. For a generic message it is evaluated per instantiation, by whoever touches its bytes.
    const LAYOUT: ();

    /// Whether `bytes`, in this machine's byte order and at any alignment, are a valid value; if not, which
    /// field is the first that is invalid. Does nothing, and compiles to nothing, for a plain message.
    ///
    /// # Errors
    ///
    /// [`InvalidField`] with the path of the field, the value found and the type expected.
    ///
    /// # Panics
    ///
    /// May panic if `bytes` is not `size_of::<Self>()` bytes long.
    fn validate(bytes: &[u8]) -> Result<(), InvalidField>;
}
