//! Who deletes a map: the last one out, or whoever next finds that nobody is left.
//!
//! A holder is an open file description with a shared lock on byte 0 of the map's file: *presence*. The
//! kernel drops it however the process ends. To look at presence and act on it one must hold the
//! *lifecycle mutex*, flock on the same file.
//!
//! ```text
//! open    O1 open the file, without creating, following or blocking; it must be a map
//!         O2 lock the mutex (bounded wait)
//!         O3 is this still the file of this name?     no: unlock, begin again
//!         O4 is anybody present?                      no: a leftover: remove the name, it is absent
//!         O5 is the header whole?                     no: refuse
//!         O6 take presence                            O7 unlock the mutex
//! drop    D0 unmap                                    D1 lock the mutex (bounded wait)
//!         D2 give up presence
//!         D3 nobody present, and still our name?      yes: remove the name
//!         D4 unlock the mutex, close
//! create  (in `named`) takes presence while the file has no name yet, so a file with a name
//!         and nobody present is a leftover, always.
//! ```
//!
//! *No split.* A name is removed only under the mutex of the file that it belongs to, and only while nobody
//! is present. Whoever opened that file before the removal gets the mutex after it, sees at O3 that the name
//! has gone, and begins again. Whoever got the mutex before it is present, and there is no removal.
//!
//! *What a crash leaves.* The kernel drops presence and mutex together, so a death at any step leaves either
//! nothing, or a name with nobody present: a leftover, which the next open, create or sweep removes. A drop
//! that cannot get the mutex in time leaves the same.
//!
//! *Mapping and presence.* An open file description, and with it presence, lives on after its descriptor is
//! closed while a mapping made from it exists. Presence is therefore given up explicitly, after the mapping
//! (D0) and under the mutex (D2), and never left to the closing of a descriptor.
//!
//! *Forked children.* A child that is forked without exec shares its parent's description, but has no mapping
//! (they are not inherited). It is no holder of its own: its drop does nothing. When the parent is killed,
//! such a child still pins the name until it ends or replaces itself by another program.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::access::Rights;
use super::directory::{Directory, Occupant, occupant};
use super::error::{Error, ErrorKind};
use super::fork::ForkGuard;
use super::header::{Header, NOT_A_MAP, Rejected, SHORTEST_FILE};
use super::namespace::{file_name, file_path};
use super::sys::{self, Lifecycle};
use crate::sync::crash_point;

/// The byte whose shared lock is presence.
pub(crate) const PRESENCE: u64 = 0;

/// The name that a call is about, and how long the call may take.
#[derive(Debug)]
pub(super) struct Target<'a> {
    pub(super) name: &'a str,
    pub(super) file: String,
    pub(super) patience: Duration,
    /// Since when the call has been waiting for others.
    began: Instant,
}

impl<'a> Target<'a> {
    pub(super) fn new(name: &'a str, patience: Duration) -> Target<'a> {
        Target { name, file: file_name(name), patience, began: Instant::now() }
    }

    /// Begins to wait anew: what has passed was spent on other things than waiting for others.
    pub(super) fn restart(&mut self) {
        self.began = Instant::now();
    }

    fn path(&self, directory: &Directory) -> PathBuf {
        file_path(directory.path(), self.name)
    }

    pub(super) fn error(&self, directory: &Directory, kind: ErrorKind) -> Error {
        Error::new(kind, &self.path(directory)).for_map(self.name)
    }

    pub(super) fn os(&self, directory: &Directory, doing: &'static str, needed: u64, errno: Errno) -> Error {
        Error::os(doing, &self.path(directory), needed, errno).for_map(self.name)
    }

    fn rejected(&self, directory: &Directory, why: Rejected) -> Error {
        match why {
            Rejected::Kind(kind) => self.error(directory, kind),
            Rejected::Io(error) => {
                self.error(directory, ErrorKind::Os { doing: "reading the header" }).because(error)
            }
        }
    }

    fn timed_out(&self, directory: &Directory) -> Error {
        self.error(directory, ErrorKind::TimedOut { waited: self.began.elapsed() })
    }

    fn foreign(&self, directory: &Directory, found: &str) -> Error {
        self.error(directory, ErrorKind::Foreign { found: found.to_owned() })
    }
}

/// What the caller means to do with a map that is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Become a holder.
    Join,
    /// Only know whether the name is free.
    Look,
}

/// What is under a name, once leftovers are gone.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing.
    Absent,
    /// A map that somebody holds.
    Taken,
    /// A leftover that is not ours to remove.
    Stale,
    /// A map that we are present in now: the file must become a [`Holder`] at once.
    Joined(File, Header),
}

/// Finds out what is under the name and removes a leftover (O1 to O7). Who joins gets a file that can be read, and
/// written to if it has data that this handle may change: not the page of a name, and not what its creator lets
/// nobody change.
pub(super) fn find(
    directory: &Directory,
    target: &Target<'_>,
    purpose: Purpose,
    rights: Rights,
) -> Result<Found, Error> {
    let mut writes = begins_to_write(purpose, rights);
    let mut denied = None;
    loop {
        if target.began.elapsed() > target.patience {
            return Err(target.timed_out(directory));
        }
        // O1
        match directory.occupant(&target.file) {
            Ok(Occupant::Nothing) => return Ok(Found::Absent),
            Ok(Occupant::File(len)) if len < SHORTEST_FILE => {
                return Err(target.foreign(directory, NOT_A_MAP));
            }
            Ok(Occupant::File(_)) => {}
            Ok(Occupant::Other(what)) => return Err(target.foreign(directory, what)),
            Err(errno) => return Err(target.os(directory, "looking up the name", 0, errno)),
        }
        let opened = directory.open(&target.file, if writes { OFlags::RDWR } else { OFlags::RDONLY });
        let file = match opened {
            Ok(fd) => File::from(fd),
            Err(errno @ (Errno::ACCESS | Errno::PERM | Errno::ROFS)) if writes => {
                (writes, denied) = (false, Some(errno));
                continue;
            }
            Err(Errno::NOENT | Errno::LOOP | Errno::ISDIR | Errno::NXIO) => continue,
            Err(Errno::ACCESS) if purpose == Purpose::Look => return Ok(Found::Taken),
            Err(errno) => return Err(target.os(directory, "opening the map", 0, errno)),
        };
        let status = rustix::fs::fstat(&file)
            .map_err(|errno| target.os(directory, "inspecting the file", 0, errno))?;
        if !matches!(occupant(&status), Occupant::File(_)) {
            continue;
        }
        // Before the mutex: a foreign file's locks are not ours to wait for.
        let is_map = Header::is_map(&file).map_err(|error| target.rejected(directory, error.into()))?;
        if !is_map {
            return Err(target.foreign(directory, NOT_A_MAP));
        }
        crash_point("map.open.before-flock");
        // O2
        let lifecycle = match Lifecycle::lock(file.as_fd(), target.began + target.patience) {
            Ok(Some(held)) => held,
            Ok(None) => return Err(target.timed_out(directory)),
            Err(errno) => return Err(target.os(directory, "locking the map", 0, errno)),
        };
        crash_point("map.open.after-flock");
        // O3
        match directory.still_names(&target.file, file.as_fd()) {
            Ok(true) => {}
            Ok(false) => continue,
            Err(errno) => return Err(target.os(directory, "looking up the name", 0, errno)),
        }
        // O4
        match sys::is_locked(file.as_fd(), PRESENCE) {
            Ok(true) => {}
            Ok(false) => {
                crash_point("map.reclaim.before-unlink");
                let removed = directory.unlink(&target.file);
                crash_point("map.reclaim.after-unlink");
                return match removed {
                    Ok(()) | Err(Errno::NOENT) => Ok(Found::Absent),
                    Err(Errno::PERM | Errno::ACCESS | Errno::ROFS) => Ok(Found::Stale),
                    Err(errno) => Err(target.os(directory, "removing a leftover", 0, errno)),
                };
            }
            Err(errno) => return Err(target.os(directory, "looking for its holders", 0, errno)),
        }
        crash_point("map.open.after-probe");
        if purpose == Purpose::Look {
            return Ok(Found::Taken);
        }
        // O5
        let header = Header::attach(&file).map_err(|why| target.rejected(directory, why))?;
        if header.name != target.name {
            return Err(target.error(directory, ErrorKind::Collision { found: header.name }));
        }
        let needed = header.elsewhere.is_none() && rights.within(header.access).contains(Rights::WRITE);
        match denied.filter(|_| needed) {
            Some(errno) => return Err(target.os(directory, "opening the map", 0, errno)),
            None if needed == writes => {}
            None => {
                writes = needed;
                continue;
            }
        }
        // O6
        sys::lock_shared(file.as_fd(), PRESENCE)
            .map_err(|errno| target.os(directory, "becoming a holder", 0, errno))?;
        crash_point("map.open.after-presence");
        drop(lifecycle); // O7
        crash_point("map.open.after-unlock");
        return Ok(Found::Joined(file, header));
    }
}

/// Whether the file is opened to be written at first: a guess, until the header says what the creator allows.
fn begins_to_write(purpose: Purpose, rights: Rights) -> bool {
    purpose == Purpose::Join && rights.contains(Rights::WRITE)
}

/// One holder of a map: a file description that is present. Dropping it is steps D1 to D4.
#[derive(Debug)]
pub(super) struct Holder {
    file: File,
    name: String,
    patience: Duration,
    /// The process that is present, until it has given that up. A forked child inherits this value but not the
    /// duty.
    owner: Option<ForkGuard>,
    /// The lifecycle mutex is this description's: it does not keep two threads apart that share it.
    removal: Mutex<()>,
    /// Last, so that it is dropped, and removed if it is empty, after the map's file is.
    directory: Directory,
}

impl Holder {
    /// Takes over the duty for a file that has its name and is present.
    pub(super) fn new(file: File, directory: Directory, target: &Target<'_>) -> Holder {
        let (name, patience) = (target.file.clone(), target.patience);
        let removal = Mutex::new(());
        Holder { file, name, patience, owner: Some(ForkGuard::new()), removal, directory }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The file's path, while it has its name.
    pub(super) fn path(&self) -> PathBuf {
        self.directory.path().join(&self.name)
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// Whether this process became the holder, and did not inherit it.
    pub(super) fn is_ours(&self) -> bool {
        self.owner.is_some_and(ForkGuard::is_ours)
    }

    /// Keeps the other threads of this process from removing the name.
    pub(super) fn removal(&self) -> MutexGuard<'_, ()> {
        self.removal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the name, if it is this map's; whether the mutex was to be had in time. Only in the process that
    /// became the holder: a child shares its description, and with that the lifecycle mutex.
    pub(super) fn remove_name(&self) -> rustix::io::Result<bool> {
        let _others = self.removal();
        let deadline = Instant::now() + self.patience;
        let Some(lifecycle) = Lifecycle::lock(self.file.as_fd(), deadline)? else { return Ok(false) };
        if self.directory.still_names(&self.name, self.file.as_fd())? {
            self.directory.unlink(&self.name)?;
        }
        drop(lifecycle);
        Ok(true)
    }

    /// Gives up the mutex that the creator of a page holds from before it has its name.
    pub(super) fn unlock(&self) {
        let _ = rustix::fs::flock(&self.file, rustix::fs::FlockOperation::Unlock);
    }

    /// A description of the file that has no locks yet, not even presence. Not by name: the name may be
    /// somebody else's by now.
    pub(super) fn open_again(&self) -> Result<OwnedFd, Error> {
        let path = self.path();
        sys::open_again(self.file.as_fd(), OFlags::RDWR).map_err(|errno| match errno {
            Errno::NOENT => {
                let what = "/proc, through which a map is opened again,";
                Error::new(ErrorKind::Unsupported { what }, &path)
            }
            errno => Error::os("opening the map again", &path, 0, errno),
        })
    }

    /// Whether this holder was the last; nobody else can come in between this and the unlink that follows.
    fn is_last(&self) -> bool {
        let fd = self.file.as_fd();
        sys::is_locked(fd, PRESENCE) == Ok(false) && self.directory.still_names(&self.name, fd) == Ok(true)
    }
}

impl AsFd for Holder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Holder {
    /// Drops it, and says for how long it waited where it could not get the mutex and left a leftover.
    pub(super) fn leave(mut self) -> Result<(), Duration> {
        let owner = self.owner.take();
        self.give_up(owner)
    }

    /// Steps D1 to D4, in the process that is present.
    fn give_up(&self, owner: Option<ForkGuard>) -> Result<(), Duration> {
        if !owner.is_some_and(ForkGuard::is_ours) {
            return Ok(());
        }
        // D1
        let lifecycle = Lifecycle::lock(self.file.as_fd(), Instant::now() + self.patience);
        crash_point("map.drop.after-flock");
        // D2
        let _ = sys::unlock(self.file.as_fd(), PRESENCE);
        crash_point("map.drop.after-presence");
        // D3
        if matches!(lifecycle, Ok(Some(_))) && self.is_last() {
            crash_point("map.drop.before-unlink");
            let _ = self.directory.unlink(&self.name);
            crash_point("map.drop.after-unlink");
        }
        let left_behind = !matches!(lifecycle, Ok(Some(_)));
        drop(lifecycle); // D4
        crash_point("map.drop.after-unlock");
        if left_behind { Err(self.patience) } else { Ok(()) }
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let owner = self.owner.take();
        let _ = self.give_up(owner);
    }
}
