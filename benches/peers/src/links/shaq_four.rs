//! shaq 4's queue of one producer and one consumer, who can sleep: every publication looks whether one does.
#![allow(unsafe_code, reason = "its constructors are unsafe")]

use std::num::NonZeroUsize;

use shaq_newest::spsc::{Consumer, Producer, minimum_file_size};

use super::shaq_three::file;
use super::{At, Inlet, Link, Mode, Outlet, Owned};
use crate::{BATCH, CAPACITY};

pub(super) struct Single;
pub(super) struct Batches;

fn producer<const N: usize>(at: &At, contestant: &str) -> Producer<[u64; N]> {
    let file = file(at, contestant);
    let made = match at.first {
        // SAFETY: the file was made just now by this process, whose only producer of it this is.
        true => unsafe { Producer::create(&file, minimum_file_size::<[u64; N]>(CAPACITY)) },
        // SAFETY: the first process is the consumer; both have the same type.
        false => unsafe { Producer::join(&file) },
    };
    made.expect("a producer")
}

fn consumer<const N: usize>(at: &At, contestant: &str) -> Consumer<[u64; N]> {
    let file = file(at, contestant);
    let made = match at.first {
        // SAFETY: the file was made just now by this process, whose only consumer of it this is.
        true => unsafe { Consumer::create(&file, minimum_file_size::<[u64; N]>(CAPACITY)) },
        // SAFETY: the first process is the producer; both have the same type.
        false => unsafe { Consumer::join(&file) },
    };
    made.expect("a consumer")
}

pub(super) struct Out<const N: usize>(
    Producer<[u64; N]>,
    #[expect(dead_code, reason = "to be dropped")] Owned,
);
pub(super) struct In<const N: usize>(
    Consumer<[u64; N]>,
    #[expect(dead_code, reason = "to be dropped")] Owned,
);
pub(super) struct OutBatches<const N: usize>(
    Producer<[u64; N]>,
    #[expect(dead_code, reason = "to be dropped")] Owned,
);
pub(super) struct InBatches<const N: usize>(
    Consumer<[u64; N]>,
    #[expect(dead_code, reason = "to be dropped")] Owned,
);

impl<const N: usize> Outlet<N> for Out<N> {
    #[inline]
    fn send(&mut self, first: u64, _most: u64) -> u64 {
        u64::from(self.0.try_write([first; N]).is_ok())
    }
}

impl<const N: usize> Inlet<N> for In<N> {
    #[inline]
    fn recv(&mut self, mut look: impl FnMut(&[u64; N])) -> u64 {
        self.0.try_read().map_or(0, |message| {
            look(&message);
            1
        })
    }
}

impl<const N: usize> Outlet<N> for OutBatches<N> {
    #[inline]
    fn send(&mut self, first: u64, most: u64) -> u64 {
        let most = most.min(BATCH as u64);
        let mut batch = self.0.write_batch();
        let mut count = 0;
        while count < most && batch.try_write([first + count; N]).is_ok() {
            count += 1;
        }
        count
    }
}

impl<const N: usize> Inlet<N> for InBatches<N> {
    #[inline]
    fn recv(&mut self, look: impl FnMut(&[u64; N])) -> u64 {
        const MOST: NonZeroUsize = NonZeroUsize::new(BATCH).expect("more than none");
        let Some(batch) = self.0.try_reserve_read_batch(MOST) else { return 0 };
        let count = batch.iter().len();
        batch.iter().for_each(look);
        count as u64
    }
}

impl<const N: usize> Link<N> for Single {
    const NAME: &'static str = "shaq 4";
    type Out = Out<N>;
    type In = In<N>;

    fn outlet(at: &At) -> Self::Out {
        Out(producer(at, "shaq4"), Owned::new(at, "shaq4"))
    }

    fn inlet(at: &At) -> Self::In {
        In(consumer(at, "shaq4"), Owned::new(at, "shaq4"))
    }
}

impl<const N: usize> Link<N> for Batches {
    const NAME: &'static str = "shaq 4, batches";
    const MODE: Mode = Mode::Batch;
    type Out = OutBatches<N>;
    type In = InBatches<N>;

    fn outlet(at: &At) -> Self::Out {
        OutBatches(producer(at, "shaq4-batches"), Owned::new(at, "shaq4-batches"))
    }

    fn inlet(at: &At) -> Self::In {
        InBatches(consumer(at, "shaq4-batches"), Owned::new(at, "shaq4-batches"))
    }
}
