//! What can go wrong with a map: what happened, what was found and expected, and what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::io::Errno;

/// Why a map could not be created, opened, listed or swept.
///
/// The text names the map, says what was found and what was expected, and ends with a remedy.
/// `std::io::Error::from` keeps the text and chooses the nearest [`io::ErrorKind`].
pub struct Error(Box<Report>);

#[derive(Debug)]
struct Report {
    kind: ErrorKind,
    subject: Subject,
    path: PathBuf,
    source: Option<io::Error>,
}

/// What an error is about.
#[derive(Debug)]
enum Subject {
    Namespace,
    Map(String),
    /// A block of this process's heap.
    InProcess,
}

/// The kinds of [`Error`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is outside what is allowed; nothing was touched.
    InvalidArgument {
        /// Which argument: `name`, `capacity`, `mode` or `namespace`.
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
    /// The place where the map should live lacks something that named maps need.
    Unsupported {
        /// What is lacking.
        what: &'static str,
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
    pub(super) fn for_map(mut self, name: &str) -> Error {
        if let Subject::Namespace = self.0.subject {
            self.0.subject = Subject::Map(name.to_owned());
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
            Subject::Namespace | Subject::InProcess => None,
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

/// A name as it is shown in a message: escaped, and cut where it is very long.
pub(super) fn shown(name: &str) -> String {
    const LONGEST: usize = 80;
    let mut text: String = name.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if name.chars().nth(LONGEST).is_some() {
        text.push('…');
    }
    text
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.subject {
            Subject::Map(name) => write!(f, "map `{}`", shown(name))?,
            Subject::Namespace => f.write_str("namespace")?,
            Subject::InProcess => f.write_str("in process")?,
        }
        if !self.0.path.as_os_str().is_empty() {
            write!(f, " ({})", self.0.path.display())?;
        }
        f.write_str(": ")?;
        self.0.kind.fmt(f)?;
        match &self.0.source {
            Some(source) => write!(f, " ({source})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ErrorKind::*;
        match self {
            InvalidArgument { argument, found, expected } => {
                write!(f, "`{argument}` is {found}, expected {expected}; pass another `{argument}`")
            }
            AlreadyExists { stale: false } => f.write_str(
                "found a map of this name, expected none; use `create_or_open` or `open` to share it, or another name",
            ),
            AlreadyExists { stale: true } => f.write_str(
                "found a leftover of dead processes that only its owner may remove, expected none; \
                 let its owner or root sweep the namespace, or use another name",
            ),
            NotFound => f.write_str(
                "found no map of this name, expected one; create it first, or use `create_or_open`",
            ),
            PermissionDenied { doing } => write!(
                f,
                "refused while {doing}, expected to be allowed; run as the map's owner, or let its creator set a wider `mode`",
            ),
            StorageFull { needed: 0 } => f.write_str(
                "found no more space or files (inodes), expected some; sweep the namespace, remove other files, \
                 or enlarge the file system or quota (in a container: --shm-size)",
            ),
            StorageFull { needed } => write!(
                f,
                "found too little space or no more files (inodes), {needed} bytes in one file are needed; \
                 lower `capacity`, sweep the namespace, remove other files, \
                 or enlarge the file system or quota (in a container: --shm-size)",
            ),
            TooLarge { needed: 0 } => {
                f.write_str("found too little memory, expected some; free memory, or raise this process's limits")
            }
            TooLarge { needed } => write!(
                f,
                "{needed} bytes are needed, expected no more than a file and this process's address space can hold; lower `capacity`",
            ),
            Unsupported { what } => {
                write!(f, "found no {what} here, expected it; use a namespace on a tmpfs such as /dev/shm")
            }
            TimedOut { waited } => write!(
                f,
                "found another process in the middle of making, opening or closing it for {waited:?}, \
                 expected microseconds; look for a process that is stopped while it opens or closes this map, and end it",
            ),
            Interrupted { waited } => write!(
                f,
                "found the commitment of its memory interrupted by signals for {waited:?}, expected some quiet; \
                 block signals while the map is made, or slow the timer that sends them",
            ),
            Foreign { found } => write!(
                f,
                "found {found}, expected a ringway map; move it away by hand, or use another name or namespace",
            ),
            Version { found, expected } => write!(
                f,
                "found map format version {found}, expected {expected}; build all its users with the same version of ringway",
            ),
            Damaged { part, found, expected } => write!(
                f,
                "its header is damaged: {part} is {found}, expected {expected}; \
                 end the processes that hold it and create it anew",
            ),
            Truncated { found, expected } => write!(
                f,
                "the file was truncated to {found} bytes, expected {expected}; \
                 end the processes that hold it and create it anew",
            ),
            Collision { found } => write!(
                f,
                "found the map `{}` in this name's file, expected this name; use another name",
                shown(found)
            ),
            Namespace { part, found, expected } => write!(
                f,
                "the directory's {part} is {found}, expected {expected}; use another namespace, \
                 or let root or its owner correct or remove it",
            ),
            Os { doing } => {
                write!(f, "an error of the operating system while {doing}, expected none; the cause says what to do")
            }
        }
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
            PermissionDenied { .. } | Namespace { .. } => io::ErrorKind::PermissionDenied,
            StorageFull { .. } => io::ErrorKind::StorageFull,
            TooLarge { .. } => io::ErrorKind::FileTooLarge,
            Unsupported { .. } => match &error.0.source {
                Some(source) if source.kind() == io::ErrorKind::ReadOnlyFilesystem => source.kind(),
                _ => io::ErrorKind::Unsupported,
            },
            TimedOut { .. } | Interrupted { .. } => io::ErrorKind::TimedOut,
            Foreign { .. } | Version { .. } | Damaged { .. } | Truncated { .. } | Collision { .. } => {
                io::ErrorKind::InvalidData
            }
            Os { .. } => error.0.source.as_ref().map_or(io::ErrorKind::Other, io::Error::kind),
        };
        io::Error::new(kind, error)
    }
}
