//! Making and opening named maps.
//!
//! ```text
//! create  C1 an unnamed file in the namespace's directory     C2 commit its memory
//!         C3 header        C4 mode        C5 presence         C6 map it, format the data
//!         C7 link it to its name; the name is taken: look what has it (`reclaim::find`) and try again
//! ```
//!
//! Nobody ever sees a map that is half made, and until C7 the kernel removes everything however we end.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::Mode;
use rustix::io::Errno;

use super::directory::Directory;
use super::error::{Error, ErrorKind};
use super::header::{Header, Plan};
use super::namespace::{Namespace, check_name};
use super::options::{Disposition, MapOptions};
use super::reclaim::{self, Found, Holder, PRESENCE, Purpose, Target};
use super::region::Region;
use super::shared::SharedMap;
use super::{sweep, sys};
use crate::sync::crash_point;

/// Opens a map that somebody holds.
pub(super) fn open(options: &MapOptions, name: &str) -> Result<SharedMap, Error> {
    check_name(name)?;
    let target = Target::new(name, options.patience);
    let missing = |namespace: &Namespace| {
        let path = super::namespace::file_path(&namespace.path(), name);
        Error::new(ErrorKind::NotFound, &path).for_map(name)
    };
    let Some(directory) = options.namespace.find().map_err(|error| error.for_map(name))? else {
        return Err(missing(&options.namespace));
    };
    match reclaim::find(&directory, &target, Purpose::Join)? {
        Found::Joined(file, header) => join(options, &target, Holder::new(file, directory, &target), header),
        Found::Absent | Found::Stale | Found::Taken => Err(missing(&options.namespace)),
    }
}

/// Creates the map, or deals with a taken name as `purpose` says: `Join` opens it, `Look` refuses.
pub(super) fn create(
    options: &MapOptions,
    name: &str,
    purpose: Purpose,
    format: &mut dyn FnMut(*mut u8, u64),
) -> Result<(SharedMap, Disposition), Error> {
    let plan = options.check(name)?;
    let mut target = Target::new(name, options.patience);
    let mut prepared = None;
    loop {
        let directory =
            options.namespace.find_or_make(options.patience).map_err(|error| error.for_map(name))?;
        match reclaim::find(&directory, &target, purpose)? {
            Found::Absent => {}
            Found::Taken => return Err(target.error(&directory, ErrorKind::AlreadyExists { stale: false })),
            Found::Stale => return Err(target.error(&directory, ErrorKind::AlreadyExists { stale: true })),
            Found::Joined(file, header) => {
                let holder = Holder::new(file, directory, &target);
                return join(options, &target, holder, header).map(|map| (map, Disposition::Opened));
            }
        }
        if prepared.is_none() {
            prepared = prepare(options, &target, &directory, plan, format)?;
            // It may have taken long, and nobody was waited for.
            if prepared.is_some() {
                target.restart();
            }
        }
        // The directory may have been removed as empty under us: then make it again.
        let Some(ready) = prepared.take() else { continue };
        // C7
        match sys::link(ready.file.as_fd(), directory.as_fd(), &target.file) {
            // Nobody removes the name of a file that is held, save by hand.
            Ok(()) => match directory.still_names(&target.file, ready.file.as_fd()) {
                Ok(true) => {}
                Ok(false) => {
                    let found = "another file than the one that was made".to_owned();
                    return Err(target.error(&directory, ErrorKind::Foreign { found }));
                }
                Err(errno) => return Err(target.os(&directory, "looking up the name", 0, errno)),
            },
            Err(Errno::EXIST) => {
                prepared = Some(ready);
                continue;
            }
            Err(Errno::NOENT) if directory.is_removed() => {
                prepared = Some(ready);
                continue;
            }
            Err(Errno::NOENT) => {
                let what = "/proc, through which an unnamed file gets its name,";
                return Err(target.error(&directory, ErrorKind::Unsupported { what }));
            }
            Err(errno) => return Err(target.os(&directory, "giving the map its name", plan.file_len, errno)),
        }
        let Prepared { file, region, header } = ready;
        let holder = Holder::new(file, directory, &target);
        crash_point("map.create.after-link");
        sweep::in_passing(holder.directory());
        let map = SharedMap::new(region, holder, header, options.namespace.clone());
        return Ok((map, Disposition::Created));
    }
}

/// A whole map that has no name yet. Dropping it frees it.
#[derive(Debug)]
struct Prepared {
    region: Region,
    file: File,
    header: Header,
}

/// Steps C1 to C6; `None` when the directory was removed meanwhile.
fn prepare(
    options: &MapOptions,
    target: &Target<'_>,
    directory: &Directory,
    plan: Plan,
    format: &mut dyn FnMut(*mut u8, u64),
) -> Result<Option<Prepared>, Error> {
    let needed = plan.file_len;
    let fail = |doing, errno| target.os(directory, doing, needed, errno);
    let io = |doing, error: std::io::Error| match Errno::from_io_error(&error) {
        Some(errno) => fail(doing, errno),
        None => target.error(directory, ErrorKind::Os { doing }).because(error),
    };
    // C1
    let made = making_room(directory, || sys::unnamed_file(directory.as_fd()));
    let file = match made {
        Ok(fd) => File::from(fd),
        Err(Errno::NOENT) if directory.is_removed() => return Ok(None),
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT) => {
            return Err(target.error(directory, ErrorKind::Unsupported { what: "support for unnamed files" }));
        }
        Err(errno) => return Err(fail("making a file", errno)),
    };
    crash_point("map.create.after-tmpfile");
    // C2
    let allocated = making_room(directory, || sys::allocate(file.as_fd(), needed, options.patience));
    match allocated {
        Ok(()) => {}
        Err(Errno::INTR) => {
            return Err(target.error(directory, ErrorKind::Interrupted { waited: options.patience }));
        }
        Err(Errno::OPNOTSUPP) => {
            return Err(target.error(directory, ErrorKind::Unsupported { what: "support for allocation" }));
        }
        Err(errno) => return Err(fail("committing memory", errno)),
    }
    crash_point("map.create.after-allocate");
    // C3
    let mut id = [0; 16];
    rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty())
        .map_err(|errno| fail("drawing a random number", errno))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let header = Header {
        name: target.name.to_owned(),
        capacity: options.capacity,
        plan,
        id: u128::from_le_bytes(id),
        created_ns: u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),
        creator_pid: process::id(),
        creator_mode: options.mode,
    };
    file.write_all_at(&header.format(), 0).map_err(|error| io("writing the header", error))?;
    crash_point("map.create.after-header");
    // C4. Not by the mode at C1, which the umask narrows.
    rustix::fs::fchmod(&file, Mode::from_raw_mode(options.mode))
        .map_err(|errno| fail("setting its mode", errno))?;
    crash_point("map.create.after-mode");
    // C5
    sys::lock_shared(file.as_fd(), PRESENCE).map_err(|errno| fail("becoming a holder", errno))?;
    crash_point("map.create.after-presence");
    // C6
    let region = Region::map(file.as_fd(), needed).map_err(|error| io("mapping the file", error))?;
    format(region.as_ptr().wrapping_add(header.data_offset()), header.capacity);
    crash_point("map.create.after-format");
    Ok(Some(Prepared { region, file, header }))
}

/// Tries again without leftovers where the file system is full: they may be what fills it.
fn making_room<T>(
    directory: &Directory,
    mut attempt: impl FnMut() -> rustix::io::Result<T>,
) -> rustix::io::Result<T> {
    match attempt() {
        Err(errno) if sys::is_full(errno) && sweep::everything(directory) => attempt(),
        done => done,
    }
}

/// Maps what was found. If that fails the holder's drop is a last drop like any other.
fn join(
    options: &MapOptions,
    target: &Target<'_>,
    holder: Holder,
    header: Header,
) -> Result<SharedMap, Error> {
    let needed = header.plan.file_len;
    match Region::map(holder.file().as_fd(), needed) {
        Ok(region) => Ok(SharedMap::new(region, holder, header, options.namespace.clone())),
        Err(error) => {
            let errno = Errno::from_io_error(&error).unwrap_or(Errno::NOMEM);
            Err(target.os(holder.directory(), "mapping the file", needed, errno))
        }
    }
}
