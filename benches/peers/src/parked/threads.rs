//! Those between threads.

use std::sync::mpsc::{Receiver, Sender, channel};

use ringway::spsc;

use super::ours::{self, Channels};
use super::{LONGEST, Message, Sleeper, sides};
use crate::CAPACITY;
use crate::contest::{Board, Run};
use crate::crew::Job;

type Make = Box<dyn FnOnce() -> Job + Send>;

struct Standard(Sender<Message>, Receiver<Message>);

impl Sleeper for Standard {
    #[inline]
    fn say(&mut self, message: &Message) {
        self.0.send(*message).expect("the other side");
    }

    #[inline]
    fn hear(&mut self, look: impl FnMut(&Message)) -> bool {
        self.1.recv_timeout(LONGEST).as_ref().map(look).is_ok()
    }
}

struct Crossbeam(crossbeam_channel::Sender<Message>, crossbeam_channel::Receiver<Message>);

impl Sleeper for Crossbeam {
    #[inline]
    fn say(&mut self, message: &Message) {
        self.0.send(*message).expect("the other side");
    }

    #[inline]
    fn hear(&mut self, look: impl FnMut(&Message)) -> bool {
        self.1.recv_timeout(LONGEST).as_ref().map(look).is_ok()
    }
}

fn both(
    name: &'static str,
    board: Board,
    [here, there]: [impl Sleeper + Send; 2],
) -> (&'static str, Run, Make) {
    (name, sides::asking(here), Box::new(move || sides::answering(there, board)))
}

/// Who asks, and what makes who answers in the thread where it will live.
pub(super) fn all(board: Board) -> Vec<(&'static str, Run, Make)> {
    let ours = || spsc::in_process::<Message>(CAPACITY).expect("memory");
    let ((ping, pinged), (pong, ponged)) = (ours(), ours());
    let channels = [Channels(ping, ponged), Channels(pong, pinged)];
    let ((ping, pinged), (pong, ponged)) = (channel(), channel());
    let standard = [Standard(ping, ponged), Standard(pong, pinged)];
    let bounded = || crossbeam_channel::bounded(CAPACITY);
    let ((ping, pinged), (pong, ponged)) = (bounded(), bounded());
    let crossbeam = [Crossbeam(ping, ponged), Crossbeam(pong, pinged)];
    vec![
        both(ours::NAME, board, channels),
        both("std channel", board, standard),
        both("crossbeam-channel", board, crossbeam),
    ]
}
