//! Further descriptions of a map's file, each with locks of its own.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use rustix::fs::OFlags;
use rustix::process::Resource;

use super::{DIR, assert_helpful, limited, options, role_options, role_path};
use crate::map::{Access, ByteLock, ErrorKind};
use crate::testing::{Child, Role, TempNamespace};

#[test]
fn the_locks_of_two_descriptions_exclude_each_other() {
    let space = TempNamespace::new();
    let map = options(&space).create_new("m").unwrap();
    let (one, other) = (map.reopen().unwrap(), map.reopen().unwrap());
    let locks = [map.as_fd(), one.as_fd(), other.as_fd()].map(|fd| ByteLock { fd, byte: 7 });
    for holder in 0..3 {
        assert!(locks[holder].try_lock());
        for (number, lock) in locks.iter().enumerate() {
            assert_eq!(lock.is_held(), number != holder);
            assert_eq!(lock.try_lock(), number == holder);
        }
        locks[holder].unlock();
    }
    // The kernel releases a lock with its description.
    assert!(locks[1].try_lock());
    drop(one);
    let lock = ByteLock { fd: other.as_fd(), byte: 7 };
    assert!(!lock.is_held() && lock.try_lock());
    drop((other, map));
    space.assert_empty();
}

#[test]
fn a_map_has_an_id_that_no_map_before_or_beside_it_has() {
    let space = TempNamespace::new();
    let map = options(&space).create_new("m").unwrap();
    let id = map.id();
    assert_eq!(options(&space).open("m").unwrap().id(), id);
    drop(map);
    let (again, other) = (options(&space).create_new("m").unwrap(), options(&space).create_new("o").unwrap());
    assert!(id != again.id() && id != other.id() && again.id() != other.id());
}

#[test]
fn a_map_is_opened_again_whatever_its_name_has_become() {
    let space = TempNamespace::new();
    let map = options(&space).create_new("m").unwrap();
    let inode = |fd: std::os::fd::OwnedFd| File::from(fd).metadata().unwrap().ino();
    let wanted = fs::metadata(space.path().join("m")).unwrap().ino();
    fs::rename(space.path().join("m"), space.path().join("elsewhere")).unwrap();
    assert_eq!(inode(map.reopen().unwrap()), wanted);
    let successor = options(&space).create_new("m").unwrap();
    assert_ne!(inode(successor.reopen().unwrap()), wanted);
    assert_eq!(inode(map.reopen().unwrap()), wanted);
    fs::remove_file(space.path().join("elsewhere")).unwrap();
    assert_eq!(inode(map.reopen().unwrap()), wanted);
    drop((map, successor));
    space.assert_empty();
}

#[test]
fn a_description_that_was_opened_again_reads_and_writes_and_ends_with_an_exec() {
    let space = TempNamespace::new();
    let map = options(&space).create_new("m").unwrap();
    let fd = map.reopen().unwrap();
    assert!(rustix::fs::fcntl_getfl(&fd).unwrap().contains(OFlags::RDWR));
    assert!(rustix::io::fcntl_getfd(&fd).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
    // It keeps neither the map nor its name.
    drop(map);
    space.assert_empty();
    let gone = options(&space).open("m").expect_err("nobody is present");
    assert_eq!(gone.kind(), &ErrorKind::NotFound);
    drop(fd);
}

#[test]
fn role_without_descriptors() {
    let Some(mut role) = Role::play() else { return };
    let map = role_options(&role).create_new("m").unwrap();
    limited(Resource::Nofile, 0, || {
        let error = map.reopen().expect_err("no descriptor is left");
        assert!(matches!(error.kind(), ErrorKind::Os { doing: "opening the map again" }), "{error}");
        assert_helpful(&error, "m");
    });
    drop(map);
    role.say("done");
}

#[test]
fn a_map_that_cannot_be_opened_again_says_why() {
    let space = TempNamespace::new();
    let mut child = Child::spawn(&role_path("reopen::role_without_descriptors"), &[(DIR, space.path())]);
    assert_eq!(child.hear(), "done");
    child.wait_success();
    space.assert_empty();
}

#[test]
fn a_mapping_that_only_reads_makes_no_map_that_others_may_only_read() {
    let space = TempNamespace::new();
    let reader = || options(&space).mapped_for(Access::Read);
    for first in [true, false] {
        let writer = if first { None } else { Some(options(&space).create_new("m").unwrap()) };
        let (map, _) = reader().create_or_open_with("m", |_, _| ()).unwrap();
        let protection = |map: &crate::map::SharedMap| {
            let maps = fs::read_to_string("/proc/self/maps").unwrap();
            let start = map.as_ptr().addr() - 4096;
            let line = maps.lines().find(|line| line.starts_with(&format!("{start:x}-"))).unwrap();
            line.split(' ').nth(1).unwrap().to_owned()
        };
        assert_eq!(protection(&map), "r--s");
        let writer = writer.unwrap_or_else(|| options(&space).open("m").unwrap());
        assert_eq!(protection(&writer), "rw-s");
        writer.accessor().unwrap().write(0, &42_u8).unwrap();
        assert_eq!(map.view(..).read_only().accessor().unwrap().read::<u8>(0), Ok(42));
        assert_eq!(protection(&reader().open("m").unwrap()), "r--s");
        // It is present like any other.
        drop(writer);
        assert_eq!(space.files(), ["m"]);
        drop(map);
        space.assert_empty();
    }
}
