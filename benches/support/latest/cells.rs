//! What is asked of everybody who holds a latest value, and the loops that ask it.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::crew::{Counts, Job, Slice};

/// Stores values: numbers in `N` words.
pub(crate) trait Store<const N: usize> {
    fn store(&mut self, value: &[u64; N]);
}

/// Loads the latest value, as a copy of its own.
pub(crate) trait Load<const N: usize> {
    fn load(&mut self, look: impl FnMut(&[u64; N]));
}

/// Operations between two looks at the clock.
const fn batch(words: usize) -> usize {
    let batch = (128 << 10) / (words * 8 + 64);
    if batch > 1024 { 1024 } else { batch }
}

/// Values to be stored, made well ahead: what was written a moment ago, and word by word, cannot be read at full width.
struct Values<const N: usize> {
    made: Vec<[u64; N]>,
    /// The number of the next one.
    next: u64,
}

impl<const N: usize> Values<N> {
    fn new() -> Self {
        let count = (16384 / (N * 8)).clamp(4, 64) as u64;
        Self { made: (0..count).map(|number| [number; N]).collect(), next: 1 }
    }

    /// The next value: its number is in its first and in its last word.
    #[inline]
    fn next(&mut self) -> &[u64; N] {
        let (number, count) = (self.next, self.made.len() as u64);
        self.next += 1;
        let ahead = number + count / 2;
        let later = &mut self.made[(ahead % count) as usize];
        later[0] = ahead;
        later[N - 1] = ahead;
        &self.made[(number % count) as usize]
    }

    /// After `whole` values that were not made here.
    fn skip(&mut self, whole: u64) {
        self.next += whole;
        for number in self.next..self.next + self.made.len() as u64 {
            let at = number as usize % self.made.len();
            let value = &mut self.made[at];
            (value[0], value[N - 1]) = (number, number);
        }
    }
}

/// Stores for so long, and every word of the number if it is checked.
pub(crate) type Writing = Box<dyn FnMut(Duration, bool) -> Counts>;

/// The writer's part. A first value is stored at once.
pub(crate) fn writing<const N: usize>(mut cell: impl Store<N> + 'static) -> Writing {
    let mut values = Values::<N>::new();
    cell.store(&[values.next; N]);
    values.skip(1);
    Box::new(move |time, checked| {
        let (start, first) = (Instant::now(), values.next);
        if checked {
            let mut number = first;
            while start.elapsed() < time {
                for _ in 0..8 {
                    cell.store(black_box(&[number; N]));
                    number += 1;
                }
            }
            values.skip(number - first);
        } else {
            while start.elapsed() < time {
                for _ in 0..batch(N) {
                    cell.store(black_box(values.next()));
                }
            }
        }
        let nanos = start.elapsed().as_nanos() as u64;
        let operations = values.next - first;
        // Whole again, for the next one who checks every word.
        cell.store(&[values.next; N]);
        values.skip(1);
        Counts { operations, nanos, ..Counts::default() }
    })
}

/// A reader's part.
pub(crate) fn reading<const N: usize>(mut cell: impl Load<N> + 'static) -> Job {
    // The number of the value before.
    let mut last = 0;
    Box::new(move |slice: &Slice<'_>| {
        let start = Instant::now();
        let mut counts = Counts::default();
        let checked = slice.checked;
        while !slice.over() {
            let few = if N > 64 { 4 } else { 16 };
            for _ in 0..few {
                cell.load(|value| {
                    let value = black_box(value);
                    let number = value[0];
                    let whole = if checked {
                        value.iter().all(|word| *word == number)
                    } else {
                        value[N - 1] == number
                    };
                    counts.wrong += u64::from(!whole || number < last);
                    counts.fresh += u64::from(number != last);
                    last = number;
                });
            }
            counts.operations += few;
        }
        Counts { nanos: start.elapsed().as_nanos() as u64, ..counts }
    })
}
