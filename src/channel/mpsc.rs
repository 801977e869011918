//! Channels with several senders and one receiver.
//!
//! ```
//! use ringway::mpsc;
//!
//! let (sender, mut receiver) = mpsc::in_process::<u64>(64)?;
//! std::thread::scope(|scope| {
//!     for first in [0, 100, 200] {
//!         let mut sender = sender.clone();
//!         scope.spawn(move || sender.send_batch(&[first, first + 1]));
//!     }
//! });
//! drop(sender);
//! let mut numbers: Vec<u64> = receiver.iter().collect();
//! numbers.sort();
//! assert_eq!(numbers, [0, 1, 100, 101, 200, 201]);
//! # Ok::<(), ringway::Error>(())
//! ```
//!
//! The receiver gets every message: those of one sender in the order in which they were sent, those of several in
//! the order in which the senders got their slots. It hears that the channel is at its end when the last sender is
//! gone. Up to [`max_senders`](Channel::max_senders) may send at a time, from any number of processes; each thread
//! needs a sender of its own, which is a [clone](Sender::try_clone) or one that it opened by name.
//!
//! A sender that is killed with a slot in hand leaves a gap, which whoever is kept waiting by it finds and closes:
//! what it had published is delivered, and nothing else is lost.
//! What a receiver was killed with is delivered again to its successor, in order, and
//! [`Receiver::redelivered`] says how often that may have happened; a message that sixteen receivers in a row were
//! killed with is dropped and counted ([`Health::poisoned`](crate::Health)), and where the channel was made with
//! [`OnReceiverDeath::Discard`](crate::OnReceiverDeath) each that one was killed with is.
//!
//! All else is as in [`spsc`](super::spsc).

use super::Mpsc;
use super::builder::in_process as on_the_heap;
use crate::{Error, Message};

/// A named channel that is about to be opened, by a sender or a receiver.
pub type Channel<T> = super::Channel<T, Mpsc>;
/// One of the senders of a channel.
pub type Sender<T> = super::Sender<T, Mpsc>;
/// The one receiver of a channel.
pub type Receiver<T> = super::Receiver<T, Mpsc>;
/// Iterator of [`Receiver::iter`].
pub type Iter<'a, T> = super::Iter<'a, T, Mpsc>;
/// Iterator of [`Receiver::try_iter`].
pub type TryIter<'a, T> = super::TryIter<'a, T, Mpsc>;

/// The channel of messages `T` with this name: any non-empty string without NUL.
///
/// ```
/// use ringway::mpsc;
/// # let name = &format!("doc-mpsc-{}", std::process::id());
/// let mut rx = mpsc::channel::<u64>(name).max_senders(2).receiver()?;
/// let senders = [mpsc::channel::<u64>(name).sender()?, mpsc::channel::<u64>(name).sender()?];
/// assert!(mpsc::channel::<u64>(name).sender().is_err(), "there are two");
/// for mut tx in senders {
///     tx.send(1)?;
/// }
/// assert_eq!(rx.iter().sum::<u64>(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn channel<T: Message>(name: &str) -> Channel<T> {
    Channel::new(name)
}

/// A channel of at least one message on the heap, for threads of this process: the same types and the same
/// code, without a name. The sender can be cloned.
///
/// ```
/// use ringway::mpsc;
///
/// let (mut tx, mut rx) = mpsc::in_process::<u64>(16)?;
/// let mut other = tx.clone();
/// tx.send(1)?;
/// other.send(2)?;
/// drop((tx, other));
/// assert_eq!(rx.iter().collect::<Vec<_>>(), [1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Option`] if the capacity is 0 or too large, [`Error::Map`] if there is no memory for it.
pub fn in_process<T: Message>(capacity: usize) -> Result<(Sender<T>, Receiver<T>), Error> {
    on_the_heap(capacity)
}
