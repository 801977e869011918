use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::in_stand_in;
use crate::map::{ErrorKind, MapOptions, Namespace};
use crate::testing::{Role, TempNamespace, skipped};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o7777
}

#[test]
fn role_the_users_directory_comes_and_goes_with_its_maps() {
    let Some(_role) = Role::play() else { return };
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o777));
    let path = Namespace::User.path();
    let missing = MapOptions::new().open("a").expect_err("nothing is there");
    assert_eq!(missing.kind(), &ErrorKind::NotFound);
    assert!(!path.exists(), "looking makes no directory");
    let a = MapOptions::new().capacity(1).create_new("a").expect("created");
    assert_eq!(mode(&path), 0o700);
    let b = MapOptions::new().capacity(1).create_new("b").expect("created");
    drop(a);
    assert!(path.join("b").exists());
    drop(b);
    assert!(!path.exists(), "the last map takes the directory with it");

    let full = MapOptions::new().capacity(1 << 60).create_new("c").expect_err("too much");
    assert!(matches!(full.kind(), ErrorKind::StorageFull { .. } | ErrorKind::TooLarge { .. }), "{full}");
    assert!(!path.exists(), "a failing creation leaves nothing behind");
}

#[test]
fn role_the_system_directory_is_for_everybody_and_stays() {
    let Some(_role) = Role::play() else { return };
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let options = MapOptions::new().capacity(1).namespace(Namespace::System);
    drop(options.create_new("a").expect("created"));
    let path = Namespace::System.path();
    assert_eq!(mode(&path), 0o1777);
    assert_eq!(fs::read_dir(&path).expect("it stays").count(), 0);
}

#[test]
fn role_an_unsafe_directory_is_refused() {
    let Some(_role) = Role::play() else { return };
    let path = Namespace::User.path();
    let create = || MapOptions::new().capacity(1).create_new("a").expect_err("unsafe").to_string();

    fs::create_dir(&path).expect("new");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("ours");
    let text = create();
    assert!(text.contains("mode is 0755, expected 0700"), "{text}");
    fs::remove_dir(&path).expect("untouched");

    let elsewhere = path.with_file_name("elsewhere");
    fs::create_dir(&elsewhere).expect("new");
    symlink(&elsewhere, &path).expect("new");
    let text = create();
    assert!(text.contains("type is something else, expected a directory"), "{text}");
    assert_eq!(fs::read_dir(&elsewhere).expect("it is there").count(), 0);
    fs::remove_file(&path).expect("the link is untouched");
    fs::remove_dir(&elsewhere).expect("empty");

    if rustix::process::geteuid().is_root() {
        fs::create_dir(&path).expect("new");
        std::os::unix::fs::chown(&path, Some(12_345), None).expect("root may");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("root may");
        let text = create();
        assert!(text.contains("owner is uid 12345, expected uid 0"), "{text}");
        fs::remove_dir(&path).expect("untouched");
    } else {
        skipped("another user's directory", "needs root");
    }
}

#[test]
fn role_creators_and_removers_of_the_directory_race() {
    let Some(_role) = Role::play() else { return };
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for round in 0..500 {
                    let name = format!("{thread}-{round}");
                    let map = MapOptions::new().capacity(1).create_new(&name).expect("created");
                    let twin = MapOptions::new().open(&name).expect("opened");
                    drop((map, twin));
                }
            });
        }
    });
    assert!(!Namespace::User.path().exists());
}

#[test]
fn role_a_directory_is_corrected_while_somebody_looks() {
    let Some(_role) = Role::play() else { return };
    let path = Namespace::User.path();
    // One that is made and gets its mode a moment later, by a machine that may be slow.
    let is_used = |_| {
        fs::create_dir(&path).expect("new");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("ours");
        let made = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(std::time::Duration::from_millis(20));
                fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("ours");
            });
            MapOptions::new().capacity(1).create_new("a").map(drop)
        });
        let _ = fs::remove_dir(&path);
        made.is_ok()
    };
    assert!((0..10).any(is_used));
}

#[test]
fn a_directory_that_is_corrected_at_once_is_used() {
    in_stand_in("directory::role_a_directory_is_corrected_while_somebody_looks").assert_empty();
}

#[test]
fn the_users_directory_comes_and_goes_with_its_maps() {
    in_stand_in("directory::role_the_users_directory_comes_and_goes_with_its_maps").assert_empty();
}

#[test]
fn the_system_directory_is_for_everybody_and_stays() {
    let space = in_stand_in("directory::role_the_system_directory_is_for_everybody_and_stays");
    assert_eq!(space.files(), ["ringway"]);
}

#[test]
fn an_unsafe_directory_is_refused() {
    in_stand_in("directory::role_an_unsafe_directory_is_refused").assert_empty();
}

#[test]
fn a_directory_that_is_removed_as_empty_under_a_creator_is_made_again() {
    in_stand_in("directory::role_creators_and_removers_of_the_directory_race").assert_empty();
}

#[test]
fn a_directory_of_the_callers_must_exist_and_stays() {
    let space = TempNamespace::new();
    drop(super::options(&space).create_new("a").expect("created"));
    space.assert_empty();
    for path in [space.path().join("nowhere"), "".into(), "/dev/shm/\0".into()] {
        let namespace = Namespace::Dir(path);
        let error = MapOptions::new().capacity(1).namespace(namespace).create_new("a").expect_err("missing");
        assert!(matches!(error.kind(), ErrorKind::InvalidArgument { argument: "namespace", .. }), "{error}");
    }
}
