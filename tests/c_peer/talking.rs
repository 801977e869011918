//! Messages both ways, and channels that the peer made.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ringway::{Departure, Predecessor, RecvTimeoutError, SendTimeoutError};

use rustix::process::{Pid, Signal, kill_process};

use crate::refusals::Bytes;
use crate::testing::{TempNamespace, WATCHDOG};
use crate::{NAME, Numbered, Tick, channel, command, compiled, keeper, peer, peer_with, receive, send};

fn a_sender_in_c<M: Numbered>() {
    let space = TempNamespace::new();
    let mut rx = channel::<M>(&space).receiver().unwrap();
    let receiving = std::thread::spawn(move || {
        receive(&mut rx, 0..1000);
        assert_eq!(rx.recv_timeout(WATCHDOG), Err(RecvTimeoutError::Disconnected(Departure::Left)));
        rx
    });
    assert_eq!(peer::<M>(&space, "send", 1000), ["first at 0", "done at 1000"]);
    let mut rx = receiving.join().unwrap();

    // It dies when its third message is published.
    peer_with::<M>(&space, "send", 3, &["die=send.published:3"]);
    receive(&mut rx, 1000..1003);
    assert_eq!(rx.recv_timeout(WATCHDOG), Err(RecvTimeoutError::Disconnected(Departure::Died)));
    assert_eq!(peer::<M>(&space, "send", 0)[0], "successor of the dead at 1003");
    peer_with::<M>(&space, "send", 2, &["die=send.written:2"]);
    let mut tx = channel::<M>(&space).sender().unwrap();
    assert_eq!((tx.predecessor(), tx.position()), (Predecessor::Died, 1004));
    receive(&mut rx, 1003..1004);
    send(&mut tx, 1004..1008);
    receive(&mut rx, 1004..1008);
    drop((tx, rx));
    space.assert_empty();
}

fn a_receiver_in_c<M: Numbered>() {
    let space = TempNamespace::new();
    let mut tx = channel::<M>(&space).sender().unwrap();
    let sending = std::thread::spawn(move || {
        send(&mut tx, 0..1004);
        assert!(matches!(
            tx.send_timeout(M::of(1004), WATCHDOG),
            Err(SendTimeoutError::Disconnected(_, Departure::Left))
        ));
        tx
    });
    assert_eq!(peer::<M>(&space, "receive", 1000), ["first at 0", "done at 1000"]);
    let tx = sending.join().unwrap();

    // It dies with the third message in hand, which is delivered again.
    peer_with::<M>(&space, "receive", 3, &["die=recv.read:3"]);
    assert_eq!(peer::<M>(&space, "receive", 1), ["successor of the dead at 1002", "done at 1003"]);
    let keeper = keeper(&space);
    drop(tx);
    assert_eq!(peer::<M>(&space, "receive", 9), ["successor at 1003", "peer left at 1004"]);
    drop(keeper);
    space.assert_empty();
}

#[test]
fn a_sender_in_c_is_understood() {
    if compiled().is_some() {
        a_sender_in_c::<Tick>();
        a_sender_in_c::<[u64; 16]>();
    }
}

#[test]
fn a_receiver_in_c_understands() {
    if compiled().is_some() {
        a_receiver_in_c::<Tick>();
        a_receiver_in_c::<[u64; 16]>();
    }
}

#[test]
fn a_channel_that_a_peer_in_c_made_is_a_channel_and_goes_with_its_last_process() {
    fn test<M: Numbered>() {
        let space = TempNamespace::new();
        assert_eq!(peer::<M>(&space, "send", 2), ["first at 0", "done at 2"]);
        space.assert_empty();
        // Killed, it leaves a leftover, which the next one replaces.
        peer_with::<M>(&space, "send", 2, &["die=send.published:2"]);
        assert_eq!(space.files(), [NAME]);
        assert_eq!(peer::<M>(&space, "send", 2), ["first at 0", "done at 2"]);
        space.assert_empty();
        // Made by the peer, joined by the library.
        let mut child = command::<M>(&space, "receive", 5).spawn().unwrap();
        let deadline = Instant::now() + WATCHDOG;
        let mut tx = loop {
            match channel::<M>(&space).open_existing().sender() {
                Ok(tx) => break tx,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
        };
        send(&mut tx, 0..5);
        assert!(child.wait().unwrap().success());
        drop(tx);
        space.assert_empty();
    }
    if compiled().is_some() {
        test::<Tick>();
        test::<[u64; 16]>();
    }
}

/// The peer, stopped at a step between its look at the ring and its question whether the other side is there.
fn stopped<M: Numbered>(space: &TempNamespace, role: &str, step: &str) -> Child {
    let mut command = Command::new(compiled().expect("whoever asks has one"));
    command.arg(space.path()).args([NAME, M::NAME, role, "5", &format!("stop={step}")]);
    let peer = command.stdout(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + WATCHDOG;
    let stat = format!("/proc/{}/stat", peer.id());
    while !std::fs::read_to_string(&stat).unwrap().rsplit_once(") ").unwrap().1.starts_with('T') {
        assert!(Instant::now() < deadline, "it does not come to {step}");
        std::thread::sleep(Duration::from_millis(1));
    }
    peer
}

/// Lets it go on; what it says at its end.
fn last_word(peer: Child) -> String {
    kill_process(Pid::from_child(&peer), Signal::CONT).unwrap();
    let said = String::from_utf8(peer.wait_with_output().unwrap().stdout).unwrap();
    said.lines().last().unwrap().to_owned()
}

#[test]
fn a_peer_in_c_that_hears_of_a_leaving_looks_once_more_before_it_believes_that_there_is_nothing() {
    fn test<M: Numbered>() {
        let space = TempNamespace::new();
        let mut tx = channel::<M>(&space).sender().unwrap();
        let peer = stopped::<M>(&space, "receive", "recv.empty:1");
        send(&mut tx, 0..1);
        drop(tx);
        assert_eq!(last_word(peer), "peer left at 1");
        space.assert_empty();

        let mut rx = channel::<M>(&space).receiver().unwrap();
        let peer = stopped::<M>(&space, "send", "send.full:1");
        receive(&mut rx, 0..1);
        drop(rx);
        assert_eq!(last_word(peer), "done at 5");
        space.assert_empty();
    }
    if compiled().is_some() {
        test::<Tick>();
        test::<[u64; 16]>();
    }
}

#[test]
fn a_second_receiver_in_c_is_told_who_has_the_role() {
    if compiled().is_none() {
        return;
    }
    let space = TempNamespace::new();
    let _rx = channel::<Tick>(&space).receiver().unwrap();
    let said = peer::<Tick>(&space, "refuse-ring", 0);
    let words = format!("has a receiver already: process {}", std::process::id());
    assert!(said[0].contains("the role is taken") && said[0].ends_with(&words), "{said:?}");
}

/// Somewhat more looks at a role, a millisecond or more apart, than fit the time for which a holder that runs is tried.
const MORE_THAN_FOR_THE_LIVING: &str = "take.wait:55";

#[test]
fn a_role_that_a_living_process_has_is_tried_by_a_peer_in_c_for_50_ms_alone() {
    if compiled().is_none() {
        return;
    }
    let space = TempNamespace::new();
    let _rx = channel::<Tick>(&space).receiver().unwrap();
    let mut peer = command::<Tick>(&space, "refuse-ring", 0);
    // It would die if it went on to try.
    let output = peer.arg(format!("die={MORE_THAN_FOR_THE_LIVING}")).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("the role is taken"), "{}: {said}", output.status);
}

#[test]
fn a_role_whose_holder_has_ended_is_tried_for_longer_by_a_peer_in_c_since_the_kernel_may_be_late() {
    if compiled().is_none() {
        return;
    }
    let space = TempNamespace::new();
    let mut tx = channel::<Tick>(&space).sender().unwrap();
    let rx = channel::<Tick>(&space).receiver().unwrap();
    let mut ended = Command::new("true").spawn().unwrap();
    let bytes = Bytes::of(&space);
    let record = 4096 + u64::from_le_bytes(bytes.get(4096 + 112)) + 128;
    assert_eq!(bytes.get(record + 8), u64::from(std::process::id()).to_le_bytes());
    bytes.put(record + 8, &u64::from(ended.id()).to_le_bytes());
    // A process that has ended is there until its parent has waited for it, and then no more.
    let peer = stopped::<Tick>(&space, "receive", MORE_THAN_FOR_THE_LIVING);
    ended.wait().unwrap();
    drop(rx);
    send(&mut tx, 0..4);
    drop(tx);
    assert_eq!(last_word(peer), "peer left at 4");
}
