//! The other side: is it there, and how did it go.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, Instant, SystemTime};

use crate::protocol::peer::Gone;
use crate::protocol::roster::{self, Presence, Record};
use crate::segment::RoleLock;

/// How the other side went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// Its handle was dropped.
    Left,
    /// Its process was killed or exited without dropping its handle.
    Died,
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Left => "left",
            Self::Died => "died",
        })
    }
}

impl From<Gone> for Departure {
    fn from(gone: Gone) -> Self {
        match gone {
            Gone::Left => Self::Left,
            Gone::Died => Self::Died,
        }
    }
}

/// How the one that had this role before ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Predecessor {
    /// There was none.
    None,
    /// Its handle was dropped.
    Left,
    /// It was killed. A receiver's first message may be one that it was reading.
    Died,
}

impl From<roster::Predecessor> for Predecessor {
    fn from(predecessor: roster::Predecessor) -> Self {
        match predecessor {
            roster::Predecessor::None => Self::None,
            roster::Predecessor::Left => Self::Left,
            roster::Predecessor::Died => Self::Died,
        }
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
    probed: Instant,
    /// Not `Sync`: the kernel's lock does not keep two threads apart that ask through one description, and
    /// the slower one could certify the death of a peer that has been replaced meanwhile.
    one_thread: PhantomData<Cell<()>>,
}

/// The clock is read once in so many looks: reading it costs as much as ten of them.
const LOOKS_PER_CLOCK: u32 = 64;

/// Between two questions of a wait for the peer, which is no hot path.
const POLL: Duration = Duration::from_millis(1);

impl Watch {
    pub(crate) fn new(lock: RoleLock, interval: Duration) -> Self {
        Self { lock, interval, looks: 0, probed: Instant::now(), one_thread: PhantomData }
    }

    /// What the record says; and once per interval what the kernel says, if it says "live".
    #[inline]
    pub(crate) fn presence(&mut self, record: &Record) -> Presence {
        let presence = roster::glance(record);
        if presence != Presence::Live {
            return presence;
        }
        self.looks = self.looks.wrapping_add(1);
        if self.looks % LOOKS_PER_CLOCK != 0 || self.probed.elapsed() < self.interval {
            return presence;
        }
        self.probed = Instant::now();
        roster::probe(record, &self.lock)
    }

    /// The looks have become rare, since the core is given away between them: the next one reads the clock.
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
