//! A channel on its way to be opened.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::kind::{ChoosesOnReceiverDeath, Kind, SharedReceivers, SharedSenders};
use super::options::{EndpointOptions, Opening, Options};
use super::receiver::Receiver;
use super::sender::Sender;
use super::{OnReceiverDeath, Parking, open};
use crate::map::Namespace;
use crate::segment::Locks;
use crate::{Error, Message, Wait};

/// A named channel that is about to be opened, by a sender or a receiver.
///
/// Whoever comes first creates the channel; options that describe the channel itself must agree.
///
/// ```
/// use ringway::spsc;
/// # let name = &format!("doc-channel-{}", std::process::id());
/// let channel = spsc::channel::<u64>(name);
/// assert!(channel.clone().open_existing().receiver().is_err(), "there is none yet");
/// let mut tx = channel.clone().capacity(64).create_new().sender()?;
/// let mut rx = channel.receiver()?; // in another process, as a rule
/// tx.send(7)?;
/// assert_eq!((rx.recv()?, rx.capacity()), (7, 64));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a channel is opened by `sender` or `receiver`"]
pub struct Channel<T, K> {
    options: Options,
    of: PhantomData<fn(T, K)>,
}

impl<T, K> Clone for Channel<T, K> {
    fn clone(&self) -> Self {
        Self { options: self.options.clone(), of: PhantomData }
    }
}

impl<T, K> fmt::Debug for Channel<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("options", &self.options).finish_non_exhaustive()
    }
}

impl<T: Message, K: Kind> Channel<T, K> {
    pub(super) fn new(name: &str) -> Self {
        Self { options: Options::new(name), of: PhantomData }
    }

    /// Where it is: the namespace, and the name in it.
    pub(crate) fn place(&self) -> (&Namespace, &str) {
        (&self.options.namespace, &self.options.name)
    }

    /// Messages that the channel holds, from 1 to 2³¹; any number, a power of two is not faster. Default:
    /// 1024 for a new channel, whatever it has for one that exists. If the channel exists with another
    /// capacity, it is refused with [`Error::Capacity`].
    pub fn capacity(mut self, messages: usize) -> Self {
        self.options.asked.capacity = Some(messages);
        self
    }

    /// Where the name lives. Default: [`Namespace::User`], one for each user of the machine.
    pub fn namespace(mut self, namespace: Namespace) -> Self {
        self.options.namespace = namespace;
        self
    }

    /// Permission bits of a new channel, whatever the umask. Default: `0o600`, which is also the least.
    /// Both sides need to read and write; see [`MapOptions::mode`](crate::map::MapOptions::mode) for what
    /// else that allows. Without effect on a channel that exists.
    pub fn mode(mut self, mode: u32) -> Self {
        self.options.mode = mode;
        self
    }

    /// Brings all of the channel into memory before it is open, on this side. Without it the first message in each page, or
    /// few pages, waits for the kernel to bring it: microseconds, on either side, until each slot was used once. Default:
    /// the pages come as they are needed. To open takes longer by what that takes. Before Linux 5.14 it does nothing.
    pub fn prefault(mut self) -> Self {
        self.options.prefault = true;
        self
    }

    /// Whether those who wait may sleep, and what that costs. Default: [`Parking::Asymmetric`] for a new channel, or
    /// [`Parking::Fenced`] where the kernel has no `membarrier` for it; whatever it has for one that exists. If
    /// the channel exists with another choice, it is refused with [`Error::Mismatch`].
    pub fn parking(mut self, parking: Parking) -> Self {
        self.options.asked.parking = Some(parking);
        self
    }

    /// How this side's blocking calls wait. Default: [`Wait::Park`]. The other side may choose otherwise.
    pub fn wait(mut self, wait: Wait) -> Self {
        self.options.endpoint.wait = wait;
        self
    }

    /// How often this side asks the kernel whether its peer lives, while it cannot go on: a death is
    /// noticed about this long after it blocks somebody, or at the next try after that. Default: 100 ms. Asking
    /// costs one system call for each participant, and three at a death. Where a side is shared, a claim that
    /// keeps this side from going on is looked into up to sixteen times as often.
    pub fn liveness_interval(mut self, interval: Duration) -> Self {
        self.options.endpoint.liveness_interval = interval;
        self
    }

    /// How long one participant that lives may keep this side from going on, by a claim that it does not go on with, before
    /// a call with a timeout returns `Stalled`, which names it, although its time is not up. Default: until it is up. Seen
    /// to some ten milliseconds. Calls without a timeout wait. Only a channel with a shared side can tell a claim that is in
    /// the way from a channel that is full or empty.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ringway::{RecvTimeoutError, mpmc};
    /// # let name = &format!("doc-stall-limit-{}", std::process::id());
    /// let channel = mpmc::channel::<u64>(name)
    ///     .liveness_interval(Duration::from_millis(10))
    ///     .stall_limit(Duration::from_millis(50));
    /// let mut tx = channel.clone().sender()?;
    /// let mut rx = channel.receiver()?;
    /// let loan = tx.loan()?; // and it does not go on with it
    /// let error = rx.recv_timeout(Duration::from_secs(600)).unwrap_err();
    /// assert!(matches!(error, RecvTimeoutError::Stalled(_)), "{error}");
    /// # drop(loan);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stall_limit(mut self, limit: Duration) -> Self {
        self.options.endpoint.stall_limit = Some(limit);
        self
    }

    /// Refuses a channel that exists (`AlreadyExists`), instead of attaching to it.
    pub fn create_new(mut self) -> Self {
        self.options.opening = Opening::CreateNew;
        self
    }

    /// Refuses to create the channel (`NotFound`), if it does not exist.
    pub fn open_existing(mut self) -> Self {
        self.options.opening = Opening::Open;
        self
    }

    /// Opens the channel as a sender.
    ///
    /// # Errors
    ///
    /// See [`Error`]: each one names the channel, what was found and expected, and what to do.
    pub fn sender(self) -> Result<Sender<T, K>, Error> {
        let segment = open::named::<T>(K::KIND, &self.options)?;
        let locks = Locks::of(&segment);
        Sender::attach(segment, locks, self.options.endpoint)
    }

    /// Opens the channel as a receiver.
    ///
    /// # Errors
    ///
    /// See [`Error`]: each one names the channel, what was found and expected, and what to do.
    pub fn receiver(self) -> Result<Receiver<T, K>, Error> {
        let segment = open::named::<T>(K::KIND, &self.options)?;
        let locks = Locks::of(&segment);
        Receiver::attach(segment, locks, self.options.endpoint)
    }
}

impl<T: Message, K: SharedSenders> Channel<T, K> {
    /// How many senders there may be at a time, in all processes, from 1 to 254. Default: 32 for a new channel,
    /// whatever it has for one that exists. If the channel exists with another number, it is refused with
    /// [`Error::Mismatch`]. Each takes 128 bytes, and a little time of whoever looks for the dead.
    pub fn max_senders(mut self, senders: usize) -> Self {
        self.options.asked.max_senders = Some(senders);
        self
    }
}

impl<T: Message, K: SharedReceivers> Channel<T, K> {
    /// How many receivers there may be at a time, in all processes, from 1 to 254. Default: 32 for a new channel,
    /// whatever it has for one that exists. If the channel exists with another number, it is refused with
    /// [`Error::Mismatch`]. Each takes 128 bytes, and a little time of whoever looks for the dead.
    pub fn max_receivers(mut self, receivers: usize) -> Self {
        self.options.asked.max_receivers = Some(receivers);
        self
    }
}

impl<T: Message, K: ChoosesOnReceiverDeath> Channel<T, K> {
    /// What becomes of the messages that a receiver had claimed, and not given back, when it died. Default:
    /// [`OnReceiverDeath::Redeliver`] for a new channel, whatever it has for one that exists. If the channel
    /// exists with the other choice, it is refused with [`Error::Mismatch`].
    pub fn on_receiver_death(mut self, choice: OnReceiverDeath) -> Self {
        self.options.asked.on_receiver_death = Some(choice);
        self
    }
}

/// A sender and a receiver of one channel.
type Ends<T, K> = (Sender<T, K>, Receiver<T, K>);

/// A new channel on the heap.
pub(super) fn in_process<T: Message, K: Kind>(capacity: usize) -> Result<Ends<T, K>, Error> {
    let segment = open::in_process::<T>(K::KIND, capacity)?;
    let locks = Locks::of(&segment);
    let others = locks.of_another(&segment)?;
    let options = EndpointOptions::default();
    let sender = Sender::attach(segment.clone(), locks, options)?;
    let receiver = Receiver::attach(segment, others, options)?;
    Ok((sender, receiver))
}
