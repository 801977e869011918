//! ringfire's ring of one producer, in the mode in which that waits for the slowest consumer. The consumer looks without a
//! pause, as its `BusySpin` does.

use ringfire::{ConsumerStartMode, FlowControl, RingConsumer, RingProducer, RingProducerBuilder};

use super::{At, Inlet, Link, Mode, Outlet};
use crate::{BATCH, CAPACITY};

pub(super) struct Single;
pub(super) struct Batches;

fn producer<const N: usize>(at: &At, contestant: &str) -> RingProducer<[u64; N]> {
    let builder = RingProducerBuilder::new(CAPACITY as u64)
        .flow_control(FlowControl::LosslessBackpressure)
        .max_readers(1);
    builder.build(at.file(contestant)).expect("a producer")
}

/// Only a producer makes the ring: what comes before it joins when it is asked for a message first.
pub(super) struct Coming<const N: usize> {
    at: At,
    contestant: &'static str,
    here: Option<RingConsumer<[u64; N]>>,
}

impl<const N: usize> Coming<N> {
    fn new(at: &At, contestant: &'static str) -> Self {
        let mut coming = Self { at: at.clone(), contestant, here: None };
        if !at.first {
            coming.join();
        }
        coming
    }

    #[cold]
    fn join(&mut self) {
        let builder = RingConsumer::builder().start_mode(ConsumerStartMode::Oldest);
        self.here = builder.attach(self.at.file(self.contestant)).ok();
    }

    #[inline]
    fn here(&mut self) -> Option<&mut RingConsumer<[u64; N]>> {
        if self.here.is_none() {
            self.join();
        }
        self.here.as_mut()
    }
}

pub(super) struct Out<const N: usize>(RingProducer<[u64; N]>);
pub(super) struct In<const N: usize>(Coming<N>);
pub(super) struct OutBatches<const N: usize>(RingProducer<[u64; N]>, Vec<[u64; N]>);
pub(super) struct InBatches<const N: usize>(Coming<N>, Vec<[u64; N]>);

impl<const N: usize> Outlet<N> for Out<N> {
    #[inline]
    fn send(&mut self, first: u64, _most: u64) -> u64 {
        u64::from(self.0.try_push(&[first; N]).is_ok())
    }
}

impl<const N: usize> Inlet<N> for In<N> {
    #[inline]
    fn recv(&mut self, mut look: impl FnMut(&[u64; N])) -> u64 {
        let message = self.0.here().and_then(RingConsumer::try_recv);
        message.map_or(0, |message| {
            look(&message);
            1
        })
    }
}

impl<const N: usize> Outlet<N> for OutBatches<N> {
    #[inline]
    fn send(&mut self, first: u64, most: u64) -> u64 {
        let count = most.min(BATCH as u64);
        self.1.clear();
        self.1.extend((first..first + count).map(|number| [number; N]));
        self.0.push_batch(&self.1);
        count
    }
}

impl<const N: usize> Inlet<N> for InBatches<N> {
    #[inline]
    fn recv(&mut self, look: impl FnMut(&[u64; N])) -> u64 {
        let Some(consumer) = self.0.here() else { return 0 };
        let count = consumer.recv_batch(&mut self.1);
        self.1[..count].iter().for_each(look);
        count as u64
    }
}

impl<const N: usize> Link<N> for Single {
    const NAME: &'static str = "ringfire";
    type Out = Out<N>;
    type In = In<N>;

    fn outlet(at: &At) -> Self::Out {
        Out(producer(at, "ringfire"))
    }

    fn inlet(at: &At) -> Self::In {
        In(Coming::new(at, "ringfire"))
    }
}

impl<const N: usize> Link<N> for Batches {
    const NAME: &'static str = "ringfire, batches";
    const MODE: Mode = Mode::Batch;
    type Out = OutBatches<N>;
    type In = InBatches<N>;

    fn outlet(at: &At) -> Self::Out {
        OutBatches(producer(at, "ringfire-batches"), Vec::with_capacity(BATCH))
    }

    fn inlet(at: &At) -> Self::In {
        InBatches(Coming::new(at, "ringfire-batches"), vec![[0; N]; BATCH])
    }
}
