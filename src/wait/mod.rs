//! How to block once a protocol says "not yet".

mod pace;
mod waiting;

pub(crate) use pace::Pace;
pub(crate) use waiting::Waiting;

/// What a blocking call does between two looks at the channel.
///
/// In a stream, which is when more than one message passed since its last wait, a side that has caught up holds
/// off for up to a microsecond first: looking at once would slow its peer down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wait {
    /// Keeps the core: looks at once for some hundred nanoseconds, then pauses some ten nanoseconds between
    /// looks. The lowest latency, and no system call but for the question, once per interval, who of the
    /// others lives; for a process that has a core to itself.
    Spin,
    /// Spins for some tens of microseconds, or for one if the last wait was longer, then gives the core away between
    /// looks. The default: fast while
    /// the peer is running on another core, and sane where there are more processes than cores.
    #[default]
    Yield,
}
