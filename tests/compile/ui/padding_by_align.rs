use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C, align(64))]
struct Case {
    price: f64, //~ ERROR: 56 bytes of padding after field `price`; add `_pad: [u8; 56],` after it
    #[cfg(feature = "fixed")]
    _pad: [u8; 56],
}

fn main() {}
