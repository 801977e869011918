//! What is in a namespace, and the removal of what the dead have left there.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::directory::{Directory, Occupant, Upkeep, occupant};
use super::error::Error;
use super::header::{Header, SHORTEST_FILE};
use super::namespace::{Namespace, is_file_name};
use super::reclaim::PRESENCE;
use super::registered;
use super::settings::MapKind;
use super::sys::{self, Lifecycle};
use crate::sync::crash_point;

/// What a file in a namespace is.
///
/// ```
/// use ringway::map::{MapOptions, MapState, Namespace};
/// # let dir = std::env::temp_dir().join(format!("doc-map-state-{}", std::process::id()));
/// # std::fs::create_dir(&dir)?;
/// # let name = &format!("doc-map-state-{}", std::process::id());
/// let map = MapOptions::new().capacity(100).create_new(name)?;
/// std::fs::copy(map.path().expect("it has one"), dir.join(name))?; // a file that no process holds
/// std::fs::write(dir.join("notes"), "no map")?;
/// let states = |namespace: Namespace| namespace.list().map(|all| all.into_iter().map(|one| one.state));
/// assert!(states(Namespace::User)?.any(|state| state == MapState::Live));
/// let states: Vec<_> = states(Namespace::Dir(dir.clone()))?.collect();
/// assert_eq!(states, [MapState::Leftover, MapState::Foreign]);
/// # std::fs::remove_dir_all(&dir)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MapState {
    /// A map that some process holds.
    Live,
    /// A map that no process holds: all its holders were killed.
    Leftover,
    /// Not a map, or a map that this user may not look into. Never touched; not even opened where its file
    /// name or its length show that it is none.
    Foreign,
}

/// A file in a namespace.
///
/// ```
/// use ringway::map::{MapKind, MapOptions, Namespace};
/// # let name = &format!("doc-map-entry-{}", std::process::id());
/// let map = MapOptions::new().capacity(100).create_new(name)?;
/// let all = Namespace::User.list()?;
/// let entry = all.iter().find(|entry| entry.name.as_deref() == Some(name)).expect("it is there");
/// assert_eq!((entry.kind, entry.capacity), (Some(MapKind::Named), Some(100)));
/// assert_eq!(entry.creator_pid, Some(std::process::id()));
/// # drop(map);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MapEntry {
    /// The map's name; `None` where the header cannot be read.
    pub name: Option<String>,
    /// The file.
    pub path: PathBuf,
    /// What it is.
    pub state: MapState,
    /// Where the map's bytes are; `None` where the header cannot be read.
    pub kind: Option<MapKind>,
    /// Of a persisted map: the file with the bytes, by the path that it had when it got its name.
    pub file: Option<PathBuf>,
    /// The bytes of data; `None` where the header cannot be read.
    pub capacity: Option<u64>,
    /// The process that created it, which may have ended since.
    pub creator_pid: Option<u32>,
    /// When it was created.
    pub created: Option<SystemTime>,
}

/// A map that was judged a leftover.
///
/// ```
/// use ringway::map::Namespace;
/// # let dir = std::env::temp_dir().join(format!("doc-leftover-{}", std::process::id()));
/// # std::fs::create_dir(&dir)?;
/// # let name = &format!("doc-leftover-{}", std::process::id());
/// # let map = ringway::map::MapOptions::new().capacity(100).create_new(name)?;
/// # std::fs::copy(map.path().expect("it has one"), dir.join(name))?;
/// # drop(map);
/// # let namespace = Namespace::Dir(dir.clone());
/// // A process was killed, and had a map in this namespace that nobody else had:
/// let [leftover] = &namespace.leftovers()?[..] else { panic!("there is one") };
/// assert_eq!(leftover.entry.name.as_deref(), Some(name.as_str()));
/// assert!(leftover.reason.starts_with("no process holds it; process "), "{}", leftover.reason);
/// # std::fs::remove_dir_all(&dir)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Leftover {
    /// The map.
    pub entry: MapEntry,
    /// Why it was judged so.
    pub reason: String,
    /// Why it could not be removed, where that was tried and failed.
    pub failure: Option<Error>,
}

/// What a sweep did.
///
/// ```
/// use ringway::map::Namespace;
/// # let dir = std::env::temp_dir().join(format!("doc-report-{}", std::process::id()));
/// # std::fs::create_dir(&dir)?;
/// # let name = &format!("doc-report-{}", std::process::id());
/// # let map = ringway::map::MapOptions::new().capacity(100).create_new(name)?;
/// # std::fs::copy(map.path().expect("it has one"), dir.join(name))?;
/// # drop(map);
/// # let namespace = Namespace::Dir(dir.clone());
/// // A process was killed, and had a map in this namespace that nobody else had:
/// let report = namespace.sweep()?;
/// assert_eq!((report.removed.len(), report.kept.len()), (1, 0));
/// assert!(namespace.list()?.is_empty());
/// # std::fs::remove_dir(&dir)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct SweepReport {
    /// The leftovers that are gone.
    pub removed: Vec<Leftover>,
    /// The leftovers that could not be removed; each says why.
    pub kept: Vec<Leftover>,
}

impl Namespace {
    /// Everything in the namespace, in the order of the paths. Takes no locks and disturbs nobody.
    ///
    /// ```
    /// use ringway::map::{MapOptions, MapState, Namespace};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let name = &format!("doc-list-{}", std::process::id());
    /// let map = MapOptions::new().capacity(4096).create_new(name)?;
    /// let all = Namespace::User.list()?;
    /// let ours = all.iter().find(|entry| entry.name.as_deref() == Some(name)).expect("it is there");
    /// assert_eq!(ours.state, MapState::Live);
    /// # drop(map);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// When the directory or a file in it cannot be read, or the directory is not safe to use.
    pub fn list(&self) -> Result<Vec<MapEntry>, Error> {
        let Some(directory) = self.find()? else { return Ok(Vec::new()) };
        let names = names(&directory)?;
        let entries = names.iter().filter_map(|name| inspect(&directory, name).transpose());
        entries.map(|inspected| inspected.map(|(entry, _)| entry)).collect()
    }

    /// The leftovers that [`sweep`](Self::sweep) would remove now, and why. Removes nothing.
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list).
    pub fn leftovers(&self) -> Result<Vec<Leftover>, Error> {
        let dead = self.list()?.into_iter().filter(|entry| entry.state == MapState::Leftover);
        Ok(dead.map(|entry| Leftover { reason: reason(&entry), entry, failure: None }).collect())
    }

    /// Removes the maps that no process holds. Live maps and foreign files are left alone.
    ///
    /// ```
    /// use ringway::map::Namespace;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = std::env::temp_dir().join(format!("doc-sweep-{}", std::process::id()));
    /// # std::fs::create_dir(&dir)?;
    /// # let namespace = Namespace::Dir(dir.clone());
    /// // let namespace = Namespace::User;
    /// let report = namespace.sweep()?;
    /// for leftover in &report.removed {
    ///     println!("{}: {}", leftover.entry.path.display(), leftover.reason);
    /// }
    /// assert!(report.kept.is_empty(), "each of them could be removed");
    /// # std::fs::remove_dir(&dir)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`list`](Self::list); a leftover that cannot be removed is in the report instead.
    pub fn sweep(&self) -> Result<SweepReport, Error> {
        let mut report = SweepReport::default();
        let Some(directory) = self.find()? else { return Ok(report) };
        for name in names(&directory)? {
            match reclaim(&directory, &name)? {
                Some(leftover) if leftover.failure.is_none() => report.removed.push(leftover),
                Some(leftover) => report.kept.push(leftover),
                None => {}
            }
        }
        Ok(report)
    }
}

/// Removes the leftovers among the first few files: whoever creates a map cleans up a little.
///
/// Not in a directory of the caller's. To close a file drops the process's own fcntl locks on it, and what
/// is there besides maps may be locked so.
pub(super) fn in_passing(directory: &Directory) {
    const FEW: usize = 32;
    if directory.upkeep() == Upkeep::Given {
        return;
    }
    for name in directory.names().into_iter().flatten().take(FEW).flatten() {
        let _ = reclaim(directory, &name);
    }
}

/// Removes all leftovers; whether there were any.
pub(super) fn everything(directory: &Directory) -> bool {
    let mut any = false;
    for name in names(directory).unwrap_or_default() {
        any |= matches!(reclaim(directory, &name), Ok(Some(Leftover { failure: None, .. })));
    }
    any
}

fn names(directory: &Directory) -> Result<Vec<String>, Error> {
    let read = directory.names().and_then(Iterator::collect);
    let mut names: Vec<String> =
        read.map_err(|errno| Error::os("reading the directory", directory.path(), 0, errno))?;
    names.sort_unstable();
    Ok(names)
}

/// What the file is; `None` when it has gone. With the file where it is a map.
///
/// What cannot be a map is not opened: to close it would drop the process's own fcntl locks on it.
pub(super) fn inspect(directory: &Directory, name: &str) -> Result<Option<(MapEntry, Option<File>)>, Error> {
    let mut entry = MapEntry {
        name: None,
        path: directory.path().join(name),
        state: MapState::Foreign,
        kind: None,
        file: None,
        capacity: None,
        creator_pid: None,
        created: None,
    };
    let fail = |errno| Error::os("looking into a file", &directory.path().join(name), 0, errno);
    let may_be_map = |found| matches!(found, Occupant::File(len) if len >= SHORTEST_FILE);
    match directory.occupant(name).map_err(fail)? {
        Occupant::Nothing => return Ok(None),
        found if is_file_name(name) && may_be_map(found) => {}
        _ => return Ok(Some((entry, None))),
    }
    let file = match directory.open(name, OFlags::RDONLY) {
        Ok(fd) => File::from(fd),
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) if is_about_us(errno) => return Err(fail(errno)),
        // Not for us, no file any more, leased by somebody: one file must not keep others from being swept.
        Err(_) => return Ok(Some((entry, None))),
    };
    let status = rustix::fs::fstat(&file).map_err(fail)?;
    if !may_be_map(occupant(&status)) || !Header::is_map(&file).unwrap_or(false) {
        return Ok(Some((entry, None)));
    }
    let present = sys::is_locked(file.as_fd(), PRESENCE).map_err(fail)?;
    entry.state = if present { MapState::Live } else { MapState::Leftover };
    // What says that it leads to a file and is not marked so is no word to pass on.
    let vouched = |header: &Header| header.elsewhere.is_none() || registered::is_marked(&status);
    if let Some(header) = Header::attach(&file).ok().filter(vouched) {
        entry.created = UNIX_EPOCH.checked_add(Duration::from_nanos(header.created_ns));
        entry.capacity = Some(header.capacity);
        entry.kind = Some(if header.elsewhere.is_some() { MapKind::File } else { MapKind::Named });
        entry.file = header.elsewhere.map(|elsewhere| elsewhere.path);
        entry.creator_pid = Some(header.creator_pid);
        entry.name = Some(header.name);
    }
    Ok(Some((entry, Some(file))))
}

/// Whether an open failed for want of something that this process or the system has too little of, so that it
/// says nothing of the file.
fn is_about_us(errno: Errno) -> bool {
    matches!(errno, Errno::MFILE | Errno::NFILE | Errno::NOMEM)
}

/// Removes the map if it is a leftover.
fn reclaim(directory: &Directory, name: &str) -> Result<Option<Leftover>, Error> {
    let Some((entry, Some(file))) = inspect(directory, name)? else { return Ok(None) };
    if entry.state != MapState::Leftover {
        return Ok(None);
    }
    // Whoever has the mutex is opening, removing or dropping it: then it is theirs to deal with.
    let Ok(Some(lifecycle)) = Lifecycle::try_lock(file.as_fd()) else { return Ok(None) };
    crash_point("map.sweep.after-flock");
    // Look again: one who was joining when the last holder died may be present since.
    let dead = sys::is_locked(file.as_fd(), PRESENCE) == Ok(false);
    if !dead || directory.still_names(name, file.as_fd()) != Ok(true) {
        return Ok(None);
    }
    let removed = directory.unlink(name);
    crash_point("map.sweep.after-unlink");
    drop(lifecycle);
    let failure = removed.err().map(|errno| {
        let error = Error::os("removing a leftover", &entry.path, 0, errno);
        entry.name.iter().fold(error, |error, name| error.for_map(name))
    });
    Ok(Some(Leftover { reason: reason(&entry), entry, failure }))
}

fn reason(entry: &MapEntry) -> String {
    match (entry.creator_pid, entry.created.map(|at| at.elapsed().unwrap_or_default())) {
        (Some(pid), Some(age)) => {
            format!("no process holds it; process {pid} created it {} s ago", age.as_secs())
        }
        _ => "no process holds it, and its header is damaged or not to be trusted".to_owned(),
    }
}
