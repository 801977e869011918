use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    first: u64,
    #[cfg(not(feature = "fixed"))]
    value: (u32, u32), //~ ERROR: field `value` is a tuple, whose layout Rust does not promise: use a `#[repr(C)]` struct that derives `Message`
    #[cfg(feature = "fixed")]
    value: [u32; 2],
}

fn main() {}
