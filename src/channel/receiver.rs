//! The receiving side.

use std::fmt;
use std::time::{Duration, Instant};

use super::blocking::{Patience, Stop};
use super::error::{RecvError, RecvTimeoutError, TryRecvError};
use super::health::Health;
use super::iter::{Iter, TryIter};
use super::kind::{Kind, SharedReceivers, SoleReceivers, SoleSenders, Spsc};
use super::loan::Lease;
use super::member::Member;
use super::open::{self, clamp};
use super::options::EndpointOptions;
use super::peer::{Peer, Predecessor, Watch};
use super::slots::RecvSlots;
use crate::message::InvalidField;
use crate::protocol::roster::{Presence, Side};
use crate::segment::{Locks, Segment};
#[cfg(feature = "async")]
use crate::wait::reactor::Ticket;
use crate::{Error, Message};

/// A receiver of a channel: the only one, or one of several, as the kind `K` says. Dropping it leaves the
/// channel; messages that were not received stay, for as long as somebody has the channel open.
///
/// ```
/// use std::time::Duration;
/// # let (mut tx, mut rx) = ringway::spsc::in_process::<u64>(8)?;
/// tx.send_batch(&[1, 2, 3, 4, 5])?;
/// assert_eq!(rx.recv()?, 1); // waits for one
/// assert_eq!(*rx.lease()?, 2); // in place
/// let mut batch = Vec::new();
/// assert_eq!(rx.recv_batch(&mut batch, 2)?, 2); // what is there, up to two
/// assert_eq!((batch, rx.try_iter().collect::<Vec<_>>()), (vec![3, 4], vec![5]));
/// assert!(rx.try_recv().is_err() && rx.recv_timeout(Duration::from_millis(1)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
// As of the sender: no end shares a cache line with another one.
#[repr(align(128))]
pub struct Receiver<T: Message, K: Kind> {
    /// Dropped before the memory that it is about.
    #[cfg(feature = "async")]
    pub(super) ticket: Option<Ticket>,
    pub(super) slots: RecvSlots<T, K>,
    pub(super) patience: Patience,
    pub(super) member: Member,
    options: EndpointOptions,
}

impl<T: Message, K: Kind> Receiver<T, K> {
    /// Takes a receiver's place. `locks` are for nobody else.
    pub(super) fn attach(segment: Segment, locks: Locks, options: EndpointOptions) -> Result<Self, Error> {
        let member = Member::join(segment.clone(), locks, Side::Receiving)?;
        let slots = RecvSlots::resume(segment, member.seat().index, member.bell())
            .map_err(|corruption| open::inconsistent(member.segment(), corruption))?;
        let watch = Watch::new(Side::Sending, &options);
        let patience = Patience::new(watch, options.wait_where(member.bell().lets_sleep()));
        Ok(Self {
            #[cfg(feature = "async")]
            ticket: None,
            slots,
            patience,
            member,
            options,
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

    /// Takes a message: one that is there, or the one that `poll` finds.
    #[inline(always)]
    fn take<E>(
        &mut self,
        poll: impl FnOnce(&mut Self) -> Result<u32, Stop>,
        stopped: impl FnOnce(Stop) -> E,
        invalid: impl FnOnce(InvalidField) -> E,
    ) -> Result<T, E> {
        if let Some(found) = self.slots.poll_found() {
            return self.slots.take(found, invalid);
        }
        self.take_by(poll, stopped, invalid)
    }

    /// Takes the message that `poll` finds. Apart, so that a message that is there costs no registers for this.
    #[cold]
    #[inline(never)]
    fn take_by<E>(
        &mut self,
        poll: impl FnOnce(&mut Self) -> Result<u32, Stop>,
        stopped: impl FnOnce(Stop) -> E,
        invalid: impl FnOnce(InvalidField) -> E,
    ) -> Result<T, E> {
        poll(self).map_err(stopped)?;
        let found = self.slots.found();
        self.slots.take(found, invalid)
    }

    /// Looks for up to `want` messages, or says why there is none.
    #[inline(never)]
    fn poll(&mut self, want: u32) -> Result<u32, Stop> {
        let (slots, member) = (&mut self.slots, &self.member);
        self.patience.once(member, |watch| slots.poll(want, watch, member))
    }

    /// Looks for up to `want` messages and waits until there is one.
    #[inline(never)]
    fn poll_waiting(&mut self, want: u32, timeout: Option<Duration>) -> Result<u32, Stop> {
        let (slots, member) = (&mut self.slots, &self.member);
        self.patience.until(member, slots.position(), timeout, |watch| slots.poll(want, watch, member))
    }

    /// Receives a message if there is one.
    ///
    /// # Errors
    ///
    /// If there is none. Whether every sender is gone is looked at only when the channel is empty.
    #[inline(always)]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.take(|this| this.poll(1), Stop::try_recv, TryRecvError::Invalid)
    }

    /// Receives a message and waits for one, for as long as a sender lives or has yet to come.
    ///
    /// # Errors
    ///
    /// If there is none and every sender is gone; if its bytes are invalid; if the channel is broken. The channel is not
    /// at its end then: when a sender returns ([`wait_for_peer`](Self::wait_for_peer)), it goes on.
    #[inline(always)]
    pub fn recv(&mut self) -> Result<T, RecvError> {
        self.take(|this| this.poll_waiting(1, None), Stop::recv, RecvError::Invalid)
    }

    /// Receives a message and waits for one, for at most as long as it says.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv), and if the time is up.
    #[inline(always)]
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        let poll = |this: &mut Self| this.poll_waiting(1, Some(timeout));
        self.take(poll, Stop::recv_timeout, RecvTimeoutError::Invalid)
    }

    /// Receives a message and waits for one until that time.
    ///
    /// # Errors
    ///
    /// As [`recv_timeout`](Self::recv_timeout).
    pub fn recv_deadline(&mut self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.recv_timeout(deadline.saturating_duration_since(Instant::now()))
    }

    /// Appends up to `limit` messages that are there to `messages` and says how many: at least one, unless there were none.
    /// Where a side is shared it may be fewer than are there, at most 255. Allocates only if `messages` has no room.
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
        self.poll(clamp(limit)).map_err(Stop::try_recv)?;
        self.slots.take_all(messages).map_err(TryRecvError::Invalid)
    }

    /// Appends up to `limit` messages to `messages`, waits until there is one, and says how many.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv). A batch ends before an invalid message; where there are several receivers, what this one
    /// had claimed behind it waits for its next call. They claim at most 255 messages at a time.
    #[inline]
    pub fn recv_batch(&mut self, messages: &mut Vec<T>, limit: usize) -> Result<usize, RecvError> {
        if limit == 0 {
            return Ok(0);
        }
        self.poll_waiting(clamp(limit), None).map_err(Stop::recv)?;
        self.slots.take_all(messages).map_err(RecvError::Invalid)
    }

    /// Appends up to `limit` messages to `messages`, waits for one, for at most as long as it says, and says how many.
    ///
    /// # Errors
    ///
    /// As [`recv_timeout`](Self::recv_timeout). A batch ends as that of [`recv_batch`](Self::recv_batch).
    #[inline]
    pub fn recv_batch_timeout(
        &mut self,
        messages: &mut Vec<T>,
        limit: usize,
        timeout: Duration,
    ) -> Result<usize, RecvTimeoutError> {
        if limit == 0 {
            return Ok(0);
        }
        self.poll_waiting(clamp(limit), Some(timeout)).map_err(Stop::recv_timeout)?;
        self.slots.take_all(messages).map_err(RecvTimeoutError::Invalid)
    }

    /// Lends the next message in place, if there is one.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Self::try_recv).
    #[inline]
    pub fn try_lease(&mut self) -> Result<Lease<'_, T, K>, TryRecvError> {
        self.poll_one().map_err(Stop::try_recv)?;
        self.lend().map_err(TryRecvError::Invalid)
    }

    /// Lends the next message in place, and waits for one.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    #[inline]
    pub fn lease(&mut self) -> Result<Lease<'_, T, K>, RecvError> {
        self.poll_one_waiting(None).map_err(Stop::recv)?;
        self.lend().map_err(RecvError::Invalid)
    }

    /// Lends the next message in place, and waits for one, for at most as long as it says.
    ///
    /// # Errors
    ///
    /// As [`recv_timeout`](Self::recv_timeout).
    #[inline]
    pub fn lease_timeout(&mut self, timeout: Duration) -> Result<Lease<'_, T, K>, RecvTimeoutError> {
        self.poll_one_waiting(Some(timeout)).map_err(Stop::recv_timeout)?;
        self.lend().map_err(RecvTimeoutError::Invalid)
    }

    /// Lends the message that is there, or drops it if it is invalid.
    #[inline]
    fn lend(&mut self) -> Result<Lease<'_, T, K>, InvalidField> {
        match self.slots.validate() {
            Ok(()) => Ok(Lease::new(&mut self.slots)),
            Err(field) => {
                self.drop_first();
                Err(field)
            }
        }
    }

    #[cold]
    fn drop_first(&mut self) {
        self.slots.drop_first();
    }

    /// The messages as they come, until there is none and every sender is gone; an invalid one or a broken channel ends it
    /// too. A death ends it like a leaving, though another one may come: to tell them apart, use [`recv`](Self::recv).
    pub fn iter(&mut self) -> Iter<'_, T, K> {
        Iter::new(self)
    }

    /// The messages that are there.
    pub fn try_iter(&mut self) -> TryIter<'_, T, K> {
        TryIter::new(self)
    }

    /// How often what the last call received may have been received before, by receivers that were killed or that gave
    /// it up (a lease that was forgotten, the rest of a batch, and then the handle dropped): 0 if that was the first time,
    /// or if nothing was received; of a batch, the most of any. What is lent says so itself ([`Lease::redelivered`]).
    ///
    /// Always 0 for `spsc`, which cannot tell: there a receiver's first messages may be some that its
    /// [predecessor](Self::predecessor) had received.
    pub fn redelivered(&self) -> u32 {
        self.slots.redelivered()
    }

    /// Messages that wait to be received, roughly, a moment ago; 0 only if there was none. A batch that is being sent may
    /// be counted late. Where a side is shared, slots that a sender has claimed count as messages, those that another
    /// receiver has claimed do not, and of what is to be delivered again it says only that there may be some.
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

    /// Who takes part, who died, and who keeps others waiting, by the kernel's word; and repairs what the dead
    /// left. A system call for each participant, and two milliseconds if somebody is in the way.
    pub fn health(&self) -> Health {
        Health::of(&self.member)
    }

    /// Waits until a sender is attached, or there is a message of one that has come and left again, for at most as long as
    /// it says; whether it came to that.
    pub fn wait_for_peer(&mut self, timeout: Duration) -> bool {
        let Self { slots, member, patience, .. } = self;
        patience.watch.wait_for_peer(member, timeout, || slots.may_poll(|_| Presence::Live.into()))
    }
}

impl<T: Message, K: SharedReceivers> Receiver<T, K> {
    /// Another receiver of the same channel, with the same options: it has a place and locks of its own, as if it
    /// had opened the channel by name. It opens the channel's file again: a few system calls.
    ///
    /// # Errors
    ///
    /// [`Error::Full`] if there are as many receivers as there may be, [`Error::Map`] if the file cannot be opened
    /// again.
    pub fn try_clone(&self) -> Result<Self, Error> {
        let segment = self.member.segment();
        let locks = self.member.locks().of_another(segment)?;
        Self::attach(segment.clone(), locks, self.options)
    }
}

/// As [`try_clone`](Receiver::try_clone).
///
/// # Panics
///
/// With the text of its error, if there can be no other receiver.
impl<T: Message, K: SharedReceivers> Clone for Receiver<T, K> {
    fn clone(&self) -> Self {
        self.try_clone().unwrap_or_else(|error| panic!("{error}"))
    }
}

impl<T: Message> Receiver<T, Spsc> {
    /// Messages that have been received through this channel since it was created, by all its receivers:
    /// the number of the next message. A receiver that takes over goes on from here.
    pub fn position(&self) -> u64 {
        self.slots.position()
    }
}

impl<T: Message, K: SoleReceivers> Receiver<T, K> {
    /// How the one that had this role before ended.
    pub fn predecessor(&self) -> Predecessor {
        self.member.predecessor()
    }
}

impl<T: Message, K: SoleSenders> Receiver<T, K> {
    /// The sender, by the kernel's word: a system call, or three that prove its death.
    pub fn peer(&self) -> Peer {
        self.patience.watch.peer(&self.member)
    }
}

impl<T: Message, K: Kind> Drop for Receiver<T, K> {
    fn drop(&mut self) {
        // What is claimed is given up before the place that it is claimed from.
        if self.member.is_ours() {
            self.slots.abandon();
        }
    }
}

impl<'a, T: Message, K: Kind> IntoIterator for &'a mut Receiver<T, K> {
    type Item = T;
    type IntoIter = Iter<'a, T, K>;

    fn into_iter(self) -> Iter<'a, T, K> {
        self.iter()
    }
}

impl<T: Message, K: Kind> fmt::Debug for Receiver<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
