//! The file that a path leads to: found, or made.
//!
//! A file that is made has no name until it is as it shall be, so nobody sees it before, and if the call fails or the
//! process is killed the kernel removes it. Where the file system has no such files, or none of them can get a name, it is
//! made under its name; then a failing call removes it, unless somebody else is seen to have it by then.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{CWD, FallocateFlags, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::directory::{Occupant, occupant};
use super::error::{Error, ErrorKind};
use super::options::MapOptions;
use super::settings::FileMode;
use super::{share, sys};

/// A file that is to become a map.
pub(super) struct Candidate {
    file: Option<File>,
    origin: Origin,
}

enum Origin {
    /// It was there.
    Found,
    /// It was made, and is to get this name in that directory.
    Unnamed { directory: OwnedFd, name: OsString },
    /// It was made at this path.
    Named(PathBuf),
}

/// What has become of a candidate that was to be kept.
pub(super) enum Kept {
    File(File),
    /// Something has its name by now.
    Taken,
    /// Files without a name cannot get one here, as without /proc and privileges.
    Nameless,
}

impl Candidate {
    /// A file that was there, or that the caller has opened.
    pub(super) fn found(file: File) -> Candidate {
        Candidate { file: Some(file), origin: Origin::Found }
    }

    pub(super) fn file(&self) -> &File {
        self.file.as_ref().expect("it was not kept yet")
    }

    /// Whether this call made it.
    pub(super) fn is_new(&self) -> bool {
        !matches!(self.origin, Origin::Found)
    }

    /// The path that a file without a name is going to have. `path` is the one that was asked for.
    pub(super) fn destination(&self, path: &Path) -> Option<PathBuf> {
        let Origin::Unnamed { name, .. } = &self.origin else { return None };
        Some(std::fs::canonicalize(directory_of(path)).ok()?.join(name))
    }

    /// Gives it its name, if it has none yet, and keeps it.
    pub(super) fn keep(mut self, path: &Path) -> Result<Kept, Error> {
        if let Origin::Unnamed { directory, name } = &self.origin {
            match sys::link(self.file().as_fd(), directory.as_fd(), name) {
                Ok(()) => {}
                Err(Errno::EXIST) => return Ok(Kept::Taken),
                Err(
                    Errno::NOENT
                    | Errno::PERM
                    | Errno::ACCESS
                    | Errno::XDEV
                    | Errno::INVAL
                    | Errno::OPNOTSUPP
                    | Errno::NOSYS,
                ) => return Ok(Kept::Nameless),
                Err(errno) => return Err(Error::os("giving the file its name", path, 0, errno)),
            }
        }
        self.origin = Origin::Found;
        Ok(Kept::File(self.file.take().expect("it was not kept yet")))
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        let (Origin::Named(path), Some(file)) = (&self.origin, &self.file) else { return };
        let same = |there: &Stat| rustix::fs::fstat(file).is_ok_and(|ours| sys::is_same(there, &ours));
        // Whoever has opened it in between keeps it. What it lacks they make.
        if share::is_alone(file) && rustix::fs::lstat(path).as_ref().is_ok_and(same) {
            let _ = rustix::fs::unlink(path);
        }
    }
}

/// Opens or makes the file: without a name at first, if `unnamed`.
pub(super) fn open(options: &MapOptions, path: &Path, unnamed: bool) -> Result<Candidate, Error> {
    /// How often something else may come and go at the path.
    const PATIENCE: u32 = 100;
    let access = if options.access.changes_the_map() { OFlags::RDWR } else { OFlags::RDONLY };
    let flags = access | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let missing = || Error::new(ErrorKind::NotFound, path);
    for _ in 0..PATIENCE {
        match rustix::fs::stat(path) {
            Ok(_) if options.file_mode == FileMode::CreateNew => return Err(taken(path)),
            Ok(status) => {
                assert_mappable(&status, path)?;
                match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
                    Ok(fd) => return Ok(Candidate::found(File::from(fd))),
                    Err(Errno::NOENT) => {}
                    // `fcntl(2)`, `F_SETLEASE`: so that this call does not wait for it.
                    Err(Errno::AGAIN) => {
                        let found = "a lease on the file, which its holder has been told to give up";
                        let expected = "none";
                        return Err(Error::new(ErrorKind::Busy { found, expected }, path));
                    }
                    Err(errno) => return Err(Error::os("opening the file", path, 0, errno)),
                }
            }
            Err(Errno::NOENT) if options.file_mode == FileMode::Open => return Err(missing()),
            Err(Errno::NOENT) => match rustix::fs::lstat(path).as_ref().map(occupant) {
                // A link that leads nowhere is something all the same.
                Ok(Occupant::Other(_)) if options.file_mode == FileMode::CreateNew => {
                    return Err(taken(path));
                }
                Ok(Occupant::Other(_)) => {
                    let found = "a symbolic link that leads nowhere";
                    return Err(Error::new(ErrorKind::NotMappable { found }, path));
                }
                Ok(_) => {}
                Err(_) => {
                    options.check_making()?;
                    if let Some(candidate) = make(options, path, unnamed)? {
                        return Ok(candidate);
                    }
                }
            },
            Err(errno) => return Err(Error::os("looking at the path", path, 0, errno)),
        }
    }
    // Somebody is as fast as we are.
    Err(missing())
}

pub(super) fn taken(path: &Path) -> Error {
    Error::new(ErrorKind::AlreadyExists { stale: false }, path)
}

/// Makes the file, with its security; `None` where something has the name by now.
fn make(options: &MapOptions, path: &Path, unnamed: bool) -> Result<Option<Candidate>, Error> {
    let fail = |errno| Error::os("making the file", path, options.capacity, errno);
    let missing = || Error::new(ErrorKind::NotFound, path);
    let Some(name) = path.file_name() else { return Err(missing()) };
    let bytes = path.as_os_str().as_bytes();
    if bytes.ends_with(b"/") || bytes.ends_with(b"/.") {
        return Err(fail(Errno::ISDIR));
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = match rustix::fs::openat(CWD, directory_of(path), flags, Mode::empty()) {
        Ok(directory) => directory,
        Err(Errno::NOENT) => return Err(missing()),
        Err(errno) => return Err(fail(errno)),
    };
    let made = if unnamed { sys::unnamed_file(directory.as_fd()) } else { Err(Errno::OPNOTSUPP) };
    let candidate = match made {
        Ok(fd) => {
            let origin = Origin::Unnamed { directory, name: name.to_owned() };
            Candidate { file: Some(File::from(fd)), origin }
        }
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT | Errno::INVAL) => {
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOCTTY | OFlags::CLOEXEC;
            match rustix::fs::openat(&directory, name, flags, sys::FIRST_MODE) {
                Ok(fd) => Candidate { file: Some(File::from(fd)), origin: Origin::Named(path.to_owned()) },
                Err(Errno::EXIST) => return Ok(None),
                Err(Errno::NOENT) => return Err(missing()),
                Err(errno) => return Err(fail(errno)),
            }
        }
        Err(errno) => return Err(fail(errno)),
    };
    options.security.apply(candidate.file().as_fd()).map_err(|(doing, errno)| match errno {
        Errno::OPNOTSUPP => {
            Error::new(ErrorKind::Unsupported { what: "support for access control lists" }, path)
        }
        errno => Error::os(doing, path, 0, errno),
    })?;
    Ok(Some(candidate))
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

pub(super) fn assert_mappable(status: &Stat, path: &Path) -> Result<(), Error> {
    match occupant(status) {
        Occupant::File(_) => Ok(()),
        Occupant::Other(_) if sys::is_character_device(status) => Ok(()),
        Occupant::Other(found) => Err(Error::new(ErrorKind::NotMappable { found }, path)),
        Occupant::Nothing => unreachable!("it has a status"),
    }
}

/// Makes all of a file zero, and its length the capacity. Space that is taken is not given back by this, to
/// be taken again, which others could prevent; a file system that copies on write, and XFS, may do so all the same, and
/// then be full.
pub(super) fn empty(file: &File, capacity: u64, commit: bool, patience: Duration) -> Result<(), Errno> {
    let len = sys::len_of(file.as_fd())?;
    if len == 0 {
        return Ok(());
    }
    let zeroed = len.min(capacity);
    if !commit {
        // Never shorter than it is to be: views that others have of it lose nothing.
        if len > capacity {
            rustix::fs::ftruncate(file, capacity)?;
        }
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        let punch = |from, step| rustix::fs::fallocate(file, flags, from, step);
        return match sys::by_steps(zeroed, patience, punch) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                rustix::fs::ftruncate(file, 0)?;
                rustix::fs::ftruncate(file, capacity)
            }
            done => done,
        };
    }
    let zero = |from, step| rustix::fs::fallocate(file, FallocateFlags::ZERO_RANGE, from, step);
    match sys::by_steps(zeroed, patience, zero) {
        // Not every file system can do it. All of it has its space, so writing takes no more, unless that copies.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => write_zeros(file, zeroed)?,
        done => done?,
    }
    if len > capacity { rustix::fs::ftruncate(file, capacity) } else { Ok(()) }
}

fn write_zeros(file: &File, len: u64) -> Result<(), Errno> {
    let zeros = vec![0; 1 << 16];
    let mut at = 0;
    while at < len {
        let part = usize::try_from(len - at).map_or(zeros.len(), |left| left.min(zeros.len()));
        file.write_all_at(&zeros[..part], at)
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        at += part as u64;
    }
    Ok(())
}
