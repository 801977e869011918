use ringway::Message;

/// No padding if both are of one size; else it is found when the parameters are known.
#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Pair<A, B> {
    a: A, //~ ERROR: 3 bytes of padding after field `a`; add `_pad: [u8; 3],` after it
    b: B,
}

#[cfg(not(feature = "fixed"))]
const _: () = <Pair<u8, u32> as Message>::LAYOUT;
#[cfg(feature = "fixed")]
const _: () = <Pair<f32, u32> as Message>::LAYOUT;

fn main() {}
