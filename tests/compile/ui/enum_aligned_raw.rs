use ringway::Message;

#[derive(Message, Clone, Copy)]
#[message(checked)]
#[repr(u8)]
#[cfg_attr(not(feature = "fixed"), repr(r#align(4)))] //~ ERROR: enum `Side` asks for an alignment, and so for padding: write `#[repr(u8)]`, `#[repr(u16)]` or `#[repr(u32)]` on it
enum Side {
    Buy,
    Sell,
}

fn main() {}
