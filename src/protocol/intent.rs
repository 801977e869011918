//! The word in which a participant says which positions it claims, or is about to claim.
//!
//! `position << 8 | count`; a count of 0 is none. It is stored before the claim, and tells, once the
//! participant is dead, which slots are left to be repaired. What it says after its slots have moved on is
//! harmless: their stamps say more.

use super::ring::Position;

/// Most positions of one claim.
pub const MOST: u32 = 255;

/// No claim.
pub const NONE: u64 = 0;

/// The claim of `count` positions from `first`.
#[inline]
pub const fn of(first: Position, count: u32) -> u64 {
    first << 8 | count as u64
}

/// The positions of a claim.
pub fn positions(intent: u64) -> std::ops::Range<Position> {
    let first = intent >> 8;
    first..first + (intent & 255)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_intent_names_its_positions() {
        assert_eq!(positions(NONE).count(), 0);
        assert_eq!(positions(of(5, 3)), 5..8);
        let last = (1 << 56) - 255;
        assert_eq!(positions(of(last, MOST)), last..1 << 56);
    }
}
