//! cloudtoid-interprocess, whose subscribers wait by themselves.

use bytemuck::{bytes_of, bytes_of_mut};
use cloudtoid_interprocess::{Publisher, Subscriber};

use super::{Bed, LONGEST, Message, Sleeper, WORDS, ways};
use crate::links::queue_of_bytes;

pub(super) struct Queues;

pub(super) struct Both(Publisher, Subscriber);

impl Sleeper for Both {
    #[inline]
    fn say(&mut self, message: &Message) {
        self.0.try_send(bytes_of(message)).expect("room for the only message");
    }

    #[inline]
    fn hear(&mut self, mut look: impl FnMut(&Message)) -> bool {
        let Some(bytes) = self.1.recv_timeout(LONGEST).expect("a queue") else { return false };
        let mut message = [0; WORDS];
        bytes_of_mut(&mut message).copy_from_slice(&bytes);
        look(&message);
        true
    }
}

impl Bed for Queues {
    const NAME: &'static str = "cloudtoid";
    type Sleeper = Both;

    fn open(run: &str, first: bool) -> Both {
        let [out, back] = ways(first).map(|way| queue_of_bytes(run, way, WORDS));
        Both(Publisher::open(&out).expect("a publisher"), Subscriber::open(&back).expect("a subscriber"))
    }
}
