//! A forked child inherits the ends of a channel, but neither its memory nor its roles.
#![allow(unsafe_code)] // ends a forked child without running anything of its parent's

use super::{DIR, channel, receive, send};
use crate::Peer;
use crate::channel::{Mpmc, Spsc};
use crate::map::{in_a_child, in_a_child_with_pid_one, tells_children_apart};
use crate::testing::{Child, Role, TempNamespace, WATCHDOG, can_run, skipped};

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
    if !tells_children_apart() {
        return;
    }
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

/// What each call says in a forked child, by a number for each that does not say that it belongs to the parent.
#[test]
fn role_heir() {
    let Some(mut role) = Role::play() else { return };
    let dir = std::path::PathBuf::from(role.var(DIR));
    let mut tx = channel::<u64, Mpmc>(&dir).capacity(8).sender().expect("there is a place");
    let mut rx = channel::<u64, Mpmc>(&dir).capacity(8).receiver().expect("there is a place");
    tx.send(7).expect("a slot");
    let lease = rx.lease().expect("a message");
    let loan = tx.loan().expect("a slot");
    // What is in hand is dropped in the child, and is the parent's all the same.
    let (lease, loan) = (std::mem::ManuallyDrop::new(lease), std::mem::ManuallyDrop::new(loan));
    let status = in_a_child(|| {
        drop((std::mem::ManuallyDrop::into_inner(lease), std::mem::ManuallyDrop::into_inner(loan)))
    });
    assert_eq!(status, 0, "dropping what is in hand");
    let panics = |call: &mut dyn FnMut()| {
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).expect_err("a panic");
        panic
            .downcast_ref::<String>()
            .is_some_and(|text| text.contains("open the channel or the cells in the child"))
    };
    let mut loan = tx.loan().expect("a slot");
    let status = in_a_child(|| {
        let told = panics(&mut || loan.as_bytes_mut()[0] = 1);
        // SAFETY: ends the process without running anything of the parent's.
        unsafe { libc::_exit(i32::from(!told)) };
    });
    assert_eq!(status, 0, "using what is in hand");
    drop(loan);
    assert_eq!(rx.recv(), Ok(7), "the lease counts as forgotten");

    let cells = || crate::seqlock::cell::<u64>("cell").namespace(crate::map::Namespace::Dir(dir.clone()));
    let mut writer = cells().writer().expect("the role is free");
    let reader = cells().reader().expect("anybody may read");
    writer.store(1);
    let forked = crate::Broken::Forked;
    // Of a sole side, which knows by itself that there is a message, and room.
    let sole =
        || crate::spsc::channel::<[u64; 16]>("sole").namespace(crate::map::Namespace::Dir(dir.clone()));
    let mut sole_tx = sole().sender().expect("the role is free");
    let mut sole_rx = sole().receiver().expect("the role is free");
    sole_tx.send_batch(&[[1; 16], [2; 16], [3; 16]]).expect("there is room");
    assert_eq!(sole_rx.recv(), Ok([1; 16]));
    let status = in_a_child(|| {
        let answers = [
            rx.try_recv() == Err(crate::TryRecvError::Broken(forked)),
            rx.recv() == Err(crate::RecvError::Broken(forked)),
            rx.recv_timeout(WATCHDOG) == Err(crate::RecvTimeoutError::Broken(forked)),
            rx.try_recv_batch(&mut Vec::new(), 3) == Err(crate::TryRecvError::Broken(forked)),
            rx.try_lease().err() == Some(crate::TryRecvError::Broken(forked)),
            rx.recv_batch(&mut Vec::new(), 3) == Err(crate::RecvError::Broken(forked)),
            sole_rx.try_recv() == Err(crate::TryRecvError::Broken(forked)),
            sole_rx.recv() == Err(crate::RecvError::Broken(forked)),
            sole_rx.try_recv_batch(&mut Vec::new(), 2) == Err(crate::TryRecvError::Broken(forked)),
            sole_rx.recv_batch(&mut Vec::new(), 2) == Err(crate::RecvError::Broken(forked)),
            sole_rx.lease().err() == Some(crate::RecvError::Broken(forked)),
            sole_tx.try_send([4; 16]) == Err(crate::TrySendError::Broken([4; 16], forked)),
            sole_tx.send([4; 16]) == Err(crate::SendError::Broken([4; 16], forked)),
            sole_tx.try_send_batch(&[[4; 16]; 2]) == Err(crate::TrySendError::Broken((), forked)),
            sole_tx.send_batch(&[[4; 16]; 2]) == Err(crate::SendError::Broken(0, forked)),
            sole_tx.loan().err() == Some(crate::SendError::Broken((), forked)),
            tx.try_send(1) == Err(crate::TrySendError::Broken(1, forked)),
            tx.send(1) == Err(crate::SendError::Broken(1, forked)),
            tx.send_timeout(1, WATCHDOG) == Err(crate::SendTimeoutError::Broken(1, forked)),
            tx.send_batch(&[1, 2]) == Err(crate::SendError::Broken(0, forked)),
            tx.try_loan().err() == Some(crate::TrySendError::Broken((), forked)),
            crate::Select::fair().poll(&mut [&mut rx, &mut tx]) == Some(0),
            panics(&mut || _ = rx.len()),
            panics(&mut || _ = tx.health()),
            panics(&mut || _ = tx.wait_for_peer(WATCHDOG)),
            panics(&mut || _ = tx.try_clone()),
            panics(&mut || writer.store(2)),
            panics(&mut || _ = reader.load()),
            panics(&mut || _ = reader.version()),
            panics(&mut || _ = reader.freshness()),
            panics(&mut || _ = reader.wait_newer(&mut 1, WATCHDOG)),
        ];
        let wrong = answers.iter().position(|fine| !fine);
        // SAFETY: ends the process without running anything of the parent's.
        unsafe { libc::_exit(wrong.map_or(0, |number| number as i32 + 1)) };
    });
    assert_eq!(status, 0, "the number of the answer, times 256");
    tx.send(8).expect("a slot");
    assert_eq!((rx.recv(), reader.load()), (Ok(8), Ok(1)), "the parent has lost nothing");
    sole_tx.send([4; 16]).expect("there is room");
    assert_eq!(sole_rx.try_iter().collect::<Vec<_>>(), [[2; 16], [3; 16], [4; 16]]);
    role.say("done");
}

#[test]
fn a_forked_child_that_uses_what_it_inherited_gets_an_error() {
    if !tells_children_apart() {
        return;
    }
    let space = TempNamespace::new();
    let mut child = Child::spawn("channel::tests::forks::role_heir", &[(DIR, space.path())]);
    assert_eq!(child.hear(), "done");
    child.wait_success();
    space.assert_empty();
}
