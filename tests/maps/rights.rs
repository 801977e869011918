//! What a map allows its views, and a name those who open it.

use std::io;

use ringway::map::{Access, AnyView, Disposition, ErrorKind, FileMode, MapOptions, Rights, SharedMap};

use crate::mounts::{mount, mounting};
use crate::testing::{TempNamespace, not_to_be_had};
use crate::unnamed::allowed;
use crate::{
    CAPACITIES, MAP_ACCESSES, assert_argument, assert_denied, assert_kind, assert_not_found, can_execute,
    file, options, view,
};

/// The views that the handle allows, of those that the host can make.
fn views(map: &SharedMap) -> Vec<Access> {
    let works = |access: &Access| match view(map, *access) {
        Ok(view) => {
            touch(&view);
            true
        }
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::AccessDenied { .. }), "{error}");
            assert_eq!(io::Error::from(error).kind(), io::ErrorKind::PermissionDenied);
            false
        }
    };
    Access::ALL.into_iter().filter(works).collect()
}

fn touch(view: &AnyView) {
    assert_eq!(view.read::<u8>(0).is_ok(), view.can_read());
    assert_eq!(view.write(0, &1_u8).is_ok(), view.can_write());
    assert_eq!((view.can_read(), view.can_write()), (view.access().can_read(), view.access().can_write()));
}

#[test]
fn each_map_allows_exactly_the_views_of_the_matrix() {
    let space = TempNamespace::new();
    for access in MAP_ACCESSES {
        let name = format!("{access:?}");
        let anonymous = MapOptions::new().capacity(4096).access(access).anonymous().expect("made");
        let named = options(&space).access(access).create_new(&name).expect("made");
        let path = file(&space, &format!("file {name}"), &[0; 4096]);
        let persisted = MapOptions::new().access(access).open_path(&path).expect("mapped");
        for map in [anonymous, named, persisted] {
            if access.can_execute() && !can_execute(&map) {
                continue;
            }
            let expected: Vec<Access> =
                Access::ALL.into_iter().filter(|view| allowed(access, *view)).collect();
            assert_eq!(views(&map), expected, "{map:?}");
        }
    }
}

/// What a handle with these rights can view.
#[track_caller]
fn assert_views(open: impl Fn(Rights) -> SharedMap, rights: Rights, expected: &[Access]) {
    assert_eq!(views(&open(rights)), expected, "{rights:?}");
}

fn assert_rights_of_a_read_write_map(open: impl Fn(Rights) -> SharedMap) {
    use Access::*;
    let all = &[Read, Write, ReadWrite, CopyOnWrite];
    assert_views(&open, Rights::READ, &[Read, CopyOnWrite]);
    assert_views(&open, Rights::WRITE, &[Write]);
    assert_views(&open, Rights::READ_WRITE, all);
    assert_views(&open, Rights::READ_WRITE_EXECUTE, all);
    assert_views(&open, Rights::READ_EXECUTE, &[Read, CopyOnWrite]);
    assert_views(&open, Rights::COPY_ON_WRITE | Rights::READ_PERMISSIONS, &[CopyOnWrite]);
    for nothing in [
        Rights::EXECUTE,
        Rights::DELETE,
        Rights::READ_PERMISSIONS,
        Rights::CHANGE_PERMISSIONS,
        Rights::TAKE_OWNERSHIP,
    ] {
        assert_views(&open, nothing, &[]);
    }
    assert_views(&open, Rights::FULL_CONTROL, all);
}

#[test]
fn rights_decide_over_the_views_of_a_named_map_in_memory() {
    let space = TempNamespace::new();
    let _map = options(&space).create_new("n").expect("created");
    assert_rights_of_a_read_write_map(|rights| options(&space).rights(rights).open("n").expect("opened"));
}

#[test]
fn rights_decide_over_the_views_of_a_named_file_in_the_same_way() {
    let space = TempNamespace::new();
    let files = TempNamespace::new();
    let path = file(&files, "data", &[0; 4096]);
    let _map = options(&space).capacity(0).name("n").open_path(&path).expect("mapped");
    assert_rights_of_a_read_write_map(|rights| options(&space).rights(rights).open("n").expect("opened"));
}

#[test]
fn bits_that_are_no_rights_are_refused_also_for_a_name_that_is_missing() {
    for bits in [0x80_0000, 0x10, 0x8000_0000, u32::MAX] {
        assert_argument(Rights::from_bits(bits), "rights");
    }
    let all = Rights::FULL_CONTROL | Rights::ACCESS_SYSTEM_SECURITY;
    assert_eq!(Rights::from_bits(all.bits()).expect("all that there are"), all);
    assert_eq!(Rights::from_bits(0).expect("none").to_string(), "nothing");
    assert_eq!((Rights::READ_WRITE | Rights::DELETE).to_string(), "read, write, delete");
    let space = TempNamespace::new();
    for rights in [Rights::READ, Rights::FULL_CONTROL] {
        assert_not_found(options(&space).rights(rights).open("n"));
        assert_not_found(options(&space).rights(rights).inheritable().open("n"));
    }
    space.assert_empty();
}

#[test]
fn the_effective_access_is_the_smaller_of_creators_and_openers() {
    use Access::*;
    let space = TempNamespace::new();
    let join = |access| options(&space).access(access).create_or_open("n").expect("there");
    let original = options(&space).access(Read).create_new("n").expect("created");
    let (joined, how) = join(ReadWrite);
    assert_eq!((how, views(&joined)), (Disposition::Opened, vec![Read, CopyOnWrite]));
    drop((original, joined));
    let original = options(&space).create_new("n").expect("created");
    assert_eq!(views(&join(Read).0), [Read, CopyOnWrite]);
    assert_eq!(views(&join(CopyOnWrite).0), [Read, CopyOnWrite]);
    assert_eq!(views(&join(ReadWriteExecute).0), [Read, Write, ReadWrite, CopyOnWrite]);
    assert_eq!(original.rights(), Rights::READ_WRITE | Rights::COPY_ON_WRITE | administration());
}

fn administration() -> Rights {
    Rights::DELETE
        | Rights::READ_PERMISSIONS
        | Rights::CHANGE_PERMISSIONS
        | Rights::TAKE_OWNERSHIP
        | Rights::ACCESS_SYSTEM_SECURITY
}

#[test]
fn whoever_only_writes_can_join_and_not_create() {
    let space = TempNamespace::new();
    assert_argument(options(&space).access(Access::Write).create_or_open("n"), "access");
    assert_argument(options(&space).access(Access::Write).create_new("n"), "access");
    space.assert_empty();
    let map = options(&space).create_new("n").expect("created");
    assert_argument(options(&space).access(Access::Write).create_new("n"), "access");
    let (joined, how) = options(&space).access(Access::Write).create_or_open("n").expect("there");
    assert_eq!(how, Disposition::Opened);
    let writer = joined.view(..).write_only().accessor().expect("allowed");
    writer.write(7, &42_u8).expect("within");
    assert_eq!(map.accessor().expect("all").read::<u8>(7), Ok(42));
    assert_denied(joined.accessor());
}

#[test]
fn every_setting_makes_a_named_map_that_says_created_and_then_opened() {
    use ringway::map::Allocation;
    let space = TempNamespace::new();
    for capacity in CAPACITIES {
        for access in [Access::Read, Access::ReadWrite, Access::CopyOnWrite] {
            for allocation in [Allocation::Commit, Allocation::Delay] {
                for inheritable in [false, true] {
                    let options = || {
                        let options =
                            options(&space).capacity(capacity).access(access).allocation(allocation);
                        if inheritable { options.inheritable() } else { options }
                    };
                    let (map, how) = options().create_or_open("n").expect("created");
                    assert_eq!((how, map.capacity()), (Disposition::Created, capacity));
                    let expected: Vec<Access> =
                        Access::ALL.into_iter().filter(|view| allowed(access, *view)).collect();
                    assert_eq!(views(&map), expected);
                    let (twin, how) = options().create_or_open("n").expect("opened");
                    assert_eq!(
                        (how, twin.capacity(), views(&twin)),
                        (Disposition::Opened, capacity, expected)
                    );
                    drop((map, twin));
                    space.assert_empty();
                }
            }
        }
    }
}

#[test]
fn private_maps_have_private_views_that_do_not_see_each_other() {
    let map = MapOptions::new().capacity(4096).access(Access::CopyOnWrite).anonymous().expect("made");
    let [one, other] = [(), ()].map(|()| map.view(..).copy_on_write().accessor().expect("allowed"));
    one.write(0, &1_u8).expect("private");
    assert_eq!(other.read::<u8>(0), Ok(0));
    assert_eq!(crate::bytes(&map)[0], 0);
}

#[test]
fn a_handle_that_can_do_less_than_the_map_shall_is_refused_when_the_map_is_made() {
    use Access::*;
    let space = TempNamespace::new();
    let path = file(&space, "data", &[7; 4096]);
    let open = |read, write| std::fs::File::options().read(read).write(write).open(&path).expect("ours");
    for (read, write, accesses) in
        [(true, true, &[Read, ReadWrite, CopyOnWrite][..]), (true, false, &[Read, CopyOnWrite])]
    {
        for access in accesses {
            for map in [
                MapOptions::new().access(*access).from_file(open(read, write)).expect("it can"),
                MapOptions::new().access(*access).from_borrowed(open(read, write)).expect("it can"),
            ] {
                let expected: Vec<Access> =
                    Access::ALL.into_iter().filter(|view| allowed(*access, *view)).collect();
                assert_eq!(views(&map), expected);
            }
        }
    }
    for access in [ReadWrite, ReadWriteExecute] {
        let text = assert_denied(MapOptions::new().access(access).from_file(open(true, false)));
        assert!(text.starts_with("map of a file (") && text.contains("reading alone"), "{text}");
    }
    for access in MAP_ACCESSES {
        let text = assert_denied(MapOptions::new().access(access).from_borrowed(open(false, true)));
        assert!(text.contains("writing alone"), "{text}");
    }
    // It is only of one who runs it that a map for execution needs more than reading.
    let map = MapOptions::new().access(ReadExecute).from_file(open(true, false)).expect("it can be read");
    if can_execute(&map) {
        assert_eq!(views(&map), [Read, CopyOnWrite, ReadExecute]);
    }
}

#[allow(unsafe_code)] // runs what it has written
#[test]
fn code_that_was_written_through_one_view_runs_through_another() {
    if !cfg!(target_arch = "x86_64") {
        return not_to_be_had("machine code", "this test knows x86-64 only");
    }
    let map = MapOptions::new().capacity(4096).access(Access::ReadWriteExecute).anonymous().expect("made");
    // mov eax, 42; ret
    map.accessor().expect("all").write_all_at(8, &[0xb8, 42, 0, 0, 0, 0xc3]).expect("within");
    if !can_execute(&map) {
        return;
    }
    let code = map.view(8..).read_execute().accessor().expect("allowed");
    // SAFETY: these bytes are a whole function of this signature, which nobody changes.
    let function: extern "C" fn() -> i32 = unsafe { std::mem::transmute(code.as_ptr()) };
    assert_eq!(function(), 42);
}

#[test]
fn execution_from_a_file_system_that_is_mounted_noexec_is_denied_at_the_view() {
    mounting("rights::role_noexec");
}

#[test]
fn role_noexec() {
    let Some(mut role) = crate::testing::Role::play() else { return };
    let directory = role.var(crate::DIR);
    if !mount(&directory, &["-t", "tmpfs", "-o", "noexec"]) {
        return role.say("cannot mount");
    }
    let path = std::path::Path::new(&directory).join("data");
    let options = MapOptions::new().access(Access::ReadExecute);
    let map = MapOptions::new().file_mode(FileMode::CreateNew).capacity(4096).open_path(&path).expect("made");
    drop(map);
    let map = options.open_path(&path).expect("a map is no view");
    view(&map, Access::Read).expect("reading is no execution");
    let text = assert_kind(
        view(&map, Access::ReadExecute),
        |kind| matches!(kind, ErrorKind::PermissionDenied { .. }),
        io::ErrorKind::PermissionDenied,
    );
    assert!(text.contains("noexec"), "{text}");
    role.say("done");
}

#[test]
fn rights_are_added_to_each_other() {
    assert_eq!(Rights::READ | Rights::WRITE, Rights::READ_WRITE);
    assert_eq!(Rights::READ | Rights::READ_WRITE, Rights::READ_WRITE, "what both have is had once");
}

#[test]
fn a_handle_to_write_alone_has_no_private_copies_either() {
    let space = TempNamespace::new();
    let map = options(&space).create_new("n").expect("created");
    let writer = options(&space).access(Access::Write).open("n").expect("there");
    assert_eq!(writer.rights(), Rights::WRITE);
    assert_denied(view(&writer, Access::CopyOnWrite));
    view(&writer, Access::Write).expect("what it is for");
    drop((map, writer));
}
