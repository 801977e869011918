//! What can go wrong with a map: what happened, what was found and expected, and what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;

use super::sys;

/// Why a map could not be created, opened, listed or swept.
///
/// The text names the map, says what was found and what was expected, and ends with a remedy.
/// `std::io::Error::from` keeps the text and chooses the nearest [`io::ErrorKind`].
///
/// ```
/// use ringway::map::{ErrorKind, SharedMap};
/// # let name = &format!("doc-map-error-{}", std::process::id());
/// let error = SharedMap::open(name).unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::NotFound));
/// assert_eq!(error.map(), Some(name.as_str()));
/// assert!(error.to_string().contains(name), "{error}");
/// assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::NotFound);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Error(pub(super) Box<Report>);

#[derive(Debug)]
pub(super) struct Report {
    pub(super) kind: ErrorKind,
    pub(super) subject: Subject,
    pub(super) path: PathBuf,
    pub(super) source: Option<io::Error>,
}

/// What an error is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    Namespace,
    Map(String),
    /// A map of a file, without a name.
    File,
    /// A map without a name in memory.
    Anonymous,
    /// A block of this process's heap.
    InProcess,
}

/// The kinds of [`Error`].
///
/// ```
/// use ringway::map::{ErrorKind, MapOptions};
///
/// let error = MapOptions::new().anonymous().unwrap_err();
/// match error.kind() {
///     ErrorKind::InvalidArgument { argument, found, expected } => {
///         assert_eq!((*argument, found.as_str(), *expected), ("capacity", "0", "at least 1 byte"));
///     }
///     _ => panic!("{error}"),
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is outside what is allowed; nothing was touched.
    InvalidArgument {
        /// Which argument, by the name of the setter or of the parameter.
        argument: &'static str,
        /// What was given.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// The name is taken.
    AlreadyExists {
        /// Nobody holds the map any more, but it belongs to another user and cannot be removed by this one.
        stale: bool,
    },
    /// There is no map of this name.
    NotFound,
    /// The operating system refused.
    PermissionDenied {
        /// What was being done.
        doing: &'static str,
    },
    /// The file system (or a quota) has no room for the map, in bytes or in files. Nothing was left behind.
    StorageFull {
        /// The bytes that the map needs; 0 where room for no more than a name was missing.
        needed: u64,
    },
    /// The map is larger than a file or this process's address space can be.
    TooLarge {
        /// The bytes that the map needs; 0 where memory for little things was missing.
        needed: u64,
    },
    /// This process may not make a file so long (`RLIMIT_FSIZE`); nothing was touched.
    SizeLimit {
        /// The bytes that the map needs.
        needed: u64,
        /// How many a file of this process may have.
        limit: u64,
    },
    /// The place where the map should live lacks something that named maps need.
    Unsupported {
        /// What is lacking.
        what: &'static str,
    },
    /// The map, or this handle, does not allow it.
    AccessDenied {
        /// What was asked for.
        asked: String,
        /// What is allowed.
        allowed: String,
    },
    /// The map has not the capacity that was [required](super::MapOptions::require_capacity).
    CapacityMismatch {
        /// The map's capacity in bytes.
        found: u64,
        /// What was required.
        expected: super::RequiredCapacity,
    },
    /// Another one has the file in a way that does not go together with what was asked for.
    Busy {
        /// What the other one does.
        found: &'static str,
        /// What was asked for.
        expected: &'static str,
    },
    /// That cannot be mapped.
    NotMappable {
        /// What it is.
        found: &'static str,
    },
    /// The name is that of a persisted map whose file has been replaced or removed.
    Stale {
        /// What became of the file.
        found: &'static str,
    },
    /// The name is that of a persisted map, by the word of somebody who could lead this process to a file that is
    /// not theirs.
    Untrusted {
        /// Which property of the name's page.
        part: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        expected: String,
    },
    /// This process may not keep as much in memory.
    LockLimit {
        /// The bytes that were to be locked.
        needed: u64,
    },
    /// The kernel has not enough huge pages.
    HugePages {
        /// The bytes that are needed in huge pages.
        needed: u64,
    },
    /// This kind of map cannot do that.
    Refused {
        /// What was found and expected.
        what: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// Another process was in the middle of creating, opening or closing the map for too long.
    TimedOut {
        /// How long this call waited.
        waited: Duration,
    },
    /// Signals interrupted the commitment of the map's memory again and again.
    Interrupted {
        /// For how long nothing got done.
        waited: Duration,
    },
    /// Something that is not a ringway map has the name. It is never removed.
    Foreign {
        /// What it is.
        found: String,
    },
    /// The map was made by a version of ringway with another format.
    Version {
        /// The map's format version.
        found: u32,
        /// The version this program speaks.
        expected: u32,
    },
    /// A part of the map's header is not what its creator wrote.
    Damaged {
        /// Which part.
        part: &'static str,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: String,
    },
    /// The file is shorter than its header says: somebody truncated it.
    Truncated {
        /// The file's length in bytes.
        found: u64,
        /// The length it should have.
        expected: u64,
    },
    /// The file that belongs to this name holds a map of another name.
    Collision {
        /// The name in the header.
        found: String,
    },
    /// The directory of the namespace is not safe to use.
    Namespace {
        /// Which property.
        part: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        expected: String,
    },
    /// Another error of the operating system.
    Os {
        /// What was being done.
        doing: &'static str,
    },
}

impl Error {
    pub(super) fn new(kind: ErrorKind, path: &Path) -> Error {
        Error(Box::new(Report { kind, subject: Subject::Namespace, path: path.to_owned(), source: None }))
    }

    /// An argument that was refused before anything was touched.
    pub(super) fn argument(argument: &'static str, found: String, expected: &'static str) -> Error {
        Error::new(ErrorKind::InvalidArgument { argument, found, expected }, Path::new(""))
    }

    /// A refusal by the operating system while `doing` something at `path` for a map of `needed` bytes.
    pub(super) fn os(doing: &'static str, path: &Path, needed: u64, errno: Errno) -> Error {
        let kind = match errno {
            Errno::ACCESS | Errno::PERM => ErrorKind::PermissionDenied { doing },
            Errno::ROFS => ErrorKind::Unsupported { what: "writable file system" },
            Errno::NOSPC | Errno::DQUOT => ErrorKind::StorageFull { needed },
            Errno::FBIG if sys::assert_allowed(needed).is_err() => {
                ErrorKind::SizeLimit { needed, limit: sys::file_size_limit().unwrap_or(0) }
            }
            Errno::FBIG | Errno::NOMEM | Errno::OVERFLOW => ErrorKind::TooLarge { needed },
            _ => ErrorKind::Os { doing },
        };
        Error::new(kind, path).because(errno.into())
    }

    /// Adds the cause.
    pub(super) fn because(mut self, source: io::Error) -> Error {
        self.0.source = Some(source);
        self
    }

    /// Adds the map's name.
    pub(super) fn for_map(self, name: &str) -> Error {
        self.about(Subject::Map(name.to_owned()))
    }

    /// Says what it is about, where that is not known yet.
    pub(super) fn about(mut self, subject: Subject) -> Error {
        if let Subject::Namespace = self.0.subject {
            self.0.subject = subject;
        }
        self
    }

    /// Says that it is about a block of this process's heap.
    pub(super) fn in_process(mut self) -> Error {
        self.0.subject = Subject::InProcess;
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The name of the map, where the error is about one.
    pub fn map(&self) -> Option<&str> {
        match &self.0.subject {
            Subject::Map(name) => Some(name),
            _ => None,
        }
    }

    /// The file or directory that the error is about; empty where nothing was touched.
    pub fn path(&self) -> &Path {
        &self.0.path
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        use ErrorKind::*;
        let kind = match error.kind() {
            InvalidArgument { .. } => io::ErrorKind::InvalidInput,
            AlreadyExists { .. } => io::ErrorKind::AlreadyExists,
            NotFound => io::ErrorKind::NotFound,
            PermissionDenied { .. } | Namespace { .. } | Untrusted { .. } => io::ErrorKind::PermissionDenied,
            StorageFull { .. } => io::ErrorKind::StorageFull,
            TooLarge { .. } | SizeLimit { .. } => io::ErrorKind::FileTooLarge,
            Unsupported { .. } => match &error.0.source {
                Some(source) if source.kind() == io::ErrorKind::ReadOnlyFilesystem => source.kind(),
                _ => io::ErrorKind::Unsupported,
            },
            AccessDenied { .. } => io::ErrorKind::PermissionDenied,
            Busy { .. } => io::ErrorKind::ResourceBusy,
            NotMappable { .. } | Refused { .. } => io::ErrorKind::Unsupported,
            Stale { .. } => io::ErrorKind::NotFound,
            LockLimit { .. } | HugePages { .. } => io::ErrorKind::OutOfMemory,
            TimedOut { .. } | Interrupted { .. } => io::ErrorKind::TimedOut,
            Foreign { .. }
            | Version { .. }
            | Damaged { .. }
            | Truncated { .. }
            | Collision { .. }
            | CapacityMismatch { .. } => io::ErrorKind::InvalidData,
            Os { .. } => error.0.source.as_ref().map_or(io::ErrorKind::Other, io::Error::kind),
        };
        io::Error::new(kind, error)
    }
}
