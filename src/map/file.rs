//! Persisted maps: the bytes are a file's.
//!
//! ```text
//! path  P1 check the settings, and what is at the path, which is not opened yet
//!       P2 open it, without creating, or make one without a name where nothing is (`candidate`)
//!       P3 enter its users (`share`)     P4 settle the capacity     P5 take the name     P6 lengthen and empty the file
//!       P7 give a new file its path; something is there by now, or it cannot get one: begin again
//!       P8 free the name's mutex
//! ```
//!
//! Nothing of the user's is changed before P6, and after it nothing of what was there is refused, save by file systems on
//! which zeros take space anew (`candidate::empty`).

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{OFlags, SealFlags, Stat};
use rustix::io::Errno;

use super::access::Rights;
use super::candidate::{self, Candidate, Kept, assert_mappable};
use super::error::{Error, ErrorKind, Subject};
use super::namespace::check_name;
use super::options::MapOptions;
use super::reclaim::Purpose;
use super::settings::{FileMode, HugePages, MapKind, Share};
use super::shared::{Facts, Parts, SharedMap};
use super::{length, registered, share, sys};

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
    /// ```
    /// use std::fs::File;
    /// use ringway::map::{Access, MapOptions};
    /// # let path = std::env::temp_dir().join(format!("doc-from-file-{}", std::process::id()));
    /// # std::fs::write(&path, b"some bytes")?;
    /// let file = File::open(&path)?;
    /// let looking = || MapOptions::new().access(Access::Read);
    /// let ours = looking().from_borrowed(&file)?; // has a descriptor of its own
    /// let theirs = looking().from_file(file)?; // has this one
    /// assert_eq!((ours.capacity(), theirs.capacity()), (10, 10));
    /// // And back: a duplicate, and its own.
    /// let files = [ours.try_clone_fd()?, theirs.into_fd()?].map(File::from);
    /// assert!(files.iter().all(|file| file.metadata().is_ok_and(|about| about.len() == 10)));
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    pub(super) fn check_making(&self) -> Result<(), Error> {
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

fn map_path(options: &MapOptions, path: &Path) -> Result<SharedMap, Error> {
    options.check_file()?;
    if options.file_mode == FileMode::Create {
        options.check_making()?;
    }
    /// How often somebody else may make the file while this call does.
    const PATIENCE: u32 = 100;
    let mut unnamed = true;
    for _ in 0..PATIENCE {
        let candidate = candidate::open(options, path, unnamed)?;
        let status = inspect(candidate.file(), path)?;
        // P3
        if sys::is_regular(&status) {
            share::enter_at(candidate.file(), options.access, options.share, path)?;
        }
        match finish(options, candidate, path)? {
            Outcome::Map(map) => return Ok(map),
            Outcome::Nameless => unnamed = false,
            // The next round sees by whom.
            Outcome::Taken => {}
        }
    }
    Err(candidate::taken(path))
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
    inspect(&file, &path)?;
    let sealed = || {
        let seals = rustix::fs::fcntl_get_seals(&file);
        seals.is_ok_and(|seals| seals.intersects(SealFlags::WRITE | SealFlags::FUTURE_WRITE))
    };
    let allowed = match flags & OFlags::ACCMODE {
        _ if flags.contains(OFlags::PATH) => "nothing but its path",
        OFlags::WRONLY => "writing alone",
        OFlags::RDONLY if options.access.changes_the_map() => "reading alone",
        _ if options.access.changes_the_map() && sealed() => "reading alone, since it is sealed",
        _ => {
            return match finish(options, Candidate::found(file), &path)? {
                Outcome::Map(map) => Ok(map),
                Outcome::Taken | Outcome::Nameless => unreachable!("a file that was there needs no name"),
            };
        }
    };
    let asked = format!("what a {} map needs", options.access);
    Err(Error::new(ErrorKind::AccessDenied { asked, allowed: allowed.to_owned() }, &path))
}

fn inspect(file: &File, path: &Path) -> Result<Stat, Error> {
    let status = rustix::fs::fstat(file).map_err(|errno| Error::os("inspecting the file", path, 0, errno))?;
    assert_mappable(&status, path)?;
    Ok(status)
}

/// What became of a file that was to become a map.
enum Outcome {
    Map(SharedMap),
    /// A new file's name is taken by now.
    Taken,
    /// A new file has to have its name from the start.
    Nameless,
}

/// P4 to P8.
fn finish(options: &MapOptions, candidate: Candidate, path: &Path) -> Result<Outcome, Error> {
    let file = candidate.file();
    let status = inspect(file, path)?;
    let regular = sys::is_regular(&status);
    // P4
    let emptied = options.file_mode == FileMode::Create;
    let capacity = options.settle(&status, emptied)?;
    if !candidate.is_new() && !emptied {
        options.demand_capacity(capacity, path)?;
    }
    // P5
    let holder = match &options.name {
        None => None,
        Some(name) => {
            let elsewhere = registered::locate(&candidate, &status, path)?;
            Some(registered::reserve(options, name, &elsewhere, capacity)?)
        }
    };
    // P6
    if regular {
        shape(options, file, capacity, emptied && !candidate.is_new()).map_err(|errno| {
            let bounds = (capacity, options.patience);
            length::explain("making the file longer", file.as_fd(), path, bounds, errno)
        })?;
    }
    let facts = Facts {
        name: options.name.clone(),
        namespace: options.name.as_ref().map(|_| options.namespace.clone()),
        // As it is wherever this process goes.
        path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
        regular,
        granularity: sys::granularity(file.as_fd()),
        ..options.facts(MapKind::File, options.access, Rights::FULL_CONTROL | Rights::ACCESS_SYSTEM_SECURITY)
    };
    for fd in [Some(file.as_fd()), holder.as_ref().map(AsFd::as_fd)].into_iter().flatten() {
        sys::inherit(fd, options.inheritable)
            .map_err(|errno| Error::os("letting children inherit the map", path, 0, errno))?;
    }
    // P7
    let file = match candidate.keep(path)? {
        Kept::File(file) => file,
        Kept::Taken => return Ok(Outcome::Taken),
        Kept::Nameless => return Ok(Outcome::Nameless),
    };
    // P8
    if let Some(holder) = &holder {
        holder.unlock();
    }
    Ok(Outcome::Map(SharedMap::new(Parts { region: None, holder, file: Some(file), facts, capacity })))
}

/// P6: makes the file as long as the capacity, and zero if it is to be emptied. What cannot be is known before
/// anything is lost.
fn shape(options: &MapOptions, file: &File, capacity: u64, emptied: bool) -> Result<(), Errno> {
    let granularity = sys::granularity(file.as_fd());
    let capacity = length::of_pages(capacity, granularity);
    let commit = options.commits(MapKind::File) && options.access.changes_the_map();
    // It may have another length than it had when the capacity was settled.
    let len = sys::len_of(file.as_fd())?;
    let emptied = emptied && len > 0;
    if emptied {
        if commit && length::is_huge(granularity) {
            // They can neither be zeroed in place nor written to.
            return Err(Errno::OPNOTSUPP);
        }
        // Zeros may have to be written, or the length be set anew, which the limit forbids also where the file is as long
        // already.
        sys::assert_allowed(if commit { capacity.min(len) } else { capacity })?;
    }
    let lengthen = if commit { length::extend_committed } else { length::extend };
    lengthen(file.as_fd(), capacity, options.patience)?;
    if emptied { candidate::empty(file, capacity, commit, options.patience) } else { Ok(()) }
}
