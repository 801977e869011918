//! Header bytes that nobody vouches for, and files that are not maps.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, symlink};

use super::{assert_helpful, assert_not_found, load, options, store};
use crate::map::header::{Elsewhere, Header, LONGEST_NAME, LONGEST_PATH, Plan, Rejected};
use crate::map::{Disposition, ErrorKind, SharedMap};
use crate::testing::TempNamespace;

#[test]
fn every_flipped_header_byte_of_a_live_map_is_refused_and_its_holder_is_unharmed() {
    let space = TempNamespace::new();
    let map = options(&space).create_new("m").expect("created");
    store(&map, 0, 42);
    let file = OpenOptions::new().read(true).write(true).open(space.path().join("m")).expect("it is there");
    for at in 0..4096 {
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).expect("within the header");
        for mask in [0xff, 1 << (at % 8)] {
            file.write_all_at(&[byte[0] ^ mask], at).expect("within the header");
            let error = options(&space).open("m").expect_err("a flipped byte must not pass");
            assert_helpful(&error, "m");
            match error.kind() {
                ErrorKind::Foreign { .. } => assert!(at < 8, "{at}: {error}"),
                ErrorKind::Version { .. } => assert!((16..20).contains(&at), "{at}: {error}"),
                ErrorKind::Damaged { .. } => assert!(at >= 8, "{at}: {error}"),
                other => panic!("byte {at}: {other:?}"),
            }
            assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidData);
        }
        file.write_all_at(&byte, at).expect("within the header");
    }
    assert_eq!(load(&map, 0), 42);
    let twin = options(&space).open("m").expect("whole again");
    assert_eq!(load(&twin, 0), 42);
    drop((map, twin));
    space.assert_empty();
}

#[test]
fn a_damaged_map_that_nobody_holds_is_a_leftover() {
    let space = TempNamespace::new();
    for at in [8, 16, 20, 40, 80, 4000] {
        let map = options(&space).create_new("m").expect("created");
        let mut bytes = fs::read(space.path().join("m")).expect("readable");
        drop(map);
        bytes[at] ^= 0xff;
        fs::write(space.path().join("m"), &bytes).expect("writable");
        assert_not_found(options(&space).open("m"));
        fs::write(space.path().join("m"), &bytes).expect("writable");
        let (map, how) = options(&space).create_or_open("m").expect("a leftover is no map");
        assert_eq!(how, Disposition::Created);
        drop(map);
        space.assert_empty();
    }
}

#[test]
fn a_truncated_live_map_is_refused() {
    let space = TempNamespace::new();
    let map = options(&space).create_new("m").expect("created");
    let file = OpenOptions::new().write(true).open(space.path().join("m")).expect("it is there");
    for len in [8191, 4096, 4095, 128] {
        file.set_len(len).expect("a tmpfs file can shrink");
        let error = options(&space).open("m").expect_err("truncated");
        assert!(matches!(error.kind(), ErrorKind::Truncated { found, .. } if *found == len), "{error}");
        assert_helpful(&error, "m");
    }
    for len in [127, 8, 0] {
        file.set_len(len).expect("a tmpfs file can shrink");
        let error = options(&space).open("m").expect_err("truncated");
        assert!(matches!(error.kind(), ErrorKind::Foreign { .. }), "{error}");
    }
    drop(map);
    space.assert_empty();

    let map = options(&space).create_new("m").expect("created");
    let file = OpenOptions::new().write(true).open(space.path().join("m")).expect("it is there");
    file.set_len(8193).expect("a tmpfs file can grow");
    let error = options(&space).open("m").expect_err("it is not what its creator made");
    assert!(matches!(error.kind(), ErrorKind::Damaged { part: "file length", .. }), "{error}");
    drop(map);
    space.assert_empty();
}

/// None of the three calls accepts what is there, and each says what it is.
#[track_caller]
fn assert_foreign(space: &TempNamespace, what: &str) {
    // None waits for whoever has it: an open of a FIFO would hang.
    let options = options(space);
    let (errors, refused) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _ = errors.send([
            options.clone().open("m").expect_err("foreign"),
            options.clone().create_new("m").expect_err("foreign"),
            options.clone().create_or_open("m").map(|(map, _)| map).expect_err("foreign"),
        ]);
    });
    let errors = refused.recv_timeout(crate::testing::WATCHDOG).expect("it blocks, or does not refuse");
    for error in errors {
        assert!(matches!(error.kind(), ErrorKind::Foreign { found } if found == what), "{error}");
        assert_eq!(error.path(), space.path().join("m"));
        assert_helpful(&error, "m");
    }
    space.namespace().sweep().expect("swept");
    assert_eq!(space.files(), ["m"], "what is not ours is not removed");
}

#[test]
fn what_is_not_a_map_is_refused_and_left_alone() {
    let space = TempNamespace::new();
    let path = space.path().join("m");

    let notes = "someone's notes".repeat(10);
    fs::write(&path, &notes).expect("written");
    assert_foreign(&space, "a file that does not begin as a map does");
    assert_eq!(fs::read_to_string(&path).expect("readable"), notes);
    // Not even when its owner holds a lock that looks like ours.
    let held = fs::File::open(&path).expect("readable");
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).expect("free");
    assert_foreign(&space, "a file that does not begin as a map does");
    for short in ["", "RINGWMAP", &notes[..127]] {
        fs::write(&path, short).expect("written");
        assert_foreign(&space, "a file that does not begin as a map does");
    }
    fs::remove_file(&path).expect("there");

    fs::create_dir(&path).expect("made");
    assert_foreign(&space, "a directory");
    fs::remove_dir(&path).expect("there");

    rustix::fs::mknodat(
        rustix::fs::CWD,
        &path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .expect("made");
    assert_foreign(&space, "a FIFO");
    assert!(fs::metadata(&path).expect("there").file_type().is_fifo());
    fs::remove_file(&path).expect("there");

    let socket = std::os::unix::net::UnixListener::bind(&path).expect("made");
    assert_foreign(&space, "a socket");
    drop(socket);
    fs::remove_file(&path).expect("there");
}

#[test]
fn a_planted_symbolic_link_is_not_followed() {
    let space = TempNamespace::new();
    let elsewhere = TempNamespace::new();
    let real = options(&elsewhere).create_new("m").expect("created");
    store(&real, 0, 42);
    let path = space.path().join("m");
    for target in [elsewhere.path().join("m"), elsewhere.path().join("nothing"), "/etc/passwd".into()] {
        symlink(target, &path).expect("made");
        assert_foreign(&space, "a symbolic link");
        fs::remove_file(&path).expect("there");
    }
    assert_eq!(load(&real, 0), 42);
}

#[test]
fn a_map_under_another_names_file_is_a_collision_and_no_alias() {
    let space = TempNamespace::new();
    let map: SharedMap = options(&space).create_new("a").expect("created");
    fs::rename(space.path().join("a"), space.path().join("b")).expect("renamed");
    let error = options(&space).open("b").expect_err("that is `a`");
    assert_eq!(error.kind(), &ErrorKind::Collision { found: "a".to_owned() });
    assert_helpful(&error, "b");
    drop(map);
    // Its own name has gone, and another's is not its to remove; nobody holds it, so it is a leftover.
    assert_eq!(space.files(), ["b"]);
    assert_eq!(space.namespace().sweep().expect("swept").removed.len(), 1);
    space.assert_empty();
}

/// Takes a page that is whole and of the right checksum.
fn attached(header: &Header) -> Result<Header, Rejected> {
    let space = TempNamespace::new();
    let path = space.path().join("m");
    fs::write(&path, header.format()).expect("there is room");
    let file = OpenOptions::new().read(true).write(true).open(path).expect("ours");
    file.set_len(header.plan.file_len).expect("a tmpfs file can grow");
    Header::attach(&file)
}

/// The page of a map in memory, or of the name of the file at a path.
fn page(name: &str, capacity: u64, path: Option<&str>) -> Header {
    let header_len = name.len() + path.map_or(0, str::len);
    let follows = if path.is_some() { 0 } else { capacity };
    Header {
        name: name.to_owned(),
        capacity,
        plan: Plan::new(header_len, follows).expect("both are short"),
        id: 1,
        created_ns: 0,
        creator_pid: 1,
        creator_mode: 0o600,
        access: crate::map::Access::Read,
        elsewhere: path.map(|path| Elsewhere { path: path.into(), device: 1, inode: 1 }),
    }
}

#[test]
fn the_page_of_a_name_has_an_absolute_path() {
    for (path, fits) in [("/data", true), ("data", false), ("../data", false)] {
        let header = page("m", 1, Some(path));
        match attached(&header) {
            Ok(found) => assert!(fits && found == header),
            Err(Rejected::Kind(ErrorKind::Damaged { part: "path", found, .. })) => {
                assert_eq!((fits, &*found), (false, "relative"));
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_page_has_no_name_or_path_or_capacity_beyond_its_limits_whatever_its_checksum_is() {
    let path = |len: usize| format!("/{}", "p".repeat(len - 1));
    let longest = page(&"n".repeat(LONGEST_NAME), 1, Some(&path(LONGEST_PATH)));
    assert!(attached(&longest).is_ok_and(|found| found == longest));
    let (long_name, long_path) = ("n".repeat(LONGEST_NAME + 1), path(LONGEST_PATH + 1));
    for (header, wrong) in [
        (page("", 1, None), ["name length", "0"]),
        (page(&long_name, 1, None), ["name length", &long_name.len().to_string()]),
        (page("m", 1, Some(&long_path)), ["path length", &long_path.len().to_string()]),
        (page("m", 1, Some("")), ["path", "empty"]),
        (page("m", 0, None), ["capacity", "0"]),
        (page("m", 0, Some("/data")), ["capacity", "0"]),
    ] {
        match attached(&header) {
            Err(Rejected::Kind(ErrorKind::Damaged { part, found, .. })) => assert_eq!([part, &*found], wrong),
            other => panic!("{wrong:?}: {other:?}"),
        }
    }
}

#[test]
fn what_is_shorter_than_the_magic_is_no_map_and_what_cannot_be_read_is_an_error() {
    let space = TempNamespace::new();
    let path = space.path().join("short");
    fs::write(&path, "RING").expect("there is room");
    let is_map = |path| Header::is_map(&fs::File::open(path).expect("there"));
    assert!(!is_map(&*path).expect("it can be read"));
    is_map(space.path()).expect_err("a directory");
}
