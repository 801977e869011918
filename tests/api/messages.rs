//! Messages of every size and alignment.

use std::fmt::Debug;

use ringway::Message;
use ringway::channel::{Kind, Mpmc, Mpsc, Receiver, Sender, Spmc, Spsc};

use crate::{CAPACITIES, both};

/// A message that can be told from the next one.
pub(crate) trait Sample: Message + PartialEq + Debug {
    fn sample(number: u64) -> Self;
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Nothing {}

impl Sample for Nothing {
    fn sample(_: u64) -> Self {
        Nothing {}
    }
}

impl Sample for u8 {
    fn sample(number: u64) -> Self {
        number as u8
    }
}

impl<const N: usize> Sample for [u8; N] {
    fn sample(number: u64) -> Self {
        std::array::from_fn(|at| (number as usize * 31 + at) as u8)
    }
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Line {
    bytes: [u8; 64],
}

impl Sample for Line {
    fn sample(number: u64) -> Self {
        Line { bytes: Sample::sample(number) }
    }
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct EmptyLine {}

impl Sample for EmptyLine {
    fn sample(_: u64) -> Self {
        EmptyLine {}
    }
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C, align(4096))]
pub(crate) struct Page {
    bytes: [u8; 4096],
}

impl Sample for Page {
    fn sample(number: u64) -> Self {
        Page { bytes: Sample::sample(number) }
    }
}

impl Sample for u128 {
    fn sample(number: u64) -> Self {
        u128::from(number) << 64 | 7
    }
}

/// Three laps, by each pair of verbs.
fn test<M: Sample, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
    for number in 0..3 * tx.capacity() as u64 + 1 {
        let message = M::sample(number);
        match number % 3 {
            0 => tx.send(message).expect("there is room"),
            1 => tx.send_batch(&[message]).expect("there is room"),
            _ => {
                let mut loan = tx.loan().expect("there is room");
                assert!(loan.as_bytes_mut().as_ptr().cast::<M>().is_aligned());
                assert_eq!(loan.as_bytes_mut().len(), size_of::<M>());
                loan.write(message).publish();
            }
        }
        match number % 4 {
            0 => assert_eq!(rx.recv(), Ok(message)),
            1 => {
                let mut batch = Vec::new();
                assert_eq!(rx.recv_batch(&mut batch, 2), Ok(1));
                assert_eq!(batch, [message]);
            }
            _ => {
                let lease = rx.lease().expect("a message");
                assert!(std::ptr::from_ref(&*lease).is_aligned());
                assert_eq!(*lease, message);
            }
        }
    }
    // All slots at once: none reaches into the next.
    let all: Vec<M> = (0..tx.capacity() as u64).map(M::sample).collect();
    tx.send_batch(&all).expect("there is room");
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), all);
}

fn of_every_kind<M: Sample>(capacity: usize) {
    both::<M, Spsc>(capacity, test);
    both::<M, Mpsc>(capacity, test);
    both::<M, Spmc>(capacity, test);
    both::<M, Mpmc>(capacity, test);
}

#[test]
fn messages_of_every_size_and_alignment_arrive_whole() {
    for capacity in CAPACITIES {
        of_every_kind::<Nothing>(capacity);
        of_every_kind::<[u8; 0]>(capacity);
        of_every_kind::<u8>(capacity);
        of_every_kind::<[u8; 1]>(capacity);
        of_every_kind::<[u8; 8]>(capacity);
        of_every_kind::<[u8; 9]>(capacity);
        of_every_kind::<[u8; 55]>(capacity);
        of_every_kind::<[u8; 56]>(capacity);
        of_every_kind::<[u8; 57]>(capacity);
        of_every_kind::<[u8; 64]>(capacity);
        of_every_kind::<[u8; 65]>(capacity);
        of_every_kind::<[u8; 128]>(capacity);
        of_every_kind::<[u8; 129]>(capacity);
        of_every_kind::<[u8; 257]>(capacity);
        of_every_kind::<[u8; 511]>(capacity);
        of_every_kind::<[u8; 512]>(capacity);
        of_every_kind::<u128>(capacity);
        of_every_kind::<Line>(capacity);
        of_every_kind::<EmptyLine>(capacity);
    }
    for capacity in [1, 2, 3, 100] {
        of_every_kind::<[u8; 4096]>(capacity);
        of_every_kind::<Page>(capacity);
    }
}
