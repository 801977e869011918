use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    first: u64,
    #[cfg(not(feature = "fixed"))]
    value: &'static str, //~ ERROR: field `value` is a reference to text, and an address means nothing in another process: use `[u8; N]` and a length as `u32`
    #[cfg(feature = "fixed")]
    value: [u8; 8],
}

fn main() {}
