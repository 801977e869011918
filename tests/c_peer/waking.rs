//! Rust sleeps, and the peer in C wakes it.
//!
//! Nobody sleeps for longer than a second, so a wake that is lost costs that long. There are more rounds than the watchdog
//! has seconds: a test hangs if none of them wakes anybody.

use std::time::Duration;

use ringway::spsc::Channel;
use ringway::{Parking, Wait};

use crate::testing::{TempNamespace, watched};
use crate::{Numbered, Tick, channel, compiled, peer, receive, send};

/// Longer than any test: whoever is woken was not woken by that.
const NEVER: Duration = Duration::from_secs(3600);
/// More than the watchdog has seconds.
const ROUNDS: u64 = 80;

fn sleeping<M: Numbered>(space: &TempNamespace, parking: Parking) -> Channel<M> {
    channel(space).parking(parking).wait(Wait::ParkAtOnce).liveness_interval(NEVER)
}

/// In each choice of parking, by stamp and by index. The peer goes on only when the other side's gate says that it sleeps.
fn everywhere(test: fn(Parking, &'static str)) {
    if compiled().is_none() {
        return;
    }
    for parking in [Parking::Fenced, Parking::Asymmetric] {
        for form in [Tick::NAME, <[u64; 16]>::NAME] {
            watched(move || test(parking, form));
        }
    }
}

#[test]
fn a_receiver_that_sleeps_is_woken_by_a_sender_in_c() {
    fn test<M: Numbered>(parking: Parking) {
        let space = TempNamespace::new();
        let mut rx = sleeping::<M>(&space, parking).receiver().unwrap();
        let receiving = std::thread::spawn(move || {
            receive(&mut rx, 0..ROUNDS);
            assert!(rx.recv().is_err(), "the peer has left");
        });
        assert_eq!(peer::<M>(&space, "wake-send", ROUNDS)[1], format!("done at {ROUNDS}"));
        receiving.join().unwrap();
        space.assert_empty();
    }
    everywhere(
        |parking, form| if form == "tick" { test::<Tick>(parking) } else { test::<[u64; 16]>(parking) },
    );
}

#[test]
fn a_sender_that_sleeps_is_woken_by_a_receiver_in_c() {
    fn test<M: Numbered>(parking: Parking) {
        let space = TempNamespace::new();
        let mut tx = sleeping::<M>(&space, parking).sender().unwrap();
        let sending = std::thread::spawn(move || {
            send(&mut tx, 0..ROUNDS + 4);
            assert!(tx.send(M::of(0)).is_err(), "the peer has left");
        });
        assert_eq!(peer::<M>(&space, "wake-receive", ROUNDS)[1], format!("done at {ROUNDS}"));
        sending.join().unwrap();
        space.assert_empty();
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
