//! Rust sleeps, and the peer in C wakes it, whose step comes while the other one is about to sleep.
//!
//! The peer looks at no gate: it goes on as soon as the other side can do nothing any more. A wake that is lost is seen by
//! the kernel's word: the other side sleeps, and its gate says so, although the peer was to wake it.

use std::sync::Mutex;
use std::time::Duration;

use ringway::spsc::Channel;
use ringway::{Parking, Wait};

use crate::testing::{TempNamespace, watched};
use crate::{Numbered, Tick, channel, compiled, peer, peer_with, receive, send};

/// Longer than any test: whoever is woken was not woken by that.
const NEVER: Duration = Duration::from_secs(3600);
const ROUNDS: u64 = 20_000;

fn sleeping<M: Numbered>(space: &TempNamespace, parking: Parking) -> Channel<M> {
    channel(space).parking(parking).wait(Wait::ParkAtOnce).liveness_interval(NEVER)
}

/// Lets the peer run beside a thread of ours, which it is told of.
fn beside<M: Numbered>(space: &TempNamespace, role: &str, ours: impl FnOnce() + Send + 'static) {
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        tell.send(rustix::thread::gettid()).expect("somebody listens");
        ours();
    });
    let task = format!("task=/proc/{}/task/{}", std::process::id(), told.recv().unwrap());
    assert_eq!(peer_with::<M>(space, role, ROUNDS, &[&task])[1], format!("done at {ROUNDS}"));
    thread.join().unwrap();
    space.assert_empty();
}

/// In each choice of parking, by stamp and by index.
fn everywhere(test: fn(Parking, &'static str)) {
    if compiled().is_none() {
        return;
    }
    // Side by side the two tests would leave each other no processors to race on.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for parking in [Parking::Fenced, Parking::Asymmetric] {
        for form in [Tick::NAME, <[u64; 16]>::NAME] {
            watched(move || test(parking, form));
        }
    }
}

#[test]
fn a_receiver_that_is_about_to_sleep_is_woken_by_a_sender_in_c() {
    fn test<M: Numbered>(parking: Parking) {
        let space = TempNamespace::new();
        let mut rx = sleeping::<M>(&space, parking).receiver().unwrap();
        beside::<M>(&space, "race-send", move || {
            receive(&mut rx, 0..ROUNDS);
            assert!(rx.recv().is_err(), "the peer has left");
        });
    }
    everywhere(
        |parking, form| if form == "tick" { test::<Tick>(parking) } else { test::<[u64; 16]>(parking) },
    );
}

#[test]
fn a_sender_that_is_about_to_sleep_is_woken_by_a_receiver_in_c() {
    fn test<M: Numbered>(parking: Parking) {
        let space = TempNamespace::new();
        let mut tx = sleeping::<M>(&space, parking).sender().unwrap();
        beside::<M>(&space, "race-receive", move || {
            send(&mut tx, 0..ROUNDS + 4);
            assert!(tx.send(M::of(0)).is_err(), "the peer has left");
        });
    }
    everywhere(
        |parking, form| if form == "tick" { test::<Tick>(parking) } else { test::<[u64; 16]>(parking) },
    );
}

#[test]
fn where_nobody_sleeps_a_peer_in_c_leaves_the_gates_alone() {
    if compiled().is_none() {
        return;
    }
    let space = TempNamespace::new();
    let mut rx = channel::<Tick>(&space).parking(Parking::Never).receiver().unwrap();
    let file = space.path().join(crate::NAME);
    let gate = |at| {
        let bytes = std::fs::read(&file).unwrap();
        let control = 4096 + u64::from_le_bytes(bytes[4096 + 120..][..8].try_into().unwrap()) as usize;
        u32::from_le_bytes(bytes[control + at..][..4].try_into().unwrap())
    };
    // As if somebody slept, who may not.
    use std::os::unix::fs::FileExt;
    let bytes = std::fs::read(&file).unwrap();
    let control = 4096 + u64::from_le_bytes(bytes[4096 + 120..][..8].try_into().unwrap());
    let writing = std::fs::OpenOptions::new().write(true).open(&file).unwrap();
    writing.write_all_at(&1u32.to_le_bytes(), control + 384).unwrap();
    assert_eq!(peer::<Tick>(&space, "send", 2)[1], "done at 2");
    receive(&mut rx, 0..2);
    assert_eq!((gate(384), gate(512)), (1, 0));
}
