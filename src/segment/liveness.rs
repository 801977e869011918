//! Who lives: locks that the kernel releases when their holder ends, however it ends.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::place::Memory;
use crate::map::{ByteLock, SharedMap};
use crate::protocol::roster::Lock;

/// The byte that a sole sender locks; the map layer has byte 0. Record i of a side locks byte `first + i`.
const SENDERS: u64 = 1;
/// The byte that a sole receiver locks.
const RECEIVERS: u64 = 256;

/// The lock of one record, as one participant sees it.
#[derive(Clone, Debug)]
pub(crate) enum RoleLock {
    /// An open-file-description lock on a byte of the segment's file. The description belongs to this
    /// participant alone, so two of them in one process exclude each other as well.
    Kernel { map: SharedMap, byte: u64 },
    /// Both ends are in this process, which cannot outlive itself: a flag that a handle clears when dropped.
    Process(Arc<AtomicBool>),
}

impl RoleLock {
    /// The locks of sender and receiver.
    pub(crate) fn pair(memory: &Memory) -> (Self, Self) {
        match memory {
            Memory::Map(map) => (
                Self::Kernel { map: map.clone(), byte: SENDERS },
                Self::Kernel { map: map.clone(), byte: RECEIVERS },
            ),
            Memory::Heap(_) => (Self::Process(Arc::default()), Self::Process(Arc::default())),
        }
    }
}

impl Lock for RoleLock {
    fn try_lock(&self) -> bool {
        match self {
            Self::Kernel { map, byte } => ByteLock { fd: map.as_fd(), byte: *byte }.try_lock(),
            Self::Process(held) => !held.swap(true, Ordering::AcqRel),
        }
    }

    fn is_held(&self) -> bool {
        match self {
            Self::Kernel { map, byte } => ByteLock { fd: map.as_fd(), byte: *byte }.is_held(),
            Self::Process(held) => held.load(Ordering::Acquire),
        }
    }

    fn unlock(&self) {
        match self {
            Self::Kernel { map, byte } => ByteLock { fd: map.as_fd(), byte: *byte }.unlock(),
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
    use super::{RECEIVERS, SENDERS};

    #[test]
    fn the_document_has_the_lock_bytes_of_the_roles() {
        let values = [("lock byte of the sender", SENDERS), ("lock byte of the receiver", RECEIVERS)];
        let values = values.map(|(name, byte)| (name, byte.to_string()));
        crate::documents::assert_values("docs/format.md", "Constants", &values);
    }
}
