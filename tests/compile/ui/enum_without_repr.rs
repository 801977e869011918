use ringway::Message;

#[derive(Message, Clone, Copy)]
#[message(checked)]
#[cfg_attr(feature = "fixed", repr(u8))]
enum Side { //~ ERROR: enum `Side` has no `repr`, so Rust does not promise its width: write `#[repr(u8)]`, `#[repr(u16)]` or `#[repr(u32)]` on it
    Buy,
    Sell,
}

fn main() {}
