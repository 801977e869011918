//! The live analysis: what the sink has found so far, for whoever watches.

use std::collections::VecDeque;

use ringway::Error;
use ringway::seqlock::{self, Writer};

use crate::arguments::Task;
use crate::detector::recording::RATE_HZ;
use crate::messages::Report;
use crate::published::{self, Analysis};

/// Intervals between beats that the present heart rate is taken over.
const FEW: usize = 8;

/// Over which the speed is taken: a tenth of a second.
const INTERVAL_NS: u64 = 100_000_000;

const PER_MINUTE: f64 = 60.0 * RATE_HZ as f64;

pub(crate) struct Live {
    cell: Writer<Analysis>,
    speed: f64,
    /// When the interval began over which the speed is taken next, and how many samples there were.
    since: Option<(u64, u64)>,
}

impl Live {
    pub(crate) fn new(task: &Task) -> Result<Self, Error> {
        let cell = seqlock::cell(&published::analysis(&task.run)).open_existing().writer()?;
        Ok(Self { cell, speed: f64::NAN, since: None })
    }

    /// After each block: a store costs less than its first sample did.
    pub(crate) fn publish(&mut self, report: &Report, pulse: &Pulse) {
        let (now, samples) = (report.latest_ns, report.received);
        let &mut (then, before) = self.since.get_or_insert((now, samples));
        if now - then >= INTERVAL_NS {
            self.speed = (samples - before) as f64 * 1e9 / (now - then) as f64;
            self.since = Some((now, samples));
        }
        self.cell.store(Analysis {
            samples,
            sent: report.sent,
            blocks: report.blocks,
            redelivered: report.redelivered,
            again: report.again,
            passes: report.passes,
            wrong: report.wrong,
            beats: pulse.beats,
            rate_now: pulse.rate(),
            rate_mean: pulse.beats as f64 * PER_MINUTE / samples as f64,
            speed: self.speed,
        });
    }
}

/// The heartbeats of all passes.
#[derive(Default)]
pub(crate) struct Pulse {
    beats: u64,
    /// The sample of the latest one, in the pass under way.
    latest: Option<u64>,
    intervals: VecDeque<u64>,
}

impl Pulse {
    pub(crate) fn beat(&mut self, sample: u64) {
        self.beats += 1;
        if let Some(before) = self.latest.replace(sample) {
            self.intervals.push_front(sample - before);
            self.intervals.truncate(FEW);
        }
    }

    /// From the last beat of a pass to the first one of the next there is no interval.
    pub(crate) fn end_pass(&mut self) {
        self.latest = None;
    }

    /// Heartbeats a minute, over the latest few; NaN before the second one.
    fn rate(&self) -> f64 {
        self.intervals.len() as f64 * PER_MINUTE / self.intervals.iter().sum::<u64>() as f64
    }
}
