//! Making files longer while others do the same.
//!
//! Who reads a length and sets another cuts off what somebody has appended in between. So nothing here sets a
//! length, not even that which was there before a failure:
//!
//! ```text
//! L0 refuse what this process may not do, and what the file system has no room for
//! L1 if the space is to be taken: take it, up to the new end; the length stays
//! L2 take the last byte: this makes a file longer, never shorter, and what lies before stays a hole
//! L3 where the file system cannot do that: lock, look at the length, set it, unlock
//! ```
//!
//! A failure leaves the length as it is. What L0 finds leaves the space as it is too. If others take the room between L0
//! and L1, space that L1 had taken by then may stay taken until the file is emptied or removed: to give it back is to
//! make holes, and what somebody writes there just then would be lost in them.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FallocateFlags, OFlags, SealFlags};
use rustix::io::{Errno, Result};

use super::error::{Error, ErrorKind};
use super::sys;

/// The byte that is locked in L3, behind those of `share`.
pub(super) const GROWING: u64 = (1 << 62) + 0x5249_4e47 + 4;

/// How long a file is that has to hold so many bytes, fewer than 2^63: one of huge pages has whole ones.
pub(super) fn of_pages(bytes: u64, granularity: u64) -> u64 {
    if is_huge(granularity) { bytes.next_multiple_of(granularity) } else { bytes }
}

/// Whether a file of that granularity is of huge pages.
pub(super) fn is_huge(granularity: u64) -> bool {
    granularity > rustix::param::page_size() as u64
}

/// Makes the file at least so long; what is new takes no space, save for its last page.
pub(super) fn extend(fd: BorrowedFd<'_>, len: u64, patience: Duration) -> Result<()> {
    if len == 0 || reaches(fd, len)? {
        return Ok(());
    }
    // L0
    sys::assert_allowed(len)?;
    // Memory that nobody can make shorter: then setting a length is extending it, and takes no page.
    if rustix::fs::fcntl_get_seals(fd).is_ok_and(|seals| seals.contains(SealFlags::SHRINK)) {
        return match rustix::fs::ftruncate(fd, len) {
            // Somebody has made it longer than that meanwhile; or it is sealed against this too.
            Err(Errno::PERM) if reaches(fd, len)? => Ok(()),
            done => done,
        };
    }
    // L2
    let last = |_, _| rustix::fs::fallocate(fd, FallocateFlags::empty(), len - 1, 1);
    match sys::by_steps(1, patience, last) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => extend_in_turn(fd, len, patience),
        done => done,
    }
}

/// As [`extend`], with all of its space, the holes that are there included.
pub(super) fn extend_committed(fd: BorrowedFd<'_>, len: u64, patience: Duration) -> Result<()> {
    // L0
    if !reaches(fd, len)? {
        sys::assert_allowed(len)?;
    }
    sys::assert_room(fd, len)?;
    sys::assert_memory(fd, len)?;
    // L1
    let keep = FallocateFlags::KEEP_SIZE;
    sys::by_steps(len, patience, |from, step| rustix::fs::fallocate(fd, keep, from, step))?;
    extend(fd, len, patience)
}

fn reaches(fd: BorrowedFd<'_>, len: u64) -> Result<bool> {
    Ok(sys::len_of(fd)? >= len)
}

/// L3. `NOLCK` where there are no such locks: then somebody who appends at the same time could be cut off.
fn extend_in_turn(fd: BorrowedFd<'_>, len: u64, patience: Duration) -> Result<()> {
    // By a description of its own: ours may be shared with another process.
    let own = sys::open_again(fd, OFlags::RDWR).map_err(|_| Errno::NOLCK)?;
    let lock = sys::ByteLock { fd: own.as_fd(), byte: GROWING };
    lock.lock(patience).map_err(|errno| if errno == Errno::INTR { errno } else { Errno::NOLCK })?;
    let done = match reaches(fd, len) {
        Ok(false) => rustix::fs::ftruncate(fd, len),
        looked => looked.map(drop),
    };
    lock.unlock();
    done
}

/// What it means to the user that a file cannot be made so long.
pub(super) fn explain(
    doing: &'static str,
    fd: BorrowedFd<'_>,
    path: &Path,
    (needed, waited): (u64, Duration),
    errno: Errno,
) -> Error {
    let sealed = || rustix::fs::fcntl_get_seals(fd).is_ok_and(|seals| seals.contains(SealFlags::GROW));
    let unsupported = |what| ErrorKind::Unsupported { what };
    let kind = match errno {
        Errno::INTR => ErrorKind::Interrupted { waited },
        Errno::OPNOTSUPP | Errno::NOSYS => unsupported("support for allocation"),
        Errno::NOLCK => {
            unsupported("safe way to make a file longer (neither allocation, nor /proc and locks of bytes)")
        }
        Errno::PERM if sealed() => ErrorKind::PermissionDenied {
            doing: "making memory longer that is sealed against growing (`Seals::GROW`)",
        },
        errno => return Error::os(doing, path, needed, errno),
    };
    Error::new(kind, path).because(errno.into())
}
