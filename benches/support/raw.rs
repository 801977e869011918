//! The yardsticks: the least that the hardware asks for, with no protocol round it.
#![allow(unsafe_code, reason = "works on bare shared memory")]

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use rustix::thread::futex::{self, Flags, Timespec};

use super::{BATCH, CAPACITY};

/// A bare cache line each way: one that this side writes and the other polls, and one the other way round. What a
/// channel would cost if it had no idea of what is in it.
///
/// By turns one of some lines: how far one is from a core depends on where it lies, so that a single one can be a fifth faster
/// or slower than the next for a whole run.
pub(crate) struct PingPong {
    memory: *const u8,
    /// The last number that was sent.
    last: u64,
}

impl PingPong {
    /// Lines in two pages at `memory`, which is shared, zero at first, and outlives this.
    pub(crate) fn new(memory: *mut u8) -> Self {
        Self { memory, last: 0 }
    }

    /// The lines of that round, each with its neighbour for itself.
    #[inline]
    fn words(&self, round: u64) -> (&AtomicU64, &AtomicU64) {
        const LINES: usize = 4096 / 128;
        let at = |page: usize, line: usize| {
            self.memory.wrapping_add(page * 4096 + line % LINES * 128).cast::<AtomicU64>()
        };
        let line = round as usize;
        // SAFETY: as `new` says; only accessed atomically.
        let ping = unsafe { &*at(0, line) };
        // Not at the same place in its page as this one or the next: a load would wait for the store there.
        // SAFETY: as above.
        (ping, unsafe { &*at(1, line + LINES / 2) })
    }

    /// `count` round trips; `each` is called after each of them.
    #[inline]
    pub(crate) fn rounds(&mut self, count: u64, mut each: impl FnMut()) {
        let first = self.last + 1;
        self.last += count;
        for n in first..first + count {
            let (ping, pong) = self.words(n);
            ping.store(n, Ordering::Release);
            while pong.load(Ordering::Acquire) != n {}
            each();
        }
    }

    /// `count` answers.
    pub(crate) fn answer(&mut self, count: u64) {
        let first = self.last + 1;
        self.last += count;
        for n in first..first + count {
            let (ping, pong) = self.words(n);
            while ping.load(Ordering::Acquire) != n {}
            pong.store(n, Ordering::Release);
        }
    }
}

/// A bare futex each way: a word that says the number of the round, and that the other side sleeps at.
pub(crate) struct FutexPingPong {
    ping: *const AtomicU32,
    pong: *const AtomicU32,
    last: u32,
    /// For how long it sleeps at most.
    bound: Option<Timespec>,
}

impl FutexPingPong {
    /// Two words at `memory`, which is shared, zero at first, and outlives this.
    pub(crate) fn new(memory: *mut u8, bound: Option<Duration>) -> Self {
        let bound = bound
            .map(|bound| Timespec { tv_sec: bound.as_secs() as i64, tv_nsec: bound.subsec_nanos().into() });
        Self { ping: memory.cast(), pong: memory.wrapping_add(4096 + 128).cast(), last: 0, bound }
    }

    fn words(&self) -> (&AtomicU32, &AtomicU32) {
        // SAFETY: as `new` says; only accessed atomically.
        let ping = unsafe { &*self.ping };
        // SAFETY: as above.
        (ping, unsafe { &*self.pong })
    }

    fn say(word: &AtomicU32, number: u32) {
        word.store(number, Ordering::Release);
        futex::wake(word, Flags::empty(), 1).expect("a futex");
    }

    fn hear(word: &AtomicU32, number: u32, bound: Option<&Timespec>) {
        while word.load(Ordering::Acquire) != number {
            // It has changed already, or it was woken: the loop finds out.
            let _ = futex::wait(word, Flags::empty(), number - 1, bound);
        }
    }

    /// `count` round trips.
    pub(crate) fn rounds(&mut self, count: u64) {
        for _ in 0..count {
            self.last += 1;
            let (ping, pong) = self.words();
            Self::say(ping, self.last);
            Self::hear(pong, self.last, self.bound.as_ref());
        }
    }

    /// `count` answers.
    pub(crate) fn answer(&mut self, count: u64) {
        for _ in 0..count {
            self.last += 1;
            let (ping, pong) = self.words();
            Self::hear(ping, self.last, self.bound.as_ref());
            Self::say(pong, self.last);
        }
    }
}

/// Memory that is written, announced by an index every 32 messages, and freed every 32 messages: both
/// sides in place, each with a cached copy of the other's index. No names, types, roles or deaths.
pub(crate) struct BatchRing {
    tail: *const AtomicU64,
    head: *const AtomicU64,
    slots: *mut u64,
    words: usize,
    position: u64,
    seen: u64,
}

impl BatchRing {
    /// A ring of messages of `words` words at `memory`, which is shared, zero at first, and outlives this.
    pub(crate) fn new(memory: *mut u8, words: usize) -> Self {
        Self {
            tail: memory.cast(),
            head: memory.wrapping_add(128).cast(),
            slots: memory.wrapping_add(4096).cast(),
            words,
            position: 0,
            seen: 0,
        }
    }

    /// Messages that went through it, as this side knows.
    #[allow(dead_code, reason = "not everybody measures copies")]
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Bytes that it takes.
    pub(crate) fn bytes(words: usize) -> usize {
        4096 + CAPACITY * words * 8
    }

    fn tail(&self) -> &AtomicU64 {
        // SAFETY: as `new` says; only accessed atomically.
        unsafe { &*self.tail }
    }

    fn head(&self) -> &AtomicU64 {
        // SAFETY: as above.
        unsafe { &*self.head }
    }

    fn slot(&self, position: u64) -> *mut u64 {
        let index = position as usize % CAPACITY;
        self.slots.wrapping_add(index * self.words)
    }

    /// Writes `count` messages of running numbers.
    pub(crate) fn send(&mut self, count: u64) {
        for end in self.position + 1..=self.position + count {
            if self.position - self.seen == CAPACITY as u64 {
                while self.head().load(Ordering::Acquire) == self.seen {}
                self.seen = self.head().load(Ordering::Acquire);
            }
            let slot = self.slot(self.position);
            for word in 0..self.words {
                // SAFETY: inside the slot, which is free.
                unsafe { slot.wrapping_add(word).write(end) };
            }
            self.position = end;
            if end % BATCH as u64 == 0 {
                self.tail().store(end, Ordering::Release);
            }
        }
        self.tail().store(self.position, Ordering::Release);
    }

    /// Reads `count` messages and checks each word.
    pub(crate) fn recv(&mut self, count: u64) {
        for end in self.position + 1..=self.position + count {
            while self.seen == self.position {
                self.seen = self.tail().load(Ordering::Acquire);
            }
            let slot = self.slot(self.position);
            let mut sum = 0_u64;
            for word in 0..self.words {
                // SAFETY: inside the slot, which is published.
                sum = sum.wrapping_add(unsafe { slot.wrapping_add(word).read() });
            }
            assert_eq!(sum, end.wrapping_mul(self.words as u64), "the yardstick lost or tore a message");
            self.position = end;
            if end % BATCH as u64 == 0 {
                self.head().store(end, Ordering::Release);
            }
        }
        self.head().store(self.position, Ordering::Release);
    }

    /// Copies a batch of messages in at once, and announces it. The ring is used in such batches alone, or a whole number of
    /// them has gone before.
    #[allow(dead_code, reason = "not everybody measures copies")]
    pub(crate) fn send_copies<const N: usize>(&mut self, messages: &[[u64; N]; BATCH]) {
        assert_eq!((N, self.position % BATCH as u64), (self.words, 0));
        while self.position - self.seen == CAPACITY as u64 {
            self.seen = self.head().load(Ordering::Acquire);
        }
        let slot = self.slot(self.position).cast();
        // SAFETY: as many slots, which lie side by side to the end of the lap at least, and are free: so is every batch.
        unsafe { std::ptr::copy_nonoverlapping(messages, slot, 1) };
        self.position += BATCH as u64;
        self.tail().store(self.position, Ordering::Release);
    }

    /// Copies a batch of messages out at once, to be looked at when their slots have been freed.
    #[allow(dead_code, reason = "not everybody measures copies")]
    pub(crate) fn recv_copies<const N: usize>(&mut self, messages: &mut [[u64; N]; BATCH]) {
        assert_eq!((N, self.position % BATCH as u64), (self.words, 0));
        while self.seen == self.position {
            self.seen = self.tail().load(Ordering::Acquire);
        }
        let slot = self.slot(self.position).cast();
        // SAFETY: as many slots as in `send_copies`, which are published, as every batch is.
        unsafe { std::ptr::copy_nonoverlapping(slot, messages, 1) };
        self.position += BATCH as u64;
        self.head().store(self.position, Ordering::Release);
    }
}
