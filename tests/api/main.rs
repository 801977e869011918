//! The channels through the public interface: the same tests over a name and over the heap, for every kind.
#![cfg(not(loom))]

mod batches;
mod cell_refusals;
mod cells;
mod checked;
mod clones;
#[cfg(feature = "counters")]
mod counting;
#[cfg(feature = "tracing")]
mod events;
mod inspecting;
mod inspecting_damage;
mod keyed;
mod kinds;
mod messages;
mod naming;
mod pages;
mod receiving;
mod refusals;
mod selecting;
mod sending;
mod sleepers;
mod tables;
mod tapping;
mod tapping_damage;
mod texts;
mod threads;
mod values;
mod waiting;

#[path = "../support/caller.rs"]
mod caller;
#[allow(dead_code, reason = "other tests need the rest")]
#[path = "../../src/testing.rs"]
mod testing;

use std::fmt::Debug;

use ringway::channel::{Channel, Kind, Mpmc, Mpsc, Receiver, Sender, Spmc, Spsc};
use ringway::map::{self, Namespace};
use ringway::{Departure, Message, mpmc, mpsc, spmc, spsc};

use testing::{TempNamespace, watched};

const CAPACITIES: [usize; 4] = [1, 2, 3, 1000];

/// A message that is made of a number.
trait Numbered: Message + PartialEq + Debug {
    fn of(number: u64) -> Self;
    fn number(&self) -> u64;
}

/// Published by its stamp.
impl Numbered for u64 {
    fn of(number: u64) -> Self {
        number
    }

    fn number(&self) -> u64 {
        *self
    }
}

/// From 8 on published by index where no side is shared.
impl<const N: usize> Numbered for [u64; N]
where
    Self: Message,
{
    fn of(number: u64) -> Self {
        [number; N]
    }

    fn number(&self) -> u64 {
        assert_eq!(*self, [self[0]; N], "torn");
        self[0]
    }
}

/// Both ends of a new channel of that capacity.
type Test<M, K> = fn(Sender<M, K>, Receiver<M, K>);

/// How a kind's module makes channels.
trait Makes: Kind + Sized {
    fn channel<M: Message>(name: &str) -> Channel<M, Self>;
    fn in_process<M: Message>(capacity: usize) -> (Sender<M, Self>, Receiver<M, Self>);
}

macro_rules! makes {
    ($kind:ident, $module:ident) => {
        impl Makes for $kind {
            fn channel<M: Message>(name: &str) -> Channel<M, Self> {
                $module::channel(name)
            }

            fn in_process<M: Message>(capacity: usize) -> (Sender<M, Self>, Receiver<M, Self>) {
                $module::in_process(capacity).expect("there is memory")
            }
        }
    };
}
makes!(Spsc, spsc);
makes!(Mpsc, mpsc);
makes!(Spmc, spmc);
makes!(Mpmc, mpmc);

/// The spsc channel `c` in the namespace.
fn channel<M: Message>(space: &TempNamespace) -> spsc::Channel<M> {
    channel_of(space)
}

/// The channel `c` in the namespace.
fn channel_of<M: Message, K: Makes>(space: &TempNamespace) -> Channel<M, K> {
    K::channel("c").namespace(Namespace::Dir(space.path().to_owned()))
}

/// Runs a test over the heap and over a name, which has to be gone afterwards.
#[track_caller]
fn both<M: Message, K: Makes>(capacity: usize, test: Test<M, K>) {
    watched(move || {
        let (tx, rx) = K::in_process(capacity);
        test(tx, rx);
        let space = TempNamespace::new();
        let channel = channel_of(&space).capacity(capacity);
        let tx = channel.clone().create_new().sender().expect("the name is free");
        let rx = channel.open_existing().receiver().expect("the role is free");
        test(tx, rx);
        space.assert_empty();
    });
}

/// Runs a test, generic over message and kind, for a small and a large message of every kind, with all these
/// capacities.
macro_rules! of_every_kind {
    ($test:ident, $capacities:expr) => {
        for capacity in $capacities {
            $crate::both::<u64, ringway::channel::Spsc>(capacity, $test);
            $crate::both::<[u64; 16], ringway::channel::Spsc>(capacity, $test);
            $crate::both::<u64, ringway::channel::Mpsc>(capacity, $test);
            $crate::both::<[u64; 16], ringway::channel::Mpsc>(capacity, $test);
            $crate::both::<u64, ringway::channel::Spmc>(capacity, $test);
            $crate::both::<[u64; 16], ringway::channel::Spmc>(capacity, $test);
            $crate::both::<u64, ringway::channel::Mpmc>(capacity, $test);
            $crate::both::<[u64; 16], ringway::channel::Mpmc>(capacity, $test);
        }
    };
}
use of_every_kind;

/// As `of_every_kind`, with the usual capacities.
macro_rules! everywhere {
    ($test:ident) => {
        $crate::of_every_kind!($test, $crate::CAPACITIES)
    };
}
use everywhere;

/// Sends numbers from `first` on for as long as there is room; the next number.
#[track_caller]
fn fill<M: Numbered, K: Kind>(tx: &mut Sender<M, K>, first: u64) -> u64 {
    let next = (first..).find(|number| tx.try_send(M::of(*number)).is_err());
    assert!(tx.is_full());
    next.expect("a channel is full some day")
}

/// Receives numbers from `first` on for as long as there is one; the next number.
#[track_caller]
fn drain<M: Numbered, K: Kind>(rx: &mut Receiver<M, K>, first: u64) -> u64 {
    let received = (first..).zip(rx.try_iter()).inspect(|(number, message)| {
        assert_eq!(*message, M::of(*number));
    });
    let next = first + received.count() as u64;
    assert!(rx.is_empty());
    next
}

/// Receives all these numbers by batches.
#[track_caller]
fn recv_all<M: Numbered, K: Kind>(rx: &mut Receiver<M, K>, numbers: std::ops::Range<u64>) {
    let mut messages = Vec::new();
    while (messages.len() as u64) < numbers.end - numbers.start {
        rx.recv_batch(&mut messages, usize::MAX).expect("there are messages");
    }
    assert_eq!(messages, numbers.map(M::of).collect::<Vec<_>>());
}

const LEFT: Departure = Departure::Left;
