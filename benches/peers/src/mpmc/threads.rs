//! Those between threads, ringway's among them.

use std::sync::Arc;

use crossbeam_queue::ArrayQueue;
use ringway::mpmc;

use super::crowd::{Crowd, receiving, row, sending};
use super::{Message, Receiving, Sending, ours};
use crate::CAPACITY;

pub(super) const YARDSTICK: &str = "crossbeam ArrayQueue";

struct Queue(Arc<ArrayQueue<Message>>);

impl Sending for Queue {
    #[inline]
    fn send(&mut self, message: &Message) -> bool {
        self.0.push(*message).is_ok()
    }
}

impl Receiving for Queue {
    #[inline]
    fn recv(&mut self) -> Option<Message> {
        self.0.pop()
    }
}

/// It has a way of its own to wait.
struct ChannelOut(crossbeam_channel::Sender<Message>);
struct ChannelIn(crossbeam_channel::Receiver<Message>);

impl Sending for ChannelOut {
    #[inline]
    fn send(&mut self, message: &Message) -> bool {
        self.0.send(*message).expect("the receivers");
        true
    }
}

impl Receiving for ChannelIn {
    #[inline]
    fn recv(&mut self) -> Option<Message> {
        Some(self.0.recv().expect("the senders"))
    }
}

/// So many of each side.
fn crowd<O: Sending, I: Receiving>(
    pairs: usize,
    name: &'static str,
    out: impl Fn() -> O,
    inlet: impl Fn() -> I,
) -> Crowd {
    let jobs = (0..pairs).flat_map(|_| [sending(out(), true), receiving(inlet(), true)]).collect();
    Crowd::threads(row(pairs, name, "threads", None), pairs, jobs)
}

pub(super) fn all(pairs: usize) -> Vec<Crowd> {
    let (tx, rx) = mpmc::in_process::<Message>(CAPACITY).expect("memory");
    let waiting = crowd(pairs, ours::NAME, || ours::Out(tx.clone()), || ours::In(rx.clone()));
    let (tx, rx) = mpmc::in_process::<Message>(CAPACITY).expect("memory");
    let trying = crowd(pairs, ours::TRYING, || ours::TryOut(tx.clone()), || ours::TryIn(rx.clone()));
    let queue = Arc::new(ArrayQueue::new(CAPACITY));
    let shared = || Queue(queue.clone());
    let array = crowd(pairs, YARDSTICK, shared, shared);
    let (tx, rx) = crossbeam_channel::bounded::<Message>(CAPACITY);
    let channel = crowd(pairs, "crossbeam-channel", || ChannelOut(tx.clone()), || ChannelIn(rx.clone()));
    vec![waiting, trying, array, channel]
}
