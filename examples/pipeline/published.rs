//! What a run publishes for whoever watches it: one type for each cell. Each is the word of one process, and stays
//! readable when that process is killed.

use ringway::Message;

/// The run that this process supervises.
pub(crate) fn run(supervisor: u32) -> String {
    format!("pipeline-{supervisor}")
}

/// The process whose run has that cell for its progress.
pub(crate) fn supervisor(cell: &str) -> Option<u32> {
    cell.strip_prefix("pipeline-")?.strip_suffix("-progress")?.parse().ok()
}

/// The cell with the [`Progress`] of a run.
pub(crate) fn progress(run: &str) -> String {
    format!("{run}-progress")
}

/// The cell with the [`Analysis`] of a run.
pub(crate) fn analysis(run: &str) -> String {
    format!("{run}-analysis")
}

/// The cell with the [`Latencies`] of a run.
pub(crate) fn latencies(run: &str) -> String {
    format!("{run}-latencies")
}

/// The table with the [`Share`]s of the workers of a run.
pub(crate) fn shares(run: &str) -> String {
    format!("{run}-shares")
}

/// How the run stands, from the supervisor.
#[derive(Message, Clone, Copy, Debug)]
#[message(checked, name = "pipeline.Progress")]
#[repr(C)]
pub(crate) struct Progress {
    pub(crate) state: State,
    /// Slots for workers.
    pub(crate) workers: u32,
    /// Samples to be sent.
    pub(crate) records: u64,
    /// Samples that the parser has received.
    pub(crate) received: u64,
    /// Samples that never came.
    pub(crate) lost: u64,
    /// Samples that came again.
    pub(crate) repeated: u64,
    /// Workers that the supervisor has killed.
    pub(crate) killed: u64,
    /// Workers that somebody else has killed.
    pub(crate) died: u64,
    /// Feeds that are dead, whoever killed them.
    pub(crate) feeds: u64,
    /// When it began, in nanoseconds of the monotonic clock.
    pub(crate) started_ns: u64,
    /// When the stream ended; 0 before.
    pub(crate) ended_ns: u64,
}

/// What the supervisor is about.
#[derive(Message, Clone, Copy, Debug, PartialEq, Eq)]
#[message(checked)]
#[repr(u32)]
pub(crate) enum State {
    /// The stream is under way.
    Running,
    /// The stream has ended; the second, slower run is under way.
    Pacing,
    /// All is done, and was right.
    Finished,
    /// Something was wrong, or a process failed.
    Failed,
    /// A signal ended it.
    Stopped,
}

/// How many records took how long from the feed to the parser, from the parser when it has received all of them.
#[derive(Message, Clone, Copy, Debug)]
#[message(name = "pipeline.Latencies")]
#[repr(C)]
pub(crate) struct Latencies {
    /// Twenty for each decade of nanoseconds, from 1 on.
    pub(crate) counts: [u64; 220],
}

/// What has come out so far, from the sink. NaN stands for none.
#[derive(Message, Clone, Copy, Debug)]
#[message(name = "pipeline.Analysis")]
#[repr(C)]
pub(crate) struct Analysis {
    /// Samples received and in order.
    pub(crate) samples: u64,
    /// Samples in the stream, as its end says; 0 before it.
    pub(crate) sent: u64,
    /// Blocks received and in order.
    pub(crate) blocks: u64,
    /// Results of blocks that a worker had had before, and was killed.
    pub(crate) redelivered: u64,
    /// Results that came again, and were discarded.
    pub(crate) again: u64,
    /// Passes over the recording, the one under way included.
    pub(crate) passes: u64,
    /// Those that differ from the reference.
    pub(crate) wrong: u64,
    /// Heartbeats found, in all passes.
    pub(crate) beats: u64,
    /// Heartbeats a minute, over the latest few.
    pub(crate) rate_now: f64,
    /// Heartbeats a minute, over all.
    pub(crate) rate_mean: f64,
    /// Samples a second, over the latest interval.
    pub(crate) speed: f64,
}

impl Analysis {
    pub(crate) const NONE: Self = Self {
        samples: 0,
        sent: 0,
        blocks: 0,
        redelivered: 0,
        again: 0,
        passes: 0,
        wrong: 0,
        beats: 0,
        rate_now: f64::NAN,
        rate_mean: f64::NAN,
        speed: f64::NAN,
    };
}

/// What the workers in one slot have done, one after the other, from the one that has it now.
///
/// Over all slots each block is counted once in `blocks`, whoever was killed when.
#[derive(Message, Clone, Copy, Debug)]
#[message(name = "pipeline.Share")]
#[repr(C)]
pub(crate) struct Share {
    /// The process that wrote this.
    pub(crate) pid: u64,
    /// Workers that had the slot before.
    pub(crate) restarts: u64,
    /// Blocks that were worked on, and were in no share before.
    pub(crate) blocks: u64,
    /// The samples of these.
    pub(crate) samples: u64,
    /// Blocks that a worker had had before, and was killed.
    pub(crate) redelivered: u64,
    /// Those of them that were in a share before, so that they are not in `blocks`.
    pub(crate) repeated: u64,
    /// The number of the latest block; [`NO_BLOCK`] before the first one.
    pub(crate) latest: u64,
    /// The same, of the latest workers that had the slot before: blocks that may come again.
    pub(crate) left_behind: [u64; 8],
}

/// No block has this number.
pub(crate) const NO_BLOCK: u64 = u64::MAX;

impl Share {
    pub(crate) const NONE: Self = Self {
        pid: 0,
        restarts: 0,
        blocks: 0,
        samples: 0,
        redelivered: 0,
        repeated: 0,
        latest: NO_BLOCK,
        left_behind: [NO_BLOCK; 8],
    };

    /// Both together, as far as they can be added.
    pub(crate) fn plus(self, other: &Self) -> Self {
        Self {
            restarts: self.restarts + other.restarts,
            blocks: self.blocks + other.blocks,
            samples: self.samples + other.samples,
            redelivered: self.redelivered + other.redelivered,
            repeated: self.repeated + other.repeated,
            ..Self::NONE
        }
    }
}
