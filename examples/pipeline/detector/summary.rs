//! A run in a few numbers.

use super::recording::{UNITS_PER_MV, ZERO};
use super::{Beat, Found};
use std::fmt;

/// Sums over the samples and the beats of a run; the figures are worked out when they are asked for.
///
/// The sums are integers, so two runs over the same samples and beats have equal summaries. Intervals
/// are those between all beats found, normal or not, with none left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    rate_hz: u32,
    samples: Moments,
    intervals: Moments,
    /// Of each interval less the one before it.
    changes: Moments,
    beats: u64,
    searched: u64,
    last: Option<u64>,
    last_interval: Option<i64>,
}

impl Summary {
    /// The summary of nothing, at a rate of `rate_hz` samples a second.
    pub(crate) fn new(rate_hz: u32) -> Self {
        Self {
            rate_hz,
            samples: Moments::default(),
            intervals: Moments::default(),
            changes: Moments::default(),
            beats: 0,
            searched: 0,
            last: None,
            last_interval: None,
        }
    }

    /// Takes the next sample.
    pub(crate) fn sample(&mut self, sample: u16) {
        self.samples.push(i64::from(sample) - i64::from(ZERO));
    }

    /// Takes the next beat.
    pub(crate) fn beat(&mut self, beat: Beat) {
        self.beats += 1;
        self.searched += u64::from(beat.found == Found::SearchBack);
        let interval = self.last.map(|last| beat.sample as i64 - last as i64);
        if let Some(interval) = interval {
            self.intervals.push(interval);
            self.last_interval.into_iter().for_each(|before| self.changes.push(interval - before));
        }
        (self.last, self.last_interval) = (Some(beat.sample), interval);
    }

    /// Number of beats.
    pub(crate) fn beats(&self) -> u64 {
        self.beats
    }

    /// Beats per minute of recording; none without a sample.
    pub(crate) fn beats_per_minute(&self) -> Option<f64> {
        let samples = self.samples.count;
        (samples > 0).then(|| (self.beats * 60 * u64::from(self.rate_hz)) as f64 / samples as f64)
    }

    /// Mean interval between beats, in milliseconds; none before the second beat.
    pub(crate) fn mean_rr_ms(&self) -> Option<f64> {
        Some(self.intervals.mean()? * self.ms())
    }

    /// Standard deviation of the intervals (SDNN, divisor n - 1), in milliseconds; none before the
    /// third beat.
    pub(crate) fn sdnn_ms(&self) -> Option<f64> {
        Some(self.intervals.deviation(1)? * self.ms())
    }

    /// Root of the mean squared change from one interval to the next (RMSSD), in milliseconds; none
    /// before the third beat.
    pub(crate) fn rmssd_ms(&self) -> Option<f64> {
        Some(self.changes.mean_square()?.sqrt() * self.ms())
    }

    /// Mean of the signal, in millivolt; none without a sample.
    pub(crate) fn mean_mv(&self) -> Option<f64> {
        Some(self.samples.mean()? / f64::from(UNITS_PER_MV))
    }

    /// Standard deviation of the signal (divisor n), in millivolt; none without a sample.
    pub(crate) fn sd_mv(&self) -> Option<f64> {
        Some(self.samples.deviation(0)? / f64::from(UNITS_PER_MV))
    }

    /// Milliseconds from one sample to the next.
    fn ms(&self) -> f64 {
        1_000.0 / f64::from(self.rate_hz)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = |name: &str, value: Option<f64>, digits: usize, unit: &str| match value {
            Some(value) => format!("{name} {value:.digits$} {unit}"),
            None => format!("{name} -"),
        };
        let (rate, mean) = (self.beats_per_minute(), self.mean_mv());
        write!(f, "{} beats ({} by search-back)", self.beats(), self.searched)?;
        write!(f, ", {}", figure("rate", rate, 1, "per minute"))?;
        write!(f, ", {}", figure("mean RR", self.mean_rr_ms(), 1, "ms"))?;
        write!(f, ", {}", figure("SDNN", self.sdnn_ms(), 1, "ms"))?;
        write!(f, ", {}", figure("RMSSD", self.rmssd_ms(), 1, "ms"))?;
        write!(f, "; signal {}", figure("mean", mean, 4, "mV"))?;
        write!(f, ", {}", figure("deviation", self.sd_mv(), 4, "mV"))
    }
}

/// Count, sum and sum of squares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Moments {
    count: u64,
    sum: i64,
    squares: i128,
}

impl Moments {
    fn push(&mut self, value: i64) {
        self.count += 1;
        self.sum += value;
        self.squares += i128::from(value) * i128::from(value);
    }

    fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    fn mean_square(&self) -> Option<f64> {
        (self.count > 0).then(|| self.squares as f64 / self.count as f64)
    }

    /// Standard deviation with the divisor `count - less`; none if that is not positive.
    fn deviation(&self, less: u64) -> Option<f64> {
        let (count, sum) = (i128::from(self.count), i128::from(self.sum));
        let divisor = count * (count - i128::from(less));
        (divisor > 0).then(|| ((count * self.squares - sum * sum) as f64 / divisor as f64).sqrt())
    }
}
