//! What lies in a namespace and is no map: it is not touched, and its locks stay.

use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd};

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::process::Resource;

use super::{DIR, limited, options, role_options, role_path};
use crate::map::namespace::{file_name, is_file_name};
use crate::map::sweep::inspect;
use crate::map::{Error, ErrorKind, MapState, sys};
use crate::testing::{Child, Role, TempNamespace};

/// A file with a classic lock, which this process loses when it closes any descriptor of the file.
fn locked(space: &TempNamespace, name: &str, len: usize) -> File {
    let path = space.path().join(name);
    fs::write(&path, vec![7; len]).expect("written");
    let file = File::options().read(true).write(true).open(path).expect("ours");
    fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).expect("free");
    file
}

/// Asks as another open file description, which the classic lock's owner is not.
fn is_locked(file: &File) -> bool {
    sys::is_locked(file.as_fd(), 0).expect("an answer")
}

#[test]
fn a_creation_leaves_the_locks_on_other_files_of_the_callers_directory_alone() {
    let space = TempNamespace::new();
    let file = locked(&space, "database", 8192);
    assert!(is_locked(&file));
    drop(options(&space).create_new("m").expect("created"));
    assert!(is_locked(&file));
}

#[test]
fn what_cannot_be_a_map_is_not_even_opened() {
    let space = TempNamespace::new();
    let files = [("short", 127), ("two words", 8192), (".hidden", 8192), ("%1234", 8192)];
    let files = files.map(|(name, len)| locked(&space, name, len));
    let entries = space.namespace().list().expect("listed");
    assert_eq!(entries.len(), files.len());
    assert!(entries.iter().all(|entry| entry.state == MapState::Foreign), "{entries:?}");
    space.namespace().sweep().expect("swept");
    options(&space).create_new("short").expect_err("taken");
    options(&space).open("short").expect_err("no map");
    assert!(files.iter().all(is_locked));
}

#[test]
fn every_file_name_of_a_map_is_known_as_one() {
    let longest = "n".repeat(100);
    let longer = "n".repeat(101);
    for name in ["m", "a.b", "-", "_", &longest, &longer, ".", "..", ".m", "%", "a/b", "\u{e9}", " "] {
        assert!(is_file_name(&file_name(name)), "{name}");
    }
    let hash = "%0123456789abcdef0123456789abcdef";
    assert!(is_file_name(hash));
    for file in
        ["", ".m", "a b", "\u{e9}", &longer, "%", &hash[1..32].replace('0', "%"), &hash.to_uppercase()]
    {
        assert!(!is_file_name(file), "{file}");
    }
}

#[test]
fn role_without_descriptors() {
    let Some(role) = Role::play() else { return };
    let namespace = role_options(&role).namespace;
    let map = role_options(&role).create_new("m").expect("created");
    let next = rustix::io::dup(&map).expect("a descriptor is free");
    let free = u64::try_from(next.as_raw_fd()).expect("not negative");
    drop(next);
    let assert_refused = |result: Result<(), Error>| {
        let error = result.expect_err("there is no descriptor");
        assert!(matches!(error.kind(), ErrorKind::Os { .. }), "{error}");
    };
    // None for the directory, and none to read it with.
    for spare in 0..2 {
        limited(Resource::Nofile, free + spare, || {
            assert_refused(namespace.list().map(drop));
            assert_refused(namespace.sweep().map(drop));
        });
    }
    // None for the file, if other threads are faster.
    let directory = namespace.find().expect("there").expect("there");
    limited(Resource::Nofile, free, || assert_refused(inspect(&directory, "m").map(drop)));
    drop(directory);
    let entries = namespace.list().expect("listed");
    assert_eq!(entries.iter().map(|entry| entry.state).collect::<Vec<_>>(), [MapState::Live]);
    drop(map);
}

#[test]
fn what_cannot_be_read_for_want_of_descriptors_is_an_error_and_not_foreign() {
    let space = TempNamespace::new();
    Child::spawn(&role_path("foreign::role_without_descriptors"), &[(DIR, space.path())]).wait_success();
    space.assert_empty();
}
