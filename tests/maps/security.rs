//! Who may have a map.

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use ringway::map::{
    Access, AccessControl, AclEntry, ErrorKind, FileMode, Grantee, MapOptions, MapState, Namespace, Rights,
    SharedMap,
};

use seccompiler::{SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

use crate::sandbox;
use crate::testing::{Child, Role, TempNamespace, skipped};
use crate::{
    DIR, anonymous, assert_argument, assert_denied, assert_kind, assert_taken, bytes, file, options,
    role_options,
};

/// A user and group that are nobody's.
const STRANGER: u32 = 65_534;
const WRAPPER: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

/// Runs a role as another user to its good end. Needs the superuser, as CI is.
pub(crate) fn as_another_user(role: &str, space: &TempNamespace, meanwhile: impl FnOnce(&mut Child)) {
    if !rustix::process::geteuid().is_root() {
        return skipped(role, "another user needs root");
    }
    let binary = std::env::current_exe().expect("a test knows its binary");
    let able = Command::new(WRAPPER[0])
        .args(&WRAPPER[1..])
        .arg(binary)
        .arg("--list")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !able {
        return skipped(role, "cannot become another user here");
    }
    let mut child = Child::spawn_under(&WRAPPER, role, &[(DIR, space.path())]);
    meanwhile(&mut child);
    child.wait_success();
}

fn everybodys() -> TempNamespace {
    let space = TempNamespace::new();
    fs::set_permissions(space.path(), fs::Permissions::from_mode(0o1777)).expect("ours");
    space
}

fn entry(who: Grantee, permissions: u32) -> AclEntry {
    AclEntry { who, permissions }
}

#[test]
fn a_map_has_the_security_that_it_was_given() {
    let space = TempNamespace::new();
    let files = TempNamespace::new();
    let root = rustix::process::geteuid().is_root();
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let acl =
        vec![entry(Grantee::User(7), 0o6), entry(Grantee::User(1000), 0o4), entry(Grantee::Group(50), 0o2)];
    let controls = [
        AccessControl::default(),
        AccessControl { mode: 0o664, ..AccessControl::default() },
        AccessControl { mode: 0o640, acl: acl.clone(), ..AccessControl::default() },
        AccessControl { owner: Some(if root { 1234 } else { uid }), group: Some(gid), mode: 0o600, acl },
    ];
    for control in controls {
        let whole = AccessControl {
            owner: control.owner.or(Some(uid)),
            group: control.group.or(Some(gid)),
            ..control.clone()
        };
        let named = options(&space).security(control.clone()).create_new("n").expect("created");
        assert_eq!(named.access_control().expect("a creator may ask"), whole);
        assert_eq!(fs::metadata(space.path().join("n")).expect("there").uid(), whole.owner.expect("known"));
        let path = files.path().join("data");
        let persisted =
            MapOptions::new().file_mode(FileMode::CreateNew).capacity(1).security(control.clone());
        let persisted = persisted.namespace(space.namespace()).name("f").open_path(&path).expect("made");
        assert_eq!(persisted.access_control().expect("a creator may ask"), whole);
        let mode = |path| fs::metadata(path).expect("there").mode();
        let page = mode(space.path().join("f"));
        let expected = mode(path.clone()) & !0o022 | 0o1000;
        assert_eq!(page, expected, "whoever may read the file may read where it is");
        drop((named, persisted));
        fs::remove_file(path).expect("there");
        space.assert_empty();
    }
}

#[test]
fn security_can_be_changed_by_whoever_has_the_rights() {
    let space = TempNamespace::new();
    let map = options(&space).create_new("n").expect("created");
    let present = || map.access_control().expect("a creator may ask");
    let control = AccessControl {
        mode: 0o644,
        acl: vec![entry(Grantee::User(STRANGER), 0o6)],
        ..AccessControl::default()
    };
    map.set_access_control(&control).expect("a creator may");
    assert_eq!((present().mode, present().acl), (0o644, control.acl.clone()));
    map.set_access_control(&AccessControl::default()).expect("a creator may");
    assert_eq!((present().mode, present().acl.len()), (0o600, 0), "the entries are gone");

    for acl in [vec![entry(Grantee::User(1), 0o10)], vec![entry(Grantee::Group(1), 4); 2]] {
        assert_argument(
            map.set_access_control(&AccessControl { acl: acl.clone(), ..control.clone() }),
            "security",
        );
        let create = options(&space).security(AccessControl { acl, ..control.clone() }).create_new("new");
        assert_argument(create, "security");
    }
    assert_argument(map.set_access_control(&AccessControl { mode: 0o077, ..control.clone() }), "mode");
    assert_eq!(space.files(), ["n"]);

    let open = |rights| options(&space).rights(rights).open("n").expect("ours");
    for rights in [Rights::READ_WRITE, Rights::CHANGE_PERMISSIONS, Rights::DELETE] {
        assert_denied(open(rights).access_control());
    }
    assert_denied(options(&space).open("n").expect("ours").access_control());
    for rights in [Rights::READ_WRITE, Rights::READ_PERMISSIONS, Rights::TAKE_OWNERSHIP] {
        assert_denied(open(rights).set_access_control(&control));
    }
    assert_eq!(present().mode, 0o600, "nothing was changed");
    assert_eq!(open(Rights::READ_PERMISSIONS).access_control().expect("it may"), present());
    let changer = open(Rights::CHANGE_PERMISSIONS);
    changer.set_access_control(&control).expect("it may");
    assert_eq!(present().acl, control.acl);
    let other_owner = AccessControl { owner: Some(STRANGER), ..control.clone() };
    assert_denied(changer.set_access_control(&other_owner));
    // The same owner is no other.
    changer.set_access_control(&AccessControl { owner: present().owner, ..control.clone() }).expect("it may");
    if rustix::process::geteuid().is_root() {
        let taker = open(Rights::CHANGE_PERMISSIONS | Rights::TAKE_OWNERSHIP);
        taker.set_access_control(&other_owner).expect("root may");
        assert_eq!(present().owner, Some(STRANGER));
    } else {
        skipped("another owner", "needs root");
    }
}

#[test]
fn memory_without_a_name_has_the_mode_it_was_given_and_the_list_where_the_kernel_has_lists_for_it() {
    assert_eq!(anonymous(1).access_control().expect("a creator may ask").mode, 0o600);
    let listed =
        AccessControl { mode: 0o640, acl: vec![entry(Grantee::User(1), 4)], ..AccessControl::default() };
    let probe = rustix::fs::memfd_create("probe", rustix::fs::MemfdFlags::CLOEXEC).expect("there is memory");
    let list: Vec<u8> = [(1, 6), (4, 4), (0x20, 0)]
        .iter()
        .flat_map(|(tag, bits)| [*tag, 0, *bits, 0, 0xff, 0xff, 0xff, 0xff])
        .collect();
    let list = [&[2, 0, 0, 0][..], &list].concat();
    let flags = rustix::fs::XattrFlags::empty();
    let able = rustix::fs::fsetxattr(&probe, "system.posix_acl_access", &list, flags).is_ok();
    let made = MapOptions::new().capacity(1).security(listed.clone()).anonymous();
    if !able {
        return assert_argument(made, "security");
    }
    let map = made.expect("the kernel has lists for it");
    let present = || map.access_control().expect("a creator may ask");
    assert_eq!((present().mode, present().acl), (0o640, listed.acl));
    map.set_access_control(&AccessControl { mode: 0o400, ..AccessControl::default() }).expect("ours");
    assert_eq!((present().mode, present().acl.len()), (0o400, 0), "the entries are gone");
}

#[test]
fn role_whose_changes_of_security_fail() {
    let Some(mut role) = Role::play() else { return };
    let directory = std::path::PathBuf::from(role.var(DIR));
    let listed = |permissions| AccessControl {
        mode: 0o640,
        acl: vec![entry(Grantee::User(7), permissions)],
        ..AccessControl::default()
    };
    let (path, page) = (directory.join("data-that-is-no-map"), directory.join("file"));
    let memory = role_options(&role).security(listed(6)).create_new("memory").expect("made");
    let files = role_options(&role).security(listed(6)).file_mode(FileMode::CreateNew).name("file");
    let file = files.open_path(&path).expect("made");
    // This makes the mask narrower than the entry.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o4640)).expect("ours");
    fs::set_permissions(directory.join("memory"), fs::Permissions::from_mode(0o640)).expect("ours");
    let list = |map: &SharedMap| {
        let mut list = vec![0; 1024];
        let found = rustix::fs::fgetxattr(map, "system.posix_acl_access", &mut list);
        found.map(|len| list[..len].to_vec())
    };
    let fail = |map: &SharedMap, control: &AccessControl, kind: io::ErrorKind| {
        let mode = || fs::metadata(&page).expect("there").mode();
        let (before, page_before) = (map.access_control().expect("a creator may ask"), mode());
        let own = || (list(map), rustix::fs::fstat(map).expect("open").st_mode);
        let own_before = own();
        let error = map.set_access_control(control).expect_err("it cannot be had");
        assert_eq!(io::Error::from(error).kind(), kind);
        assert_eq!((map.access_control().expect("a creator may ask"), mode()), (before, page_before));
        assert_eq!(own(), own_before, "with all that an entry says, also where the mask leaves less of it");
    };
    // No other owner.
    sandbox::refuse(libc::SYS_fchown, libc::EPERM);
    let handed_over = AccessControl { group: Some(STRANGER), mode: 0o666, ..listed(4) };
    for map in [&memory, &file] {
        fail(map, &handed_over, io::ErrorKind::PermissionDenied);
    }
    // No call that changes a mode and leaves its entries, and no list that has more than the three of a mode.
    [libc::SYS_fchmod, libc::SYS_fremovexattr].into_iter().for_each(sandbox::forbid);
    let longer =
        SeccompCondition::new(3, SeccompCmpArgLen::Qword, SeccompCmpOp::Gt, 28).expect("a condition");
    let rule = SeccompRule::new(vec![longer]).expect("a rule");
    sandbox::restrict(vec![(libc::SYS_fsetxattr, vec![rule])], SeccompAction::Errno(libc::ENOSPC as u32));
    for map in [&memory, &file] {
        fail(map, &AccessControl { mode: 0o666, ..listed(4) }, io::ErrorKind::StorageFull);
        map.set_access_control(&AccessControl::default()).expect("a mode is no list");
        let after = map.access_control().expect("a creator may ask");
        assert_eq!((after.mode, after.acl.len()), (0o600, 0));
    }
    assert_eq!(fs::metadata(&path).expect("there").mode() & 0o7777, 0o4600, "what is no permission stays");
    // Of the file alone, after its page has it already.
    let number = |map: &SharedMap| u64::try_from(map.as_raw_fd()).expect("not negative");
    sandbox::refuse_where(libc::SYS_fsetxattr, 0, number(&file), libc::EPERM);
    let wider = AccessControl { mode: 0o644, ..AccessControl::default() };
    fail(&file, &wider, io::ErrorKind::PermissionDenied);
    // What cannot be closed first is not given to others.
    sandbox::refuse_where(libc::SYS_fsetxattr, 0, number(&memory), libc::EPERM);
    sandbox::forbid(libc::SYS_fchown);
    fail(&memory, &handed_over, io::ErrorKind::PermissionDenied);
    fs::remove_file(path).expect("there");
    drop((memory, file));
    role.say("done");
}

#[test]
fn a_change_of_security_is_one_step_and_a_failing_one_leaves_it_as_it_was() {
    let space = TempNamespace::new();
    let mut child = Child::spawn("security::role_whose_changes_of_security_fail", &[(DIR, space.path())]);
    assert_eq!(child.hear(), "done");
    child.wait_success();
    space.assert_empty();
}

#[test]
fn role_that_dies_while_it_hands_over() {
    let Some(role) = Role::play() else { return };
    let map = role_options(&role).create_new("m").expect("made");
    sandbox::forbid(libc::SYS_fchown);
    let acl = vec![entry(Grantee::User(7), 0o4)];
    let control = AccessControl { group: Some(STRANGER), mode: 0o755, acl, ..AccessControl::default() };
    panic!("it goes on: {:?}", map.set_access_control(&control));
}

#[test]
fn what_is_handed_over_is_its_owners_alone_until_the_others_have_it() {
    let space = TempNamespace::new();
    let mut child = Child::spawn("security::role_that_dies_while_it_hands_over", &[(DIR, space.path())]);
    assert_eq!(child.wait().signal(), Some(libc::SIGSYS));
    let left = fs::metadata(space.path().join("m")).expect("nobody has removed it yet");
    assert_eq!(left.mode() & 0o777, 0o700);
    space.namespace().sweep().expect("swept");
    space.assert_empty();
}

#[test]
fn role_stranger() {
    let Some(mut role) = Role::play() else { return };
    let denied = |options: MapOptions, name: &str| {
        let text = assert_kind(
            options.open(name),
            |kind| matches!(kind, ErrorKind::PermissionDenied { .. }),
            io::ErrorKind::PermissionDenied,
        );
        assert!(text.starts_with(&format!("map `{name}`")), "{text}");
    };
    // Another user's, with the defaults.
    denied(role_options(&role), "private");
    denied(role_options(&role).access(Access::Read), "private");
    denied(role_options(&role).rights(Rights::READ_PERMISSIONS), "private");
    assert_taken(role_options(&role).create_new("private"));
    let listed = Namespace::Dir(role.var(DIR).into()).list().expect("one of them is not for us");
    let private = listed.iter().find(|entry| entry.path.ends_with("private")).expect("it is there");
    assert_eq!(private.state, MapState::Foreign);
    // An entry grants exactly what it says.
    denied(role_options(&role), "readable");
    let map = role_options(&role).access(Access::Read).open("readable").expect("an entry lets it");
    assert_eq!(bytes(&map)[0], 42);
    assert_denied(map.accessor());
    let map = role_options(&role).open("writable").expect("an entry lets it");
    map.accessor().expect("all").write(0, &43_u8).expect("within");
    // Nor does it get more than the handle by asking for it later.
    let map = role_options(&role).rights(Rights::READ_WRITE | Rights::CHANGE_PERMISSIONS).open("writable");
    let change = map.expect("an entry lets it").set_access_control(&AccessControl::default());
    assert_kind(
        change,
        |kind| matches!(kind, ErrorKind::PermissionDenied { .. }),
        io::ErrorKind::PermissionDenied,
    );
    let system = role_options(&role).rights(Rights::READ | Rights::ACCESS_SYSTEM_SECURITY).open("writable");
    let text = assert_kind(
        system,
        |kind| matches!(kind, ErrorKind::PermissionDenied { .. }),
        io::ErrorKind::PermissionDenied,
    );
    assert!(text.contains("ACCESS_SYSTEM_SECURITY"), "{text}");
    denied(role_options(&role), "file");
    role.say("looked");
    assert_eq!(role.hear(), "closed to newcomers");
    denied(role_options(&role), "writable");
    assert_eq!(bytes(&role_options(&role).access(Access::Read).open("readable").expect("still"))[0], 42);
}

#[test]
fn another_user_has_exactly_what_the_entries_say() {
    let space = everybodys();
    let files = TempNamespace::new();
    let control = |permissions| AccessControl {
        acl: vec![entry(Grantee::User(STRANGER), permissions)],
        ..AccessControl::default()
    };
    let private = options(&space).create_new("private").expect("created");
    let readable = options(&space).security(control(4)).create_new("readable").expect("created");
    let writable = options(&space).security(control(6)).create_new("writable").expect("created");
    let path = file(&files, "data", &[0; 100]);
    let persisted =
        MapOptions::new().namespace(space.namespace()).name("file").open_path(&path).expect("named");
    readable.accessor().expect("all").write(0, &42_u8).expect("within");
    as_another_user("security::role_stranger", &space, |child| {
        assert_eq!(child.hear(), "looked");
        assert_eq!(bytes(&writable)[0], 43);
        writable.set_access_control(&AccessControl::default()).expect("ours");
        child.tell("closed to newcomers");
    });
    drop((private, readable, writable, persisted));
    space.assert_empty();
}

#[test]
fn role_without_lists() {
    let Some(mut role) = Role::play() else { return };
    let map = role_options(&role).create_new("m").expect("made");
    let path = std::path::PathBuf::from(role.var(DIR)).join("m");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o4600)).expect("ours");
    sandbox::refuse(libc::SYS_fsetxattr, libc::EOPNOTSUPP);
    let mode = || fs::metadata(&path).expect("there").mode() & 0o7777;
    let plain = AccessControl { mode: 0o640, ..AccessControl::default() };
    map.set_access_control(&plain).expect("a mode is enough for that");
    assert_eq!(mode(), 0o4640, "what is no permission stays");
    let listed = AccessControl { mode: 0o666, acl: vec![entry(Grantee::User(7), 0o4)], ..plain };
    map.set_access_control(&listed).expect_err("who is in no list has nothing by it");
    assert_eq!(mode(), 0o4640);
    role.say("done");
}

#[test]
fn where_there_are_no_lists_a_mode_can_be_had_and_a_list_is_refused() {
    let space = TempNamespace::new();
    let mut child = Child::spawn("security::role_without_lists", &[(DIR, space.path())]);
    assert_eq!(child.hear(), "done");
    child.wait_success();
    space.assert_empty();
}

#[test]
fn role_holder_of_what_was_closed() {
    let Some(mut role) = Role::play() else { return };
    let map = role_options(&role).open("n").expect("everybody may");
    let view = map.accessor().expect("all");
    role.say("has it");
    assert_eq!(role.hear(), "closed");
    // Who has it keeps it: the handle as well as the view.
    view.write(0, &42_u8).expect("within");
    map.accessor().expect("as before").write(1, &43_u8).expect("within");
    let text = assert_kind(
        role_options(&role).open("n"),
        |kind| matches!(kind, ErrorKind::PermissionDenied { .. }),
        io::ErrorKind::PermissionDenied,
    );
    assert!(text.contains("or let its creator set a wider `mode`"), "{text}");
}

#[test]
fn whoever_has_a_map_keeps_it_when_it_is_closed_to_others() {
    let space = everybodys();
    let map: SharedMap = options(&space).mode(0o666).create_new("n").expect("created");
    as_another_user("security::role_holder_of_what_was_closed", &space, |child| {
        assert_eq!(child.hear(), "has it");
        map.set_access_control(&AccessControl::default()).expect("ours");
        child.tell("closed");
        child.wait_success();
        assert_eq!(bytes(&map)[..2], [42, 43]);
    });
}
