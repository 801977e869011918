//! What is left of views and maps that are closed: nothing.

use std::fs;

use ringway::map::{Access, MapOptions, SharedMap};
use seccompiler::{SeccompAction, SeccompFilter};

use crate::testing::{Child, Role, TempNamespace};
use crate::{DIR, anonymous, counted, file, options, role_options};

/// Whether a mapping of this process begins there.
fn is_mapped(address: usize) -> bool {
    let maps = fs::read_to_string("/proc/self/maps").expect("/proc is there");
    maps.lines().any(|line| {
        line.starts_with(&format!("{address:x}-")) || line.starts_with(&format!("{address:012x}-"))
    })
}

#[test]
fn a_closed_view_is_unmapped() {
    let map = anonymous(1 << 20);
    let view = map.accessor().expect("all");
    let address = view.as_ptr().addr();
    assert!(is_mapped(address));
    view.close().expect("nothing to go wrong");
    assert!(!is_mapped(address));
    let stream = map.stream().expect("all");
    let address = stream.view().as_ptr().addr();
    assert!(is_mapped(address));
    stream.close().expect("nothing to go wrong");
    assert!(!is_mapped(address));
}

#[test]
fn a_view_that_flushes_on_drop_says_so_only_when_closed() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(100));
    let map = SharedMap::from_path(&path).expect("mapped");
    let view = || map.view(..).flush_on_drop().accessor().expect("all");
    view().close().expect("the file is whole");
    let view = view();
    fs::File::options().write(true).open(&path).expect("ours").set_len(50).expect("shorter");
    let error = view.close().expect_err("it cannot be written back whole");
    assert!(error.to_string().contains("truncated to 50 bytes, expected 100"), "{error}");
    drop(map.view(..50).flush_on_drop().accessor().expect("what is left"));
}

/// From now on a call of msync ends this process by SIGSYS.
fn forbid_msync() {
    let arch = std::env::consts::ARCH.try_into().expect("a machine that seccomp knows");
    let rules = std::collections::BTreeMap::from([(libc::SYS_msync, Vec::new())]);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::KillProcess, arch);
    let program: seccompiler::BpfProgram = filter.and_then(TryInto::try_into).expect("a filter");
    seccompiler::apply_filter_all_threads(&program).expect("a process may restrict itself");
}

#[test]
fn role_that_may_not_flush() {
    let Some(mut role) = Role::play() else { return };
    let path = std::path::PathBuf::from(role.var(DIR)).join("data");
    forbid_msync();
    for map in [anonymous(256 << 20), options_of(&role).create_new("n").expect("made")] {
        let view = map.accessor().expect("all");
        for page in (0..map.capacity()).step_by(4096) {
            view.write(page, &1_u8).expect("within");
        }
        drop((view, map));
    }
    let map = SharedMap::from_path(&path).expect("mapped");
    let reading = map.view(..).read_only().flush_on_drop().accessor().expect("allowed");
    drop(reading);
    let view = map.accessor().expect("all");
    view.write(0, &1_u8).expect("within");
    drop(view);
    role.say("dropped");
    map.view(..).flush_on_drop().accessor().expect("allowed").write(0, &2_u8).expect("within");
    role.say("flushed");
}

fn options_of(role: &Role) -> MapOptions {
    role_options(role).capacity(1 << 20)
}

#[test]
fn nothing_is_flushed_on_drop_unless_it_was_asked_for() {
    let space = TempNamespace::new();
    file(&space, "data", &counted(100));
    let mut child = Child::spawn("closing::role_that_may_not_flush", &[(DIR, space.path())]);
    assert_eq!(child.hear(), "dropped");
    // The view that was asked to flush does: so the filter works.
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&child.wait()), Some(libc::SIGSYS));
}

#[allow(unsafe_code)] // forks
#[test]
fn role_whose_child_may_not_flush() {
    let Some(mut role) = Role::play() else { return };
    let path = std::path::PathBuf::from(role.var(DIR)).join("data");
    let view =
        || SharedMap::from_path(&path).expect("mapped").view(..).flush_on_drop().accessor().expect("all");
    let (dropped, closed) = (view(), view());
    // SAFETY: the child drops the views and leaves; no other thread of the role holds a lock that it needs.
    let child = unsafe { libc::fork() };
    if child == 0 {
        forbid_msync();
        drop(dropped);
        let closed = closed.close();
        // SAFETY: ends the process without running anything of the parent's.
        unsafe { libc::_exit(i32::from(closed.is_err())) };
    }
    let mut status = 0;
    // SAFETY: `status` is valid for the write.
    let reaped = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!((reaped, status), (child, 0), "it flushed what it has not got");
    forbid_msync();
    role.say("now");
    drop(dropped);
}

#[test]
fn a_forked_child_flushes_nothing_at_the_end_of_its_parents_views() {
    let space = TempNamespace::new();
    file(&space, "data", &counted(100));
    let mut child = Child::spawn("closing::role_whose_child_may_not_flush", &[(DIR, space.path())]);
    assert_eq!(child.hear(), "now");
    // In the parent the view flushes, as it was asked to.
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&child.wait()), Some(libc::SIGSYS));
}

/// The open descriptors, and the mappings.
fn held() -> (usize, usize) {
    let descriptors = fs::read_dir("/proc/self/fd").expect("/proc is there").count();
    let mappings = fs::read_to_string("/proc/self/maps").expect("/proc is there").lines().count();
    (descriptors, mappings)
}

fn rounds(role: &Role) -> usize {
    role.var("RINGWAY_TEST_ROUNDS").parse().expect("a number")
}

#[test]
fn role_of_rounds() {
    let Some(mut role) = Role::play() else { return };
    let options = || role_options(&role).capacity(10_000);
    let directory = std::path::PathBuf::from(role.var(DIR));
    let path = directory.join("data-with-a-long-name-that-is-no-map");
    fs::write(&path, counted(10_000)).expect("there is room");
    type Make<'a> = Box<dyn Fn() -> SharedMap + 'a>;
    let kinds: [(&str, Make<'_>); 5] = [
        ("anonymous", Box::new(|| MapOptions::new().capacity(10_000).anonymous().expect("made"))),
        ("named", Box::new(|| options().create_new("n").expect("made"))),
        ("file", Box::new(|| SharedMap::from_path(&path).expect("mapped"))),
        ("named file", Box::new(|| options().name("n").open_path(&path).expect("mapped"))),
        (
            "handle",
            Box::new(|| {
                MapOptions::new()
                    .from_borrowed(fs::File::options().read(true).write(true).open(&path).expect("ours"))
                    .expect("mapped")
            }),
        ),
    ];
    let count = rounds(&role);
    let mut report = Vec::new();
    for (kind, make) in kinds {
        let round = || {
            let map = make();
            let view = map.accessor().expect("all");
            view.write(1, &7_u64).expect("within");
            let private = map.view(5000..).access(Access::CopyOnWrite).stream().expect("allowed");
            assert!(map.view(10_001..).accessor().is_err());
            private.close().expect("closed");
            view.close().expect("closed");
            map.close().expect("closed");
        };
        (0..10).for_each(|_| round());
        let before = held();
        (0..count).for_each(|_| round());
        // The heap may have moved meanwhile, so of mappings it is not to the last one.
        let after = held();
        assert_eq!(after.0, before.0, "{kind}: descriptors");
        assert!(after.1 <= before.1 + 2, "{kind}: {} mappings, then {}", before.1, after.1);
        report.push(format!("{kind}: {count} rounds, {before:?} -> {after:?}"));
    }
    let _ = fs::remove_file(&path);
    role.say(&report.join("; "));
}

fn run_rounds(count: usize) {
    let space = TempNamespace::new();
    let directory = space.path().to_str().expect("UTF-8").to_owned();
    let mut child = Child::spawn(
        "closing::role_of_rounds",
        &[(DIR, directory), ("RINGWAY_TEST_ROUNDS", count.to_string())],
    );
    println!("{}", child.hear());
    child.wait_success();
    space.assert_empty();
}

#[test]
fn ten_thousand_rounds_of_each_kind_leave_no_descriptor_and_no_mapping() {
    run_rounds(10_000);
}

#[test]
fn a_map_that_was_closed_says_so_when_its_name_could_not_be_removed() {
    let space = TempNamespace::new();
    let map = options(&space).create_new("n").expect("created");
    let twin = options(&space).open("n").expect("there");
    twin.close().expect("another handle has it");
    map.clone().close().expect("another handle has it");
    map.close().expect("the name goes");
    space.assert_empty();
}
