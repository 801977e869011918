//! The directory of a namespace: found or made, checked, and removed again when it is empty.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::error::{Error, ErrorKind};
use super::sys;
use crate::sync::crash_point;

/// Whose directory it is, hence what is demanded of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Upkeep {
    /// The caller's. Never made, checked or removed by us.
    Given,
    /// This user's alone: 0700. Made when needed and removed when empty.
    Own,
    /// Everybody's: 1777. Made when needed, never removed, so that an administrator can provide it.
    Shared,
}

impl Upkeep {
    fn mode(self) -> u32 {
        match self {
            Upkeep::Own => 0o700,
            Upkeep::Given | Upkeep::Shared => 0o1777,
        }
    }
}

/// An open directory of maps.
#[derive(Debug)]
pub(super) struct Directory {
    fd: OwnedFd,
    path: PathBuf,
    upkeep: Upkeep,
}

/// What has a name in the directory.
#[derive(Debug, Clone, Copy)]
pub(super) enum Occupant {
    Nothing,
    /// A regular file of that many bytes.
    File(u64),
    Other(&'static str),
}

impl Directory {
    /// Opens the directory if it is there.
    pub(super) fn find(path: &Path, upkeep: Upkeep) -> Result<Option<Directory>, Error> {
        const PATIENCE: u32 = 100;
        let mut flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        if upkeep != Upkeep::Given {
            flags |= OFlags::NOFOLLOW;
        }
        for attempt in 0.. {
            let fd = match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
                Ok(fd) => fd,
                Err(Errno::NOENT) if upkeep != Upkeep::Given => return Ok(None),
                Err(Errno::NOENT | Errno::INVAL) => {
                    let found = format!("`{}`, which is not there", path.display());
                    return Err(Error::argument("namespace", found, "an existing directory"));
                }
                Err(Errno::NOTDIR | Errno::LOOP) => {
                    return Err(unsafe_directory(path, "type", "something else", "a directory"));
                }
                Err(errno) => return Err(Error::os("opening the namespace's directory", path, 0, errno)),
            };
            match check(&fd, path, upkeep) {
                Ok(()) => return Ok(Some(Directory { fd, path: path.to_owned(), upkeep })),
                // Another process may be between making the directory and setting its mode, or just removed it.
                Err(error) if attempt == PATIENCE => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        }
        unreachable!("the loop ends by returning")
    }

    /// Opens the directory and makes it first if it is not there. Others may keep removing it as empty:
    /// after `patience` it gives up.
    pub(super) fn find_or_make(path: &Path, upkeep: Upkeep, patience: Duration) -> Result<Directory, Error> {
        let began = Instant::now();
        loop {
            if let Some(directory) = Directory::find(path, upkeep)? {
                return Ok(directory);
            }
            match rustix::fs::mkdirat(CWD, path, Mode::from_raw_mode(upkeep.mode())) {
                // The mode is corrected by `check`: the umask may have narrowed it.
                Ok(()) => crash_point("map.create.after-mkdir"),
                Err(Errno::EXIST) => {}
                Err(Errno::NOENT) => {
                    let what = "parent directory for the namespace";
                    return Err(Error::new(ErrorKind::Unsupported { what }, path));
                }
                Err(errno) => return Err(Error::os("making the namespace's directory", path, 0, errno)),
            }
            let waited = began.elapsed();
            if waited > patience {
                return Err(Error::new(ErrorKind::TimedOut { waited }, path));
            }
        }
    }

    /// Whether it was removed meanwhile: then it must be opened, or made, anew.
    pub(super) fn is_removed(&self) -> bool {
        sys::is_removed(&self.fd)
    }

    pub(super) fn upkeep(&self) -> Upkeep {
        self.upkeep
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What has the name, without opening it and without following it.
    pub(super) fn occupant(&self, file: &str) -> Result<Occupant, Errno> {
        match rustix::fs::statat(&self.fd, file, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(status) => Ok(occupant(&status)),
            Err(Errno::NOENT) => Ok(Occupant::Nothing),
            Err(errno) => Err(errno),
        }
    }

    /// Whether the name still belongs to this file.
    pub(super) fn still_names(&self, file: &str, fd: BorrowedFd<'_>) -> Result<bool, Errno> {
        let ours = rustix::fs::fstat(fd)?;
        match rustix::fs::statat(&self.fd, file, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(named) => Ok(sys::is_same(&named, &ours)),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    /// Opens a file for a map: never creates, follows, blocks or leaks to other programs.
    pub(super) fn open(&self, file: &str, access: OFlags) -> Result<OwnedFd, Errno> {
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.fd, file, flags, Mode::empty())
    }

    /// Removes a name.
    pub(super) fn unlink(&self, file: &str) -> Result<(), Errno> {
        rustix::fs::unlinkat(&self.fd, file, AtFlags::empty())
    }

    /// The names in the directory, in no order; those that are not UTF-8 cannot be ours and are left out.
    pub(super) fn names(&self) -> Result<impl Iterator<Item = Result<String, Errno>> + use<>, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let readable = rustix::fs::openat(&self.fd, c".", flags, Mode::empty())?;
        let entries = rustix::fs::Dir::new(readable)?;
        let name = |entry: rustix::fs::DirEntry| {
            CString::from(entry.file_name()).into_string().ok().filter(|name| name != "." && name != "..")
        };
        Ok(entries.filter_map(move |entry| entry.map(name).transpose()))
    }
}

/// What kind of thing it is, in words.
pub(super) fn occupant(status: &Stat) -> Occupant {
    match FileType::from_raw_mode(status.st_mode) {
        FileType::RegularFile => Occupant::File(u64::try_from(status.st_size).unwrap_or(0)),
        FileType::Symlink => Occupant::Other("a symbolic link"),
        FileType::Directory => Occupant::Other("a directory"),
        FileType::Fifo => Occupant::Other("a FIFO"),
        FileType::Socket => Occupant::Other("a socket"),
        _ => Occupant::Other("a device"),
    }
}

/// Whether the directory is as safe as its upkeep demands; corrects the mode where that is ours to do.
fn check(fd: &OwnedFd, path: &Path, upkeep: Upkeep) -> Result<(), Error> {
    if upkeep == Upkeep::Given {
        return Ok(());
    }
    let status = rustix::fs::fstat(fd)
        .map_err(|errno| Error::os("inspecting the namespace's directory", path, 0, errno))?;
    let me = rustix::process::geteuid().as_raw();
    if upkeep == Upkeep::Own && status.st_uid != me {
        return Err(unsafe_directory(path, "owner", format!("uid {}", status.st_uid), format!("uid {me}")));
    }
    let (found, expected) = (status.st_mode & 0o1777, upkeep.mode());
    // What is too narrow was narrowed by a umask, and its owner widens it. What is too wide was so
    // made by somebody, and what others have put there in the meantime is not to be trusted.
    let narrow = found & !expected == 0;
    let ours = status.st_uid == me; // another's is for its owner to correct, root or not
    if found != expected && narrow && ours {
        // Not by its path, which may have become another directory's.
        return sys::change_mode(fd.as_fd(), Mode::from_raw_mode(expected))
            .map_err(|errno| Error::os("setting the namespace's mode", path, 0, errno));
    }
    if found != expected {
        return Err(unsafe_directory(path, "mode", format!("{found:04o}"), format!("{expected:04o}")));
    }
    Ok(())
}

fn unsafe_directory(
    path: &Path,
    part: &'static str,
    found: impl Into<String>,
    expected: impl Into<String>,
) -> Error {
    Error::new(ErrorKind::Namespace { part, found: found.into(), expected: expected.into() }, path)
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Directory {
    /// Whoever is done with the directory removes it if nothing is in it. Somebody who is just about to put
    /// a file there finds it gone and makes it again.
    fn drop(&mut self) {
        if self.upkeep == Upkeep::Own && !self.is_removed() {
            let _ = rustix::fs::unlinkat(CWD, &self.path, AtFlags::REMOVEDIR);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::testing::TempNamespace;

    #[test]
    fn the_mode_is_corrected_of_what_was_opened_and_not_of_what_has_its_path_now() {
        let space = TempNamespace::new();
        let [ours, victim] = ["ours", "victim"].map(|name| {
            let path = space.path().join(name);
            fs::create_dir(&path).expect("new");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o500)).expect("ours");
            path
        });
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o7777;
        let fd =
            rustix::fs::openat(CWD, &ours, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).expect("there");
        let moved = space.path().join("moved");
        fs::rename(&ours, &moved).expect("ours");
        std::os::unix::fs::symlink(&victim, &ours).expect("the name is free");
        check(&fd, &ours, Upkeep::Own).expect("its own mode is corrected");
        assert_eq!((mode(&moved), mode(&victim)), (0o700, 0o500));
    }
}
