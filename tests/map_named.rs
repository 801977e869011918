//! Named maps through the public interface, in one process.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use ringway::map::{Disposition, Error, ErrorKind, MapOptions, MapState, Namespace, SharedMap};

/// A fresh directory in `/dev/shm`, removed on drop.
struct Space(PathBuf);

impl Space {
    fn new() -> Space {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = PathBuf::from(format!("/dev/shm/ringway-api-{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Space(path),
                // Left behind by a killed run that had our pid.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("/dev/shm is not writable: {error}"),
            }
        }
    }

    fn options(&self) -> MapOptions {
        MapOptions::new().capacity(4096).namespace(Namespace::Dir(self.0.clone()))
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("the directory is there");
        entries.map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8")).collect()
    }

    #[track_caller]
    fn assert_empty(&self) {
        assert_eq!(self.files(), Vec::<String>::new());
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn get(map: &SharedMap, at: u64) -> u8 {
    map.accessor().expect("all of it").read(at).expect("within")
}

fn set(map: &SharedMap, at: u64, value: u8) {
    map.accessor().expect("all of it").write(at, &value).expect("within");
}

#[track_caller]
fn assert_kind<T: std::fmt::Debug>(result: Result<T, Error>, kind: &ErrorKind, io: io::ErrorKind) {
    let error = result.expect_err("an error");
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!(io::Error::from(error).kind(), io);
}

#[track_caller]
fn assert_argument<T: std::fmt::Debug>(result: Result<T, Error>, wanted: &str) {
    let error = result.expect_err("an error");
    let text = error.to_string();
    assert!(
        matches!(error.kind(), ErrorKind::InvalidArgument { argument, .. } if *argument == wanted),
        "{text}"
    );
    assert!(text.contains(&format!("`{wanted}`")) && text.contains("expected"), "{text}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn what_one_handle_writes_the_other_reads() {
    let space = Space::new();
    let a = space.options().create_new("n").expect("created");
    let b = space.options().open("n").expect("opened");
    assert_eq!((b.name(), b.capacity()), (Some("n"), 4096));
    assert_eq!(b.namespace(), Some(&Namespace::Dir(space.0.clone())));
    set(&a, 0, 42);
    set(&b, 4095, 43);
    assert_eq!((get(&b, 0), get(&a, 4095)), (42, 43));
}

#[test]
fn what_is_no_name_is_refused_and_touches_nothing() {
    let space = Space::new();
    let long = "n".repeat((1 << 20) + 1);
    for name in ["", "\0", "a\0b", &long] {
        assert_argument(space.options().create_new(name), "name");
        assert_argument(space.options().create_or_open(name), "name");
        assert_argument(space.options().open(name), "name");
    }
    space.assert_empty();
}

#[test]
fn any_other_string_is_a_name() {
    let space = Space::new();
    let long = "n".repeat(1001);
    let longer = "é/".repeat(2500);
    let longest = "x".repeat(1 << 20);
    let hashed = format!("%{:032x}", 0);
    let names = [
        "plain",
        " ",
        "\t",
        "\r\n",
        "local/x",
        "global/x",
        "/",
        "..",
        ".",
        ".hidden",
        "-rf",
        "x y",
        "è",
        "%",
        "../../etc/passwd",
        &hashed,
        &long,
        &longer,
        &longest,
    ];
    let maps: Vec<SharedMap> =
        names.iter().map(|name| space.options().create_new(name).expect("created")).collect();
    assert_eq!(space.files().len(), names.len(), "every name has its own file");
    for (number, map) in maps.iter().enumerate() {
        set(map, 0, number as u8 + 1);
    }
    for (number, name) in names.iter().enumerate() {
        let map = space.options().open(name).expect("opened");
        assert_eq!((map.name(), get(&map, 0)), (Some(*name), number as u8 + 1));
    }
    let mut listed: Vec<String> = Namespace::Dir(space.0.clone())
        .list()
        .expect("listed")
        .into_iter()
        .map(|entry| {
            assert_eq!((entry.state, entry.capacity), (MapState::Live, Some(4096)));
            assert_eq!(entry.creator_pid, Some(std::process::id()));
            entry.name.expect("readable")
        })
        .collect();
    let mut expected = names.map(str::to_owned);
    listed.sort();
    expected.sort();
    assert_eq!(listed, expected);
    drop(maps);
    space.assert_empty();
}

#[test]
fn simple_names_are_readable_and_others_are_hashed() {
    let space = Space::new();
    for (name, readable) in [
        ("ticks", true),
        ("md.Tick_v2-A", true),
        (&*"n".repeat(100), true),
        (&*"n".repeat(101), false),
        (".dot", false),
        ("a b", false),
    ] {
        let map = space.options().create_new(name).expect("created");
        let files = space.files();
        assert_eq!(files == [name], readable, "{files:?}");
        assert!(readable || files[0].starts_with('%') && files[0].len() == 33, "{files:?}");
        drop(map);
    }
}

#[test]
fn a_taken_name_cannot_be_created_and_is_free_after_the_last_drop() {
    let space = Space::new();
    let first = space.options().create_new("n").expect("created");
    set(&first, 0, 1);
    let taken = ErrorKind::AlreadyExists { stale: false };
    assert_kind(space.options().create_new("n"), &taken, io::ErrorKind::AlreadyExists);
    assert_eq!(get(&first, 0), 1);
    let second = space.options().open("n").expect("opened");
    drop(first);
    assert_eq!(get(&second, 0), 1);
    assert_kind(space.options().create_new("n"), &taken, io::ErrorKind::AlreadyExists);
    drop(second);
    space.assert_empty();
    assert_kind(space.options().open("n"), &ErrorKind::NotFound, io::ErrorKind::NotFound);
    let again = space.options().create_new("n").expect("created");
    assert_eq!(get(&again, 0), 0, "nothing is carried over");
}

#[test]
fn a_name_that_was_never_used_is_not_found_and_stays_unused() {
    let space = Space::new();
    assert_kind(space.options().open("n"), &ErrorKind::NotFound, io::ErrorKind::NotFound);
    space.assert_empty();
    let text = space.options().open("n").expect_err("missing").to_string();
    assert!(text.starts_with("map `n` (") && text.contains("; create it first"), "{text}");
}

#[test]
fn create_or_open_says_which() {
    let space = Space::new();
    for capacity in [1, 256, 4096, 10_000] {
        let options = || space.options().capacity(capacity);
        let (made, how) = options().create_or_open("n").expect("created");
        assert_eq!((how, made.capacity()), (Disposition::Created, capacity));
        let last = capacity - 1;
        assert_eq!((get(&made, 0), get(&made, last)), (0, 0));
        set(&made, last, 42);
        let (found, how) = options().capacity(capacity + 9).create_or_open("n").expect("opened");
        assert_eq!((how, found.capacity()), (Disposition::Opened, capacity));
        assert_eq!(get(&found, last), 42);
    }
    space.assert_empty();
}

#[test]
fn what_no_map_can_be_made_of_is_refused_whether_the_map_exists_or_not() {
    let space = Space::new();
    for _ in 0..2 {
        for capacity in [0, u64::MAX, i64::MAX as u64, i64::MAX as u64 - 4095] {
            assert_argument(space.options().capacity(capacity).create_or_open("n"), "capacity");
            assert_argument(space.options().capacity(capacity).create_new("n"), "capacity");
        }
        // Without its owner's reading and writing nobody could remove a leftover.
        for mode in [0o1600, 0, 0o400, 0o200, 0o077] {
            assert_argument(space.options().mode(mode).create_or_open("n"), "mode");
        }
        if space.files().is_empty() {
            std::mem::forget(space.options().create_new("n").expect("created"));
        }
    }
    assert_eq!(space.files(), ["n"]);
}

#[test]
fn an_absurd_capacity_is_an_error_that_leaves_nothing() {
    let space = Space::new();
    let error = space.options().capacity(1 << 60).create_new("n").expect_err("too much");
    assert!(matches!(error.kind(), ErrorKind::StorageFull { .. } | ErrorKind::TooLarge { .. }), "{error}");
    space.assert_empty();
}

#[test]
fn the_last_of_clones_and_handles_removes_the_name() {
    let space = Space::new();
    let a = space.options().create_new("n").expect("created");
    let b = space.options().open("n").expect("opened");
    let (c, _) = space.options().create_or_open("n").expect("opened");
    let clone = b.clone();
    set(&b, 1, 7);
    assert_eq!(get(&clone, 1), 7, "a clone is the same map");
    drop(a);
    drop(b);
    drop(c);
    assert_eq!(space.files(), ["n"]);
    set(&clone, 0, 42);
    let moved = std::thread::spawn(move || get(&clone, 0)).join().expect("a map may be sent");
    assert_eq!(moved, 42);
    space.assert_empty();
}

#[test]
fn a_duplicate_of_the_descriptor_is_no_holder() {
    let space = Space::new();
    let map = space.options().create_new("n").expect("created");
    let kept = map.as_fd().try_clone_to_owned().expect("duplicated");
    drop(map);
    space.assert_empty();
    let (map, how) = space.options().create_or_open("n").expect("created");
    assert_eq!(how, Disposition::Created);
    drop((map, kept));
    space.assert_empty();
}

#[test]
fn a_name_that_somebody_removed_by_hand_can_be_used_again() {
    let space = Space::new();
    let old = space.options().create_new("n").expect("created");
    fs::remove_file(space.0.join("n")).expect("it is there");
    let new = space.options().create_new("n").expect("created");
    drop(old);
    assert_eq!(space.files(), ["n"], "the old map's drop removes no other map");
    drop(new);
    space.assert_empty();
}

#[test]
fn the_mode_is_what_was_asked_for_whatever_the_umask() {
    let space = Space::new();
    let mode = || fs::metadata(space.0.join("n")).expect("it is there").mode() & 0o7777;
    let old = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let map = space.options().mode(0o664).create_new("n").expect("created");
    assert_eq!(mode(), 0o664);
    drop(map);
    rustix::process::umask(rustix::fs::Mode::empty());
    let map = space.options().create_new("n").expect("created");
    assert_eq!(mode(), 0o600);
    drop(map);
    rustix::process::umask(old);
}

#[test]
fn the_users_namespace_is_a_private_directory() {
    let name = format!("api-test-{}", std::process::id());
    let file = Namespace::User.path().join(&name);
    let uid = rustix::process::geteuid().as_raw();
    assert_eq!(file, Path::new(&format!("/dev/shm/ringway-{uid}/{name}")));
    let map = MapOptions::new().capacity(1).create_new(&name).expect("created");
    assert!(file.exists());
    let directory = fs::metadata(Namespace::User.path()).expect("it is there");
    assert_eq!((directory.permissions().mode() & 0o7777, directory.uid()), (0o700, uid));
    assert!(Namespace::User.list().expect("listed").iter().any(|entry| entry.name.as_deref() == Some(&name)));
    drop(map);
    assert!(!file.exists());
}

#[test]
fn every_error_names_the_map_what_was_found_and_a_remedy() {
    let space = Space::new();
    let map = space.options().create_new("n").expect("created");
    let errors = [
        space.options().create_new("n").expect_err("taken"),
        space.options().open("missing").expect_err("missing"),
        space.options().capacity(0).create_new("n").expect_err("refused"),
        space.options().mode(0o7777).create_new("n").expect_err("refused"),
        space.options().create_new("").expect_err("refused"),
        space.options().capacity(1 << 60).create_new("big").expect_err("too much"),
        space
            .options()
            .namespace(Namespace::Dir(space.0.join("nowhere")))
            .create_new("n")
            .expect_err("refused"),
    ];
    for error in errors {
        let text = error.to_string();
        assert!(text.starts_with("map `"), "{text}");
        assert!(text.contains("expected") || text.contains("needed"), "{text}");
        assert!(text.contains("; ") && !text.ends_with('.'), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }
    drop(map);
}
