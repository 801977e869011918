//! Channels with one sender and one receiver.
//!
//! ```no_run
//! use ringway::{Message, spsc};
//!
//! #[derive(Message, Clone, Copy, Debug)]
//! #[repr(C)]
//! struct Tick { time_ns: u64, price: f64, size: u32, venue: u32 }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // One process …
//! let mut sender = spsc::channel::<Tick>("ticks").capacity(1024).sender()?;
//! sender.send(Tick { time_ns: 1, price: 101.5, size: 10, venue: 3 })?;
//!
//! // … and another, started before it or while it runs.
//! let mut receiver = spsc::channel::<Tick>("ticks").receiver()?;
//! println!("{:?}", receiver.recv()?);
//! # Ok(()) }
//! ```
//!
//! Messages are received in the order in which they were sent. Each side is exclusive: a second sender is
//! refused with the process id of the first ([`Error::RoleTaken`](crate::Error)), unless the first is dead:
//! then the second takes over and goes on exactly where the first one stopped. A message is published at
//! one instant: before it, it never existed, and after it, it is delivered, whoever dies. A receiver gives a slot
//! back at one instant, too: a copying receive before it returns, a [`Lease`](crate::Lease) when it is dropped.
//! What a receiver was killed with before that is delivered again to its successor; what it had given back is
//! not. So a message that must not be lost with its receiver is worked on under its lease.
//!
//! A forked child that goes on without `exec` does not have the memory: calls of the handles that it inherits say
//! [`Broken::Forked`](crate::Broken), and a loan or lease that it inherits panics when it is used; it may be dropped. For as long
//! as it lives, it also keeps its parent's locks, so that a death of the parent is not noticed.
//!
//! The channel exists for as long as any process has it open, and disappears with the last one, messages and
//! all. Whoever sends and leaves should know that somebody is there to receive
//! ([`Sender::wait_for_peer`]).
//!
//! A sender that takes over learns from [`Sender::position`] how many messages were published before it, and
//! so where to go on:
//!
//! ```
//! # let ((mut sender, _receiver), records) = (ringway::spsc::in_process::<u64>(8)?, [1, 2, 3]);
//! let done = sender.position() as usize; // 0 for the first sender
//! for record in &records[done..] {
//!     sender.send(*record)?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::Spsc;
use super::builder::in_process as on_the_heap;
use crate::{Error, Message};

/// A named channel that is about to be opened by one of its two sides.
pub type Channel<T> = super::Channel<T, Spsc>;
/// The one sender of a channel.
pub type Sender<T> = super::Sender<T, Spsc>;
/// The one receiver of a channel.
pub type Receiver<T> = super::Receiver<T, Spsc>;
/// Iterator of [`Receiver::iter`].
pub type Iter<'a, T> = super::Iter<'a, T, Spsc>;
/// Iterator of [`Receiver::try_iter`].
pub type TryIter<'a, T> = super::TryIter<'a, T, Spsc>;

/// The channel of messages `T` with this name: any non-empty string without NUL.
///
/// ```
/// use ringway::spsc;
/// # let name = &format!("doc-spsc-{}", std::process::id());
/// let mut tx = spsc::channel::<u64>(name).sender()?; // makes it, or finds it
/// let mut rx = spsc::channel::<u64>(name).receiver()?; // in another process, as a rule
/// tx.send(7)?;
/// assert_eq!(rx.recv()?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn channel<T: Message>(name: &str) -> Channel<T> {
    Channel::new(name)
}

/// A channel of at least one message on the heap, for two threads of this process: the same types and the
/// same code, without a name.
///
/// ```
/// use ringway::spsc;
///
/// let (mut tx, mut rx) = spsc::in_process::<u64>(16)?;
/// let sender = std::thread::spawn(move || tx.send_batch(&[1, 2, 3]));
/// assert_eq!(rx.iter().collect::<Vec<_>>(), [1, 2, 3]);
/// # sender.join().expect("it ends")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Option`] if the capacity is 0 or too large, [`Error::Map`] if there is no memory for it.
pub fn in_process<T: Message>(capacity: usize) -> Result<(Sender<T>, Receiver<T>), Error> {
    on_the_heap(capacity)
}
