//! The kinds of rings, and the messages that the targets send.

use std::fmt::Debug;

use ringway::channel::{Channel, Kind, Mpmc, Mpsc, Receiver, Sender, Spmc, Spsc};
use ringway::{Message, mpmc, mpsc, spmc, spsc};

/// What a kind has, if it has it.
pub(crate) trait Ends: Kind + Sized {
    fn in_process<T: Message>(capacity: usize) -> (Sender<T, Self>, Receiver<T, Self>);

    fn channel<T: Message>(name: &str) -> Channel<T, Self>;

    /// Another sender, of a kind that has several, if there is a place for it.
    fn another_sender<T: Message>(_: &Sender<T, Self>) -> Option<Sender<T, Self>> {
        None
    }

    /// Another receiver, likewise.
    fn another_receiver<T: Message>(_: &Receiver<T, Self>) -> Option<Receiver<T, Self>> {
        None
    }
}

macro_rules! makes {
    ($module:ident) => {
        fn in_process<T: Message>(capacity: usize) -> (Sender<T, Self>, Receiver<T, Self>) {
            $module::in_process(capacity).expect("there is memory")
        }

        fn channel<T: Message>(name: &str) -> Channel<T, Self> {
            $module::channel(name)
        }
    };
}
macro_rules! clones {
    ($call:ident, $end:ident) => {
        fn $call<T: Message>(one: &$end<T, Self>) -> Option<$end<T, Self>> {
            one.try_clone().ok()
        }
    };
}

impl Ends for Spsc {
    makes!(spsc);
}

impl Ends for Mpsc {
    makes!(mpsc);
    clones!(another_sender, Sender);
}

impl Ends for Spmc {
    makes!(spmc);
    clones!(another_receiver, Receiver);
}

impl Ends for Mpmc {
    makes!(mpmc);
    clones!(another_sender, Sender);
    clones!(another_receiver, Receiver);
}

/// A message that is made of a number.
pub(crate) trait Numbered: Message + PartialEq + Debug {
    fn of(number: u64) -> Self;

    /// The number; `None` if it is not the same all over.
    fn number(&self) -> Option<u64>;

    /// The numbers of both halves, each of which may be of another message.
    fn halves(&self) -> [Option<u64>; 2] {
        [self.number(); 2]
    }
}

impl Numbered for u64 {
    fn of(number: u64) -> Self {
        number
    }

    fn number(&self) -> Option<u64> {
        Some(*self)
    }
}

impl<const N: usize> Numbered for [u64; N]
where
    [u64; N]: Message,
{
    fn of(number: u64) -> Self {
        [number; N]
    }

    fn number(&self) -> Option<u64> {
        number_of(self)
    }

    fn halves(&self) -> [Option<u64>; 2] {
        let (first, second) = self.split_at(N / 2);
        [number_of(first), number_of(second)]
    }
}

fn number_of(words: &[u64]) -> Option<u64> {
    words.iter().all(|word| *word == words[0]).then_some(words[0])
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[message(checked)]
#[repr(u8)]
pub(crate) enum Low {
    Zero = 0,
    One = 1,
    Two = 2,
}

/// A message of which not all bytes are a value.
#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[message(checked)]
#[repr(C)]
pub(crate) struct Checked {
    number: u32,
    is_odd: bool,
    low: Low,
    letter: u16,
}

impl Numbered for Checked {
    fn of(number: u64) -> Self {
        let low = [Low::Zero, Low::One, Low::Two][number as usize % 3];
        Self { number: number as u32, is_odd: number % 2 == 1, low, letter: number as u16 }
    }

    fn number(&self) -> Option<u64> {
        let number = u64::from(self.number);
        (*self == Self::of(number)).then_some(number)
    }
}
