//! cloudtoid-interprocess: its queue of bytes is for all.

use bytemuck::{bytes_of, bytes_of_mut};
use cloudtoid_interprocess::{Options, Publisher, Subscriber};

use super::{Message, Receiving, Sending, Shared, WORDS};
use crate::links;

pub(super) struct Queue;

pub(super) struct Out(Publisher);
pub(super) struct In(Subscriber, Message);

impl Sending for Out {
    #[inline]
    fn send(&mut self, message: &Message) -> bool {
        match self.0.try_send(bytes_of(message)) {
            Ok(()) => true,
            Err(error) if error.is_full() => false,
            Err(error) => panic!("{error}"),
        }
    }
}

impl Receiving for In {
    #[inline]
    fn recv(&mut self) -> Option<Message> {
        self.0.try_recv_into(bytes_of_mut(&mut self.1)).expect("a queue")?;
        Some(self.1)
    }
}

fn options(run: &str, channel: &str) -> Options {
    links::queue_of_bytes(run, channel, WORDS)
}

impl Shared for Queue {
    const NAME: &'static str = "cloudtoid";
    type Out = Out;
    type In = In;
    type Guest = Publisher;

    fn create(run: &str, channel: &str) -> Self::Guest {
        Publisher::open(&options(run, channel)).expect("a publisher")
    }

    fn sender(run: &str, channel: &str) -> Out {
        Out(Publisher::open(&options(run, channel)).expect("a publisher"))
    }

    fn receiver(run: &str, channel: &str) -> In {
        In(Subscriber::open(&options(run, channel)).expect("a subscriber"), [0; WORDS])
    }
}
