//! The sending side.

use std::fmt;
use std::time::Duration;

use crate::channel::blocking::{Patience, Stop};
use crate::channel::error::{SendError, SendTimeoutError, TrySendError};
use crate::channel::loan::Loan;
use crate::channel::open::{self, clamp};
use crate::channel::options::EndpointOptions;
use crate::channel::peer::{Peer, Predecessor, Watch};
use crate::channel::slots::SendSlots;
use crate::map::ForkGuard;
use crate::protocol::roster;
use crate::segment::{RoleLock, Segment};
use crate::{Error, Message};

/// The one sender of a channel. Dropping it leaves the channel; messages that were sent stay, for as long as
/// somebody has the channel open.
///
/// A sender whose receiver has yet to come fills the channel and then waits. If it leaves before the receiver
/// is there, it is the last one out, and the channel goes with all its messages:
/// [`wait_for_peer`](Self::wait_for_peer) first.
pub struct Sender<T: Message> {
    slots: SendSlots<T>,
    patience: Patience,
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
            patience: Patience::new(Watch::new(peer, options.liveness_interval), options.wait),
            predecessor,
            role,
            incarnation,
            owner: ForkGuard::new(),
        })
    }

    /// Claims a slot, or says why there is none.
    #[inline]
    fn claim_one(&mut self) -> Result<(), Stop> {
        if self.slots.claim_known() { Ok(()) } else { self.claim(1).map(drop) }
    }

    /// Claims a slot and waits until there is one.
    #[inline]
    fn claim_one_waiting(&mut self, timeout: Option<Duration>) -> Result<(), Stop> {
        if self.slots.claim_known() { Ok(()) } else { self.claim_waiting(1, timeout).map(drop) }
    }

    /// Claims up to `want` slots, or says why there is none.
    #[inline(never)]
    fn claim(&mut self, want: u32) -> Result<u32, Stop> {
        let watch = &mut self.patience.watch;
        // Whoever polls may do so once in a while only.
        watch.be_due();
        Ok(self.slots.claim(want, |segment| watch.presence(&segment.roster().receiver))?)
    }

    /// Claims up to `want` slots and waits until there is one.
    #[inline(never)]
    fn claim_waiting(&mut self, want: u32, timeout: Option<Duration>) -> Result<u32, Stop> {
        let slots = &mut self.slots;
        self.patience.until((slots.position(), slots.segment().capacity()), timeout, |watch| {
            Ok(slots.claim(want, |segment| watch.presence(&segment.roster().receiver))?)
        })
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
            Err(stop) => Err(stop.try_send(message)),
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
            Err(stop) => Err(stop.send(message)),
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
            Err(stop) => Err(stop.send_timeout(message)),
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
        let claimed = self.claim(clamp(messages.len())).map_err(|stop| stop.try_send(()))?;
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
                Err(stop) => return Err(stop.send(sent)),
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
        self.claim_one().map_err(|stop| stop.try_send(()))?;
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
            Err(stop) => Err(stop.send(())),
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

    /// The receiver, by the kernel's word: a system call, or three that prove its death.
    pub fn peer(&self) -> Peer {
        self.patience.watch.peer(&self.slots.segment().roster().receiver)
    }

    /// Waits until a receiver is attached, for at most as long as it says; whether one is.
    pub fn wait_for_peer(&self, timeout: Duration) -> bool {
        self.patience.watch.wait_for_peer(&self.slots.segment().roster().receiver, timeout)
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

impl<T: Message> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
