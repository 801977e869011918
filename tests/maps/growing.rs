//! Maps that become longer while they are in use.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use ringway::map::{Access, Allocation, ErrorKind, MapOptions, Rights, SharedMap};

use crate::mounts::{mount, mounting};
use crate::sandbox;
use crate::testing::{Child, Role, TempNamespace};
use crate::{DIR, anonymous, assert_argument, assert_denied, assert_kind, bytes, counted, file, options};

#[test]
fn a_map_grows_for_all_its_holders_and_views_stay_as_they_are() {
    let space = TempNamespace::new();
    let files = TempNamespace::new();
    let path = file(&files, "data", &counted(5000));
    let named = options(&space).capacity(0).name("n").open_path(&path).expect("named");
    let memory = anonymous(5000);
    memory.accessor().expect("all").write_all_at(0, &counted(5000)).expect("within");
    let other =
        MapOptions::new().from_file(memory.try_clone_fd().expect("duplicated").into()).expect("mapped");
    for (map, other) in [(named, options(&space).open("n").expect("there")), (memory, other)] {
        let (clone, view) = (map.clone(), map.accessor().expect("all"));
        map.grow(20_001).expect("there is room");
        assert_eq!((map.capacity(), clone.capacity(), other.capacity()), (20_001, 20_001, 5000));
        assert_argument(other.view(..20_001).accessor(), "size");
        assert_eq!(other.refresh().expect("it has grown"), 20_001);
        let mut expected = counted(5000);
        expected.resize(20_001, 0);
        assert_eq!(bytes(&other), expected, "what is new is zero");
        // The old view is as long as it was, and of the same bytes.
        assert_eq!(view.len(), 5000);
        view.write(0, &0xee_u8).expect("within");
        let new = map.view(15_000..).accessor().expect("within");
        new.write(0, &0xdd_u8).expect("within");
        let found = bytes(&other);
        assert_eq!((found[0], found[15_000]), (0xee, 0xdd));
        map.grow(20_001).expect("as it is");
        assert_argument(map.grow(20_000), "capacity");
        assert_argument(map.grow(u64::MAX), "capacity");
        assert_eq!(map.capacity(), 20_001);
    }
    assert_eq!(fs::metadata(&path).expect("there").len(), 20_001);
}

#[test]
fn whoever_reads_a_file_sees_what_another_appended_after_a_refresh() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(4000));
    let map = MapOptions::new().access(Access::Read).open_path(&path).expect("mapped");
    let old = map.view(..).read_only().accessor().expect("all");
    File::options().append(true).open(&path).expect("ours").write_all(&[7; 5000]).expect("room");
    assert_eq!((map.capacity(), old.len()), (4000, 4000));
    assert_eq!(map.refresh().expect("longer"), 9000);
    let new = map.view(4000..).read_only().accessor().expect("within");
    assert_eq!((new.len(), new.read::<u8>(4999)), (5000, Ok(7)));
    let mut found = vec![0; 4000];
    old.read_exact_at(0, &mut found).expect("as before");
    assert_eq!(found, counted(4000));
    assert_denied(map.grow(10_000));
    File::options().write(true).open(&path).expect("ours").set_len(100).expect("shorter");
    assert_kind(
        map.refresh(),
        |kind| matches!(kind, ErrorKind::Truncated { .. }),
        io::ErrorKind::InvalidData,
    );
    assert_eq!(map.capacity(), 9000, "as it was");
}

#[test]
fn a_map_that_commits_has_the_space_of_what_others_appended_too() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(4096));
    let options = MapOptions::new().allocation(Allocation::Commit);
    let map = options.open_path(&path).expect("mapped");
    let appended = File::options().write(true).open(&path).expect("ours");
    appended.set_len(1 << 20).expect("a tmpfs file can grow");
    map.grow(1 << 20).expect("there is room");
    let has = fs::metadata(&path).expect("there").blocks() * 512;
    assert!(has >= 1 << 20, "{has} bytes");
}

#[test]
fn a_file_that_is_long_enough_already_takes_no_space() {
    let space = TempNamespace::new();
    let path = space.path().join("data");
    File::create_new(&path).and_then(|file| file.set_len(1 << 20)).expect("there is room");
    let options = || MapOptions::new().capacity(1 << 20).allocation(Allocation::Delay);
    for access in [Access::ReadWrite, Access::Read] {
        let map = options().access(access).open_path(&path).expect("its length is the capacity");
        map.grow(1 << 20).map_or_else(|error| assert!(access == Access::Read, "{error}"), drop);
        assert_eq!(fs::metadata(&path).expect("there").blocks(), 0);
    }
}

#[test]
fn what_cannot_grow_says_so() {
    let space = TempNamespace::new();
    let map = options(&space).create_new("n").expect("created");
    let refused = |map: &SharedMap| {
        assert_kind(
            map.grow(8192),
            |kind| matches!(kind, ErrorKind::Refused { .. }),
            io::ErrorKind::Unsupported,
        )
    };
    assert!(refused(&map).contains("named map in memory, whose capacity is fixed, expected a file"));
    assert_eq!((map.capacity(), map.refresh().expect("as it is")), (4096, 4096));
    let reader = MapOptions::new().capacity(10).access(Access::Read).anonymous().expect("made");
    assert_denied(reader.grow(20));
    let sealed = anonymous(10);
    sealed.seal(ringway::map::Seals::GROW).expect("a creator may");
    let text = assert_kind(
        sealed.grow(20),
        |kind| matches!(kind, ErrorKind::PermissionDenied { .. }),
        io::ErrorKind::PermissionDenied,
    );
    assert!(text.contains("sealed against growing (`Seals::GROW`)"), "{text}");
    assert_eq!(sealed.capacity(), 10);
}

#[test]
fn seals_are_added_to_each_other() {
    use ringway::map::Seals;
    use rustix::fs::SealFlags;
    let map = anonymous(10);
    map.seal(Seals::GROW | Seals::FUTURE_WRITE | Seals::GROW).expect("a creator may");
    let seals = rustix::fs::fcntl_get_seals(&map).expect("it is memory");
    assert_eq!(seals, SealFlags::SHRINK | SealFlags::GROW | SealFlags::FUTURE_WRITE);
}

#[test]
fn seals_bind_everybody_for_good() {
    use ringway::map::Seals;
    let map = anonymous(4096);
    assert_eq!(rustix::fs::ftruncate(&map, 0), Err(rustix::io::Errno::PERM), "sealed against shrinking");
    let writer = map.accessor().expect("all");
    let busy = map.seal(Seals::WRITE).expect_err("a view writes");
    assert_eq!(io::Error::from(busy).kind(), io::ErrorKind::ResourceBusy);
    map.seal(Seals::FUTURE_WRITE).expect("a creator may");
    writer.write(0, &42_u8).expect("it goes on");
    let text = assert_kind(
        map.accessor(),
        |kind| matches!(kind, ErrorKind::PermissionDenied { .. }),
        io::ErrorKind::PermissionDenied,
    );
    assert!(text.contains("refused while mapping a view"), "{text}");
    assert_eq!(bytes(&map)[0], 42, "reading goes on");
    map.seal(Seals::GROW | Seals::SEAL).expect("a creator may");
    assert!(map.seal(Seals::WRITE).is_err());

    let space = TempNamespace::new();
    let named = options(&space).rights(Rights::FULL_CONTROL).create_new("n").expect("created");
    assert_kind(
        named.seal(Seals::GROW),
        |kind| matches!(kind, ErrorKind::Refused { .. }),
        io::ErrorKind::Unsupported,
    );
}

/// Makes the file longer again and again, in the way that it is told, while others do.
#[test]
fn role_grower() {
    let Some(mut role) = Role::play() else { return };
    let path = Path::new(&role.var(DIR)).join("data");
    let by_path = role.var(WAY) == "by path";
    let map = SharedMap::from_path(&path).expect("mapped");
    let len = || fs::metadata(&path).expect("there").len();
    role.say("ready");
    role.hear();
    let mut made = 0;
    while made < ROUNDS {
        let wanted = len() + 1;
        let longer = match by_path {
            true => MapOptions::new().capacity(wanted).open_path(&path).map(drop),
            false => map.grow(wanted),
        };
        match longer {
            Ok(()) => {
                made += 1;
                let found = len();
                assert!(found >= wanted, "made {wanted} bytes long, and found {found}");
            }
            // Somebody else was faster, so that it would become shorter.
            Err(error) => assert!(matches!(error.kind(), ErrorKind::InvalidArgument { .. }), "{error}"),
        }
        map.refresh().expect("it only ever grows");
    }
}

const WAY: &str = "RINGWAY_TEST_WAY";
const ROUNDS: u32 = 5000;

#[test]
fn a_file_that_several_processes_make_longer_never_becomes_shorter() {
    for ways in [["by handle", "by handle"], ["by handle", "by path"], ["by path", "by path"]] {
        let space = TempNamespace::new();
        file(&space, "data", &[1]);
        let directory = space.path().to_str().expect("UTF-8");
        let mut growers =
            ways.map(|way| Child::spawn("growing::role_grower", &[(DIR, directory), (WAY, way)]));
        growers.iter_mut().for_each(|grower| assert_eq!(grower.hear(), "ready"));
        growers.iter_mut().for_each(|grower| grower.tell("go"));
        growers.iter_mut().for_each(Child::wait_success);
    }
}

#[test]
fn role_whose_growth_fails() {
    let Some(mut role) = Role::play() else { return };
    let directory = role.var(DIR);
    if !mount(&directory, &["-t", "tmpfs", "-o", "size=1m"]) {
        return role.say("cannot mount");
    }
    let path = Path::new(&directory).join("data");
    fs::write(&path, [1]).expect("there is room");
    let options = || MapOptions::new().allocation(Allocation::Commit);
    let map = options().open_path(&path).expect("mapped");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let full = |kind: &ErrorKind| matches!(kind, ErrorKind::StorageFull { .. });
                assert_kind(map.grow(4 << 20), full, io::ErrorKind::StorageFull);
                assert_kind(options().capacity(4 << 20).open_path(&path), full, io::ErrorKind::StorageFull);
            }
        });
        let file = File::options().append(true).open(&path).expect("ours");
        let _stop = Stop(&stop);
        for len in 2..10_000 {
            (&file).write_all(&[7]).expect("there is room");
            assert_eq!(fs::metadata(&path).expect("there").len(), len, "nobody sets the length back");
        }
    });
    assert_eq!(map.capacity(), 1);
    role.say("done");
}

/// Says so when its scope ends, however that is.
pub(crate) struct Stop<'a>(pub(crate) &'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn growth_that_fails_leaves_what_others_append_meanwhile() {
    mounting("growing::role_whose_growth_fails");
}

/// A file system that cannot take the last byte alone.
#[test]
fn role_without_fallocate() {
    let Some(mut role) = Role::play() else { return };
    let directory = role.var(DIR);
    if !mount(&directory, &["-t", "ramfs"]) {
        return role.say("cannot mount");
    }
    let path = Path::new(&directory).join("data");
    fs::write(&path, [1]).expect("there is memory");
    let refused = MapOptions::new().allocation(Allocation::Commit).capacity(100).open_path(&path);
    let unsupported = |result: Result<(), ringway::map::Error>| {
        assert_kind(result, |kind| matches!(kind, ErrorKind::Unsupported { .. }), io::ErrorKind::Unsupported)
    };
    unsupported(refused.map(drop));
    let map = MapOptions::new().allocation(Allocation::Commit).access(Access::Read).open_path(&path);
    drop(map.expect("what only reads takes no space"));
    let len = || fs::metadata(&path).expect("there").len();
    assert_eq!(len(), 1, "as it was");
    std::thread::scope(|scope| {
        for step in [1, 100, 10_000] {
            let (path, len) = (&path, &len);
            scope.spawn(move || {
                let map = SharedMap::from_path(path).expect("mapped");
                for _ in 0..ROUNDS / 2 {
                    let wanted = len() + step;
                    match map.grow(wanted) {
                        Ok(()) => assert!(len() >= wanted),
                        Err(error) => assert!(matches!(error.kind(), ErrorKind::InvalidArgument { .. })),
                    }
                    map.refresh().expect("it only ever grows");
                }
            });
        }
    });
    // Where they cannot do that either, nobody can be sure to cut off nothing.
    let (map, before) = (SharedMap::from_path(&path).expect("mapped"), len());
    sandbox::refuse_where(libc::SYS_fcntl, 1, libc::F_OFD_SETLK as u64, libc::ENOLCK);
    let text = unsupported(map.grow(before + 1));
    assert!(text.contains("found no safe way to make a file longer"), "{text}");
    assert_eq!((map.capacity(), len()), (before, before));
    role.say("done");
}

#[test]
fn where_the_last_byte_cannot_be_taken_growers_take_turns() {
    mounting("growing::role_without_fallocate");
}
