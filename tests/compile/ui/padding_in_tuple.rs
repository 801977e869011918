use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case(
    u16, //~ ERROR: 2 bytes of padding after field `0`; add `[u8; 2],` after it
    #[cfg(feature = "fixed")] [u8; 2],
    u32,
);

fn main() {}
