//! shaq 4's queue for all, one message at a time.
#![allow(unsafe_code, reason = "its constructors are unsafe")]

use std::fs::{File, OpenOptions};

use shaq_newest::mpmc::{Consumer, Producer, minimum_file_size};

use super::{Message, Receiving, Sending, Shared};
use crate::CAPACITY;
use crate::links::directory;

pub(super) struct Queue;

pub(super) struct Out(Producer<Message>);
pub(super) struct In(Consumer<Message>);

impl Sending for Out {
    #[inline]
    fn send(&mut self, message: &Message) -> bool {
        self.0.try_write(*message).is_ok()
    }
}

impl Receiving for In {
    #[inline]
    fn recv(&mut self) -> Option<Message> {
        self.0.try_read()
    }
}

fn file(run: &str, channel: &str, new: bool) -> File {
    let path = directory(run).join(format!("shaq4-{channel}"));
    OpenOptions::new().read(true).write(true).create_new(new).open(path).expect("a file")
}

impl Shared for Queue {
    const NAME: &'static str = "shaq 4";
    type Out = Out;
    type In = In;
    type Guest = Producer<Message>;

    fn create(run: &str, channel: &str) -> Self::Guest {
        let size = minimum_file_size::<Message>(CAPACITY);
        // SAFETY: the file is new, and nobody else initialises it.
        unsafe { Producer::create(&file(run, channel, true), size) }.expect("a producer")
    }

    fn sender(run: &str, channel: &str) -> Out {
        // SAFETY: whoever made it made it for messages of the same type, which are plain words.
        Out(unsafe { Producer::join(&file(run, channel, false)) }.expect("a producer"))
    }

    fn receiver(run: &str, channel: &str) -> In {
        // SAFETY: as above.
        In(unsafe { Consumer::join(&file(run, channel, false)) }.expect("a consumer"))
    }
}
