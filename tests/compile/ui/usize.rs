use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    first: u64,
    #[cfg(not(feature = "fixed"))]
    value: usize, //~ ERROR: field `value` is `usize`, whose width differs between programs: use `u64`
    #[cfg(feature = "fixed")]
    value: u64,
}

fn main() {}
