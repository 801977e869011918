//! What the kernel has for bytes, each message by one call that sleeps.

use std::io::{Read, Write};

use bytemuck::{bytes_of, bytes_of_mut};

use super::{Bed, Message, Sleeper, WORDS, ways};
use crate::links::{At, Pipe, Socket, connect, fifo};

pub(super) struct Pipes;
pub(super) struct Sockets;

/// A pipe each way.
pub(super) struct Both(Pipe, Pipe);

impl Sleeper for Both {
    #[inline]
    fn say(&mut self, message: &Message) {
        self.0.write_all(bytes_of(message)).expect("the other side");
    }

    #[inline]
    fn hear(&mut self, mut look: impl FnMut(&Message)) -> bool {
        let mut message = [0; WORDS];
        self.1.read_exact(bytes_of_mut(&mut message)).expect("the other side");
        look(&message);
        true
    }
}

impl Bed for Pipes {
    const NAME: &'static str = "pipe";
    type Sleeper = Both;

    fn open(run: &str, first: bool) -> Both {
        let at = |way: &str| At { run: run.to_owned(), channel: way.to_owned(), first, polling: false };
        let [out, back] = ways(first).map(|way| fifo(&at(way), "pipe"));
        Both(out, back)
    }
}

/// One stream for both ways.
impl Sleeper for Socket {
    #[inline]
    fn say(&mut self, message: &Message) {
        self.write_all(bytes_of(message)).expect("the other side");
    }

    #[inline]
    fn hear(&mut self, mut look: impl FnMut(&Message)) -> bool {
        let mut message = [0; WORDS];
        self.read_exact(bytes_of_mut(&mut message)).expect("the other side");
        look(&message);
        true
    }
}

impl Bed for Sockets {
    const NAME: &'static str = "Unix socket";
    type Sleeper = Socket;

    fn open(run: &str, first: bool) -> Socket {
        connect(&format!("{run}-socket"), first, false)
    }
}
