//! The yardsticks: the least that the hardware and the kernel ask for, with no protocol round it.
//!
//! As those that the benchmarks of the library have, but for two things that a tool needs: they notice when the other process
//! has ended, and give the core away if both are on one.
#![allow(
    unsafe_code,
    reason = "a ring of bare memory, whose messages are written as fast as that can be done"
)]

use std::rc::Rc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rustix::thread::futex::{self, Flags, Timespec};

use super::pair::Shared;
use super::{BATCH, CAPACITY};
use crate::output::Failure;

/// Where what is in the memory that both processes have: after the words that keep them in step.
pub(super) const LINE: u64 = 1 << 12;
pub(super) const FUTEX: u64 = 1 << 14;
pub(super) const RING: u64 = 1 << 15;
/// And how much of it there is.
pub(super) const BYTES: u64 = RING + 2 * ring_bytes(LARGEST);
/// The largest message of a ring, in words.
const LARGEST: u64 = 128;

/// What a ring takes.
pub(super) const fn ring_bytes(words: u64) -> u64 {
    4096 + CAPACITY as u64 * words * 8
}

/// From the word that one side writes to the one that the other does: another page, and another line of it.
const BACK: u64 = 4096 + 128;

/// Lines each way.
const LINES: usize = 4096 / 128;

/// A bare cache line each way: one that this side writes and the other polls, and one the other way round. By turns one of some
/// lines, since how far one is from a core depends on where it lies.
pub(super) struct Line {
    shared: Rc<Shared>,
    at: u64,
    /// The last number that was sent.
    last: u64,
}

impl Line {
    pub(super) fn new(shared: &Rc<Shared>, at: u64) -> Self {
        Self { shared: shared.clone(), at, last: 0 }
    }

    /// Lines there and back, each with its neighbour for itself, in two pages, and not at the same place of both as this pair or
    /// the next.
    fn lines(&self) -> [(&AtomicU64, &AtomicU64); LINES] {
        let word =
            |page: u64, line: usize| self.shared.word(self.at + page * 4096 + (line % LINES) as u64 * 128);
        std::array::from_fn(|line| (word(0, line), word(1, line + LINES / 2)))
    }

    /// `count` round trips.
    pub(super) fn rounds(&mut self, count: u64) -> Result<(), Failure> {
        let lines = self.lines();
        for number in self.last + 1..=self.last + count {
            let (ping, pong) = lines[number as usize % LINES];
            ping.store(number, Ordering::Release);
            self.shared.until(|| pong.load(Ordering::Acquire) == number)?;
        }
        self.last += count;
        Ok(())
    }

    /// `count` answers.
    pub(super) fn answer(&mut self, count: u64) -> Result<(), Failure> {
        let lines = self.lines();
        for number in self.last + 1..=self.last + count {
            let (ping, pong) = lines[number as usize % LINES];
            self.shared.until(|| ping.load(Ordering::Acquire) == number)?;
            pong.store(number, Ordering::Release);
        }
        self.last += count;
        Ok(())
    }
}

/// How long whoever sleeps does so at most, as in a channel.
const BOUND: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// A bare futex each way: a word that says the number of the round, and that the other side sleeps at.
pub(super) struct Futex {
    shared: Rc<Shared>,
    at: u64,
    last: u32,
}

impl Futex {
    pub(super) fn new(shared: &Rc<Shared>, at: u64) -> Self {
        Self { shared: shared.clone(), at, last: 0 }
    }

    fn word(&self, at: u64) -> &AtomicU32 {
        self.shared.view().atomic_u32(at).expect("a word of the map")
    }

    fn say(&self, at: u64) -> Result<(), Failure> {
        let word = self.word(at);
        word.store(self.last, Ordering::Release);
        futex::wake(word, Flags::empty(), 1)
            .map_err(|error| Failure::Message(format!("nobody can be woken: {error}")))?;
        Ok(())
    }

    fn hear(&self, at: u64) -> Result<(), Failure> {
        let word = self.word(at);
        while word.load(Ordering::Acquire) != self.last {
            // It has changed already, or it was woken: the loop finds out.
            if futex::wait(word, Flags::empty(), self.last - 1, Some(&BOUND))
                == Err(rustix::io::Errno::TIMEDOUT)
            {
                self.shared.check_other()?;
            }
        }
        Ok(())
    }

    /// `count` round trips.
    pub(super) fn rounds(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            self.last += 1;
            self.say(self.at)?;
            self.hear(self.at + BACK)?;
        }
        Ok(())
    }

    /// `count` answers.
    pub(super) fn answer(&mut self, count: u64) -> Result<(), Failure> {
        for _ in 0..count {
            self.last += 1;
            self.hear(self.at)?;
            self.say(self.at + BACK)?;
        }
        Ok(())
    }
}

/// Memory that is written, announced by an index every 32 messages, and freed every 32 messages: both sides in place, each with
/// a cached copy of the other's index. No names, types, roles or deaths.
pub(super) struct Ring {
    shared: Rc<Shared>,
    at: u64,
    words: usize,
    position: u64,
    seen: u64,
}

impl Ring {
    /// A ring of messages of `words` words.
    pub(super) fn new(shared: &Rc<Shared>, at: u64, words: usize) -> Self {
        assert!(
            at.is_multiple_of(8) && at + ring_bytes(words as u64) <= shared.view().len(),
            "it is inside the map"
        );
        Self { shared: shared.clone(), at, words, position: 0, seen: 0 }
    }

    /// The first slot.
    fn slots(&self) -> *mut u64 {
        self.shared.view().as_mut_ptr().wrapping_add(self.at as usize + 4096).cast()
    }

    /// Writes `count` messages of running numbers.
    pub(super) fn send(&mut self, count: u64) -> Result<(), Failure> {
        let (tail, head) = (self.shared.word(self.at), self.shared.word(self.at + 128));
        let (slots, words) = (self.slots(), self.words);
        let (mut position, mut seen) = (self.position, self.seen);
        for end in position + 1..=position + count {
            if position - seen == CAPACITY as u64 {
                self.shared.until(|| head.load(Ordering::Acquire) != seen)?;
                seen = head.load(Ordering::Acquire);
            }
            let slot = slots.wrapping_add(position as usize % CAPACITY * words);
            for word in 0..words {
                // SAFETY: inside the slot, which is inside the map, and free.
                unsafe { slot.wrapping_add(word).write(end) };
            }
            position = end;
            if end % BATCH as u64 == 0 {
                tail.store(end, Ordering::Release);
            }
        }
        tail.store(position, Ordering::Release);
        (self.position, self.seen) = (position, seen);
        Ok(())
    }

    /// Reads `count` messages and checks each word.
    pub(super) fn recv(&mut self, count: u64) -> Result<(), Failure> {
        let (tail, head) = (self.shared.word(self.at), self.shared.word(self.at + 128));
        let (slots, words) = (self.slots(), self.words);
        let (mut position, mut seen) = (self.position, self.seen);
        for end in position + 1..=position + count {
            if seen == position {
                self.shared.until(|| tail.load(Ordering::Acquire) != seen)?;
                seen = tail.load(Ordering::Acquire);
            }
            let slot = slots.wrapping_add(position as usize % CAPACITY * words);
            let mut sum = 0_u64;
            for word in 0..words {
                // SAFETY: inside the slot, which is inside the map, and published.
                sum = sum.wrapping_add(unsafe { slot.wrapping_add(word).read() });
            }
            if sum != end.wrapping_mul(words as u64) {
                return Err(Failure::Message(format!("message {end} of the bare ring was lost or torn")));
            }
            position = end;
            if end % BATCH as u64 == 0 {
                head.store(end, Ordering::Release);
            }
        }
        head.store(position, Ordering::Release);
        (self.position, self.seen) = (position, seen);
        Ok(())
    }
}
