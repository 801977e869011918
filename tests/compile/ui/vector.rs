use ringway::Message;

#[derive(Message)]
#[cfg_attr(feature = "fixed", derive(Clone, Copy))]
#[repr(C)]
struct Case {
    first: u64,
    #[cfg(not(feature = "fixed"))]
    value: Vec<u64>, //~ ERROR: field `value` is a `Vec`, which holds an address, and an address means nothing in another process: use an array `[T; N]` and a length as `u32`
    #[cfg(feature = "fixed")]
    value: [u64; 4],
}

fn main() {}
