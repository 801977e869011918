//! Files with a name, through which other processes find them.

use std::fs::{self, File};
use std::io;

use ringway::map::{
    Access, Disposition, ErrorKind, FileMode, MapKind, MapOptions, MapState, RequiredCapacity, SharedMap,
};

use crate::testing::{Child, Role, TempNamespace};
use crate::{
    DIR, assert_argument, assert_kind, assert_not_found, assert_taken, bytes, counted, file, options,
};

/// Where the names are, and where the files.
fn spaces() -> (TempNamespace, TempNamespace) {
    (TempNamespace::new(), TempNamespace::new())
}

fn named(space: &TempNamespace, name: &str) -> MapOptions {
    MapOptions::new().namespace(space.namespace()).name(name)
}

#[test]
fn whoever_opens_the_name_has_the_file() {
    let (space, files) = spaces();
    let path = file(&files, "data", &counted(5000));
    let maps = [
        named(&space, "by path").open_path(&path).expect("named"),
        named(&space, "owned")
            .from_file(File::options().read(true).write(true).open(&path).expect("ours"))
            .expect("named"),
        named(&space, "borrowed")
            .from_borrowed(File::options().read(true).write(true).open(&path).expect("ours"))
            .expect("named"),
    ];
    for map in &maps {
        let name = map.name().expect("it has one");
        assert_eq!(map.namespace(), Some(&space.namespace()));
        let twin = options(&space).open(name).expect("there");
        assert_eq!((twin.name(), twin.capacity(), twin.kind()), (Some(name), 5000, MapKind::File));
        assert_eq!((twin.path(), twin.namespace()), (Some(&*path), Some(&space.namespace())));
        twin.accessor().expect("all").write(7, &0xee_u8).expect("within");
        assert_eq!(bytes(map)[7], 0xee);
    }
    let listed = space.namespace().list().expect("listed");
    assert_eq!(listed.len(), 3);
    for entry in listed {
        assert_eq!(
            (entry.state, entry.capacity, entry.kind),
            (MapState::Live, Some(5000), Some(MapKind::File))
        );
        assert_eq!(entry.file.as_deref(), Some(&*path));
    }
    drop(maps);
    space.assert_empty();
    assert_eq!(fs::metadata(&path).expect("a file outlives its names").len(), 5000);
}

#[test]
fn a_name_lives_as_long_as_anybody_has_the_map_or_a_view() {
    let (space, files) = spaces();
    let path = file(&files, "data", &[0; 4096]);
    let map = named(&space, "n").open_path(&path).expect("named");
    let twin = options(&space).open("n").expect("there");
    drop(map);
    let view = twin.accessor().expect("all");
    drop(twin);
    assert_taken(options(&space).create_new("n"));
    options(&space).open("n").expect("a view keeps it").close().expect("it goes");
    drop(view);
    space.assert_empty();
    assert_not_found(options(&space).open("n"));
}

#[test]
fn names_of_files_and_of_memory_are_one_set() {
    let (space, files) = spaces();
    let path = file(&files, "data", &counted(5000));
    let new = files.path().join("new");
    let make = || named(&space, "n").file_mode(FileMode::CreateNew).capacity(10).open_path(&new);

    let memory = options(&space).create_new("n").expect("created");
    assert_taken(named(&space, "n").open_path(&path));
    assert_taken(make());
    assert_eq!(files.files(), ["data"], "a file that was new is not left behind");
    // Nothing is lost for a name that is not to be had.
    assert_taken(named(&space, "n").file_mode(FileMode::Create).capacity(9000).open_path(&path));
    assert_taken(named(&space, "n").capacity(9000).open_path(&path));
    assert_eq!(fs::read(&path).expect("there"), counted(5000));
    drop(memory);

    let persisted = named(&space, "n").open_path(&path).expect("free");
    assert_taken(options(&space).create_new("n"));
    assert_taken(named(&space, "n").open_path(&path));
    assert_taken(make());
    let (joined, how) = options(&space).capacity(77).create_or_open("n").expect("there");
    assert_eq!((how, joined.capacity(), joined.kind()), (Disposition::Opened, 5000, MapKind::File));
    assert_eq!(bytes(&joined), counted(5000));
    drop((persisted, joined));
    let made = make().expect("free");
    assert_eq!((made.capacity(), files.files().len()), (10, 2));
    drop(made);
    space.assert_empty();
}

#[test]
fn what_is_no_name_is_refused_and_makes_nothing() {
    let (space, files) = spaces();
    let path = files.path().join("data");
    for name in ["", "\0"] {
        let options = || named(&space, name).capacity(100);
        assert_argument(options().file_mode(FileMode::CreateNew).open_path(&path), "name");
        assert_argument(options().file_mode(FileMode::OpenOrCreate).open_path(&path), "name");
        let other = file(&files, "other", &counted(10));
        assert_argument(
            options().from_file(File::options().read(true).write(true).open(other).expect("ours")),
            "name",
        );
    }
    assert_eq!(files.files(), ["other"]);
    assert_eq!(fs::read(files.path().join("other")).expect("there"), counted(10));
    space.assert_empty();
}

#[test]
fn a_file_without_a_path_cannot_be_named() {
    let (space, files) = spaces();
    let path = file(&files, "data", &counted(10));
    let open = File::options().read(true).write(true).open(&path).expect("ours");
    fs::remove_file(&path).expect("ours");
    let text = assert_kind(
        named(&space, "n").from_file(open),
        |kind| matches!(kind, ErrorKind::Refused { .. }),
        io::ErrorKind::Unsupported,
    );
    assert!(text.contains("found a file without a path"), "{text}");
    // The kernel tells the path of one that is removed so, and another file may have it.
    let open = File::options().read(true).write(true).create_new(true).open(&path).expect("ours");
    open.set_len(10).expect("there is room");
    fs::remove_file(&path).expect("ours");
    file(&files, "data (deleted)", &counted(10));
    let refused = |kind: &ErrorKind| matches!(kind, ErrorKind::Refused { .. });
    assert_kind(named(&space, "n").from_file(open), refused, io::ErrorKind::Unsupported);
    space.assert_empty();
}

#[test]
fn a_name_whose_file_was_replaced_removed_or_cut_is_not_opened() {
    let (space, files) = spaces();
    let path = file(&files, "data", &counted(5000));
    let map = named(&space, "n").open_path(&path).expect("named");
    let open = || options(&space).open("n");

    File::options().write(true).open(&path).expect("ours").set_len(4999).expect("shorter");
    let text =
        assert_kind(open(), |kind| matches!(kind, ErrorKind::Truncated { .. }), io::ErrorKind::InvalidData);
    assert!(text.contains("truncated to 4999 bytes, expected 5000"), "{text}");
    File::options().write(true).open(&path).expect("ours").set_len(5000).expect("longer");
    open().expect("long enough");

    let elsewhere = files.path().join("elsewhere");
    fs::rename(&path, &elsewhere).expect("ours");
    let text = assert_kind(open(), |kind| matches!(kind, ErrorKind::Stale { .. }), io::ErrorKind::NotFound);
    assert!(text.starts_with("map `n`") && text.contains("found nothing in the place of the file"), "{text}");
    fs::write(&path, counted(5000)).expect("ours");
    let text = assert_kind(open(), |kind| matches!(kind, ErrorKind::Stale { .. }), io::ErrorKind::NotFound);
    assert!(text.contains("found another file"), "{text}");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    fs::remove_file(&path).expect("ours");
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).expect("made");
    assert_kind(
        options(&space).access(Access::Read).open("n"),
        |kind| matches!(kind, ErrorKind::Stale { .. }),
        io::ErrorKind::NotFound,
    );
    assert_eq!(bytes(&map), counted(5000).into_iter().take(4999).chain([0]).collect::<Vec<_>>());
    drop(map);
    space.assert_empty();
}

#[test]
fn a_relative_path_leads_others_to_the_same_file() {
    let (space, files) = spaces();
    let path = file(&files, "data", &counted(10));
    let here = std::env::current_dir().expect("there");
    let up: std::path::PathBuf = here.components().skip(1).map(|_| "..").collect();
    let relative = up.join(path.strip_prefix("/").expect("absolute"));
    let map = named(&space, "n").open_path(&relative).expect("named");
    let twin = options(&space).open("n").expect("there");
    assert_eq!((twin.path(), bytes(&twin)), (Some(&*path), counted(10)));
    drop((map, twin));
}

#[test]
fn a_name_can_be_required_to_have_a_capacity() {
    let (space, files) = spaces();
    let path = file(&files, "data", &counted(5000));
    let _file = named(&space, "file").open_path(&path).expect("named");
    let _memory = options(&space).capacity(5000).create_new("memory").expect("created");
    for name in ["file", "memory"] {
        for required in
            [RequiredCapacity::Exact(5000), RequiredCapacity::AtLeast(5000), RequiredCapacity::AtLeast(1)]
        {
            options(&space).require_capacity(required).open(name).expect("it is met");
        }
        for required in
            [RequiredCapacity::Exact(4999), RequiredCapacity::Exact(5001), RequiredCapacity::AtLeast(5001)]
        {
            let open = options(&space).require_capacity(required).open(name);
            let join = options(&space).require_capacity(required).create_or_open(name);
            for result in [open, join.map(|(map, _)| map)] {
                let text = assert_kind(
                    result,
                    |kind| *kind == ErrorKind::CapacityMismatch { found: 5000, expected: required },
                    io::ErrorKind::InvalidData,
                );
                assert!(
                    text.contains(&format!("found a capacity of 5000 bytes, expected {required}; ")),
                    "{text}"
                );
            }
        }
    }
    let (_new, how) = options(&space)
        .require_capacity(RequiredCapacity::Exact(4096))
        .create_or_open("new")
        .expect("created");
    assert_eq!(how, Disposition::Created);
}

#[test]
fn role_holder() {
    let Some(mut role) = Role::play() else { return };
    let space = map_space(&role);
    let map = space.name("n").open_path(role.var(FILE)).expect("named");
    role.say("named");
    role.hear();
    drop(map);
}

/// The variable that tells a role its file.
const FILE: &str = "RINGWAY_TEST_FILE";

fn map_space(role: &Role) -> MapOptions {
    MapOptions::new().namespace(ringway::map::Namespace::Dir(role.var(DIR).into()))
}

#[test]
fn a_killed_holder_leaves_a_name_for_the_next_and_the_file_as_it_was() {
    let (space, files) = spaces();
    let path = file(&files, "data", &counted(100));
    let spawn = || {
        let mut child = Child::spawn("named_files::role_holder", &[(DIR, space.path()), (FILE, &*path)]);
        assert_eq!(child.hear(), "named");
        child
    };
    let mut child = spawn();
    let twin: SharedMap = options(&space).open("n").expect("there");
    child.kill_running();
    assert_eq!(bytes(&options(&space).open("n").expect("we hold it")), counted(100));
    drop(twin);
    space.assert_empty();

    spawn().kill_running();
    assert_eq!(space.files(), ["n"], "nobody was there to remove it");
    assert_not_found(options(&space).open("n"));
    space.assert_empty();
    spawn().kill_running();
    assert_eq!(space.namespace().sweep().expect("swept").removed.len(), 1);
    spawn().kill_running();
    drop(named(&space, "n").open_path(&path).expect("a leftover is no map"));
    space.assert_empty();
    assert_eq!(fs::read(&path).expect("there"), counted(100));
}

#[test]
fn role_in_a_deep_directory() {
    let Some(mut role) = Role::play() else { return };
    std::env::set_current_dir(role.var(FILE)).expect("ours");
    let (part, len) = ("d".repeat(200), || std::env::current_dir().expect("there").as_os_str().len());
    while len() + 201 < 4090 {
        fs::create_dir(&part).expect("new");
        std::env::set_current_dir(&part).expect("ours");
    }
    let make =
        |name: &str| map_space(&role).name("n").file_mode(FileMode::CreateNew).capacity(10).open_path(name);
    // Nobody could open it by its whole path.
    let refused = |kind: &ErrorKind| matches!(kind, ErrorKind::Refused { .. });
    assert_kind(make(&"f".repeat(250)), refused, io::ErrorKind::Unsupported);
    let map = make("f").expect("its path is short enough");
    drop(map_space(&role).open("n").expect("there"));
    drop(map);
    role.say("done");
}

#[test]
fn a_file_whose_path_is_too_long_for_others_cannot_be_named() {
    let (space, files) = spaces();
    let mut child =
        Child::spawn("named_files::role_in_a_deep_directory", &[(DIR, space.path()), (FILE, files.path())]);
    assert_eq!(child.hear(), "done");
    child.wait_success();
    space.assert_empty();
}

#[test]
fn the_page_of_a_name_is_one_page() {
    let (space, files) = spaces();
    let path = file(&files, &"d".repeat(200), &counted(10));
    let name = "n".repeat(100);
    let map = named(&space, &name).open_path(&path).expect("named");
    assert_eq!(fs::metadata(space.path().join(&name)).expect("there").len(), 4096);
    drop(map);
}

#[test]
fn a_device_has_no_length_for_whoever_opens_its_name_either() {
    let space = TempNamespace::new();
    let device =
        named(&space, "n").access(Access::Read).capacity(4096).open_path("/dev/zero").expect("named");
    let twin = options(&space).access(Access::Read).open("n").expect("there");
    assert_eq!((twin.capacity(), twin.refresh().expect("a device has no length")), (4096, 4096));
    match twin.view(..).read_only().accessor() {
        Ok(view) => assert_eq!(view.read::<u8>(4095), Ok(0)),
        Err(error) => assert!(!matches!(error.kind(), ErrorKind::Truncated { .. }), "{error}"),
    }
    drop((device, twin));
}
