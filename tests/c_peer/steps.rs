//! The peer is killed at each step of its own; its successor, in C and in Rust, and the other side find what the document
//! promises.

use std::path::PathBuf;

use ringway::map::Namespace;
use ringway::{Departure, Parking, RecvTimeoutError, TryRecvError, Wait};

use crate::caller::Caller;
use crate::testing::{Child, Role, TempNamespace, WATCHDOG};
use crate::{Numbered, Tick, channel, compiled, keeper, peer, peer_with, receive, send};

const DIR: &str = "RINGWAY_TEST_DIR";

/// Dies at each step of opening, sending three messages and leaving: how many are published then, and what the receiver
/// hears.
fn a_sender_dies<M: Numbered>(step: &str, published: u64, hears: Option<Departure>) {
    let space = TempNamespace::new();
    let mut rx = channel::<M>(&space).receiver().unwrap();
    peer_with::<M>(&space, "send", 3, &[&format!("die={step}")]);
    receive(&mut rx, 0..published);
    match hears {
        Some(departure) => {
            let end = rx.recv_timeout(WATCHDOG);
            assert_eq!(end, Err(RecvTimeoutError::Disconnected(departure)), "{step}");
        }
        None => assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "{step}"),
    }
    let said = peer::<M>(&space, "send", 2);
    assert!(said[0].ends_with(&format!(" at {published}")), "{step}: {said:?}");
    receive(&mut rx, published..published + 2);
    let mut tx = channel::<M>(&space).sender().unwrap();
    send(&mut tx, published + 2..published + 4);
    receive(&mut rx, published + 2..published + 4);
    drop((tx, rx));
    space.assert_empty();
}

#[test]
fn a_sender_in_c_that_dies_at_any_step_has_published_a_message_or_not_and_nothing_between() {
    if compiled().is_none() {
        return;
    }
    fn of_both<M: Numbered>() {
        a_sender_dies::<M>("open.presence:1", 0, None);
        a_sender_dies::<M>("take.lock:1", 0, None);
        a_sender_dies::<M>("take.identity:1", 0, None);
        a_sender_dies::<M>("take.live:1", 0, Some(Departure::Died));
        a_sender_dies::<M>("send.free:3", 2, Some(Departure::Died));
        a_sender_dies::<M>("send.written:3", 2, Some(Departure::Died));
        a_sender_dies::<M>("send.published:3", 3, Some(Departure::Died));
        a_sender_dies::<M>("give.vacant:1", 3, Some(Departure::Left));
        a_sender_dies::<M>("leave.mutex:1", 3, Some(Departure::Left));
    }
    of_both::<Tick>();
    of_both::<[u64; 16]>();
    a_sender_dies::<Tick>("send.stamped:3", 3, Some(Departure::Died));
}

fn a_receiver_dies<M: Numbered>(step: &str, released: u64) {
    let space = TempNamespace::new();
    let mut tx = channel::<M>(&space).sender().unwrap();
    send(&mut tx, 0..4);
    peer_with::<M>(&space, "receive", 3, &[&format!("die={step}")]);
    send(&mut tx, 4..4 + released);
    let next = [format!(" at {released}"), format!("done at {}", released + 1)];
    let said = peer::<M>(&space, "receive", 1);
    assert!(said[0].ends_with(&next[0]) && said[1] == next[1], "{step}: {said:?}");
    let mut rx = channel::<M>(&space).receiver().unwrap();
    assert_eq!(rx.position(), released + 1);
    receive(&mut rx, released + 1..4 + released);
    drop((tx, rx));
    space.assert_empty();
}

#[test]
fn a_receiver_in_c_that_dies_at_any_step_has_given_a_message_back_or_its_successor_gets_it() {
    if compiled().is_none() {
        return;
    }
    fn of_both<M: Numbered>() {
        a_receiver_dies::<M>("open.presence:1", 0);
        a_receiver_dies::<M>("take.lock:1", 0);
        a_receiver_dies::<M>("take.identity:1", 0);
        a_receiver_dies::<M>("take.live:1", 0);
        a_receiver_dies::<M>("recv.read:3", 2);
        a_receiver_dies::<M>("recv.released:3", 3);
        a_receiver_dies::<M>("give.vacant:1", 3);
        a_receiver_dies::<M>("leave.mutex:1", 3);
    }
    of_both::<Tick>();
    of_both::<[u64; 16]>();
}

#[test]
fn role_receiver() {
    let Some(mut role) = Role::play() else { return };
    let space = Namespace::Dir(PathBuf::from(role.var(DIR)));
    let channel =
        ringway::spsc::channel::<Tick>(crate::NAME).namespace(space).capacity(4).parking(Parking::Fenced);
    let _rx = channel.receiver().expect("the role is free");
    role.say("attached");
    role.hear();
}

#[test]
fn a_peer_in_c_that_dies_while_it_proves_a_death_is_in_nobodys_way() {
    if compiled().is_none() {
        return;
    }
    for step in ["judge.lock", "judge.dead"] {
        let space = TempNamespace::new();
        let mut receiver = Child::spawn("steps::role_receiver", &[(DIR, space.path().as_os_str())]);
        assert_eq!(receiver.hear(), "attached");
        let keeper = keeper(&space);
        receiver.kill_running();
        // The fifth message finds the ring full.
        peer_with::<Tick>(&space, "send", 9, &[&format!("die={step}:1")]);
        let said = peer::<Tick>(&space, "send", 1);
        assert_eq!(said, ["successor of the dead at 4", "peer died at 4"], "{step}");
        let mut rx = channel::<Tick>(&space).receiver().unwrap();
        receive(&mut rx, 0..4);
        drop((rx, keeper));
        space.assert_empty();
    }
}

#[test]
fn whoever_a_peer_in_c_did_not_come_to_wake_finds_the_message_by_itself() {
    if compiled().is_none() {
        return;
    }
    let space = TempNamespace::new();
    let mut rx = channel::<Tick>(&space).wait(Wait::ParkAtOnce).receiver().unwrap();
    let caller = Caller::asleep(move || (rx.recv_timeout(WATCHDOG), rx));
    // The first wakes are those of whoever joins: the last one before its message is published does nothing.
    peer_with::<Tick>(&space, "wake-send", 1, &["die=wake:2"]);
    assert_eq!(caller.answer().0, Ok(Tick::of(0)));
}
