//! Whom a name is taken from, and what a handle by a name may do.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, chown};
use std::path::Path;

use ringway::map::{
    Access, AccessControl, AclEntry, Error, ErrorKind, FileMode, Grantee, MapOptions, Rights, SharedMap,
};
use rustix::fs::OFlags;

use crate::sandbox;
use crate::security::as_another_user;
use crate::testing::{Child, Role, TempNamespace};
use crate::{DIR, assert_denied, assert_kind, bytes, counted, file, options, role_options};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
}

#[track_caller]
fn assert_untrusted(result: Result<SharedMap, Error>, part: &str) {
    let text = assert_kind(
        result,
        |kind| matches!(kind, ErrorKind::Untrusted { .. }),
        io::ErrorKind::PermissionDenied,
    );
    assert!(
        text.contains(&format!("the {part} of the page that leads from the name to a file is ")),
        "{text}"
    );
}

fn descriptor_writes(map: &SharedMap) -> bool {
    rustix::fs::fcntl_getfl(map).expect("open") & OFlags::ACCMODE == OFlags::RDWR
}

#[test]
fn role_namer() {
    let Some(mut role) = Role::play() else { return };
    let directory = role.var(DIR);
    let name = |name: &str| {
        let path = Path::new(&directory).join(format!("data-of-{name}"));
        role_options(&role)
            .capacity(0)
            .mode(0o666)
            .name(name)
            .open_path(path)
            .expect("everybody may write to it")
    };
    let maps = [name("another"), name("own")];
    role.say("named");
    role.hear();
    drop(maps);
}

#[test]
fn a_name_leads_only_to_files_of_whoever_gave_it_unless_that_was_root_or_the_opener() {
    let space = TempNamespace::new();
    set_mode(space.path(), 0o1777);
    let [another, own] = ["data-of-another", "data-of-own"].map(|name| {
        let path = file(&space, name, &counted(100));
        set_mode(&path, 0o666);
        path
    });
    as_another_user("trust::role_namer", &space, |child| {
        chown(&own, Some(65_534), None).expect("root may");
        assert_eq!(child.hear(), "named");
        for access in [Access::Read, Access::ReadWrite] {
            assert_untrusted(options(&space).access(access).open("another"), "owner");
        }
        let map = options(&space).open("own").expect("its owner may say where it is");
        map.accessor().expect("all").write(0, &42_u8).expect("within");
        assert_eq!(fs::read(&another).expect("there"), counted(100));
        child.tell("enough");
        child.wait_success();
    });
}

#[test]
fn a_page_that_others_can_write_to_leads_nowhere_and_none_is_made_so() {
    let (space, files) = (TempNamespace::new(), TempNamespace::new());
    let path = file(&files, "data", &counted(100));
    let acl = vec![AclEntry { who: Grantee::User(7), permissions: 0o6 }];
    let wide = AccessControl { mode: 0o666, acl, ..AccessControl::default() };
    let map =
        MapOptions::new().namespace(space.namespace()).security(wide.clone()).name("n").open_path(&path);
    let map = map.expect("named");
    let page = space.path().join("n");
    let mode = || fs::metadata(&page).expect("there").mode() & 0o777;
    assert_eq!(mode(), 0o644, "with the mask in the group's place");
    map.set_access_control(&wide).expect("ours");
    assert_eq!(mode(), 0o644);
    drop(options(&space).open("n").expect("trusted"));
    for wider in [0o1664, 0o1646] {
        set_mode(&page, wider);
        assert_untrusted(options(&space).open("n"), "mode");
    }
    drop(map);
    space.assert_empty();
}

#[test]
fn who_could_once_write_to_a_map_in_memory_cannot_make_it_lead_to_a_file() {
    let (space, files) = (TempNamespace::new(), TempNamespace::new());
    let path = file(&files, "data", &counted(100));
    let page = space.path().join("n");
    let of_file = MapOptions::new().namespace(space.namespace()).name("n").open_path(&path).expect("named");
    let forged = fs::read(&page).expect("ours");
    of_file.set_access_control(&AccessControl { mode: 0o640, ..AccessControl::default() }).expect("ours");
    assert_eq!(fs::metadata(&page).expect("there").mode() & 0o7777, 0o1640, "the mark stays");
    drop(options(&space).open("n").expect("trusted"));
    drop(of_file);

    let memory = options(&space).mode(0o666).create_new("n").expect("created");
    let kept = fs::OpenOptions::new().write(true).open(&page).expect("everybody may");
    memory.set_access_control(&AccessControl::default()).expect("ours");
    assert_eq!(fs::metadata(&page).expect("there").mode() & 0o7777, 0o600);
    kept.write_all_at(&forged, 0).expect("it is open");
    kept.set_len(4096).expect("it is open");
    for access in [Access::Read, Access::ReadWrite] {
        assert_untrusted(options(&space).access(access).open("n"), "mode");
    }
    let listed = space.namespace().list().expect("readable");
    assert_eq!(
        (listed.len(), &listed[0].file, &listed[0].name),
        (1, &None, &None),
        "its word is not passed on"
    );
    drop(memory);
    space.assert_empty();
}

#[test]
fn role_modest() {
    let Some(mut role) = Role::play() else { return };
    // Whoever asks for more than the creator allows has what is allowed, also without permission for the rest.
    let map = role_options(&role).open("read-only").expect("everybody may read");
    assert_eq!((map.rights(), descriptor_writes(&map)), (Rights::READ | Rights::COPY_ON_WRITE, false));
    assert_eq!(bytes(&map), [0; 4096]);
    assert_denied(map.accessor());
    // Where the creator allows it and the file system does not, it is refused.
    let text = assert_kind(
        role_options(&role).open("for-its-owner"),
        |kind| matches!(kind, ErrorKind::PermissionDenied { .. }),
        io::ErrorKind::PermissionDenied,
    );
    assert!(text.contains("refused while opening the map"), "{text}");
    // Of a file it is the file's permissions that count; nobody needs to write to the page.
    let map = role_options(&role).open("file").expect("everybody may write to the file");
    map.accessor().expect("all").write(0, &42_u8).expect("within");
    role.say("done");
}

#[test]
fn a_handle_has_a_descriptor_for_what_it_may_do_and_no_more() {
    let (space, files) = (TempNamespace::new(), TempNamespace::new());
    set_mode(space.path(), 0o1777);
    set_mode(files.path(), 0o755);
    let path = file(&files, "data", &counted(100));
    set_mode(&path, 0o666);
    let named = |options: MapOptions, name: &str| options.mode(0o644).create_new(name).expect("created");
    let read_only = named(options(&space).access(Access::Read), "read-only");
    let owners = named(options(&space), "for-its-owner");
    let map = MapOptions::new().namespace(space.namespace()).mode(0o644).name("file").open_path(&path);
    let map = map.expect("named");
    let twin = options(&space).open("read-only").expect("ours");
    assert!(!descriptor_writes(&twin), "nobody writes to it");
    assert!(descriptor_writes(&options(&space).open("for-its-owner").expect("ours")));
    as_another_user("trust::role_modest", &space, |child| {
        assert_eq!(child.hear(), "done");
        assert_eq!(bytes(&map)[0], 42);
    });
    drop((read_only, owners, map, twin));
    space.assert_empty();
}

#[test]
fn a_map_becomes_the_descriptor_of_its_file() {
    let space = TempNamespace::new();
    let path = file(&space, "data-that-is-no-map", &counted(100));
    let same = |fd: &OwnedFd, number: i32| {
        let found = AsRawFd::as_raw_fd(fd);
        assert_eq!(found == number, number >= 0);
    };
    let map = SharedMap::from_path(&path).expect("mapped");
    let number = AsRawFd::as_raw_fd(&map);
    let fd = map.into_fd().expect("it has one");
    same(&fd, number);
    assert_eq!(bytes(&MapOptions::new().from_file(fd.into()).expect("the same file")), counted(100));

    let map = crate::anonymous(100);
    map.accessor().expect("all").write(0, &42_u8).expect("within");
    let (clone, view) = (map.clone(), map.accessor().expect("all"));
    let fd = map.into_fd().expect("it has one");
    view.write(1, &43_u8).expect("views stay");
    drop((clone, view));
    assert_eq!(bytes(&MapOptions::new().from_file(fd.into()).expect("the same memory"))[..2], [42, 43]);

    let map = options(&space).create_new("n").expect("created");
    let fd = map.into_fd().expect("it has one");
    assert_eq!(space.files(), ["data-that-is-no-map"], "a descriptor keeps no name");
    assert_eq!(rustix::fs::fstat(&fd).expect("open").st_nlink, 0);
}

#[test]
fn role_that_may_not_list() {
    let Some(role) = Role::play() else { return };
    let directory = std::path::PathBuf::from(role.var(DIR));
    fs::read_dir(&directory).expect_err("it may not");
    let map = role_options(&role).create_new("m").expect("made");
    drop((role_options(&role).open("m").expect("its own"), map));
    let options = MapOptions::new().capacity(1).file_mode(FileMode::CreateNew);
    options.open_path(directory.join("data")).expect("made");
}

#[test]
fn whoever_may_use_a_directory_need_not_be_able_to_list_it() {
    let space = TempNamespace::new();
    set_mode(space.path(), 0o1733);
    as_another_user("trust::role_that_may_not_list", &space, |_| ());
}

#[test]
fn role_whose_page_gets_a_list_in_vain() {
    let Some(mut role) = Role::play() else { return };
    let directory = std::path::PathBuf::from(role.var(DIR));
    let path = directory.join("data-that-is-no-map");
    let security = AccessControl { mode: 0o640, ..AccessControl::default() };
    let options = role_options(&role).security(security.clone()).name("n").file_mode(FileMode::CreateNew);
    let map = options.open_path(&path).expect("made");
    let number = u64::try_from(map.as_raw_fd()).expect("not negative");
    sandbox::refuse_where(libc::SYS_fsetxattr, 0, number, libc::EPERM);
    let list = || rustix::fs::getxattr(directory.join("n"), "system.posix_acl_access", &mut [0; 1024][..]);
    assert_eq!(list(), Err(rustix::io::Errno::NODATA));
    // With the list the mode says the same as without.
    let acl = vec![AclEntry { who: Grantee::User(7), permissions: 4 }];
    map.set_access_control(&AccessControl { acl, ..security }).expect_err("the file may not have it");
    assert_eq!(list(), Err(rustix::io::Errno::NODATA), "then nor has the page");
    drop(map);
    fs::remove_file(path).expect("there");
    role.say("done");
}

#[test]
fn a_page_does_not_keep_the_list_that_its_file_did_not_get() {
    let space = TempNamespace::new();
    let mut child = Child::spawn("trust::role_whose_page_gets_a_list_in_vain", &[(DIR, space.path())]);
    assert_eq!(child.hear(), "done");
    child.wait_success();
    space.assert_empty();
}
