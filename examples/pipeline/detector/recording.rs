//! The recording that ships with the example, and the beats the detector finds in it.
//!
//! What it is, where it comes from and under which licence: `examples/data/README.md`.

use std::path::Path;
use std::{fmt, fs, io};

/// Where the recording lies in the source tree.
pub(crate) const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/ecg-mitdb-208.u16le");

/// Samples in the recording.
pub(crate) const SAMPLES: u64 = 108_000;

/// Samples a second.
pub(crate) const RATE_HZ: u32 = 360;

/// The sample that means 0 mV.
pub(crate) const ZERO: u16 = 1_024;

/// Units of the converter to one millivolt.
pub(crate) const UNITS_PER_MV: u16 = 200;

/// Two bytes a sample, the low one first.
const BYTES: u64 = 2 * SAMPLES;

/// FNV-1a, 64 bits, of all bytes.
const CHECKSUM: u64 = 0x96d7_3d45_ca5d_7b59;

const BEATS: &str = include_str!("../../data/ecg-mitdb-208.beats");

/// The samples of the recording in the file at `path`, in order.
///
/// # Errors
///
/// If the file cannot be read, or is not that recording, byte for byte.
pub(crate) fn read(path: &Path) -> Result<Vec<u16>, Unusable> {
    let refuse = |why| Unusable { path: path.display().to_string(), why };
    let bytes = fs::read(path).map_err(|error| refuse(Why::Unreadable(error)))?;
    let (length, checksum) = (bytes.len() as u64, fnv1a(&bytes));
    match (length, checksum) {
        (BYTES, CHECKSUM) => {
            Ok(bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect())
        }
        (BYTES, _) => Err(refuse(Why::Checksum(checksum))),
        _ => Err(refuse(Why::Length(length))),
    }
}

/// Sample numbers of the beats that one thread without any channel finds in the recording.
pub(crate) fn reference_beats() -> Vec<u64> {
    let lines = BEATS.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.parse().expect("each line holds a sample number")).collect()
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A file that is not the recording.
#[derive(Debug)]
pub(crate) struct Unusable {
    path: String,
    why: Why,
}

#[derive(Debug)]
enum Why {
    Unreadable(io::Error),
    Length(u64),
    Checksum(u64),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.why {
            Why::Unreadable(error) => write!(f, "recording `{path}` cannot be read: {error}")?,
            Why::Length(found) => {
                write!(f, "recording `{path}` is damaged: found {found} bytes, expected {BYTES}")?;
            }
            Why::Checksum(found) => {
                write!(f, "recording `{path}` is damaged: found checksum {found:016x}, ")?;
                write!(f, "expected {CHECKSUM:016x} (FNV-1a, 64 bits)")?;
            }
        }
        write!(f, "; restore `examples/data/ecg-mitdb-208.u16le` from the repository, or name a whole copy")
    }
}

impl std::error::Error for Unusable {}
