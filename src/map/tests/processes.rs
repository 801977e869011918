//! Several processes at one name.
#![allow(unsafe_code)] // looks at the bytes through the pointer

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::Resource;

use super::{DIR, assert_not_found, limited, options, role_options, role_path, store};
use crate::map::{Disposition, ErrorKind, MapOptions, SharedMap};
use crate::testing::{Child, Role, TempNamespace, can_run, skipped};

fn word(map: &SharedMap) -> &AtomicU64 {
    // SAFETY: aligned (1: data are page-aligned) and in bounds (2: at least 8 bytes in these tests); all
    // access is atomic (3); the map, and with it the mapping, outlives the reference (4).
    unsafe { AtomicU64::from_ptr(map.as_ptr().cast()) }
}

/// The file whose appearance starts a race.
const GO: &str = "RINGWAY_TEST_GO";

#[test]
fn role_racer() {
    let Some(mut role) = Role::play() else { return };
    let go = std::path::PathBuf::from(role.var(GO));
    loop {
        role.say("ready");
        let name = role.hear();
        if name.is_empty() {
            return;
        }
        while !go.exists() {
            std::hint::spin_loop();
        }
        match role_options(&role).create_new(&name) {
            Ok(map) => {
                role.say("created");
                role.hear();
                drop(map);
            }
            Err(error) if *error.kind() == (ErrorKind::AlreadyExists { stale: false }) => {
                role.say("exists");
                role.hear();
            }
            Err(error) => role.say(&error.to_string()),
        }
    }
}

#[test]
fn of_sixteen_processes_that_create_at_once_exactly_one_succeeds() {
    let space = TempNamespace::new();
    let aside = TempNamespace::new();
    let go = aside.path().join("go");
    let role = role_path("processes::role_racer");
    let mut racers: Vec<Child> =
        (0..16).map(|_| Child::spawn(&role, &[(DIR, space.path()), (GO, &go)])).collect();
    for round in 0..20 {
        for racer in &mut racers {
            assert_eq!(racer.hear(), "ready");
            racer.tell(&format!("race {round}"));
        }
        fs::write(&go, "").expect("writable");
        let mut said: Vec<String> = racers.iter_mut().map(Child::hear).collect();
        fs::remove_file(&go).expect("there");
        said.sort();
        assert_eq!(said[0], "created");
        assert!(said[1..].iter().all(|word| word == "exists"), "{said:?}");
        racers.iter_mut().for_each(|racer| racer.tell("done"));
    }
    for racer in &mut racers {
        assert_eq!(racer.hear(), "ready");
        racer.tell("");
        racer.wait_success();
    }
    space.assert_empty();
}

#[test]
fn role_holder() {
    let Some(mut role) = Role::play() else { return };
    let (map, how) = role_options(&role).create_or_open("m").expect("created or opened");
    word(&map).fetch_add(1, Ordering::SeqCst);
    role.say(if how == Disposition::Created { "created" } else { "opened" });
    role.hear();
}

#[test]
fn a_killed_holder_harms_nobody_and_a_killed_last_holder_leaves_a_leftover() {
    let space = TempNamespace::new();
    let role = role_path("processes::role_holder");
    let spawn = || Child::spawn(&role, &[(DIR, space.path())]);
    let mut first = spawn();
    assert_eq!(first.hear(), "created");
    let mut second = spawn();
    assert_eq!(second.hear(), "opened");
    first.kill();

    // Also the creator's death is nothing special.
    let map = options(&space).open("m").expect("the second still holds it");
    assert_eq!(word(&map).load(Ordering::SeqCst), 2);
    drop(map);
    second.kill();
    assert_eq!(space.files(), ["m"], "nobody was there to remove it");
    assert_not_found(options(&space).open("m"));
    space.assert_empty();

    let mut third = spawn();
    assert_eq!(third.hear(), "created");
    third.kill();
    let (map, how) = options(&space).create_or_open("m").expect("free");
    assert_eq!((how, word(&map).load(Ordering::SeqCst)), (Disposition::Created, 0));
    let mut last = spawn();
    assert_eq!(last.hear(), "opened");
    drop(map);
    last.tell("");
    last.wait_success();
    space.assert_empty();
}

#[test]
fn a_map_is_formatted_before_its_name_exists() {
    let space = TempNamespace::new();
    let mut runs = 0;
    let map = options(&space)
        .create_new_with("m", |data, len| {
            runs += 1;
            assert!(space.files().is_empty(), "nobody can see it yet");
            assert_eq!((data.addr() % 4096, len), (0, 4096));
            // SAFETY: aligned and in bounds: asserted above; nobody else has the map yet.
            unsafe { data.cast::<u64>().write(7) };
        })
        .expect("created");
    let never = |_, _| panic!("the map exists");
    let (twin, how) = options(&space).create_or_open_with("m", never).expect("opened");
    assert_eq!((how, word(&twin).load(Ordering::SeqCst)), (Disposition::Opened, 7));
    assert_eq!((map.id(), map.file_len()), (twin.id(), 8192));
    drop((map, twin));
    assert_eq!(runs, 1);
    space.assert_empty();
}

#[test]
fn a_panic_while_formatting_leaves_nothing() {
    let space = TempNamespace::new();
    let options = options(&space);
    let panicked = std::panic::catch_unwind(|| options.create_new_with("m", |_, _| panic!("on purpose")));
    assert!(panicked.is_err());
    space.assert_empty();
}

/// The open descriptors of this process, and those of its mappings that are files in the directory.
fn held(directory: &str) -> (usize, usize) {
    let descriptors = fs::read_dir("/proc/self/fd").expect("/proc is there").count();
    let mappings = fs::read_to_string("/proc/self/maps").expect("/proc is there");
    (descriptors, mappings.lines().filter(|line| line.contains(directory)).count())
}

/// Opens and creations that fail half-way.
fn fail_in_every_way(options: &MapOptions, directory: &str) {
    let path = |name: &str| format!("{directory}/{name}");
    let both = |name: &str, matches: fn(&ErrorKind) -> bool| {
        // Only where the wait is what fails: a busy machine is late everywhere.
        let hurried = options.clone().patience(Duration::from_millis(1));
        let options = if name == "locked" { &hurried } else { options };
        let create_or_open = |name| options.clone().create_or_open(name).map(|(map, _)| map);
        for result in [options.clone().open(name), create_or_open(name)] {
            let error = result.expect_err("it must fail");
            assert!(matches(error.kind()), "{error}");
        }
    };
    fs::write(path("foreign"), [7; 4096]).expect("written");
    both("foreign", |kind| matches!(kind, ErrorKind::Foreign { .. }));
    fs::remove_file(path("foreign")).expect("there");

    let map = options.clone().create_new("m").expect("created");
    fs::hard_link(path("m"), path("twin")).expect("linked");
    both("twin", |kind| matches!(kind, ErrorKind::Collision { .. }));
    fs::remove_file(path("twin")).expect("there");
    let file = fs::File::options().read(true).write(true).open(path("m")).expect("ours");
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).expect("free");
    fs::hard_link(path("m"), path("locked")).expect("linked");
    both("locked", |kind| matches!(kind, ErrorKind::TimedOut { .. }));
    fs::remove_file(path("locked")).expect("there");
    drop(file);
    let file = fs::File::options().read(true).write(true).open(path("m")).expect("ours");
    std::os::unix::fs::FileExt::write_all_at(&file, &[7], 4000).expect("written");
    both("m", |kind| matches!(kind, ErrorKind::Damaged { .. }));
    drop((map, file));

    // The address space has room for little, and then the table of descriptors for one more, two more, ….
    let large = options.clone().capacity(1 << 24);
    let map = large.clone().create_new("m").expect("created");
    let pages = fs::read_to_string("/proc/self/statm").expect("/proc is there");
    let pages: u64 = pages.split(' ').next().and_then(|pages| pages.parse().ok()).expect("a number");
    limited(Resource::As, pages * 4096 + (8 << 20), || {
        both("m", |kind| matches!(kind, ErrorKind::TooLarge { .. }));
        let error = large.clone().create_new("n").expect_err("no room");
        assert!(matches!(error.kind(), ErrorKind::TooLarge { .. }), "{error}");
    });
    let next = rustix::io::dup(&map).expect("a descriptor is free");
    let free = u64::try_from(std::os::fd::AsRawFd::as_raw_fd(&next)).expect("not negative");
    drop(next);
    for more in 0..2 {
        limited(Resource::Nofile, free + more, || {
            both("m", |kind| matches!(kind, ErrorKind::Os { .. }));
            let error = options.clone().create_new("n").expect_err("no descriptor");
            assert!(matches!(error.kind(), ErrorKind::Os { .. }), "{error}");
        });
    }
}

#[test]
fn role_leaker() {
    let Some(role) = Role::play() else { return };
    let directory = role.var(DIR);
    let round = |options: MapOptions| {
        let map = options.clone().create_new("m").expect("created");
        let twin = options.clone().open("m").expect("opened");
        options.clone().create_new("m").expect_err("taken");
        options.clone().open("nothing").expect_err("missing");
        options.capacity(0).create_new("m").expect_err("refused");
        drop((map, twin));
    };
    let failing = || fail_in_every_way(&role_options(&role), &directory);
    round(role_options(&role));
    failing();
    let before = held(&directory);
    (0..2000).for_each(|_| round(role_options(&role)));
    (0..20).for_each(|_| failing());
    assert_eq!(held(&directory), before);
    assert_eq!(before.1, 0);
}

#[test]
fn no_descriptor_and_no_mapping_leaks() {
    let space = TempNamespace::new();
    Child::spawn(&role_path("processes::role_leaker"), &[(DIR, space.path())]).wait_success();
    space.assert_empty();
}

#[test]
fn role_full() {
    let Some(mut role) = Role::play() else { return };
    let directory = role.var(DIR);
    let mount = |size: &str| {
        let mut command = std::process::Command::new("mount");
        let status = command.args(["-t", "tmpfs", "-o", size, "ringway-test", &directory]).status();
        status.is_ok_and(|status| status.success())
    };
    if !mount("size=1m") {
        return role.say("cannot mount");
    }
    let options = |capacity| role_options(&role).capacity(capacity);
    let files = || fs::read_dir(&directory).expect("mounted").count();
    for capacity in [1 << 20, 1 << 40] {
        let error = options(capacity).create_new("m").expect_err("there is no room");
        assert_eq!(error.kind(), &ErrorKind::StorageFull { needed: capacity + 4096 }, "{error}");
        assert_eq!(files(), 0);
    }
    // What fits is committed: filling the rest from outside does no harm.
    let map = options(512 << 10).create_new("m").expect("there is room");
    let _ = fs::write(format!("{directory}/filler"), vec![1; 1 << 20]);
    for page in 0..128 {
        // SAFETY: in bounds of the 512 KiB; nobody else has the map.
        unsafe { map.as_ptr().wrapping_add(page * 4096).write_volatile(1) };
    }
    options(4096).create_new("n").expect_err("full");
    drop(map);
    fs::remove_file(format!("{directory}/filler")).expect("there");

    // A leftover in the way of a creation is removed for it.
    drop(options(700 << 10).create_new("m").expect("there is room"));
    let map = options(700 << 10).create_new("m").expect("there is room");
    let whole = fs::read(format!("{directory}/m")).expect("readable");
    drop(map);
    fs::write(format!("{directory}/leftover"), &whole).expect("there is room");
    drop(options(700 << 10).create_new("m").expect("the leftover makes room"));
    assert_eq!(files(), 0);

    // The same where there is space, but no more than one file besides the directory.
    assert!(mount("nr_inodes=2"));
    fs::write(format!("{directory}/leftover"), &whole).expect("there is a file left");
    drop(options(4096).create_new("m").expect("the leftover makes room"));
    fs::write(format!("{directory}/foreign"), "").expect("there is a file left");
    let error = options(4096).create_new("m").expect_err("there is no file left");
    assert!(matches!(error.kind(), ErrorKind::StorageFull { .. }), "{error}");
    fs::remove_file(format!("{directory}/foreign")).expect("there");
    assert_eq!(files(), 0);
    role.say("done");
}

#[test]
fn a_full_file_system_is_an_error_at_creation_and_leaves_nothing() {
    let space = TempNamespace::new();
    let role = role_path("processes::role_full");
    for wrapper in [&["unshare", "-m"][..], &["unshare", "-Urm"][..]] {
        if !can_run(wrapper) {
            continue;
        }
        let mut child = Child::spawn_under(wrapper, &role, &[(DIR, space.path())]);
        let said = child.hear();
        child.wait_success();
        if said == "done" {
            return space.assert_empty();
        }
    }
    skipped("a full file system", "cannot mount one here");
}

#[test]
fn another_users_map_is_refused_unless_its_mode_allows() {
    if !rustix::process::geteuid().is_root() {
        return skipped("another user", "needs root");
    }
    let space = TempNamespace::new();
    let mode = |path: &std::path::Path, bits| {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(bits)).expect("root may");
    };
    mode(space.path(), 0o1777);
    let private = options(&space).create_new("private").expect("created");
    let public = options(&space).mode(0o666).create_new("public").expect("created");
    store(&public, 0, 42);
    let wrapper = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let role = role_path("processes::role_stranger");
    let able = std::env::current_exe().is_ok_and(|binary| {
        std::process::Command::new(wrapper[0])
            .args(&wrapper[1..])
            .arg(binary)
            .arg("--list")
            .stdout(std::process::Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    });
    if !able {
        return skipped("another user", "cannot become one here");
    }
    let mut stranger = Child::spawn_under(&wrapper, &role, &[(DIR, space.path())]);
    assert_eq!(stranger.hear(), "joined");
    drop((private, public));
    stranger.tell("leave");
    stranger.wait_success();
    // The last one out was not allowed to remove the name of another's map: a leftover.
    assert_eq!(space.files(), ["public"]);
    Child::spawn_under(&wrapper, &role_path("processes::role_late_stranger"), &[(DIR, space.path())])
        .wait_success();
    assert_eq!(space.namespace().sweep().expect("swept").removed.len(), 1);
    space.assert_empty();
}

#[test]
fn role_stranger() {
    let Some(mut role) = Role::play() else { return };
    let error = role_options(&role).open("private").expect_err("not ours");
    assert!(matches!(error.kind(), ErrorKind::PermissionDenied { .. }), "{error}");
    let error = role_options(&role).create_new("private").expect_err("taken");
    assert!(matches!(error.kind(), ErrorKind::AlreadyExists { .. }), "{error}");
    let map = role_options(&role).open("public").expect("allowed");
    assert_eq!(word(&map).load(Ordering::SeqCst), 42);
    role.say("joined");
    role.hear();
}

#[test]
fn role_late_stranger() {
    let Some(role) = Role::play() else { return };
    let error = role_options(&role).create_new("public").expect_err("not ours to remove");
    assert_eq!(error.kind(), &ErrorKind::AlreadyExists { stale: true });
    let error = role_options(&role).create_or_open("public").map(drop).expect_err("not ours to remove");
    assert_eq!(error.kind(), &ErrorKind::AlreadyExists { stale: true });
    assert_not_found(role_options(&role).open("public"));
    let report = role_options(&role).namespace.sweep().expect("swept");
    assert_eq!((report.removed.len(), report.kept.len()), (0, 1));
    assert!(report.kept[0].failure.is_some());
}
