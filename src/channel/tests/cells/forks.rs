//! A forked child inherits the writers and readers of cells, but neither their memory nor their roles.

use super::{Bytes64, DIR, Sealed, assert_has, assert_works, cell, store};
use crate::map::{Namespace, in_a_child_with_pid_one};
use crate::seqlock::{self, Freshness};
use crate::testing::{Child, Role, TempNamespace, can_run, skipped};

#[test]
fn role_twin() {
    let Some(mut role) = Role::play() else { return };
    assert_eq!(std::process::id(), 1, "the wrapper makes a pid namespace");
    let dir = std::path::PathBuf::from(role.var(DIR));
    let mut writer = Some(cell::<Bytes64>(&dir).writer().expect("the role is free"));
    let mut reader = Some(cell::<Bytes64>(&dir).reader().expect("anybody may read"));
    let keyed = seqlock::keyed_table::<u64, Bytes64>("keyed").namespace(Namespace::Dir(dir));
    let mut keyed_writer = Some(keyed.clone().cells(2).writer().expect("anybody may write keys"));
    let keyed_reader = keyed.reader().expect("anybody may read");
    store(writer.as_mut().expect("ours"));
    keyed_writer.as_mut().expect("ours").store(&7, Bytes64::of(1)).expect("there is room");
    let status = in_a_child_with_pid_one(|| {
        assert_eq!(std::process::id(), 1, "as the parent");
        drop((writer.take(), reader.take(), keyed_writer.take()));
    });
    let Some(status) = status else { return role.say("cannot") };
    assert_eq!(status, 0, "the child must not touch what it has not got");
    let (mut writer, reader) = (writer.expect("ours"), reader.expect("ours"));
    assert!(reader.freshness().is_fresh(), "{:?}", reader.freshness());
    assert_has(&reader, 1);
    assert_works(&mut writer, &reader);
    let at = keyed_reader.find(&7).expect("it was put");
    assert!(matches!(keyed_reader.freshness(at), Freshness::Fresh { pid: 1, .. }));
    keyed_writer.expect("ours").store(&7, Bytes64::of(2)).expect("it is ours");
    assert_eq!(keyed_reader.load_key(&7).map(|value| value.number()), Ok(2));
    role.say("done");
}

#[test]
fn a_forked_child_with_the_same_pid_in_another_namespace_has_no_cells() {
    let space = TempNamespace::new();
    let path = "channel::tests::cells::forks::role_twin";
    for wrapper in [&["unshare", "-p", "-f"][..], &["unshare", "-U", "-r", "-p", "-f"][..]] {
        if !can_run(wrapper) {
            continue;
        }
        let mut child = Child::spawn_under(wrapper, path, &[(DIR, space.path())]);
        let said = child.hear();
        child.wait_success();
        if said == "done" {
            return space.assert_empty();
        }
    }
    skipped("a child with its parent's pid", "cannot make a pid namespace here");
}
