//! A named map in memory, as one sees it who only looks: mapped for reading, without being a holder of it.
//!
//! Whoever looks takes no lock and no mutex, and so neither keeps a map nor removes one: a leftover stays one.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};

use super::access::Access;
use super::error::{Error, ErrorKind};
use super::header::{Header, Rejected};
use super::namespace::{Namespace, check_name, file_name, file_path};
use super::reclaim::PRESENCE;
use super::region::Region;
use super::sweep::{self, MapEntry, MapState};
use super::sys;

/// See the module.
#[derive(Debug)]
pub(crate) struct Observed {
    region: Region,
    file: File,
    entry: MapEntry,
    /// Where the data begin in the region (invariant: a multiple of the page size, and `capacity` bytes are behind it).
    data_offset: u64,
    capacity: u64,
}

impl Observed {
    /// Looks at the map of that name.
    pub(crate) fn open(namespace: &Namespace, name: &str) -> Result<Self, Error> {
        check_name(name)?;
        let path = file_path(&namespace.path(), name);
        let fail = |kind| Error::new(kind, &path).for_map(name);
        let missing = || fail(ErrorKind::NotFound);
        let directory = namespace.find().map_err(|error| error.for_map(name))?.ok_or_else(missing)?;
        let found = sweep::inspect(&directory, &file_name(name)).map_err(|error| error.for_map(name))?;
        let (entry, file) = found.ok_or_else(missing)?;
        let foreign = || {
            let found = "a file that is no map, or that this user may not read".to_owned();
            fail(ErrorKind::Foreign { found })
        };
        let file = file.ok_or_else(foreign)?;
        let header = Header::attach(&file).map_err(|why| match why {
            Rejected::Kind(kind) => fail(kind),
            Rejected::Io(error) => fail(ErrorKind::Os { doing: "reading the header" }).because(error),
        })?;
        if header.name != name {
            return Err(fail(ErrorKind::Collision { found: header.name }));
        }
        if header.elsewhere.is_some() {
            let found = "the name of a file".to_owned();
            return Err(fail(ErrorKind::Foreign { found }));
        }
        // What is committed has no holes. One in memory would be filled by whoever reads it. (A ramfs counts no blocks.)
        let status = rustix::fs::fstat(&file)
            .map_err(|errno| Error::os("inspecting the file", &path, 0, errno).for_map(name))?;
        let blocks = u64::try_from(status.st_blocks).unwrap_or(0).saturating_mul(512);
        if sys::is_in_memory(file.as_fd())
            && blocks > 0
            && blocks < u64::try_from(status.st_size).unwrap_or(0)
        {
            let found = "a file with holes, which no map in memory has".to_owned();
            return Err(fail(ErrorKind::Foreign { found }));
        }
        let (data_offset, capacity) = (header.data_offset() as u64, header.capacity);
        let region = Region::map(file.as_fd(), data_offset + capacity, Access::Read)
            .map_err(|error| fail(ErrorKind::Os { doing: "mapping the map" }).because(error))?;
        Ok(Self { region, file, entry, data_offset, capacity })
    }

    /// What the namespace says of it, when it was opened.
    pub(crate) fn entry(&self) -> &MapEntry {
        &self.entry
    }

    /// Whether a process holds it now.
    pub(crate) fn state(&self) -> Result<MapState, Error> {
        match sys::is_locked(self.file.as_fd(), PRESENCE) {
            Ok(true) => Ok(MapState::Live),
            Ok(false) => Ok(MapState::Leftover),
            Err(errno) => Err(Error::os("looking for its holders", &self.entry.path, 0, errno)),
        }
    }

    /// What is said of it where nobody is to open it, since that would remove it.
    pub(crate) fn is_left_over(&self) -> Error {
        let error = Error::new(
            ErrorKind::Refused {
                what: "found a map that no process holds any more, expected one that is in use",
                remedy: "remove it by a sweep, and start the processes that use it",
            },
            &self.entry.path,
        );
        self.entry.name.iter().fold(error, |error, name| error.for_map(name))
    }

    /// The first byte of the data: aligned to 4096, valid for reads for as long as this lives, for
    /// [`capacity`](Self::capacity) bytes.
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.region.as_ptr().wrapping_add(self.data_offset as usize)
    }

    pub(crate) fn capacity(&self) -> u64 {
        self.capacity
    }
}

impl AsFd for Observed {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
