use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
#[cfg(not(feature = "fixed"))]
union Case { //~ ERROR: a union does not say which of its fields is meant: use a struct with a field that says it
    float: f64,
    bits: u64,
}

#[cfg(feature = "fixed")]
#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    which: u64,
    bits: u64,
}

fn main() {}
