//! How a map is made or opened.

use std::time::Duration;

use super::error::Error;
use super::header::Plan;
use super::named;
use super::namespace::{Namespace, check_name};
use super::reclaim::Purpose;
use super::shared::SharedMap;

/// How to make or open a map: set what differs from the default, then say which.
///
/// ```
/// use ringway::map::{Disposition, MapOptions};
///
/// let name = format!("doc-options-{}", std::process::id());
/// let (ours, how) = MapOptions::new().capacity(4096).create_or_open(&name)?;
/// assert_eq!(how, Disposition::Created);
/// let theirs = MapOptions::new().open(&name)?;
/// assert_eq!(theirs.capacity(), 4096);
/// # Ok::<(), ringway::map::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MapOptions {
    pub(super) capacity: u64,
    pub(super) namespace: Namespace,
    pub(super) mode: u32,
    /// How long to wait for processes that are in the middle of opening or closing the map.
    pub(super) patience: Duration,
}

/// Without these its own user could not open a map, and could not remove it when it is a leftover.
const OWNER: u32 = 0o600;

/// Whether a call made the map or found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// The map is new; its data are zero.
    Created,
    /// Somebody had the map already.
    Opened,
}

impl Default for MapOptions {
    fn default() -> MapOptions {
        MapOptions::new()
    }
}

impl MapOptions {
    /// No capacity yet, the user's namespace, mode 0600.
    pub fn new() -> MapOptions {
        MapOptions {
            capacity: 0,
            namespace: Namespace::default(),
            mode: 0o600,
            patience: Duration::from_secs(10),
        }
    }

    /// The bytes of data, at least 1. There is no default: whoever may create must say it. The memory is
    /// committed at creation. Ignored when the map exists: an opened map has its creator's capacity.
    pub fn capacity(mut self, bytes: u64) -> MapOptions {
        self.capacity = bytes;
        self
    }

    /// Where the name lives; [`Namespace::User`] by default. Maps of one name in two namespaces have nothing
    /// to do with each other.
    pub fn namespace(mut self, namespace: Namespace) -> MapOptions {
        self.namespace = namespace;
        self
    }

    /// The file permission bits of a map that is created, whatever the umask; 0600 by default. Ignored when
    /// the map exists. They must let the owner read and write.
    ///
    /// Give others access only where they are trusted: whoever may write to a map can also truncate its file,
    /// which ends its holders by SIGBUS, and whoever may read it can hold its locks, which delays every open
    /// and drop by ten seconds, or keeps a leftover for ever.
    pub fn mode(mut self, bits: u32) -> MapOptions {
        self.mode = bits;
        self
    }

    /// How long a call (and the map's drop) may wait for other processes that open or close the map.
    #[cfg_attr(not(test), expect(dead_code, reason = "only tests are in a hurry"))]
    pub(crate) fn patience(mut self, patience: Duration) -> MapOptions {
        self.patience = patience;
        self
    }

    /// Creates a map; its data are zero.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](super::ErrorKind::AlreadyExists) when somebody holds a map of this name; the
    /// others as [`ErrorKind`](super::ErrorKind) says. A call that fails leaves nothing behind.
    pub fn create_new(self, name: &str) -> Result<SharedMap, Error> {
        self.create_new_with(name, |_, _| {})
    }

    /// Opens the map if somebody holds it, or else creates it. At any moment there is one map of a name,
    /// whoever is racing.
    ///
    /// # Errors
    ///
    /// As [`create_new`](Self::create_new) and [`open`](Self::open), save for being there or not.
    pub fn create_or_open(self, name: &str) -> Result<(SharedMap, Disposition), Error> {
        self.create_or_open_with(name, |_, _| {})
    }

    /// Opens a map that somebody holds.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound) when nobody holds a map of this name, be it that the
    /// processes which did were killed; the others as [`ErrorKind`](super::ErrorKind) says.
    pub fn open(self, name: &str) -> Result<SharedMap, Error> {
        named::open(&self, name)
    }

    /// As [`create_new`](Self::create_new); a new map's data are formatted before anybody can see it.
    ///
    /// `format` gets the first byte, zeroed and aligned to 4096, and the capacity, and runs at most once.
    pub(crate) fn create_new_with(
        self,
        name: &str,
        mut format: impl FnMut(*mut u8, u64),
    ) -> Result<SharedMap, Error> {
        named::create(&self, name, Purpose::Look, &mut format).map(|(map, _)| map)
    }

    /// As [`create_or_open`](Self::create_or_open); a new map's data are formatted before anybody can see it.
    ///
    /// `format` runs at most once, and may have run although the map was then opened.
    pub(crate) fn create_or_open_with(
        self,
        name: &str,
        mut format: impl FnMut(*mut u8, u64),
    ) -> Result<(SharedMap, Disposition), Error> {
        named::create(&self, name, Purpose::Join, &mut format)
    }

    /// Refuses what no map can be made of, before anything is touched.
    pub(super) fn check(&self, name: &str) -> Result<Plan, Error> {
        check_name(name)?;
        let refuse =
            |argument, found: String, expected| Error::argument(argument, found, expected).for_map(name);
        if self.mode & !0o777 != 0 || self.mode & OWNER != OWNER {
            let expected = "permission bits from 0o600 to 0o777 that let the owner read and write";
            return Err(refuse("mode", format!("{:#o}", self.mode), expected));
        }
        if self.capacity == 0 {
            return Err(refuse("capacity", "0".to_owned(), "at least 1 byte"));
        }
        Plan::new(name.len(), self.capacity).ok_or_else(|| {
            refuse("capacity", format!("{} bytes", self.capacity), "fewer than 2^63 with the header")
        })
    }
}
