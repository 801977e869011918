use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    price: f64,
    kind: [u8; 7], //~ ERROR: 1 byte of padding after field `kind`; add `_pad: [u8; 1],` after it
    #[cfg(feature = "fixed")]
    _pad: [u8; 1],
}

fn main() {}
