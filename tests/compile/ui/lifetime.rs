use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
#[cfg(not(feature = "fixed"))]
struct Case<'a> { //~ ERROR: `Case` has a lifetime, and a message holds no references: remove it
    value: Borrowed<'a>,
}

#[cfg(feature = "fixed")]
#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    value: u64,
}

#[cfg(not(feature = "fixed"))]
#[derive(Clone, Copy)]
struct Borrowed<'a>(&'a u64);

fn main() {}
