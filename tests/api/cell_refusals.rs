//! What does not fit a cell or a table is refused with what is wrong and what to do.

use ringway::map;
use ringway::seqlock::{self, Cells, Indexed, Keyed};
use ringway::{Error, Message, spsc};

use crate::cells::cell;
use crate::testing::TempNamespace;

fn table<T: Message>(space: &TempNamespace) -> Cells<T, Indexed> {
    seqlock::table("c").namespace(map::Namespace::Dir(space.path().to_owned()))
}

fn keyed<K: Message, T: Message>(space: &TempNamespace) -> Cells<T, Keyed<K>> {
    seqlock::keyed_table("c").namespace(map::Namespace::Dir(space.path().to_owned()))
}

/// What each way to come says.
fn as_cell<T: Message>(space: &TempNamespace) -> [Option<Error>; 2] {
    [cell::<T>(space).writer().err(), cell::<T>(space).open_existing().reader().err()]
}

fn as_table<T: Message>(space: &TempNamespace) -> [Option<Error>; 2] {
    [table::<T>(space).writer(0).err(), table::<T>(space).open_existing().reader().err()]
}

fn as_keyed<K: Message, T: Message>(space: &TempNamespace) -> [Option<Error>; 2] {
    [keyed::<K, T>(space).writer().err(), keyed::<K, T>(space).open_existing().reader().err()]
}

fn as_channel(space: &TempNamespace) -> [Option<Error>; 2] {
    let channel = spsc::channel::<u64>("c").namespace(map::Namespace::Dir(space.path().to_owned()));
    [channel.clone().sender().err(), channel.receiver().err()]
}

#[track_caller]
fn all_say(errors: [Option<Error>; 2], text: &str) {
    for error in errors {
        assert_eq!(error.expect("it was accepted").to_string(), text);
    }
}

#[track_caller]
fn all_are_of_another_kind(errors: [Option<Error>; 2], found: &str, expected: &str) {
    let text = format!(
        "channel `c` is {found}, this program expects {expected}; open it as what it is, or use another name"
    );
    for error in errors {
        let error = error.expect("it was accepted");
        assert!(matches!(error, Error::Kind { .. }), "{error}");
        assert_eq!(error.to_string(), text);
    }
}

const CELL: &str = "a seqlock cell";
const TABLE: &str = "a seqlock table";
const KEYED: &str = "a keyed seqlock table";
const SPSC: &str = "an spsc channel";

#[test]
fn cells_of_another_kind_are_refused_by_name() {
    let space = TempNamespace::new();
    let reader = cell::<u64>(&space).reader().expect("the name is free");
    all_are_of_another_kind(as_table::<u64>(&space), CELL, TABLE);
    all_are_of_another_kind(as_table::<u8>(&space), CELL, TABLE);
    all_are_of_another_kind(as_keyed::<u64, u64>(&space), CELL, KEYED);
    all_are_of_another_kind(as_channel(&space), CELL, SPSC);
    drop(reader);

    let reader = table::<u64>(&space).cells(1).reader().expect("the name is free");
    all_are_of_another_kind(as_cell::<u64>(&space), TABLE, CELL);
    all_are_of_another_kind(as_keyed::<u64, u64>(&space), TABLE, KEYED);
    all_are_of_another_kind(as_channel(&space), TABLE, SPSC);
    drop(reader);

    let reader = keyed::<u64, u64>(&space).cells(1).reader().expect("the name is free");
    all_are_of_another_kind(as_cell::<u64>(&space), KEYED, CELL);
    all_are_of_another_kind(as_table::<u64>(&space), KEYED, TABLE);
    all_are_of_another_kind(as_channel(&space), KEYED, SPSC);
    drop(reader);

    let channel = spsc::channel::<u64>("c").namespace(map::Namespace::Dir(space.path().to_owned()));
    let tx = channel.sender().expect("the name is free");
    all_are_of_another_kind(as_cell::<u64>(&space), SPSC, CELL);
    all_are_of_another_kind(as_table::<u64>(&space), SPSC, TABLE);
    all_are_of_another_kind(as_keyed::<u64, u64>(&space), SPSC, KEYED);
    drop(tx);
    space.assert_empty();
}

#[derive(Message, Clone, Copy)]
#[repr(C)]
#[message(name = "Pose")]
struct Pose {
    time_ns: u64,
    x: f64,
}

mod other {
    #[derive(ringway::Message, Clone, Copy)]
    #[repr(C)]
    #[message(name = "Pose")]
    pub(super) struct Pose {
        time_ns: u64,
        x: u64,
    }
}

#[track_caller]
fn all_are_of_another_type(errors: [Option<Error>; 2], words: &[&str]) {
    for error in errors {
        let error = error.expect("it was accepted");
        let text = error.to_string();
        assert!(matches!(error, Error::Type { .. }), "{text}");
        assert!(text.starts_with("channel `c` carries another message type: "), "{text}");
        assert!(text.ends_with("; build both sides from the same definition, or use another name"), "{text}");
        words.iter().for_each(|word| assert!(text.contains(word), "no {word}: {text}"));
    }
}

#[test]
fn values_of_another_type_are_refused_with_the_first_difference() {
    let space = TempNamespace::new();
    let reader = cell::<Pose>(&space).reader().expect("the name is free");
    all_are_of_another_type(as_cell::<other::Pose>(&space), &["`x`", "f64", "u64"]);
    all_are_of_another_type(as_cell::<[u64; 2]>(&space), &["Pose"]);
    drop(reader);
    let reader = table::<Pose>(&space).reader().expect("the name is free");
    all_are_of_another_type(as_table::<other::Pose>(&space), &["`x`", "f64", "u64"]);
    drop(reader);
    let reader = keyed::<u64, Pose>(&space).reader().expect("the name is free");
    all_are_of_another_type(as_keyed::<u64, other::Pose>(&space), &["`x`", "f64", "u64"]);
    // Of the value first.
    all_are_of_another_type(as_keyed::<u32, other::Pose>(&space), &["`x`"]);
    drop(reader);
    space.assert_empty();
}

#[test]
fn keys_of_another_type_are_refused_as_keys() {
    let space = TempNamespace::new();
    let reader = keyed::<Pose, u64>(&space).reader().expect("the name is free");
    all_are_of_another_type(as_keyed::<other::Pose, u64>(&space), &["of the key, ", "`x`", "f64", "u64"]);
    all_are_of_another_type(as_keyed::<u64, u64>(&space), &["of the key, ", "Pose", "u64"]);
    all_are_of_another_type(as_keyed::<[u8; 16], u64>(&space), &["of the key, "]);
    // Key and value are not mixed up.
    all_are_of_another_type(as_keyed::<u64, Pose>(&space), &["Pose", "u64"]);
    drop(keyed::<Pose, u64>(&space).writer().expect("the same"));
    drop(reader);
    space.assert_empty();
}

#[test]
fn another_number_of_cells_is_refused_and_the_same_or_none_is_not() {
    let space = TempNamespace::new();
    let text = |other| {
        format!(
            "channel `c` has cells 4, this program expects {other}; ask for 4, leave cells to the creator, or use \
             another name"
        )
    };
    let reader = table::<u64>(&space).cells(4).reader().expect("the name is free");
    for other in [1, 3, 5, 64] {
        let come = || table::<u64>(&space).cells(other);
        all_say([come().writer(0).err(), come().open_existing().reader().err()], &text(other));
    }
    drop(table::<u64>(&space).cells(4).writer(3).expect("the same"));
    drop((table::<u64>(&space).reader().expect("whatever it has"), reader));
    let reader = keyed::<u8, u64>(&space).cells(4).reader().expect("the name is free");
    let come = || keyed::<u8, u64>(&space).cells(5);
    all_say([come().writer().err(), come().reader().err()], &text(5));
    drop(keyed::<u8, u64>(&space).cells(4).writer().expect("the same"));
    drop(reader);
    space.assert_empty();
}

#[test]
fn a_number_of_cells_that_no_table_can_have_is_refused_before_anything_is_made() {
    let space = TempNamespace::new();
    for cells in [0, (1 << 24) + 1, usize::MAX] {
        let text = |name| format!("channel `{name}`: cells is {cells} cells; use 1 to 16777216 cells");
        let come = || table::<u8>(&space).cells(cells);
        all_say([come().writer(0).err(), come().reader().err()], &text("c"));
        let come = || keyed::<u8, u8>(&space).cells(cells);
        all_say([come().writer().err(), come().reader().err()], &text("c"));
        let heap = [
            seqlock::table_in_process::<u8>(cells).err(),
            seqlock::keyed_table_in_process::<u8, u8>(cells).err(),
        ];
        all_say(heap, &text("in process"));
    }
    // As a number it may be; the machine has no such memory.
    let error = table::<[u8; 1 << 20]>(&space).cells(1 << 24).reader().expect_err("no such memory");
    assert!(matches!(error, Error::Map(_)), "{error}");
    assert!(matches!(
        seqlock::table_in_process::<[[u8; 1 << 16]; 1 << 15]>(1 << 24),
        Err(Error::Map(_) | Error::Option { .. })
    ));
    space.assert_empty();
}

#[test]
fn a_name_a_mode_or_a_namespace_that_cannot_be_is_refused() {
    let space = TempNamespace::new();
    let error = seqlock::cell::<u64>("").reader().expect_err("no name");
    assert!(matches!(error, Error::Map(_)), "{error}");
    let error = cell::<u64>(&space).mode(0o7777).writer().expect_err("no permission bits");
    assert!(error.to_string().contains("mode"), "{error}");
    let nowhere = map::Namespace::Dir(space.path().join("nowhere"));
    let error = seqlock::cell::<u64>("c").namespace(nowhere).reader().expect_err("no such directory");
    assert!(error.to_string().contains("`c`") && error.to_string().contains("; "), "{error}");
    space.assert_empty();
}
