use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    first: u64,
    #[cfg(not(feature = "fixed"))]
    value: isize, //~ ERROR: field `value` is `isize`, whose width differs between programs: use `i64`
    #[cfg(feature = "fixed")]
    value: i64,
}

fn main() {}
