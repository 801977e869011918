//! The yardsticks of growth: bare memory of any size, with no protocol round it.
#![allow(unsafe_code, reason = "works on bare shared memory")]

use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use ringway::map::{MapOptions, View};

use super::{Job, Part};

/// Memory that two processes have, by name; zero at first.
pub(super) struct Memory(View);

impl Memory {
    pub(super) fn of(name: &str, bytes: u64) -> Rc<Self> {
        let (map, _) = MapOptions::new().capacity(bytes).create_or_open(name).expect("shared memory");
        Rc::new(Self(map.accessor().expect("all of it")))
    }

    fn word(&self, at: u64) -> &AtomicU64 {
        self.0.atomic_u64(at).expect("a word of the map")
    }

    fn at(&self, at: u64, bytes: u64) -> *mut u64 {
        assert!(at + bytes <= self.0.len(), "inside the map");
        self.0.as_mut_ptr().wrapping_add(at as usize).cast()
    }
}

/// The shape of a ring, in words and messages, where it is, and how many messages are announced at a time.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) at: u64,
    pub(super) words: usize,
    pub(super) capacity: u64,
    pub(super) batch: u64,
}

impl Shape {
    /// Bytes that it takes: two lines for the indices, and the slots.
    pub(super) fn bytes(self) -> u64 {
        256 + self.capacity * self.words as u64 * 8
    }
}

/// One side of memory that is written, announced by an index every batch, and freed every batch: both sides in place, each with a
/// cached copy of the other's index.
pub(super) struct Ring {
    /// Keeps what the pointers point to.
    _memory: Rc<Memory>,
    shape: Shape,
    tail: *const AtomicU64,
    head: *const AtomicU64,
    slots: *mut u64,
    position: u64,
    /// The slot of it.
    index: u64,
    /// The other side's index, as it was seen last.
    seen: u64,
}

impl Ring {
    pub(super) fn new(memory: &Rc<Memory>, shape: Shape) -> Self {
        let (tail, head) = (memory.word(shape.at), memory.word(shape.at + 128));
        let slots = memory.at(shape.at, shape.bytes()).wrapping_add(256 / 8);
        Self { _memory: memory.clone(), shape, tail, head, slots, position: 0, index: 0, seen: 0 }
    }

    fn words<'m>(&self) -> (&'m AtomicU64, &'m AtomicU64) {
        // SAFETY: they were references, into memory that is kept for as long as this.
        let tail = unsafe { &*self.tail };
        // SAFETY: as above.
        (tail, unsafe { &*self.head })
    }

    /// The slot of the next message, and its number.
    fn step(&mut self) -> (*mut u64, u64) {
        let slot = self.slots.wrapping_add(self.index as usize * self.shape.words);
        self.position += 1;
        self.index = if self.index + 1 == self.shape.capacity { 0 } else { self.index + 1 };
        (slot, self.position)
    }

    /// Writes `count` messages of running numbers.
    #[inline]
    pub(super) fn send(&mut self, count: u64) {
        let (tail, head) = self.words();
        for _ in 0..count {
            if self.position - self.seen == self.shape.capacity {
                while head.load(Ordering::Acquire) == self.seen {}
                self.seen = head.load(Ordering::Acquire);
            }
            let (slot, number) = self.step();
            for word in 0..self.shape.words {
                // SAFETY: inside the slot, which is inside the map, by `new`, and free.
                unsafe { slot.wrapping_add(word).write(number) };
            }
            if number % self.shape.batch == 0 {
                tail.store(number, Ordering::Release);
            }
        }
        tail.store(self.position, Ordering::Release);
    }

    /// Reads `count` messages and checks each word.
    #[inline]
    pub(super) fn recv(&mut self, count: u64) {
        let (tail, head) = self.words();
        for _ in 0..count {
            while self.seen == self.position {
                self.seen = tail.load(Ordering::Acquire);
            }
            let (slot, number) = self.step();
            let mut sum = 0_u64;
            for word in 0..self.shape.words {
                // SAFETY: inside the slot, which is inside the map, by `new`, and published.
                sum = sum.wrapping_add(unsafe { slot.wrapping_add(word).read() });
            }
            let expected = number.wrapping_mul(self.shape.words as u64);
            assert_eq!(sum, expected, "the yardstick lost or tore a message");
            if number % self.shape.batch == 0 {
                head.store(number, Ordering::Release);
            }
        }
        head.store(self.position, Ordering::Release);
    }

    /// What a side does in a slice.
    pub(super) fn job(mut self, part: Part) -> Job {
        match part {
            Part::Parent => Box::new(move |count| self.send(count)),
            Part::Child => Box::new(move |count| self.recv(count)),
        }
    }
}

/// A message of bare memory each way, whose first word says its number: what a channel would cost if it had one slot and no
/// idea of what is in it.
pub(super) struct Trip {
    memory: Rc<Memory>,
    words: usize,
    last: u64,
}

impl Trip {
    pub(super) fn new(name: &str, words: usize) -> Self {
        let memory = Memory::of(name, 2 * Self::distance(words));
        Self { memory, words, last: 0 }
    }

    /// From one message to the other: another page, and another line of it.
    fn distance(words: usize) -> u64 {
        (words as u64 * 8).next_multiple_of(4096) + 4096 + 128
    }

    fn say(&self, at: u64, number: u64) {
        let message = self.memory.at(at, self.words as u64 * 8);
        for word in 1..self.words {
            // SAFETY: inside the map, and not read until the first word says so.
            unsafe { message.wrapping_add(word).write(number) };
        }
        self.memory.word(at).store(number, Ordering::Release);
    }

    fn hear(&self, at: u64, number: u64) {
        let first = self.memory.word(at);
        while first.load(Ordering::Acquire) != number {}
        let message = self.memory.at(at, self.words as u64 * 8);
        let mut sum = number;
        for word in 1..self.words {
            // SAFETY: inside the map, and not written until it is answered.
            sum = sum.wrapping_add(unsafe { message.wrapping_add(word).read() });
        }
        assert_eq!(sum, number.wrapping_mul(self.words as u64), "the yardstick lost or tore a message");
    }

    /// `count` round trips.
    pub(super) fn rounds(&mut self, count: u64) {
        for _ in 0..count {
            self.last += 1;
            self.say(0, self.last);
            self.hear(Self::distance(self.words), self.last);
        }
    }

    /// `count` answers.
    pub(super) fn answer(&mut self, count: u64) {
        for _ in 0..count {
            self.last += 1;
            self.hear(0, self.last);
            self.say(Self::distance(self.words), self.last);
        }
    }
}
