//! Death at every step: afterwards there is no map or a whole one, the living go on, and nothing stays.

use std::os::fd::AsFd;

use super::{DIR, assert_not_found, load, options, role_options, role_path, store};
use crate::map::reclaim::PRESENCE;
use crate::map::{Disposition, MapState, SharedMap, sys};
use crate::testing::{CRASH_POINT, CRASH_STOP, Child, Role, SHARED_MEMORY, TempNamespace};

const SEED: u64 = 0x5eed;

/// Runs the role in the namespace until it kills itself at the crash point.
#[track_caller]
fn die(role: &str, space: &TempNamespace, point: &str) {
    let envs = [(DIR, space.path().as_os_str()), (CRASH_POINT, point.as_ref())];
    Child::spawn(&role_path(role), &envs).wait_killed();
}

/// Leaves a map that nobody holds, with data.
#[track_caller]
fn leave_behind(space: &TempNamespace) {
    die("crash::role_creator", space, "map.create.after-link");
    assert_eq!(space.files(), ["m"]);
}

/// Nobody holds `m`: it cannot be opened, and can be created, whole and new.
#[track_caller]
fn assert_free(space: &TempNamespace) {
    let (map, how) = options(space).create_or_open("m").expect("the name is free");
    assert_eq!(how, Disposition::Created);
    assert_eq!(load(&map, 0), 0, "a new map is zero");
    drop(map);
    space.assert_empty();
}

/// `map` is as before, can be joined, and takes the name with it.
#[track_caller]
fn assert_unharmed(space: &TempNamespace, map: SharedMap) {
    let twin = options(space).open("m").expect("the map is alive");
    assert_eq!(twin.id(), map.id());
    assert_eq!(load(&twin, 0), SEED);
    drop(map);
    assert_eq!(load(&twin, 0), SEED);
    drop(twin);
    space.assert_empty();
}

#[track_caller]
fn live(space: &TempNamespace) -> SharedMap {
    let map = options(space).create_new("m").expect("created");
    store(&map, 0, SEED);
    map
}

#[test]
fn role_creator() {
    let Some(role) = Role::play() else { return };
    let format = |_, _| ();
    let map = role_options(&role).create_new_with("m", format).expect("created");
    store(&map, 0, SEED);
}

#[test]
fn role_joiner() {
    let Some(role) = Role::play() else { return };
    drop(role_options(&role).create_or_open("m").expect("opened or created"));
}

#[test]
fn role_sweeper() {
    let Some(role) = Role::play() else { return };
    crate::map::Namespace::Dir(role.var(DIR).into()).sweep().expect("swept");
}

#[test]
fn role_user_creator() {
    let Some(_role) = Role::play() else { return };
    drop(crate::map::MapOptions::new().capacity(1).create_new("m").expect("created"));
}

#[test]
fn role_user_creator_of_another() {
    let Some(_role) = Role::play() else { return };
    drop(crate::map::MapOptions::new().capacity(1).create_new("other").expect("created"));
}

#[test]
fn a_creator_that_dies_before_the_link_leaves_nothing() {
    for point in ["tmpfile", "allocate", "header", "mode", "presence", "format"] {
        let space = TempNamespace::new();
        die("crash::role_creator", &space, &format!("map.create.after-{point}"));
        space.assert_empty();
        assert_not_found(options(&space).open("m"));
        assert_free(&space);
    }
}

#[test]
fn a_creator_that_dies_after_the_link_leaves_a_leftover_for_the_next_to_replace() {
    let space = TempNamespace::new();
    leave_behind(&space);
    assert_not_found(options(&space).open("m"));
    space.assert_empty();

    leave_behind(&space);
    assert_free(&space);

    leave_behind(&space);
    drop(options(&space).create_new("m").expect("a leftover is no map"));
    space.assert_empty();
}

#[test]
fn a_death_in_the_middle_of_joining_harms_nobody() {
    for point in ["before-flock", "after-flock", "after-probe", "after-presence", "after-unlock"] {
        let space = TempNamespace::new();
        let map = live(&space);
        die("crash::role_joiner", &space, &format!("map.open.{point}"));
        assert_unharmed(&space, map);
    }
}

#[test]
fn a_death_in_the_middle_of_leaving_harms_nobody() {
    for point in ["flock", "presence", "unlock"] {
        let space = TempNamespace::new();
        let map = live(&space);
        die("crash::role_joiner", &space, &format!("map.drop.after-{point}"));
        assert_unharmed(&space, map);
    }
}

#[test]
fn a_death_in_the_middle_of_the_last_drop_leaves_nothing_or_a_leftover() {
    let points = [
        ("after-flock", 1),
        ("after-presence", 1),
        ("before-unlink", 1),
        ("after-unlink", 0),
        ("after-unlock", 0),
    ];
    for (point, left) in points {
        let space = TempNamespace::new();
        die("crash::role_creator", &space, &format!("map.drop.{point}"));
        assert_eq!(space.files().len(), left, "{point}");
        assert_not_found(options(&space).open("m"));
        assert_free(&space);
    }
}

#[test]
fn a_death_in_the_middle_of_replacing_a_leftover_is_repaired_by_the_next() {
    let points = [
        "map.open.before-flock",
        "map.open.after-flock",
        "map.reclaim.before-unlink",
        "map.reclaim.after-unlink",
        "map.create.after-tmpfile",
    ];
    for point in points {
        let space = TempNamespace::new();
        leave_behind(&space);
        die("crash::role_joiner", &space, point);
        assert_not_found(options(&space).open("m"));
        assert_free(&space);
    }
}

#[test]
fn a_death_in_the_middle_of_a_sweep_is_repaired_by_the_next() {
    for point in ["map.sweep.after-flock", "map.sweep.after-unlink"] {
        let space = TempNamespace::new();
        leave_behind(&space);
        die("crash::role_sweeper", &space, point);
        space.namespace().sweep().expect("swept");
        space.assert_empty();
        assert_free(&space);
    }
}

#[test]
fn a_sweep_leaves_what_was_joined_or_replaced_since_it_looked() {
    for joined in [true, false] {
        let space = TempNamespace::new();
        leave_behind(&space);
        let path = space.path().join("m");
        let envs = [(DIR, space.path().as_os_str()), (CRASH_STOP, "map.sweep.after-flock".as_ref())];
        let mut sweeper = Child::spawn(&role_path("crash::role_sweeper"), &envs);
        sweeper.wait_stopped();
        let file = std::fs::File::open(&path).expect("readable");
        if joined {
            sys::lock_shared(file.as_fd(), PRESENCE).expect("free");
        } else {
            let other = TempNamespace::new();
            std::fs::write(other.path().join("m"), "another file").expect("there is room");
            std::fs::rename(other.path().join("m"), &path).expect("ours");
        }
        sweeper.go_on();
        sweeper.wait_success();
        assert_eq!(space.files(), ["m"]);
    }
}

#[test]
fn a_death_between_making_the_directory_and_the_file_is_repaired_by_the_next() {
    let space = TempNamespace::new();
    let role = role_path("crash::role_user_creator");
    let envs = [(SHARED_MEMORY, space.path().as_os_str()), (CRASH_POINT, "map.create.after-mkdir".as_ref())];
    Child::spawn(&role, &envs).wait_killed();
    assert_eq!(space.files().len(), 1);
    Child::spawn(&role, &envs[..1]).wait_success();
    space.assert_empty();
}

#[test]
fn a_sweep_removes_the_leftovers_says_why_and_leaves_the_living_and_the_foreign_alone() {
    let space = TempNamespace::new();
    leave_behind(&space);
    let map = {
        // A creation sweeps in passing, so the leftover must come after it.
        std::fs::remove_file(space.path().join("m")).expect("it is there");
        let map = options(&space).create_new("living thing").expect("created");
        leave_behind_beside(&space);
        map
    };
    std::fs::write(space.path().join("foreign"), "not a map").expect("written");

    let listed = space.namespace().list().expect("listed");
    let states: Vec<_> = listed.iter().map(|entry| (entry.name.as_deref(), entry.state)).collect();
    let expected =
        [(Some("living thing"), MapState::Live), (None, MapState::Foreign), (Some("m"), MapState::Leftover)];
    assert_eq!(states, expected);

    let planned = space.namespace().leftovers().expect("listed");
    assert_eq!(planned.len(), 1);
    assert_eq!(space.files().len(), 3, "asking removes nothing");
    let report = space.namespace().sweep().expect("swept");
    assert_eq!((report.removed.len(), report.kept.len()), (1, 0));
    assert_eq!(report.removed[0].entry.name.as_deref(), Some("m"));
    let reason = &report.removed[0].reason;
    assert!(reason.starts_with("no process holds it; process "), "{reason}");
    assert_eq!(space.files().len(), 2);
    std::fs::remove_file(space.path().join("foreign")).expect("it is there");
    drop(map);
    space.assert_empty();
}

#[track_caller]
fn leave_behind_beside(space: &TempNamespace) {
    die("crash::role_creator", space, "map.create.after-link");
    assert!(space.path().join("m").exists());
}

#[test]
fn a_creation_removes_the_leftovers_of_other_names_in_passing() {
    let space = TempNamespace::new();
    let envs = [(SHARED_MEMORY, space.path().as_os_str()), (CRASH_POINT, "map.create.after-link".as_ref())];
    Child::spawn(&role_path("crash::role_user_creator"), &envs).wait_killed();
    assert_eq!(space.files().len(), 1);
    Child::spawn(&role_path("crash::role_user_creator_of_another"), &envs[..1]).wait_success();
    space.assert_empty();
}

#[test]
fn a_creation_in_a_directory_of_the_callers_leaves_other_names_alone() {
    let space = TempNamespace::new();
    leave_behind(&space);
    drop(options(&space).create_new("other").expect("created"));
    assert_eq!(space.files(), ["m"]);
}

/// The variable that tells a role its file.
const FILE: &str = "RINGWAY_TEST_FILE";

#[test]
fn role_file_creator() {
    let Some(role) = Role::play() else { return };
    let options = role_options(&role).capacity(9000).name("m").file_mode(crate::map::FileMode::Create);
    drop(options.open_path(role.var(FILE)).expect("named"));
}

#[test]
fn whoever_dies_while_naming_a_file_has_not_changed_the_file_and_leaves_the_name_free() {
    let files = TempNamespace::new();
    let path = files.path().join("data");
    for point in ["tmpfile", "allocate", "header", "mode", "presence", "link"] {
        let space = TempNamespace::new();
        std::fs::write(&path, [7; 100]).expect("written");
        let point = format!("map.create.after-{point}");
        let envs = [(DIR, space.path().as_os_str()), (CRASH_POINT, point.as_ref()), (FILE, path.as_os_str())];
        Child::spawn(&role_path("crash::role_file_creator"), &envs).wait_killed();
        assert_eq!(std::fs::read(&path).expect("there"), [7; 100], "{point}");
        assert_eq!(space.files().len(), usize::from(point.ends_with("link")));
        assert_not_found(options(&space).open("m"));
        assert_free(&space);
    }
}
