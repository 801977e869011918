//! Writers of keys that die or are stopped: a key is there or it is not, it is in one cell only, and its value is as in a
//! cell alone.

use std::path::Path;

use super::{Bytes64, DIR, NAME, SCRIPT, Sealed};
use crate::map::Namespace;
use crate::seqlock::{self, Cells, Freshness, Keyed, KeyedReader, KeyedWriter, LoadError};
use crate::testing::{CRASH_POINT, CRASH_STOP, Child, Role, TempNamespace};
use crate::{Departure, Error, Predecessor};

/// A key of two parts, so that it can be half written.
type Key = [u64; 16];

fn key(number: u64) -> Key {
    [number; 16]
}

fn table(dir: &Path) -> Cells<Bytes64, Keyed<Key>> {
    seqlock::keyed_table(NAME).namespace(Namespace::Dir(dir.to_owned()))
}

/// Stores value 1 under each of the keys, in turn.
#[test]
fn role_keyed_writer() {
    let Some(mut role) = Role::play() else { return };
    let dir = std::path::PathBuf::from(role.var(DIR));
    let mut writer = table(&dir).writer().expect("anybody may write keys");
    for number in role.var(SCRIPT).split(' ').map(|number| number.parse().expect("a number")) {
        writer.store(&key(number), Bytes64::of(1)).expect("there is a cell for it");
        role.say(&format!("stored {number}"));
    }
    role.hear();
}

struct Bench {
    space: TempNamespace,
    reader: KeyedReader<Key, Bytes64>,
}

impl Bench {
    fn new(cells: usize) -> Self {
        let space = TempNamespace::new();
        let reader = table(space.path()).cells(cells).reader().expect("the name is free");
        Self { space, reader }
    }

    fn spawn_at(&self, keys: &str, variable: &str, point: &str) -> Child {
        let envs =
            [(DIR, self.space.path().as_os_str()), (SCRIPT, keys.as_ref()), (variable, point.as_ref())];
        Child::spawn("channel::tests::cells::keyed_deaths::role_keyed_writer", &envs)
    }

    #[track_caller]
    fn die(&self, keys: &str, point: &str) -> u64 {
        let mut child = self.spawn_at(keys, CRASH_POINT, point);
        child.wait_killed();
        child.pid()
    }

    fn writer(&self) -> KeyedWriter<Key, Bytes64> {
        table(self.space.path()).writer().expect("anybody may write keys")
    }

    /// The keys in the table, in their order as numbers; each is in one cell, and whole.
    #[track_caller]
    fn keys(&self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self
            .reader
            .entries()
            .map(|(found, _)| {
                assert_eq!(found, key(found[0]), "a key that nobody stored");
                found[0]
            })
            .collect();
        numbers.sort_unstable();
        let mut once = numbers.clone();
        once.dedup();
        assert_eq!(numbers, once, "a key in two cells");
        numbers
    }
}

/// The crash points of a first store under a key, in their order; whether the key is there then, and the value.
const STEPS: [(&str, bool, bool); 11] = [
    ("attach.after-lock", false, false),
    ("attach.after-identity", false, false),
    ("attach.after-live", false, false),
    // The key has two parts, the value one.
    ("store.after-part#1", false, false),
    ("store.after-part#2", false, false),
    ("key.after-write", false, false),
    ("key.after-publish", true, false),
    ("store.after-begin", true, false),
    ("store.after-part#3", true, false),
    ("store.after-write", true, false),
    ("store.after-publish", true, true),
];

#[track_caller]
fn assert_loads(reader: &KeyedReader<Key, Bytes64>, number: u64, value: Option<u64>) {
    let found = reader.load_key(&key(number)).map(|value| value.number());
    assert_eq!(found, value.ok_or(LoadError::Empty));
}

#[test]
fn a_key_that_was_being_put_when_its_writer_died_is_there_or_not_and_the_next_one_puts_it_or_finds_it() {
    for (point, has_key, has_value) in STEPS {
        for cells in [1, 3] {
            println!("{point}, {cells} cells");
            let bench = Bench::new(cells);
            let pid = bench.die("7", point);
            assert_eq!(bench.keys(), if has_key { vec![7] } else { vec![] });
            assert_eq!(bench.reader.find(&key(7)).is_some(), has_key);
            assert_loads(&bench.reader, 7, has_value.then_some(1));
            if let Some(cell) = bench.reader.find(&key(7)) {
                let freshness = bench.reader.freshness(cell);
                let died = Departure::Died;
                assert!(
                    matches!(freshness, Freshness::Stale { writer, pid: by, .. } if (writer, by) == (died, pid)),
                    "{freshness:?}"
                );
            }
            let mut writer = bench.writer();
            let found = writer.entry(&key(7)).expect("its writer is dead");
            assert_eq!(found.version(), u64::from(has_value));
            let never = ["attach.after-lock", "attach.after-identity"].contains(&point);
            assert_eq!(found.predecessor(), if never { Predecessor::None } else { Predecessor::Died });
            writer.store(&key(7), Bytes64::of(2)).expect("it is ours");
            assert_eq!(bench.keys(), [7]);
            assert_loads(&bench.reader, 7, Some(2));
        }
    }
}

#[test]
fn a_cell_in_which_a_dead_one_had_begun_a_key_can_get_another_one() {
    for (point, has_key, has_value) in STEPS {
        // In a table of one cell all keys want the same one; in one of two the second goes on behind it.
        for cells in [1, 2] {
            println!("{point}, {cells} cells");
            let bench = Bench::new(cells);
            bench.die("7", point);
            let mut writer = bench.writer();
            match writer.store(&key(8), Bytes64::of(1)) {
                Ok(()) => assert!(!has_key || cells > 1),
                Err(Error::NoFreeCell { cells: 1, .. }) => assert!(has_key && cells == 1),
                Err(error) => panic!("{error}"),
            }
            let mut wanted = vec![7, 8];
            wanted.retain(|number| if *number == 7 { has_key } else { cells > 1 || !has_key });
            assert_eq!(bench.keys(), wanted);
            assert_loads(&bench.reader, 7, has_value.then_some(1));
            assert_loads(&bench.reader, 8, wanted.contains(&8).then_some(1));
            if cells > 1 {
                writer.store(&key(7), Bytes64::of(2)).expect("there is room for both");
                assert_eq!(bench.keys(), [7, 8]);
                assert_loads(&bench.reader, 7, Some(2));
                assert_loads(&bench.reader, 8, Some(1));
            }
        }
    }
}

#[test]
fn a_writer_of_keys_that_leaves_or_dies_leaves_all_its_keys_and_their_values() {
    for point in
        ["detach.before-vacant", "detach.after-vacant", "detach.before-vacant#3", "map.drop.after-flock"]
    {
        let bench = Bench::new(4);
        let mut child = bench.spawn_at("1 2 3", CRASH_POINT, point);
        (1..4).for_each(|number| assert_eq!(child.hear(), format!("stored {number}")));
        let error = bench.writer().store(&key(2), Bytes64::of(9)).expect_err("it has a writer");
        assert!(
            matches!(error, Error::RoleTaken { role: "writer", pid, .. } if pid == child.pid()),
            "{error}"
        );
        child.tell("leave");
        child.wait_killed();
        assert_eq!(bench.keys(), [1, 2, 3]);
        let mut writer = bench.writer();
        for number in 1..4 {
            assert_loads(&bench.reader, number, Some(1));
            writer.store(&key(number), Bytes64::of(2)).expect("it is free");
            assert_eq!(writer.entry(&key(number)).expect("ours").version(), 2);
            assert_loads(&bench.reader, number, Some(2));
        }
        writer.store(&key(4), Bytes64::of(1)).expect("one cell is left");
        assert!(matches!(writer.store(&key(5), Bytes64::of(1)), Err(Error::NoFreeCell { cells: 4, .. })));
        assert_eq!(bench.keys(), [1, 2, 3, 4]);
        let space = bench.space;
        drop((bench.reader, writer));
        space.assert_empty();
    }
}

#[test]
fn one_that_is_stopped_while_it_puts_a_key_is_told_by_name_and_goes_on() {
    for point in ["attach.after-live", "store.after-part#1", "key.after-write"] {
        let bench = Bench::new(1);
        let mut child = bench.spawn_at("7", CRASH_STOP, point);
        child.wait_stopped();
        // Nobody knows which key the cell is going to have.
        for number in [7, 8] {
            let error = bench.writer().store(&key(number), Bytes64::of(9)).expect_err("it is alive");
            assert!(matches!(error, Error::RoleTaken { pid, .. } if pid == child.pid()), "{error}");
        }
        assert_eq!(bench.keys(), []);
        child.go_on();
        assert_eq!(child.hear(), "stored 7");
        assert_eq!(bench.keys(), [7]);
        assert_loads(&bench.reader, 7, Some(1));
    }
}

#[test]
fn one_that_is_stopped_before_it_has_said_who_it_is_keeps_the_cell_busy() {
    for point in ["attach.after-lock", "attach.after-identity"] {
        let bench = Bench::new(1);
        // The cell has had a writer: its process is not the one to blame.
        bench.die("1", "attach.after-live");
        let mut child = bench.spawn_at("7", CRASH_STOP, point);
        child.wait_stopped();
        let error = bench.writer().store(&key(7), Bytes64::of(9)).expect_err("the cell is locked");
        println!("{point}: {error}");
        child.go_on();
        assert_eq!(child.hear(), "stored 7");
        match error {
            // LIVE is the dead one's: nothing can tell it from one who is attached.
            Error::RoleTaken { .. } => {}
            other => panic!("{other}"),
        }
    }
    let bench = Bench::new(1);
    let mut child = bench.spawn_at("7", CRASH_STOP, "attach.after-lock");
    child.wait_stopped();
    let error = bench.writer().store(&key(7), Bytes64::of(9)).expect_err("the cell is locked");
    assert!(matches!(error, Error::RoleBusy { role: "writer", .. }), "{error}");
    child.go_on();
    assert_eq!(child.hear(), "stored 7");
}

#[test]
fn a_stopped_writer_of_one_key_keeps_nobody_from_another() {
    let bench = Bench::new(4);
    let mut child = bench.spawn_at("7", CRASH_STOP, "store.after-write");
    child.wait_stopped();
    let mut writer = bench.writer();
    for number in [1, 2, 3] {
        writer.store(&key(number), Bytes64::of(1)).expect("there is room");
    }
    assert_loads(&bench.reader, 7, None);
    child.go_on();
    assert_eq!(child.hear(), "stored 7");
    assert_eq!(bench.keys(), [1, 2, 3, 7]);
    assert_loads(&bench.reader, 7, Some(1));
}
