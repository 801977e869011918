//! cloudtoid-interprocess: a queue of bytes, with room for as many messages as the others have. It sends in batches and
//! receives one by one.

use bytemuck::{bytes_of, bytes_of_mut};
use cloudtoid_interprocess::{Options, Publisher, Subscriber};

use super::{At, Inlet, Link, Mode, Outlet, directory};
use crate::{BATCH, CAPACITY};

pub(super) struct Single;
pub(super) struct Batches;

/// Of messages of so many words; each has a header of eight bytes. The semaphore beside it has no directory, but the name.
pub(crate) fn options(run: &str, name: &str, words: usize) -> Options {
    Options::new(format!("{run}-{name}"), CAPACITY * (words + 1) * 8).with_path(directory(run))
}

fn queue<const N: usize>(at: &At, contestant: &str) -> Options {
    options(&at.run, &format!("{contestant}-{}", at.channel), N)
}

pub(super) struct Out(Publisher);
pub(super) struct In<const N: usize>(Subscriber, [u64; N]);
pub(super) struct OutBatches<const N: usize>(Publisher, Vec<[u64; N]>);

impl<const N: usize> Outlet<N> for Out {
    #[inline]
    fn send(&mut self, first: u64, _most: u64) -> u64 {
        match self.0.try_send(bytes_of(&[first; N])) {
            Ok(()) => 1,
            Err(error) if error.is_full() => 0,
            Err(error) => panic!("{error}"),
        }
    }
}

impl<const N: usize> Inlet<N> for In<N> {
    #[inline]
    fn recv(&mut self, mut look: impl FnMut(&[u64; N])) -> u64 {
        let Some(length) = self.0.try_recv_into(bytes_of_mut(&mut self.1)).expect("a queue") else {
            return 0;
        };
        assert_eq!(length, N * 8, "the length of a message");
        look(&self.1);
        1
    }
}

impl<const N: usize> Outlet<N> for OutBatches<N> {
    #[inline]
    fn send(&mut self, first: u64, most: u64) -> u64 {
        let count = most.min(BATCH as u64) as usize;
        for (number, message) in (first..).zip(&mut self.1[..count]) {
            message.fill(number);
        }
        let all: [&[u8]; BATCH] = std::array::from_fn(|at| bytes_of(&self.1[at]));
        self.0.try_send_batch(&all[..count]).expect("a queue") as u64
    }
}

impl<const N: usize> Link<N> for Single {
    const NAME: &'static str = "cloudtoid";
    type Out = Out;
    type In = In<N>;

    fn outlet(at: &At) -> Self::Out {
        Out(Publisher::open(&queue::<N>(at, "c")).expect("a publisher"))
    }

    fn inlet(at: &At) -> Self::In {
        In(Subscriber::open(&queue::<N>(at, "c")).expect("a subscriber"), [0; N])
    }
}

impl<const N: usize> Link<N> for Batches {
    const NAME: &'static str = "cloudtoid, batches";
    const MODE: Mode = Mode::Batch;
    type Out = OutBatches<N>;
    type In = In<N>;

    fn outlet(at: &At) -> Self::Out {
        OutBatches(Publisher::open(&queue::<N>(at, "cb")).expect("a publisher"), vec![[0; N]; BATCH])
    }

    fn inlet(at: &At) -> Self::In {
        In(Subscriber::open(&queue::<N>(at, "cb")).expect("a subscriber"), [0; N])
    }
}
