//! What can go wrong with an access to a view's bytes.

use std::fmt;
use std::io;

use super::access::Access;

/// Why bytes of a view could not be read or written.
///
/// Small and without allocation; `std::io::Error::from` keeps the text and chooses the nearest
/// [`io::ErrorKind`].
///
/// ```
/// use ringway::map::{AccessError, MapOptions};
///
/// let view = MapOptions::new().capacity(100).anonymous()?.accessor()?;
/// let error = view.read::<u64>(96).unwrap_err();
/// assert_eq!(error, AccessError::OutOfRange { at: 96, needed: 8, len: 100 });
/// let text = "found 4 bytes from position 96 to the end of the view, expected 8; \
///             access fewer, or take a longer view";
/// assert_eq!(error.to_string(), text);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessError {
    /// Not all of the bytes are in the view. None was read or written.
    OutOfRange {
        /// The first byte.
        at: u64,
        /// How many were wanted.
        needed: u64,
        /// The bytes of the view.
        len: u64,
    },
    /// The view, whose access was chosen when the program ran, has not this direction.
    Direction {
        /// The direction: `read` or `write`.
        wanted: &'static str,
        /// The view's access.
        access: Access,
    },
    /// No atomic can lie there. Pages are aligned; a view that begins elsewhere is not.
    Misaligned {
        /// The position in the view.
        at: u64,
        /// The alignment that the type needs in memory.
        align: usize,
    },
    /// The bytes are no value of the type.
    Invalid {
        /// The position in the view.
        at: u64,
        /// The type.
        type_name: &'static str,
    },
    /// Somebody made the file shorter: from a byte on it has nothing any more. The view has zeros there, and
    /// stays so. Of what was to be written the part before that byte was.
    Truncated {
        /// The first byte of the view that is lost.
        from: u64,
        /// The bytes of the view.
        len: u64,
    },
    /// A hole of a sparse file could not be filled: the file system is full or failed. The view has zeros in that
    /// page, which nobody else sees, and stays so. Of what the call that met it was to write, nothing reached this
    /// page and the rest was written; later calls for bytes from there on write nothing.
    NoRoom {
        /// The first byte of the view that is lost.
        from: u64,
    },
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            AccessError::OutOfRange { at, needed, len } if at < len => write!(
                f,
                "found {} bytes from position {at} to the end of the view, expected {needed}; \
                 access fewer, or take a longer view",
                len - at,
            ),
            AccessError::OutOfRange { at, needed, len } => write!(
                f,
                "found position {at} for {needed} bytes, expected one within the view's {len}; \
                 access an earlier position, or take a longer view",
            ),
            AccessError::Direction { wanted, access } => write!(
                f,
                "found a {access} view, expected one that can {wanted}; take a view with another access",
            ),
            AccessError::Misaligned { at, align } => write!(
                f,
                "found position {at} not aligned in memory, expected a multiple of {align} from a page boundary; \
                 move the value, or begin the view at a multiple of {align}",
            ),
            AccessError::Invalid { at, type_name } => write!(
                f,
                "found bytes at position {at} that are no value of `{type_name}`, expected a valid one; \
                 read them as numbers to see what they are",
            ),
            AccessError::Truncated { from, len } => write!(
                f,
                "found the file truncated so that the view has {from} bytes, expected {len}; \
                 refresh the map and take a new view",
            ),
            AccessError::NoRoom { from } => write!(
                f,
                "found no room in the file system for what lies at position {from}, expected some; \
                 make room and take a new view, or commit the memory at creation",
            ),
        }
    }
}

impl std::error::Error for AccessError {}

impl From<AccessError> for io::Error {
    fn from(error: AccessError) -> io::Error {
        let kind = match error {
            AccessError::OutOfRange { .. } | AccessError::Misaligned { .. } => io::ErrorKind::InvalidInput,
            AccessError::Direction { .. } => io::ErrorKind::Unsupported,
            AccessError::Invalid { .. } | AccessError::Truncated { .. } => io::ErrorKind::InvalidData,
            AccessError::NoRoom { .. } => io::ErrorKind::StorageFull,
        };
        io::Error::new(kind, error)
    }
}
