//! Schemas: their bytes, their decoding from bytes that nobody vouches for, their differences.

mod difference;
mod encoding;

use crate::Message;

/// In reach of the tests: a derive in ringway itself, which is `crate` here.
#[derive(Message, Clone, Copy)]
#[message(crate = crate, name = "md.Tick", version = 2, checked)]
#[repr(C)]
pub(in crate::message) struct Tick {
    price: f64,
    sides: [Side; 2],
    _pad: [u8; 6],
    level: Level,
}

#[derive(Message, Clone, Copy)]
#[message(crate = crate, version = 3, checked)]
#[repr(u8)]
pub(in crate::message) enum Side {
    Buy = 1,
    Sell = 255,
}

#[derive(Message, Clone, Copy)]
#[message(crate = crate)]
#[repr(C)]
pub(in crate::message) struct Level {
    size: u128,
}
