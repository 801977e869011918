//! The other side: is it there, and how did it go.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, Instant, SystemTime};

pub use crate::protocol::peer::Departure;
pub use crate::protocol::roster::Predecessor;
use crate::protocol::roster::{self, Presence, Record};
use crate::segment::RoleLock;

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Left => "left",
            Self::Died => "died",
        })
    }
}

/// The other side, as it was a moment ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Nobody has ever attached there.
    Awaited,
    /// Somebody is attached and alive, though perhaps stopped.
    Attached {
        /// Its process, as its own pid namespace counts.
        pid: u64,
        /// When it attached.
        since: SystemTime,
    },
    /// It is gone.
    Gone {
        /// How.
        departure: Departure,
        /// Its process, as its own pid namespace counted.
        pid: u64,
    },
}

/// Watches the peer's record on behalf of a side that cannot go on.
#[derive(Debug)]
pub(crate) struct Watch {
    lock: RoleLock,
    interval: Duration,
    looks: u32,
    /// By the coarse clock.
    probed: Duration,
    /// Not `Sync`: the kernel's lock does not keep two threads apart that ask through one description, and
    /// the slower one could certify the death of a peer that has been replaced meanwhile.
    one_thread: PhantomData<Cell<()>>,
}

/// While it spins, the clock is read once in so many looks: reading it costs as much as one or two of them.
const LOOKS_PER_CLOCK: u32 = 64;

/// Between two questions of a wait for the peer, which is no hot path.
const POLL: Duration = Duration::from_millis(1);

impl Watch {
    pub(crate) fn new(lock: RoleLock, interval: Duration) -> Self {
        Self { lock, interval, looks: 0, probed: coarse_now(), one_thread: PhantomData }
    }

    /// What the record says; and once per interval what the kernel says, if it says "live".
    #[inline]
    pub(crate) fn presence(&mut self, record: &Record) -> Presence {
        let presence = roster::glance(record);
        if presence != Presence::Live {
            return presence;
        }
        self.looks = self.looks.wrapping_add(1);
        if self.looks % LOOKS_PER_CLOCK != 0 {
            return presence;
        }
        let now = coarse_now();
        if now.saturating_sub(self.probed) < self.interval {
            return presence;
        }
        self.probed = now;
        roster::probe(record, &self.lock)
    }

    /// The next look reads the clock: looks have become rare, since the core is given away between them, or each
    /// is a call of its own.
    #[inline]
    pub(crate) fn be_due(&mut self) {
        self.looks = LOOKS_PER_CLOCK - 1;
    }

    /// Waits until somebody is attached and alive; whether somebody is.
    pub(crate) fn wait_for_peer(&self, record: &Record, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        loop {
            if roster::probe(record, &self.lock) == Presence::Live {
                return true;
            }
            let left = deadline.map_or(POLL, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return false;
            }
            std::thread::sleep(left.min(POLL));
        }
    }

    /// Asks the kernel now.
    pub(crate) fn peer(&self, record: &Record) -> Peer {
        let presence = roster::probe(record, &self.lock);
        let roster::Identity { pid, since } = roster::identity(record);
        match presence {
            Presence::Never => Peer::Awaited,
            Presence::Live => {
                Peer::Attached { pid, since: SystemTime::UNIX_EPOCH + Duration::from_nanos(since) }
            }
            Presence::Left => Peer::Gone { departure: Departure::Left, pid },
            Presence::Died => Peer::Gone { departure: Departure::Died, pid },
        }
    }
}

/// A clock that ticks every few milliseconds and is read without a system call.
fn coarse_now() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
}
