//! Why a channel could not be set up: what happened, what was found and expected, and what to do.

use std::fmt;

use super::Broken;
use crate::map::shown;
use crate::segment::Refusal;

/// A channel could not be created or attached. Nothing was changed, and nothing is left behind.
///
/// `Debug` prints the same sentence as `Display`, so that a `main` which returns the error says what to do.
///
/// ```
/// use ringway::{Error, spsc};
/// # let name = &format!("doc-error-{}", std::process::id());
/// let tx = spsc::channel::<u64>(name).capacity(8).sender()?;
/// let error = spsc::channel::<u64>(name).capacity(16).receiver().unwrap_err();
/// assert!(matches!(error, Error::Capacity { found: 8, expected: 16, .. }));
/// let text = format!("channel `{name}` holds 8 messages, this program expects 16; ask for 8, ");
/// assert!(error.to_string().starts_with(&text));
///
/// let error = spsc::channel::<f32>(name).receiver().unwrap_err();
/// assert!(error.to_string().contains("carries another message type: this program has f32, the segment has u64"));
/// # drop(tx);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
pub enum Error {
    /// The named memory could not be created or opened; the message names it and says what to do.
    Map(crate::map::Error),
    /// An option has a value that no channel can have.
    Option {
        /// Name of the channel.
        channel: String,
        /// Which option.
        option: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// The named memory is not a channel.
    NotAChannel {
        /// Name of the channel.
        channel: String,
    },
    /// The channel has bytes that no version of this library writes.
    Damaged {
        /// Name of the channel.
        channel: String,
        /// The part that is damaged.
        part: &'static str,
        /// What it says.
        found: String,
        /// What it should say.
        expected: String,
    },
    /// The channel was created by a library with another version of the format.
    Version {
        /// Name of the channel.
        channel: String,
        /// The channel's version.
        found: u32,
        /// This library's version.
        expected: u32,
    },
    /// The channel is of another kind.
    Kind {
        /// Name of the channel.
        channel: String,
        /// What it is.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// The channel carries another message type.
    Type {
        /// Name of the channel.
        channel: String,
        /// The first difference, in words.
        difference: String,
    },
    /// The channel has another capacity than the one asked for.
    Capacity {
        /// Name of the channel.
        channel: String,
        /// Its capacity, in messages.
        found: u64,
        /// What was asked for, in messages.
        expected: u64,
    },
    /// The channel has another value of an option than the one asked for.
    Mismatch {
        /// Name of the channel.
        channel: String,
        /// Which option.
        option: &'static str,
        /// Its value.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// As many senders, or receivers, take part as there may be. It takes 50 ms to be sure.
    Full {
        /// Name of the channel.
        channel: String,
        /// `sender` or `receiver`.
        side: &'static str,
        /// How many there may be.
        limit: u32,
    },
    /// A new key was to be put into a table in which every cell has another one.
    NoFreeCell {
        /// Name of the table.
        channel: String,
        /// How many cells it has.
        cells: u32,
    },
    /// Somebody else has the role, and is alive. It takes 50 ms to be sure, and a second if no process with that id runs in
    /// this pid namespace.
    RoleTaken {
        /// Name of the channel.
        channel: String,
        /// `sender`, `receiver` or `writer`.
        role: &'static str,
        /// Its process, as its own pid namespace counts.
        pid: u64,
    },
    /// Somebody has taken the role, or is examining it after a death, and has been kept from going on.
    RoleBusy {
        /// Name of the channel.
        channel: String,
        /// `sender`, `receiver` or `writer`.
        role: &'static str,
    },
    /// The channel's shared positions do not belong to one ring, or a cell has stored more values than anybody can. The
    /// role counts as left.
    Inconsistent {
        /// Name of the channel.
        channel: String,
        /// What was found where.
        broken: Broken,
    },
}

impl Error {
    /// The channel that it is about; empty where the memory has not become one.
    fn channel(&self) -> &str {
        match self {
            Self::Map(_) => "",
            Self::Option { channel, .. }
            | Self::NotAChannel { channel }
            | Self::Damaged { channel, .. }
            | Self::Version { channel, .. }
            | Self::Kind { channel, .. }
            | Self::Type { channel, .. }
            | Self::Capacity { channel, .. }
            | Self::Mismatch { channel, .. }
            | Self::Full { channel, .. }
            | Self::NoFreeCell { channel, .. }
            | Self::RoleTaken { channel, .. }
            | Self::RoleBusy { channel, .. }
            | Self::Inconsistent { channel, .. } => channel,
        }
    }

    /// The error that a refused segment is.
    pub(crate) fn refused(channel: &str, refusal: Refusal) -> Self {
        let channel = channel.to_owned();
        match refusal {
            Refusal::Foreign => Self::NotAChannel { channel },
            Refusal::Damaged { part, found, expected } => Self::Damaged { channel, part, found, expected },
            Refusal::Version { found, expected } => Self::Version { channel, found, expected },
            Refusal::Kind { found, expected } => Self::Kind { channel, found, expected },
            Refusal::Type { difference } => Self::Type { channel, difference },
            Refusal::Capacity { found, expected } => Self::Capacity { channel, found, expected },
            Refusal::Mismatch { option, found, expected } => {
                Self::Mismatch { channel, option, found, expected }
            }
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = shown(self.channel());
        match self {
            Self::Map(error) => error.fmt(f),
            Self::Option { option, found, expected, .. } => {
                write!(f, "channel `{name}`: {option} is {found}; use {expected}")
            }
            Self::NotAChannel { .. } => write!(
                f,
                "`{name}` is memory of another kind: found no channel header, expected one; use another name"
            ),
            Self::Damaged { part, found, expected, .. } => write!(
                f,
                "channel `{name}` is damaged: found {part} {found}, expected {expected}; stop every process \
                 that uses it and start them again, or use another name"
            ),
            Self::Version { found, expected, .. } => write!(
                f,
                "channel `{name}` has format version {found}, this program expects {expected}; build both \
                 sides with the same version of ringway, or use another name"
            ),
            Self::Kind { found, expected, .. } => write!(
                f,
                "channel `{name}` is {found}, this program expects {expected}; open it as what it is, or use \
                 another name"
            ),
            Self::Type { difference, .. } => write!(
                f,
                "channel `{name}` carries another message type: {difference}; build both sides from the same \
                 definition, or use another name"
            ),
            Self::Capacity { found, expected, .. } => write!(
                f,
                "channel `{name}` holds {found} messages, this program expects {expected}; ask for {found}, \
                 leave the capacity to the creator, or use another name"
            ),
            Self::Mismatch { option, found, expected, .. } => write!(
                f,
                "channel `{name}` has {option} {found}, this program expects {expected}; ask for {found}, \
                 leave {option} to the creator, or use another name"
            ),
            Self::Full { side, limit, .. } => write!(
                f,
                "channel `{name}` has no room for another {side}: found {limit}, expected fewer; stop one, or \
                 create the channel anew with a larger max_{side}s (at most 254)"
            ),
            Self::NoFreeCell { cells, .. } => write!(
                f,
                "table `{name}` has no room for another key: found other keys in all {cells} cells, expected a cell \
                 without one; create the table anew with more cells"
            ),
            Self::RoleTaken { role, pid, .. } => write!(
                f,
                "channel `{name}` has a {role} already: found process {pid}, expected none; stop it, or use \
                 another name"
            ),
            Self::RoleBusy { role, .. } => write!(
                f,
                "channel `{name}`: found the role of its {role} locked by a process that has not said who it \
                 is, expected a moment of it at most; try again, and look for a process that is stopped"
            ),
            Self::Inconsistent { broken, .. } => write!(f, "channel `{name}`: {broken}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Map(error) => std::error::Error::source(error),
            _ => None,
        }
    }
}

impl From<crate::map::Error> for Error {
    fn from(error: crate::map::Error) -> Self {
        Self::Map(error)
    }
}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        use std::io::ErrorKind;
        let kind = match error {
            Error::Map(error) => return error.into(),
            Error::Option { .. } => ErrorKind::InvalidInput,
            Error::NoFreeCell { .. } => ErrorKind::StorageFull,
            Error::Full { .. } | Error::RoleTaken { .. } | Error::RoleBusy { .. } => ErrorKind::ResourceBusy,
            _ => ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
