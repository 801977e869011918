use ringway::Message;

#[derive(Message)]
#[cfg_attr(feature = "fixed", derive(Clone, Copy))]
#[repr(C)]
struct Case {
    first: u64,
    #[cfg(not(feature = "fixed"))]
    value: std::collections::HashMap<u64, u64>, //~ ERROR: field `value` is a `HashMap`, which holds an address, and an address means nothing in another process: send its entries as messages, or use an array
    #[cfg(feature = "fixed")]
    value: [[u64; 2]; 8],
}

fn main() {}
