use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Text<const N: usize> {
    len: u32,
    text: [u8; N], //~ ERROR: 2 bytes of padding after field `text`; add `_pad: [u8; 2],` after it
}

#[cfg(not(feature = "fixed"))]
const _: () = <Text<6> as Message>::LAYOUT;
#[cfg(feature = "fixed")]
const _: () = <Text<8> as Message>::LAYOUT;

fn main() {}
