//! Names for persisted maps.
//!
//! The name belongs to a file of one page in the namespace, with the path, the device and the inode of the
//! file that has the data. Presence, mutex and leftovers are that page's and work as for maps in memory
//! (`reclaim`); the user's file is never locked for it. Its creator holds the page's mutex from before it has its
//! name until the user's file is as it shall be, so whoever opens the name finds it whole.
//!
//! A page says which file others open with their own rights, so its word is taken only from those who could do them
//! no harm by it: root, the opener, and the owner of the file. Nobody else may be able to write to it, nor ever have
//! been: who could write to a map in memory may still have it open, and make a page of it. So a page has a mark that
//! only its owner and root can set, and that maps in memory never have. What is at the path is looked at before it is
//! opened.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::access::{Access, Rights};
use super::candidate::{Candidate, assert_mappable};
use super::error::{Error, ErrorKind};
use super::header::{Elsewhere, Header, LONGEST_PATH};
use super::named::{self, Published};
use super::options::MapOptions;
use super::reclaim::{Holder, Purpose, Target};
use super::settings::MapKind;
use super::shared::{Facts, Parts, SharedMap};
use super::{share, sys};

/// The mark of a page, in its mode: the sticky bit, which means nothing else for a file. To write to a file does not set
/// it, and a change of security leaves it as it is.
pub(super) const MARK: u32 = 0o1000;

/// Whether a file was made to be the page of a name.
pub(super) fn is_marked(page: &Stat) -> bool {
    page.st_mode & MARK != 0
}

/// Takes the name for a file. The page's mutex is held until [`Holder::unlock`].
pub(super) fn reserve(
    options: &MapOptions,
    name: &str,
    elsewhere: &Elsewhere,
    capacity: u64,
) -> Result<Holder, Error> {
    let nothing = Rights::READ;
    let published = named::publish(options, name, Purpose::Look, nothing, &mut |target, directory| {
        named::prepare_page(options, target, directory, capacity, elsewhere)
    });
    match published? {
        Published::Made(holder, ..) => Ok(holder),
        Published::Found(..) => unreachable!("who only looks joins nothing"),
    }
}

/// Opens the file of a name that somebody holds.
pub(super) fn join(
    options: &MapOptions,
    target: &Target<'_>,
    holder: Holder,
    header: Header,
    asked: Rights,
) -> Result<SharedMap, Error> {
    let Some(elsewhere) = &header.elsewhere else { unreachable!("its kind says so") };
    let path = elsewhere.path.clone();
    let os = |doing, errno| Error::os(doing, &path, 0, errno).for_map(target.name);
    let writes = asked.within(header.access).contains(Rights::WRITE);
    let (file, status) = reach(&holder, elsewhere, writes).map_err(|error| error.for_map(target.name))?;
    let regular = sys::is_regular(&status);
    let found = u64::try_from(status.st_size).unwrap_or(0);
    if regular && found < header.capacity {
        let kind = ErrorKind::Truncated { found, expected: header.capacity };
        return Err(Error::new(kind, &path).for_map(target.name));
    }
    // It may have grown since it got the name.
    let capacity = if regular { found } else { header.capacity };
    options.demand_capacity(capacity, &path).map_err(|error| error.for_map(target.name))?;
    if regular {
        let access = if writes { Access::ReadWrite } else { Access::Read };
        share::enter_at(&file, access, options.share, &path).map_err(|error| error.for_map(target.name))?;
    }
    for fd in [file.as_fd(), holder.as_fd()] {
        sys::inherit(fd, options.inheritable)
            .map_err(|errno| os("letting children inherit the map", errno))?;
    }
    let facts = Facts {
        name: Some(header.name),
        namespace: Some(options.namespace.clone()),
        path,
        regular,
        granularity: sys::granularity(file.as_fd()),
        ..options.facts(MapKind::File, header.access, asked)
    };
    let (holder, file) = (Some(holder), Some(file));
    Ok(SharedMap::new(Parts { region: None, holder, file, facts, capacity }))
}

/// Opens the file that a page names, unless it is another one by now or the page is not to be trusted.
fn reach(page: &Holder, elsewhere: &Elsewhere, writes: bool) -> Result<(File, Stat), Error> {
    let Elsewhere { path, device, inode } = elsewhere;
    let os = |doing, errno| Error::os(doing, path, 0, errno);
    let stale = |found| Err(Error::new(ErrorKind::Stale { found }, path));
    let named_by = rustix::fs::fstat(page).map_err(|errno| os("inspecting the page of the name", errno))?;
    if !is_marked(&named_by) {
        let found = format!("{:04o}", named_by.st_mode & 0o7777);
        let expected =
            format!("the bit {MARK:04o}, which the page of a file's name is made with and no other map has");
        return Err(Error::new(ErrorKind::Untrusted { part: "mode", found, expected }, &page.path()));
    }
    // What is there is not opened yet: to open a device can do something. The path was without links when it was
    // written down.
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let there = match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
        Ok(there) => there,
        Err(Errno::NOENT | Errno::NOTDIR) => return stale("nothing"),
        Err(errno) => return Err(os("looking for the file of the map", errno)),
    };
    let status = rustix::fs::fstat(&there).map_err(|errno| os("inspecting the file of the map", errno))?;
    if (status.st_dev, status.st_ino) != (*device, *inode) {
        return stale("another file");
    }
    assert_mappable(&status, path)?;
    assert_trusted(&named_by, &status).map_err(|kind| Error::new(kind, &page.path()))?;
    let access = if writes { OFlags::RDWR } else { OFlags::RDONLY };
    let file = sys::open_again(there.as_fd(), access | OFlags::NONBLOCK | OFlags::NOCTTY)
        .map_err(|errno| os("opening the file of the map", errno))?;
    Ok((File::from(file), status))
}

/// Whether whoever could have written the page could not want anything of the file that is not theirs to want.
fn assert_trusted(page: &Stat, file: &Stat) -> Result<(), ErrorKind> {
    const ROOT: u32 = 0;
    /// Of the group, which is also what a list's entries have at most, and of others.
    const WRITE: u32 = 0o022;
    let refuse = |part, found, expected| Err(ErrorKind::Untrusted { part, found, expected });
    let me = rustix::process::geteuid().as_raw();
    if ![ROOT, me, file.st_uid].contains(&page.st_uid) {
        let expected = format!("root, uid {me} or the owner of the file, uid {}", file.st_uid);
        return refuse("owner", format!("uid {}", page.st_uid), expected);
    }
    if page.st_mode & WRITE != 0 {
        let found = format!("{:04o}", page.st_mode & 0o7777);
        return refuse("mode", found, "nobody but the owner to be able to write".to_owned());
    }
    Ok(())
}

/// Where others find a file: by the path that was given, or by the one that the kernel knows.
pub(super) fn locate(candidate: &Candidate, status: &Stat, path: &Path) -> Result<Elsewhere, Error> {
    let refuse = || {
        Error::new(
            ErrorKind::Refused {
                what: "found a file without a path, expected one by which others can open it",
                remedy: "name a file that has a path, or pass its descriptor on",
            },
            path,
        )
    };
    let fits = |known: &PathBuf| known.as_os_str().len() <= LONGEST_PATH;
    let there = |path| Elsewhere { path, device: status.st_dev, inode: status.st_ino };
    if let Some(destination) = candidate.destination(path) {
        return Some(destination).filter(fits).map(there).ok_or_else(refuse);
    }
    let known = match path.as_os_str().is_empty() {
        true => sys::path_of(candidate.file().as_fd()),
        false => std::fs::canonicalize(path).ok(),
    };
    let path = known.filter(fits).ok_or_else(refuse)?;
    match rustix::fs::stat(&path) {
        Ok(found) if sys::is_same(&found, status) => Ok(there(path)),
        _ => Err(refuse()),
    }
}
