//! ringfire's ring for all. Its producers wait for nobody.

use std::path::PathBuf;

use ringfire::{MpmcProducer, MpmcQueueConsumer};

use super::{Message, Receiving, Sending, Shared};
use crate::CAPACITY;
use crate::links::directory;

pub(super) struct Ring;

pub(super) struct Out(MpmcProducer<Message>);
pub(super) struct In(MpmcQueueConsumer<Message>);

impl Sending for Out {
    #[inline]
    fn send(&mut self, message: &Message) -> bool {
        self.0.push(message);
        true
    }
}

impl Receiving for In {
    #[inline]
    fn recv(&mut self) -> Option<Message> {
        self.0.try_recv()
    }
}

fn path(run: &str, channel: &str) -> PathBuf {
    directory(run).join(format!("ringfire-{channel}"))
}

impl Shared for Ring {
    const NAME: &'static str = "ringfire";
    const BROKEN: Option<&'static str> = Some("its producers overwrite what nobody has received yet");
    type Out = Out;
    type In = In;
    type Guest = MpmcProducer<Message>;

    fn create(run: &str, channel: &str) -> Self::Guest {
        MpmcProducer::create(path(run, channel), CAPACITY as u64).expect("a producer")
    }

    fn sender(run: &str, channel: &str) -> Out {
        Out(MpmcProducer::attach(path(run, channel)).expect("a producer"))
    }

    fn receiver(run: &str, channel: &str) -> In {
        In(MpmcQueueConsumer::attach(path(run, channel)).expect("a consumer"))
    }
}
