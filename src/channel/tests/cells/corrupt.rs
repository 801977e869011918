//! Words that others write, with nonsense in them: told, or read as what they say, and never followed out of the cell.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use super::{Bench, NAME, Sealed, assert_has, assert_works, every_size, layout, store, store_some};
use crate::channel::tests::corrupt::Random;
use crate::channel::tests::damage::PAGE;
use crate::map::Namespace;
use crate::protocol::seqlock::MOST_VALUES;
use crate::segment::{Key, Kind, Slots};
use crate::seqlock::{self, Cells, Indexed, Keyed, LoadError, TryLoadError, WaitError};
use crate::testing::{TempNamespace, watched};
use crate::{Broken, Error, Message};

pub(super) fn file(space: &TempNamespace) -> File {
    OpenOptions::new().read(true).write(true).open(space.path().join(NAME)).expect("it is there")
}

#[test]
fn a_sequence_that_makes_no_sense_is_read_as_the_number_that_it_is() {
    fn check<V: Sealed>() {
        let bench = Bench::<V>::new();
        let (mut writer, reader) = (bench.writer(), bench.reader());
        let slots = u64::from(Slots::<V>::COUNT);
        let last = 2 * slots + 1;
        store_some(&mut writer, last);
        let (file, at) = (file(&bench.space), PAGE + layout::<V>(Kind::Cell, None, 1).slots);
        for found in [0, 1, 5, 8, 10, 1 << 32, MOST_VALUES, MOST_VALUES + 1, u64::MAX - 1, u64::MAX] {
            file.write_all_at(&found.to_le_bytes(), at).expect("within the file");
            assert_eq!(reader.version(), found);
            // Some value that was stored, of the slot that the number names.
            let in_its_slot = (last + 1 - slots..=last).find(|number| number % slots == found % slots);
            let wanted =
                if found == 0 { Err(LoadError::Empty) } else { Ok(in_its_slot.expect("one of them")) };
            assert_eq!(reader.load().map(|value| value.number()), wanted, "{found:#x}");
            assert_eq!(reader.load_boxed().map(|value| value.number()), wanted);
            assert_eq!(
                reader.try_load(3).map(|value| value.number()),
                wanted.map_err(|_| TryLoadError::Empty)
            );
            let mut seen = 77;
            assert_eq!(
                reader.load_if_newer(&mut seen).map(|value| value.map(|value| value.number())),
                Ok(wanted.ok())
            );
            assert_eq!(seen, found);
            assert_eq!(reader.wait_newer(&mut seen, Duration::ZERO), Err(WaitError::Timeout));
            let _ = writer.load();
        }
        // The writer knows better, and its next value puts it right.
        assert_eq!(store(&mut writer), last + 1);
        assert_has(&reader, last + 1);
        assert_works(&mut writer, &reader);
    }
    every_size!(check);
}

#[test]
fn a_writer_that_comes_to_a_number_that_nobody_can_have_come_to_is_refused_and_leaves_the_role_free() {
    fn check<V: Sealed>() {
        let bench = Bench::<V>::new();
        let reader = bench.reader();
        store(&mut bench.writer());
        let (file, at) = (file(&bench.space), PAGE + layout::<V>(Kind::Cell, None, 1).slots);
        for found in [MOST_VALUES + 1, MOST_VALUES + 7, u64::MAX] {
            file.write_all_at(&found.to_le_bytes(), at).expect("within the file");
            let error = bench.cell().writer().expect_err("nonsense");
            let broken = Broken::Corrupt { word: "sequence", found, position: found };
            assert!(matches!(&error, Error::Inconsistent { broken: is, .. } if *is == broken), "{error}");
            let text = error.to_string();
            assert!(text.contains("channel `c`") && text.contains(&format!("{found:#x}")), "{text}");
            assert!(text.contains("sequence") && text.contains("; stop every process"), "{text}");
            assert!(!reader.freshness().is_fresh());
        }
        for fine in [MOST_VALUES, MOST_VALUES - 1, 0] {
            file.write_all_at(&u64::to_le_bytes(fine), at).expect("within the file");
            let mut writer = bench.writer();
            assert_eq!(writer.version(), fine);
            writer.store(V::of(5));
            assert_eq!((writer.version(), reader.version()), (fine + 1, fine + 1));
            assert_eq!(reader.load().map(|value| value.number()), Ok(5));
        }
    }
    every_size!(check);
}

pub(super) fn table<V: Message>(space: &TempNamespace) -> Cells<V, Indexed> {
    seqlock::table(NAME).namespace(Namespace::Dir(space.path().to_owned()))
}

fn keyed<V: Message>(space: &TempNamespace) -> Cells<V, Keyed<u64>> {
    seqlock::keyed_table(NAME).namespace(Namespace::Dir(space.path().to_owned()))
}

const CELLS: usize = 3;

/// Comes to whatever is there, and uses it; every call has to end.
fn use_table<V: Message>(space: &TempNamespace) -> u32 {
    let mut came = 0;
    if let Ok(reader) = table::<V>(space).open_existing().reader() {
        came += 1;
        for index in 0..reader.len() {
            let cell = reader.cell(index);
            let _ = (cell.load(), cell.try_load(3), cell.load_boxed(), cell.version(), cell.changed(1));
            let _ = (cell.freshness(), cell.wait_newer(&mut 3, Duration::ZERO), cell.load_if_newer(&mut 3));
        }
        let _ = (reader.snapshot(), reader.snapshot_at_once(3));
    }
    for index in 0..CELLS {
        match table::<V>(space).open_existing().writer(index) {
            Ok(mut writer) => {
                came += 1;
                let _ = (writer.load(), writer.version(), writer.predecessor(), writer.update(|_| ()));
                let mut draft = writer.draft();
                draft.copy_latest();
                draft.publish();
            }
            Err(error) => assert!(error.to_string().contains("`c`"), "{error}"),
        }
    }
    came
}

#[test]
fn whatever_is_written_over_cells_nobody_panics_or_hangs() {
    fn check<V: Sealed>() {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let space = TempNamespace::new();
        let mut writers = table::<V>(&space).cells(CELLS).writers(0..CELLS).expect("free");
        let held = table::<V>(&space).reader().expect("there");
        writers.iter_mut().for_each(|writer| store_some(writer, 1));
        drop(writers);
        let (file, layout) = (file(&space), layout::<V>(Kind::Table, None, CELLS));
        let mut whole = vec![0; layout.len as usize];
        file.read_exact_at(&mut whole, PAGE).expect("within the file");
        let mut came = 0;
        for round in 0..300 {
            // Half of the rounds leave what an attach checks before anything else alone.
            let from = if round % 2 == 0 { layout.roster } else { 0 };
            for _ in 0..=random.below(8) {
                let at = from + random.below(layout.len - 8 - from);
                // Most of what is written is written where words are.
                let at = match random.below(3) {
                    0 => at / 8 * 8,
                    1 => at / 128 * 128,
                    _ => layout.slots + random.below(CELLS as u64) * layout.shape.stride,
                };
                file.write_all_at(&random.word().to_le_bytes(), PAGE + at.max(from)).expect("written");
            }
            came += use_table::<V>(&space);
            // Whoever was there before reads on.
            let _ = (held.snapshot_at_once(2), held.freshness(1), held.load(2));
            file.write_all_at(&whole, PAGE).expect("written");
        }
        assert!(came > 300, "only {came} came past the header: the test tests nothing");
        let mut writers = table::<V>(&space).writers(0..CELLS).expect("free");
        for (index, writer) in writers.iter_mut().enumerate() {
            assert_works(writer, &held.cell(index));
        }
    }
    for check in [check::<super::Bytes8>, check::<super::Bytes64>, check::<super::Bytes4096>] {
        watched(check);
    }
}

#[test]
fn whatever_is_written_over_keys_nobody_panics_or_hangs() {
    watched(|| {
        type V = super::Bytes64;
        let mut random = Random(0x2545_f491_4f6c_dd1d);
        let space = TempNamespace::new();
        let held = keyed::<V>(&space).cells(CELLS).reader().expect("the name is free");
        let mut writer = keyed::<V>(&space).writer().expect("there");
        (1..3).for_each(|key| writer.store(&key, V::of(key)).expect("there is room"));
        drop(writer);
        let (file, layout) = (file(&space), layout::<V>(Kind::KeyedTable, Some(Key::of::<u64>()), CELLS));
        let mut whole = vec![0; layout.len as usize];
        file.read_exact_at(&mut whole, PAGE).expect("within the file");
        let mut stored = 0;
        for _ in 0..300 {
            for _ in 0..=random.below(3) {
                let cell = layout.slots + random.below(CELLS as u64) * layout.shape.stride;
                let at = cell + layout.shape.cell.key_offset + 8 * random.below(2);
                file.write_all_at(&random.word().to_le_bytes(), PAGE + at).expect("written");
            }
            let mut writer = keyed::<V>(&space).writer().expect("the header is whole");
            for key in 0..5 {
                let _ = (held.find(&key), held.load_key(&key));
                match writer.store(&key, V::of(7)) {
                    Ok(()) => stored += 1,
                    Err(Error::NoFreeCell { cells: 3, .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            let _ = (held.entries().count(), held.key(2), held.snapshot());
            drop(writer);
            file.write_all_at(&whole, PAGE).expect("written");
        }
        assert!(stored > 300, "only {stored}: the test tests nothing");
        assert_eq!(held.load_key(&1).map(|value| value.number()), Ok(1));
        assert_eq!(held.load_key(&2).map(|value| value.number()), Ok(2));
    });
}

#[test]
fn a_writer_whose_key_was_wiped_out_says_so_and_keeps_its_role() {
    type V = super::Bytes64;
    let space = TempNamespace::new();
    let reader = keyed::<V>(&space).cells(1).reader().expect("the name is free");
    let mut writer = keyed::<V>(&space).writer().expect("there");
    writer.store(&7, V::of(1)).expect("there is room");
    let layout = layout::<V>(Kind::KeyedTable, Some(Key::of::<u64>()), 1);
    let (file, at) = (file(&space), PAGE + layout.slots + layout.shape.cell.key_offset);
    for found in [0, 2, u64::MAX] {
        file.write_all_at(&u64::to_le_bytes(found), at).expect("within the file");
        assert_eq!(reader.find(&7), None);
        for key in [7, 8] {
            let error = writer.store(&key, V::of(2)).expect_err("its cell has no key any more");
            let broken = Broken::Corrupt { word: "key state", found, position: 0 };
            assert!(matches!(&error, Error::Inconsistent { broken: is, .. } if *is == broken), "{error}");
        }
        assert!(reader.freshness(0).is_fresh(), "it gave up its role");
        let error = keyed::<V>(&space).writer().expect("there").store(&7, V::of(3)).expect_err("it is taken");
        assert!(matches!(error, Error::RoleTaken { .. }), "{error}");
    }
    file.write_all_at(&u64::to_le_bytes(1), at).expect("within the file");
    writer.store(&7, V::of(2)).expect("it is whole again");
    assert_eq!(reader.load_key(&7).map(|value| value.number()), Ok(2));
}
