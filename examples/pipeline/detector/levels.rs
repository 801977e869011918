//! What the detector remembers of earlier peaks: heights and intervals, steps S6 and S9 to S11.

/// Intervals in a mean of the rhythm.
const INTERVALS: usize = 8;

/// The running heights of beats and of other peaks, in one of the two signals.
#[derive(Default)]
pub(super) struct Level {
    signal: i64,
    noise: i64,
    /// The least that `signal` may be after learning.
    floor: i64,
}

impl Level {
    /// Starts from the highest value of the signal and its mean.
    fn learn(&mut self, highest: i64, mean: i64) {
        self.signal = self.floor.max(highest / 3);
        self.noise = mean / 2;
    }

    /// Keeps one part in `share` of the height of beats for the next learning.
    pub(super) fn remember(&mut self, share: i64) {
        self.floor = self.signal / share;
    }

    /// Takes the height of a beat, which counts for one part in `weight`.
    pub(super) fn hear_beat(&mut self, height: i64, weight: i64) {
        self.signal += (height - self.signal) / weight;
    }

    /// Takes the height of a peak that is no beat.
    pub(super) fn hear_noise(&mut self, height: i64) {
        self.noise += (height - self.noise) / 8;
    }

    /// The height above which a peak may be a beat.
    pub(super) fn threshold(&self) -> i64 {
        self.noise + (self.signal - self.noise) / 4
    }
}

/// What the two signals are like, for the first levels.
pub(super) struct Learning {
    pub(super) since: u64,
    samples: i64,
    highest_integrated: i64,
    sum_integrated: i64,
    highest_filtered: i64,
    sum_filtered: i64,
}

impl Learning {
    /// Nothing learnt yet, at sample `since`.
    pub(super) fn starting_at(since: u64) -> Self {
        Self {
            since,
            samples: 0,
            highest_integrated: 0,
            sum_integrated: 0,
            highest_filtered: 0,
            sum_filtered: 0,
        }
    }

    /// Takes one value of each signal.
    pub(super) fn push(&mut self, integrated: i64, filtered: i64) {
        self.samples += 1;
        self.highest_integrated = self.highest_integrated.max(integrated);
        self.sum_integrated += integrated;
        self.highest_filtered = self.highest_filtered.max(filtered);
        self.sum_filtered += filtered;
    }

    /// Starts the level of each signal.
    pub(super) fn teach(&self, integrated: &mut Level, filtered: &mut Level) {
        let samples = self.samples.max(1);
        integrated.learn(self.highest_integrated, self.sum_integrated / samples);
        filtered.learn(self.highest_filtered, self.sum_filtered / samples);
    }
}

/// The intervals between beats, in samples (S11).
pub(super) struct Rhythm {
    /// The latest intervals.
    recent: Intervals,
    /// The latest that were near the mean of their kind.
    selected: Intervals,
    /// Whether all of `recent` are near the mean of `selected`.
    pub(super) regular: bool,
    /// The wait after which a beat has been missed; none before the second beat.
    pub(super) missed_after: Option<u64>,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            recent: Intervals::default(),
            selected: Intervals::default(),
            regular: true,
            missed_after: None,
        }
    }
}

impl Rhythm {
    /// Takes the interval to the latest beat.
    pub(super) fn push(&mut self, interval: u64) {
        self.recent.push(interval);
        if self.selected.near_mean(interval) {
            self.selected.push(interval);
        }
        self.regular = self.recent.iter().all(|interval| self.selected.near_mean(interval));
        self.missed_after = self.selected.mean().map(|mean| mean * 166 / 100);
    }
}

/// The latest intervals of a kind.
#[derive(Default)]
struct Intervals {
    values: [u64; INTERVALS],
    count: usize,
}

impl Intervals {
    fn push(&mut self, interval: u64) {
        self.values[self.count % INTERVALS] = interval;
        self.count += 1;
    }

    fn iter(&self) -> impl Iterator<Item = u64> {
        self.values.into_iter().take(self.count)
    }

    fn mean(&self) -> Option<u64> {
        (self.count > 0).then(|| self.iter().sum::<u64>() / self.count.min(INTERVALS) as u64)
    }

    /// Whether the interval is within 92 % to 116 % of the mean, or there is no mean yet.
    fn near_mean(&self, interval: u64) -> bool {
        self.mean().is_none_or(|mean| (mean * 92..=mean * 116).contains(&(interval * 100)))
    }
}
