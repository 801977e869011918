//! As `hostile`, but the words are written by a thread, through a mapping of its own, while the calls are made.

use super::hostile::{When, attack};

/// Runs one input.
pub fn run(input: &[u8]) {
    attack(input, When::Meanwhile);
}
