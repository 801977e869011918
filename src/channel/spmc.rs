//! Channels with one sender and several receivers, each message for one of them.
//!
//! ```
//! use ringway::spmc;
//!
//! let (mut sender, receiver) = spmc::in_process::<u64>(64)?;
//! sender.send_batch(&[1, 2, 3, 4, 5, 6])?;
//! drop(sender);
//! let sum = |mut receiver: spmc::Receiver<u64>| receiver.iter().sum::<u64>();
//! let other = receiver.clone();
//! let sums = std::thread::scope(|scope| {
//!     let workers = [scope.spawn(move || sum(receiver)), scope.spawn(move || sum(other))];
//!     workers.map(|worker| worker.join().unwrap())
//! });
//! assert_eq!(sums[0] + sums[1], 21);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Whichever receiver is free takes the next message: this is how work is shared out, and no broadcast. They take
//! messages in the order in which they were sent, and finish them in any. Up to
//! [`max_receivers`](Channel::max_receivers) may receive at a time, from any number of processes; each thread needs
//! a receiver of its own, which is a [clone](Receiver::try_clone) or one that it opened by name. They hear that the
//! channel is at its end when the sender is gone and no other receiver holds a message that it could leave.
//!
//! What a receiver was killed with is delivered again, to another one, later and out of order;
//! [`Receiver::redelivered`] says how often that may have happened. A message that sixteen receivers died of is
//! dropped. A channel that must not deliver anything twice is told so when it is made
//! ([`OnReceiverDeath::Discard`](crate::OnReceiverDeath)).
//!
//! All else is as in [`spsc`](super::spsc).

use super::Spmc;
use super::builder::in_process as on_the_heap;
use crate::{Error, Message};

/// A named channel that is about to be opened, by a sender or a receiver.
pub type Channel<T> = super::Channel<T, Spmc>;
/// The one sender of a channel.
pub type Sender<T> = super::Sender<T, Spmc>;
/// One of the receivers of a channel.
pub type Receiver<T> = super::Receiver<T, Spmc>;
/// Iterator of [`Receiver::iter`].
pub type Iter<'a, T> = super::Iter<'a, T, Spmc>;
/// Iterator of [`Receiver::try_iter`].
pub type TryIter<'a, T> = super::TryIter<'a, T, Spmc>;

/// The channel of messages `T` with this name: any non-empty string without NUL.
///
/// ```
/// use ringway::spmc;
/// # let name = &format!("doc-spmc-{}", std::process::id());
/// let mut tx = spmc::channel::<u64>(name).max_receivers(8).sender()?;
/// let mut workers = [spmc::channel::<u64>(name).receiver()?, spmc::channel::<u64>(name).receiver()?];
/// tx.send_batch(&[1, 2])?;
/// let sum = workers[0].recv()? + workers[1].recv()?;
/// assert_eq!(sum, 3, "each message went to one of them");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn channel<T: Message>(name: &str) -> Channel<T> {
    Channel::new(name)
}

/// A channel of at least one message on the heap, for threads of this process: the same types and the same
/// code, without a name. The receiver can be cloned.
///
/// ```
/// use ringway::spmc;
///
/// let (mut tx, mut rx) = spmc::in_process::<u64>(16)?;
/// let mut other = rx.clone();
/// tx.send_batch(&[1, 2])?;
/// assert_eq!((rx.recv()?, other.recv()?), (1, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Option`] if the capacity is 0 or too large, [`Error::Map`] if there is no memory for it.
pub fn in_process<T: Message>(capacity: usize) -> Result<(Sender<T>, Receiver<T>), Error> {
    on_the_heap(capacity)
}
