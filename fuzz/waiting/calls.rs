//! Calls that do not wait, or for a moment only, and what they answer by the model.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ringway::seqlock::WaitError;

use super::super::input::Input;
use super::line::{Cell, ENDS, Line, Ring, Rx, Tx, What};
use super::note::Note;
use super::sides::{MOMENT, Why};

/// Of the ways to send and to receive: that by a future, whose note goes with it.
const DROPPED: u8 = 4;
/// That of several messages at a time.
const BATCH: u8 = 7;

impl Line {
    /// Sends something, or stores it.
    pub(super) fn send(&mut self, input: &mut Input<'_>) {
        let (is_known, first) = (self.is_known(), self.next);
        self.next += 3;
        let ring = match &mut self.what {
            What::Ring(ring) if !ring.senders.is_empty() => ring,
            What::Ring(_) => return,
            What::Cell(cell) => return cell.store(first),
        };
        let (who, how) = (input.below(ring.senders.len()), input.byte() % 8);
        let (note, waker) = Note::task();
        let (sent, why) = ring.senders[who].end.send(how, first, &waker);
        if is_known {
            let room = ring.capacity - ring.queue.len();
            let why_not = if ring.receivers.is_empty() { Why::Gone } else { Why::Later };
            check(sent, why, room.min(if how == BATCH { 3 } else { 1 }), why_not);
        }
        ring.queue.extend(first..first + sent as u64);
        if how == DROPPED {
            ring.senders[who].noted = None;
        }
        if why == Why::Noted {
            self.note(who, note);
        }
    }

    /// Receives something, or loads it.
    pub(super) fn receive(&mut self, input: &mut Input<'_>) {
        let is_known = self.is_known();
        let (note, waker) = Note::task();
        let ring = match &mut self.what {
            What::Ring(ring) if !ring.receivers.is_empty() => ring,
            What::Ring(_) => return,
            What::Cell(cell) => return cell.load(input.byte(), is_known, &waker),
        };
        let (who, how) = (input.below(ring.receivers.len()), input.byte() % 8);
        let (got, why) = ring.receivers[who].end.receive(how, &waker);
        if is_known {
            let why_not = if ring.senders.is_empty() { Why::Gone } else { Why::Later };
            check(got.len(), why, ring.queue.len().min(if how == BATCH { 3 } else { 1 }), why_not);
            ring.assert_next(&got);
        }
        if how == DROPPED {
            ring.receivers[who].noted = None;
        }
        let source = ring.senders.len() + who;
        if why == Why::Noted {
            self.note(source, note);
        }
    }

    /// One leaves.
    pub(super) fn leave(&mut self, input: &mut Input<'_>) {
        let byte = usize::from(input.byte());
        match &mut self.what {
            What::Ring(ring) if byte % 2 == 0 && !ring.senders.is_empty() => {
                drop(ring.senders.swap_remove(byte / 2 % ring.senders.len()));
            }
            What::Ring(ring) if byte % 2 == 1 && !ring.receivers.is_empty() => {
                drop(ring.receivers.swap_remove(byte / 2 % ring.receivers.len()));
            }
            What::Ring(_) => {}
            What::Cell(cell) => drop(cell.writer.take()),
        }
    }

    /// One comes.
    pub(super) fn come(&mut self, input: &mut Input<'_>) {
        let (byte, is_known) = (input.byte(), self.is_known());
        let has_come = match &mut self.what {
            What::Ring(ring) if byte % 2 == 0 && has_place(ring.senders.len(), ring.are_shared[0]) => {
                let another = (ring.another_sender)();
                ring.senders.extend(another.map(Tx::from));
                !ring.senders.is_empty()
            }
            What::Ring(ring) if byte % 2 == 1 && has_place(ring.receivers.len(), ring.are_shared[1]) => {
                let another = (ring.another_receiver)();
                ring.receivers.extend(another.map(Rx::from));
                !ring.receivers.is_empty()
            }
            What::Ring(_) => true,
            What::Cell(cell) => {
                if cell.writer.is_none() {
                    cell.writer = (cell.another)();
                }
                cell.writer.is_some()
            }
        };
        assert!(has_come || !is_known, "there is a place");
    }
}

fn has_place(count: usize, is_shared: bool) -> bool {
    count == 0 || is_shared && count < ENDS
}

/// Whether a call did as much as the model says, and why not more.
fn check(done: usize, why: Why, expected: usize, why_not: Why) {
    assert_eq!(done, expected, "{why:?}");
    match why {
        Why::Done => assert!(done > 0),
        Why::Noted => assert_eq!(why_not, Why::Later),
        _ => assert_eq!(why, why_not),
    }
}

impl Ring {
    /// What was received is what was sent first.
    pub(super) fn assert_next(&mut self, got: &[Option<u64>]) {
        for number in got {
            assert_eq!(*number, self.queue.pop_front());
        }
    }
}

impl Cell {
    pub(super) fn store(&mut self, number: u64) {
        if let Some(writer) = &mut self.writer {
            writer.store(number);
            (self.latest, self.version) = (number, self.version + 1);
        }
    }

    fn load(&mut self, how: u8, is_known: bool, waker: &Waker) {
        let (reader, is_newer) = (self.newer.end.reader(), self.seen != self.version);
        let answer = match how % 3 {
            0 => match reader.load_if_newer(&mut self.seen) {
                Ok(Some(value)) => Ok(value),
                _ => Err(None),
            },
            1 => reader.wait_newer(&mut self.seen, MOMENT).map_err(Some),
            _ => match pin!(reader.wait_newer_async(&mut self.seen)).poll(&mut Context::from_waker(waker)) {
                Poll::Pending => Err(None),
                Poll::Ready(answer) => answer.map_err(Some),
            },
        };
        self.newer.end.set_seen(self.seen);
        if is_known {
            match answer {
                Ok(value) => assert!(is_newer && value == self.latest),
                Err(why) => {
                    let is_gone = matches!(why, Some(WaitError::Stale(_)));
                    assert!(!is_newer && (how % 3 == 0 || is_gone == self.writer.is_none()), "{why:?}");
                }
            }
            assert_eq!(self.seen, self.version);
        }
    }
}
