//! The values of a map's options.

use std::fmt;

/// When the memory, or the space on the disk, of a map is taken.
///
/// ```
/// use ringway::map::{Allocation, MapOptions};
///
/// let map = MapOptions::new().allocation(Allocation::Delay).capacity(1 << 30).anonymous()?; // no memory yet
/// let view = map.accessor_range(1 << 29, 100)?;
/// view.write(0, &7_u64)?; // a page
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Allocation {
    /// At creation and growth. What has no room is an error there, and never later. The default for memory.
    Commit,
    /// When a page is first written to: the map is sparse. Where there is no room then, the write is an error
    /// ([`AccessError::NoRoom`](super::AccessError::NoRoom)). The default for files.
    Delay,
}

/// Who else may have the file while this map is there. It binds those only who map the file by its path, or open its name,
/// through this library: other programs do not ask.
///
/// ```
/// use ringway::map::{ErrorKind, MapOptions, Share, SharedMap};
/// # let path = std::env::temp_dir().join(format!("doc-share-{}", std::process::id()));
/// # std::fs::write(&path, [7; 100])?;
/// let ours = MapOptions::new().share(Share::Exclusive).open_path(&path)?;
/// let error = SharedMap::from_path(&path).unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::Busy { .. }), "{error}");
/// drop(ours);
/// assert!(SharedMap::from_path(&path).is_ok());
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Share {
    /// Everybody.
    #[default]
    Any,
    /// Those who only read.
    Readers,
    /// Nobody.
    Exclusive,
}

/// What to do about the file that a path leads to.
///
/// ```
/// use ringway::map::{ErrorKind, FileMode, MapOptions};
/// # let path = std::env::temp_dir().join(format!("doc-file-mode-{}", std::process::id()));
/// let options = MapOptions::new().file_mode(FileMode::CreateNew).capacity(100);
/// let map = options.clone().open_path(&path)?;
/// let error = options.open_path(&path).unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::AlreadyExists { .. }), "{error}");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FileMode {
    /// Map the file; it must be there.
    #[default]
    Open,
    /// Map the file, and make it if it is not there.
    OpenOrCreate,
    /// Make the file; it must not be there.
    CreateNew,
    /// Make the file, or drop all it has: the map is zero.
    Create,
}

/// Whether the pages of a map are to be huge ones.
///
/// ```
/// use ringway::map::{HugePages, MapOptions};
///
/// let map = MapOptions::new().huge_pages(HugePages::Advise).capacity(4 << 20).anonymous()?;
/// map.accessor()?.write(0, &7_u64)?; // in a huge page, where the kernel has them for this
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum HugePages {
    /// As the kernel likes.
    #[default]
    Normal,
    /// The kernel is told that huge pages are welcome. Where it has none for this kind of file, pages are
    /// normal: for memory that depends on `/sys/kernel/mm/transparent_hugepage/shmem_enabled`.
    Advise,
    /// From the pool that the administrator has reserved (`vm.nr_hugepages`), of the default size; creation
    /// fails where there are too few. For anonymous maps.
    Require,
}

/// What capacity an opened map has to have.
///
/// ```
/// use ringway::map::{MapOptions, RequiredCapacity};
/// # let name = &format!("doc-required-{}", std::process::id());
/// let map = MapOptions::new().capacity(4096).create_new(name)?;
/// assert!(MapOptions::new().require_capacity(RequiredCapacity::Exact(4096)).open(name).is_ok());
/// let error = MapOptions::new().require_capacity(RequiredCapacity::AtLeast(8192)).open(name).unwrap_err();
/// assert!(error.to_string().contains("at least 8192"), "{error}");
/// # drop(map);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequiredCapacity {
    /// So many bytes.
    Exact(u64),
    /// So many bytes, or more.
    AtLeast(u64),
}

impl RequiredCapacity {
    /// Whether a map of that capacity will do.
    pub(super) fn is_met_by(self, capacity: u64) -> bool {
        match self {
            RequiredCapacity::Exact(wanted) => capacity == wanted,
            RequiredCapacity::AtLeast(wanted) => capacity >= wanted,
        }
    }
}

impl fmt::Display for RequiredCapacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequiredCapacity::Exact(bytes) => write!(f, "exactly {bytes}"),
            RequiredCapacity::AtLeast(bytes) => write!(f, "at least {bytes}"),
        }
    }
}

/// Where the bytes of a map are.
///
/// ```
/// use ringway::map::{MapKind, MapOptions};
/// # let name = &format!("doc-map-kind-{}", std::process::id());
/// assert_eq!(MapOptions::new().capacity(100).anonymous()?.kind(), MapKind::Anonymous);
/// assert_eq!(MapOptions::new().capacity(100).create_new(name)?.kind(), MapKind::Named);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MapKind {
    /// In memory under a name; lost with the last holder.
    Named,
    /// In memory without a name; lost with the last descriptor and mapping.
    Anonymous,
    /// In a file, with or without a name.
    File,
}

/// What is done with each view of a map, unless the view is asked for differently.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pages {
    pub(super) huge: HugePages,
    pub(super) prefault: bool,
    pub(super) locked: bool,
}
