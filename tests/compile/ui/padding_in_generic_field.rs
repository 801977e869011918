use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Pair<A, B> {
    a: A, //~ ERROR: 6 bytes of padding after field `a`; add `_pad: [u8; 6],` after it
    b: B,
}

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    #[cfg(not(feature = "fixed"))]
    pairs: [Pair<u16, f64>; 2],
    #[cfg(feature = "fixed")]
    pairs: [Pair<u64, f64>; 2],
}

fn main() {}
