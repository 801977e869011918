use ringway::Message;

#[derive(Message)]
#[cfg_attr(feature = "fixed", derive(Clone, Copy))]
#[repr(C)]
struct Case {
    first: u64,
    #[cfg(not(feature = "fixed"))]
    value: Box<u64>, //~ ERROR: field `value` is a `Box`, which holds an address, and an address means nothing in another process: put the value itself here
    #[cfg(feature = "fixed")]
    value: u64,
}

fn main() {}
