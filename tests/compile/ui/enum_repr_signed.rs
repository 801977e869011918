use ringway::Message;

#[derive(Message, Clone, Copy)]
#[message(checked)]
#[cfg_attr(feature = "fixed", repr(u8))]
#[cfg_attr(not(feature = "fixed"), repr(i8))] //~ ERROR: enum `Side` has `repr(i8)`, which is not one of the three: write `#[repr(u8)]`, `#[repr(u16)]` or `#[repr(u32)]` on it
enum Side {
    Buy,
    Sell,
}

fn main() {}
