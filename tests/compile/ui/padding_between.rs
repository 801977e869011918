use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    kind: u8, //~ ERROR: 7 bytes of padding after field `kind`; add `_pad: [u8; 7],` after it
    #[cfg(feature = "fixed")]
    _pad: [u8; 7],
    price: f64,
}

fn main() {}
