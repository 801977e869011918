//! Persisted maps: the bytes are a file's.
//!
//! ```text
//! path  P1 check the settings, and what is at the path, which is not opened yet
//!       P2 open it, without creating, or create it where nothing is     P3 enter its users (`share`)
//!       P4 settle the capacity     P5 take the name     P6 empty and lengthen the file     P7 free the name's mutex
//! ```
//!
//! Nothing of the user's is changed before P6, and after it nothing is refused. A file that a failing call made
//! is removed again.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::access::Rights;
use super::directory::{Occupant, occupant};
use super::error::{Error, ErrorKind, Subject};
use super::namespace::check_name;
use super::options::MapOptions;
use super::reclaim::Purpose;
use super::settings::{FileMode, HugePages, MapKind, Share};
use super::shared::{Facts, Parts, SharedMap};
use super::{registered, share, sys};

impl MapOptions {
    /// Maps the file at a path, as [`file_mode`](Self::file_mode) says.
    ///
    /// A [`capacity`](Self::capacity) of 0, the default, is the length of the file. A longer one makes the file so
    /// long, at once; a shorter one is refused: take a shorter view. What is written reaches the file though this
    /// process be killed; against the loss of power there is [`View::flush`](super::View::flush).
    ///
    /// ```
    /// use ringway::map::{FileMode, MapOptions};
    ///
    /// let path = std::env::temp_dir().join(format!("ringway-doc-{}", std::process::id()));
    /// let map = MapOptions::new().file_mode(FileMode::CreateNew).capacity(100).open_path(&path)?;
    /// map.accessor()?.write_all_at(0, b"hello")?;
    /// assert_eq!(std::fs::read(&path)?[..5], *b"hello");
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) and [`AlreadyExists`](ErrorKind::AlreadyExists) of the file or the name,
    /// [`Busy`](ErrorKind::Busy), [`NotMappable`](ErrorKind::NotMappable); the others as [`ErrorKind`] says. A call
    /// that fails changes nothing.
    pub fn open_path(self, path: impl AsRef<Path>) -> Result<SharedMap, Error> {
        let path = path.as_ref();
        map_path(&self, path).map_err(|error| error.about(self.subject()))
    }

    /// Maps an open file, and closes it with the map. The handle must be able to read, and to write if the
    /// [`access`](Self::access) changes the map. [`capacity`](Self::capacity) is as for
    /// [`open_path`](Self::open_path).
    ///
    /// # Errors
    ///
    /// As there; [`AccessDenied`](ErrorKind::AccessDenied) where the handle can do less than the map shall.
    pub fn from_file(self, file: File) -> Result<SharedMap, Error> {
        map_handle(&self, file).map_err(|error| error.about(self.subject()))
    }

    /// Maps an open file, which stays the caller's: the map has a duplicate of the descriptor.
    ///
    /// # Errors
    ///
    /// As [`from_file`](Self::from_file).
    pub fn from_borrowed(self, file: impl AsFd) -> Result<SharedMap, Error> {
        let duplicate = rustix::io::fcntl_dupfd_cloexec(file, 0).map_err(|errno| {
            Error::os("duplicating the descriptor", Path::new(""), 0, errno).about(self.subject())
        })?;
        self.from_file(File::from(duplicate))
    }

    fn subject(&self) -> Subject {
        self.name.clone().map_or(Subject::File, Subject::Map)
    }

    /// P1, as far as nothing is looked at.
    fn check_file(&self) -> Result<(), Error> {
        if let Some(name) = &self.name {
            check_name(name)?;
        }
        self.check_settings(MapKind::File, Purpose::Look)?;
        if self.pages.huge == HugePages::Require {
            let expected = "another choice: of a file the pool's pages are not to be had";
            return Err(Error::argument("huge_pages", "HugePages::Require".to_owned(), expected));
        }
        if isize::try_from(self.capacity).is_err() {
            let found = format!("{} bytes", self.capacity);
            return Err(Error::argument("capacity", found, "fewer than 2^63"));
        }
        Ok(())
    }

    /// Whether a file that is not there can be made.
    fn check_making(&self) -> Result<(), Error> {
        if !self.access.changes_the_map() {
            let expected = "one that writes, for a file that is to be made";
            return Err(Error::argument("access", self.access.to_string(), expected));
        }
        self.check_capacity()
    }

    /// P4: the capacity for a file of that length.
    fn settle(&self, status: &Stat, emptied: bool) -> Result<u64, Error> {
        let refuse = |found: String, expected| Err(Error::argument("capacity", found, expected));
        if !sys::is_regular(status) {
            return self.check_capacity().map(|()| self.capacity);
        }
        let len = u64::try_from(status.st_size).unwrap_or(0);
        match self.capacity {
            0 if len == 0 => refuse("0, of an empty file".to_owned(), "at least 1 byte"),
            0 => Ok(len),
            capacity if capacity < len && !emptied => refuse(
                format!("{capacity}, of a file of {len} bytes"),
                "no less than the file's length (take a smaller view instead)",
            ),
            capacity if capacity > len && !self.access.changes_the_map() => refuse(
                format!("{capacity}, of a file of {len} bytes"),
                "no more than the file's length, since this access does not change the file",
            ),
            capacity => Ok(capacity),
        }
    }
}

impl SharedMap {
    /// Maps a file that is there, to be read and written: `MapOptions::new().open_path(path)`.
    ///
    /// # Errors
    ///
    /// As [`MapOptions::open_path`].
    pub fn from_path(path: impl AsRef<Path>) -> Result<SharedMap, Error> {
        MapOptions::new().open_path(path)
    }

    /// Opens a map that somebody holds: `MapOptions::new().open(name)`.
    ///
    /// # Errors
    ///
    /// As [`MapOptions::open`].
    pub fn open(name: &str) -> Result<SharedMap, Error> {
        MapOptions::new().open(name)
    }
}

/// A file that is to become a map. One that this call made is removed again, unless it is kept.
struct Candidate {
    file: Option<File>,
    made_at: Option<PathBuf>,
}

impl Candidate {
    fn file(&self) -> &File {
        self.file.as_ref().expect("it was not kept yet")
    }

    fn keep(mut self) -> File {
        self.made_at = None;
        self.file.take().expect("it is kept once")
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        let (Some(path), Some(file)) = (&self.made_at, &self.file) else { return };
        let same = |there: &Stat| rustix::fs::fstat(file).is_ok_and(|ours| sys::is_same(there, &ours));
        if rustix::fs::lstat(path).as_ref().is_ok_and(same) {
            let _ = rustix::fs::unlink(path);
        }
    }
}

fn map_path(options: &MapOptions, path: &Path) -> Result<SharedMap, Error> {
    options.check_file()?;
    if options.file_mode == FileMode::Create {
        options.check_making()?;
    }
    let candidate = open(options, path)?;
    let status = inspect(candidate.file(), path)?;
    // P3
    if sys::is_regular(&status) {
        share::enter(candidate.file(), options.access, options.share).map_err(|refusal| match refusal {
            share::Refusal::Kind(kind) => Error::new(kind, path),
            share::Refusal::Os(errno) => Error::os("sharing the file", path, 0, errno),
        })?;
    }
    finish(options, candidate, path)
}

fn map_handle(options: &MapOptions, file: File) -> Result<SharedMap, Error> {
    options.check_file()?;
    let refuse = |argument, found: String, expected| Err(Error::argument(argument, found, expected));
    if options.file_mode != FileMode::Open {
        let found = format!("FileMode::{:?}", options.file_mode);
        return refuse("file_mode", found, "`FileMode::Open`, since the file is open already");
    }
    if options.share != Share::Any {
        let found = format!("Share::{:?}", options.share);
        return refuse("share", found, "`Share::Any`, since sharing is settled when a path is opened");
    }
    let path = sys::path_of(file.as_fd()).unwrap_or_default();
    let flags = rustix::fs::fcntl_getfl(&file)
        .map_err(|errno| Error::os("inspecting the handle", &path, 0, errno))?;
    let allowed = match flags & OFlags::ACCMODE {
        _ if flags.contains(OFlags::PATH) => "nothing but its path",
        OFlags::WRONLY => "writing alone",
        OFlags::RDONLY if options.access.changes_the_map() => "reading alone",
        _ => return finish(options, Candidate { file: Some(file), made_at: None }, &path),
    };
    let asked = format!("what a {} map needs", options.access);
    Err(Error::new(ErrorKind::AccessDenied { asked, allowed: allowed.to_owned() }, &path))
}

/// P1 and P2: opens or makes the file.
fn open(options: &MapOptions, path: &Path) -> Result<Candidate, Error> {
    /// How often something else may come and go at the path.
    const PATIENCE: u32 = 100;
    let access = if options.access.changes_the_map() { OFlags::RDWR } else { OFlags::RDONLY };
    let flags = access | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let missing = || Error::new(ErrorKind::NotFound, path);
    for _ in 0..PATIENCE {
        match rustix::fs::stat(path) {
            Ok(_) if options.file_mode == FileMode::CreateNew => {
                return Err(Error::new(ErrorKind::AlreadyExists { stale: false }, path));
            }
            Ok(status) => {
                assert_mappable(&status, path)?;
                match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
                    Ok(fd) => return Ok(Candidate { file: Some(File::from(fd)), made_at: None }),
                    Err(Errno::NOENT) => {}
                    Err(errno) => return Err(Error::os("opening the file", path, 0, errno)),
                }
            }
            Err(Errno::NOENT) if options.file_mode == FileMode::Open => return Err(missing()),
            Err(Errno::NOENT) => {
                options.check_making()?;
                let create = flags | OFlags::CREATE | OFlags::EXCL;
                match rustix::fs::openat(CWD, path, create, Mode::RUSR | Mode::WUSR) {
                    Ok(fd) => return made(options, fd, path),
                    Err(Errno::EXIST) => {}
                    // Of its directory.
                    Err(Errno::NOENT) => return Err(missing()),
                    Err(errno) => return Err(Error::os("making the file", path, options.capacity, errno)),
                }
            }
            Err(errno) => return Err(Error::os("looking at the path", path, 0, errno)),
        }
    }
    // A link that leads nowhere, or somebody who is as fast as we are.
    Err(missing())
}

/// A file that this call made, with its security.
fn made(options: &MapOptions, fd: OwnedFd, path: &Path) -> Result<Candidate, Error> {
    let candidate = Candidate { file: Some(File::from(fd)), made_at: Some(path.to_owned()) };
    options.security.apply(candidate.file().as_fd()).map_err(|(doing, errno)| match errno {
        Errno::OPNOTSUPP => {
            Error::new(ErrorKind::Unsupported { what: "support for access control lists" }, path)
        }
        errno => Error::os(doing, path, 0, errno),
    })?;
    Ok(candidate)
}

fn assert_mappable(status: &Stat, path: &Path) -> Result<(), Error> {
    match occupant(status) {
        Occupant::File(_) => Ok(()),
        Occupant::Other(_) if sys::is_character_device(status) => Ok(()),
        Occupant::Other(found) => Err(Error::new(ErrorKind::NotMappable { found }, path)),
        Occupant::Nothing => unreachable!("it has a status"),
    }
}

fn inspect(file: &File, path: &Path) -> Result<Stat, Error> {
    let status = rustix::fs::fstat(file).map_err(|errno| Error::os("inspecting the file", path, 0, errno))?;
    assert_mappable(&status, path)?;
    Ok(status)
}

/// P4 to P7.
fn finish(options: &MapOptions, candidate: Candidate, path: &Path) -> Result<SharedMap, Error> {
    let file = candidate.file();
    let status = inspect(file, path)?;
    let regular = sys::is_regular(&status);
    // P4
    let emptied = options.file_mode == FileMode::Create;
    let capacity = options.settle(&status, emptied)?;
    // P5
    let holder = match &options.name {
        None => None,
        Some(name) => {
            let elsewhere = registered::locate(file, &status, path)?;
            Some(registered::reserve(options, name, &elsewhere, capacity)?)
        }
    };
    // P6
    if regular {
        let len = u64::try_from(status.st_size).unwrap_or(0);
        shape(options, file, len, capacity, emptied).map_err(|errno| match errno {
            Errno::INTR => Error::new(ErrorKind::Interrupted { waited: options.patience }, path),
            Errno::OPNOTSUPP => Error::new(ErrorKind::Unsupported { what: "support for allocation" }, path),
            errno => Error::os("making the file longer", path, capacity, errno),
        })?;
    }
    // P7
    if let Some(holder) = &holder {
        holder.unlock();
    }
    let facts = Facts {
        name: options.name.clone(),
        namespace: options.name.as_ref().map(|_| options.namespace.clone()),
        path: path.to_owned(),
        regular,
        granularity: sys::granularity(file.as_fd()),
        ..options.facts(MapKind::File, options.access, Rights::FULL_CONTROL | Rights::ACCESS_SYSTEM_SECURITY)
    };
    sys::inherit(file.as_fd(), options.inheritable)
        .map_err(|errno| Error::os("letting children inherit the map", path, 0, errno))?;
    Ok(SharedMap::new(Parts { region: None, holder, file: Some(candidate.keep()), facts, capacity }))
}

/// P6: makes the file as long as the capacity, and zero if it is to be emptied. What cannot be is known before
/// anything is lost.
fn shape(options: &MapOptions, file: &File, len: u64, capacity: u64, emptied: bool) -> Result<(), Errno> {
    let commit = options.commits(MapKind::File) && options.access.changes_the_map();
    if capacity > len || commit {
        lengthen(file, len, capacity, commit, options)?;
    }
    if emptied && len > 0 {
        rustix::fs::ftruncate(file, 0)?;
        rustix::fs::ftruncate(file, capacity)?;
        if commit {
            sys::allocate(file.as_fd(), capacity, options.patience)?;
        }
    }
    Ok(())
}

/// Makes it longer, or leaves it as it was.
fn lengthen(file: &File, len: u64, capacity: u64, commit: bool, options: &MapOptions) -> Result<(), Errno> {
    let length = if commit { sys::allocate } else { sys::set_len };
    length(file.as_fd(), capacity, options.patience).inspect_err(|_| {
        let _ = rustix::fs::ftruncate(file, len);
    })
}
