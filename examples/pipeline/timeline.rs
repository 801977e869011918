//! How many messages there were when: what the picture of the throughput is drawn from.

/// Samples that are kept at most: of a longer run, fewer in each second.
const MOST: usize = 800;

/// Seconds between two samples, at first.
const INTERVAL: f64 = 0.1;

pub(crate) struct Timeline {
    /// Seconds since the start, and messages received by then; from 0 on.
    samples: Vec<(f64, u64)>,
    interval: f64,
    /// When workers were killed, and when feeds died, in seconds since the start.
    pub(crate) workers: Vec<f64>,
    pub(crate) feeds: Vec<f64>,
}

impl Timeline {
    pub(crate) fn new() -> Self {
        let mut samples = Vec::with_capacity(MOST);
        samples.push((0.0, 0));
        Self { samples, interval: INTERVAL, workers: Vec::new(), feeds: Vec::new() }
    }

    /// Notes how many there are, unless that was noted just before.
    pub(crate) fn note(&mut self, seconds: f64, messages: u64) {
        let before = self.samples.last().map_or(0.0, |sample| sample.0);
        if seconds - before < self.interval * 0.9 {
            return;
        }
        if self.samples.len() == MOST {
            let mut at = 0;
            self.samples.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.interval *= 2.0;
        }
        self.samples.push((seconds, messages));
    }

    /// Notes how many there are at the end: not as an interval of its own that is too short for a rate.
    pub(crate) fn end(&mut self, seconds: f64, messages: u64) {
        let before = self.samples.last().map_or(0.0, |sample| sample.0);
        if self.samples.len() > 1 && seconds - before < self.interval / 2.0 {
            self.samples.pop();
        }
        self.samples.push((seconds, messages));
    }

    /// The end of each interval, and messages a second in it.
    pub(crate) fn rates(&self) -> Vec<(f64, f64)> {
        let rate = |pair: &[(f64, u64)]| {
            let ((then, before), (now, after)) = (pair[0], pair[1]);
            (now, after.saturating_sub(before) as f64 / (now - then).max(1e-9))
        };
        self.samples.windows(2).map(rate).collect()
    }
}
