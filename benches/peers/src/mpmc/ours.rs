//! ringway's channel for all, with its default way to wait, and giving the core away at once as the others do.

use ringway::{TryRecvError, TrySendError, mpmc};

use super::{Message, Receiving, Sending, Shared};
use crate::CAPACITY;

pub(super) const NAME: &str = "ringway";
pub(super) const TRYING: &str = "ringway, try and yield";

pub(super) struct Waiting;
pub(super) struct Trying;

fn channel(
    run: &str,
    channel: &str,
    how: &str,
) -> ringway::channel::Channel<Message, ringway::channel::Mpmc> {
    mpmc::channel(&format!("{run}-{channel}-{how}")).capacity(CAPACITY)
}

pub(super) struct Out(pub(super) mpmc::Sender<Message>);
pub(super) struct In(pub(super) mpmc::Receiver<Message>);
pub(super) struct TryOut(pub(super) mpmc::Sender<Message>);
pub(super) struct TryIn(pub(super) mpmc::Receiver<Message>);

impl Sending for Out {
    #[inline]
    fn send(&mut self, message: &Message) -> bool {
        self.0.send(*message).expect("the receivers");
        true
    }
}

impl Receiving for In {
    #[inline]
    fn recv(&mut self) -> Option<Message> {
        Some(self.0.recv().expect("the senders"))
    }
}

impl Sending for TryOut {
    #[inline]
    fn send(&mut self, message: &Message) -> bool {
        match self.0.try_send(*message) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => false,
            Err(error) => panic!("{error}"),
        }
    }
}

impl Receiving for TryIn {
    #[inline]
    fn recv(&mut self) -> Option<Message> {
        match self.0.try_recv() {
            Ok(message) => Some(message),
            Err(TryRecvError::Empty) => None,
            Err(error) => panic!("{error}"),
        }
    }
}

impl Shared for Waiting {
    const NAME: &'static str = NAME;
    type Out = Out;
    type In = In;
    type Guest = mpmc::Sender<Message>;

    fn create(run: &str, at: &str) -> Self::Guest {
        channel(run, at, "waiting").create_new().sender().expect("a new channel")
    }

    fn sender(run: &str, at: &str) -> Out {
        Out(channel(run, at, "waiting").open_existing().sender().expect("the channel"))
    }

    fn receiver(run: &str, at: &str) -> In {
        In(channel(run, at, "waiting").open_existing().receiver().expect("the channel"))
    }
}

impl Shared for Trying {
    const NAME: &'static str = TRYING;
    type Out = TryOut;
    type In = TryIn;
    type Guest = mpmc::Sender<Message>;

    fn create(run: &str, at: &str) -> Self::Guest {
        channel(run, at, "trying").create_new().sender().expect("a new channel")
    }

    fn sender(run: &str, at: &str) -> TryOut {
        TryOut(channel(run, at, "trying").open_existing().sender().expect("the channel"))
    }

    fn receiver(run: &str, at: &str) -> TryIn {
        TryIn(channel(run, at, "trying").open_existing().receiver().expect("the channel"))
    }
}
