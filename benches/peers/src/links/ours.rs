//! ringway's channel of one sender and one receiver, both of which keep their cores.

use ringway::{Message, Wait, spsc};

use super::{At, Inlet, Link, Mode, Outlet};
use crate::{BATCH, CAPACITY};

/// A message or a slot at a time.
pub(super) struct Single;
pub(super) struct Batches;
pub(super) struct InPlace;

fn sender<const N: usize>(at: &At, mode: &str) -> spsc::Sender<[u64; N]>
where
    [u64; N]: Message,
{
    let name = format!("{}-{mode}-{}", at.run, at.channel);
    spsc::channel(&name).capacity(CAPACITY).wait(Wait::Spin).sender().expect("a channel")
}

fn receiver<const N: usize>(at: &At, mode: &str) -> spsc::Receiver<[u64; N]>
where
    [u64; N]: Message,
{
    let name = format!("{}-{mode}-{}", at.run, at.channel);
    spsc::channel(&name).capacity(CAPACITY).wait(Wait::Spin).receiver().expect("a channel")
}

pub(super) struct Out<const N: usize>(pub(super) spsc::Sender<[u64; N]>)
where
    [u64; N]: Message;
pub(super) struct In<const N: usize>(pub(super) spsc::Receiver<[u64; N]>)
where
    [u64; N]: Message;

impl<const N: usize> Outlet<N> for Out<N>
where
    [u64; N]: Message,
{
    #[inline]
    fn send(&mut self, first: u64, _most: u64) -> u64 {
        self.0.send([first; N]).expect("the other side");
        1
    }
}

impl<const N: usize> Inlet<N> for In<N>
where
    [u64; N]: Message,
{
    #[inline]
    fn recv(&mut self, mut look: impl FnMut(&[u64; N])) -> u64 {
        look(&self.0.recv().expect("the other side"));
        1
    }
}

impl<const N: usize> Link<N> for Single
where
    [u64; N]: Message,
{
    const NAME: &'static str = Mode::Single.ours();
    type Out = Out<N>;
    type In = In<N>;

    fn outlet(at: &At) -> Self::Out {
        Out(sender(at, "single"))
    }

    fn inlet(at: &At) -> Self::In {
        In(receiver(at, "single"))
    }
}

pub(super) struct OutBatches<const N: usize>(spsc::Sender<[u64; N]>, Vec<[u64; N]>)
where
    [u64; N]: Message;
pub(super) struct InBatches<const N: usize>(spsc::Receiver<[u64; N]>, Vec<[u64; N]>)
where
    [u64; N]: Message;

impl<const N: usize> OutBatches<N>
where
    [u64; N]: Message,
{
    pub(super) fn new(tx: spsc::Sender<[u64; N]>) -> Self {
        Self(tx, Vec::with_capacity(BATCH))
    }
}

impl<const N: usize> InBatches<N>
where
    [u64; N]: Message,
{
    pub(super) fn new(rx: spsc::Receiver<[u64; N]>) -> Self {
        Self(rx, Vec::with_capacity(BATCH))
    }
}

impl<const N: usize> Outlet<N> for OutBatches<N>
where
    [u64; N]: Message,
{
    #[inline]
    fn send(&mut self, first: u64, most: u64) -> u64 {
        let count = most.min(BATCH as u64);
        self.1.clear();
        self.1.extend((first..first + count).map(|number| [number; N]));
        self.0.send_batch(&self.1).expect("the other side");
        count
    }
}

impl<const N: usize> Inlet<N> for InBatches<N>
where
    [u64; N]: Message,
{
    #[inline]
    fn recv(&mut self, look: impl FnMut(&[u64; N])) -> u64 {
        self.1.clear();
        let count = self.0.recv_batch(&mut self.1, BATCH).expect("the other side");
        self.1.iter().for_each(look);
        count as u64
    }
}

impl<const N: usize> Link<N> for Batches
where
    [u64; N]: Message,
{
    const NAME: &'static str = Mode::Batch.ours();
    const MODE: Mode = Mode::Batch;
    type Out = OutBatches<N>;
    type In = InBatches<N>;

    fn outlet(at: &At) -> Self::Out {
        OutBatches::new(sender(at, "batches"))
    }

    fn inlet(at: &At) -> Self::In {
        InBatches::new(receiver(at, "batches"))
    }
}

pub(super) struct OutInPlace<const N: usize>(spsc::Sender<[u64; N]>)
where
    [u64; N]: Message;
pub(super) struct InInPlace<const N: usize>(spsc::Receiver<[u64; N]>)
where
    [u64; N]: Message;

impl<const N: usize> Outlet<N> for OutInPlace<N>
where
    [u64; N]: Message,
{
    #[inline]
    fn send(&mut self, first: u64, _most: u64) -> u64 {
        let mut draft = self.0.loan().expect("the other side").recycle();
        draft.fill(first);
        draft.publish();
        1
    }
}

impl<const N: usize> Inlet<N> for InInPlace<N>
where
    [u64; N]: Message,
{
    #[inline]
    fn recv(&mut self, mut look: impl FnMut(&[u64; N])) -> u64 {
        look(&self.0.lease().expect("the other side"));
        1
    }
}

impl<const N: usize> Link<N> for InPlace
where
    [u64; N]: Message,
{
    const NAME: &'static str = Mode::InPlace.ours();
    const MODE: Mode = Mode::InPlace;
    type Out = OutInPlace<N>;
    type In = InInPlace<N>;

    fn outlet(at: &At) -> Self::Out {
        OutInPlace(sender(at, "place"))
    }

    fn inlet(at: &At) -> Self::In {
        InInPlace(receiver(at, "place"))
    }
}
