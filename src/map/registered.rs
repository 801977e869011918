//! Names for persisted maps.
//!
//! The name belongs to a file of one page in the namespace, with the path, the device and the inode of the
//! file that has the data. Presence, mutex and leftovers are that page's and work as for maps in memory
//! (`reclaim`); the user's file is never locked for it. Its creator holds the page's mutex from before it has its
//! name until the user's file is as it shall be, so whoever opens the name finds it whole.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::access::Rights;
use super::error::{Error, ErrorKind};
use super::header::{Elsewhere, Header, LONGEST_PATH};
use super::named::{self, Published};
use super::options::MapOptions;
use super::reclaim::{Holder, Purpose, Target};
use super::settings::MapKind;
use super::shared::{Facts, Parts, SharedMap};
use super::sys;

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
    let Some(Elsewhere { path, device, inode }) = header.elsewhere else { unreachable!("its kind says so") };
    let error = |kind| Error::new(kind, &path).for_map(target.name);
    let os = |doing, errno| Error::os(doing, &path, 0, errno).for_map(target.name);
    let access = if asked.contains(Rights::WRITE) { OFlags::RDWR } else { OFlags::RDONLY };
    let flags = access | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(CWD, &path, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(Errno::NOENT | Errno::NOTDIR) => return Err(error(ErrorKind::Stale { found: "nothing" })),
        Err(errno) => return Err(os("opening the file of the map", errno)),
    };
    let status = rustix::fs::fstat(&file).map_err(|errno| os("inspecting the file of the map", errno))?;
    if (status.st_dev, status.st_ino) != (device, inode) {
        return Err(error(ErrorKind::Stale { found: "another file" }));
    }
    let regular = sys::is_regular(&status);
    let found = u64::try_from(status.st_size).unwrap_or(0);
    if regular && found < header.capacity {
        return Err(error(ErrorKind::Truncated { found, expected: header.capacity }));
    }
    let facts = Facts {
        name: Some(header.name),
        namespace: Some(options.namespace.clone()),
        path,
        id: header.id,
        regular,
        ..options.facts(MapKind::File, header.access, asked)
    };
    sys::inherit(file.as_fd(), options.inheritable).map_err(|errno| {
        Error::os("letting children inherit the map", &facts.path, 0, errno).for_map(target.name)
    })?;
    let (holder, file) = (Some(holder), Some(file));
    Ok(SharedMap::new(Parts { region: None, holder, file, facts, capacity: header.capacity }))
}

/// Where others find a file that is open: by the path that was given, or by the one that the kernel knows.
pub(super) fn locate(file: &File, status: &Stat, path: &Path) -> Result<Elsewhere, Error> {
    let refuse = || {
        Error::new(
            ErrorKind::Refused {
                what: "found a file without a path, expected one by which others can open it",
                remedy: "name a file that has a path, or pass its descriptor on",
            },
            path,
        )
    };
    let known = match path.as_os_str().is_empty() {
        true => sys::path_of(file.as_fd()),
        false => std::fs::canonicalize(path).ok(),
    };
    let known = known.filter(|known| known.is_absolute() && known.as_os_str().len() <= LONGEST_PATH);
    let path = known.ok_or_else(refuse)?;
    match rustix::fs::stat(&path) {
        Ok(found) if sys::is_same(&found, status) => {
            Ok(Elsewhere { path, device: status.st_dev, inode: status.st_ino })
        }
        _ => Err(refuse()),
    }
}
