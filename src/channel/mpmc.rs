//! Channels with several senders and several receivers, each message for one of them.
//!
//! ```
//! use ringway::mpmc;
//!
//! let (mut sender, mut receiver) = mpmc::in_process::<u64>(64)?;
//! let (mut other_sender, mut other_receiver) = (sender.clone(), receiver.clone());
//! sender.send(1)?;
//! other_sender.send(2)?;
//! assert_eq!(receiver.recv()? + other_receiver.recv()?, 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Whichever receiver is free takes the next message: no broadcast. Messages of one sender are taken in the order
//! in which they were sent, those of several in the order in which the senders got their slots; they are finished in
//! any. Up to [`max_senders`](Channel::max_senders) and [`max_receivers`](Channel::max_receivers) may take part at a
//! time, from any number of processes; each thread needs an end of its own, which is a clone or one that it opened
//! by name. Receivers hear that the channel is at its end when every sender is gone and no other receiver holds a
//! message that it could leave.
//!
//! A sender that is killed with a slot in hand leaves a gap, which whoever is kept waiting by it finds and closes:
//! what it had published is delivered, and nothing else is lost.
//! What a receiver was killed with is delivered again, to another one, later and out of order;
//! [`Receiver::redelivered`] says how often that may have happened. A message that sixteen receivers died of is
//! dropped. A channel that must not deliver anything twice is told so when it is made
//! ([`OnReceiverDeath::Discard`](crate::OnReceiverDeath)).
//!
//! All else is as in [`spsc`](super::spsc).

use super::Mpmc;
use super::builder::in_process as on_the_heap;
use crate::{Error, Message};

/// A named channel that is about to be opened, by a sender or a receiver.
pub type Channel<T> = super::Channel<T, Mpmc>;
/// One of the senders of a channel.
pub type Sender<T> = super::Sender<T, Mpmc>;
/// One of the receivers of a channel.
pub type Receiver<T> = super::Receiver<T, Mpmc>;
/// Iterator of [`Receiver::iter`].
pub type Iter<'a, T> = super::Iter<'a, T, Mpmc>;
/// Iterator of [`Receiver::try_iter`].
pub type TryIter<'a, T> = super::TryIter<'a, T, Mpmc>;

/// The channel of messages `T` with this name: any non-empty string without NUL.
///
/// ```
/// use ringway::mpmc;
/// # let name = &format!("doc-mpmc-{}", std::process::id());
/// let mut tx = mpmc::channel::<u64>(name).max_senders(8).max_receivers(8).sender()?;
/// let mut rx = mpmc::channel::<u64>(name).receiver()?; // in another process, as a rule
/// let mut other = tx.try_clone()?; // each thread needs one of its own
/// tx.send(1)?;
/// other.send(2)?;
/// assert_eq!(rx.recv()? + rx.recv()?, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn channel<T: Message>(name: &str) -> Channel<T> {
    Channel::new(name)
}

/// A channel of at least one message on the heap, for threads of this process: the same types and the same
/// code, without a name. Both ends can be cloned.
///
/// ```
/// use ringway::mpmc;
///
/// let (mut tx, mut rx) = mpmc::in_process::<u64>(16)?;
/// let (mut other_tx, mut other_rx) = (tx.clone(), rx.clone());
/// tx.send(1)?;
/// other_tx.send(2)?;
/// assert_eq!((other_rx.recv()?, rx.recv()?), (1, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Option`] if the capacity is 0 or too large, [`Error::Map`] if there is no memory for it.
pub fn in_process<T: Message>(capacity: usize) -> Result<(Sender<T>, Receiver<T>), Error> {
    on_the_heap(capacity)
}
