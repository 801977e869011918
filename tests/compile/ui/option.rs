use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    first: u64,
    #[cfg(not(feature = "fixed"))]
    value: Option<u64>, //~ ERROR: field `value` is an `Option`, whose layout Rust does not promise: use the value and, beside it, a `u8` that says whether it is there
    #[cfg(feature = "fixed")]
    value: [u64; 2],
}

fn main() {}
