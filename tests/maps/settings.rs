//! Settings that count, and those that cannot.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use ringway::map::{Access, Allocation, ErrorKind, FileMode, MapOptions, RequiredCapacity, Share, SharedMap};
use rustix::fs::FlockOperation;
use seccompiler::{SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

use crate::sandbox;
use crate::sharing::once_free;
use crate::testing::{Child, Role, TempNamespace};
use crate::{DIR, assert_argument, assert_kind, assert_taken, bytes, counted, file, options, role_options};

#[test]
fn what_cannot_be_had_of_a_map_is_refused_and_not_ignored() {
    let (space, files) = (TempNamespace::new(), TempNamespace::new());
    let path = file(&files, "data", &counted(100));
    let memory = options(&space).create_new("memory").expect("created");
    let persisted =
        MapOptions::new().namespace(space.namespace()).name("file").open_path(&path).expect("named");
    type Set = fn(MapOptions) -> MapOptions;
    let settings: [(&str, Set); 4] = [
        ("name", |options| options.name("second")),
        ("file_mode", |options| options.file_mode(FileMode::OpenOrCreate)),
        ("share", |options| options.share(Share::Readers)),
        ("share", |options| options.share(Share::Exclusive)),
    ];
    for (argument, set) in settings {
        let options = || set(options(&space));
        assert_argument(options().create_new("new"), argument);
        for name in ["new", "memory", "file"] {
            assert_argument(options().create_or_open(name).map(|(map, _)| map), argument);
        }
        assert_argument(options().open("memory"), argument);
        assert_argument(options().anonymous(), argument);
        let (here, there) = UnixStream::pair().expect("made");
        crate::anonymous(1).send_over(&here).expect("sent");
        assert_argument(options().receive_from(&there), argument);
        if argument != "share" {
            assert_argument(options().open("file"), argument);
            assert_argument(options().open("missing"), argument);
        }
    }
    let mut names = space.files();
    names.sort();
    assert_eq!(names, ["file", "memory"]);
    drop((memory, persisted));
    space.assert_empty();
}

#[test]
fn a_file_is_required_to_have_a_capacity_by_its_path_and_handle_too() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(100));
    let open = || fs::File::options().read(true).write(true).open(&path).expect("ours");
    let exact = |bytes| MapOptions::new().require_capacity(RequiredCapacity::Exact(bytes));
    drop(exact(100).open_path(&path).expect("met"));
    drop(exact(100).from_file(open()).expect("met"));
    for (options, found) in [
        (exact(99), 100),
        (exact(99).file_mode(FileMode::OpenOrCreate), 100),
        (exact(150).capacity(200), 200),
    ] {
        let mut results = vec![options.clone().open_path(&path)];
        if found == 200 {
            results.push(options.clone().from_borrowed(open()));
        }
        for result in results {
            let mismatch = |kind: &ErrorKind| matches!(kind, ErrorKind::CapacityMismatch { found: is, .. } if *is == found);
            assert_kind(result, mismatch, io::ErrorKind::InvalidData);
        }
        assert_eq!(fs::read(&path).expect("there"), counted(100), "it was not made longer");
    }
    // What the call makes is as it says.
    for mode in [FileMode::Create, FileMode::CreateNew] {
        drop(exact(99).file_mode(mode).capacity(50).open_path(&path).expect("made"));
        fs::remove_file(&path).expect("there");
    }
}

#[test]
fn whoever_opens_the_name_of_a_file_that_grew_has_all_of_it() {
    let (space, files) = (TempNamespace::new(), TempNamespace::new());
    let path = file(&files, "data", &counted(100));
    let map = MapOptions::new().namespace(space.namespace()).name("n").open_path(&path).expect("named");
    map.grow(10_000).expect("there is room");
    let exact = |bytes| options(&space).require_capacity(RequiredCapacity::Exact(bytes)).open("n");
    let twin = exact(10_000).expect("it grew");
    assert_eq!((twin.capacity(), bytes(&twin).len()), (10_000, 10_000));
    assert_kind(
        exact(100),
        |kind| matches!(kind, ErrorKind::CapacityMismatch { found: 10_000, .. }),
        io::ErrorKind::InvalidData,
    );
}

#[test]
fn whoever_opens_the_name_of_a_file_is_one_of_its_users() {
    let (space, files) = (TempNamespace::new(), TempNamespace::new());
    let path = file(&files, "data", &counted(100));
    let by_path = |access, share| MapOptions::new().access(access).share(share).open_path(&path);
    let by_name = |access, share| options(&space).access(access).share(share).open("n");
    let busy = |result| {
        assert_kind(result, |kind| matches!(kind, ErrorKind::Busy { .. }), io::ErrorKind::ResourceBusy);
    };
    let readers = MapOptions::new().namespace(space.namespace()).access(Access::Read).share(Share::Readers);
    let map = readers.name("n").open_path(&path).expect("free");
    // The first of them allows others only to read.
    busy(by_path(Access::ReadWrite, Share::Any));
    let twin = by_name(Access::ReadWrite, Share::Any).expect("effectively it reads");
    drop((twin, map));

    let handle = fs::File::options().read(true).write(true).open(&path).expect("ours");
    let map = MapOptions::new().namespace(space.namespace()).name("n").from_file(handle).expect("named");
    let writer = by_name(Access::ReadWrite, Share::Any).expect("nobody is in the way");
    busy(by_path(Access::Read, Share::Readers));
    busy(by_path(Access::Read, Share::Exclusive));
    drop(writer);
    drop(once_free(|| by_path(Access::Read, Share::Exclusive)));
    let alone = once_free(|| by_name(Access::Read, Share::Exclusive));
    busy(by_path(Access::Read, Share::Any));
    busy(by_name(Access::Read, Share::Any));
    drop((alone, map));
    space.assert_empty();
}

#[test]
fn the_page_of_an_inheritable_name_goes_to_the_child_with_the_file() {
    let (space, files) = (TempNamespace::new(), TempNamespace::new());
    let path = file(&files, "data", &counted(100));
    let page = space.path().join("n");
    let is_same = |one: &Path, other: &Path| {
        let of = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
        of(one) == of(other)
    };
    let inherited = |path: &Path| -> Vec<bool> {
        let entries =
            fs::read_dir("/proc/self/fd").expect("/proc is there").map(|entry| entry.expect("read"));
        let ours = entries.filter(|entry| is_same(&entry.path(), path));
        ours.map(|entry| {
            let number = entry.file_name().into_string().expect("a number");
            let info = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).expect("open");
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).expect("there").trim();
            u32::from_str_radix(flags, 8).expect("octal") & libc::O_CLOEXEC as u32 == 0
        })
        .collect()
    };
    let named = || MapOptions::new().namespace(space.namespace()).name("n");
    let map = named().inheritable().open_path(&path).expect("named");
    assert_eq!((inherited(&page), inherited(&path)), (vec![true], vec![true]));
    let twin = options(&space).inheritable().open("n").expect("there");
    drop(map);
    assert_eq!((inherited(&page), inherited(&path)), (vec![true], vec![true]));
    drop(twin);
    let _map = named().open_path(&path).expect("named");
    let _twin = options(&space).open("n").expect("there");
    assert_eq!((inherited(&page), inherited(&path)), (vec![false; 2], vec![false; 2]));
}

#[test]
fn nobody_sees_a_file_before_it_is_as_it_shall_be() {
    let (space, files) = (TempNamespace::new(), TempNamespace::new());
    let path = files.path().join("new");
    let memory = options(&space).create_new("n").expect("created");
    let held = fs::File::open(space.path().join("n")).expect("ours");
    rustix::fs::flock(&held, FlockOperation::LockExclusive).expect("free");
    let make = MapOptions::new().namespace(space.namespace()).name("n").file_mode(FileMode::CreateNew);
    let making = std::thread::spawn({
        let path = path.clone();
        move || make.capacity(100).open_path(path)
    });
    // It has made the file, and waits for the name.
    let unnamed = || {
        let made = |entry: fs::DirEntry| fs::metadata(entry.path()).ok();
        let ours = |file: fs::Metadata| file.nlink() == 0 && file.len() == 0 && file.is_file();
        let in_place = |entry: &fs::DirEntry| {
            fs::read_link(entry.path()).is_ok_and(|path| path.starts_with(files.path()))
        };
        let entries = fs::read_dir("/proc/self/fd").expect("/proc is there").filter_map(Result::ok);
        entries.filter(in_place).filter_map(made).any(ours)
    };
    let deadline = std::time::Instant::now() + crate::testing::WATCHDOG;
    while !unnamed() {
        assert_eq!(files.files(), Vec::<String>::new(), "it has its name too early");
        assert!(std::time::Instant::now() < deadline, "it makes no file");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    // Somebody else makes the file meanwhile, and keeps it.
    drop(
        MapOptions::new().file_mode(FileMode::CreateNew).capacity(7).open_path(&path).expect("nobody has it"),
    );
    rustix::fs::flock(&held, FlockOperation::Unlock).expect("ours");
    assert_taken(making.join().expect("it returns"));
    assert_eq!(fs::read(&path).expect("there"), [0; 7]);
    drop(memory);

    // The same where the name is to be had and the path is not any more.
    let made = MapOptions::new().namespace(space.namespace()).name("n").file_mode(FileMode::CreateNew);
    assert_taken(made.capacity(100).open_path(&path));
    space.assert_empty();
}

#[test]
fn role_without_unnamed_files() {
    let Some(mut role) = Role::play() else { return };
    let path = Path::new(&role.var(DIR)).join("data-that-is-no-map");
    let memory = role_options(&role).create_new("n").expect("created");
    let unnamed = u64::from(rustix::fs::OFlags::TMPFILE.bits());
    let masked = SeccompCmpOp::MaskedEq(unnamed);
    let condition = SeccompCondition::new(2, SeccompCmpArgLen::Dword, masked, unnamed).expect("a condition");
    let rule = SeccompRule::new(vec![condition]).expect("a rule");
    sandbox::restrict(vec![(libc::SYS_openat, vec![rule])], SeccompAction::Errno(libc::EOPNOTSUPP as u32));
    role_options(&role).create_new("m").expect_err("it needs such files");
    let make = || MapOptions::new().file_mode(FileMode::CreateNew).capacity(100);
    let map = make().open_path(&path).expect("made");
    assert_eq!((map.capacity(), fs::read(&path).expect("there")), (100, vec![0; 100]));
    assert_taken(make().open_path(&path));
    drop(map);
    fs::remove_file(&path).expect("there");

    // A failing call takes its file away again, unless somebody has come to have it.
    let failing = || {
        let options = MapOptions::new().namespace(ringway::map::Namespace::Dir(role.var(DIR).into()));
        options.name("n").file_mode(FileMode::CreateNew).capacity(100).open_path(&path)
    };
    assert_taken(failing());
    assert!(!path.exists());
    let held = fs::File::open(Path::new(&role.var(DIR)).join("n")).expect("ours");
    rustix::fs::flock(&held, FlockOperation::LockExclusive).expect("free");
    std::thread::scope(|scope| {
        let making = scope.spawn(failing);
        while !path.exists() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let other = loop {
            // It has its mode, and is in use, a little later than its name.
            match MapOptions::new().capacity(50).open_path(&path) {
                Ok(map) => break map,
                Err(_) => std::thread::sleep(std::time::Duration::from_millis(1)),
            }
        };
        rustix::fs::flock(&held, FlockOperation::Unlock).expect("ours");
        assert_taken(making.join().expect("it returns"));
        assert_eq!((other.capacity(), path.exists()), (50, true));
    });
    fs::remove_file(&path).expect("there");
    drop(memory);
    role.say("done");
}

#[test]
fn a_file_that_others_have_opened_is_not_removed_where_it_has_a_name_from_the_start() {
    let space = TempNamespace::new();
    let mut child = Child::spawn("settings::role_without_unnamed_files", &[(DIR, space.path())]);
    assert_eq!(child.hear(), "done");
    child.wait_success();
    space.assert_empty();
}

const ZERO_RANGE: u64 = rustix::fs::FallocateFlags::ZERO_RANGE.bits() as u64;

#[test]
fn role_that_cannot_cut() {
    let Some(mut role) = Role::play() else { return };
    let path = Path::new(&role.var(DIR)).join("data-that-is-no-map");
    // Once as the file system likes, once where it has no call that zeroes a range.
    for zeroes in [true, false] {
        if !zeroes {
            sandbox::refuse_where(libc::SYS_fallocate, 1, ZERO_RANGE, libc::EOPNOTSUPP);
        }
        for (len, capacity) in [(100, 100), (100_001, 100_001), (4096, 200_000)] {
            fs::write(&path, counted(len)).expect("there is room");
            if zeroes && len == 100 {
                // To cut off what has its space is to give the space back.
                sandbox::refuse(libc::SYS_ftruncate, libc::EIO);
            }
            let map = MapOptions::new().file_mode(FileMode::Create).capacity(capacity);
            let map = map.allocation(Allocation::Commit).open_path(&path).expect("emptied in place");
            assert_eq!(map.capacity(), capacity);
            assert_eq!(fs::read(&path).expect("there"), vec![0; capacity as usize]);
        }
    }
    // Nor is anything cut off what has its length, where the space is given back.
    fs::write(&path, counted(100)).expect("there is room");
    let delayed = MapOptions::new().file_mode(FileMode::Create).allocation(Allocation::Delay);
    drop(delayed.capacity(100).open_path(&path).expect("emptied in place"));
    // Another failure is no reason to try it in another way.
    fs::write(&path, counted(100)).expect("there is room");
    sandbox::refuse_where(libc::SYS_fallocate, 1, ZERO_RANGE, libc::EIO);
    let create = MapOptions::new().file_mode(FileMode::Create).allocation(Allocation::Commit);
    let failed = create.capacity(100).open_path(&path).expect_err("the storage fails");
    assert!(matches!(failed.kind(), ErrorKind::Os { .. }), "{failed}");
    assert_eq!(fs::read(&path).expect("there"), counted(100));
    fs::remove_file(&path).expect("there");
    role.say("done");
}

#[test]
fn a_file_is_emptied_without_giving_its_space_back() {
    let disk = std::env::temp_dir().join(format!("ringway-test-empty-{}", std::process::id()));
    fs::create_dir(&disk).expect("new");
    for directory in [TempNamespace::new().path(), &disk] {
        let mut child = Child::spawn("settings::role_that_cannot_cut", &[(DIR, directory)]);
        assert_eq!(child.hear(), "done");
        child.wait_success();
    }
    fs::remove_dir(&disk).expect("empty");
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(10_000));
    let create = MapOptions::new().file_mode(FileMode::Create).allocation(Allocation::Commit);
    let map: SharedMap = create.capacity(100).open_path(&path).expect("shorter");
    assert_eq!((map.capacity(), fs::read(&path).expect("there")), (100, vec![0; 100]));
}
