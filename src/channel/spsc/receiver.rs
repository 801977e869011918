//! The receiving side.

use std::fmt;
use std::time::Duration;

use crate::channel::blocking::{Patience, Stop};
use crate::channel::error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::channel::loan::Lease;
use crate::channel::open::{self, clamp};
use crate::channel::options::EndpointOptions;
use crate::channel::peer::{Peer, Predecessor, Watch};
use crate::channel::slots::RecvSlots;
use crate::map::ForkGuard;
use crate::protocol::roster;
use crate::segment::{RoleLock, Segment};
use crate::{Error, Message};

/// The one receiver of a channel. Dropping it leaves the channel; messages that were not received stay.
pub struct Receiver<T: Message> {
    slots: RecvSlots<T>,
    patience: Patience,
    predecessor: Predecessor,
    role: RoleLock,
    incarnation: u64,
    /// The process that has the role: a forked child inherits the handle, but not the memory.
    owner: ForkGuard,
}

impl<T: Message> Receiver<T> {
    pub(super) fn attach(
        channel: &str,
        segment: Segment,
        (peer, role): (RoleLock, RoleLock),
        options: EndpointOptions,
    ) -> Result<Self, Error> {
        let (incarnation, predecessor) =
            open::take_role(channel, "receiver", &segment.roster().receiver, &role)?;
        let slots = RecvSlots::resume(segment.clone()).map_err(|corruption| {
            roster::detach(&segment.roster().receiver, &role, incarnation);
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

    /// Looks for a message, or says why there is none.
    #[inline]
    fn poll_one(&mut self) -> Result<(), Stop> {
        if self.slots.poll_one() { Ok(()) } else { self.poll(1).map(drop) }
    }

    /// Looks for a message and waits until there is one.
    #[inline]
    fn poll_one_waiting(&mut self, timeout: Option<Duration>) -> Result<(), Stop> {
        if self.slots.poll_one() { Ok(()) } else { self.poll_waiting(1, timeout).map(drop) }
    }

    /// Looks for up to `want` messages, or says why there is none.
    #[inline(never)]
    fn poll(&mut self, want: u32) -> Result<u32, Stop> {
        let watch = &mut self.patience.watch;
        // Whoever polls may do so once in a while only.
        watch.be_due();
        Ok(self.slots.poll(want, |segment| watch.presence(&segment.roster().sender))?)
    }

    /// Looks for up to `want` messages and waits until there is one.
    #[inline(never)]
    fn poll_waiting(&mut self, want: u32, timeout: Option<Duration>) -> Result<u32, Stop> {
        let slots = &mut self.slots;
        self.patience.until((slots.position(), slots.segment().capacity()), timeout, |watch| {
            Ok(slots.poll(want, |segment| watch.presence(&segment.roster().sender))?)
        })
    }

    /// Receives a message if there is one.
    ///
    /// # Errors
    ///
    /// If there is none. Whether the sender is gone is looked at only when the channel is empty.
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.poll_one().map_err(Stop::try_recv)?;
        let message = self.slots.take();
        self.slots.release();
        message.map_err(TryRecvError::Invalid)
    }

    /// Receives a message and waits for one, for as long as the sender lives or has yet to come.
    ///
    /// # Errors
    ///
    /// If there is none and the sender is gone; if its bytes are invalid; if the channel is broken. The
    /// channel is not at its end then: when a sender returns
    /// ([`wait_for_peer`](Self::wait_for_peer)), it goes on.
    #[inline]
    pub fn recv(&mut self) -> Result<T, RecvError> {
        self.poll_one_waiting(None).map_err(Stop::recv)?;
        let message = self.slots.take();
        self.slots.release();
        message.map_err(RecvError::Invalid)
    }

    /// Receives a message and waits for one, for at most as long as it says.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv), and if the time is up.
    #[inline]
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.poll_one_waiting(Some(timeout)).map_err(Stop::recv_timeout)?;
        let message = self.slots.take();
        self.slots.release();
        message.map_err(RecvTimeoutError::Invalid)
    }

    /// Appends up to `limit` messages that are there to `messages` and says how many: at least one, unless
    /// there were none. Allocates only if `messages` has no room for them.
    ///
    /// If the process is killed before their slots are given back, which happens at the end, all of them
    /// are delivered again; afterwards, none.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Self::try_recv), if there is none. A batch ends before an invalid message.
    #[inline]
    pub fn try_recv_batch(&mut self, messages: &mut Vec<T>, limit: usize) -> Result<usize, TryRecvError> {
        if limit == 0 {
            return Ok(0);
        }
        let ready = self.poll(clamp(limit)).map_err(Stop::try_recv)?;
        self.take_all(ready, messages).map_err(TryRecvError::Invalid)
    }

    /// Appends up to `limit` messages to `messages`, waits until there is one, and says how many.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv). A batch ends before an invalid message.
    #[inline]
    pub fn recv_batch(&mut self, messages: &mut Vec<T>, limit: usize) -> Result<usize, RecvError> {
        if limit == 0 {
            return Ok(0);
        }
        let ready = self.poll_waiting(clamp(limit), None).map_err(Stop::recv)?;
        self.take_all(ready, messages).map_err(RecvError::Invalid)
    }

    #[inline]
    fn take_all(&mut self, ready: u32, messages: &mut Vec<T>) -> Result<usize, crate::message::InvalidField> {
        messages.reserve(ready as usize);
        let mut taken = 0;
        for _ in 0..ready {
            // An invalid message is dropped and reported once it is the first of a batch.
            if T::CHECKED && taken > 0 && self.slots.validate().is_err() {
                break;
            }
            match self.slots.take() {
                Ok(message) => messages.push(message),
                Err(field) if taken == 0 => {
                    self.slots.release();
                    return Err(field);
                }
                // Only if a hostile peer changed it after it was validated: dropped, as every invalid one.
                Err(_) => break,
            }
            taken += 1;
        }
        self.slots.release();
        Ok(taken)
    }

    /// Lends the next message in place, if there is one.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Self::try_recv).
    #[inline]
    pub fn try_lease(&mut self) -> Result<Lease<'_, T>, TryRecvError> {
        self.poll_one().map_err(Stop::try_recv)?;
        match self.slots.validate() {
            Ok(()) => Ok(Lease::new(&mut self.slots)),
            Err(field) => {
                self.drop_first();
                Err(TryRecvError::Invalid(field))
            }
        }
    }

    /// Lends the next message in place, and waits for one.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    #[inline]
    pub fn lease(&mut self) -> Result<Lease<'_, T>, RecvError> {
        self.poll_one_waiting(None).map_err(Stop::recv)?;
        match self.slots.validate() {
            Ok(()) => Ok(Lease::new(&mut self.slots)),
            Err(field) => {
                self.drop_first();
                Err(RecvError::Invalid(field))
            }
        }
    }

    #[cold]
    fn drop_first(&mut self) {
        self.slots.skip();
        self.slots.release();
    }

    /// The messages as they come, until there is none and the sender is gone; an invalid one or a broken
    /// channel ends it too. A sender's death ends it like a leaving, though another one may come: to tell
    /// them apart, and to go on, use [`recv`](Self::recv).
    pub fn iter(&mut self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// The messages that are there.
    pub fn try_iter(&mut self) -> TryIter<'_, T> {
        TryIter { receiver: self }
    }

    /// Messages that have been received through this channel since it was created, by all its receivers:
    /// the number of the next message. A receiver that takes over goes on from here.
    pub fn position(&self) -> u64 {
        self.slots.position()
    }

    /// Messages that wait to be received, a moment ago: at least so many, and 0 only if there was none. A
    /// batch that is being sent may be counted late.
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

    /// The sender, by the kernel's word: a system call, or three that prove its death.
    pub fn peer(&self) -> Peer {
        self.patience.watch.peer(&self.slots.segment().roster().sender)
    }

    /// Waits until a sender is attached, for at most as long as it says; whether one is.
    pub fn wait_for_peer(&self, timeout: Duration) -> bool {
        self.patience.watch.wait_for_peer(&self.slots.segment().roster().sender, timeout)
    }
}

impl<T: Message> Drop for Receiver<T> {
    fn drop(&mut self) {
        if !self.owner.is_ours() {
            return;
        }
        roster::detach(&self.slots.segment().roster().receiver, &self.role, self.incarnation);
    }
}

/// Iterator of [`Receiver::iter`].
pub struct Iter<'a, T: Message> {
    receiver: &'a mut Receiver<T>,
}

impl<T: Message> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.recv().ok()
    }
}

/// Iterator of [`Receiver::try_iter`].
pub struct TryIter<'a, T: Message> {
    receiver: &'a mut Receiver<T>,
}

impl<T: Message> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.receiver.try_recv().ok()
    }
}

impl<'a, T: Message> IntoIterator for &'a mut Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T: Message> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

impl<T: Message> fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}

impl<T: Message> fmt::Debug for TryIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryIter").finish_non_exhaustive()
    }
}
