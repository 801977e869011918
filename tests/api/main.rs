//! The channels through the public interface: the same tests over a name and over the heap.
#![cfg(not(loom))]

mod checked;
mod messages;
mod naming;
mod receiving;
mod refusals;
mod sending;
mod texts;
mod threads;

#[allow(dead_code, reason = "other tests need the rest")]
#[path = "../../src/testing.rs"]
mod testing;

use std::fmt::Debug;

use ringway::map::{self, Namespace};
use ringway::spsc::{self, Channel, Receiver, Sender};
use ringway::{Departure, Message};

use testing::{TempNamespace, watched};

const CAPACITIES: [usize; 4] = [1, 2, 3, 1000];

/// A message that is made of a number.
trait Numbered: Message + PartialEq + Debug {
    fn of(number: u64) -> Self;
}

/// Published by its stamp.
impl Numbered for u64 {
    fn of(number: u64) -> Self {
        number
    }
}

/// Published by index.
impl Numbered for [u64; 16] {
    fn of(number: u64) -> Self {
        [number; 16]
    }
}

/// Both ends of a new channel of that capacity.
type Test<M> = fn(Sender<M>, Receiver<M>);

/// The channel `c` in the namespace.
fn channel<M: Message>(space: &TempNamespace) -> Channel<M> {
    spsc::channel("c").namespace(Namespace::Dir(space.path().to_owned()))
}

/// Runs a test over the heap and over a name, which has to be gone afterwards.
#[track_caller]
fn both<M: Message>(capacity: usize, test: Test<M>) {
    watched(move || {
        let (tx, rx) = spsc::in_process(capacity).expect("there is memory");
        test(tx, rx);
        let space = TempNamespace::new();
        let channel = channel(&space).capacity(capacity);
        let tx = channel.clone().create_new().sender().expect("the name is free");
        let rx = channel.open_existing().receiver().expect("the role is free");
        test(tx, rx);
        space.assert_empty();
    });
}

/// Runs a test over both backings, for both forms and all capacities.
#[track_caller]
fn everywhere(stamped: Test<u64>, indexed: Test<[u64; 16]>) {
    for capacity in CAPACITIES {
        both(capacity, stamped);
        both(capacity, indexed);
    }
}

/// Sends what the channel holds.
#[track_caller]
fn fill<M: Numbered>(tx: &mut Sender<M>) {
    while !tx.is_full() {
        tx.send(M::of(tx.position())).expect("there is room");
    }
}

/// Receives what is there.
#[track_caller]
fn drain<M: Numbered>(rx: &mut Receiver<M>) {
    while !rx.is_empty() {
        let number = rx.position();
        assert_eq!(rx.recv(), Ok(M::of(number)));
    }
}

const LEFT: Departure = Departure::Left;
