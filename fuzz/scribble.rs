//! As `hostile`, but the words are written by a thread, through a mapping of its own, while the calls are made: for as
//! long as they last, some words at random, and some of those that calls look at again and again, at full speed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ringway::map::SharedMap;

use super::hostile::{When, attack};
use super::input::Input;
use super::segment::{Damage, Parts};

/// Runs one input.
pub fn run(input: &[u8]) {
    attack(input, When::Meanwhile);
}

/// No call takes as long; one that does hangs, if only while somebody writes.
const HANG: Duration = Duration::from_secs(10);
/// Calls of an input go on for so long at most, since each may take as long as it is allowed to look again.
pub(crate) const ENOUGH: Duration = Duration::from_secs(2);
/// Writes of a word in a row.
const BURST: u64 = 256;
/// Most calls of an input.
pub(crate) const CALLS: u64 = 100;

/// The calls of an input, as whoever writes beside them sees them.
pub(crate) struct Calls {
    /// How many have begun, and which operation was the last: `number << 8 | operation`.
    last: AtomicU64,
    begun: AtomicBool,
    over: AtomicBool,
    started: Instant,
}

impl Calls {
    /// The next operation, until there were enough.
    pub(crate) fn next(&self, input: &mut Input<'_>) -> Option<u8> {
        let made = self.last.load(Ordering::Relaxed) >> 8;
        if input.is_empty() || made >= CALLS || self.started.elapsed() > ENOUGH {
            return None;
        }
        let operation = input.byte();
        self.last.store((made + 1) << 8 | u64::from(operation), Ordering::Relaxed);
        Some(operation)
    }
}

/// However the calls end, the writer does, too.
struct Over<'a>(&'a Calls);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
    }
}

/// Makes calls, while a thread writes words if that is asked for.
pub(crate) fn beside(
    when: When,
    map: &SharedMap,
    input: &mut Input<'_>,
    make: impl FnOnce(&mut Input<'_>, &Calls),
) {
    let calls = &Calls {
        last: AtomicU64::new(0),
        begun: AtomicBool::new(false),
        over: AtomicBool::new(false),
        started: Instant::now(),
    };
    thread::scope(|scope| {
        let _over = Over(calls);
        if when == When::Meanwhile {
            let scribbler = Scribbler::new(Damage::new(map), input);
            scope.spawn(move || scribbler.write_beside(calls));
            while !calls.begun.load(Ordering::Relaxed) {
                thread::yield_now();
            }
        }
        make(input, calls);
    });
}

/// Who writes, where and what.
struct Scribbler {
    damage: Damage,
    /// Of words that are written again and again: which, and how.
    hot: Vec<(u64, u8)>,
    /// A random word is written once in so many bursts; 0: never.
    rare: u64,
    random: u64,
}

impl Scribbler {
    fn new(damage: Damage, input: &mut Input<'_>) -> Self {
        let shape = input.byte();
        let hot: Vec<_> = (0..shape % 4).map(|_| (input.byte(), input.byte())).collect();
        let hot = hot.into_iter().map(|(which, how)| (hot_word(&damage, which), how)).collect();
        let rare = if shape % 4 == 0 { 1 } else { [0, 1, 8, 64][usize::from(shape >> 2) % 4] };
        Self { damage, hot, rare, random: input.number() << 1 | 1 }
    }

    fn draw(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    /// Writes until the calls are over.
    ///
    /// # Panics
    ///
    /// If one of them hangs; then it stops to write first.
    fn write_beside(mut self, calls: &Calls) {
        let (mut last, mut since) = (0, Instant::now());
        for burst in 1_u64.. {
            self.write_burst();
            if burst.checked_rem(self.rare) == Some(0) {
                let bytes: Vec<u8> = (0..3).flat_map(|_| self.draw().to_le_bytes()).collect();
                self.damage.strike(&mut Input::new(&bytes));
            }
            calls.begun.store(true, Ordering::Relaxed);
            if calls.over.load(Ordering::Relaxed) {
                return;
            }
            let now = calls.last.load(Ordering::Relaxed);
            if now != last {
                (last, since) = (now, Instant::now());
            }
            if burst % 16 == 0 {
                let (number, operation) = (now >> 8, now & 255);
                assert!(
                    since.elapsed() < HANG,
                    "call {number}, operation {operation}, hangs: {:x?}",
                    self.hot
                );
            }
        }
    }

    /// The hot words again and again, without a look at them in between: no call looks faster than that.
    fn write_burst(&self) {
        let capacity = self.damage.parts.capacity;
        for (at, how) in self.hot.iter().copied() {
            let first = self.damage.word(at);
            (1..=BURST).for_each(|round| self.damage.overwrite(at, likely(first, how, capacity, round)));
        }
    }
}

/// A word that calls look at more than once.
fn hot_word(damage: &Damage, which: u8) -> u64 {
    let Parts { control, slots, stride, roster, capacity, .. } = damage.parts;
    let number = u64::from(which >> 3);
    let at = if damage.parts.is_ring() {
        let stamp_at = |position: u64| slots + position % capacity * stride;
        match which % 8 {
            0 => control,
            1 => control + 128,
            2 => control + 256,
            3 => stamp_at(damage.word(control).wrapping_add(number % 4)),
            4 => stamp_at(damage.word(control + 128).wrapping_add(number % 4)),
            5 => stamp_at(number),
            6 => roster + number % 8 * 64,
            _ => control + 384 + number % 2 * 128,
        }
    } else {
        let cell = slots + number % capacity * stride;
        match which % 8 {
            0..=2 => cell,
            // Its first value, or its second one.
            3 | 4 => cell + number / 4 * 8,
            5 => cell + damage.parts.key,
            6 => roster + number % capacity * 128,
            _ => roster + number % capacity * 128 + 32,
        }
    };
    at.min(damage.parts.len - 8) / 8 * 8
}

/// What a word could become that was `first` so many rounds ago.
fn likely(first: u64, how: u8, capacity: u64, round: u64) -> u64 {
    /// Of a stamp: free, full, skipped, an orphan, taken, for the last time, nonsense.
    const STATES: [u64; 8] = [0x000, 0x001, 0x002, 0x100, 0x101, 0x102, 0xf00, 0x003];
    let by = match how % 8 {
        0 => round,
        1 => round * capacity,
        2 => round << 12,
        // Up and down, so that it stays close to what it was.
        3 => round % 2,
        4 => round % 2 * u64::from(how),
        5 => (round % 2) << 12,
        6 => round % 8,
        _ => return first & !0xfff | STATES[round as usize % STATES.len()],
    };
    first.wrapping_add(by)
}
