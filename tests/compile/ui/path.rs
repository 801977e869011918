use ringway::Message;

#[derive(Message)]
#[cfg_attr(feature = "fixed", derive(Clone, Copy))]
#[repr(C)]
struct Case {
    first: u64,
    #[cfg(not(feature = "fixed"))]
    value: std::path::PathBuf, //~ ERROR: field `value` is a `PathBuf`, which holds an address, and an address means nothing in another process: use `[u8; N]` and a length as `u32`
    #[cfg(feature = "fixed")]
    value: [u8; 256],
}

fn main() {}
