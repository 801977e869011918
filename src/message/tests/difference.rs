//! Each kind of difference has its own sentence.

use super::super::{SchemaTree, first_difference};
use crate::Message;

/// One side of a comparison: `side! { name { items } }` is a module with the items.
macro_rules! side {
    ($side:ident { $($item:item)* }) => {
        mod $side {
            use super::Message;
            $(
                #[derive(Message, Clone, Copy)]
                #[message(crate = crate, checked)]
                $item
            )*
        }
    };
}

/// What is said if this program has the first and the segment the second.
fn said<Here: Message, There: Message>() -> String {
    let (here, there) = (Here::SCHEMA.tree(), There::SCHEMA.tree());
    assert_eq!(first_difference(&here, &here), None);
    assert_eq!(first_difference(&there, &there), None);
    assert_ne!(Here::SCHEMA.fingerprint(), There::SCHEMA.fingerprint());
    assert!(first_difference(&there, &here).is_some());
    first_difference(&here, &there).expect("a difference").to_string()
}

side! { here {
    #[repr(C)] pub(super) struct Tick { time: u64, price: f64 }
    #[repr(C)] pub(super) struct Quote { bid: [Level; 2], ask: Level }
    #[repr(C)] pub(super) struct Level { price: f64, side: Side, flags: [u8; 7] }
    #[repr(u8)] pub(super) enum Side { Buy = 1, Sell = 2 }
} }

side! { renamed {
    #[repr(C)] pub(super) struct Trade { time: u64, price: f64 }
    #[repr(C)] pub(super) struct Tick { time: u64, last: f64 }
    #[repr(u8)] pub(super) enum Side { Buy = 1, Ask = 2 }
} }

side! { version { #[message(version = 2)] #[repr(C)] pub(super) struct Tick { time: u64, price: f64 } } }
side! { reordered {
    #[repr(C)] pub(super) struct Tick { price: f64, time: u64 }
    #[repr(u8)] pub(super) enum Side { Sell = 2, Buy = 1 }
} }
side! { missing {
    #[repr(C)] pub(super) struct Tick { time: u64 }
    #[repr(u8)] pub(super) enum Side { Buy = 1 }
} }
side! { extra {
    #[repr(C)] pub(super) struct Tick { time: u64, size: u64, price: f64 }
    #[repr(u8)] pub(super) enum Side { Buy = 1, Sell = 2, Short = 3 }
} }
side! { typed {
    #[repr(C)] pub(super) struct Tick { time: u64, price: [f32; 2] }
    #[repr(u16)] pub(super) enum Side { Buy = 1, Sell = 2 }
} }
side! { valued { #[repr(u8)] pub(super) enum Side { Buy = 1, Sell = 3 } } }
side! { aligned { #[repr(C, align(16))] pub(super) struct Tick { time: u64, price: f64 } } }
side! { nested {
    #[repr(C)] pub(super) struct Quote { bid: [Level; 2], ask: Level }
    #[repr(C)] pub(super) struct Level { price: i64, side: super::here::Side, flags: [u8; 7] }
} }
side! { deeper {
    #[repr(C)] pub(super) struct Quote { bid: [Level; 2], ask: Level }
    #[repr(C)] pub(super) struct Level { price: f64, side: super::valued::Side, flags: [u8; 7] }
} }
side! { kind {
    #[repr(C)] pub(super) struct Quote { bid: [Level; 2], ask: Level }
    #[repr(C)] pub(super) struct Level { price: f64, side: Side, flags: [u8; 7] }
    #[repr(C)] pub(super) struct Side { code: u8 }
} }
side! { longer { #[repr(C)] pub(super) struct Quote { bid: [super::here::Level; 1], ask: super::here::Level } } }
side! { swapped { #[repr(C)] pub(super) struct Quote { bid: [super::here::Level; 2], ask: super::here::Tick } } }

#[test]
fn a_struct_differs_in_name_version_and_fields() {
    type Here = here::Tick;
    assert_eq!(
        said::<Here, renamed::Trade>(),
        "this program has message `Tick`, the segment has message `Trade`"
    );
    assert_eq!(
        said::<Here, version::Tick>(),
        "message `Tick`: this program has version 0, the segment has version 2"
    );
    assert_eq!(
        said::<Here, renamed::Tick>(),
        "`Tick`: field 2 is named differently: this program has `price`, the segment has `last`"
    );
    assert_eq!(
        said::<Here, reordered::Tick>(),
        "`Tick`: the fields are in another order: as field 1 this program has `time`, the segment has `price`"
    );
    assert_eq!(
        said::<Here, missing::Tick>(),
        "`Tick`: field `price` is in this program but not in the segment"
    );
    assert_eq!(said::<Here, extra::Tick>(), "`Tick`: field `size` is in the segment but not in this program");
    assert_eq!(said::<extra::Tick, Here>(), "`Tick`: field `size` is in this program but not in the segment");
    assert_eq!(
        said::<Here, typed::Tick>(),
        "field `price`: this program has f64 @8, the segment has [f32; 2] @8"
    );
    assert_eq!(
        said::<Here, aligned::Tick>(),
        "message `Tick`: this program has alignment 8, the segment has alignment 16"
    );
}

#[test]
fn a_nested_type_differs_at_its_path() {
    type Here = here::Quote;
    assert_eq!(
        said::<Here, nested::Quote>(),
        "field `bid[].price`: this program has f64 @0, the segment has i64 @0"
    );
    assert_eq!(
        said::<Here, deeper::Quote>(),
        "field `bid[].side`: enum `Side`: variant `Sell`: this program has 2, the segment has 3"
    );
    assert_eq!(
        said::<Here, kind::Quote>(),
        "field `bid[].side`: this program has enum `Side` @8, the segment has struct `Side` @8"
    );
    assert_eq!(
        said::<Here, longer::Quote>(),
        "field `bid`: this program has 2 elements, the segment has 1 element"
    );
    assert_eq!(
        said::<Here, swapped::Quote>(),
        "field `ask`: this program has message `Level`, the segment has message `Tick`"
    );
    let here = <[here::Quote; 1]>::SCHEMA.tree();
    let there = <[nested::Quote; 1]>::SCHEMA.tree();
    assert_eq!(first_difference(&here, &there).unwrap().path(), "[].bid[].price");
}

#[test]
fn an_enum_differs_in_width_and_variants() {
    type Here = here::Side;
    assert_eq!(said::<Here, typed::Side>(), "enum `Side`: this program has u8, the segment has u16");
    assert_eq!(
        said::<Here, valued::Side>(),
        "enum `Side`: variant `Sell`: this program has 2, the segment has 3"
    );
    assert_eq!(
        said::<Here, renamed::Side>(),
        "`Side`: variant 2 is named differently: this program has `Sell`, the segment has `Ask`"
    );
    assert_eq!(
        said::<Here, reordered::Side>(),
        "`Side`: the variants are in another order: as variant 1 this program has `Buy`, the segment has `Sell`"
    );
    assert_eq!(
        said::<Here, missing::Side>(),
        "`Side`: variant `Sell` is in this program but not in the segment"
    );
    assert_eq!(
        said::<Here, extra::Side>(),
        "`Side`: variant `Short` is in the segment but not in this program"
    );
}

#[test]
fn a_type_differs_by_itself() {
    assert_eq!(said::<u64, i64>(), "this program has u64, the segment has i64");
    assert_eq!(said::<u64, here::Tick>(), "this program has u64, the segment has struct `Tick`");
    assert_eq!(said::<[u8; 3], [u8; 4]>(), "this program has 3 elements, the segment has 4 elements");
    assert_eq!(said::<[u8; 3], [[u8; 1]; 3]>(), "field `[]`: this program has u8, the segment has [u8; 1]");
}

/// Sizes and offsets follow from the fields before, but for those of size zero.
#[test]
fn a_field_of_size_zero_may_differ_in_its_offset() {
    let tree = |offset: u8| {
        let bytes = [
            &[1, 0x41, 1, b'S', 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0][..],
            &[1, b'a', 0, 0, 0, 0, 0, 0, 0, 0, 1],
            &[1, b'z', offset, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ]
        .concat();
        SchemaTree::decode(&bytes).unwrap()
    };
    let said = first_difference(&tree(0), &tree(1)).unwrap().to_string();
    assert_eq!(said, "field `z`: this program has it at byte 0, the segment has it at byte 1");
}
