use ringway::Message;

#[derive(Message, Clone, Copy)]
#[message(checked)]
#[repr(C)]
struct Case {
    on: bool, //~ ERROR: 3 bytes of padding after field `on`; add `_pad: [u8; 3],` after it
    #[cfg(feature = "fixed")]
    _pad: [u8; 3],
    size: u32,
}

fn main() {}
