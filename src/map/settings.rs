//! The values of a map's options.

use std::fmt;

/// When the memory, or the space on the disk, of a map is taken.
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
