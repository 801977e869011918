use ringway::Message;

#[derive(Message, Clone, Copy)]
#[message(checked)]
#[repr(C)]
struct Case {
    first: u64,
    #[cfg(not(feature = "fixed"))]
    value: [Option<bool>; 2], //~ ERROR: field `value` is an `Option`, whose layout Rust does not promise: use the value and, beside it, a `u8` that says whether it is there
    #[cfg(feature = "fixed")]
    value: [bool; 2],
    _pad: [u8; 6],
}

fn main() {}
