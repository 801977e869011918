//! The recording that ships with the example, and the beats the detector finds in it.
//!
//! What it is, where it comes from and under which licence: `examples/data/README.md`.

/// The recording as it lies in its file: 16 bits a sample, the low byte first.
pub(crate) const BYTES: &[u8] = include_bytes!("../../data/ecg-mitdb-208.u16le");

/// Samples a second.
pub(crate) const RATE_HZ: u32 = 360;

/// The sample that means 0 mV.
pub(crate) const ZERO: u16 = 1_024;

/// Units of the converter to one millivolt.
pub(crate) const UNITS_PER_MV: u16 = 200;

const BEATS: &str = include_str!("../../data/ecg-mitdb-208.beats");

/// The samples of the recording, in order.
pub(crate) fn samples() -> impl ExactSizeIterator<Item = u16> + Clone {
    BYTES.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
}

/// Sample numbers of the beats that one thread without any channel finds in the recording.
pub(crate) fn reference_beats() -> Vec<u64> {
    let lines = BEATS.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.parse().expect("each line holds a sample number")).collect()
}
