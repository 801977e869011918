//! What a machine refuses: room, lengths, links. What was there before such a refusal is there after it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ringway::map::{Allocation, Error, ErrorKind, FileMode, MapOptions, SharedMap};
use rustix::process::{Resource, Rlimit};

use crate::mounts::{mount, mounting};
use crate::sandbox;
use crate::testing::{Child, Role, TempNamespace};
use crate::{DIR, anonymous, assert_kind, assert_taken, bytes, counted, file, role_options};

const MIB: u64 = 1 << 20;

/// Runs the role in a directory of its own, in which it leaves nothing.
fn play(role: &str) {
    let space = TempNamespace::new();
    let mut child = Child::spawn(role, &[(DIR, space.path())]);
    assert_eq!(child.hear(), "done");
    child.wait_success();
    space.assert_empty();
}

/// Length and blocks of a file.
fn size(path: &Path) -> (u64, u64) {
    let file = fs::metadata(path).expect("there");
    (file.len(), file.blocks())
}

#[test]
fn role_without_room() {
    let Some(mut role) = Role::play() else { return };
    let directory = role.var(DIR);
    if !mount(&directory, &["-t", "tmpfs", "-o", "size=1m"]) {
        return role.say("cannot mount");
    }
    let path = file_in(&directory, "data", &counted(100));
    let make = |mode| MapOptions::new().file_mode(mode).capacity(2 * MIB).allocation(Allocation::Commit);
    let map = MapOptions::new().allocation(Allocation::Commit).open_path(&path).expect("there is room");
    let before = size(&path);
    // A claim that fails half-way keeps what it has got, on many file systems. So nothing is claimed.
    let keep = rustix::fs::FallocateFlags::KEEP_SIZE.bits().into();
    let claim = vec![(libc::SYS_fallocate, vec![sandbox::rule(1, keep)])];
    sandbox::restrict(claim, seccompiler::SeccompAction::KillProcess);
    let full = |result: Result<(), Error>| {
        assert_kind(result, |kind| matches!(kind, ErrorKind::StorageFull { .. }), io::ErrorKind::StorageFull)
    };
    for mode in [FileMode::Open, FileMode::OpenOrCreate, FileMode::Create] {
        full(make(mode).open_path(&path).map(drop));
        full(make(mode).name("n").namespace(role_namespace(&role)).open_path(&path).map(drop));
    }
    full(make(FileMode::CreateNew).open_path(path.with_file_name("new")).map(drop));
    let text = full(map.grow(2 * MIB));
    assert!(text.contains("2097152 bytes are needed"), "{text}");
    assert_eq!((size(&path), map.capacity()), (before, 100));
    assert_eq!(fs::read(&path).expect("there"), counted(100));
    assert_eq!(fs::read_dir(&directory).expect("mounted").count(), 1, "and nothing else is there");
    role.say("done");
}

fn file_in(directory: &str, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = Path::new(directory).join(name);
    fs::write(&path, bytes).expect("there is room");
    path
}

fn role_namespace(role: &Role) -> ringway::map::Namespace {
    ringway::map::Namespace::Dir(role.var(DIR).into())
}

#[test]
fn what_has_no_room_is_refused_before_any_of_it_is_taken() {
    mounting("limits::role_without_room");
}

#[test]
fn role_with_short_files() {
    let Some(mut role) = Role::play() else { return };
    let directory = role.var(DIR);
    let path = file_in(&directory, "data", &counted(100));
    let long = file_in(&directory, "long", &vec![7; 2 * MIB as usize]);
    let (memory, delayed) = (anonymous(100), MapOptions::new().open_path(&path).expect("mapped"));
    let committed = MapOptions::new().allocation(Allocation::Commit).open_path(&path).expect("mapped");
    let before = (size(&path), size(&long));
    let most = rustix::process::getrlimit(Resource::Fsize).maximum;
    rustix::process::setrlimit(Resource::Fsize, Rlimit { current: Some(MIB), maximum: most }).expect("lower");
    // Without a handler the signal that comes with it ends the process.
    let limited = |needed, result: Result<(), Error>| {
        let limit = |kind: &ErrorKind| *kind == ErrorKind::SizeLimit { needed, limit: MIB };
        let text = assert_kind(result, limit, io::ErrorKind::FileTooLarge);
        assert!(text.contains("a limit of 1048576 bytes for files of this process (RLIMIT_FSIZE)"), "{text}");
    };
    let needed = MIB + 1;
    for allocation in [Allocation::Commit, Allocation::Delay] {
        let options = || MapOptions::new().capacity(needed).allocation(allocation);
        limited(needed, options().anonymous().map(drop));
        let named = options().namespace(role_namespace(&role)).create_new("n").map(drop);
        limited(needed + 4096, named);
        for mode in [FileMode::Open, FileMode::OpenOrCreate, FileMode::Create] {
            limited(needed, options().file_mode(mode).open_path(&path).map(drop));
        }
        let new = path.with_file_name("new");
        limited(needed, options().file_mode(FileMode::CreateNew).open_path(new).map(drop));
    }
    for map in [&memory, &delayed, &committed] {
        limited(needed, map.grow(needed));
        assert_eq!(map.capacity(), 100);
    }
    // To empty it in place may be to write.
    let create = MapOptions::new().file_mode(FileMode::Create).allocation(Allocation::Commit);
    limited(2 * MIB, create.capacity(2 * MIB).open_path(&long).map(drop));
    // And so is to set its length anew, where it has no other.
    limited(
        needed,
        MapOptions::new().file_mode(FileMode::Create).capacity(needed).open_path(&long).map(drop),
    );
    assert_eq!((size(&path), size(&long)), before);
    assert_eq!(fs::read(&long).expect("there"), vec![7; 2 * MIB as usize]);
    // What is as long already can be had, and what is not too long.
    drop(SharedMap::from_path(&long).expect("mapped").accessor().expect("all"));
    delayed.grow(MIB).expect("as long as it may be");
    drop(role_options(&role).create_new("n").expect("short"));
    fs::remove_file(path).expect("there");
    fs::remove_file(long).expect("there");
    role.say("done");
}

#[test]
fn what_is_longer_than_this_process_may_make_a_file_is_an_error_and_no_death() {
    play("limits::role_with_short_files");
}

#[test]
fn role_that_cannot_link() {
    let Some(mut role) = Role::play() else { return };
    let directory = role.var(DIR);
    let path = Path::new(&directory).join("data");
    let make = |mode| MapOptions::new().file_mode(mode).capacity(100).open_path(&path);
    let assert_made = |mode| {
        let map = make(mode).expect("made");
        map.accessor().expect("all").write(0, &7_u8).expect("within");
        assert_eq!((fs::metadata(&path).expect("there").mode() & 0o7777, bytes(&map)[0]), (0o600, 7));
        assert_taken(make(FileMode::CreateNew));
        assert_eq!(bytes(&make(FileMode::OpenOrCreate).expect("there"))[0], 7);
        fs::remove_file(&path).expect("there");
    };
    // Not by way of /proc, whatever the reason; and not in any other way.
    let by_proc = u64::from(rustix::fs::AtFlags::SYMLINK_FOLLOW.bits());
    for errno in [libc::ENOENT, libc::EACCES, libc::EPERM, libc::EXDEV, libc::EOPNOTSUPP] {
        sandbox::refuse_where(libc::SYS_linkat, 4, by_proc, errno);
        assert_made(FileMode::CreateNew);
    }
    for errno in [libc::ENOENT, libc::EACCES, libc::EPERM, libc::EXDEV, libc::EOPNOTSUPP] {
        sandbox::refuse(libc::SYS_linkat, errno);
        for mode in [FileMode::CreateNew, FileMode::OpenOrCreate, FileMode::Create] {
            assert_made(mode);
        }
    }
    role.say("done");
}

#[test]
fn a_file_is_made_where_unnamed_files_get_no_name() {
    play("limits::role_that_cannot_link");
}

#[test]
fn role_without_allocation() {
    let Some(mut role) = Role::play() else { return };
    let path = file_in(&role.var(DIR), "data", &counted(100));
    let map = MapOptions::new().allocation(Allocation::Commit).open_path(&path).expect("there is room");
    for errno in [libc::EOPNOTSUPP, libc::ENOSYS] {
        sandbox::refuse(libc::SYS_fallocate, errno);
        map.grow(100).expect("it is as long as that");
        let unsupported = |kind: &ErrorKind| matches!(kind, ErrorKind::Unsupported { .. });
        let text = assert_kind(map.grow(200), unsupported, io::ErrorKind::Unsupported);
        assert!(text.contains("found no support for allocation here"), "{text}");
        assert_eq!((map.capacity(), fs::read(&path).expect("there")), (100, counted(100)));
    }
    fs::remove_file(path).expect("there");
    role.say("done");
}

#[test]
fn committed_growth_without_allocation_is_unsupported() {
    play("limits::role_without_allocation");
}

#[test]
fn what_is_committed_has_all_of_its_space_also_where_a_file_has_holes() {
    let space = TempNamespace::new();
    for mode in [FileMode::Open, FileMode::OpenOrCreate, FileMode::Create] {
        for capacity in [MIB, MIB / 2, 2 * MIB] {
            let path = file(&space, "data", &counted(100));
            fs::File::options().write(true).open(&path).expect("ours").set_len(MIB).expect("it can");
            let options = MapOptions::new().file_mode(mode).allocation(Allocation::Commit);
            if capacity < MIB && mode != FileMode::Create {
                continue;
            }
            let map = options.capacity(capacity).open_path(&path).expect("there is room");
            let (len, blocks) = size(&path);
            assert_eq!((len, map.capacity()), (capacity, capacity));
            assert!(blocks * 512 >= capacity, "{mode:?}: {blocks} blocks of {capacity} bytes");
        }
    }
}

#[test]
fn role_that_may_not_set_a_length() {
    let Some(mut role) = Role::play() else { return };
    let map = MapOptions::new().capacity(100).allocation(Allocation::Delay).anonymous().expect("made");
    sandbox::refuse(libc::SYS_ftruncate, libc::EPERM);
    let refused = |kind: &ErrorKind| matches!(kind, ErrorKind::PermissionDenied { .. });
    let text = assert_kind(map.grow(200), refused, io::ErrorKind::PermissionDenied);
    assert!(!text.contains("that is sealed"), "nobody has sealed it: {text}");
    // Nor can it give a name.
    sandbox::refuse(libc::SYS_linkat, libc::ENOENT);
    let options = MapOptions::new().capacity(100);
    let unsupported = |kind: &ErrorKind| matches!(kind, ErrorKind::Unsupported { .. });
    let named = options.namespace(role_namespace(&role)).create_new("n");
    let text = assert_kind(named, unsupported, io::ErrorKind::Unsupported);
    assert!(text.contains("/proc, through which an unnamed file gets its name"), "{text}");
    // Nor make what has none.
    let unnamed = u64::from(rustix::fs::OFlags::TMPFILE.bits());
    let rule = sandbox::rule_of(&[(2, seccompiler::SeccompCmpOp::MaskedEq(unnamed), unnamed)]);
    let absent = seccompiler::SeccompAction::Errno(libc::ENOENT as u32);
    sandbox::restrict(vec![(libc::SYS_openat, vec![rule])], absent);
    let named = MapOptions::new().capacity(100).namespace(role_namespace(&role)).create_new("n");
    let text = assert_kind(named, unsupported, io::ErrorKind::Unsupported);
    assert!(text.contains("support for unnamed files"), "{text}");
    role.say("done");
}

#[test]
fn what_a_sandbox_forbids_is_not_taken_for_something_else() {
    play("limits::role_that_may_not_set_a_length");
}
