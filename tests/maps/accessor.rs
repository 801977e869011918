//! Values at any position.

use std::io;
use std::sync::atomic::Ordering;

use ringway::Message;
use ringway::map::{Access, AccessError, View};

use crate::{anonymous, counted, view};

/// Sixteen bytes.
#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Record {
    number: u64,
    price: f32,
    size: i32,
}

const RECORD: Record = Record { number: 0x0123_4567_89ab_cdef, price: -1.5, size: i32::MIN };

macro_rules! for_each_type {
    ($view:expr, $at:expr, $visit:ident) => {{
        $visit!($view, $at, i8, -7);
        $visit!($view, $at, i16, -30_000);
        $visit!($view, $at, i32, i32::MIN + 1);
        $visit!($view, $at, i64, i64::MIN + 1);
        $visit!($view, $at, u8, 200);
        $visit!($view, $at, u16, 60_000);
        $visit!($view, $at, u32, u32::MAX - 1);
        $visit!($view, $at, u64, u64::MAX - 1);
        $visit!($view, $at, i128, i128::MIN + 1);
        $visit!($view, $at, f32, -1.25);
        $visit!($view, $at, f64, 1e300);
        $visit!($view, $at, Record, RECORD);
        $visit!($view, $at, [u16; 3], [1, 2, 3]);
    }};
}

/// Every call, at the ends of a view of at least 20 bytes.
pub(crate) fn exercise(view: &View) {
    let len = view.len();
    macro_rules! round_trip {
        ($view:expr, $at:expr, $type:ty, $value:expr) => {{
            let value: $type = $value;
            for at in [0, 1, len - size_of::<$type>() as u64] {
                view.write(at, &value).expect("within");
                assert_eq!(view.read::<$type>(at), Ok(value));
            }
        }};
    }
    for_each_type!(view, 0, round_trip);
    for value in [true, false] {
        view.write(len - 1, &value).expect("within");
        assert_eq!(view.read_checked::<bool>(len - 1), Ok(value));
    }
    for value in ['ä', '\u{10ffff}', '\0'] {
        view.write(1, &value).expect("within");
        assert_eq!(view.read_checked::<char>(1), Ok(value));
    }
    let values: Vec<u16> = (0..8).map(|at| at * 999).collect();
    view.write_slice(3, &values).expect("within");
    let mut found = [0_u16; 8];
    assert_eq!(view.read_slice(3, &mut found), Ok(8));
    assert_eq!(found[..], values);
    let mut bytes = [0; 16];
    view.read_exact_at(3, &mut bytes).expect("within");
    assert_eq!(bytes[2..4], 999_u16.to_le_bytes());
    view.write_all_at(len - 16, &bytes).expect("within");
    let mut again = [0; 16];
    view.read_exact_at(len - 16, &mut again).expect("within");
    assert_eq!(again, bytes);
}

#[test]
fn every_type_comes_back_as_it_was_at_both_ends() {
    let map = anonymous(5000);
    exercise(&map.accessor().expect("all"));
    exercise(&map.accessor_range(4096, 20).expect("within"));
}

#[test]
fn what_does_not_lie_in_the_view_whole_is_refused_and_says_how_much_there_is() {
    let map = anonymous(4096);
    let view = map.accessor_range(5, 100).expect("within");
    macro_rules! refused {
        ($view:expr, $at:expr, $type:ty, $value:expr) => {{
            let (value, size): ($type, _) = ($value, size_of::<$type>() as u64);
            for at in [100 - size + 1, 100 + 20 - size, 100, 101, u64::MAX, u64::MAX - size] {
                if at == 99 && size == 1 {
                    continue;
                }
                let refusal = AccessError::OutOfRange { at, needed: size, len: 100 };
                assert_eq!(view.read::<$type>(at), Err(refusal));
                assert_eq!(view.write(at, &value), Err(refusal));
                assert_eq!(io::Error::from(refusal).kind(), io::ErrorKind::InvalidInput);
            }
        }};
    }
    for_each_type!(view, 0, refused);
    assert!(crate::bytes(&map).iter().all(|byte| *byte == 0), "nothing was written");
    let text = view.read::<u64>(97).expect_err("too long").to_string();
    assert!(text.contains("found 3 bytes from position 97") && text.contains("expected 8; "), "{text}");
    let text = view.read::<u8>(100).expect_err("outside").to_string();
    assert!(text.contains("found position 100 for 1 bytes, expected one within the view's 100; "), "{text}");
}

#[test]
fn a_record_fits_where_it_ends_with_the_view_and_not_one_byte_further() {
    let map = anonymous(64);
    let view = map.accessor().expect("all");
    view.write(48, &RECORD).expect("it fits");
    assert_eq!(view.read::<Record>(48), Ok(RECORD));
    assert!(view.write(49, &RECORD).is_err() && view.read::<Record>(49).is_err());
}

#[test]
fn reading_a_slice_stops_at_the_end_and_writing_one_is_all_or_nothing() {
    let map = anonymous(100);
    let view = map.accessor().expect("all");
    view.write_all_at(0, &counted(100)).expect("within");
    let mut records = [RECORD; 8];
    assert_eq!(view.read_slice(80, &mut records), Ok(1));
    assert_eq!(records[1..], [RECORD; 7], "the rest is as it was");
    assert_eq!(view.read_slice(90, &mut records), Ok(0), "less than one record is left");
    assert!(view.read_slice(100, &mut records).is_err(), "a position that is not within");
    assert!(view.read_slice::<u8>(100, &mut []).is_err());
    assert_eq!(view.read_slice::<u8>(99, &mut []), Ok(0));

    assert!(view.write_slice(80, &[RECORD; 2]).is_err());
    assert!(view.write_slice(100, &[0_u8; 1]).is_err());
    assert!(view.write_all_at(99, &[0; 2]).is_err());
    assert_eq!(crate::bytes(&map), counted(100), "nothing was written");
    view.write_slice(84, &[RECORD]).expect("it fits");
    assert_eq!(view.read::<Record>(84), Ok(RECORD));
}

#[test]
fn bytes_that_are_no_value_are_an_error() {
    let map = anonymous(16);
    let view = map.accessor().expect("all");
    view.write(3, &2_u8).expect("within");
    let refusal = view.read_checked::<bool>(3).expect_err("two is no bool");
    assert_eq!(refusal, AccessError::Invalid { at: 3, type_name: "bool" });
    assert_eq!(io::Error::from(refusal).kind(), io::ErrorKind::InvalidData);
    assert!(refusal.to_string().contains("at position 3 that are no value of `bool`, expected"), "{refusal}");
    view.write(4, &0xd800_u32).expect("within");
    assert!(matches!(view.read_checked::<char>(4), Err(AccessError::Invalid { .. })));
}

#[test]
fn atomics_in_place_are_one_word_for_all_views() {
    let map = anonymous(8192);
    let (one, other) = (map.accessor().expect("all"), map.view(4096..).accessor().expect("half"));
    one.atomic_u64(4096 + 8).expect("aligned").store(7, Ordering::SeqCst);
    assert_eq!(other.atomic_i64(8).expect("aligned").fetch_add(-8, Ordering::SeqCst), 7);
    assert_eq!(one.read::<i64>(4096 + 8), Ok(-1));
    for at in [0, 1, 2, 3, 4] {
        assert!(one.atomic_u8(at).is_ok() && one.atomic_i8(at).is_ok());
        assert_eq!(one.atomic_u16(at).is_ok() && one.atomic_i16(at).is_ok(), at % 2 == 0);
        assert_eq!(one.atomic_u32(at).is_ok() && one.atomic_i32(at).is_ok(), at % 4 == 0);
    }
    let refusal = one.atomic_u64(4).expect_err("misaligned");
    assert_eq!(refusal, AccessError::Misaligned { at: 4, align: 8 });
    assert!(
        refusal.to_string().contains("position 4 not aligned in memory, expected a multiple of 8"),
        "{refusal}"
    );
    assert!(one.atomic_u64(8192).is_err() && one.atomic_u32(8190).is_err());
    // Of a view that begins elsewhere it is the memory that counts.
    let shifted = map.view(4..).accessor().expect("within");
    assert!(shifted.atomic_u64(0).is_err() && shifted.atomic_u64(4).is_ok());

    let counters = std::sync::Arc::new(map);
    let add = |counters: std::sync::Arc<ringway::map::SharedMap>| {
        std::thread::spawn(move || {
            let view = counters.accessor().expect("all");
            for _ in 0..10_000 {
                view.atomic_u32(0).expect("aligned").fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    let threads: Vec<_> = (0..4).map(|_| add(counters.clone())).collect();
    threads.into_iter().for_each(|thread| thread.join().expect("it counts"));
    assert_eq!(counters.accessor().expect("all").read::<u32>(0), Ok(40_000));
}

#[test]
fn the_wrong_direction_of_a_view_that_was_chosen_late_is_refused() {
    let map = anonymous(4096);
    let write_only = view(&map, Access::Write).expect("allowed");
    assert!(!write_only.can_read() && write_only.can_write());
    write_only.write(0, &1_u8).expect("its direction");
    write_only.write_slice(1, &[2_u8, 3]).expect("its direction");
    let wrong = AccessError::Direction { wanted: "read", access: Access::Write };
    assert_eq!(write_only.read::<u8>(0), Err(wrong));
    assert_eq!(write_only.read_checked::<bool>(0), Err(wrong));
    assert_eq!(write_only.read_slice(0, &mut [0_u8]), Err(wrong));
    assert_eq!(write_only.read_exact_at(0, &mut [0]), Err(wrong));
    assert_eq!(write_only.atomic_u8(0).expect_err("one direction only"), wrong);
    assert_eq!(io::Error::from(wrong).kind(), io::ErrorKind::Unsupported);
    assert!(wrong.to_string().contains("found a write view, expected one that can read; "), "{wrong}");

    let read_only = view(&map, Access::Read).expect("allowed");
    assert!(read_only.can_read() && !read_only.can_write());
    assert_eq!(read_only.read::<[u8; 3]>(0), Ok([1, 2, 3]));
    let wrong = AccessError::Direction { wanted: "write", access: Access::Read };
    assert_eq!(read_only.write(0, &1_u8), Err(wrong));
    assert_eq!(read_only.write_slice(0, &[1_u8]), Err(wrong));
    assert_eq!(read_only.write_all_at(0, &[1]), Err(wrong));
    assert_eq!(read_only.atomic_u8(0).expect_err("one direction only"), wrong);

    let private = view(&map, Access::CopyOnWrite).expect("allowed");
    assert!(private.can_read() && private.can_write());
    private.write_slice(0, &[9_u8; 3]).expect("both directions");
    assert_eq!(private.read::<[u8; 3]>(0), Ok([9; 3]));
    assert_eq!(read_only.read::<[u8; 3]>(0), Ok([1, 2, 3]));
}
