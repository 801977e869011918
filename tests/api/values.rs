//! Values of cells: every size and alignment, in whole and in place, and checked ones with bytes that are none.

use std::fs::OpenOptions;
use std::mem::offset_of;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use ringway::Message;
use ringway::seqlock::{LoadError, Reader, TryLoadError, WaitError, Writer};

use crate::cells::{both, cell};
use crate::messages::{EmptyLine, Line, Nothing, Page, Sample};
use crate::testing::TempNamespace;

/// So many that each slot is written several times.
const ROUNDS: u64 = 13;

fn whole<T: Sample>(mut writer: Writer<T>, reader: Reader<T>) {
    for number in 1..=ROUNDS {
        let value = T::sample(number);
        match number % 4 {
            0 => writer.store(value),
            1 => writer.store_ref(&value),
            2 => writer.update(|latest| *latest = value).expect("there is one"),
            _ => {
                let mut draft = writer.draft();
                draft.write(&value);
                draft.publish();
            }
        }
        assert_eq!(reader.load(), Ok(value));
        let boxed = reader.load_boxed().expect("a value");
        assert!(std::ptr::from_ref(&*boxed).is_aligned() && *boxed == value);
        assert_eq!((reader.version(), writer.load()), (number, Ok(value)));
    }
}

#[test]
fn values_of_every_size_and_alignment_arrive_whole() {
    both::<Nothing>(whole);
    both::<EmptyLine>(whole);
    both::<u8>(whole);
    both::<u128>(whole);
    both::<Line>(whole);
    both::<Page>(whole);
    macro_rules! bytes {
        ($($len:literal)*) => { $(both::<[u8; $len]>(whole);)* };
    }
    bytes!(0 1 2 3 4 5 6 7 8 9 14 15 16 17 23 24 25 31 32 33 47 48 49 55 56 57 63 64 65 127 128 129 511 512 513 2047 2048 2049 4095 4096 4097);
    both::<[u8; 100_000]>(whole);
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C, align(2))]
struct Two([u8; 2]);
#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C, align(16))]
struct Sixteen([u8; 16]);
#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C, align(32))]
struct HalfALine([u8; 32]);
#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C, align(32))]
struct ThirtyTwo([u8; 96]);
#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C, align(128))]
struct Apart([u8; 128]);
#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C, align(256))]
struct Further([u8; 512]);
#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C, align(1024))]
struct Quarter([u8; 1024]);
#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C, align(2048))]
struct Half([u8; 2048]);

macro_rules! sample {
    ($($of:ident)*) => { $(impl Sample for $of {
        fn sample(number: u64) -> Self {
            $of(Sample::sample(number))
        }
    })* };
}
sample!(Two Sixteen HalfALine ThirtyTwo Apart Further Quarter Half);

#[test]
fn values_of_every_alignment_arrive_whole() {
    both::<Two>(whole);
    both::<Sixteen>(whole);
    both::<HalfALine>(whole);
    both::<ThirtyTwo>(whole);
    both::<Apart>(whole);
    both::<Further>(whole);
    both::<Quarter>(whole);
    both::<Half>(whole);
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Frame {
    number: u64,
    pixels: [u8; 10_000],
    mark: u64,
}

impl Frame {
    fn of(number: u64, pixel: u8) -> Self {
        Frame { number, pixels: [pixel; 10_000], mark: !number }
    }
}

#[test]
fn a_value_can_be_written_by_parts_and_read_back_before_it_is_stored() {
    fn test(mut writer: Writer<Frame>, reader: Reader<Frame>) {
        let mut draft = writer.draft();
        draft.copy_latest();
        let mut bytes = [7; 10_000];
        draft.read_bytes(offset_of!(Frame, pixels), &mut bytes);
        assert_eq!(bytes, [0; 10_000], "of no value a copy is zeros");
        draft.write_at(offset_of!(Frame, number), &1_u64);
        draft.write_bytes(offset_of!(Frame, pixels), &[3; 10_000]);
        draft.write_at(offset_of!(Frame, mark), &!1_u64);
        assert_eq!(reader.load(), Err(LoadError::Empty), "not yet");
        draft.publish();
        assert_eq!(reader.load_boxed().as_deref(), Ok(&Frame::of(1, 3)));
        for number in 2..9 {
            let mut draft = writer.draft();
            draft.copy_latest();
            draft.write_at(offset_of!(Frame, number), &number);
            draft.write_at(offset_of!(Frame, mark), &!number);
            let mut word = [0; 8];
            draft.read_bytes(0, &mut word);
            assert_eq!(u64::from_ne_bytes(word), number);
            assert_eq!(reader.load_boxed().map(|frame| frame.number), Ok(number - 1));
            draft.publish();
            assert_eq!(reader.load_boxed().as_deref(), Ok(&Frame::of(number, 3)));
        }
    }
    both(test);
}

#[test]
fn a_draft_that_is_dropped_stores_nothing() {
    fn test(mut writer: Writer<Frame>, reader: Reader<Frame>) {
        writer.store(Frame::of(1, 1));
        for _ in 0..10 {
            let mut draft = writer.draft();
            draft.write(&Frame::of(99, 99));
            drop(draft);
            assert_eq!(reader.load(), Ok(Frame::of(1, 1)));
            assert_eq!((reader.version(), writer.version(), writer.load()), (1, 1, Ok(Frame::of(1, 1))));
        }
        writer.store(Frame::of(2, 2));
        assert_eq!((reader.load(), reader.version()), (Ok(Frame::of(2, 2)), 2));
    }
    both(test);
}

#[test]
fn a_part_that_does_not_lie_within_the_value_is_a_panic_that_says_where_it_is() {
    fn test(mut writer: Writer<[u8; 24]>, reader: Reader<[u8; 24]>) {
        writer.store([1; 24]);
        for (offset, len) in [(0, 25), (24, 1), (17, 8), (usize::MAX, 1), (usize::MAX - 7, 8), (25, 0)] {
            let mut draft = writer.draft();
            let bytes = &mut vec![9; len][..];
            let read = catch_unwind(AssertUnwindSafe(|| draft.read_bytes(offset, bytes)));
            let write = catch_unwind(AssertUnwindSafe(|| draft.write_bytes(offset, bytes)));
            for panic in [read, write] {
                let panic = panic.expect_err("out of range");
                let text = panic.downcast_ref::<String>().expect("a text");
                assert_eq!(*text, format!("{len} bytes at {offset} of a value of 24 bytes"));
            }
        }
        let mut draft = writer.draft();
        assert!(catch_unwind(AssertUnwindSafe(|| draft.write_at(20, &1_u64))).is_err());
        draft.copy_latest();
        draft.write_bytes(24, &[]);
        draft.write_at(16, &u64::MAX);
        draft.publish();
        let mut wanted = [1; 24];
        wanted[16..].fill(255);
        assert_eq!(reader.load(), Ok(wanted));
    }
    both(test);
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
#[message(checked)]
enum Gear {
    Neutral = 0,
    First = 1,
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[message(checked)]
#[repr(C)]
struct Car {
    id: u64,
    gear: Gear,
    lights: [bool; 2],
    _pad: [u8; 5],
}

/// Marks the values in the cell's memory.
const ID: u64 = 0x1dea_f00d_0000_0000;

fn car(id: u64) -> Car {
    Car { id: ID | id, gear: Gear::First, lights: [true, false], _pad: [0; 5] }
}

#[test]
fn checked_values_arrive() {
    fn test(mut writer: Writer<Car>, reader: Reader<Car>) {
        for id in 0..10 {
            writer.store(car(id));
            assert_eq!((reader.load(), writer.load()), (Ok(car(id)), Ok(car(id))));
            writer.update(|car| car.gear = Gear::Neutral).expect("a valid one");
            assert_eq!(reader.load().map(|car| car.gear), Ok(Gear::Neutral));
        }
    }
    both(test);
}

#[test]
fn a_checked_value_with_bytes_that_are_none_is_an_error_that_names_the_field() {
    for (at, byte, text) in [
        (8, 2, "field `gear` holds 2, which is not a valid `Gear`"),
        (9, 2, "field `lights[0]` holds 2, which is not a valid `bool`"),
        (10, 255, "field `lights[1]` holds 255, which is not a valid `bool`"),
    ] {
        let space = TempNamespace::new();
        let mut writer = cell::<Car>(&space).writer().expect("the name is free");
        let reader = cell::<Car>(&space).reader().expect("it is there");
        (1..8).for_each(|id| writer.store(car(id)));
        let path = space.path().join("c");
        let file = OpenOptions::new().read(true).write(true).open(&path).expect("it is there");
        let all = std::fs::read(&path).expect("it is there");
        let slot = (0..all.len() - 8).step_by(8).find(|&at| all[at..at + 8] == (ID | 7).to_le_bytes());
        file.write_all_at(&[byte], slot.expect("it lies somewhere") as u64 + at).expect("within the file");

        let LoadError::Invalid(field) = reader.load().expect_err("no car") else { panic!("empty") };
        assert_eq!((field.to_string(), LoadError::Invalid(field).to_string()), (text.into(), text.into()));
        assert_eq!(reader.try_load(2), Err(TryLoadError::Invalid(field)));
        assert_eq!(TryLoadError::Invalid(field).to_string(), text);
        assert_eq!(reader.load_boxed(), Err(LoadError::Invalid(field)));
        assert_eq!(
            (writer.load(), writer.update(|_| ())),
            (Err(LoadError::Invalid(field)), Err(LoadError::Invalid(field)))
        );
        // It counts as seen.
        let mut seen = 0;
        assert_eq!(reader.load_if_newer(&mut seen), Err(LoadError::Invalid(field)));
        assert_eq!((seen, reader.load_if_newer(&mut seen)), (7, Ok(None)));
        let mut seen = 6;
        assert_eq!(reader.wait_newer(&mut seen, Duration::MAX), Err(WaitError::Invalid(field)));
        assert_eq!(WaitError::Invalid(field).to_string(), text);
        assert_eq!(reader.wait_newer(&mut seen, Duration::ZERO), Err(WaitError::Timeout));
        // The cell goes on.
        writer.store(car(8));
        assert_eq!(reader.load(), Ok(car(8)));
        drop((writer, reader));
        space.assert_empty();
    }
}
