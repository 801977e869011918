#[derive(Message, Clone, Copy, Debug)]
#[message(checked)]
#[repr(u16)]
enum Side {
    Buy = 1,
    Sell = 700,
}

#[derive(Message, Clone, Copy, Debug)]
#[repr(C)]
struct Pair(u32, u32);

#[derive(Message, Clone, Copy, Debug)]
#[message(name = "Pair")]
#[repr(C)]
struct Pair2(u64, u64);

#[derive(Message, Clone, Copy, Debug)]
#[message(name = "md.Book", version = 3, checked)]
#[repr(C, align(64))]
struct Book {
    r#type: u32, // byte 0
    side: Side, // byte 4
    is_open: bool, // byte 6
    _pad: u8, // byte 7
    small: Pair, // byte 8
    large: [Pair2; 2], // byte 16
    name: [u8; 8], // byte 48
    letter: char, // byte 56
    _rest: [u8; 4], // byte 60
}

