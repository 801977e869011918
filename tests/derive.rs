//! What `derive(Message)` accepts, and what it makes of it.
#![cfg(not(loom))]

use bytemuck::{CheckedBitPattern, NoUninit, Pod};
use ringway::Message;
use ringway::message::SchemaTree;

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Level {
    price: f64,
    size: u32,
    orders: u32,
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[message(name = "md.Book", version = 3)]
#[repr(C)]
struct Book {
    bids: [Level; 2],
    asks: [[Level; 2]; 1],
    number: u128,
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Ring<T, const N: usize> {
    items: [T; N],
    last: T,
}

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Pair<A: Message, B> {
    a: A,
    b: B,
}

#[derive(Message, Clone, Copy)]
#[repr(C, align(64))]
struct Line {
    word: u64,
    _pad: [u8; 56],
}

#[derive(Message, Clone, Copy)]
#[repr(C)]
#[repr(align(4096))]
struct Page([u8; 4096]);

#[derive(Message, Clone, Copy)]
#[repr(transparent)]
struct Metres(f64);

#[derive(Message, Clone, Copy)]
#[repr(transparent)]
struct Wrapper<T>(T)
where
    T: Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Ping;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Nothing {}

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Tuple(u32, [u16; 2], Ping);

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[message(checked)]
#[repr(u8)]
enum Side {
    Buy = 1,
    Sell,
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[message(checked, version = 7)]
#[repr(u16)]
enum Venue {
    Here = 0x102,
    r#There = 0,
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[message(checked)]
#[repr(u32)]
enum Wide {
    Low,
    High = u32::MAX,
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[message(checked)]
#[repr(C)]
struct Flags {
    on: [bool; 2],
    side: Side,
    _pad: u8,
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[message(checked)]
#[repr(C)]
struct Order {
    letter: char,
    wide: Wide,
    venue: Venue,
    plain: u16,
    flags: [Flags; 2],
}

#[derive(Message, Clone, Copy)]
#[message(checked)]
#[repr(C)]
struct Maybe<T> {
    value: T,
    present: [bool; 8],
}

/// A program may use the names that the expansion needs for itself.
mod shadowed {
    #![allow(non_camel_case_types, dead_code)]
    struct u8;
    struct bool;
    struct Result;
    struct Ok;
    mod core {}
    mod std {}

    #[derive(ringway::Message, Clone, Copy)]
    #[repr(C)]
    pub(crate) struct r#Type {
        pub(crate) r#fn: u32,
    }

    #[derive(ringway::Message, Clone, Copy)]
    #[message(checked)]
    #[repr(C)]
    pub(crate) struct Checked {
        pub(crate) value: u32,
    }
}

/// A program may have methods of its own on all types, of any name, that come before ours.
mod hijacked {
    #![allow(dead_code, clippy::wrong_self_convention)]
    pub(crate) trait Evil: Sized {
        fn is_ok(self) -> bool {
            true
        }
        fn bytes(self) -> &'static [u8] {
            &[1]
        }
        fn validate(self) -> Result<(), ()> {
            Ok(())
        }
        fn map_err(self) -> Result<(), ()> {
            Ok(())
        }
    }
    impl<T> Evil for T {}

    #[derive(ringway::Message, Clone, Copy, Debug, PartialEq)]
    #[message(checked)]
    #[repr(u8)]
    pub(crate) enum Side {
        Bits = 1,
        Sell = 2,
    }

    #[derive(ringway::Message, Clone, Copy, Debug, PartialEq)]
    #[message(checked)]
    #[repr(C)]
    pub(crate) struct Order {
        pub(crate) side: Side,
        pub(crate) open: bool,
    }
}

/// Messages that are called like types which are none.
mod named {
    #![allow(non_camel_case_types, clippy::builtin_type_shadow)]
    use ringway::Message;

    #[derive(Message, Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    pub(crate) struct String {
        pub(crate) text: [u8; 12],
        pub(crate) len: u32,
    }

    #[derive(Message, Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    pub(crate) struct Vec<T>(pub(crate) [T; 3]);

    #[derive(Message, Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    pub(crate) struct usize(pub(crate) u64);

    #[derive(Message, Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    pub(crate) struct Quote {
        pub(crate) symbol: String,
        pub(crate) position: Vec<f32>,
        pub(crate) speeds: [Vec<f32>; 2],
        pub(crate) _pad: u32,
        pub(crate) index: usize,
    }

    #[derive(Message, Clone, Copy)]
    #[repr(C)]
    pub(crate) struct Generic<Option, bool> {
        pub(crate) flag: bool,
        pub(crate) value: Vec<Option>,
    }
}

fn plain<T: Message + Pod>() {
    const { assert!(!T::CHECKED) }
    const { T::LAYOUT }
    assert_eq!(T::validate(&vec![0xff; size_of::<T>()]), Ok(()));
}

fn message<T: Message>() -> SchemaTree {
    const { T::LAYOUT }
    let tree = T::SCHEMA.tree();
    assert_eq!(tree.size(), size_of::<T>() as u64);
    assert_eq!(u64::from(tree.align()), align_of::<T>() as u64);
    assert_eq!(T::SCHEMA.encoded_len(), T::SCHEMA.encode().len());
    assert_eq!(SchemaTree::decode(&T::SCHEMA.encode()), Ok(tree.clone()), "{tree:#}");
    assert_eq!(tree.fingerprint(), T::SCHEMA.fingerprint());
    tree
}

#[test]
fn plain_messages_are_pod() {
    plain::<Level>();
    plain::<Book>();
    plain::<Line>();
    plain::<Page>();
    plain::<Metres>();
    plain::<Ping>();
    plain::<Nothing>();
    plain::<Tuple>();
    plain::<shadowed::r#Type>();
    let level: Level = bytemuck::cast([1u64, 2]);
    assert_eq!(bytemuck::bytes_of(&level), bytemuck::bytes_of(&[1u64, 2]));
}

#[test]
fn generic_messages_are_pod_if_no_parameter_can_bring_padding() {
    plain::<Wrapper<f32>>();
    plain::<Ring<u16, 3>>();
    plain::<Ring<Level, 0>>();
    message::<Pair<u32, f32>>();
    message::<Wrapper<[u8; 3]>>();
    const { assert!(!<Pair<u32, f32> as Message>::CHECKED) }
}

#[test]
fn each_form_has_a_schema_that_round_trips() {
    let shown = |tree: SchemaTree| tree.to_string();
    assert_eq!(
        shown(message::<Level>()),
        "Level { price: f64 @0, size: u32 @8, orders: u32 @12 } (16 bytes)"
    );
    assert_eq!(
        shown(message::<Book>()),
        "md.Book v3 { bids: [Level; 2] @0, asks: [[Level; 2]; 1] @32, number: u128 @64 } (80 bytes)"
    );
    assert_eq!(shown(message::<Ring<u8, 4>>()), "Ring { items: [u8; 4] @0, last: u8 @4 } (5 bytes)");
    assert_eq!(shown(message::<Pair<i64, Metres>>()), "Pair { a: i64 @0, b: Metres @8 } (16 bytes)");
    assert_eq!(shown(message::<Line>()), "Line { word: u64 @0, _pad: [u8; 56] @8 } (64 bytes)");
    assert_eq!(shown(message::<Page>()), "Page { 0: [u8; 4096] @0 } (4096 bytes)");
    assert_eq!(shown(message::<Ping>()), "Ping {} (0 bytes)");
    assert_eq!(shown(message::<Nothing>()), "Nothing {} (0 bytes)");
    assert_eq!(shown(message::<Tuple>()), "Tuple { 0: u32 @0, 1: [u16; 2] @4, 2: Ping @8 } (8 bytes)");
    assert_eq!(shown(message::<Side>()), "Side: u8 { Buy = 1, Sell = 2 } (1 byte)");
    assert_eq!(shown(message::<Venue>()), "Venue v7: u16 { Here = 258, There = 0 } (2 bytes)");
    assert_eq!(shown(message::<shadowed::r#Type>()), "Type { fn: u32 @0 } (4 bytes)");
    assert_eq!(shown(message::<shadowed::Checked>()), "Checked { value: u32 @0 } (4 bytes)");
    assert_eq!(shown(message::<[[bool; 2]; 3]>()), "[[bool; 2]; 3] (6 bytes)");
    assert_eq!(shown(message::<Wide>()), "Wide: u32 { Low = 0, High = 4294967295 } (4 bytes)");
    message::<Order>();
}

#[test]
fn instances_of_a_generic_message_are_told_apart() {
    let prints = [
        <Ring<u32, 2> as Message>::SCHEMA.fingerprint(),
        <Ring<u32, 3> as Message>::SCHEMA.fingerprint(),
        <Ring<i32, 2> as Message>::SCHEMA.fingerprint(),
        <Ring<Level, 2> as Message>::SCHEMA.fingerprint(),
    ];
    for (at, print) in prints.iter().enumerate() {
        assert!(!prints[..at].contains(print));
    }
}

fn path<T: Message>(mut bytes: Vec<u8>, at: usize, value: u8) -> String {
    assert_eq!(T::validate(&bytes), Ok(()));
    bytes[at] = value;
    T::validate(&bytes).map_or_else(|invalid| invalid.to_string(), |()| "valid".to_owned())
}

#[test]
fn validation_names_the_first_field_that_is_invalid() {
    const { assert!(Order::CHECKED && <Maybe<u32> as Message>::CHECKED && !shadowed::Checked::CHECKED) }
    let order = Order {
        letter: 'é',
        wide: Wide::High,
        venue: Venue::Here,
        plain: 0xffff,
        flags: [Flags { on: [true, false], side: Side::Buy, _pad: 0xff }; 2],
    };
    let bytes = bytemuck::bytes_of(&order).to_vec();
    let said = |at, value| path::<Order>(bytes.clone(), at, value);
    assert_eq!(said(2, 0xff), "field `letter` holds 16711913, which is not a valid `char`");
    assert_eq!(said(7, 0), "field `wide` holds 16777215, which is not a valid `Wide`");
    assert_eq!(said(8, 1), "field `venue` holds 257, which is not a valid `Venue`");
    assert_eq!(said(10, 0), "valid");
    assert_eq!(said(13, 2), "field `flags[0].on[1]` holds 2, which is not a valid `bool`");
    assert_eq!(said(18, 0), "field `flags[1].side` holds 0, which is not a valid `Side`");
    assert_eq!(said(19, 0), "valid");
    let maybe = path::<Maybe<[f32; 2]>>(vec![0; 16], 15, 0x80);
    assert_eq!(maybe, "field `present[7]` holds 128, which is not a valid `bool`");
    let maybe = path::<Maybe<Maybe<f64>>>(vec![0; 24], 9, 3);
    assert_eq!(maybe, "field `value.present[1]` holds 3, which is not a valid `bool`");
}

#[test]
fn checked_messages_are_checked_by_bytemuck_too() {
    fn checked<T: NoUninit + CheckedBitPattern>() {}
    checked::<Side>();
    checked::<Order>();
    let flags = Flags { on: [true, false], side: Side::Sell, _pad: 0 };
    let bytes: [u8; 4] = bytemuck::cast(flags);
    assert_eq!(bytes, [1, 0, 2, 0]);
    assert_eq!(bytemuck::checked::try_cast::<_, Flags>([1u8, 0, 2, 0]), Ok(flags));
    assert!(bytemuck::checked::try_cast::<_, Flags>([1u8, 0, 3, 0]).is_err());
    assert!(bytemuck::checked::try_cast::<_, Side>(0u8).is_err());
    assert_eq!(align_of::<<Order as CheckedBitPattern>::Bits>(), align_of::<Order>());
    assert_eq!(size_of::<<Order as CheckedBitPattern>::Bits>(), size_of::<Order>());
}

#[test]
fn no_method_of_the_program_takes_part_in_the_validation() {
    use hijacked::{Evil, Order, Side};
    assert!(Evil::is_ok(Side::Bits), "the method is there");
    assert_eq!(bytemuck::checked::try_cast::<_, Side>(2u8), Ok(Side::Sell));
    assert!(bytemuck::checked::try_cast::<_, Side>(77u8).is_err());
    assert!(bytemuck::checked::try_cast::<_, Order>([1u8, 77]).is_err());
    assert!(<Order as Message>::validate(&[77, 0]).is_err());
}

#[test]
fn a_message_may_have_the_name_of_a_type_that_is_none() {
    let quote = "Quote { symbol: String @0, position: Vec @16, speeds: [Vec; 2] @28, _pad: u32 @52, index: usize \
                 @56 } (64 bytes)";
    assert_eq!(message::<named::Quote>().to_string(), quote);
    plain::<named::Quote>();
    message::<named::Generic<f32, u32>>();
}

#[test]
fn chars_are_valid_up_to_the_last_scalar_value() {
    for (code, valid) in
        [(0, true), (0xd7ff, true), (0xd800, false), (0xdfff, false), (0x10ffff, true), (0x110000, false)]
    {
        assert_eq!(char::validate(&u32::to_ne_bytes(code)).is_ok(), valid, "{code:x}");
    }
}
