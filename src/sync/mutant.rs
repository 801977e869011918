//! Deliberate mistakes, for the models: each must be caught.
//!
//! A model run that is built with the environment variable `RINGWAY_MUTANT` set to a name gets that one
//! mistake. Outside loom nothing here exists but the right value.

use super::Ordering;

/// `strong`, or in a model run of the mutant `name` the ordering `weak`.
pub(crate) const fn weakened(name: &str, strong: Ordering, weak: Ordering) -> Ordering {
    if mutant(name) { weak } else { strong }
}

/// Whether this is a model run of the mutant `name`.
pub(crate) const fn mutant(name: &str) -> bool {
    #[cfg(loom)]
    if let Some(chosen) = option_env!("RINGWAY_MUTANT") {
        return same(name.as_bytes(), chosen.as_bytes());
    }
    let _ = name;
    false
}

#[cfg(loom)]
const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}
