//! Who lives: locks that the kernel releases when their holder ends, however it ends.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::memory::Memory;
use super::place::Segment;
use crate::map::{ByteLock, Error, Observed, SharedMap};
use crate::protocol::roster::{self, Lock, Side};

/// The byte that the first sender locks; the map layer has byte 0. Record i of a side locks byte `first + i`.
const SENDERS: u64 = 1;
/// The byte that the first receiver locks.
const RECEIVERS: u64 = 256;

/// The locks of all records of a channel, as one participant sees them.
#[derive(Debug)]
pub(crate) enum Locks {
    /// Through the description that came with the map: its participant opened it for itself.
    Opened(SharedMap),
    /// Through a further description of the same file.
    Reopened(File),
    /// Of a map that is only looked at: to ask, and never to take.
    Observed(Arc<Observed>),
    /// All participants are in this process, which cannot outlive itself: a flag for each record, that a
    /// handle clears when dropped.
    Process(Flags),
}

/// A flag for each record of either side.
#[derive(Clone, Debug)]
pub(crate) struct Flags {
    senders: Arc<[AtomicBool]>,
    receivers: Arc<[AtomicBool]>,
}

impl Locks {
    /// The locks as the one participant sees them that brought this segment with it; on the heap, they
    /// are those of a new channel.
    pub(crate) fn of(segment: &Segment) -> Self {
        match segment.memory() {
            Memory::Map(map) => Self::Opened(map.clone()),
            Memory::Observed(observed) => Self::Observed(observed.clone()),
            Memory::Heap(_) => {
                let flags = |count| (0..count).map(|_| AtomicBool::new(false)).collect();
                let (senders, receivers) = (flags(segment.max_senders()), flags(segment.max_receivers()));
                Self::Process(Flags { senders, receivers })
            }
        }
    }

    /// The locks as another participant in this process sees them.
    ///
    /// # Errors
    ///
    /// If the map's file cannot be opened again.
    pub(crate) fn of_another(&self, segment: &Segment) -> Result<Self, Error> {
        match (self, segment.memory()) {
            (Self::Process(flags), _) => Ok(Self::Process(flags.clone())),
            (_, Memory::Map(map)) => Ok(Self::Reopened(File::from(map.reopen()?))),
            (_, Memory::Heap(_)) => unreachable!("locks on a file, and no file"),
            (_, Memory::Observed(_)) => unreachable!("who only looks takes no part"),
        }
    }

    fn byte(fd: BorrowedFd<'_>, side: Side, index: u32) -> RoleLock<'_> {
        let first = match side {
            Side::Sending => SENDERS,
            Side::Receiving => RECEIVERS,
        };
        RoleLock::Kernel(ByteLock { fd, byte: first + u64::from(index) })
    }
}

impl roster::Locks for Locks {
    fn lock(&self, side: Side, index: u32) -> impl Lock + '_ {
        match self {
            Self::Opened(map) => Self::byte(map.as_fd(), side, index),
            Self::Reopened(file) => Self::byte(file.as_fd(), side, index),
            Self::Observed(observed) => Self::byte(observed.as_fd(), side, index),
            Self::Process(flags) => {
                let flags = match side {
                    Side::Sending => &flags.senders,
                    Side::Receiving => &flags.receivers,
                };
                RoleLock::Process(&flags[index as usize])
            }
        }
    }
}

/// The lock of one record.
#[derive(Debug)]
enum RoleLock<'a> {
    /// An open-file-description lock on a byte of the segment's file. The description belongs to one
    /// participant alone, so two of them in one process exclude each other as well.
    Kernel(ByteLock<'a>),
    Process(&'a AtomicBool),
}

impl Lock for RoleLock<'_> {
    fn try_lock(&self) -> bool {
        match self {
            Self::Kernel(byte) => byte.try_lock(),
            Self::Process(held) => !held.swap(true, Ordering::AcqRel),
        }
    }

    fn is_held(&self) -> bool {
        match self {
            Self::Kernel(byte) => byte.is_held(),
            Self::Process(held) => held.load(Ordering::Acquire),
        }
    }

    fn unlock(&self) {
        match self {
            Self::Kernel(byte) => byte.unlock(),
            Self::Process(held) => held.store(false, Ordering::Release),
        }
    }
}

/// Nanoseconds since the Unix epoch, for people to read.
pub(crate) fn now() -> u64 {
    let elapsed = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{AtomicBool, Lock, RECEIVERS, RoleLock, SENDERS, now};

    #[test]
    fn the_document_has_the_lock_bytes_of_the_roles() {
        let values =
            [("lock byte of the first sender", SENDERS), ("lock byte of the first receiver", RECEIVERS)];
        let values = values.map(|(name, byte)| (name, byte.to_string()));
        crate::documents::assert_values("docs/format.md", "Constants", &values);
    }

    #[test]
    fn a_flag_is_had_by_the_first_who_tries_and_by_nobody_else_until_it_is_given_back() {
        let flag = AtomicBool::new(false);
        let lock = RoleLock::Process(&flag);
        assert!(!lock.is_held() && lock.try_lock());
        assert!(lock.is_held() && !lock.try_lock());
        lock.unlock();
        assert!(!lock.is_held() && lock.try_lock());
    }

    #[test]
    fn a_moment_is_told_in_nanoseconds_of_the_epoch() {
        let before = SystemTime::now();
        let told = SystemTime::UNIX_EPOCH + Duration::from_nanos(now());
        assert!(before <= told && told <= SystemTime::now());
    }
}
