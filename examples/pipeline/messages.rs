//! What travels through the channels: one type for each of them.

use std::fmt;

use ringway::Message;
use rustix::time::{ClockId, clock_gettime};

use crate::detector::recording::{RATE_HZ, SAMPLES};
use crate::detector::{Filters, Finder, Signals, Summary};

/// One record of the stream, from the feed to the parser: a sample, or the end.
///
/// A record's number is the number of the message that carries it, so a feed knows from the channel alone
/// where its predecessor stopped.
#[derive(Message, Clone, Copy, Debug)]
#[message(name = "pipeline.Record")]
#[repr(C)]
pub(crate) struct Record {
    /// When it was handed to the channel, in nanoseconds of the monotonic clock.
    pub(crate) sent_ns: u64,
    /// Counts from 0, without a gap, whichever feed sends it.
    pub(crate) number: u64,
    /// The process that sent it.
    pub(crate) feed: u32,
    /// What the converter read.
    pub(crate) sample: u16,
    /// [`SAMPLE`] or [`END`].
    pub(crate) kind: u16,
}

/// A record with a sample, or a block of them.
pub(crate) const SAMPLE: u16 = 0;

/// The record after the last sample: its number is the number of samples. The end is part of the stream, so
/// that it arrives once however often the feed is killed: a successor that finds it sent has nothing to do.
/// The block after the last one too, which says the same to the sink.
pub(crate) const END: u16 = 1;

/// The block after the last one of a pass: there the last sample is held until it has been judged.
pub(crate) const HELD: u16 = 2;

/// Samples in a block, six seconds of them: a pass is a whole number of blocks.
pub(crate) const BLOCK: usize = 2_160;

/// Samples before a block that its filters start from: as many as they look back, or some more.
pub(crate) const BEFORE: usize = 144;

const _: () = assert!(BEFORE >= Filters::reach(RATE_HZ) && BLOCK >= Finder::hold(RATE_HZ));
const _: () = assert!(SAMPLES % BLOCK as u64 == 0);

/// Where a block belongs: the same in the work and in its result.
#[derive(Message, Clone, Copy, Debug)]
#[message(name = "pipeline.Label")]
#[repr(C)]
pub(crate) struct Label {
    /// Counts from 0, without a gap.
    pub(crate) number: u64,
    /// Of [`END`]: samples in the stream.
    pub(crate) sent: u64,
    /// [`SAMPLE`], [`HELD`] or [`END`].
    pub(crate) kind: u16,
    /// How many samples it has.
    pub(crate) len: u16,
    /// How many workers had it before, and were killed; 0 in the work.
    pub(crate) redelivered: u32,
}

/// A piece of work, from the parser to any worker: some samples that follow each other, of one pass.
#[derive(Message, Clone, Copy, Debug)]
#[message(name = "pipeline.Block")]
#[repr(C)]
pub(crate) struct Block {
    pub(crate) label: Label,
    /// [`BEFORE`] earlier ones, then its own. Before the first sample of a pass it is as if that had always
    /// been there.
    pub(crate) samples: [u16; BEFORE + BLOCK],
}

/// A block's result, from the worker that had it to the sink.
#[derive(Message, Clone, Copy, Debug)]
#[message(name = "pipeline.Filtered")]
#[repr(C)]
pub(crate) struct Filtered {
    pub(crate) label: Label,
    pub(crate) samples: [u16; BLOCK],
    /// One for each sample.
    pub(crate) signals: [Signals; BLOCK],
}

impl Filtered {
    /// Of all that has to be the same if another worker does the same block.
    pub(crate) fn digest(&self) -> u64 {
        let Label { sent, kind, len, .. } = self.label;
        let pairs = self.samples.iter().zip(&self.signals).take(usize::from(len));
        let start = sent << 32 ^ u64::from(kind) << 16 ^ u64::from(len);
        pairs.fold(start, |digest, (&sample, signals)| signals.digest(digest, sample))
    }
}

/// What the parser has to say, to the supervisor: an event, and where it stands.
#[derive(Message, Clone, Copy, Debug)]
#[message(checked, name = "pipeline.Intake")]
#[repr(C)]
pub(crate) struct Intake {
    /// Why it is sent.
    pub(crate) event: Event,
    /// The process that sent the latest record.
    pub(crate) feed: u32,
    /// Samples received, repeated ones included.
    pub(crate) received: u64,
    /// Samples that never came.
    pub(crate) lost: u64,
    /// Samples that came again.
    pub(crate) repeated: u64,
    /// Blocks passed on.
    pub(crate) blocks: u64,
    /// When the first record was received, in nanoseconds of the monotonic clock.
    pub(crate) first_ns: u64,
    /// From the latest record of the feed before to the first one of this feed, in nanoseconds.
    pub(crate) gap_ns: u64,
    /// From a record's send to its receipt; zeros before the end.
    pub(crate) latency: Latency,
}

/// Why the parser says something.
#[derive(Message, Clone, Copy, Debug, PartialEq, Eq)]
#[message(checked)]
#[repr(u32)]
pub(crate) enum Event {
    /// Some thousand more records have been received.
    Progress,
    /// The stream stands still: its feed is dead, and every record that it had sent has been received.
    FeedDied,
    /// A new feed's first record has been received: number `received`, if nothing was lost or repeated.
    Resumed,
    /// The end of the stream has been received and passed on.
    Finished,
}

/// What the sink has to say, to the supervisor: where it stands.
#[derive(Message, Clone, Copy, Debug)]
#[message(name = "pipeline.Report")]
#[repr(C)]
pub(crate) struct Report {
    /// 1 once the end of the stream is merged.
    pub(crate) finished: u64,
    /// Samples in the stream, as its end says; 0 before it.
    pub(crate) sent: u64,
    /// Samples merged.
    pub(crate) received: u64,
    /// Blocks merged.
    pub(crate) blocks: u64,
    /// Results of blocks that a worker had had before, and was killed.
    pub(crate) redelivered: u64,
    /// Results that came again, and were discarded.
    pub(crate) again: u64,
    /// Those of them that were others than the first.
    pub(crate) different: u64,
    /// Passes over the recording, the one under way included.
    pub(crate) passes: u64,
    /// Those that differ from the reference in a sample, a signal or a beat.
    pub(crate) wrong: u64,
    /// The first of those, counted from 1; 0: none.
    pub(crate) first_wrong: u64,
    /// When the latest block was merged, in nanoseconds of the monotonic clock.
    pub(crate) latest_ns: u64,
    /// The latest complete pass.
    pub(crate) figures: Figures,
}

/// Percentiles of the one-way latency, in nanoseconds.
#[derive(Message, Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Latency {
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) highest: u64,
}

/// The result of one pass over the recording. NaN stands for none.
#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Figures {
    pub(crate) beats: u64,
    pub(crate) per_minute: f64,
    pub(crate) mean_rr_ms: f64,
    pub(crate) sdnn_ms: f64,
    pub(crate) rmssd_ms: f64,
    pub(crate) mean_mv: f64,
    pub(crate) sd_mv: f64,
}

impl From<&Summary> for Figures {
    fn from(summary: &Summary) -> Self {
        Self {
            beats: summary.beats(),
            per_minute: summary.beats_per_minute().unwrap_or(f64::NAN),
            mean_rr_ms: summary.mean_rr_ms().unwrap_or(f64::NAN),
            sdnn_ms: summary.sdnn_ms().unwrap_or(f64::NAN),
            rmssd_ms: summary.rmssd_ms().unwrap_or(f64::NAN),
            mean_mv: summary.mean_mv().unwrap_or(f64::NAN),
            sd_mv: summary.sd_mv().unwrap_or(f64::NAN),
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { beats, per_minute, mean_rr_ms, sdnn_ms, rmssd_ms, mean_mv, sd_mv } = self;
        write!(f, "{beats} beats, {per_minute:.1} per minute, mean RR {mean_rr_ms:.1} ms, ")?;
        write!(f, "SDNN {sdnn_ms:.1} ms, RMSSD {rmssd_ms:.1} ms, signal {mean_mv:.4} mV ± {sd_mv:.4} mV")
    }
}

/// Now, on the clock that all processes of the machine share.
pub(crate) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
