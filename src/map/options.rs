//! How a map is made or opened: the settings.

use std::path::Path;
use std::time::Duration;

use super::access::{Access, Rights};
use super::error::{Error, ErrorKind};
use super::error_text::shown;
use super::header::Plan;
use super::named;
use super::namespace::{Namespace, check_name};
use super::reclaim::Purpose;
use super::security::AccessControl;
use super::settings::{Allocation, FileMode, HugePages, MapKind, Pages, RequiredCapacity, Share};
use super::shared::SharedMap;

/// How to make or open a map: set what differs from the default, then say which.
///
/// | to have | end with |
/// |---|---|
/// | memory under a name | [`create_new`](Self::create_new), [`create_or_open`](Self::create_or_open), [`open`](Self::open) |
/// | memory without a name | [`anonymous`](Self::anonymous) |
/// | a file | [`open_path`](Self::open_path), [`from_file`](Self::from_file), [`from_borrowed`](Self::from_borrowed), each with or without a [`name`](Self::name) |
///
/// Everything is checked before anything is touched: a call that fails changes nothing and leaves nothing behind.
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
    pub(super) required: Option<RequiredCapacity>,
    pub(super) access: Access,
    /// What this process maps a named map in memory for, if that is less than what the map allows.
    pub(super) mapped_for: Option<Access>,
    pub(super) rights: Option<Rights>,
    pub(super) allocation: Option<Allocation>,
    pub(super) namespace: Namespace,
    pub(super) security: AccessControl,
    pub(super) name: Option<String>,
    pub(super) file_mode: FileMode,
    pub(super) share: Share,
    pub(super) inheritable: bool,
    pub(super) pages: Pages,
    /// How long to wait for processes that are in the middle of opening or closing the map.
    pub(super) patience: Duration,
}

/// Whether a call made the map or found it.
///
/// ```
/// use ringway::map::{Disposition, MapOptions};
/// # let name = &format!("doc-disposition-{}", std::process::id());
/// let (map, how) = MapOptions::new().capacity(100).create_or_open(name)?;
/// if how == Disposition::Created {
///     map.accessor()?.write(0, &7_u64)?; // what it begins with
/// }
/// assert_eq!(MapOptions::new().capacity(100).create_or_open(name)?.1, Disposition::Opened);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    /// No capacity yet, the user's namespace, mode 0600, reading and writing.
    pub fn new() -> MapOptions {
        MapOptions {
            capacity: 0,
            required: None,
            access: Access::default(),
            mapped_for: None,
            rights: None,
            allocation: None,
            namespace: Namespace::default(),
            security: AccessControl::default(),
            name: None,
            file_mode: FileMode::default(),
            share: Share::default(),
            inheritable: false,
            pages: Pages::default(),
            patience: Duration::from_secs(10),
        }
    }

    /// The bytes of data, at least 1. There is no default for memory: whoever may create it must say it. For a file
    /// it is the file's length. Ignored when the map exists: an opened map has its creator's capacity.
    pub fn capacity(mut self, bytes: u64) -> MapOptions {
        self.capacity = bytes;
        self
    }

    /// What capacity a map that is opened has to have; any by default. Another one is
    /// [`CapacityMismatch`](super::ErrorKind::CapacityMismatch). Of a file that is there it is the capacity that the
    /// map would have, and the file is not made longer first. Ignored when the call makes the map or the file.
    pub fn require_capacity(mut self, required: RequiredCapacity) -> MapOptions {
        self.required = Some(required);
        self
    }

    /// What the map allows its holders; [`ReadWrite`](Access::ReadWrite) by default. A map that exists is opened
    /// for no more than this, and allows no more than its creator said.
    pub fn access(mut self, access: Access) -> MapOptions {
        self.access = access;
        self
    }

    /// What a handle that opens a map by name asks for; by default what [`access`](Self::access) says, and nothing
    /// of its security. Whoever creates a map has all rights. To read takes no more than permission to read.
    pub fn rights(mut self, rights: Rights) -> MapOptions {
        self.rights = Some(rights);
        self
    }

    /// When memory or space is taken: of memory at creation by default, so that a lack of it is an error there.
    /// Ignored when the map exists.
    pub fn allocation(mut self, allocation: Allocation) -> MapOptions {
        self.allocation = Some(allocation);
        self
    }

    /// A name for the file that is mapped, in the [namespace](Self::namespace), by which others
    /// [open](Self::open) it; none by default. It lives as long as any process has the map, as that of a map in
    /// memory does, and no two maps of either kind have the same. The file needs a path and outlives its name. Calls
    /// that take a name themselves, and those without a file, refuse it.
    pub fn name(mut self, name: &str) -> MapOptions {
        self.name = Some(name.to_owned());
        self
    }

    /// What to do about the file at a path; [`FileMode::Open`] by default.
    pub fn file_mode(mut self, mode: FileMode) -> MapOptions {
        self.file_mode = mode;
        self
    }

    /// Who else may map the file by its path meanwhile; everybody by default. Whoever finds it excluded gets
    /// [`Busy`](super::ErrorKind::Busy). A convention of this library: other programs are not bound by it. Whoever
    /// [opens](Self::open) the name of a file is one of its users too; maps in memory refuse it.
    pub fn share(mut self, share: Share) -> MapOptions {
        self.share = share;
        self
    }

    /// Lets child processes inherit the descriptor of the map, over an exec too, and forked children the views;
    /// by default neither. A child that has them counts as a holder while it does.
    pub fn inheritable(mut self) -> MapOptions {
        self.inheritable = true;
        self
    }

    /// Whether views are to have huge pages; by default as the kernel likes.
    pub fn huge_pages(mut self, huge: HugePages) -> MapOptions {
        self.pages.huge = huge;
        self
    }

    /// Brings all pages of every view into memory when it is taken, so that no access has to wait for one.
    pub fn prefault(mut self) -> MapOptions {
        self.pages.prefault = true;
        self
    }

    /// Keeps all pages of every view in memory while it lives: they are never swapped out. A view beyond the
    /// process's limit is [`LockLimit`](super::ErrorKind::LockLimit).
    ///
    /// ```
    /// use ringway::map::MapOptions;
    /// // For children too, and no access waits for a page.
    /// let map = MapOptions::new().capacity(4096).inheritable().prefault().lock_in_memory().anonymous()?;
    /// assert_eq!(map.accessor()?.read::<u64>(0)?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lock_in_memory(mut self) -> MapOptions {
        self.pages.locked = true;
        self
    }

    /// Where the name lives; [`Namespace::User`] by default. Maps of one name in two namespaces have nothing
    /// to do with each other.
    pub fn namespace(mut self, namespace: Namespace) -> MapOptions {
        self.namespace = namespace;
        self
    }

    /// The file permission bits of a map that is created, whatever the umask; 0600 by default. Ignored when
    /// the map exists. Of a map in memory they must let the owner read and write.
    ///
    /// Give others access only where they are trusted: whoever may write to a map can also truncate its file, and
    /// whoever may read it can hold its locks, which delays every open and drop by ten seconds, or keeps a leftover
    /// for ever.
    pub fn mode(mut self, bits: u32) -> MapOptions {
        self.security.mode = bits;
        self
    }

    /// Who may have a map that is created; the creator alone by default, with mode 0600. Ignored when the map, or
    /// the file, exists. The mode here is the one that [`mode`](Self::mode) sets, and has the same dangers.
    pub fn security(mut self, control: AccessControl) -> MapOptions {
        self.security = control;
        self
    }

    /// How long a call (and the map's drop) may wait for other processes that open or close the map.
    #[cfg_attr(not(test), expect(dead_code, reason = "only tests are in a hurry"))]
    pub(crate) fn patience(mut self, patience: Duration) -> MapOptions {
        self.patience = patience;
        self
    }

    /// What this process's own mapping is for, of a map that is created as well; what the map allows others is in
    /// [`access`](Self::access). To open a map to read takes no more than permission to read.
    pub(crate) fn mapped_for(mut self, access: Access) -> MapOptions {
        self.mapped_for = Some(access);
        self
    }

    /// Creates a map in memory under a name; its data are zero.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](super::ErrorKind::AlreadyExists) when somebody holds a map of this name; the
    /// others as [`ErrorKind`](super::ErrorKind) says. A call that fails leaves nothing behind.
    pub fn create_new(self, name: &str) -> Result<SharedMap, Error> {
        self.create_new_with(name, |_, _| {})
    }

    /// Opens the map if somebody holds it, or else creates it in memory. At any moment there is one map of a name,
    /// whoever is racing.
    ///
    /// # Errors
    ///
    /// As [`create_new`](Self::create_new) and [`open`](Self::open), save for being there or not. A map for
    /// [writing alone](Access::Write) can be opened and not created.
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

    /// What a handle that opens a map asks for.
    pub(super) fn asked(&self) -> Rights {
        self.rights.unwrap_or(Rights::granted_by(self.mapped_for.unwrap_or(self.access)))
    }

    /// Whether a map of that kind takes its space at once.
    pub(super) fn commits(&self, kind: MapKind) -> bool {
        let default = if kind == MapKind::File { Allocation::Delay } else { Allocation::Commit };
        self.allocation.unwrap_or(default) == Allocation::Commit
    }

    /// Refuses what no map can be made of, before anything is touched.
    pub(super) fn check(&self, name: &str, purpose: Purpose) -> Result<Plan, Error> {
        check_name(name)?;
        self.refuse_settings_of_paths()
            .and_then(|()| self.refuse_share("a map in memory"))
            .and_then(|()| self.check_settings(MapKind::Named, purpose))
            .and_then(|()| self.check_capacity())
            .map_err(|error| error.for_map(name))?;
        if self.pages.huge == HugePages::Require {
            let expected = "another choice: of maps with a name the pool's pages are not to be had";
            return Err(
                Error::argument("huge_pages", "HugePages::Require".to_owned(), expected).for_map(name)
            );
        }
        Plan::new(name.len(), self.capacity).ok_or_else(|| {
            let found = format!("{} bytes", self.capacity);
            Error::argument("capacity", found, "fewer than 2^63 with the header").for_map(name)
        })
    }

    /// What is checked alike for all kinds.
    pub(super) fn check_settings(&self, kind: MapKind, purpose: Purpose) -> Result<(), Error> {
        self.security.check(kind)?;
        if self.access == Access::Write && purpose == Purpose::Look {
            return Err(refuse_write_only());
        }
        Ok(())
    }

    /// Refuses what is said of a path where there is none, and a second name.
    pub(super) fn refuse_settings_of_paths(&self) -> Result<(), Error> {
        if let Some(name) = &self.name {
            let expected = "none in the options: they name files that are mapped by a path or a handle";
            return Err(Error::argument("name", format!("`{}`", shown(name)), expected));
        }
        if self.file_mode != FileMode::Open {
            let found = format!("FileMode::{:?}", self.file_mode);
            return Err(Error::argument("file_mode", found, "`FileMode::Open`, where no path is given"));
        }
        Ok(())
    }

    /// Refuses sharing where nobody keeps account of it.
    pub(super) fn refuse_share(&self, kind: &str) -> Result<(), Error> {
        if self.share != Share::Any {
            let found = format!("Share::{:?}, of {kind}", self.share);
            return Err(Error::argument("share", found, "`Share::Any`, save for a file"));
        }
        Ok(())
    }

    /// Refuses a map that is there and has not the capacity that it has to have.
    pub(super) fn demand_capacity(&self, found: u64, path: &Path) -> Result<(), Error> {
        match self.required.filter(|required| !required.is_met_by(found)) {
            Some(expected) => Err(Error::new(ErrorKind::CapacityMismatch { found, expected }, path)),
            None => Ok(()),
        }
    }

    pub(super) fn check_capacity(&self) -> Result<(), Error> {
        if self.capacity == 0 {
            return Err(Error::argument("capacity", "0".to_owned(), "at least 1 byte"));
        }
        Ok(())
    }
}

/// Nobody could ever read such a map.
pub(super) fn refuse_write_only() -> Error {
    let expected = "an access that reads, for a map that is to be made";
    Error::argument("access", "Access::Write".to_owned(), expected)
}
