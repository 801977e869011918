//! The sending side.

use std::fmt;
use std::time::{Duration, Instant};

use super::blocking::{Patience, Stop};
use super::error::{SendError, SendTimeoutError, TrySendError};
use super::health::Health;
use super::kind::{Kind, SharedSenders, SoleReceivers, SoleSenders};
use super::loan::Loan;
use super::member::Member;
use super::open::{self, clamp};
use super::options::EndpointOptions;
use super::peer::{Peer, Predecessor, Watch};
use super::sending::Room;
use super::slots::SendSlots;
use crate::protocol::roster::Side;
use crate::segment::{Locks, Segment};
#[cfg(feature = "async")]
use crate::wait::reactor::Ticket;
use crate::{Error, Message};

/// A sender of a channel: the only one, or one of several, as the kind `K` says. Dropping it leaves the
/// channel; messages that were sent stay, for as long as somebody has the channel open.
///
/// While no receiver has come yet, a sender fills the channel and then waits. If it leaves before somebody else
/// is there, it is the last one out, and the channel goes with all its messages:
/// [`wait_for_peer`](Self::wait_for_peer) first.
///
/// ```
/// use std::time::Duration;
///
/// use ringway::{TrySendError, spsc};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mut tx, mut rx) = spsc::in_process::<u64>(4)?;
/// tx.send(1)?; // waits for room
/// tx.send_batch(&[2, 3])?; // all at once
/// let loan = tx.loan()?; // a slot of the channel, to be written in place
/// loan.write(4).publish();
/// assert_eq!(tx.try_send(5), Err(TrySendError::Full(5)));
/// assert!(tx.send_timeout(5, Duration::from_millis(1)).is_err());
///
/// drop(tx);
/// assert_eq!(rx.iter().collect::<Vec<_>>(), [1, 2, 3, 4]);
/// # Ok(()) }
/// ```
// Two ends beside each other in memory, used by two threads, would share a cache line otherwise.
#[repr(align(128))]
pub struct Sender<T: Message, K: Kind> {
    /// Dropped before the memory that it is about.
    #[cfg(feature = "async")]
    pub(super) ticket: Option<Ticket>,
    pub(super) slots: SendSlots<T, K>,
    pub(super) patience: Patience,
    pub(super) member: Member,
    options: EndpointOptions,
}

impl<T: Message, K: Kind> Sender<T, K> {
    /// Takes a sender's place. `locks` are for nobody else.
    pub(super) fn attach(segment: Segment, locks: Locks, options: EndpointOptions) -> Result<Self, Error> {
        let member = Member::join(segment.clone(), locks, Side::Sending)?;
        let slots = SendSlots::resume(segment, member.seat().index, member.bell())
            .map_err(|corruption| open::inconsistent(member.segment(), corruption))?;
        let watch = Watch::new(Side::Receiving, &options);
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

    /// Claims a slot to be lent, or says why there is none.
    #[inline]
    fn claim_one(&mut self) -> Result<(), Stop> {
        if self.slots.claim_one() { Ok(()) } else { self.claim(1).map(drop) }
    }

    /// Claims a slot to be lent, and waits until there is one.
    #[inline]
    fn claim_one_waiting(&mut self, timeout: Option<Duration>) -> Result<(), Stop> {
        if self.slots.claim_one() { Ok(()) } else { self.claim_waiting(1, timeout).map(drop) }
    }

    /// Claims a slot to be filled at once: one that is free, or the one that `claim` gets. Without the message, which would be
    /// copied once more.
    #[inline(always)]
    fn room(&mut self, claim: impl FnOnce(&mut Self) -> Result<u32, Stop>) -> Result<Room, Stop> {
        match self.slots.claim_room() {
            Some(room) => Ok(room),
            None => claim(self).map(|_| self.slots.room()),
        }
    }

    /// Claims up to `want` slots, or says why there is none.
    #[inline(never)]
    fn claim(&mut self, want: u32) -> Result<u32, Stop> {
        let (slots, member) = (&mut self.slots, &self.member);
        self.patience.once(member, |watch| slots.claim(want, watch, member))
    }

    /// Claims up to `want` slots and waits until there is one.
    #[inline(never)]
    fn claim_waiting(&mut self, want: u32, timeout: Option<Duration>) -> Result<u32, Stop> {
        let (slots, member) = (&mut self.slots, &self.member);
        self.patience.until(member, slots.position(), timeout, |watch| slots.claim(want, watch, member))
    }

    /// Sends a message if there is a free slot.
    ///
    /// # Errors
    ///
    /// With the message, if the channel is full or broken. Whether every receiver is gone is looked at only
    /// when the channel is full.
    #[inline(always)]
    pub fn try_send(&mut self, message: T) -> Result<(), TrySendError<T>> {
        match self.room(|this| this.claim(1)) {
            Ok(room) => {
                self.slots.put(room, &message);
                Ok(())
            }
            Err(stop) => Err(stop.try_send(message)),
        }
    }

    /// Sends a message and waits for a free slot, for as long as a receiver lives or has yet to come.
    ///
    /// # Errors
    ///
    /// With the message, if the channel is full and every receiver is gone, or if it is broken.
    #[inline(always)]
    pub fn send(&mut self, message: T) -> Result<(), SendError<T>> {
        match self.room(|this| this.claim_waiting(1, None)) {
            Ok(room) => {
                self.slots.put(room, &message);
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
    #[inline(always)]
    pub fn send_timeout(&mut self, message: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        match self.room(|this| this.claim_waiting(1, Some(timeout))) {
            Ok(room) => {
                self.slots.put(room, &message);
                Ok(())
            }
            Err(stop) => Err(stop.send_timeout(message)),
        }
    }

    /// Sends a message and waits for a free slot until that time.
    ///
    /// # Errors
    ///
    /// As [`send_timeout`](Self::send_timeout).
    pub fn send_deadline(&mut self, message: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.send_timeout(message, deadline.saturating_duration_since(Instant::now()))
    }

    /// Sends as many of the messages, from the first, as there are free slots, and says how many: at least
    /// one, unless there were none. Where there are several senders, at most 255.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ringway::SendTimeoutError;
    ///
    /// let (mut tx, _rx) = ringway::spsc::in_process::<u64>(2)?;
    /// assert_eq!(tx.try_send_batch(&[1, 2, 3])?, 2);
    /// assert!(tx.is_full());
    /// // Of the rest none was sent before the time was up.
    /// let error = tx.send_batch_timeout(&[3], Duration::from_millis(1));
    /// assert_eq!(error, Err(SendTimeoutError::Timeout(0)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
        self.slots.put_all(&messages[..claimed as usize]);
        Ok(claimed as usize)
    }

    /// Sends all the messages and waits for free slots. A receiver may see them one by one, and another
    /// sender's between them.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), with the number of messages that were sent before.
    pub fn send_batch(&mut self, messages: &[T]) -> Result<(), SendError<usize>> {
        let mut sent = 0;
        while sent < messages.len() {
            match self.claim_waiting(clamp(messages.len() - sent), None) {
                Ok(claimed) => {
                    self.slots.put_all(&messages[sent..][..claimed as usize]);
                    sent += claimed as usize;
                }
                Err(stop) => return Err(stop.send(sent)),
            }
        }
        Ok(())
    }

    /// Sends all the messages and waits for free slots, for at most as long as it says in all.
    ///
    /// # Errors
    ///
    /// As [`send_timeout`](Self::send_timeout), with the number of messages that were sent before.
    pub fn send_batch_timeout(
        &mut self,
        messages: &[T],
        timeout: Duration,
    ) -> Result<(), SendTimeoutError<usize>> {
        // A time that no clock can say is no limit.
        let deadline = Instant::now().checked_add(timeout);
        let mut sent = 0;
        while sent < messages.len() {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            match self.claim_waiting(clamp(messages.len() - sent), left) {
                Ok(claimed) => {
                    self.slots.put_all(&messages[sent..][..claimed as usize]);
                    sent += claimed as usize;
                }
                Err(stop) => return Err(stop.send_timeout(sent)),
            }
        }
        Ok(())
    }

    /// Lends the next slot, for a message to be written in place, if there is a free one.
    ///
    /// # Errors
    ///
    /// As [`try_send`](Self::try_send).
    #[inline]
    pub fn try_loan(&mut self) -> Result<Loan<'_, T, K>, TrySendError<()>> {
        self.claim_one().map_err(|stop| stop.try_send(()))?;
        Ok(Loan::new(&mut self.slots))
    }

    /// Lends the next slot, for a message to be written in place, and waits for a free one.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    #[inline]
    pub fn loan(&mut self) -> Result<Loan<'_, T, K>, SendError<()>> {
        match self.claim_one_waiting(None) {
            Ok(()) => Ok(Loan::new(&mut self.slots)),
            Err(stop) => Err(stop.send(())),
        }
    }

    /// Lends the next slot, for a message to be written in place, and waits for a free one, for at most as long
    /// as it says.
    ///
    /// # Errors
    ///
    /// As [`send_timeout`](Self::send_timeout).
    #[inline]
    pub fn loan_timeout(&mut self, timeout: Duration) -> Result<Loan<'_, T, K>, SendTimeoutError<()>> {
        match self.claim_one_waiting(Some(timeout)) {
            Ok(()) => Ok(Loan::new(&mut self.slots)),
            Err(stop) => Err(stop.send_timeout(())),
        }
    }

    /// Messages that wait to be received, a moment ago. Where there are several senders, slots that one has claimed
    /// count as messages; where there are several receivers, what is to be delivered again does not count.
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

    /// Waits until a receiver is attached, for at most as long as it says; whether one is.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// # let name = &format!("doc-wait-for-peer-{}", std::process::id());
    /// let mut tx = ringway::spsc::channel::<u64>(name).sender()?;
    /// assert!(!tx.wait_for_peer(Duration::from_millis(1)), "nobody has come yet");
    /// let mut rx = ringway::spsc::channel::<u64>(name).receiver()?;
    /// assert!(tx.wait_for_peer(Duration::MAX) && rx.wait_for_peer(Duration::MAX));
    ///
    /// let deadline = Instant::now() + Duration::from_millis(1);
    /// tx.send_deadline(7, deadline)?;
    /// assert_eq!(rx.recv_deadline(deadline)?, 7);
    /// assert!(rx.recv_deadline(deadline).is_err(), "that time has come, and there is nothing");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_for_peer(&self, timeout: Duration) -> bool {
        self.patience.watch.wait_for_peer(&self.member, timeout, || false)
    }
}

impl<T: Message, K: SharedSenders> Sender<T, K> {
    /// Another sender of the same channel, with the same options: it has a place and locks of its own, as if it
    /// had opened the channel by name. It opens the channel's file again: a few system calls.
    ///
    /// # Errors
    ///
    /// [`Error::Full`] if there are as many senders as there may be, [`Error::Map`] if the file cannot be opened
    /// again.
    pub fn try_clone(&self) -> Result<Self, Error> {
        let segment = self.member.segment();
        let locks = self.member.locks().of_another(segment)?;
        Self::attach(segment.clone(), locks, self.options)
    }
}

/// As [`try_clone`](Sender::try_clone).
///
/// # Panics
///
/// With the text of its error, if there can be no other sender.
impl<T: Message, K: SharedSenders> Clone for Sender<T, K> {
    fn clone(&self) -> Self {
        self.try_clone().unwrap_or_else(|error| panic!("{error}"))
    }
}

impl<T: Message, K: SoleSenders> Sender<T, K> {
    /// Messages that have been sent through this channel since it was created, by all its senders: the
    /// number of the next message. A sender that takes over goes on from here.
    pub fn position(&self) -> u64 {
        self.slots.position()
    }

    /// How the one that had this role before ended.
    pub fn predecessor(&self) -> Predecessor {
        self.member.predecessor()
    }
}

impl<T: Message, K: SoleReceivers> Sender<T, K> {
    /// The receiver, by the kernel's word: a system call, or three that prove its death.
    pub fn peer(&self) -> Peer {
        self.patience.watch.peer(&self.member)
    }
}

impl<T: Message, K: Kind> Drop for Sender<T, K> {
    fn drop(&mut self) {
        // What is claimed is given up before the place that it is claimed from.
        if self.member.is_ours() {
            self.slots.abandon();
        }
    }
}

impl<T: Message, K: Kind> fmt::Debug for Sender<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
