//! The FNV-1a hash of RFC 9923, in 64 and 128 bits.
//!
//! It tells layouts and names apart; it does not defend against anyone who builds collisions on purpose.

/// `FNV_Prime` and `offset_basis` for 64 bits: RFC 9923, section 5.
const PRIME_64: u64 = 0x0000_0100_0000_01b3;
const BASIS_64: u64 = 0xcbf2_9ce4_8422_2325;

/// `FNV_Prime` and `offset_basis` for 128 bits: RFC 9923, section 5.
const PRIME_128: u128 = (1 << 88) + (1 << 8) + 0x3b;
const BASIS_128: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;

/// The 64-bit FNV-1a hash of `bytes`.
pub(crate) const fn fnv1a_64(bytes: &[u8]) -> u64 {
    let mut hash = BASIS_64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(PRIME_64);
        at += 1;
    }
    hash
}

/// The 128-bit FNV-1a hash of `bytes`.
pub(crate) const fn fnv1a_128(bytes: &[u8]) -> u128 {
    let mut hash = BASIS_128;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u128).wrapping_mul(PRIME_128);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::{fnv1a_64, fnv1a_128};

    #[test]
    fn the_published_vectors_come_out() {
        // The strings and values that RFC 9923 and the authors' own test program use.
        assert_eq!(fnv1a_64(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a_64(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a_64(b"foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(fnv1a_128(b""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(fnv1a_128(b"a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
        assert_eq!(fnv1a_128(b"foobar"), 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }
}
