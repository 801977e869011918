//! Who else may map a file by its path.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use ringway::map::{Access, Error, ErrorKind, FileMode, MapOptions, Share, SharedMap};

use crate::testing::{Child, Role, TempNamespace, WATCHDOG};
use crate::{DIR, assert_kind, counted, file};

fn open(path: &Path, access: Access, share: Share) -> Result<SharedMap, Error> {
    MapOptions::new().access(access).share(share).open_path(path)
}

/// As soon as it is free: a child that another test has forked has what it inherits until it ends, though all that had it
/// here are gone.
#[track_caller]
pub(crate) fn once_free(open: impl Fn() -> Result<SharedMap, Error>) -> SharedMap {
    let deadline = Instant::now() + WATCHDOG;
    loop {
        match open() {
            Err(error) if matches!(error.kind(), ErrorKind::Busy { .. }) && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(1));
            }
            answer => return answer.expect("free"),
        }
    }
}

#[track_caller]
fn assert_busy(result: Result<SharedMap, Error>, found: &str) {
    let text =
        assert_kind(result, |kind| matches!(kind, ErrorKind::Busy { .. }), io::ErrorKind::ResourceBusy);
    assert!(text.contains(&format!("found another one who {found}, expected ")), "{text}");
}

#[test]
fn a_file_is_shared_as_its_users_say_and_free_after_them() {
    use Access::{Read, ReadWrite};
    use Share::{Any, Exclusive, Readers};
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(100));
    // What one has, what another asks for, and what is in its way.
    let table = [
        (ReadWrite, Any, ReadWrite, Any, None),
        (ReadWrite, Any, Read, Readers, Some("may write to it")),
        (ReadWrite, Any, Read, Exclusive, Some("has it")),
        (Read, Any, Read, Readers, None),
        (Read, Any, ReadWrite, Readers, None),
        (Read, Any, Read, Exclusive, Some("has it")),
        (Read, Readers, Read, Readers, None),
        (Read, Readers, ReadWrite, Any, Some("shares it with readers only")),
        (ReadWrite, Readers, Read, Any, None),
        (ReadWrite, Readers, Read, Readers, Some("may write to it")),
        (ReadWrite, Readers, ReadWrite, Any, Some("shares it with readers only")),
        (Read, Exclusive, Read, Any, Some("has it for itself")),
        (ReadWrite, Exclusive, Read, Any, Some("has it for itself")),
        (ReadWrite, Exclusive, ReadWrite, Exclusive, Some("has it for itself")),
    ];
    for (access, share, other_access, other_share, refusal) in table {
        let first = once_free(|| open(&path, access, share));
        match refusal {
            None => drop(open(&path, other_access, other_share).expect("it goes together")),
            Some(found) => {
                for _ in 0..2 {
                    assert_busy(open(&path, other_access, other_share), found);
                }
                // A view is a user too.
                let view = first.view(..).read_only().accessor().expect("allowed");
                drop(first);
                assert_busy(open(&path, other_access, other_share), found);
                drop(view);
                drop(once_free(|| open(&path, other_access, other_share)));
            }
        }
    }
}

#[test]
fn role_hog() {
    let Some(mut role) = Role::play() else { return };
    let _map =
        open(&Path::new(&role.var(DIR)).join("data"), Access::ReadWrite, Share::Exclusive).expect("free");
    role.say("has it");
    role.hear();
}

#[test]
fn the_death_of_whoever_had_a_file_exclusively_frees_it() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(100));
    let mut hog = Child::spawn("sharing::role_hog", &[(DIR, space.path())]);
    assert_eq!(hog.hear(), "has it");
    assert_busy(open(&path, Access::Read, Share::Any), "has it for itself");
    hog.kill_running();
    once_free(|| open(&path, Access::ReadWrite, Share::Exclusive));
}

#[test]
fn role_racer() {
    let Some(mut role) = Role::play() else { return };
    let directory = PathBuf::from(role.var(DIR));
    let own: u64 = role.var(NUMBER).parse().expect("a number");
    role.say("ready");
    for round in 0.. {
        let word = role.hear();
        let path = directory.join(round.to_string());
        let options = MapOptions::new().capacity(8192 + own);
        match word.as_str() {
            "make or open" => {
                let map = options.file_mode(FileMode::OpenOrCreate).open_path(&path);
                match map {
                    Ok(map) => {
                        let view = map.accessor().expect("all of it is there");
                        view.atomic_u64(own * 8).expect("aligned").store(own + 1, Ordering::SeqCst);
                        role.say("has it");
                        role.hear();
                        // What the other one wrote is here, so both have one file.
                        let theirs = view.atomic_u64((1 - own) * 8).expect("aligned");
                        assert!([0, 2 - own].contains(&theirs.load(Ordering::SeqCst)));
                        role.say(&theirs.load(Ordering::SeqCst).to_string());
                    }
                    // The other one was faster, and its capacity is the longer one.
                    Err(error) => {
                        assert!(matches!(error.kind(), ErrorKind::InvalidArgument { .. }), "{error}");
                        role.say("too short");
                        role.hear();
                        role.say("-");
                    }
                }
            }
            "make" => role.say(match options.file_mode(FileMode::CreateNew).open_path(&path) {
                Ok(_) => "made",
                Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists { .. }) => "taken",
                Err(error) => panic!("{error}"),
            }),
            _ => return,
        }
    }
}

const NUMBER: &str = "RINGWAY_TEST_NUMBER";

#[test]
fn of_two_processes_at_one_path_one_makes_the_file_and_both_have_the_same() {
    let space = TempNamespace::new();
    let directory = space.path().to_str().expect("UTF-8");
    let mut racers =
        ["0", "1"].map(|number| Child::spawn("sharing::role_racer", &[(DIR, directory), (NUMBER, number)]));
    let say = |racers: &mut [Child; 2], word| racers.iter_mut().for_each(|racer| racer.tell(word));
    let hear = |racers: &mut [Child; 2]| racers.iter_mut().map(Child::hear).collect::<Vec<_>>();
    assert_eq!(hear(&mut racers), ["ready", "ready"]);
    for round in 0..200 {
        let path = space.path().join(round.to_string());
        if round % 2 == 0 {
            say(&mut racers, "make or open");
            let had = hear(&mut racers);
            say(&mut racers, "look");
            let found = hear(&mut racers);
            assert_eq!(had[1], "has it", "the longer one is never refused");
            match had[0].as_str() {
                "has it" => assert_eq!(found, ["2", "1"], "both have one file"),
                _ => assert_eq!(found, ["-", "0"]),
            }
            assert_eq!(fs::metadata(&path).expect("made").len(), 8193, "as long as the longest wanted it");
        } else {
            say(&mut racers, "make");
            let mut made = hear(&mut racers);
            made.sort();
            assert_eq!(made, ["made", "taken"]);
            // The winner has a file of its own capacity, which the loser has not touched.
            assert!([8192, 8193].contains(&fs::metadata(&path).expect("made").len()));
        }
    }
    say(&mut racers, "enough");
    racers.iter_mut().for_each(Child::wait_success);
}

#[test]
fn role_where_nothing_can_be_locked() {
    let Some(mut role) = Role::play() else { return };
    let path = Path::new(&role.var(DIR)).join("data");
    crate::sandbox::refuse_where(libc::SYS_fcntl, 1, libc::F_OFD_SETLK as u64, libc::ENOLCK);
    drop(open(&path, Access::ReadWrite, Share::Any).expect("nobody asked to be protected"));
    for share in [Share::Readers, Share::Exclusive] {
        let error = open(&path, Access::Read, share).expect_err("nobody can be kept away");
        assert!(matches!(error.kind(), ErrorKind::Os { doing: "sharing the file" }), "{error}");
    }
    role.say("done");
}

#[test]
fn whoever_cannot_be_protected_from_others_is_told() {
    let space = TempNamespace::new();
    file(&space, "data", &counted(100));
    let mut child = Child::spawn("sharing::role_where_nothing_can_be_locked", &[(DIR, space.path())]);
    assert_eq!(child.hear(), "done");
    child.wait_success();
}
