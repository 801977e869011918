use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    kind: u16,
    _pad: [u8; 6],
    price: f64,
    size: u32, //~ ERROR: 4 bytes of padding after field `size`; add `_pad4: [u8; 4],` after it
    #[cfg(feature = "fixed")]
    _pad4: [u8; 4],
}

fn main() {}
