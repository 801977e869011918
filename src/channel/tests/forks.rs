//! A forked child inherits the ends of a channel, but neither its memory nor its roles.

use super::{DIR, channel, receive, send};
use crate::Peer;
use crate::channel::Spsc;
use crate::map::in_a_child_with_pid_one;
use crate::testing::{Child, Role, TempNamespace, can_run, skipped};

#[test]
fn role_twin() {
    let Some(mut role) = Role::play() else { return };
    assert_eq!(std::process::id(), 1, "the wrapper makes a pid namespace");
    let dir = std::path::PathBuf::from(role.var(DIR));
    let mut tx = Some(channel::<u64, Spsc>(&dir).capacity(8).sender().expect("the role is free"));
    let mut rx = Some(channel::<u64, Spsc>(&dir).capacity(8).receiver().expect("the role is free"));
    let status = in_a_child_with_pid_one(|| {
        assert_eq!(std::process::id(), 1, "as the parent");
        drop((tx.take(), rx.take()));
    });
    let Some(status) = status else { return role.say("cannot") };
    assert_eq!(status, 0, "the child must not touch what it has not got");
    let (mut tx, mut rx) = (tx.expect("ours"), rx.expect("ours"));
    assert!(matches!(tx.peer(), Peer::Attached { .. }), "{:?}", tx.peer());
    send(&mut tx, 0);
    assert_eq!(receive(&mut rx), Ok(0));
    role.say("done");
}

#[test]
fn a_forked_child_with_the_same_pid_in_another_namespace_has_no_role() {
    let space = TempNamespace::new();
    let path = "channel::tests::forks::role_twin";
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
