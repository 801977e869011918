//! shaq 3's queue of one producer and one consumer: each keeps a copy of the other's position, reads it anew when it has
//! to, and says when what it did is to be seen.
#![allow(unsafe_code, reason = "its constructors are unsafe")]

use std::fs::{File, OpenOptions};

use shaq::spsc::{Consumer, Producer, minimum_file_size};

use super::{At, Inlet, Link, Mode, Outlet, Owned};
use crate::{BATCH, CAPACITY};

pub(super) struct Single;
pub(super) struct Batches;

/// The file of a queue: made by the first process, and there for the second.
pub(crate) fn file(at: &At, contestant: &str) -> File {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(at.first);
    options.open(at.file(contestant)).expect("a file")
}

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

/// So many messages at most until they are published, or given back.
pub(super) struct Out<const N: usize, const MOST: usize>(
    Producer<[u64; N]>,
    #[expect(dead_code, reason = "to be dropped")] Owned,
);
pub(super) struct In<const N: usize, const MOST: usize>(
    Consumer<[u64; N]>,
    #[expect(dead_code, reason = "to be dropped")] Owned,
);

impl<const N: usize, const MOST: usize> Outlet<N> for Out<N, MOST> {
    #[inline]
    fn send(&mut self, first: u64, most: u64) -> u64 {
        let most = most.min(MOST as u64);
        let mut count = 0;
        while count < most && self.0.try_write([first + count; N]).is_ok() {
            count += 1;
        }
        match count {
            0 => self.0.sync(),
            _ => self.0.commit(),
        }
        count
    }
}

impl<const N: usize, const MOST: usize> Inlet<N> for In<N, MOST> {
    #[inline]
    fn recv(&mut self, mut look: impl FnMut(&[u64; N])) -> u64 {
        let mut count = 0;
        while count < MOST as u64
            && let Some(message) = self.0.try_read()
        {
            look(message);
            count += 1;
        }
        match count {
            0 => self.0.sync(),
            _ => self.0.finalize(),
        }
        count
    }
}

impl<const N: usize> Link<N> for Single {
    const NAME: &'static str = "shaq 3";
    type Out = Out<N, 1>;
    type In = In<N, 1>;

    fn outlet(at: &At) -> Self::Out {
        Out(producer(at, "shaq3"), Owned::new(at, "shaq3"))
    }

    fn inlet(at: &At) -> Self::In {
        In(consumer(at, "shaq3"), Owned::new(at, "shaq3"))
    }
}

impl<const N: usize> Link<N> for Batches {
    const NAME: &'static str = "shaq 3, batches";
    const MODE: Mode = Mode::Batch;
    type Out = Out<N, BATCH>;
    type In = In<N, BATCH>;

    fn outlet(at: &At) -> Self::Out {
        Out(producer(at, "shaq3-batches"), Owned::new(at, "shaq3-batches"))
    }

    fn inlet(at: &At) -> Self::In {
        In(consumer(at, "shaq3-batches"), Owned::new(at, "shaq3-batches"))
    }
}
