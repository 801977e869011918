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
//! // … and another, started before or after.
//! let mut receiver = spsc::channel::<Tick>("ticks").receiver()?;
//! println!("{:?}", receiver.recv()?);
//! # Ok(()) }
//! ```
//!
//! Messages are received in the order in which they were sent. Each side is exclusive: a second sender is
//! refused with the process id of the first ([`Error::RoleTaken`](crate::Error)), unless the first is dead:
//! then the second takes over and goes on exactly where the first one stopped. A message is published at
//! one instant: before it, it never existed, and after it, it is delivered, whoever dies. What a receiver
//! was holding when it died is delivered again to its successor.
//!
//! The channel exists for as long as any process has it open, and disappears with the last one, messages and
//! all. Whoever sends and leaves should know that somebody is there to receive
//! ([`Sender::wait_for_peer`]).
//!
//! A sender that takes over learns from [`Sender::position`] how many messages were published before it, and
//! so where to go on:
//!
//! ```
//! # let (mut sender, _receiver) = ringway::spsc::in_process::<u64>(8)?;
//! # let records = [1, 2, 3];
//! let done = sender.position() as usize; // 0 for the first sender
//! for record in &records[done..] {
//!     sender.send(*record)?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod receiver;
mod sender;

use std::marker::PhantomData;
use std::time::Duration;

use super::open;
use super::options::{EndpointOptions, Opening, Options};
use crate::map::Namespace;
use crate::{Error, Message, Wait};

pub use receiver::{Iter, Receiver, TryIter};
pub use sender::Sender;

/// A named channel that is about to be opened by one of its two sides.
///
/// Whichever side comes first creates the channel; options that describe the channel itself must agree.
#[derive(Clone, Debug)]
#[must_use = "a channel is opened by `sender` or `receiver`"]
pub struct Channel<T> {
    options: Options,
    message: PhantomData<fn(T) -> T>,
}

/// The channel of messages `T` with this name: any non-empty string without NUL.
pub fn channel<T: Message>(name: &str) -> Channel<T> {
    Channel { options: Options::new(name), message: PhantomData }
}

/// A channel of at least one message on the heap, for two threads of this process: the same types and the
/// same code, without a name.
///
/// # Errors
///
/// [`Error::Option`] if the capacity is 0 or too large, [`Error::Map`] if there is no memory for it.
pub fn in_process<T: Message>(capacity: usize) -> Result<(Sender<T>, Receiver<T>), Error> {
    let segment = open::in_process::<T>(capacity)?;
    let (sender_lock, receiver_lock) = crate::segment::RoleLock::pair(segment.memory());
    let locks = (sender_lock, receiver_lock);
    let options = EndpointOptions::default();
    let sender = Sender::attach(open::IN_PROCESS, segment.clone(), locks.clone(), options)?;
    let receiver = Receiver::attach(open::IN_PROCESS, segment, locks, options)?;
    Ok((sender, receiver))
}

impl<T: Message> Channel<T> {
    /// Messages that the channel holds, from 1 to 2³¹; any number, a power of two is not faster. Default:
    /// 1024 for a new channel, whatever it has for one that exists. If the channel exists with another
    /// capacity, it is refused with [`Error::Capacity`].
    pub fn capacity(mut self, messages: usize) -> Self {
        self.options.capacity = Some(messages);
        self
    }

    /// Where the name lives. Default: [`Namespace::User`], one for each user of the machine.
    pub fn namespace(mut self, namespace: Namespace) -> Self {
        self.options.namespace = namespace;
        self
    }

    /// Permission bits of a new channel, whatever the umask. Default: `0o600`. Both sides need to read
    /// and write. Without effect on a channel that exists.
    pub fn mode(mut self, mode: u32) -> Self {
        self.options.mode = mode;
        self
    }

    /// How this side's blocking calls wait. Default: [`Wait::Yield`]. The other side may choose otherwise.
    pub fn wait(mut self, wait: Wait) -> Self {
        self.options.endpoint.wait = wait;
        self
    }

    /// How often this side asks the kernel whether its peer lives, while it cannot go on: a death is
    /// noticed about this long after it blocks somebody. Default: 100 ms. Asking costs two system calls.
    pub fn liveness_interval(mut self, interval: Duration) -> Self {
        self.options.endpoint.liveness_interval = interval;
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

    /// Opens the channel and takes the sending side.
    ///
    /// # Errors
    ///
    /// See [`Error`]: each one names the channel, what was found and expected, and what to do.
    pub fn sender(self) -> Result<Sender<T>, Error> {
        let segment = open::named::<T>(&self.options)?;
        let locks = crate::segment::RoleLock::pair(segment.memory());
        Sender::attach(&self.options.name, segment, locks, self.options.endpoint)
    }

    /// Opens the channel and takes the receiving side.
    ///
    /// # Errors
    ///
    /// See [`Error`]: each one names the channel, what was found and expected, and what to do.
    pub fn receiver(self) -> Result<Receiver<T>, Error> {
        let segment = open::named::<T>(&self.options)?;
        let locks = crate::segment::RoleLock::pair(segment.memory());
        Receiver::attach(&self.options.name, segment, locks, self.options.endpoint)
    }
}
