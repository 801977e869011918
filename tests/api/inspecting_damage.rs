//! What whoever only looks says of what is damaged, or no channel at all.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::FileExt;

use ringway::channel::{Mpmc, Mpsc};
use ringway::inspect::{CellKey, Finding, Observer};
use ringway::map::{ErrorKind, MapOptions};
use ringway::seqlock;

use crate::channel_of;
use crate::inspecting::{PAGE, bytes, observe};
use crate::testing::TempNamespace;

/// The file of the channel, to be damaged.
#[track_caller]
fn file(space: &TempNamespace) -> File {
    File::options().read(true).write(true).open(space.path().join("c")).expect("it is there")
}

#[track_caller]
fn assert_damaged(observer: &Observer, part: &str, found: &str) {
    let findings = observer.check();
    let is_it = |finding: &Finding| matches!(finding, Finding::Damaged { part: p, found: f, .. } if p == part && f == found);
    assert!(findings.iter().any(is_it), "{findings:?}");
    let text = findings[0].to_string();
    assert!(text.contains("is damaged: found ") && text.contains(", expected "), "{text}");
}

#[test]
fn words_that_make_no_sense_are_found() {
    let space = TempNamespace::new();
    let tx = channel_of::<u64, Mpmc>(&space).capacity(4).sender().expect("the name is free");
    let (observer, file) = (observe(&space), file(&space));
    let number = |at: u64| {
        let mut word = [0; 8];
        file.read_exact_at(&mut word, PAGE + at).expect("readable");
        u64::from_le_bytes(word)
    };
    let (control, slots) = (number(120), number(128));
    file.write_all_at(&5_u64.to_le_bytes(), PAGE + control).expect("written");
    assert_damaged(&observer, "position", "head 0 and tail 5");
    file.write_all_at(&0_u64.to_le_bytes(), PAGE + control).expect("written");
    file.write_all_at(&1_u64.to_le_bytes(), PAGE + control + 128).expect("written");
    assert_damaged(&observer, "position", "head 1 and tail 0");
    file.write_all_at(&0_u64.to_le_bytes(), PAGE + control + 128).expect("written");
    assert_eq!(observer.check(), []);
    for slot in [2, 3] {
        file.write_all_at(&7_u64.to_le_bytes(), PAGE + slots + slot * 16).expect("written");
    }
    assert_damaged(&observer, "the stamp of slot 2", "0x7, and 2 such stamps");
    drop(tx);
}

#[test]
fn words_of_cells_that_make_no_sense_are_found() {
    let space = TempNamespace::new();
    let table = seqlock::keyed_table::<u64, u64>("c").namespace(space.namespace()).cells(2);
    let reader = table.reader().expect("the name is free");
    let (observer, file) = (observe(&space), file(&space));
    let mut word = [0; 8];
    let mut number = |at: u64| {
        file.read_exact_at(&mut word, PAGE + at).expect("readable");
        u64::from_le_bytes(word)
    };
    let (slots, stride, key) = (number(128), number(64), number(168));
    file.write_all_at(&u64::MAX.to_le_bytes(), PAGE + slots + stride).expect("written");
    assert_damaged(&observer, "the sequence of cell 1", &u64::MAX.to_string());
    file.write_all_at(&0_u64.to_le_bytes(), PAGE + slots + stride).expect("written");
    assert_eq!(observer.check(), []);
    file.write_all_at(&9_u64.to_le_bytes(), PAGE + slots + key).expect("written");
    assert_damaged(&observer, "the state of the key of cell 0", "9");
    assert_eq!(observer.key(0), CellKey::Damaged(9));
    drop(reader);
}

#[test]
fn what_is_no_channel_is_refused() {
    let space = TempNamespace::new();
    let open = || Observer::open_in(&space.namespace(), "c").map(drop).expect_err("it is no channel");
    let map_error = |error: ringway::Error| match error {
        ringway::Error::Map(error) => error,
        other => panic!("{other}"),
    };
    assert!(matches!(map_error(open()).kind(), ErrorKind::NotFound));
    std::fs::write(space.path().join("c"), [0; 8192]).expect("written");
    let error = map_error(open());
    assert!(matches!(error.kind(), ErrorKind::Foreign { .. }), "{error}");
    std::fs::remove_file(space.path().join("c")).expect("removed");
    std::fs::create_dir(space.path().join("c")).expect("made");
    assert!(matches!(map_error(open()).kind(), ErrorKind::Foreign { .. }));
    std::fs::remove_dir(space.path().join("c")).expect("removed");

    let map = MapOptions::new()
        .namespace(space.namespace())
        .capacity(8192)
        .create_new("c")
        .expect("the name is free");
    let error = open();
    assert!(matches!(error, ringway::Error::NotAChannel { .. }), "{error}");
    assert!(error.to_string().contains("`c`"), "{error}");
    drop(map);
    space.assert_empty();
}

#[test]
fn a_damaged_header_is_refused_with_its_part() {
    let space = TempNamespace::new();
    let tx = channel_of::<u64, Mpsc>(&space).sender().expect("the name is free");
    let (file, before) = (file(&space), bytes(&space));
    let open = || Observer::open_in(&space.namespace(), "c").map(drop);
    let mut parts = BTreeSet::new();
    // The header, and the schema of a number: two bytes.
    for at in 0..256 + 2 {
        let byte = [before[(PAGE + at) as usize] ^ 1];
        file.write_all_at(&byte, PAGE + at).expect("written");
        let error = open().expect_err("a byte is another");
        assert!(error.to_string().contains("`c`"), "{error}");
        if let ringway::Error::Damaged { part, .. } = error {
            parts.insert(part);
        }
        file.write_all_at(&before[(PAGE + at) as usize..][..1], PAGE + at).expect("written");
    }
    assert!(open().is_ok());
    for part in ["header checksum", "schema fingerprint", "state"] {
        assert!(parts.contains(part), "{parts:?}");
    }
    drop(tx);
}

#[test]
#[should_panic(expected = "an mpmc channel has no cells")]
fn a_ring_has_no_cells() {
    let space = TempNamespace::new();
    let _tx = channel_of::<u64, Mpmc>(&space).sender().expect("the name is free");
    let _ = observe(&space).value(0);
}

#[test]
#[should_panic(expected = "cell 2 of 2")]
fn a_table_has_so_many_cells() {
    let space = TempNamespace::new();
    let _reader =
        seqlock::table::<u64>("c").namespace(space.namespace()).cells(2).reader().expect("the name is free");
    let _ = observe(&space).version(2);
}

/// To read what is not there makes it: a file with holes could be as long as memory.
#[test]
fn a_file_with_holes_is_not_looked_into() {
    use rustix::fs::FallocateFlags;
    let space = TempNamespace::new();
    let tx = channel_of::<[u64; 16], Mpmc>(&space).capacity(1000).sender().expect("the name is free");
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(file(&space), flags, 16 * PAGE, 8 * PAGE).expect("a hole");
    let error = Observer::open_in(&space.namespace(), "c").map(drop).expect_err("holes");
    assert!(error.to_string().contains("a file with holes, which no map in memory has"), "{error}");
    drop(tx);
}
