//! Memory without a name.
//!
//! It is a memfd: it lives while anybody has a descriptor or a mapping of it, in whatever process, and the
//! kernel removes it however they end. It is sealed against shrinking, so no holder can take it away from the
//! others.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::io::Errno;

use super::access::Rights;
use super::error::{Error, ErrorKind, Subject};
use super::options::MapOptions;
use super::reclaim::Purpose;
use super::settings::{HugePages, MapKind};
use super::shared::{Facts, Parts, SharedMap};
use super::sys;

impl MapOptions {
    /// Makes a map in memory without a name; its data are zero.
    ///
    /// Another process gets it by [inheriting](Self::inheritable) its descriptor, or
    /// [over a Unix socket](SharedMap::send_over); there [`from_file`](Self::from_file) makes a map of the
    /// descriptor. The namespace says nothing here.
    ///
    /// ```
    /// use ringway::map::MapOptions;
    ///
    /// let map = MapOptions::new().capacity(1 << 20).anonymous()?;
    /// map.accessor()?.write(0, &42_u64)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](ErrorKind::InvalidArgument), and want of memory:
    /// [`StorageFull`](ErrorKind::StorageFull), [`TooLarge`](ErrorKind::TooLarge),
    /// [`HugePages`](ErrorKind::HugePages).
    pub fn anonymous(self) -> Result<SharedMap, Error> {
        make(&self).map_err(|error| error.about(Subject::Anonymous))
    }
}

fn make(options: &MapOptions) -> Result<SharedMap, Error> {
    options.refuse_settings_of_paths()?;
    options.refuse_share("a map in memory")?;
    options.check_settings(MapKind::Anonymous, Purpose::Look)?;
    options.check_capacity()?;
    let huge = options.pages.huge == HugePages::Require;
    let too_long = || Error::argument("capacity", format!("{} bytes", options.capacity), "fewer than 2^63");
    if isize::try_from(options.capacity).is_err() {
        return Err(too_long());
    }
    let fail = |doing, errno| match errno {
        // Too few of them, or a kernel without.
        Errno::NOSPC | Errno::NOMEM | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP if huge => {
            Error::new(ErrorKind::HugePages { needed: options.capacity }, Path::new("")).because(errno.into())
        }
        errno => Error::os(doing, Path::new(""), options.capacity, errno),
    };
    let mut flags = MemfdFlags::ALLOW_SEALING;
    flags.set(MemfdFlags::CLOEXEC, !options.inheritable);
    flags.set(MemfdFlags::HUGETLB, huge);
    let file =
        rustix::fs::memfd_create("ringway", flags).map_err(|errno| fail("making the memory", errno))?;
    let granularity = sys::granularity(file.as_fd());
    // Of huge pages the file has whole ones. Otherwise exactly the capacity.
    let file_len =
        if huge { options.capacity.checked_next_multiple_of(granularity) } else { Some(options.capacity) };
    let file_len = file_len.ok_or_else(too_long)?;
    let length = if options.commits(MapKind::Anonymous) { sys::allocate } else { sys::set_len };
    length(file.as_fd(), file_len, options.patience).map_err(|errno| match errno {
        Errno::INTR => Error::new(ErrorKind::Interrupted { waited: options.patience }, Path::new("")),
        errno => fail("committing memory", errno),
    })?;
    // Others could open it through /proc.
    options.security.apply(file.as_fd()).map_err(|(doing, errno)| match errno {
        Errno::OPNOTSUPP => {
            Error::argument("security", "a list of entries".to_owned(), "none, of an anonymous map")
        }
        errno => fail(doing, errno),
    })?;
    rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK)
        .map_err(|errno| fail("sealing the memory", errno))?;
    let facts = Facts {
        granularity,
        ..options.facts(
            MapKind::Anonymous,
            options.access,
            Rights::FULL_CONTROL | Rights::ACCESS_SYSTEM_SECURITY,
        )
    };
    let file = Some(File::from(file));
    Ok(SharedMap::new(Parts { region: None, holder: None, file, facts, capacity: options.capacity }))
}
