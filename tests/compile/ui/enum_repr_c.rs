use ringway::Message;

#[derive(Message, Clone, Copy)]
#[message(checked)]
#[cfg_attr(feature = "fixed", repr(u32))]
#[cfg_attr(not(feature = "fixed"), repr(C))]
enum Side { //~ ERROR: enum `Side` has `repr(C)`, whose width differs between machines: write `#[repr(u8)]`, `#[repr(u16)]` or `#[repr(u32)]` on it
    Buy,
    Sell,
}

fn main() {}
