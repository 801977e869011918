//! Those that go from one thread to another, and ringway's channel between threads beside them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};

use crossbeam_queue::ArrayQueue;
use ringway::{Message, spsc};

use super::{Inlet, Mode, Outlet, ours};
use crate::{BATCH, CAPACITY};

/// A contestant between threads.
pub(crate) trait Pair<const N: usize>: 'static {
    const NAME: &'static str;
    const MODE: Mode = Mode::Single;
    type Out: Outlet<N> + Send;
    type In: Inlet<N> + Send;

    fn pair() -> (Self::Out, Self::In);
}

/// Sees each of them.
pub(crate) trait VisitPairs<const N: usize> {
    fn pair<P: Pair<N>>(&mut self);
}

pub(crate) fn each_pair<const N: usize>(visit: &mut impl VisitPairs<N>)
where
    [u64; N]: Message,
{
    visit.pair::<Ours>();
    visit.pair::<OurBatches>();
    visit.pair::<Rtrb<1>>();
    visit.pair::<Rtrb<BATCH>>();
    visit.pair::<Array>();
    visit.pair::<Crossbeam>();
    visit.pair::<Standard>();
}

struct Ours;
struct OurBatches;
struct Rtrb<const MOST: usize>;
struct Array;
struct Crossbeam;
struct Standard;

impl<const N: usize> Pair<N> for Ours
where
    [u64; N]: Message,
{
    const NAME: &'static str = "ringway";
    type Out = ours::Out<N>;
    type In = ours::In<N>;

    fn pair() -> (Self::Out, Self::In) {
        let (tx, rx) = spsc::in_process(CAPACITY).expect("memory");
        (ours::Out(tx), ours::In(rx))
    }
}

impl<const N: usize> Pair<N> for OurBatches
where
    [u64; N]: Message,
{
    const NAME: &'static str = "ringway, batches";
    const MODE: Mode = Mode::Batch;
    type Out = ours::OutBatches<N>;
    type In = ours::InBatches<N>;

    fn pair() -> (Self::Out, Self::In) {
        let (tx, rx) = spsc::in_process(CAPACITY).expect("memory");
        (ours::OutBatches::new(tx), ours::InBatches::new(rx))
    }
}

struct RtrbOut<const N: usize, const MOST: usize>(rtrb::Producer<[u64; N]>);
struct RtrbIn<const N: usize, const MOST: usize>(rtrb::Consumer<[u64; N]>);

impl<const N: usize, const MOST: usize> Outlet<N> for RtrbOut<N, MOST> {
    #[inline]
    fn send(&mut self, first: u64, most: u64) -> u64 {
        if MOST == 1 {
            return u64::from(self.0.push([first; N]).is_ok());
        }
        // As many as there is room for: it has that number at hand, and asks for it anew when it is too low.
        let most = (most as usize).min(MOST);
        let count = if self.0.cached_slots() >= most { most } else { self.0.slots().min(most) };
        let Ok(chunk) = self.0.write_chunk_uninit(count) else { return 0 };
        chunk.fill_from_iter((first..).map(|number| [number; N])) as u64
    }
}

impl<const N: usize, const MOST: usize> Inlet<N> for RtrbIn<N, MOST> {
    #[inline]
    fn recv(&mut self, mut look: impl FnMut(&[u64; N])) -> u64 {
        if MOST == 1 {
            return self.0.pop().map_or(0, |message| {
                look(&message);
                1
            });
        }
        let count = if self.0.cached_slots() >= MOST { MOST } else { self.0.slots().min(MOST) };
        let Ok(chunk) = self.0.read_chunk(count) else { return 0 };
        let (head, tail) = chunk.as_slices();
        head.iter().chain(tail).for_each(look);
        chunk.commit_all();
        count as u64
    }
}

impl<const N: usize, const MOST: usize> Pair<N> for Rtrb<MOST> {
    const NAME: &'static str = if MOST == 1 { "rtrb" } else { "rtrb, batches" };
    const MODE: Mode = if MOST == 1 { Mode::Single } else { Mode::Batch };
    type Out = RtrbOut<N, MOST>;
    type In = RtrbIn<N, MOST>;

    fn pair() -> (Self::Out, Self::In) {
        let (tx, rx) = rtrb::RingBuffer::new(CAPACITY);
        (RtrbOut(tx), RtrbIn(rx))
    }
}

struct Shared<const N: usize>(Arc<ArrayQueue<[u64; N]>>);

impl<const N: usize> Outlet<N> for Shared<N> {
    #[inline]
    fn send(&mut self, first: u64, _most: u64) -> u64 {
        u64::from(self.0.push([first; N]).is_ok())
    }
}

impl<const N: usize> Inlet<N> for Shared<N> {
    #[inline]
    fn recv(&mut self, mut look: impl FnMut(&[u64; N])) -> u64 {
        self.0.pop().map_or(0, |message| {
            look(&message);
            1
        })
    }
}

impl<const N: usize> Pair<N> for Array {
    const NAME: &'static str = "crossbeam ArrayQueue";
    type Out = Shared<N>;
    type In = Shared<N>;

    fn pair() -> (Self::Out, Self::In) {
        let queue = Arc::new(ArrayQueue::new(CAPACITY));
        (Shared(queue.clone()), Shared(queue))
    }
}

struct CrossbeamOut<const N: usize>(crossbeam_channel::Sender<[u64; N]>);
struct CrossbeamIn<const N: usize>(crossbeam_channel::Receiver<[u64; N]>);

impl<const N: usize> Outlet<N> for CrossbeamOut<N> {
    #[inline]
    fn send(&mut self, first: u64, _most: u64) -> u64 {
        u64::from(self.0.try_send([first; N]).is_ok())
    }
}

impl<const N: usize> Inlet<N> for CrossbeamIn<N> {
    #[inline]
    fn recv(&mut self, mut look: impl FnMut(&[u64; N])) -> u64 {
        self.0.try_recv().map_or(0, |message| {
            look(&message);
            1
        })
    }
}

impl<const N: usize> Pair<N> for Crossbeam {
    const NAME: &'static str = "crossbeam-channel";
    type Out = CrossbeamOut<N>;
    type In = CrossbeamIn<N>;

    fn pair() -> (Self::Out, Self::In) {
        let (tx, rx) = crossbeam_channel::bounded(CAPACITY);
        (CrossbeamOut(tx), CrossbeamIn(rx))
    }
}

struct StandardOut<const N: usize>(SyncSender<[u64; N]>);
struct StandardIn<const N: usize>(Receiver<[u64; N]>);

impl<const N: usize> Outlet<N> for StandardOut<N> {
    #[inline]
    fn send(&mut self, first: u64, _most: u64) -> u64 {
        match self.0.try_send([first; N]) {
            Ok(()) => 1,
            Err(TrySendError::Full(_)) => 0,
            Err(error) => panic!("{error}"),
        }
    }
}

impl<const N: usize> Inlet<N> for StandardIn<N> {
    #[inline]
    fn recv(&mut self, mut look: impl FnMut(&[u64; N])) -> u64 {
        match self.0.try_recv() {
            Ok(message) => {
                look(&message);
                1
            }
            Err(TryRecvError::Empty) => 0,
            Err(error) => panic!("{error}"),
        }
    }
}

impl<const N: usize> Pair<N> for Standard {
    const NAME: &'static str = "std sync_channel";
    type Out = StandardOut<N>;
    type In = StandardIn<N>;

    fn pair() -> (Self::Out, Self::In) {
        let (tx, rx) = sync_channel(CAPACITY);
        (StandardOut(tx), StandardIn(rx))
    }
}
