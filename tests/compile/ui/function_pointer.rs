use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    first: u64,
    #[cfg(not(feature = "fixed"))]
    value: fn(u64), //~ ERROR: field `value` is a function pointer, and an address means nothing in another process: send a number that says which function is meant
    #[cfg(feature = "fixed")]
    value: u64,
}

fn main() {}
