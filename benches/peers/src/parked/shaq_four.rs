//! shaq 4's queues, whose consumers can sleep; they look some times before.
#![allow(unsafe_code, reason = "its constructors are unsafe")]

use std::fs::OpenOptions;

use shaq_newest::spsc::{Consumer, Producer, minimum_file_size};

use super::{Bed, LONGEST, Message, Sleeper, ways};
use crate::CAPACITY;
use crate::links::directory;

pub(super) struct Queues;

pub(super) struct Both(Producer<Message>, Consumer<Message>);

impl Sleeper for Both {
    #[inline]
    fn say(&mut self, message: &Message) {
        self.0.try_write(*message).expect("room for the only message");
    }

    #[inline]
    fn hear(&mut self, mut look: impl FnMut(&Message)) -> bool {
        self.1.read_timeout(LONGEST).map(|message| look(&message)).is_ok()
    }
}

impl Bed for Queues {
    const NAME: &'static str = "shaq 4";
    type Sleeper = Both;

    fn open(run: &str, first: bool) -> Both {
        let [out, back] = ways(first).map(|way| {
            let path = directory(run).join(format!("shaq4-{way}"));
            OpenOptions::new().read(true).write(true).create_new(first).open(path).expect("a file")
        });
        let size = minimum_file_size::<Message>(CAPACITY);
        let (producer, consumer) = if first {
            // SAFETY: the file is new, and this the only producer.
            let producer = unsafe { Producer::create(&out, size) };
            // SAFETY: the file is new, and this the only consumer.
            (producer, unsafe { Consumer::create(&back, size) })
        } else {
            // SAFETY: the first process made it as a consumer, for messages of the same type, which are plain words.
            let producer = unsafe { Producer::join(&out) };
            // SAFETY: as above, as a producer.
            (producer, unsafe { Consumer::join(&back) })
        };
        Both(producer.expect("a producer"), consumer.expect("a consumer"))
    }
}
