//! Why there is no value.

use std::error::Error;
use std::fmt;

use crate::channel::Departure;
use crate::message::InvalidField;

/// Why [`load`](super::Reader::load) has no value.
///
/// ```
/// use ringway::seqlock::{self, LoadError};
///
/// let (_writer, reader) = seqlock::in_process::<u64>()?;
/// let error = reader.load().unwrap_err();
/// assert_eq!(error, LoadError::Empty);
/// assert_eq!(error.to_string(), "nothing has been stored yet");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// Nothing was ever stored.
    Empty,
    /// The bytes of the latest value are no value of its type.
    Invalid(InvalidField),
}

/// Why [`try_load`](super::Reader::try_load) has no value.
///
/// ```
/// use ringway::seqlock::{self, TryLoadError};
///
/// let (mut writer, reader) = seqlock::in_process::<u64>()?;
/// assert_eq!(reader.try_load(3), Err(TryLoadError::Empty));
/// writer.store(7);
/// match reader.try_load(3) {
///     Ok(value) => assert_eq!(value, 7),
///     Err(TryLoadError::Overtaken) => println!("three times the writer was faster"),
///     Err(error) => return Err(error.into()),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryLoadError {
    /// Nothing was ever stored.
    Empty,
    /// During each attempt the writer stored several values, so that what was copied may be a mixture of them. Another
    /// attempt may do better.
    Overtaken,
    /// The bytes of the latest value are no value of its type.
    Invalid(InvalidField),
}

/// Why [`wait_newer`](super::Reader::wait_newer) has no value.
///
/// ```
/// use std::time::Duration;
/// use ringway::seqlock;
///
/// let (mut writer, reader) = seqlock::in_process::<u64>()?;
/// writer.store(7);
/// let mut seen = reader.version();
/// let error = reader.wait_newer(&mut seen, Duration::from_millis(1)).unwrap_err();
/// assert_eq!(error.to_string(), "timed out: no newer value was stored");
///
/// drop(writer);
/// let error = reader.wait_newer(&mut seen, Duration::from_secs(60)).unwrap_err();
/// assert_eq!(error.to_string(), "no newer value was stored and the writer left");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitError {
    /// No newer one for as long as was allowed, or none that the writer has let be copied.
    Timeout,
    /// No newer one, and the writer is gone.
    Stale(Departure),
    /// The bytes of the newer value are no value of its type. It counts as seen.
    Invalid(InvalidField),
}

const EMPTY: &str = "nothing has been stored yet";

impl From<LoadError> for TryLoadError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Empty => Self::Empty,
            LoadError::Invalid(field) => Self::Invalid(field),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str(EMPTY),
            Self::Invalid(field) => field.fmt(f),
        }
    }
}

impl fmt::Display for TryLoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str(EMPTY),
            Self::Overtaken => f.write_str("the writer stored several values during each attempt: try again"),
            Self::Invalid(field) => field.fmt(f),
        }
    }
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("timed out: no newer value was stored"),
            Self::Stale(departure) => write!(f, "no newer value was stored and the writer {departure}"),
            Self::Invalid(field) => field.fmt(f),
        }
    }
}

impl Error for LoadError {}
impl Error for TryLoadError {}
impl Error for WaitError {}
