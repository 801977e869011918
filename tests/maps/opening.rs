//! How files are opened: so that nobody gains anything who puts something else in their place just before, or starts a
//! program just then.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::Path;

use ringway::map::{Access, ErrorKind, FileMode, MapOptions, Namespace, SharedMap};
use rustix::fs::OFlags;
use seccompiler::SeccompCmpOp::{Eq, MaskedEq, Ne};
use seccompiler::{SeccompAction, SeccompRule};

use crate::sandbox::{self, rule_of};
use crate::security::as_another_user;
use crate::testing::{Child, Role, TempNamespace, watched};
use crate::{DIR, anonymous, bytes, counted, file, options, role_options};

/// What opens a file in an unsafe way, by a call that has its flags there.
fn unsafe_opens(at: u8) -> Vec<SeccompRule> {
    let bits = |flags: OFlags| u64::from(flags.bits());
    let lacks = |flag| (at, MaskedEq(bits(flag)), 0);
    vec![
        // A program that is started just then would inherit it.
        rule_of(&[lacks(OFlags::CLOEXEC)]),
        // What somebody else has made just then is not new.
        rule_of(&[(at, MaskedEq(bits(OFlags::CREATE | OFlags::EXCL)), bits(OFlags::CREATE))]),
        // What has a name in a namespace may be something else by now, that makes whoever opens it to write wait.
        rule_of(&[
            (at, MaskedEq(bits(OFlags::RWMODE | OFlags::CREATE | OFlags::DIRECTORY)), bits(OFlags::RDWR)),
            lacks(OFlags::NONBLOCK),
        ]),
    ]
}

/// Ends the process from now on at such a call.
fn demand_care() {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CREATE;
    let lacks = |flags: OFlags| (2, MaskedEq(u64::from(flags.bits())), 0);
    let inside = |flag| {
        let elsewhere = (0, Ne, u64::from(libc::AT_FDCWD as u32));
        rule_of(&[elsewhere, lacks(flags), lacks(flag)])
    };
    // What is in a namespace may be a link by now, a FIFO, or a terminal.
    let within = [OFlags::NOFOLLOW, OFlags::NONBLOCK, OFlags::NOCTTY].map(inside);
    let lasting = u64::from(rustix::fs::MemfdFlags::CLOEXEC.bits());
    let received = u64::from(rustix::net::RecvFlags::CMSG_CLOEXEC.bits());
    let rules = vec![
        (libc::SYS_openat, unsafe_opens(2).into_iter().chain(within).collect()),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_open, unsafe_opens(1)),
        (libc::SYS_memfd_create, vec![rule_of(&[(1, MaskedEq(lasting), 0)])]),
        (libc::SYS_recvmsg, vec![rule_of(&[(2, MaskedEq(received), 0)])]),
        (libc::SYS_fcntl, vec![rule_of(&[(1, Eq, libc::F_DUPFD as u64)])]),
    ];
    sandbox::restrict(rules, SeccompAction::KillProcess);
}

#[test]
fn role_that_opens_with_care() {
    let Some(mut role) = Role::play() else { return };
    let directory = role.var(DIR);
    let path = |name: &str| Path::new(&directory).join(name);
    let namespace = Namespace::Dir(directory.clone().into());
    let (here, there) = UnixStream::pair().expect("made");
    fs::write(path("data"), counted(5000)).expect("there is room");
    demand_care();
    let make = |mode| MapOptions::new().file_mode(mode).capacity(100);
    let named = |name: &str| MapOptions::new().namespace(namespace.clone()).name(name);

    let map = role_options(&role).create_new("m").expect("created");
    let maps = [
        role_options(&role).open("m").expect("there"),
        role_options(&role).access(Access::Read).open("m").expect("there"),
        named("n").open_path(path("data")).expect("named"),
        role_options(&role).open("n").expect("there"),
        role_options(&role).access(Access::Read).open("n").expect("there"),
        make(FileMode::CreateNew).open_path(path("new")).expect("made"),
        make(FileMode::OpenOrCreate).open_path(path("new")).expect("there"),
        MapOptions::new().access(Access::Read).open_path(path("new")).expect("there"),
        anonymous(100),
    ];
    maps[8].send_over(&here).expect("sent");
    let received = MapOptions::new().receive_from(&there).expect("received");
    let clone = received.try_clone_fd().expect("duplicated");
    drop(MapOptions::new().from_file(File::from(clone)).expect("mapped"));
    assert_eq!(namespace.list().expect("listed").len(), 4);
    assert_eq!(namespace.sweep().expect("swept").removed.len(), 0);
    for map in maps.iter().chain([&map, &received]) {
        assert!(rustix::io::fcntl_getfd(map).expect("open").contains(rustix::io::FdFlags::CLOEXEC));
    }
    fs::remove_file(path("new")).expect("there");
    // Where the file gets its name first.
    sandbox::refuse(libc::SYS_linkat, libc::EPERM);
    drop(make(FileMode::CreateNew).open_path(path("new")).expect("made"));
    drop((maps, map));
    fs::remove_file(path("new")).expect("there");
    fs::remove_file(path("data")).expect("there");
    role.say("done");
}

#[test]
fn nothing_is_opened_that_was_put_there_just_before_and_nothing_is_inherited_just_then() {
    let space = TempNamespace::new();
    let mut child = Child::spawn("opening::role_that_opens_with_care", &[(DIR, space.path())]);
    assert_eq!(child.hear(), "done");
    child.wait_success();
    space.assert_empty();
}

#[test]
fn role_in_a_directory_that_it_may_not_read() {
    let Some(mut role) = Role::play() else { return };
    let directory = role.var(DIR);
    fs::read_dir(&directory).expect_err("it may not be read");
    let map = role_options(&role).create_new("m").expect("created");
    drop(role_options(&role).open("m").expect("there"));
    let path = Path::new(&directory).join("data");
    let file = MapOptions::new().file_mode(FileMode::CreateNew).capacity(100).open_path(&path).expect("made");
    assert_eq!(bytes(&SharedMap::from_path(&path).expect("there")), [0; 100]);
    fs::remove_file(path).expect("there");
    drop((map, file));
    role.say("done");
}

#[test]
fn a_directory_need_not_be_readable_to_make_something_in_it() {
    let space = TempNamespace::new();
    fs::set_permissions(space.path(), fs::Permissions::from_mode(0o733)).expect("ours");
    as_another_user("opening::role_in_a_directory_that_it_may_not_read", &space, |child| {
        assert_eq!(child.hear(), "done");
    });
    space.assert_empty();
}

#[test]
fn a_namespace_that_is_a_fifo_is_refused_and_not_waited_for() {
    let space = TempNamespace::new();
    let path = space.path().join("fifo");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).expect("made");
    watched(move || {
        let options = MapOptions::new().capacity(100).namespace(Namespace::Dir(path));
        let error = options.create_new("m").expect_err("no directory");
        assert!(matches!(error.kind(), ErrorKind::Namespace { part: "type", .. }), "{error}");
    });
}

#[test]
fn a_name_does_not_lead_to_its_file_over_a_link() {
    let (space, files) = (TempNamespace::new(), TempNamespace::new());
    let path = file(&files, "data", &counted(100));
    let map = MapOptions::new().namespace(space.namespace()).name("n").open_path(&path).expect("named");
    let moved = files.path().join("moved");
    fs::rename(&path, &moved).expect("ours");
    symlink(&moved, &path).expect("the name is free");
    let error = options(&space).open("n").expect_err("a link can lead anywhere the next time");
    assert!(matches!(error.kind(), ErrorKind::Stale { found: "another file" }), "{error}");
    fs::remove_file(&path).expect("ours");
    fs::rename(&moved, &path).expect("ours");
    assert_eq!(bytes(&options(&space).open("n").expect("it is back")), counted(100));
    drop(map);
}
