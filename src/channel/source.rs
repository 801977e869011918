//! What can be waited for, together with others.

use std::time::Duration;

use super::kind::Kind;
use super::receiver::Receiver;
use super::sender::Sender;
use super::seqlock::Newer;
use crate::Message;
use crate::protocol::gate::Gate;
use crate::protocol::roster::Side;
use crate::segment::Segment;
use crate::wait::{Bell, NAP};

/// Something that a [`Select`](super::Select) can wait for: a [`Receiver`], which is ready when there may be a message; a
/// [`Sender`], when there may be a free slot; or [`Newer`], when a cell has a newer value. All of them are ready as well
/// when there is nothing to wait for any more: when the other side is gone, or the channel is broken.
///
/// Ready means that a call that does not wait is worth making. Where a side is shared another one may be faster, and the
/// call finds nothing.
///
/// ```
/// use ringway::channel::Source;
/// use ringway::{Select, seqlock, spsc};
///
/// # let (mut tx, mut rx) = spsc::in_process::<u64>(1)?;
/// # let (mut writer, reader) = seqlock::in_process::<u64>()?;
/// let mut newer = reader.newer_than(reader.version());
/// let sources: &mut [&mut dyn Source] = &mut [&mut rx, &mut tx, &mut newer];
/// let mut select = Select::by_priority();
/// assert_eq!(select.poll(sources), Some(1), "there is room to send, and nothing else");
/// writer.store(7);
/// assert_eq!(select.poll(&mut sources[2..]), Some(0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Source: sealed::Waits {}

impl<T: Message, K: Kind> Source for Receiver<T, K> {}
impl<T: Message, K: Kind> Source for Sender<T, K> {}
impl<T: Message> Source for Newer<T> {}

/// Where a source sleeps. It keeps the memory.
#[derive(Clone, Debug)]
pub struct Spot {
    pub(super) segment: Segment,
    pub(super) at: At,
    pub(super) bell: Bell,
    /// When the kernel is to be asked.
    pub(super) at_most: Duration,
}

/// Whose gate.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    Ring(Side),
    Cell(u32),
}

impl Spot {
    /// `None` if one cannot sleep there.
    pub(super) fn gate(&self) -> Option<&Gate> {
        if !self.bell.lets_sleep() {
            return None;
        }
        match self.at {
            At::Ring(side) => Some(self.segment.any_ring().control.gate(side)),
            At::Cell(index) => self.segment.cell_gate(index),
        }
    }
}

/// A spot at whose gate one has enlisted.
pub(super) struct Enlisted {
    pub(super) spot: Spot,
    /// What the word of the gate is while there are no news; `None` where there is none to sleep at.
    pub(super) seen: Option<u32>,
    /// How long one may sleep: less where not all news wake the sleeper.
    pub(super) at_most: Duration,
}

impl Spot {
    /// Enlists at the gates of all spots, with the barrier behind it: a last look comes next.
    pub(super) fn enlist(spots: Vec<Self>) -> Vec<Enlisted> {
        let seen: Vec<Option<u32>> = spots.iter().map(|spot| spot.gate().map(Gate::enlist)).collect();
        let is_heard = Bell::all_are_heard(spots.iter().map(|spot| spot.bell));
        let of = |(spot, seen): (Self, Option<u32>)| {
            let longest = if is_heard && seen.is_some() { spot.at_most } else { NAP };
            let at_most = spot.at_most.min(longest);
            Enlisted { spot, seen, at_most }
        };
        spots.into_iter().zip(seen).map(of).collect()
    }
}

/// What only this crate can wait for.
pub(super) mod sealed {
    #[cfg(feature = "async")]
    use crate::wait::reactor::Ticket;

    /// One that waits.
    pub trait Waits {
        /// Whether a call would not have to wait. `due`: looks are rare, so that the clock is read.
        fn is_ready(&mut self, due: bool) -> bool;

        /// Where it sleeps.
        fn spot(&self) -> super::Spot;

        /// It slept, or its task does now.
        fn slept(&self) {}

        /// Where the task that waits for it is noted.
        #[cfg(feature = "async")]
        fn ticket(&mut self) -> &mut Option<Ticket>;
    }
}
