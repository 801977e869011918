//! A reader only reads: it could not do otherwise, and it needs no more than permission to.

use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;

use super::{Bench, Bytes64, DIR, NAME, SCRIPT, Sealed, assert_has, cell, store};
use crate::Error;
use crate::channel::open;
use crate::channel::options::Options;
use crate::map::{Access, ErrorKind, Namespace, lock_shared};
use crate::segment::{Kind, Segment, Slots};
use crate::sync::Ordering;
use crate::testing::{Child, Role, TempNamespace, skipped, watched};

const SIGSEGV: i32 = 11;
const STRANGER: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

/// The cell's segment, as its readers or its writer get it.
fn segment(dir: &std::path::Path, access: Access) -> Segment {
    let mut options = Options::new(NAME);
    options.namespace = Namespace::Dir(dir.to_owned());
    open::named_cells::<Bytes64>(Kind::Cell, None, &options, access).expect("a cell")
}

/// Stores into each part of the segment that a writer stores into.
#[test]
fn role_trespasser() {
    let Some(mut role) = Role::play() else { return };
    let (dir, script) = (std::path::PathBuf::from(role.var(DIR)), role.var(SCRIPT));
    let (access, part) = script.split_once(' ').expect("access and part");
    let segment = segment(&dir, if access == "read" { Access::Read } else { Access::ReadWrite });
    let place = segment.cell(0);
    // A load is fine.
    let sequence = place.cell(Slots::<Bytes64>::COUNT).sequence;
    assert_eq!(sequence.load(Ordering::Relaxed), 1);
    role.say("loaded");
    match part {
        "sequence" => sequence.store(7, Ordering::Relaxed),
        "slot" => {
            let slot = place.slot(0, Slots::<Bytes64>::OFFSET, Slots::<Bytes64>::STRIDE);
            let seven = 7u64.to_ne_bytes();
            #[allow(unsafe_code, reason = "what safe code cannot do is what the test is about")]
            // SAFETY: eight readable bytes, and eight of a slot that nobody else uses; that it cannot be written to is
            // what is to be shown.
            unsafe {
                crate::sync::words::store(seven.as_ptr(), slot.as_ptr(), seven.len());
            }
        }
        "record" => {
            let lock = Nobody;
            let _ = crate::protocol::roster::attach(&segment.senders()[0], &lock, Default::default());
        }
        other => panic!("no such part: {other}"),
    }
    role.say("stored");
}

/// A lock that anybody gets.
struct Nobody;

impl crate::protocol::roster::Lock for Nobody {
    fn try_lock(&self) -> bool {
        true
    }

    fn is_held(&self) -> bool {
        false
    }

    fn unlock(&self) {}
}

#[test]
fn a_store_through_a_readers_mapping_ends_the_process() {
    for part in ["sequence", "slot", "record"] {
        for access in ["read", "write"] {
            let bench = Bench::<Bytes64>::new();
            let reader = bench.reader();
            store(&mut bench.writer());
            let script = format!("{access} {part}");
            let envs = [(DIR, bench.space.path().as_os_str()), (SCRIPT, script.as_ref())];
            let mut child = Child::spawn("channel::tests::cells::read_only::role_trespasser", &envs);
            assert_eq!(child.hear(), "loaded");
            if access == "read" {
                let status = child.wait();
                assert_eq!(status.signal(), Some(SIGSEGV), "{part}: {status}");
                assert_has(&reader, 1);
            } else {
                // The same store where it is allowed: it is the mapping that forbids it.
                assert_eq!(child.hear(), "stored");
                child.wait_success();
            }
        }
    }
}

#[test]
fn a_reader_has_a_mapping_that_the_kernel_calls_read_only_also_if_it_made_the_cell() {
    let bench = Bench::<Bytes64>::new();
    let path = bench.space.path().join(NAME);
    let permissions = || -> Vec<String> {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("a process may read its own");
        let ours = maps.lines().filter(|line| line.ends_with(path.to_str().expect("UTF-8")));
        ours.map(|line| line.split(' ').nth(1).expect("a part").to_owned()).collect()
    };
    let made = bench.reader();
    // A file that had no name when it was mapped is listed under another one.
    assert_eq!(permissions().iter().filter(|bits| bits.contains('w')).count(), 0);
    let writer = bench.writer();
    assert_eq!(permissions().iter().filter(|bits| *bits == "rw-s").count(), 1);
    drop(made);
    let joined = bench.reader();
    let mut all = permissions();
    all.sort();
    assert_eq!(all, ["r--s", "rw-s"]);
    drop((joined, writer));
    assert!(permissions().is_empty());
}

/// The records of so many cells are on several pages.
#[test]
fn each_cell_of_a_table_has_its_own_gate_where_its_readers_may_write_to_no_other_byte() {
    const CELLS: u32 = 100;
    let space = TempNamespace::new();
    let mut options = Options::new(NAME);
    options.namespace = space.namespace();
    options.asked.capacity = Some(CELLS as usize);
    let table = |access| open::named_cells::<u64>(Kind::Table, None, &options, access).expect("a table");
    let (writer, reader) = (table(Access::ReadWrite), table(Access::Read));
    for index in [0, 1, 31, 32, CELLS - 1] {
        let news = || writer.senders()[index as usize].gate.is_watched();
        assert!(!news());
        reader.cell_gate(index).expect("who may write the file may sleep").enlist();
        assert!(news(), "{index}");
    }
    assert_eq!((0..CELLS).filter(|index| writer.senders()[*index as usize].gate.is_watched()).count(), 5);
}

#[test]
fn a_million_loads_leave_every_byte_of_the_file_as_it_was() {
    let bench = Bench::<Bytes64>::new();
    let mut writer = bench.writer();
    let reader = bench.reader();
    (1..6).for_each(|number| assert_eq!(store(&mut writer), number));
    let path = bench.space.path().join(NAME);
    let before = std::fs::read(&path).expect("it is there");
    let mut seen = 0;
    for _ in 0..250_000 {
        assert_eq!(reader.load(), Ok(Bytes64::of(5)));
        let _ = (reader.load_if_newer(&mut seen), reader.try_load(1), reader.load_boxed(), reader.changed(5));
    }
    let _ = (reader.freshness(), reader.clone(), bench.reader().wait_newer(&mut 0, super::WATCHDOG));
    let after = std::fs::read(&path).expect("it is there");
    assert!(before == after, "a reader stored something");
    store(&mut writer);
    assert!(before != std::fs::read(&path).expect("it is there"), "a store is to be seen in it");
}

#[test]
fn who_may_only_read_can_keep_the_role_of_a_dead_writer_and_no_value() {
    let bench = Bench::<Bytes64>::new();
    let reader = bench.reader();
    store(&mut bench.writer());
    let dead = bench.die("writer", "store", 1, "store.after-write");
    let spy = std::fs::File::open(bench.space.path().join(NAME)).expect("it may be read");
    // The byte of the first writer.
    lock_shared(spy.as_fd(), 1).expect("nobody has it");
    assert!(reader.freshness().is_fresh(), "the dead one seems to live");
    let error = bench.cell().writer().expect_err("its lock is held");
    assert!(matches!(error, Error::RoleTaken { pid, .. } if pid == dead), "{error}");
    assert_has(&reader, 1);
    drop(spy);
    // A child that another test starts just now has it until it runs its own program.
    let other = bench.reader();
    watched(move || {
        while other.freshness().is_fresh() {
            std::thread::yield_now();
        }
    });
    store(&mut bench.writer());
    assert_has(&reader, 2);
}

#[test]
fn role_stranger() {
    let Some(mut role) = Role::play() else { return };
    let dir = std::path::PathBuf::from(role.var(DIR));
    match cell::<Bytes64>(&dir).reader() {
        Ok(reader) => {
            let error = cell::<Bytes64>(&dir).writer().expect_err("it may only read");
            let Error::Map(map) = &error else { panic!("{error}") };
            assert!(matches!(map.kind(), ErrorKind::PermissionDenied { .. }), "{error}");
            loop {
                match reader.load() {
                    Ok(value) => {
                        role.say(&format!("loaded {} {}", value.number(), reader.freshness().is_fresh()))
                    }
                    Err(error) => panic!("{error}"),
                }
                if role.hear().is_empty() {
                    break;
                }
            }
        }
        Err(error) => role.say(&format!("refused: {error}")),
    }
}

/// Runs the role as a user who has nothing here; `None` if we cannot become one.
fn stranger(bench: &Bench<Bytes64>) -> Option<Child> {
    let able = std::env::current_exe().is_ok_and(|binary| {
        let mut listing = std::process::Command::new(STRANGER[0]);
        listing.args(&STRANGER[1..]).arg(binary).arg("--list").stdout(std::process::Stdio::null());
        listing.status().is_ok_and(|status| status.success())
    });
    let role = "channel::tests::cells::read_only::role_stranger";
    able.then(|| Child::spawn_under(&STRANGER, role, &[(DIR, bench.space.path())]))
}

#[test]
fn a_user_who_may_only_read_the_file_reads_the_cell() {
    let bench = Bench::<Bytes64>::new();
    let enter = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(bench.space.path(), enter).expect("it is ours");
    let mut writer = bench.cell().mode(0o644).writer().expect("the name is free");
    store(&mut writer);
    let Some(mut child) = stranger(&bench) else {
        return skipped("another user", "cannot become one here");
    };
    assert_eq!(child.hear(), "loaded 1 true");
    store(&mut writer);
    child.tell("again");
    assert_eq!(child.hear(), "loaded 2 true");
    drop(writer);
    child.tell("again");
    assert_eq!(child.hear(), "loaded 2 false");
    // It keeps the cell, for others too.
    let mut writer = bench.writer();
    assert_eq!(writer.version(), 2);
    store(&mut writer);
    child.tell("again");
    assert_eq!(child.hear(), "loaded 3 true");
    child.tell("");
    child.wait_success();
    assert_eq!(writer.version(), 3);
}

#[test]
fn a_user_who_may_not_even_read_the_file_is_refused() {
    let bench = Bench::<Bytes64>::new();
    let enter = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(bench.space.path(), enter).expect("it is ours");
    let _writer = bench.cell().writer().expect("the name is free");
    let Some(mut child) = stranger(&bench) else {
        return skipped("another user", "cannot become one here");
    };
    let said = child.hear();
    assert!(said.starts_with("refused: map `c`") && said.contains("; "), "{said}");
    child.wait_success();
}
