//! A channel on its way to be opened.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::{Receiver, Sender};
use crate::channel::open;
use crate::channel::options::{Opening, Options};
use crate::map::Namespace;
use crate::segment::RoleLock;
use crate::{Error, Message, Wait};

/// A named channel that is about to be opened by one of its two sides.
///
/// Whichever side comes first creates the channel; options that describe the channel itself must agree.
#[must_use = "a channel is opened by `sender` or `receiver`"]
pub struct Channel<T> {
    options: Options,
    message: PhantomData<fn(T) -> T>,
}

impl<T> Clone for Channel<T> {
    fn clone(&self) -> Self {
        Self { options: self.options.clone(), message: PhantomData }
    }
}

impl<T> fmt::Debug for Channel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("options", &self.options).finish_non_exhaustive()
    }
}

impl<T: Message> Channel<T> {
    pub(super) fn new(name: &str) -> Self {
        Self { options: Options::new(name), message: PhantomData }
    }

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

    /// Permission bits of a new channel, whatever the umask. Default: `0o600`, which is also the least.
    /// Both sides need to read and write; see [`MapOptions::mode`](crate::map::MapOptions::mode) for what
    /// else that allows. Without effect on a channel that exists.
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
    /// noticed about this long after it blocks somebody, or at the next try after that. Default: 100 ms. Asking
    /// costs one system call, and three at a death.
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
        let locks = RoleLock::pair(segment.memory());
        Sender::attach(&self.options.name, segment, locks, self.options.endpoint)
    }

    /// Opens the channel and takes the receiving side.
    ///
    /// # Errors
    ///
    /// See [`Error`]: each one names the channel, what was found and expected, and what to do.
    pub fn receiver(self) -> Result<Receiver<T>, Error> {
        let segment = open::named::<T>(&self.options)?;
        let locks = RoleLock::pair(segment.memory());
        Receiver::attach(&self.options.name, segment, locks, self.options.endpoint)
    }
}
