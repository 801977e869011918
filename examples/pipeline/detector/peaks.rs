//! From signals to peaks: step S5, and what is to be known of a peak.

use super::filters::{Lengths, Signals, samples};
use super::ring::Ring;

/// The step table's lengths, in samples.
pub(super) struct Spans {
    window: usize,
    tap: usize,
    snap: usize,
    /// From an extremum of the recording to that of the filtered signal.
    delay: usize,
    pub(super) refractory: u64,
    pub(super) t_wave: u64,
    pub(super) learning: u64,
    pub(super) silence: u64,
    /// From a sample to the latest moment at which a peak there is judged.
    pub(super) latency: u64,
}

impl Spans {
    pub(super) const fn at(rate_hz: u32) -> Self {
        let Lengths { low_pass, high_pass, tap, window } = Lengths::at(rate_hz);
        let (snap, rate) = (samples(rate_hz, 40), rate_hz as u64);
        let (delay, refractory) = (low_pass - 1 + high_pass / 2, rate * 200 / 1_000);
        Self {
            window,
            tap,
            snap,
            delay,
            refractory,
            t_wave: rate * 360 / 1_000,
            learning: rate * 2,
            silence: rate * 8,
            latency: (delay + 2 * tap + window + snap) as u64 + refractory,
        }
    }
}

/// The recording and its signals, each as far back as a peak may ask.
pub(super) struct Trace {
    /// Samples taken so far.
    pub(super) count: u64,
    /// Of these and their signals, in order.
    pub(super) digest: u64,
    raw: Ring,
    filtered: Ring,
    slope: Ring,
}

impl Trace {
    pub(super) fn new(spans: &Spans) -> Self {
        let ring = || Ring::new(spans.latency as usize + 1);
        Self { count: 0, digest: 0, raw: ring(), filtered: ring(), slope: ring() }
    }

    /// Takes the next sample and its signals.
    #[inline]
    pub(super) fn push(&mut self, sample: u16, signals: Signals) {
        self.count += 1;
        self.digest = signals.digest(self.digest, sample);
        self.raw.push(i64::from(sample));
        self.filtered.push(i64::from(signals.filtered));
        self.slope.push(i64::from(signals.slope));
    }

    /// The last sample pushed.
    pub(super) fn latest(&self) -> u16 {
        self.raw.back(0) as u16
    }

    /// What is to be known of the peak of the integrated signal at sample `at`.
    pub(super) fn peak(&self, at: u64, integrated: i64, spans: &Spans) -> Peak {
        let back = (self.count - 1 - at) as usize;
        let slope = self.slope.extremum(back, spans.window - 1).1.abs();
        let (place, filtered) = self.filtered.extremum(back, spans.window - 1 + 2 * spans.tap);
        let sample = self.r_peak(place + spans.delay, filtered.signum(), spans.snap);
        Peak { sample, integrated, filtered: filtered.abs(), slope }
    }

    /// The sample number of the R peak near the sample `back` samples ago.
    fn r_peak(&self, back: usize, sign: i64, snap: usize) -> u64 {
        let latest = self.count - 1;
        let near = back.saturating_sub(snap)..=(back + snap).min(latest as usize);
        let best = near.max_by_key(|&at| (self.raw.back(at) * sign, std::cmp::Reverse(at.abs_diff(back))));
        latest.saturating_sub(best.unwrap_or(back) as u64)
    }
}

/// Finds the peaks of the integrated signal (S5).
#[derive(Default)]
pub(super) struct Crest {
    previous: i64,
    rising: bool,
    /// The highest turning point of the last 200 ms, with nothing higher since.
    candidate: Option<u64>,
    /// Height of the candidate, or of the peak just found.
    pub(super) height: i64,
}

impl Crest {
    /// Takes the value at sample `now`, and gives the sample of a peak once nothing within `span`
    /// samples is higher.
    pub(super) fn push(&mut self, now: u64, value: i64, span: u64) -> Option<u64> {
        if self.rising && value < self.previous && self.candidate.is_none() {
            (self.candidate, self.height) = (Some(now - 1), self.previous);
        }
        if value != self.previous {
            self.rising = value > self.previous;
        }
        self.previous = value;
        // A higher value takes the candidate's place when it turns.
        self.candidate = self.candidate.filter(|_| value <= self.height);
        self.candidate.take_if(|at| now >= *at + span)
    }
}

/// A peak of the integrated signal that may be a beat.
#[derive(Clone, Copy)]
pub(super) struct Peak {
    /// The R peak in the recording.
    pub(super) sample: u64,
    /// Height in the integrated signal.
    pub(super) integrated: i64,
    /// Height in the filtered signal, without its sign.
    pub(super) filtered: i64,
    /// Steepest slope of the filtered signal in the window.
    pub(super) slope: i64,
}
