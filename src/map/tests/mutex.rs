//! The lifecycle mutex: what waits for it, and what a waiter finds when it gets it.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use super::{assert_helpful, assert_not_found, options};
use crate::map::reclaim::PRESENCE;
use crate::map::{Disposition, ErrorKind, sys};
use crate::testing::TempNamespace;

/// Long enough for a thread to have come to the mutex; if it has not, the test passes without effect.
const A_WHILE: Duration = Duration::from_millis(100);

/// Takes the mutex of `m`, as another process would.
fn block(space: &TempNamespace) -> File {
    let file = File::open(space.path().join("m")).expect("readable");
    flock(&file, FlockOperation::LockExclusive).expect("free");
    file
}

#[test]
fn a_held_mutex_is_waited_for_and_not_for_ever() {
    let space = TempNamespace::new();
    let map = options(&space).patience(Duration::from_millis(50)).create_new("m").expect("created");
    let blocker = block(&space);
    let hurried = options(&space).patience(Duration::from_millis(50));
    let error = hurried.open("m").expect_err("it is locked");
    assert!(matches!(error.kind(), ErrorKind::TimedOut { .. }), "{error}");
    assert_helpful(&error, "m");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut);
    assert_eq!(space.namespace().sweep().expect("swept").removed.len(), 0);

    // A drop that cannot get it leaves a leftover.
    drop(map);
    assert_eq!(space.files(), ["m"]);
    drop(blocker);
    assert_not_found(options(&space).open("m"));
    space.assert_empty();
}

#[test]
fn a_drop_gives_up_presence_and_name_only_under_the_mutex() {
    let space = TempNamespace::new();
    let map = options(&space).create_new("m").expect("created");
    let blocker = block(&space);
    let dropping = thread::spawn(move || drop(map));
    thread::sleep(A_WHILE);
    assert_eq!(sys::is_locked(blocker.as_fd(), PRESENCE), Ok(true), "still present");
    assert_eq!(space.files(), ["m"]);
    drop(blocker);
    dropping.join().expect("dropped");
    space.assert_empty();
}

#[test]
fn an_open_that_waited_while_the_map_was_removed_does_not_join_what_has_no_name() {
    let space = TempNamespace::new();
    let old = options(&space).create_new("m").expect("created");
    let blocker = block(&space);
    let opener = options(&space);
    let opening = thread::spawn(move || opener.open("m"));
    thread::sleep(A_WHILE);
    fs::remove_file(space.path().join("m")).expect("there");
    drop(blocker);
    assert_not_found(opening.join().expect("it returns"));
    drop(old);
    space.assert_empty();
}

#[test]
fn an_open_that_waited_while_the_name_got_another_map_joins_that_one() {
    let space = TempNamespace::new();
    let old = options(&space).create_new("m").expect("created");
    let blocker = block(&space);
    let opener = options(&space);
    let opening = thread::spawn(move || opener.create_or_open("m"));
    thread::sleep(A_WHILE);
    fs::remove_file(space.path().join("m")).expect("there");
    let new = options(&space).create_new("m").expect("created");
    drop(blocker);
    let (found, how) = opening.join().expect("it returns").expect("opened");
    assert_eq!((how, found.id()), (Disposition::Opened, new.id()));
    drop((old, new, found));
    space.assert_empty();
}

#[test]
fn a_close_and_the_removal_of_a_name_say_that_they_could_not_get_the_mutex() {
    let space = TempNamespace::new();
    let map = options(&space).patience(Duration::from_millis(50)).create_new("m").expect("created");
    let blocker = block(&space);
    let timed_out = |error: crate::map::Error| {
        assert!(matches!(error.kind(), ErrorKind::TimedOut { .. }), "{error}");
        assert_helpful(&error, "m");
    };
    timed_out(map.unlink().expect_err("it is locked"));
    assert_eq!(space.files(), ["m"]);
    let view = map.accessor().expect("all");
    map.close().expect("a view has it still");
    drop(view);
    assert_eq!(space.files(), ["m"], "a leftover");
    drop(blocker);
    assert_not_found(options(&space).open("m"));

    let map = options(&space).patience(Duration::from_millis(50)).create_new("m").expect("created");
    let blocker = block(&space);
    timed_out(map.close().expect_err("it is locked"));
    drop(blocker);
    assert_not_found(options(&space).open("m"));
    space.assert_empty();
}

#[test]
fn a_name_of_a_file_cannot_be_opened_before_the_file_is_as_it_shall_be() {
    let space = TempNamespace::new();
    let files = TempNamespace::new();
    let path = files.path().join("data");
    fs::write(&path, [7; 100]).expect("written");
    let elsewhere = crate::map::header::Elsewhere {
        device: std::os::unix::fs::MetadataExt::dev(&fs::metadata(&path).expect("there")),
        inode: std::os::unix::fs::MetadataExt::ino(&fs::metadata(&path).expect("there")),
        path: path.clone(),
    };
    let holder = crate::map::registered::reserve(&options(&space), "m", &elsewhere, 5000).expect("free");
    let hurried = options(&space).patience(Duration::from_millis(50)).open("m").expect_err("not yet");
    assert!(matches!(hurried.kind(), ErrorKind::TimedOut { .. }), "{hurried}");
    let opener = options(&space);
    let opening = thread::spawn(move || opener.open("m"));
    thread::sleep(A_WHILE);
    File::options().write(true).open(&path).expect("ours").set_len(5000).expect("longer");
    holder.unlock();
    let map = opening.join().expect("it returns").expect("opened");
    assert_eq!(map.capacity(), 5000);
    drop((map, holder));
    space.assert_empty();
}

#[test]
fn two_threads_that_share_a_holder_do_not_remove_the_name_at_once() {
    let space = TempNamespace::new();
    let map = options(&space).create_new("m").expect("created");
    let clone = map.clone();
    let holder = map.holder().expect("it has a name");
    let other = holder.removal();
    let removing = thread::spawn(move || clone.unlink());
    thread::sleep(A_WHILE);
    assert_eq!(space.files(), ["m"], "its turn has not come");
    // What the first of them removed may be another map's by now.
    fs::remove_file(space.path().join("m")).expect("there");
    let successor = options(&space).create_new("m").expect("free");
    drop(other);
    removing.join().expect("it returns").expect("the name is not its own any more");
    assert_eq!(space.files(), ["m"]);
    drop((map, successor));
    space.assert_empty();
}
