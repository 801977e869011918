//! How to block once a protocol says "not yet".

mod bell;
mod futex;
pub(crate) mod many;
mod pace;
#[cfg(feature = "async")]
pub(crate) mod reactor;
mod waiting;

pub(crate) use bell::Bell;
pub(crate) use futex::NAP;
pub(crate) use pace::Pace;
pub(crate) use waiting::{Pause, Waiting};

/// What a blocking call does between two looks at the channel.
///
/// In a stream, which is when more than one message passed since its last wait, a side that has caught up holds
/// off for up to a microsecond first: looking at once would slow its peer down. Where more comes of a longer hold it is up to
/// ten: for a receiver only if messages come without a pause, since they are late by it. It is no more than one with
/// [`Wait::ParkAtOnce`](Self::ParkAtOnce), where cores are short, and in a call with a timeout of less than a millisecond.
///
/// ```
/// use ringway::{Wait, spsc};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let name = &format!("doc-wait-{}", std::process::id());
/// // Each end for itself: this one has a core of its own, and that one shares it with others.
/// let tx = spsc::channel::<u64>(name).wait(Wait::Spin).sender()?;
/// let rx = spsc::channel::<u64>(name).wait(Wait::ParkAtOnce).receiver()?;
/// # drop((tx, rx));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wait {
    /// Keeps the core: looks at once for some hundred nanoseconds, then pauses some ten nanoseconds between
    /// looks. The lowest latency, and no system call but for the question, once per interval, who of the
    /// others lives; for a process that has a core to itself.
    Spin,
    /// Spins for some tens of microseconds, or for one if the last wait came to that, then gives the core away between
    /// looks. Keeps a core busy that nobody else wants.
    Yield,
    /// As [`Yield`](Self::Yield), but sleeps after some looks more, until the other side has news: then it uses no core.
    /// It wakes once per [`liveness_interval`](crate::channel::Channel::liveness_interval), to ask who lives. The
    /// default: fast while there is traffic, quiet while there is none. To wake a sleeper costs the other side a system
    /// call, one for a burst, and takes some microseconds. In a channel with [`Parking::Never`](crate::Parking) the
    /// same as [`Yield`](Self::Yield).
    #[default]
    Park,
    /// Sleeps at once, without looking again and again before. For waits that are known to be long, and where another
    /// process needs the core.
    ParkAtOnce,
}
