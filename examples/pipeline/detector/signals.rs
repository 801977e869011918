//! From samples to peaks: the filters, steps S1 to S5.

/// Units of the filtered signal to one unit of the converter.
const SCALE: i64 = 32;

/// The step table's lengths, in samples.
pub(super) struct Spans {
    low_pass: usize,
    high_pass: usize,
    tap: usize,
    window: usize,
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
    pub(super) fn new(rate: u64) -> Self {
        let rounded = |ms: u64| (rate * ms + 500) / 1_000;
        let length = |ms: u64| (rounded(ms) as usize).max(1);
        let (low_pass, window, tap) = (length(30), length(150), length(5));
        let high_pass = (rate * 160 / 1_000) as usize | 1;
        let delay = low_pass - 1 + high_pass / 2;
        let (refractory, snap) = (rate * 200 / 1_000, length(40));
        Self {
            low_pass,
            high_pass,
            tap,
            window,
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

/// The recording and what the filters make of it, each as far back as a peak may ask.
pub(super) struct Signals {
    /// Samples taken so far.
    pub(super) count: u64,
    /// The first sample: the filters start as if it had always been there, and so without a step.
    rest: i64,
    raw: Ring,
    low_pass: [Sum; 2],
    high_pass: Sum,
    filtered: Ring,
    slope: Ring,
    squares: Sum,
    gain: i64,
    tap: usize,
}

impl Signals {
    pub(super) fn new(spans: &Spans) -> Self {
        let depth = spans.latency as usize + 1;
        Self {
            count: 0,
            rest: 0,
            raw: Ring::new(depth),
            low_pass: [Sum::over(spans.low_pass), Sum::over(spans.low_pass)],
            high_pass: Sum::over(spans.high_pass),
            filtered: Ring::new(depth),
            slope: Ring::new(depth),
            squares: Sum::over(spans.window),
            gain: (spans.low_pass * spans.low_pass * spans.high_pass) as i64,
            tap: spans.tap,
        }
    }

    /// Takes a sample and gives the integrated signal there.
    pub(super) fn push(&mut self, sample: u16) -> i64 {
        if self.count == 0 {
            self.rest = i64::from(sample);
        }
        self.count += 1;
        let value = i64::from(sample) - self.rest;
        self.raw.push(value);
        // S1
        let value = self.low_pass[0].push(value);
        let value = self.low_pass[1].push(value);
        // S2
        let mean = self.high_pass.push(value);
        let middle = self.high_pass.ring.back(self.high_pass.ring.len() / 2);
        let filtered = (middle * self.high_pass.ring.len() as i64 - mean) * SCALE / self.gain;
        self.filtered.push(filtered);
        // S3
        let x = |taps: usize| self.filtered.back(taps * self.tap);
        let slope = (x(0) + 2 * x(1) - 2 * x(3) - x(4)) / 8;
        self.slope.push(slope);
        // S4
        self.squares.push(slope * slope) / self.squares.ring.len() as i64
    }

    /// The filtered signal there.
    pub(super) fn filtered(&self) -> i64 {
        self.filtered.back(0)
    }

    /// The last sample pushed.
    pub(super) fn latest(&self) -> u16 {
        (self.raw.back(0) + self.rest) as u16
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

/// The latest values of a signal, newest first; those before the first are 0.
struct Ring {
    values: Box<[i64]>,
    next: usize,
}

impl Ring {
    fn new(len: usize) -> Self {
        Self { values: vec![0; len].into(), next: 0 }
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    /// Puts a value in the place of the oldest, which it returns.
    fn push(&mut self, value: i64) -> i64 {
        let oldest = std::mem::replace(&mut self.values[self.next], value);
        self.next = (self.next + 1) % self.len();
        oldest
    }

    /// The value `age` pushes before the newest.
    fn back(&self, age: usize) -> i64 {
        self.values[(self.next + self.len() - 1 - age) % self.len()]
    }

    /// Age and value of the greatest magnitude among the ages `from..=from + span`; the newest if
    /// there are several.
    fn extremum(&self, from: usize, span: usize) -> (usize, i64) {
        let ages = (from..=from + span).map(|age| (age, self.back(age)));
        ages.rev().max_by_key(|(_, value)| value.abs()).unwrap_or((from, 0))
    }
}

/// The sum of the latest values. On integers it never drifts.
struct Sum {
    ring: Ring,
    sum: i64,
}

impl Sum {
    fn over(len: usize) -> Self {
        Self { ring: Ring::new(len), sum: 0 }
    }

    fn push(&mut self, value: i64) -> i64 {
        self.sum += value - self.ring.push(value);
        self.sum
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
