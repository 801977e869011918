//! What is in a namespace, and the removal of what the dead have left there.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::OFlags;

use super::directory::{Directory, Occupant, occupant};
use super::error::Error;
use super::header::Header;
use super::namespace::Namespace;
use super::reclaim::PRESENCE;
use super::sys::{self, Lifecycle};
use crate::sync::crash_point;

/// What a file in a namespace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MapState {
    /// A map that some process holds.
    Live,
    /// A map that no process holds: all its holders were killed.
    Leftover,
    /// Not a map, or a map that this user may not look into. Never touched.
    Foreign,
}

/// A file in a namespace.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MapEntry {
    /// The map's name; `None` where the header cannot be read.
    pub name: Option<String>,
    /// The file.
    pub path: PathBuf,
    /// What it is.
    pub state: MapState,
    /// The bytes of data; `None` where the header cannot be read.
    pub capacity: Option<u64>,
    /// The process that created it, which may have ended since.
    pub creator_pid: Option<u32>,
    /// When it was created.
    pub created: Option<SystemTime>,
}

/// A map that was judged a leftover.
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
    /// # Errors
    ///
    /// When the directory cannot be read or is not safe to use.
    pub fn list(&self) -> Result<Vec<MapEntry>, Error> {
        let Some(directory) = self.find()? else { return Ok(Vec::new()) };
        let names = names(&directory)?;
        Ok(names.iter().filter_map(|name| inspect(&directory, name)).map(|(entry, _)| entry).collect())
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
    /// # Errors
    ///
    /// As [`list`](Self::list); a leftover that cannot be removed is in the report instead.
    pub fn sweep(&self) -> Result<SweepReport, Error> {
        let mut report = SweepReport::default();
        let Some(directory) = self.find()? else { return Ok(report) };
        for name in names(&directory)? {
            match reclaim(&directory, &name) {
                Some(leftover) if leftover.failure.is_none() => report.removed.push(leftover),
                Some(leftover) => report.kept.push(leftover),
                None => {}
            }
        }
        Ok(report)
    }
}

/// Removes the leftovers among the first few files: whoever creates a map cleans up a little.
pub(super) fn in_passing(directory: &Directory) {
    const FEW: usize = 32;
    for name in directory.names().into_iter().flatten().take(FEW) {
        reclaim(directory, &name);
    }
}

/// Removes all leftovers; whether there were any.
pub(super) fn everything(directory: &Directory) -> bool {
    let mut any = false;
    for name in names(directory).unwrap_or_default() {
        any |= reclaim(directory, &name).is_some_and(|leftover| leftover.failure.is_none());
    }
    any
}

fn names(directory: &Directory) -> Result<Vec<String>, Error> {
    let read = directory.names();
    let names = read.map_err(|errno| Error::os("reading the directory", directory.path(), 0, errno))?;
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    Ok(names)
}

/// What the file is; `None` when it has gone. With the file where it is a map.
fn inspect(directory: &Directory, name: &str) -> Option<(MapEntry, Option<File>)> {
    let mut entry = MapEntry {
        name: None,
        path: directory.path().join(name),
        state: MapState::Foreign,
        capacity: None,
        creator_pid: None,
        created: None,
    };
    match directory.occupant(name) {
        Ok(Occupant::File) => {}
        Ok(Occupant::Nothing) => return None,
        Ok(Occupant::Other(_)) | Err(_) => return Some((entry, None)),
    }
    let Ok(fd) = directory.open(name, OFlags::RDONLY) else { return Some((entry, None)) };
    let file = File::from(fd);
    let regular = rustix::fs::fstat(&file).is_ok_and(|status| matches!(occupant(&status), Occupant::File));
    if !regular || !Header::is_map(&file).unwrap_or(false) {
        return Some((entry, None));
    }
    let Ok(present) = sys::is_locked(file.as_fd(), PRESENCE) else { return Some((entry, None)) };
    entry.state = if present { MapState::Live } else { MapState::Leftover };
    if let Ok(header) = Header::attach(&file) {
        entry.created = UNIX_EPOCH.checked_add(Duration::from_nanos(header.created_ns));
        entry.capacity = Some(header.capacity);
        entry.creator_pid = Some(header.creator_pid);
        entry.name = Some(header.name);
    }
    Some((entry, Some(file)))
}

/// Removes the map if it is a leftover.
fn reclaim(directory: &Directory, name: &str) -> Option<Leftover> {
    let (entry, file) = inspect(directory, name)?;
    let file = file.filter(|_| entry.state == MapState::Leftover)?;
    // Whoever has the mutex is opening, removing or dropping it: then it is theirs to deal with.
    let lifecycle = Lifecycle::try_lock(file.as_fd()).ok()??;
    crash_point("map.sweep.after-flock");
    // Look again: one who was joining when the last holder died may be present since.
    let dead = sys::is_locked(file.as_fd(), PRESENCE) == Ok(false);
    if !dead || directory.still_names(name, file.as_fd()) != Ok(true) {
        return None;
    }
    let removed = directory.unlink(name);
    crash_point("map.sweep.after-unlink");
    drop(lifecycle);
    let failure = removed.err().map(|errno| {
        let error = Error::os("removing a leftover", &entry.path, 0, errno);
        entry.name.iter().fold(error, |error, name| error.for_map(name))
    });
    Some(Leftover { reason: reason(&entry), entry, failure })
}

fn reason(entry: &MapEntry) -> String {
    match (entry.creator_pid, entry.created.map(|at| at.elapsed().unwrap_or_default())) {
        (Some(pid), Some(age)) => {
            format!("no process holds it; process {pid} created it {} s ago", age.as_secs())
        }
        _ => "no process holds it, and its header is damaged".to_owned(),
    }
}
