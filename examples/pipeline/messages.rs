//! What travels through the channels.

use std::fmt;

use ringway::Message;
use rustix::time::{ClockId, clock_gettime};

use crate::detector::Summary;

/// One record of the stream, from the feed to the analysis: a sample, or the end.
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

/// A record with a sample.
pub(crate) const SAMPLE: u16 = 0;

/// The record after the last sample: its number is the number of samples. The end is part of the stream, so
/// that it arrives once however often the feed is killed: a successor that finds it sent has nothing to do.
pub(crate) const END: u16 = 1;

/// What the analysis has to say, to the supervisor: an event, and where it stands.
#[derive(Message, Clone, Copy, Debug)]
#[message(checked, name = "pipeline.Report")]
#[repr(C)]
pub(crate) struct Report {
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
    /// Samples sent, as the end of the stream says; 0 before it.
    pub(crate) sent: u64,
    /// Passes over the recording, the one under way included.
    pub(crate) passes: u64,
    /// Those that differ from the reference in a sample or a beat.
    pub(crate) wrong: u64,
    /// The first of those, counted from 1; 0: none.
    pub(crate) first_wrong: u64,
    /// From the first sample to the latest record, in nanoseconds.
    pub(crate) elapsed_ns: u64,
    /// From the latest record of the feed before to the first one of this feed, in nanoseconds.
    pub(crate) gap_ns: u64,
    /// From a record's send to its receipt; zeros before the end.
    pub(crate) latency: Latency,
    /// The latest complete pass.
    pub(crate) figures: Figures,
}

/// Why a report is sent.
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
    /// The end of the stream has been received.
    Finished,
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
