//! The sending side.

use std::time::Duration;

use crate::channel::error::{Broken, SendError, SendTimeoutError, TrySendError};
use crate::channel::loan::Loan;
use crate::channel::open;
use crate::channel::options::EndpointOptions;
use crate::channel::peer::{Peer, Predecessor, Watch};
use crate::channel::slots::SendSlots;
use crate::map::ForkGuard;
use crate::protocol::peer::Stuck;
use crate::protocol::ring::Blocked;
use crate::protocol::roster;
use crate::segment::{RoleLock, Segment};
use crate::wait::{Pace, Waiting};
use crate::{Error, Message, Wait};

/// The one sender of a channel. Dropping it leaves the channel; messages that were sent stay, for as long as
/// somebody has the channel open.
///
/// A sender whose receiver has yet to come fills the channel and then waits. If it leaves before the receiver
/// is there, it is the last one out, and the channel goes with all its messages:
/// [`wait_for_peer`](Self::wait_for_peer) first.
#[derive(Debug)]
pub struct Sender<T: Message> {
    slots: SendSlots<T>,
    watch: Watch,
    wait: Wait,
    pace: Pace,
    predecessor: Predecessor,
    role: RoleLock,
    incarnation: u64,
    /// The process that has the role: a forked child inherits the handle, but not the memory.
    owner: ForkGuard,
}

impl<T: Message> Sender<T> {
    pub(super) fn attach(
        channel: &str,
        segment: Segment,
        (role, peer): (RoleLock, RoleLock),
        options: EndpointOptions,
    ) -> Result<Self, Error> {
        let (incarnation, predecessor) = open::take_role(channel, "sender", &segment.roster().sender, &role)?;
        let slots = SendSlots::resume(segment.clone()).map_err(|corruption| {
            roster::detach(&segment.roster().sender, &role, incarnation);
            Error::Inconsistent { channel: channel.to_owned(), broken: corruption.into() }
        })?;
        Ok(Self {
            slots,
            watch: Watch::new(peer, options.liveness_interval),
            wait: options.wait,
            pace: Pace::default(),
            predecessor: predecessor.into(),
            role,
            incarnation,
            owner: ForkGuard::new(),
        })
    }

    /// Claims a slot, or says why there is none.
    #[inline]
    fn claim_one(&mut self) -> Result<(), TrySendError<()>> {
        if self.slots.claim_known() { Ok(()) } else { self.claim(1).map(drop) }
    }

    /// Claims a slot and waits until there is one.
    #[inline]
    fn claim_one_waiting(&mut self, timeout: Option<Duration>) -> Result<(), SendTimeoutError<()>> {
        if self.slots.claim_known() { Ok(()) } else { self.claim_waiting(1, timeout).map(drop) }
    }

    /// Claims up to `want` slots, or says why there is none.
    #[inline(never)]
    fn claim(&mut self, want: u32) -> Result<u32, TrySendError<()>> {
        let watch = &mut self.watch;
        match self.slots.claim(want, |segment| watch.presence(&segment.roster().receiver)) {
            Ok(claimed) => Ok(claimed),
            Err(stuck) => Err(refusal(stuck)),
        }
    }

    /// Claims up to `want` slots and waits until there is one.
    #[inline(never)]
    fn claim_waiting(&mut self, want: u32, timeout: Option<Duration>) -> Result<u32, SendTimeoutError<()>> {
        match self.claim(want) {
            Err(TrySendError::Full(())) => self.block(want, timeout),
            Ok(claimed) => Ok(claimed),
            Err(TrySendError::Disconnected((), departure)) => {
                Err(SendTimeoutError::Disconnected((), departure))
            }
            Err(TrySendError::Broken((), broken)) => Err(SendTimeoutError::Broken((), broken)),
        }
    }

    #[cold]
    fn block(&mut self, want: u32, timeout: Option<Duration>) -> Result<u32, SendTimeoutError<()>> {
        let mut waiting = Waiting::new(self.wait, timeout);
        self.pace.hold(self.slots.position(), self.slots.segment().capacity());
        while waiting.pause() {
            if waiting.is_slow() {
                self.watch.be_due();
            }
            match self.claim(want) {
                Err(TrySendError::Full(())) => {}
                Ok(claimed) => return Ok(claimed),
                Err(TrySendError::Disconnected((), departure)) => {
                    return Err(SendTimeoutError::Disconnected((), departure));
                }
                Err(TrySendError::Broken((), broken)) => return Err(SendTimeoutError::Broken((), broken)),
            }
        }
        Err(SendTimeoutError::Timeout(()))
    }

    #[inline]
    fn put(&mut self, message: &T) {
        self.slots.put(message);
        self.slots.commit();
    }

    /// Sends a message if there is a free slot.
    ///
    /// # Errors
    ///
    /// With the message, if the channel is full or broken. Whether the receiver is gone is looked at only
    /// when the channel is full.
    #[inline]
    pub fn try_send(&mut self, message: T) -> Result<(), TrySendError<T>> {
        match self.claim_one() {
            Ok(()) => {
                self.put(&message);
                Ok(())
            }
            Err(error) => Err(error.map(|()| message)),
        }
    }

    /// Sends a message and waits for a free slot, for as long as the receiver lives or has yet to come.
    ///
    /// # Errors
    ///
    /// With the message, if the channel is full and the receiver is gone, or if it is broken.
    #[inline]
    pub fn send(&mut self, message: T) -> Result<(), SendError<T>> {
        match self.claim_one_waiting(None) {
            Ok(()) => {
                self.put(&message);
                Ok(())
            }
            Err(error) => Err(error.without_deadline().map(|()| message)),
        }
    }

    /// Sends a message and waits for a free slot, for at most as long as it says.
    ///
    /// # Errors
    ///
    /// With the message, as [`send`](Self::send), and if the time is up.
    #[inline]
    pub fn send_timeout(&mut self, message: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        match self.claim_one_waiting(Some(timeout)) {
            Ok(()) => {
                self.put(&message);
                Ok(())
            }
            Err(error) => Err(error.map(|()| message)),
        }
    }

    /// Sends as many of the messages, from the first, as there are free slots, and says how many: at least
    /// one, unless there were none.
    ///
    /// # Errors
    ///
    /// As [`try_send`](Self::try_send), if not even one was sent.
    #[inline]
    pub fn try_send_batch(&mut self, messages: &[T]) -> Result<usize, TrySendError<()>> {
        if messages.is_empty() {
            return Ok(0);
        }
        let claimed = self.claim(clamp(messages.len()))?;
        self.put_all(&messages[..claimed as usize]);
        Ok(claimed as usize)
    }

    /// Sends all the messages and waits for free slots. The receiver may see them one by one.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), with the number of messages that were sent before.
    pub fn send_batch(&mut self, messages: &[T]) -> Result<(), SendError<usize>> {
        let mut sent = 0;
        while sent < messages.len() {
            match self.claim_waiting(clamp(messages.len() - sent), None) {
                Ok(claimed) => {
                    self.put_all(&messages[sent..][..claimed as usize]);
                    sent += claimed as usize;
                }
                Err(error) => return Err(error.without_deadline().map(|()| sent)),
            }
        }
        Ok(())
    }

    #[inline]
    fn put_all(&mut self, messages: &[T]) {
        for message in messages {
            self.slots.put(message);
        }
        self.slots.commit();
    }

    /// Lends the next slot, for a message to be written in place, if there is a free one.
    ///
    /// # Errors
    ///
    /// As [`try_send`](Self::try_send).
    #[inline]
    pub fn try_loan(&mut self) -> Result<Loan<'_, T>, TrySendError<()>> {
        self.claim_one()?;
        Ok(Loan::new(&mut self.slots))
    }

    /// Lends the next slot, for a message to be written in place, and waits for a free one.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    #[inline]
    pub fn loan(&mut self) -> Result<Loan<'_, T>, SendError<()>> {
        match self.claim_one_waiting(None) {
            Ok(()) => Ok(Loan::new(&mut self.slots)),
            Err(error) => Err(error.without_deadline()),
        }
    }

    /// Messages that have been sent through this channel since it was created, by all its senders: the
    /// number of the next message. A sender that takes over goes on from here.
    pub fn position(&self) -> u64 {
        self.slots.position()
    }

    /// Messages that wait to be received, a moment ago.
    pub fn len(&self) -> usize {
        self.slots.in_flight() as usize
    }

    /// Whether no message waits to be received, a moment ago.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no free slot, a moment ago.
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Messages that the channel holds.
    pub fn capacity(&self) -> usize {
        self.slots.segment().capacity() as usize
    }

    /// How the one that had this role before ended.
    pub fn predecessor(&self) -> Predecessor {
        self.predecessor
    }

    /// The receiver, by the kernel's word: two system calls.
    pub fn peer(&self) -> Peer {
        self.watch.peer(&self.slots.segment().roster().receiver)
    }

    /// Waits until a receiver is attached, for at most as long as it says; whether one is.
    pub fn wait_for_peer(&self, timeout: Duration) -> bool {
        self.watch.wait_for_peer(&self.slots.segment().roster().receiver, timeout)
    }
}

impl<T: Message> Drop for Sender<T> {
    fn drop(&mut self) {
        if !self.owner.is_ours() {
            return;
        }
        roster::detach(&self.slots.segment().roster().sender, &self.role, self.incarnation);
    }
}

#[inline]
fn clamp(messages: usize) -> u32 {
    u32::try_from(messages).unwrap_or(u32::MAX)
}

#[inline]
fn refusal(stuck: Stuck) -> TrySendError<()> {
    match stuck {
        Stuck::Peer(gone) => TrySendError::Disconnected((), gone.into()),
        Stuck::Ring(Blocked::NotReady) => TrySendError::Full(()),
        Stuck::Ring(Blocked::Exhausted) => TrySendError::Broken((), Broken::Exhausted),
        Stuck::Ring(Blocked::Corrupt(corruption)) => TrySendError::Broken((), corruption.into()),
    }
}
