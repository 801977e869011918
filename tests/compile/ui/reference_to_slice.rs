use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    first: u64,
    #[cfg(not(feature = "fixed"))]
    value: &'static [u64], //~ ERROR: field `value` is a reference to a slice, and an address means nothing in another process: use an array `[T; N]` and a length as `u32`
    #[cfg(feature = "fixed")]
    value: [u64; 2],
}

fn main() {}
