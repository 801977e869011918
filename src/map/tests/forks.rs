//! Forked children, and threads with a descriptor table of their own.
#![allow(unsafe_code)] // forks, and unshares a descriptor table

use std::fs::{self, File};
use std::sync::mpsc;

use super::{DIR, load, role_options, role_path, store};
use crate::map::{MapOptions, in_a_child_with_pid_one, tells_children_apart};
use crate::testing::{Child, Role, TempNamespace, can_run, skipped};

#[test]
fn role_forker() {
    let Some(role) = Role::play() else { return };
    let map = role_options(&role).create_new("m").expect("created");
    // SAFETY: the child only drops the map and leaves; no other thread of this role holds a lock it needs.
    let child = unsafe { libc::fork() };
    if child == 0 {
        drop(map);
        // SAFETY: ends the process without running anything of the parent's.
        unsafe { libc::_exit(0) };
    }
    let mut status = 0;
    // SAFETY: `status` is valid for the write.
    let reaped = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!((reaped, status), (child, 0));
    store(&map, 0, 42);
    let twin = role_options(&role).open("m").expect("the parent is still a holder");
    assert_eq!(load(&twin, 0), 42);
}

#[test]
fn a_forked_childs_drop_does_nothing() {
    let space = TempNamespace::new();
    Child::spawn(&role_path("forks::role_forker"), &[(DIR, space.path())]).wait_success();
    space.assert_empty();
}

#[test]
fn role_twin() {
    let Some(mut role) = Role::play() else { return };
    assert_eq!(std::process::id(), 1, "the wrapper makes a pid namespace");
    let mut map = Some(role_options(&role).create_new("m").expect("created"));
    let options = role_options(&role);
    let status = in_a_child_with_pid_one(|| {
        assert_eq!(std::process::id(), 1, "as the parent");
        drop(map.take());
        // It may have maps of its own, and they are dropped like any other.
        drop(options.clone().create_new("n").expect("created"));
    });
    let Some(status) = status else { return role.say("cannot") };
    assert_eq!(status, 0);
    let directory = role.var(DIR);
    let files: Vec<_> =
        fs::read_dir(directory).expect("there").map(|file| file.expect("read").path()).collect();
    assert_eq!(
        (files.len(), map.is_some()),
        (1, true),
        "the parent's map stays, the child's went: {files:?}"
    );
    drop(role_options(&role).open("m").expect("the parent is still a holder"));
    role.say("done");
}

#[test]
fn a_forked_child_with_the_same_pid_in_another_namespace_is_no_holder_either() {
    in_a_pid_namespace("forks::role_twin").into_iter().for_each(|space| space.assert_empty());
}

/// Runs a role as the first process of a pid namespace. It says `done`, or else that it cannot.
fn in_a_pid_namespace(role: &str) -> Option<TempNamespace> {
    if !tells_children_apart() {
        return None;
    }
    let space = TempNamespace::new();
    for wrapper in [&["unshare", "-p", "-f"][..], &["unshare", "-U", "-r", "-p", "-f"][..]] {
        if !can_run(wrapper) {
            continue;
        }
        let mut child = Child::spawn_under(wrapper, &role_path(role), &[(DIR, space.path())]);
        let said = child.hear();
        child.wait_success();
        if said == "done" {
            return Some(space);
        }
    }
    skipped("a child with its parent's pid", "cannot make a pid namespace here");
    None
}

#[test]
fn role_twin_with_a_view() {
    let Some(mut role) = Role::play() else { return };
    assert_eq!(std::process::id(), 1, "the wrapper makes a pid namespace");
    let map = MapOptions::new().capacity(4096).anonymous().expect("made");
    let view = map.accessor().expect("all");
    let empty = File::create_new(format!("{}/empty", role.var(DIR))).expect("created");
    let status = in_a_child_with_pid_one(|| {
        let flags = libc::MAP_SHARED | libc::MAP_FIXED;
        let (at, fd) = (view.as_mut_ptr().cast(), std::os::fd::AsRawFd::as_raw_fd(&empty));
        // SAFETY: the child has nothing at this address: views are not inherited.
        let start = unsafe { libc::mmap(at, 4096, libc::PROT_READ, flags, fd, 0) };
        assert_eq!(start, at);
        // SAFETY: mapped, if to no bytes; what comes of it is the subject of this test.
        unsafe { start.cast::<u8>().read_volatile() };
    });
    match status {
        None => role.say("cannot"),
        Some(status) => {
            assert_eq!(status & 0x7f, libc::SIGBUS, "the child took it for its parent's view: {status:#x}");
            role.say("done");
        }
    }
}

#[test]
fn a_forked_child_with_the_same_pid_mends_no_view_of_its_parents() {
    in_a_pid_namespace("forks::role_twin_with_a_view");
}

#[test]
fn role_loner() {
    let Some(role) = Role::play() else { return };
    let directory = role.var(DIR);
    let options = role_options(&role);
    let (alone, is_alone) = mpsc::channel();
    let (go, may_go) = mpsc::channel();
    let loner = std::thread::spawn(move || {
        // SAFETY: affects this thread's descriptors alone, which nobody else uses.
        let answer = unsafe { libc::unshare(libc::CLONE_FILES) };
        assert_eq!(answer, 0);
        alone.send(()).expect("heard");
        may_go.recv().expect("told");
        let map = options.clone().create_new("m").expect("created");
        store(&map, 0, 42);
        assert_eq!(load(&options.open("m").expect("opened"), 0), 42);
    });
    is_alone.recv().expect("told");
    // The numbers that the loner's next descriptors have.
    let other = |number| File::create_new(format!("{directory}/private-{number}")).expect("created");
    let others: Vec<File> = (0..8).map(other).collect();
    go.send(()).expect("heard");
    loner.join().expect("it went well");
    assert_eq!(fs::read_dir(directory).expect("there").count(), others.len());
}

#[test]
fn a_thread_with_descriptors_of_its_own_names_its_own_file() {
    let space = TempNamespace::new();
    Child::spawn(&role_path("forks::role_loner"), &[(DIR, space.path())]).wait_success();
}

#[test]
fn role_parent_of_a_remover() {
    let Some(role) = Role::play() else { return };
    let map = role_options(&role).create_new("m").expect("created");
    // SAFETY: the child asks for the removal and leaves; no other thread of this role holds a lock it needs.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let refused =
            map.unlink().is_err_and(|error| matches!(error.kind(), crate::map::ErrorKind::Refused { .. }));
        // SAFETY: ends the process without running anything of the parent's.
        unsafe { libc::_exit(if refused { 0 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: `status` is valid for the write.
    let reaped = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!((reaped, status), (child, 0), "a child shares the mutex of its parent");
    drop(role_options(&role).open("m").expect("it has its name"));
    map.unlink().expect("the parent may");
    role_options(&role).open("m").expect_err("it has no name any more");
}

#[test]
fn a_forked_child_does_not_remove_its_parents_name() {
    let space = TempNamespace::new();
    Child::spawn(&role_path("forks::role_parent_of_a_remover"), &[(DIR, space.path())]).wait_success();
    space.assert_empty();
}
