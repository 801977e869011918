//! From peaks to beats: the decisions, steps S6 to S12.

use super::filters::{Filters, Signals};
use super::levels::{Learning, Level, Rhythm};
use super::peaks::{Crest, Peak, Spans, Trace};
use std::collections::VecDeque;

/// Peaks held for the search-back. Between two beats there is room for 8 s at one per 200 ms.
const HELD: usize = 48;

/// A heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beat {
    /// Number of the sample at the R peak; the first sample pushed is 0.
    pub(crate) sample: u64,
    /// How it was found.
    pub(crate) found: Found,
}

/// How a beat was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Above the thresholds when its peak was known.
    InTime,
    /// Passed over at first, and taken when no other beat came.
    SearchBack,
}

/// Finds heartbeats in samples that come one at a time: the filters and the finder, one after the other.
///
/// The state is a function of the samples pushed, in order, and of nothing else.
pub(crate) struct Detector {
    filters: Filters,
    finder: Finder,
    rate_hz: u32,
}

impl Detector {
    /// A detector for samples of a converter, taken `rate_hz` times a second.
    ///
    /// # Panics
    ///
    /// If the rate is not within 100 to 2,000 Hz: the filters cannot be scaled to it.
    pub(crate) fn new(rate_hz: u32) -> Self {
        assert!((100..=2_000).contains(&rate_hz), "a rate of {rate_hz} Hz is outside 100 to 2000");
        Self { filters: Filters::new(rate_hz), finder: Finder::new(rate_hz), rate_hz }
    }

    /// Takes the next sample, and gives the next beat if one is known by now.
    ///
    /// Beats come in ascending order, at most one a call; more found at once come with the calls
    /// that follow.
    pub(crate) fn push(&mut self, sample: u16) -> Option<Beat> {
        self.finder.push(sample, self.filters.push(sample))
    }

    /// A digest of all samples so far and of their signals.
    pub(crate) fn digest(&self) -> u64 {
        self.finder.digest()
    }

    /// Ends the recording, and gives the beats still on their way.
    pub(crate) fn finish(mut self) -> impl Iterator<Item = Beat> {
        let last = self.finder.trace.latest();
        (0..Finder::hold(self.rate_hz)).for_each(|_| self.finder.hold_on(last, self.filters.push(last)));
        self.finder.finish()
    }
}

/// Finds heartbeats in samples whose signals the filters have worked out, steps S5 to S12: what has to be done
/// in order.
pub(crate) struct Finder {
    spans: Spans,
    trace: Trace,
    /// Samples in the recording, once it has ended.
    end: Option<u64>,
    crest: Crest,
    learning: Option<Learning>,
    integrated: Level,
    filtered: Level,
    rhythm: Rhythm,
    last: Option<Peak>,
    /// Where the wait for a beat began: the last beat, or the end of the last learning.
    waiting_since: u64,
    /// Peaks not yet judged while learning, and after it those judged noise since the last beat.
    held: VecDeque<Peak>,
    found: VecDeque<Beat>,
}

impl Finder {
    pub(crate) fn new(rate_hz: u32) -> Self {
        let spans = Spans::at(rate_hz);
        Self {
            trace: Trace::new(&spans),
            end: None,
            crest: Crest::default(),
            learning: Some(Learning::starting_at(0)),
            integrated: Level::default(),
            filtered: Level::default(),
            rhythm: Rhythm::default(),
            last: None,
            waiting_since: 0,
            held: VecDeque::with_capacity(HELD),
            found: VecDeque::with_capacity(HELD),
            spans,
        }
    }

    /// How many samples the recording is to be held at its last value after its end: until that has been judged.
    pub(crate) const fn hold(rate_hz: u32) -> usize {
        Spans::at(rate_hz).latency as usize + 1
    }

    /// Takes the next sample and its signals, and gives the next beat if one is known by now.
    #[inline]
    pub(crate) fn push(&mut self, sample: u16, signals: Signals) -> Option<Beat> {
        self.step(sample, signals);
        self.found.pop_front()
    }

    /// A digest of all samples so far and of their signals.
    pub(crate) fn digest(&self) -> u64 {
        self.trace.digest
    }

    /// Takes the last sample again, which marks the end of the recording, and its signals there.
    pub(crate) fn hold_on(&mut self, sample: u16, signals: Signals) {
        self.end.get_or_insert(self.trace.count);
        self.step(sample, signals);
    }

    /// Ends the recording, which has been held, and gives the beats still on their way.
    pub(crate) fn finish(mut self) -> impl Iterator<Item = Beat> {
        self.learning.take().into_iter().for_each(|learning| self.learnt(&learning));
        let end = self.end.unwrap_or(self.trace.count);
        self.found.into_iter().filter(move |beat| beat.sample < end)
    }

    fn step(&mut self, sample: u16, signals: Signals) {
        let now = self.trace.count;
        self.trace.push(sample, signals);
        if let Some(learning) = &mut self.learning {
            learning.push(signals.integrated, i64::from(signals.filtered).abs());
        }
        if let Some(at) = self.crest.push(now, signals.integrated, self.spans.refractory) {
            let peak = self.trace.peak(at, self.crest.height, &self.spans);
            if self.learning.is_some() {
                self.hold_back(peak);
            } else {
                self.judge(peak);
            }
        }
        match self.learning.take_if(|learning| now >= learning.since + self.spans.learning) {
            Some(learning) => self.learnt(&learning),
            None if self.learning.is_none() => self.look_back(now.saturating_sub(self.spans.latency)),
            None => {}
        }
    }

    // S6
    fn learnt(&mut self, learning: &Learning) {
        learning.teach(&mut self.integrated, &mut self.filtered);
        self.waiting_since = learning.since;
        let peaks = std::mem::replace(&mut self.held, VecDeque::with_capacity(HELD));
        peaks.into_iter().for_each(|peak| self.judge(peak));
    }

    // S7 to S10
    fn judge(&mut self, peak: Peak) {
        match self.after_last(&peak) {
            Place::Refractory => {}
            Place::TWave => self.noise(&peak),
            Place::Free => {
                let halved = if self.rhythm.regular { 1 } else { 2 };
                if self.exceeds(&peak, halved) {
                    self.accept(peak, Found::InTime);
                } else {
                    self.noise(&peak);
                    self.hold_back(peak);
                }
            }
        }
    }

    /// Where a peak lies with respect to the last beat (S7, S8).
    fn after_last(&self, peak: &Peak) -> Place {
        match &self.last {
            None => Place::Free,
            Some(last) if peak.sample < last.sample + self.spans.refractory => Place::Refractory,
            Some(last) if peak.sample < last.sample + self.spans.t_wave && 2 * peak.slope < last.slope => {
                Place::TWave
            }
            Some(_) => Place::Free,
        }
    }

    /// Whether the peak is above both thresholds, each divided by `divisor` (S9).
    fn exceeds(&self, peak: &Peak, divisor: i64) -> bool {
        peak.integrated > self.integrated.threshold() / divisor
            && peak.filtered > self.filtered.threshold() / divisor
    }

    // S10
    fn noise(&mut self, peak: &Peak) {
        self.integrated.hear_noise(peak.integrated);
        self.filtered.hear_noise(peak.filtered);
    }

    fn hold_back(&mut self, peak: Peak) {
        if self.held.len() == HELD {
            self.held.pop_front();
        }
        self.held.push_back(peak);
    }

    // S10 to S12
    fn accept(&mut self, peak: Peak, found: Found) {
        let weight = match found {
            Found::InTime => 8,
            Found::SearchBack => 4,
        };
        self.integrated.hear_beat(peak.integrated, weight);
        self.filtered.hear_beat(peak.filtered, weight);
        if let Some(last) = &self.last {
            self.rhythm.push(peak.sample - last.sample);
        }
        self.found.push_back(Beat { sample: peak.sample, found });
        self.waiting_since = peak.sample;
        self.held.retain(|held| held.sample > peak.sample);
        self.last = Some(peak);
    }

    /// Searches what was passed over when no beat came in time (S12). All peaks up to sample `known`
    /// have been judged.
    fn look_back(&mut self, known: u64) {
        let waited = known.saturating_sub(self.waiting_since);
        if self.rhythm.missed_after.is_some_and(|limit| waited > limit) {
            let best = self
                .held
                .iter()
                .filter(|&peak| self.after_last(peak) == Place::Free && self.exceeds(peak, 2));
            if let Some(&peak) = best.max_by_key(|peak| peak.integrated) {
                return self.accept(peak, Found::SearchBack);
            }
        }
        if waited > self.spans.silence {
            if self.last.take().is_some() {
                self.integrated.remember(8 * 8);
                self.filtered.remember(8);
            }
            self.held.clear();
            self.rhythm = Rhythm::default();
            self.learning = Some(Learning::starting_at(self.trace.count));
        }
    }
}

/// Where a peak lies with respect to the last beat.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Too soon for another beat.
    Refractory,
    /// The T wave of that beat.
    TWave,
    /// Where a beat may be.
    Free,
}
