//! Why there is no value.

use std::error::Error;
use std::fmt;

use crate::channel::Departure;
use crate::message::InvalidField;

/// Why [`load`](super::Reader::load) has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// Nothing was ever stored.
    Empty,
    /// The bytes of the latest value are no value of its type.
    Invalid(InvalidField),
}

/// Why [`try_load`](super::Reader::try_load) has no value.
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
