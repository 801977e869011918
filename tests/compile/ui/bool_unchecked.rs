use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    first: u64,
    #[cfg(not(feature = "fixed"))]
    value: bool, //~ ERROR: field `value` is `bool`, for which not every bit pattern is valid: write `#[message(checked)]` on `Case`, so that each receive validates it, or use `u8`
    #[cfg(feature = "fixed")]
    value: u8,
    _pad: [u8; 7],
}

fn main() {}
