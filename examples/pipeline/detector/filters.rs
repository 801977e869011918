//! From samples to signals: the filters, steps S1 to S4.
//!
//! A signal at a sample is worked out from that sample and those at most [`Filters::reach`] before it, on
//! integers, and from nothing else: filters that start so far back, or further, give the same signals. The level
//! from which they start does not matter either: the high-pass removes it, exactly.

use ringway::Message;

use super::ring::{Ring, Sum};

/// Units of the filtered signal to one unit of the converter.
const SCALE: i64 = 32;

/// What the filters make of one sample.
#[derive(Message, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[message(name = "pipeline.Signals")]
#[repr(C)]
pub(crate) struct Signals {
    /// The mean square of the slope (S4).
    pub(super) integrated: i64,
    /// After low-pass and high-pass (S2): within 32 times the range of the converter on either side.
    pub(super) filtered: i32,
    /// The derivative of that (S3).
    pub(super) slope: i32,
}

impl Signals {
    /// A digest of one more sample and its signals: FNV-1a, by words, of all so far.
    #[inline]
    pub(crate) fn digest(self, digest: u64, sample: u16) -> u64 {
        let both = u64::from(self.filtered as u32) << 32 | u64::from(self.slope as u32);
        // One step for all of them: three would cost more than the search for the beats.
        let word = (self.integrated as u64).rotate_left(21) ^ both.wrapping_mul(3) ^ u64::from(sample);
        (digest ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(7)
    }
}

/// The lengths of the filters, in samples.
pub(super) struct Lengths {
    pub(super) low_pass: usize,
    pub(super) high_pass: usize,
    pub(super) tap: usize,
    pub(super) window: usize,
}

impl Lengths {
    pub(super) const fn at(rate_hz: u32) -> Self {
        Self {
            low_pass: samples(rate_hz, 30),
            high_pass: (rate_hz as usize * 160 / 1_000) | 1,
            tap: samples(rate_hz, 5),
            window: samples(rate_hz, 150),
        }
    }
}

/// The nearest whole number of samples, at least one.
pub(super) const fn samples(rate_hz: u32, ms: usize) -> usize {
    let rounded = (rate_hz as usize * ms + 500) / 1_000;
    if rounded > 0 { rounded } else { 1 }
}

/// The filters, after some samples.
pub(crate) struct Filters {
    /// The first sample: the filters start as if it had always been there, and so without a step.
    rest: Option<i64>,
    low_pass: [Sum; 2],
    high_pass: Sum,
    gain: i64,
    filtered: Ring,
    tap: usize,
    squares: Sum,
}

impl Filters {
    /// Filters for samples that are taken `rate_hz` times a second.
    pub(crate) fn new(rate_hz: u32) -> Self {
        let Lengths { low_pass, high_pass, tap, window } = Lengths::at(rate_hz);
        Self {
            rest: None,
            low_pass: [Sum::over(low_pass), Sum::over(low_pass)],
            high_pass: Sum::over(high_pass),
            gain: (low_pass * low_pass * high_pass) as i64,
            filtered: Ring::new(4 * tap + 1),
            tap,
            squares: Sum::over(window),
        }
    }

    /// How many samples before it the signals at a sample depend on.
    pub(crate) const fn reach(rate_hz: u32) -> usize {
        let Lengths { low_pass, high_pass, tap, window } = Lengths::at(rate_hz);
        2 * (low_pass - 1) + (high_pass - 1) + 4 * tap + (window - 1)
    }

    /// Takes a sample and gives the signals there.
    pub(crate) fn push(&mut self, sample: u16) -> Signals {
        let sample = i64::from(sample);
        let value = sample - *self.rest.get_or_insert(sample);
        // S1
        let value = self.low_pass[0].push(value);
        let value = self.low_pass[1].push(value);
        // S2
        let sum = self.high_pass.push(value);
        let len = self.high_pass.len();
        let filtered = (self.high_pass.back(len / 2) * len as i64 - sum) * SCALE / self.gain;
        self.filtered.push(filtered);
        // S3
        let x = |taps: usize| self.filtered.back(taps * self.tap);
        let slope = (x(0) + 2 * x(1) - 2 * x(3) - x(4)) / 8;
        // S4
        let integrated = self.squares.push(slope * slope) / self.squares.len() as i64;
        Signals { integrated, filtered: filtered as i32, slope: slope as i32 }
    }
}
