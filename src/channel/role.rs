//! Taking a role that one has at a time.

use std::time::{Duration, Instant};

use crate::Error;
use crate::protocol::roster::{self, Identity, Lock, Predecessor, Presence, Record};
use crate::segment::now;

/// A role whose holder seems to live is tried for this long: a peer that is just proving the holder's death has
/// the lock for some microseconds.
pub(super) const ROLE_PATIENCE: Duration = Duration::from_millis(50);

/// A role that somebody has, whose record says that nobody is there, is tried for this long: its next holder
/// is about to say who it is.
pub(super) const NAME_PATIENCE: Duration = Duration::from_secs(1);

/// Who this is: for people.
pub(super) fn me() -> Identity {
    Identity { pid: std::process::id().into(), since: now() }
}

/// Takes the role, from a dead holder too; its incarnation, and how the holder before ended.
///
/// # Errors
///
/// As [`lock`].
pub(super) fn take(
    record: &Record,
    lock: &impl Lock,
    channel: &str,
    role: &'static str,
) -> Result<(u64, Predecessor), Error> {
    self::lock(record, lock, channel, role)?;
    Ok(roster::enter(record, me()))
}

/// Takes the lock of the role, and nothing more.
///
/// # Errors
///
/// [`Error::RoleTaken`] or [`Error::RoleBusy`], with the names of the channel and of the role.
pub(super) fn lock(
    record: &Record,
    lock: &impl Lock,
    channel: &str,
    role: &'static str,
) -> Result<(), Error> {
    let start = Instant::now();
    while !roster::take_lock(lock) {
        let (named, waited) = (roster::glance(record) == Presence::Live, start.elapsed());
        let (channel, pid) = (channel.to_owned(), roster::identity(record).pid);
        if named && waited >= ROLE_PATIENCE {
            return Err(Error::RoleTaken { channel, role, pid });
        }
        if waited >= NAME_PATIENCE {
            return Err(Error::RoleBusy { channel, role });
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}
