//! Maps of files.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;

use ringway::map::{Access, Allocation, ErrorKind, FileMode, MapKind, MapOptions, SharedMap};

use crate::testing::{Child, Role, TempNamespace, not_to_be_had};
use crate::{
    CAPACITIES, DIR, assert_argument, assert_kind, assert_not_found, assert_taken, bytes, counted, file, view,
};

const MODES: [FileMode; 4] = [FileMode::Open, FileMode::OpenOrCreate, FileMode::CreateNew, FileMode::Create];

fn open(path: &Path) -> File {
    File::options().read(true).write(true).open(path).expect("ours")
}

#[test]
fn without_a_capacity_a_map_is_as_long_as_the_file_and_has_its_bytes() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(8192));
    let maps = [
        SharedMap::from_path(&path),
        MapOptions::new().from_file(open(&path)),
        MapOptions::new().from_borrowed(open(&path)),
        MapOptions::new().file_mode(FileMode::OpenOrCreate).open_path(&path),
        MapOptions::new().capacity(8192).open_path(&path),
    ];
    for map in maps {
        let map = map.expect("mapped");
        assert_eq!((map.capacity(), map.kind(), map.name()), (8192, MapKind::File, None));
        assert_eq!(map.path(), Some(&*path));
        assert_eq!(bytes(&map), counted(8192));
    }
}

#[test]
fn a_missing_file_is_not_found_and_not_made() {
    let space = TempNamespace::new();
    let path = space.path().join("missing");
    for capacity in [0, 4096] {
        for access in [Access::Read, Access::ReadWrite, Access::CopyOnWrite] {
            let options = MapOptions::new().capacity(capacity).access(access);
            assert_not_found(options.clone().open_path(&path));
            assert_not_found(options.namespace(space.namespace()).name("n").open_path(&path));
        }
    }
    assert_not_found(
        MapOptions::new().file_mode(FileMode::CreateNew).capacity(1).open_path(path.join("deeper")),
    );
    std::os::unix::fs::symlink(space.path().join("nowhere"), space.path().join("link")).expect("new");
    for mode in MODES {
        let link = space.path().join("link");
        let opened = MapOptions::new().file_mode(mode).capacity(1).open_path(link);
        // A link that leads nowhere is something that is there, and that no mode makes a file of.
        match mode {
            FileMode::CreateNew => assert_taken(opened),
            FileMode::Open => assert_not_found(opened),
            FileMode::OpenOrCreate | FileMode::Create => {
                let found = "a symbolic link that leads nowhere";
                let kind = |kind: &ErrorKind| *kind == ErrorKind::NotMappable { found };
                drop(assert_kind(opened, kind, io::ErrorKind::Unsupported));
            }
        }
    }
    assert_eq!(space.files(), ["link"]);
}

#[test]
fn a_file_that_is_there_is_not_created_anew() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(100));
    for capacity in [0, 4096] {
        assert_taken(MapOptions::new().file_mode(FileMode::CreateNew).capacity(capacity).open_path(&path));
    }
    assert_eq!(fs::read(&path).expect("there"), counted(100));
}

#[test]
fn an_empty_file_needs_a_capacity_and_stays_empty_without() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &[]);
    assert_argument(SharedMap::from_path(&path), "capacity");
    assert_argument(MapOptions::new().from_file(open(&path)), "capacity");
    assert_argument(MapOptions::new().from_borrowed(open(&path)), "capacity");
    assert_argument(MapOptions::new().file_mode(FileMode::Create).open_path(&path), "capacity");
    assert_eq!(fs::metadata(&path).expect("there").len(), 0);
}

#[test]
fn a_mode_that_makes_files_makes_them_as_long_as_the_capacity() {
    let space = TempNamespace::new();
    let path = space.path().join("data");
    for mode in [FileMode::OpenOrCreate, FileMode::CreateNew, FileMode::Create] {
        for capacity in CAPACITIES {
            let map = MapOptions::new().file_mode(mode).capacity(capacity).open_path(&path).expect("made");
            assert_eq!((map.capacity(), fs::read(&path).expect("there").len() as u64), (capacity, capacity));
            assert_eq!(fs::metadata(&path).expect("there").mode() & 0o7777, 0o600);
            assert!(bytes(&map).iter().all(|byte| *byte == 0));
            drop(map);
            fs::remove_file(&path).expect("a file outlives its map");
        }
        for access in [Access::Read, Access::CopyOnWrite, Access::ReadExecute] {
            let options = MapOptions::new().file_mode(mode).capacity(10).access(access);
            assert_argument(options.open_path(&path), "access");
        }
        assert_argument(MapOptions::new().file_mode(mode).open_path(&path), "capacity");
        assert_argument(MapOptions::new().file_mode(mode).capacity(u64::MAX).open_path(&path), "capacity");
        space.assert_empty();
    }
}

#[test]
fn creating_drops_what_a_file_has_and_a_failing_call_does_not() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(100));
    let create = || MapOptions::new().file_mode(FileMode::Create);
    assert_argument(create().open_path(&path), "capacity");
    assert_argument(create().capacity(4096).access(Access::Read).open_path(&path), "access");
    assert_argument(create().capacity(4096).access(Access::Write).open_path(&path), "access");
    assert_argument(create().capacity(4096).mode(0o1000).open_path(&path), "mode");
    assert_argument(create().capacity(4096).name("").open_path(&path), "name");
    assert_argument(create().capacity(4096).name("a\0b").open_path(&path), "name");
    // More than a file of this file system can have: known only when it is tried.
    assert!(create().capacity(i64::MAX as u64).allocation(Allocation::Commit).open_path(&path).is_err());
    assert_eq!(fs::read(&path).expect("there"), counted(100), "nothing was lost");

    for (capacity, allocation) in
        [(4096, Allocation::Delay), (50, Allocation::Delay), (9000, Allocation::Commit)]
    {
        fs::write(&path, counted(100)).expect("ours");
        let map = create().capacity(capacity).allocation(allocation).open_path(&path).expect("made");
        assert_eq!(fs::read(&path).expect("there"), vec![0; capacity as usize]);
        assert_eq!(map.capacity(), capacity);
    }
}

#[test]
fn a_longer_capacity_makes_the_file_so_long_at_once_and_exactly() {
    let space = TempNamespace::new();
    for allocation in [Allocation::Delay, Allocation::Commit] {
        let path = file(&space, "data", &counted(100));
        let map = MapOptions::new().capacity(10_001).allocation(allocation).open_path(&path).expect("grown");
        let mut expected = counted(100);
        expected.resize(10_001, 0);
        assert_eq!(fs::read(&path).expect("there"), expected, "without a view");
        let blocks = fs::metadata(&path).expect("there").blocks() * 512;
        assert_eq!(blocks >= 10_001, allocation == Allocation::Commit, "{blocks} bytes");
        drop(map);
        assert_eq!(fs::metadata(&path).expect("there").len(), 10_001, "it stays so");
    }
}

#[test]
fn a_capacity_that_the_file_cannot_have_is_refused_and_changes_nothing() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(4096));
    for access in [Access::Read, Access::CopyOnWrite, Access::ReadExecute] {
        assert_argument(MapOptions::new().access(access).capacity(8192).open_path(&path), "capacity");
        assert_argument(MapOptions::new().access(access).capacity(8192).from_file(open(&path)), "capacity");
    }
    for access in [Access::Read, Access::ReadWrite] {
        for capacity in [1, 4095] {
            let options = MapOptions::new().access(access).capacity(capacity);
            assert_argument(options.clone().open_path(&path), "capacity");
            assert_argument(options.from_borrowed(open(&path)), "capacity");
        }
    }
    assert_eq!(fs::read(&path).expect("there"), counted(4096));
}

#[test]
fn two_maps_of_one_file_are_one_memory_by_one_handle_and_by_two() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &[0; 4096]);
    let handle = open(&path);
    let by_handle = [(), ()].map(|()| MapOptions::new().from_borrowed(&handle).expect("mapped"));
    let by_path = [(), ()].map(|()| SharedMap::from_path(&path).expect("mapped"));
    for maps in [by_handle, by_path] {
        let views = maps.map(|map| map.accessor().expect("all"));
        for round in 0..10_u8 {
            let (writer, reader) = (usize::from(round % 2), usize::from(1 - round % 2));
            views[writer].write(u64::from(round), &(round + 1)).expect("within");
            views[writer].flush().expect("it works");
            assert_eq!(views[reader].read::<u8>(u64::from(round)), Ok(round + 1));
        }
    }
    let readers = [(), ()].map(|()| MapOptions::new().access(Access::Read).open_path(&path).expect("mapped"));
    assert_eq!(bytes(&readers[0]), bytes(&readers[1]));
}

#[test]
fn a_view_and_ordinary_reads_and_writes_see_each_other_at_once() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &[0; 5000]);
    let (map, file) = (SharedMap::from_path(&path).expect("mapped"), open(&path));
    let view = map.accessor().expect("all");
    for at in [0, 1, 4095, 4999] {
        view.write(at, &42_u8).expect("within");
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).expect("within");
        assert_eq!(byte, [42]);
        file.write_all_at(&[43], at).expect("within");
        assert_eq!(view.read::<u8>(at), Ok(43));
    }
}

#[test]
fn a_borrowed_handle_stays_open_and_an_owned_one_is_closed_with_the_map() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(100));
    let borrowed = open(&path);
    drop(MapOptions::new().from_borrowed(&borrowed).expect("mapped"));
    borrowed.metadata().expect("still open");
    let owned = open(&path);
    let number = owned.as_raw_fd();
    let map = MapOptions::new().from_file(owned).expect("mapped");
    assert_eq!(map.as_raw_fd(), number, "the map's handle is the file's own");
    let view = map.accessor().expect("all");
    drop(map);
    assert_eq!(view.read::<u8>(99), Ok(99), "a view keeps its map");
    let leads_there = || fs::read_link(format!("/proc/self/fd/{number}")).is_ok_and(|target| target == path);
    assert!(leads_there());
    drop(view);
    assert!(!leads_there());
}

#[test]
fn a_character_device_can_be_mapped_and_is_not_grown() {
    let zero = || File::options().read(true).write(true).open("/dev/zero").expect("it is there");
    for access in [Access::Read, Access::ReadWrite] {
        let options = || MapOptions::new().capacity(255).access(access);
        for map in
            [options().open_path("/dev/zero"), options().from_file(zero()), options().from_borrowed(zero())]
        {
            let map = map.expect("mapped");
            let view = match view(&map, access) {
                Ok(view) => view,
                Err(error) if matches!(error.kind(), ErrorKind::Truncated { .. }) => panic!("{error}"),
                Err(error) => {
                    not_to_be_had("a view of /dev/zero", &error.to_string());
                    continue;
                }
            };
            assert_eq!((view.read::<u8>(0), view.len()), (Ok(0), 255));
            if access.can_write() {
                view.write(0, &7_u8).expect("it takes what it is given");
            }
            view.flush().expect("nothing to do");
            assert_kind(
                map.grow(300),
                |kind| matches!(kind, ErrorKind::Refused { .. }),
                io::ErrorKind::Unsupported,
            );
            assert_eq!(map.refresh().expect("a device has no length"), 255);
        }
    }
    assert_argument(MapOptions::new().open_path("/dev/zero"), "capacity");
}

#[test]
fn what_cannot_be_mapped_is_refused_at_once_and_does_not_block() {
    let space = TempNamespace::new();
    let fifo = space.path().join("fifo");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).expect("made");
    let socket = space.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("made");
    for (path, what) in [(&*fifo, "a FIFO"), (&socket, "a socket"), (space.path(), "a directory")] {
        for capacity in [0, 4096] {
            for access in [Access::Read, Access::ReadWrite] {
                for mode in [FileMode::Open, FileMode::OpenOrCreate] {
                    let options = MapOptions::new().capacity(capacity).access(access).file_mode(mode);
                    let text = assert_kind(
                        options.open_path(path),
                        |kind| matches!(kind, ErrorKind::NotMappable { .. }),
                        io::ErrorKind::Unsupported,
                    );
                    assert!(text.contains(&format!("found {what}, expected a regular file")), "{text}");
                }
            }
        }
    }
    for access in [Access::Read, Access::ReadWrite] {
        let (reader, writer) = rustix::pipe::pipe().expect("made");
        let directory = File::open(space.path()).expect("ours");
        for (file, capacity) in [(reader.into(), 1), (writer.into(), 0), (directory, 0)] {
            let refused = MapOptions::new().access(access).capacity(capacity).from_file(file);
            assert_kind(
                refused,
                |kind| matches!(kind, ErrorKind::NotMappable { .. }),
                io::ErrorKind::Unsupported,
            );
        }
    }
}

#[test]
fn settings_that_are_about_paths_are_refused_for_handles() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(100));
    for mode in [FileMode::OpenOrCreate, FileMode::Create, FileMode::CreateNew] {
        assert_argument(MapOptions::new().file_mode(mode).capacity(200).from_file(open(&path)), "file_mode");
    }
    let exclusive = MapOptions::new().share(ringway::map::Share::Exclusive);
    assert_argument(exclusive.from_borrowed(open(&path)), "share");
    assert_argument(MapOptions::new().access(Access::Write).open_path(&path), "access");
    assert_eq!(fs::read(&path).expect("there"), counted(100));
}

#[test]
fn a_private_map_of_a_file_that_can_only_be_read_takes_writes_and_never_changes_the_file() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(4096));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).expect("ours");
    let map = MapOptions::new().access(Access::CopyOnWrite).open_path(&path).expect("reading is enough");
    let private = map.view(..).copy_on_write().accessor().expect("allowed");
    private.write_all_at(0, &[0xee; 4096]).expect("private");
    private.flush().expect("nothing to do");
    assert_eq!(private.read::<u8>(9), Ok(0xee));
    drop((private, map));
    assert_eq!(fs::read(&path).expect("there"), counted(4096));
}

#[test]
fn role_reader() {
    let Some(role) = Role::play() else { return };
    let path = Path::new(&role.var(DIR)).join("data");
    let map = MapOptions::new().access(Access::Read).open_path(&path).expect("everybody may read");
    assert_eq!(bytes(&map), counted(100));
    let refused = MapOptions::new().open_path(&path);
    let text = assert_kind(
        refused,
        |kind| matches!(kind, ErrorKind::PermissionDenied { .. }),
        io::ErrorKind::PermissionDenied,
    );
    assert!(
        text.contains("refused while opening the file") && text.contains("ask for less access"),
        "{text}"
    );
    let map = MapOptions::new().access(Access::CopyOnWrite).open_path(&path).expect("reading is enough");
    map.view(..).copy_on_write().accessor().expect("allowed").write(0, &7_u8).expect("private");
}

#[test]
fn a_file_that_a_user_may_only_read_can_be_mapped_for_no_more() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(100));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).expect("ours");
    fs::set_permissions(space.path(), fs::Permissions::from_mode(0o755)).expect("ours");
    crate::security::as_another_user("files::role_reader", &space, |_| {});
    assert_eq!(fs::read(&path).expect("there"), counted(100));
}

#[test]
fn what_a_process_writes_without_flushing_is_in_the_file_after_it_was_killed() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &[0; 10_000]);
    let mut child = Child::spawn("files::role_writer", &[(DIR, space.path())]);
    assert_eq!(child.hear(), "written");
    child.kill_running();
    assert_eq!(fs::read(&path).expect("there"), counted(10_000));
}

#[test]
fn role_writer() {
    let Some(mut role) = Role::play() else { return };
    let map = SharedMap::from_path(Path::new(&role.var(DIR)).join("data")).expect("mapped");
    map.accessor().expect("all").write_all_at(0, &counted(10_000)).expect("within");
    role.say("written");
    role.hear();
}

#[test]
fn a_child_that_maps_the_same_path_shares_the_bytes() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &[0; 10_000]);
    let map = SharedMap::from_path(&path).expect("mapped");
    let view = map.accessor().expect("all");
    view.write_all_at(0, &counted(10_000)).expect("within");
    Child::spawn("files::role_reverser", &[(DIR, space.path())]).wait_success();
    let reversed: Vec<u8> = counted(10_000).into_iter().rev().collect();
    assert_eq!(bytes(&map), reversed);
    assert_eq!(view.read::<u8>(0), Ok(reversed[0]));
}

#[test]
fn role_reverser() {
    let Some(role) = Role::play() else { return };
    let map = SharedMap::from_path(Path::new(&role.var(DIR)).join("data")).expect("mapped");
    let mut found = bytes(&map);
    assert_eq!(found, counted(10_000));
    found.reverse();
    map.accessor().expect("all").write_all_at(0, &found).expect("within");
}
