//! crossbeam's queue between threads, which give the core away when it is full or empty, as its users do.

use std::sync::Arc;
use std::thread;

use crossbeam_queue::ArrayQueue;

use crate::worker::{Job, Slice, Tally};

/// The number of a message, all of whose words were read.
#[inline]
pub(crate) fn checked<const N: usize>(message: &[u64; N]) -> u64 {
    let sum = message.iter().fold(0_u64, |sum, word| sum.wrapping_add(*word));
    assert_eq!(sum, message[0].wrapping_mul(N as u64), "a message was torn");
    message[0]
}

pub(crate) fn pushing<const N: usize>(queue: Arc<ArrayQueue<[u64; N]>>) -> Job {
    Box::new(move |Slice { count, .. }| {
        for number in 1..=count {
            while queue.push([number; N]).is_err() {
                thread::yield_now();
            }
        }
        Tally::default()
    })
}

pub(crate) fn popping<const N: usize>(queue: Arc<ArrayQueue<[u64; N]>>) -> Job {
    Box::new(move |Slice { count, .. }| {
        let mut tally = Tally::default();
        for _ in 0..count {
            let message = loop {
                match queue.pop() {
                    Some(message) => break message,
                    None => thread::yield_now(),
                }
            };
            tally.add(checked(&message));
        }
        tally
    })
}
