//! Who else may map a file by its path.

use std::io;
use std::path::Path;

use ringway::map::{Access, Error, ErrorKind, MapOptions, Share, SharedMap};

use crate::testing::{Child, Role, TempNamespace};
use crate::{DIR, assert_kind, counted, file};

fn open(path: &Path, access: Access, share: Share) -> Result<SharedMap, Error> {
    MapOptions::new().access(access).share(share).open_path(path)
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
        let first = open(&path, access, share).expect("free");
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
                drop(open(&path, other_access, other_share).expect("free again"));
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
    open(&path, Access::ReadWrite, Share::Exclusive).expect("free");
}
