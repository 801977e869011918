//! What does not fit together is refused with what is wrong and what to do.

use ringway::spsc::{self, Sender};
use ringway::{Error, Message};

use crate::channel;
use crate::testing::TempNamespace;

/// The message that the channel carries in these tests.
#[derive(Message, Clone, Copy)]
#[message(name = "md.Tick", version = 2)]
#[repr(C)]
struct Tick {
    time_ns: u64,
    price: f64,
    size: u32,
    venue: u32,
}

/// Declares a type that differs from `Tick` in one thing, in a module of its own.
macro_rules! other {
    ($module:ident, $name:literal, $version:literal, { $($fields:tt)* }) => {
        mod $module {
            #[derive(ringway::Message, Clone, Copy)]
            #[message(name = $name, version = $version)]
            #[repr(C)]
            pub(super) struct Tick { $($fields)* }
        }
    };
}

other!(same, "md.Tick", 2, { pub(super) time_ns: u64, pub(super) price: f64, pub(super) size: u32, pub(super) venue: u32 });
other!(renamed, "md.Trade", 2, { time_ns: u64, price: f64, size: u32, venue: u32 });
other!(newer, "md.Tick", 3, { time_ns: u64, price: f64, size: u32, venue: u32 });
other!(field_renamed, "md.Tick", 2, { time_ns: u64, bid: f64, size: u32, venue: u32 });
other!(field_retyped, "md.Tick", 2, { time_ns: u64, price: u64, size: u32, venue: u32 });
other!(signed, "md.Tick", 2, { time_ns: i64, price: f64, size: u32, venue: u32 });
other!(reordered, "md.Tick", 2, { price: f64, time_ns: u64, size: u32, venue: u32 });
other!(swapped, "md.Tick", 2, { time_ns: u64, price: f64, venue: u32, size: u32 });
other!(longer, "md.Tick", 2, { time_ns: u64, price: f64, size: u32, venue: u32, seq: u64 });
other!(shorter, "md.Tick", 2, { time_ns: u64, price: f64 });
other!(array, "md.Tick", 2, { time_ns: u64, price: f64, size: [u32; 2] });
other!(split, "md.Tick", 2, { time_ns: u64, price: f64, size: u32, venue: [u16; 2] });

impl same::Tick {
    fn parts(&self) -> (u64, f64, u32, u32) {
        (self.time_ns, self.price, self.size, self.venue)
    }
}

/// The channel refuses that type on either side, saying these words.
#[track_caller]
fn assert_refused<M: Message>(space: &TempNamespace, words: &[&str]) {
    let refusals = [
        channel::<M>(space).sender().err(),
        channel::<M>(space).receiver().err(),
        channel::<M>(space).open_existing().receiver().err(),
    ];
    for error in refusals {
        let error = error.expect("another type was accepted");
        let text = error.to_string();
        println!("{text}");
        assert!(matches!(error, Error::Type { .. }), "{text}");
        assert!(text.contains("channel `c` carries another message type"), "{text}");
        assert!(text.contains("; build both sides from the same definition, or use another name"), "{text}");
        for word in words {
            assert!(text.contains(word), "no {word}: {text}");
        }
    }
}

#[test]
fn another_message_type_is_refused_with_the_first_difference() {
    let space = TempNamespace::new();
    let mut tx: Sender<Tick> = channel(&space).capacity(4).sender().expect("the name is free");
    assert_refused::<renamed::Tick>(&space, &["md.Tick", "md.Trade"]);
    assert_refused::<newer::Tick>(&space, &["version", "2", "3"]);
    assert_refused::<field_renamed::Tick>(&space, &["`price`", "`bid`"]);
    assert_refused::<field_retyped::Tick>(&space, &["price", "f64", "u64"]);
    assert_refused::<signed::Tick>(&space, &["time_ns", "u64", "i64"]);
    assert_refused::<reordered::Tick>(&space, &["time_ns", "price"]);
    assert_refused::<swapped::Tick>(&space, &["size", "venue"]);
    assert_refused::<longer::Tick>(&space, &["seq"]);
    assert_refused::<shorter::Tick>(&space, &["size"]);
    assert_refused::<array::Tick>(&space, &["venue"]);
    assert_refused::<split::Tick>(&space, &["venue", "u32", "u16"]);
    assert_refused::<u64>(&space, &["md.Tick", "u64"]);
    assert_refused::<[u8; 24]>(&space, &["md.Tick", "u8"]);

    // Nobody noticed, and the Rust path of a type is no part of it.
    let mut rx = channel::<same::Tick>(&space).receiver().expect("the same type");
    tx.send(Tick { time_ns: 1, price: 2.5, size: 3, venue: 4 }).expect("there is room");
    let got: same::Tick = rx.recv().expect("a message");
    assert_eq!(got.parts(), (1, 2.5, 3, 4));
    drop((tx, rx));
    space.assert_empty();
}

#[test]
fn another_length_of_the_same_array_and_another_number_of_the_same_size_are_other_types() {
    let space = TempNamespace::new();
    let tx: Sender<[u32; 4]> = channel(&space).sender().expect("the name is free");
    assert_refused::<[u32; 3]>(&space, &["4", "3"]);
    assert_refused::<[i32; 4]>(&space, &["u32", "i32"]);
    assert_refused::<[f32; 4]>(&space, &["u32", "f32"]);
    assert_refused::<[u64; 2]>(&space, &[]);
    assert_refused::<u128>(&space, &[]);
    drop(tx);
    space.assert_empty();
}

#[test]
fn another_capacity_is_refused_and_the_same_or_none_is_not() {
    let space = TempNamespace::new();
    let tx: Sender<u64> = channel(&space).capacity(3).sender().expect("the name is free");
    for other in [1, 2, 4, 1024] {
        let error = channel::<u64>(&space).capacity(other).receiver().expect_err("it holds 3");
        assert!(matches!(error, Error::Capacity { found: 3, expected, .. } if expected == other as u64));
        let text = error.to_string();
        assert!(text.contains("channel `c` holds 3 messages") && text.contains(&format!("expects {other};")));
    }
    drop(channel::<u64>(&space).capacity(3).receiver().expect("the same"));
    drop(channel::<u64>(&space).receiver().expect("whatever it has"));
    drop(tx);
    space.assert_empty();
}

#[test]
fn a_second_holder_of_a_role_is_refused_with_the_process_of_the_first() {
    let space = TempNamespace::new();
    let (tx, rx) = (channel::<u64>(&space).sender().expect("free"), channel::<u64>(&space).receiver());
    let rx = rx.expect("free");
    let me = u64::from(std::process::id());
    for error in [channel::<u64>(&space).sender().err(), channel::<u64>(&space).receiver().err()] {
        let error = error.expect("somebody has it");
        assert!(matches!(error, Error::RoleTaken { pid, .. } if pid == me), "{error}");
        assert!(error.to_string().contains(&format!("process {me}")), "{error}");
    }
    drop(tx);
    drop(channel::<u64>(&space).sender().expect("free again"));
    drop(rx);
    space.assert_empty();
}

#[test]
fn a_capacity_that_no_channel_can_have_is_refused_before_anything_is_made() {
    let space = TempNamespace::new();
    let too_many = [0, (1 << 31) + 1, usize::MAX];
    for capacity in too_many {
        for error in [
            channel::<u8>(&space).capacity(capacity).sender().err(),
            channel::<u8>(&space).capacity(capacity).receiver().err(),
            spsc::in_process::<u8>(capacity).err(),
        ] {
            let error = error.expect("no channel can hold that");
            assert!(matches!(error, Error::Option { option: "capacity", .. }), "{error}");
            let text = error.to_string();
            assert!(
                text.contains(&format!("capacity is {capacity} messages; use 1 to 2147483648")),
                "{text}"
            );
        }
    }
    // As a number it may be; the machine has no such memory.
    assert!(matches!(
        spsc::in_process::<[[u8; 1 << 16]; 1 << 15]>(1 << 31),
        Err(Error::Map(_) | Error::Option { .. })
    ));
    let error = channel::<[u8; 1 << 20]>(&space).capacity(1 << 30).sender().expect_err("no such memory");
    assert!(matches!(error, Error::Map(_)), "{error}");
    space.assert_empty();
}

#[test]
fn a_name_or_a_namespace_that_cannot_be_is_refused() {
    let space = TempNamespace::new();
    let error = spsc::channel::<u64>("").sender().expect_err("no name");
    assert!(matches!(error, Error::Map(_)), "{error}");
    let nowhere = crate::Namespace::Dir(space.path().join("nowhere"));
    let error = spsc::channel::<u64>("c").namespace(nowhere).sender().expect_err("no such directory");
    assert!(error.to_string().contains("`c`") && error.to_string().contains("; "), "{error}");
    space.assert_empty();
}
