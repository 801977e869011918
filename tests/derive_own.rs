//! What `derive(Message)` makes of types that name themselves, and of parts that are deprecated.
#![cfg(not(loom))]

use ringway::Message;

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Own {
    bytes: [u8; Self::BYTES],
    more: [[u8; Self::BYTES]; Self::BYTES * 2],
}

impl Own {
    const BYTES: usize = 4;
}

/// What is deprecated for its users is not so for the derive.
#[deny(deprecated)]
mod deprecation {
    use ringway::Message;

    #[derive(Message, Clone, Copy)]
    #[repr(C)]
    pub(super) struct Quote {
        pub(super) price: u64,
        #[deprecated]
        pub(super) size: u64,
    }

    #[derive(Message, Clone, Copy)]
    #[message(checked)]
    #[repr(u8)]
    pub(super) enum Side {
        Buy = 1,
        #[deprecated]
        Sell = 2,
    }
}

#[test]
fn a_type_may_name_itself_and_have_deprecated_parts() {
    assert_eq!(Own::SCHEMA.to_string(), "Own { bytes: [u8; 4] @0, more: [[u8; 4]; 8] @4 } (36 bytes)");
    assert_eq!(deprecation::Quote::SCHEMA.size(), 16);
    assert!(deprecation::Side::validate(&[2]).is_ok() && deprecation::Side::validate(&[3]).is_err());
}
