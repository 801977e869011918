use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    first: u64,
    #[cfg(not(feature = "fixed"))]
    value: char, //~ ERROR: field `value` is `char`, for which not every bit pattern is valid: write `#[message(checked)]` on `Case`, so that each receive validates it, or use `u32`
    #[cfg(feature = "fixed")]
    value: u32,
    _pad: [u8; 4],
}

fn main() {}
