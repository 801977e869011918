//! What handles and paths are good for, and what a change leaves to those who have the file.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use ringway::map::{ErrorKind, FileMode, MapOptions, SharedMap};
use rustix::fs::{MemfdFlags, OFlags, SealFlags};

use crate::sandbox;
use crate::testing::{Child, Role, TempNamespace};
use crate::{DIR, anonymous, assert_argument, assert_denied, assert_kind, bytes, counted, file};

#[test]
fn memory_that_is_sealed_against_writing_makes_no_map_that_writes() {
    for seal in [SealFlags::WRITE, SealFlags::FUTURE_WRITE] {
        let memory = File::from(rustix::fs::memfd_create("m", MemfdFlags::ALLOW_SEALING).expect("made"));
        memory.set_len(100).expect("ours");
        rustix::fs::fcntl_add_seals(&memory, seal).expect("sealed");
        let text = assert_denied(MapOptions::new().from_borrowed(&memory));
        assert!(text.contains("reading alone, since it is sealed"), "{text}");
        for access in [ringway::map::Access::Read, ringway::map::Access::CopyOnWrite] {
            let map = MapOptions::new().access(access).from_borrowed(&memory).expect("it is not changed");
            assert_eq!(map.capacity(), 100);
        }
    }
}

#[test]
fn a_file_that_is_emptied_is_never_shorter_than_it_is_to_be() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(100_000));
    let create = |capacity| MapOptions::new().file_mode(FileMode::Create).capacity(capacity).open_path(&path);
    let view = SharedMap::from_path(&path).expect("mapped").accessor_range(0, 50_000).expect("within");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                view.read::<u64>(40_000).expect("it is long enough all the time");
            }
        });
        for round in 0..2000 {
            let map = create([100_000, 60_000][round % 2]).expect("made");
            assert_eq!(map.capacity(), [100_000, 60_000][round % 2]);
        }
        done.store(true, Ordering::Relaxed);
        reader.join().expect("no loss");
    });
    assert_eq!(fs::read(&path).expect("there"), vec![0; 60_000]);
}

#[test]
fn a_map_that_somebody_made_shorter_is_as_long_again_when_it_grows_to_what_it_had() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(8192));
    let map = SharedMap::from_path(&path).expect("mapped");
    File::options().write(true).open(&path).expect("ours").set_len(4096).expect("shorter");
    map.grow(8192).expect("there is room");
    assert_eq!(bytes(&map)[..4096], counted(8192)[..4096]);
    assert_eq!(bytes(&map)[4096..], [0; 4096]);
}

#[test]
fn of_a_range_that_begins_behind_the_map_the_offset_is_blamed() {
    let map = anonymous(10);
    for (offset, len) in [(11, u64::MAX), (u64::MAX, 5), (11, 1)] {
        assert_argument(map.accessor_range(offset, len), "offset");
    }
    assert_argument(map.accessor_range(10, u64::MAX), "size");
}

#[test]
fn a_path_that_ends_in_a_directory_makes_no_file() {
    let space = TempNamespace::new();
    for end in ["new/", "new/.", "new/.."] {
        let path = space.path().join(end);
        for mode in [FileMode::OpenOrCreate, FileMode::Create, FileMode::CreateNew] {
            MapOptions::new().file_mode(mode).capacity(100).open_path(&path).expect_err("no file");
        }
    }
    space.assert_empty();
}

#[test]
fn role_that_goes_elsewhere() {
    let Some(mut role) = Role::play() else { return };
    let directory = role.var(DIR);
    std::env::set_current_dir(&directory).expect("ours");
    let map = MapOptions::new().file_mode(FileMode::CreateNew).capacity(100).open_path("data").expect("made");
    assert_eq!(map.path(), Some(&*Path::new(&directory).join("data")));
    // One that a lease keeps others from: `open` says so where it is told not to wait.
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    // As the call is made, whatever the pointers' width.
    let flags = flags | OFlags::LARGEFILE;
    sandbox::refuse_where(libc::SYS_openat, 2, flags.bits().into(), libc::EAGAIN);
    let text = assert_kind(
        SharedMap::from_path("data"),
        |kind| matches!(kind, ErrorKind::Busy { .. }),
        io::ErrorKind::ResourceBusy,
    );
    assert!(text.contains("a lease on the file"), "{text}");
    fs::remove_file(Path::new(&directory).join("data")).expect("there");
    role.say("done");
}

#[test]
fn a_path_is_whole_and_a_file_with_a_lease_is_busy() {
    let space = TempNamespace::new();
    let mut child = Child::spawn("handles::role_that_goes_elsewhere", &[(DIR, space.path())]);
    assert_eq!(child.hear(), "done");
    child.wait_success();
    space.assert_empty();
}

#[test]
fn a_descriptor_of_nothing_but_a_path_makes_no_map_whatever_it_is_to_do() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(10));
    for access in [ringway::map::Access::Read, ringway::map::Access::ReadWrite] {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let open = rustix::fs::open(&path, flags, rustix::fs::Mode::empty()).expect("there");
        let text = assert_denied(MapOptions::new().access(access).from_file(open.into()));
        assert!(text.contains("nothing but its path"), "{text}");
    }
}

#[test]
fn a_map_has_no_path_that_belongs_to_another_file() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(10));
    let open = || File::options().read(true).write(true).open(&path).expect("ours");
    assert_eq!(MapOptions::new().from_file(open()).expect("mapped").path(), Some(&*path));
    let removed = open();
    fs::remove_file(&path).expect("ours");
    // The kernel tells the path of one that is removed so.
    file(&space, "data (deleted)", &counted(10));
    assert_eq!(MapOptions::new().from_file(removed).expect("mapped").path(), None);
}
