use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    first: u64,
    #[cfg(not(feature = "fixed"))]
    value: &'static u64, //~ ERROR: field `value` is a reference, and an address means nothing in another process: put the value itself here, or an index
    #[cfg(feature = "fixed")]
    value: u64,
}

fn main() {}
