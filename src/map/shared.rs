//! A map, as those see it who have it.

use std::fmt;
use std::fs::File;
use std::ops::RangeBounds;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;

use super::access::{Access, Rights};
use super::advice::Advice;
use super::error::{Error, ErrorKind, Subject};
use super::namespace::Namespace;
use super::reclaim::Holder;
use super::region::Region;
use super::settings::{MapKind, Pages};
use super::stream::StreamView;
use super::view::View;
use super::view_options::ViewOptions;
use super::window::How;

/// A block of bytes that any process may share: in memory with or without a name, or in a file.
///
/// Clones are the same map. A named map lives while any process has it, or a view of it; the last one to drop
/// it removes its name, and what is in memory is lost. Processes that are killed are holders no longer.
///
/// The last drop takes microseconds. Where another process is stopped in the middle of opening or closing the
/// map it waits for up to ten seconds, and then leaves the name to the next who opens or creates it.
///
/// A child forked without exec does not have the map, unless it is [inheritable](super::MapOptions::inheritable):
/// it must not touch the memory, and should open the map by name.
///
/// ```
/// use ringway::map::{MapKind, SharedMap};
/// # let path = std::env::temp_dir().join(format!("doc-shared-map-{}", std::process::id()));
/// # std::fs::write(&path, b"some bytes")?;
/// let map = SharedMap::from_path(&path)?;
/// assert_eq!((map.kind(), map.capacity(), map.name()), (MapKind::File, 10, None));
/// assert_eq!(map.accessor_range(5, 5)?.read::<[u8; 5]>(0)?, *b"bytes");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SharedMap(Arc<Inner>);

struct Inner {
    /// The whole of a named map. Dropped first: a holder gives up its presence when it has nothing mapped any
    /// more.
    region: Option<Region>,
    holder: Option<Holder>,
    /// The bytes, where they are not in the holder's file.
    file: Option<File>,
    facts: Facts,
    /// Only ever grows.
    capacity: AtomicU64,
    /// Who makes it longer. Others do not wait for that, nor does a child that is forked meanwhile.
    growing: Mutex<()>,
    /// Of views that are taken.
    advice: Mutex<Advice>,
}

/// What does not change about a map.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) kind: MapKind,
    pub(super) name: Option<String>,
    pub(super) namespace: Option<Namespace>,
    /// The file with the bytes; empty where it has no path, or nobody knows it.
    pub(super) path: PathBuf,
    /// Of a named map in memory; else 0.
    pub(super) id: u128,
    /// Where the data begin in the file.
    pub(super) data_offset: u64,
    /// What this handle may do.
    pub(super) rights: Rights,
    /// Every view is private: the map is copy-on-write.
    pub(super) private: bool,
    /// The file has a length: it is no device.
    pub(super) regular: bool,
    pub(super) inheritable: bool,
    pub(super) pages: Pages,
    /// Growth takes the space at once.
    pub(super) commit: bool,
    /// Offsets and lengths of mappings are multiples of this.
    pub(super) granularity: u64,
}

/// The parts of a map that came about.
pub(super) struct Parts {
    pub(super) region: Option<Region>,
    pub(super) holder: Option<Holder>,
    pub(super) file: Option<File>,
    pub(super) facts: Facts,
    pub(super) capacity: u64,
}

impl SharedMap {
    pub(super) fn new(parts: Parts) -> SharedMap {
        let Parts { region, holder, file, facts, capacity } = parts;
        assert!(holder.is_some() || file.is_some(), "a map is of something");
        let (capacity, growing) = (AtomicU64::new(capacity), Mutex::new(()));
        let advice = Mutex::new(Advice::Normal);
        SharedMap(Arc::new(Inner { region, holder, file, facts, capacity, growing, advice }))
    }

    /// The name, where it has one.
    pub fn name(&self) -> Option<&str> {
        self.facts().name.as_deref()
    }

    /// The bytes of data: exactly what the creator asked for, or what it [grew](Self::grow) to.
    pub fn capacity(&self) -> u64 {
        self.0.capacity.load(Ordering::Acquire)
    }

    /// Where the bytes are.
    pub fn kind(&self) -> MapKind {
        self.facts().kind
    }

    /// What this handle may do: the smaller of what the creator allows and what was asked for on opening.
    pub fn rights(&self) -> Rights {
        self.facts().rights
    }

    /// The namespace that the name is in, where it has one.
    pub fn namespace(&self) -> Option<&Namespace> {
        self.facts().namespace.as_ref()
    }

    /// The path of the file that is mapped, where it has one.
    pub fn path(&self) -> Option<&Path> {
        Some(&*self.facts().path).filter(|path| !path.as_os_str().is_empty())
    }

    /// A view of a range of the map; `..` is all of it. An empty range, also at the very end, is an empty view.
    pub fn view(&self, range: impl RangeBounds<u64>) -> ViewOptions<'_> {
        ViewOptions::new(self, range)
    }

    /// A view of all of the map that reads and writes.
    ///
    /// # Errors
    ///
    /// As [`ViewOptions::accessor`].
    pub fn accessor(&self) -> Result<View, Error> {
        self.view(..).accessor()
    }

    /// A view that reads and writes, of `len` bytes from `offset` on.
    ///
    /// # Errors
    ///
    /// As [`ViewOptions::accessor`].
    pub fn accessor_range(&self, offset: u64, len: u64) -> Result<View, Error> {
        match offset.checked_add(len) {
            Some(end) => self.view(offset..end).accessor(),
            None if offset > self.capacity() => self.view(offset..).accessor(),
            None => {
                let expected = "no more than the map has from there on";
                Err(self.argument("size", format!("{len} from {offset}"), expected))
            }
        }
    }

    /// All of the map as a stream that reads and writes.
    ///
    /// # Errors
    ///
    /// As [`ViewOptions::accessor`].
    pub fn stream(&self) -> Result<StreamView, Error> {
        self.view(..).stream()
    }

    /// A new descriptor of the file that is mapped, which keeps the memory of an anonymous map, but no name.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn try_clone_fd(&self) -> Result<OwnedFd, Error> {
        rustix::io::fcntl_dupfd_cloexec(self.file(), 0)
            .map_err(|errno| self.os("duplicating the descriptor", 0, errno))
    }

    /// Drops this handle. If it was the last one of this process the map is given up, with an error where its
    /// name could not be removed although nobody else has it.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](ErrorKind::TimedOut) when another process was in the middle of opening or closing the map for
    /// too long: the name is then left to whoever opens or creates it next.
    pub fn close(self) -> Result<(), Error> {
        let facts_of = |inner: &Inner| (inner.facts.subject(), inner.facts.path.clone());
        let Some(mut inner) = Arc::into_inner(self.0) else { return Ok(()) };
        let (subject, path) = facts_of(&inner);
        drop(inner.region.take());
        let Some(holder) = inner.holder.take() else { return Ok(()) };
        holder.leave().map_err(|waited| Error::new(ErrorKind::TimedOut { waited }, &path).about(subject))
    }

    /// Drops this handle and returns a descriptor of the file that is mapped: its own, if it was the last one of this
    /// process that has the map, or else a duplicate. It keeps the memory of an anonymous map, but no name.
    ///
    /// Of a file that was mapped by its path it stays one of the [users](super::Share) until it is closed.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn into_fd(self) -> Result<OwnedFd, Error> {
        match Arc::try_unwrap(self.0) {
            Ok(Inner { file: Some(file), .. }) => Ok(file.into()),
            Ok(inner) => SharedMap(Arc::new(inner)).try_clone_fd(),
            Err(shared) => SharedMap(shared).try_clone_fd(),
        }
    }

    /// The first byte of the data of a named map in memory: aligned to 4096, valid for as long as a clone of
    /// this map lives, for [`capacity`](Self::capacity) bytes.
    ///
    /// # Panics
    ///
    /// If the map is of another kind: those are mapped by views.
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        let region = self.0.region.as_ref().expect("a named map in memory is mapped whole");
        region.as_ptr().wrapping_add(self.facts().data_offset as usize)
    }

    /// A new open file description of the map's file, for locks of its own. It is not present: the map has
    /// to outlive it.
    pub(crate) fn reopen(&self) -> Result<OwnedFd, Error> {
        let holder = self.0.holder.as_ref().expect("only named maps have locks");
        holder.open_again().map_err(|error| error.about(self.facts().subject()))
    }

    /// Whether the mapping of a named map in memory may be stored to.
    pub(crate) fn is_writable(&self) -> bool {
        self.0.region.as_ref().is_some_and(Region::is_writable)
    }

    /// The first `len` bytes of the data once more, to be written although the map is mapped for reading, by one who may
    /// write its file; and how far from the start of that mapping they begin.
    pub(crate) fn map_start_to_write(&self, len: u64) -> Option<(Region, u64)> {
        let (file, offset) = (self.reopen().ok()?, self.data_offset());
        let region = Region::map(file.as_fd(), offset + len.min(self.capacity()), Access::ReadWrite).ok()?;
        Some((region, offset))
    }

    /// Random; tells a named map in memory from others that have or had its name.
    #[cfg_attr(not(test), expect(dead_code, reason = "the channels compare it"))]
    pub(crate) fn id(&self) -> u128 {
        self.facts().id
    }

    /// The length of the file in bytes: registry page and data.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the layers that inspect a map"))]
    pub(crate) fn file_len(&self) -> u64 {
        self.data_offset() + self.capacity()
    }

    pub(super) fn facts(&self) -> &Facts {
        &self.0.facts
    }

    pub(super) fn holder(&self) -> Option<&Holder> {
        self.0.holder.as_ref()
    }

    /// The file with the bytes.
    pub(super) fn file(&self) -> BorrowedFd<'_> {
        match (&self.0.file, &self.0.holder) {
            (Some(file), _) => file.as_fd(),
            (None, Some(holder)) => holder.as_fd(),
            (None, None) => unreachable!("a map is of something"),
        }
    }

    /// Notes that the map is at least so long.
    pub(super) fn note_capacity(&self, capacity: u64) {
        self.0.capacity.fetch_max(capacity, Ordering::AcqRel);
    }

    /// One of this process makes it longer at a time.
    pub(super) fn lock_growing(&self) -> std::sync::MutexGuard<'_, ()> {
        self.0.growing.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn lock_advice(&self) -> std::sync::MutexGuard<'_, Advice> {
        self.0.advice.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn data_offset(&self) -> u64 {
        self.facts().data_offset
    }

    pub(super) fn pages(&self) -> Pages {
        self.facts().pages
    }

    pub(super) fn how(&self, access: Access) -> How {
        let Facts { private, inheritable, granularity, .. } = *self.facts();
        How { access, private, inherited: inheritable, granularity }
    }

    /// Refuses what this handle has no right to.
    pub(super) fn demand(&self, right: Rights, asked: impl FnOnce() -> String) -> Result<(), Error> {
        let allowed = self.rights();
        if allowed.contains(right) {
            return Ok(());
        }
        Err(self.error(ErrorKind::AccessDenied { asked: asked(), allowed: allowed.to_string() }))
    }

    /// The length of the file now; `None` where it has none.
    pub(super) fn file_len_now(&self) -> Option<u64> {
        let status = rustix::fs::fstat(self.file()).ok().filter(|_| self.facts().regular)?;
        u64::try_from(status.st_size).ok()
    }

    /// Refuses a view of what the file does not reach, because somebody truncated it.
    pub(super) fn assert_reaches(&self, end: u64) -> Result<(), Error> {
        let expected = self.data_offset() + end;
        match self.file_len_now() {
            Some(found) if found < expected => Err(self.error(ErrorKind::Truncated { found, expected })),
            _ => Ok(()),
        }
    }

    pub(super) fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, &self.facts().path).about(self.facts().subject())
    }

    pub(super) fn argument(&self, argument: &'static str, found: String, expected: &'static str) -> Error {
        self.error(ErrorKind::InvalidArgument { argument, found, expected })
    }

    pub(super) fn os(&self, doing: &'static str, needed: u64, errno: Errno) -> Error {
        Error::os(doing, &self.facts().path, needed, errno).about(self.facts().subject())
    }
}

impl Facts {
    pub(super) fn subject(&self) -> Subject {
        match (&self.name, self.kind) {
            (Some(name), _) => Subject::Map(name.clone()),
            (None, MapKind::File) => Subject::File,
            (None, _) => Subject::Anonymous,
        }
    }
}

impl super::options::MapOptions {
    /// What a map made with these options has, save for what depends on its kind.
    pub(super) fn facts(&self, kind: MapKind, creator: Access, rights: Rights) -> Facts {
        Facts {
            kind,
            name: None,
            namespace: None,
            path: PathBuf::new(),
            id: 0,
            data_offset: 0,
            rights: rights.within(creator),
            private: creator == Access::CopyOnWrite,
            regular: true,
            inheritable: self.inheritable,
            pages: self.pages,
            commit: self.commits(kind),
            granularity: rustix::param::page_size() as u64,
        }
    }
}

/// The descriptor of the file that is mapped. Of a named map in memory its open file description has the lock
/// on byte 0 that is this holder's presence: leave that byte alone.
impl AsFd for SharedMap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file()
    }
}

impl AsRawFd for SharedMap {
    fn as_raw_fd(&self) -> RawFd {
        self.file().as_raw_fd()
    }
}

impl fmt::Debug for SharedMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedMap")
            .field("kind", &self.kind())
            .field("name", &self.name())
            .field("capacity", &self.capacity())
            .field("rights", &self.rights())
            .field("namespace", &self.namespace())
            .finish_non_exhaustive()
    }
}
