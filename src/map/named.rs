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
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::Mode;
use rustix::io::Errno;

use super::access::{Access, Rights};
use super::directory::Directory;
use super::error::{Error, ErrorKind};
use super::header::{Elsewhere, Header, Plan};
use super::namespace::{Namespace, check_name};
use super::options::{Disposition, MapOptions, refuse_write_only};
use super::reclaim::{self, Found, Holder, PRESENCE, Purpose, Target};
use super::region::Region;
use super::settings::MapKind;
use super::shared::{Facts, Parts, SharedMap};
use super::{registered, sweep, sys};
use crate::sync::crash_point;

/// Opens a map that somebody holds.
pub(super) fn open(options: &MapOptions, name: &str) -> Result<SharedMap, Error> {
    check_name(name)?;
    options.refuse_settings_of_paths().map_err(|error| error.for_map(name))?;
    let asked = options.asked();
    let target = Target::new(name, options.patience);
    if asked.contains(Rights::ACCESS_SYSTEM_SECURITY) && !rustix::process::geteuid().is_root() {
        let doing = "asking for `ACCESS_SYSTEM_SECURITY`";
        return Err(Error::new(ErrorKind::PermissionDenied { doing }, Path::new("")).for_map(name));
    }
    let missing = |namespace: &Namespace| {
        let path = super::namespace::file_path(&namespace.path(), name);
        Error::new(ErrorKind::NotFound, &path).for_map(name)
    };
    let Some(directory) = options.namespace.find().map_err(|error| error.for_map(name))? else {
        return Err(missing(&options.namespace));
    };
    match reclaim::find(&directory, &target, Purpose::Join, asked)? {
        Found::Joined(file, header) => {
            join(options, &target, Holder::new(file, directory, &target), header, asked)
        }
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
    let plan = options.check(name, purpose)?;
    let asked = options.asked();
    let mut make = |target: &Target<'_>, directory: &Directory| {
        if options.access == Access::Write {
            return Err(refuse_write_only().for_map(name));
        }
        prepare(options, target, directory, plan, format)
    };
    match publish(options, name, purpose, asked, &mut make)? {
        Published::Made(holder, region, header) => {
            let rights = Rights::FULL_CONTROL | Rights::ACCESS_SYSTEM_SECURITY;
            Ok((assemble(options, holder, region, header, rights), Disposition::Created))
        }
        Published::Found(holder, header) => {
            let target = Target::new(name, options.patience);
            join(options, &target, holder, header, asked).map(|map| (map, Disposition::Opened))
        }
    }
}

/// What has the name at the end.
pub(super) enum Published {
    /// What was made.
    Made(Holder, Option<Region>, Header),
    /// What was there.
    Found(Holder, Header),
}

/// Makes what makes a map, or returns `None` when the directory was removed meanwhile.
pub(super) type Make<'a> = dyn FnMut(&Target<'_>, &Directory) -> Result<Option<Prepared>, Error> + 'a;

/// Gives the name to what `make` makes, unless it is taken.
pub(super) fn publish(
    options: &MapOptions,
    name: &str,
    purpose: Purpose,
    asked: Rights,
    make: &mut Make<'_>,
) -> Result<Published, Error> {
    let mut target = Target::new(name, options.patience);
    let mut prepared = None;
    loop {
        let directory =
            options.namespace.find_or_make(options.patience).map_err(|error| error.for_map(name))?;
        match reclaim::find(&directory, &target, purpose, asked)? {
            Found::Absent => {}
            Found::Taken => return Err(target.error(&directory, ErrorKind::AlreadyExists { stale: false })),
            Found::Stale => return Err(target.error(&directory, ErrorKind::AlreadyExists { stale: true })),
            Found::Joined(file, header) => {
                return Ok(Published::Found(Holder::new(file, directory, &target), header));
            }
        }
        if prepared.is_none() {
            prepared = make(&target, &directory)?;
            // It may have taken long, and nobody was waited for.
            if prepared.is_some() {
                target.restart();
            }
        }
        // The directory may have been removed as empty under us: then make it again.
        let Some(ready) = prepared.take() else { continue };
        // C7
        match sys::link(ready.file.as_fd(), directory.as_fd(), target.file.as_ref()) {
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
            Err(errno) => {
                let needed = ready.header.plan.file_len;
                return Err(target.os(&directory, "giving the map its name", needed, errno));
            }
        }
        let Prepared { file, region, header } = ready;
        let holder = Holder::new(file, directory, &target);
        crash_point("map.create.after-link");
        sweep::in_passing(holder.directory());
        return Ok(Published::Made(holder, region, header));
    }
}

/// A whole map that has no name yet. Dropping it frees it.
#[derive(Debug)]
pub(super) struct Prepared {
    region: Option<Region>,
    file: File,
    header: Header,
}

/// The page that gives a name to a file: steps C1 to C5. The mutex is taken, so that whoever opens the name waits
/// until the file is as it shall be: [`Holder::unlock`].
pub(super) fn prepare_page(
    options: &MapOptions,
    target: &Target<'_>,
    directory: &Directory,
    capacity: u64,
    elsewhere: &Elsewhere,
) -> Result<Option<Prepared>, Error> {
    let plan = Plan::new(target.name.len() + elsewhere.path.as_os_str().len(), 0).expect("both are short");
    let Some((file, header)) =
        prepare_file(options, target, directory, plan, (true, capacity, Some(elsewhere.clone())))?
    else {
        return Ok(None);
    };
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .map_err(|errno| target.os(directory, "locking the map", 0, errno))?;
    Ok(Some(Prepared { region: None, file, header }))
}

/// Steps C1 to C6; `None` when the directory was removed meanwhile.
fn prepare(
    options: &MapOptions,
    target: &Target<'_>,
    directory: &Directory,
    plan: Plan,
    format: &mut dyn FnMut(*mut u8, u64),
) -> Result<Option<Prepared>, Error> {
    let what = (options.commits(MapKind::Named), options.capacity, None);
    let Some((file, header)) = prepare_file(options, target, directory, plan, what)? else { return Ok(None) };
    // C6
    let map = |access| {
        map_whole(options, file.as_fd(), plan.file_len, access).map_err(|error| {
            let doing = "mapping the file";
            match Errno::from_io_error(&error) {
                Some(errno) => target.os(directory, doing, plan.file_len, errno),
                None => target.error(directory, ErrorKind::Os { doing }).because(error),
            }
        })
    };
    let mut region = map(Access::ReadWrite)?;
    format(region.as_ptr().wrapping_add(header.data_offset()), header.capacity);
    if !options.mapped_for.unwrap_or(options.access).changes_the_map() {
        region = map(Access::Read)?;
    }
    crash_point("map.create.after-format");
    Ok(Some(Prepared { region: Some(region), file, header }))
}

/// Steps C1 to C5: of a map that commits its memory or not, with that capacity, in this file or elsewhere.
fn prepare_file(
    options: &MapOptions,
    target: &Target<'_>,
    directory: &Directory,
    plan: Plan,
    (commit, capacity, elsewhere): (bool, u64, Option<Elsewhere>),
) -> Result<Option<(File, Header)>, Error> {
    let needed = plan.file_len;
    let fail = |doing, errno| target.os(directory, doing, needed, errno);
    let io = |doing, error: io::Error| match Errno::from_io_error(&error) {
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
    let length = if commit { sys::allocate } else { sys::set_len };
    let allocated = making_room(directory, || length(file.as_fd(), needed, options.patience));
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
        capacity,
        plan,
        id: u128::from_le_bytes(id),
        created_ns: u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),
        creator_pid: process::id(),
        creator_mode: options.security.mode,
        access: options.access,
        elsewhere,
    };
    let security = match header.elsewhere {
        Some(_) => options.security.for_page(),
        None => options.security.clone(),
    };
    file.write_all_at(&header.format(), 0).map_err(|error| io("writing the header", error))?;
    crash_point("map.create.after-header");
    // C4
    if header.elsewhere.is_some() {
        // Before it may get another owner.
        let marked = Mode::from_raw_mode(registered::MARK) | sys::FIRST_MODE;
        rustix::fs::fchmod(&file, marked).map_err(|errno| fail("marking the page of the name", errno))?;
    }
    security.apply(file.as_fd()).map_err(|(doing, errno)| match errno {
        Errno::OPNOTSUPP => {
            target.error(directory, ErrorKind::Unsupported { what: "support for access control lists" })
        }
        errno => fail(doing, errno),
    })?;
    crash_point("map.create.after-mode");
    // C5
    sys::lock_shared(file.as_fd(), PRESENCE).map_err(|errno| fail("becoming a holder", errno))?;
    crash_point("map.create.after-presence");
    Ok(Some((file, header)))
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
    asked: Rights,
) -> Result<SharedMap, Error> {
    if header.elsewhere.is_some() {
        return registered::join(options, target, holder, header, asked);
    }
    options
        .demand_capacity(header.capacity, &holder.path())
        .and_then(|()| options.refuse_share("a map in memory"))
        .map_err(|error| error.for_map(target.name))?;
    let needed = header.plan.file_len;
    let effective = asked.within(header.access);
    let access = if effective.contains(Rights::WRITE) { Access::ReadWrite } else { Access::Read };
    match map_whole(options, holder.file().as_fd(), needed, access) {
        Ok(region) => Ok(assemble(options, holder, Some(region), header, asked)),
        Err(error) => {
            let errno = Errno::from_io_error(&error).unwrap_or(Errno::NOMEM);
            Err(target.os(holder.directory(), "mapping the file", needed, errno))
        }
    }
}

/// Maps all of a file, for as long as the map lives.
fn map_whole(options: &MapOptions, file: BorrowedFd<'_>, len: u64, access: Access) -> io::Result<Region> {
    let region = Region::map(file, len, access)?;
    // Else it is for its views that the pages are wanted.
    if options.pages.prefault && options.mapped_for.is_some() {
        region.prefault()?;
    }
    Ok(region)
}

/// The map of a file that is mapped whole.
fn assemble(
    options: &MapOptions,
    holder: Holder,
    region: Option<Region>,
    header: Header,
    rights: Rights,
) -> SharedMap {
    if options.inheritable {
        // It fails for what is no descriptor only.
        let _ = sys::inherit(holder.as_fd(), true);
    }
    let facts = Facts {
        path: super::namespace::file_path(holder.directory().path(), &header.name),
        name: Some(header.name),
        namespace: Some(options.namespace.clone()),
        id: header.id,
        data_offset: header.plan.data_offset,
        ..options.facts(MapKind::Named, header.access, rights)
    };
    SharedMap::new(Parts { region, holder: Some(holder), file: None, facts, capacity: header.capacity })
}
