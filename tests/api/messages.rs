//! Messages of every size and alignment.

use std::fmt::Debug;

use ringway::Message;
use ringway::spsc::{Receiver, Sender};

use crate::{CAPACITIES, both};

/// A message that can be told from the next one.
trait Sample: Message + PartialEq + Debug {
    fn sample(number: u64) -> Self;
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Nothing {}

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
struct Line {
    bytes: [u8; 64],
}

impl Sample for Line {
    fn sample(number: u64) -> Self {
        Line { bytes: Sample::sample(number) }
    }
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
struct EmptyLine {}

impl Sample for EmptyLine {
    fn sample(_: u64) -> Self {
        EmptyLine {}
    }
}

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C, align(4096))]
struct Page {
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
fn test<M: Sample>(mut tx: Sender<M>, mut rx: Receiver<M>) {
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
    assert_eq!(tx.try_send_batch(&all), Ok(all.len()));
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), all);
}

#[test]
fn messages_of_every_size_and_alignment_arrive_whole() {
    for capacity in CAPACITIES {
        both(capacity, test::<Nothing>);
        both(capacity, test::<[u8; 0]>);
        both(capacity, test::<u8>);
        both(capacity, test::<[u8; 1]>);
        both(capacity, test::<[u8; 8]>);
        both(capacity, test::<[u8; 9]>);
        both(capacity, test::<[u8; 55]>);
        both(capacity, test::<[u8; 56]>);
        both(capacity, test::<[u8; 57]>);
        both(capacity, test::<[u8; 64]>);
        both(capacity, test::<[u8; 65]>);
        both(capacity, test::<u128>);
        both(capacity, test::<Line>);
        both(capacity, test::<EmptyLine>);
    }
    for capacity in [1, 2, 3, 100] {
        both(capacity, test::<[u8; 4096]>);
        both(capacity, test::<Page>);
    }
}
