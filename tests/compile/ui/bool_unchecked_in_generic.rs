use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case<T> {
    value: T,
    #[cfg(not(feature = "fixed"))]
    flag: bool, //~ ERROR: field `flag` is `bool`, for which not every bit pattern is valid: write `#[message(checked)]` on `Case`, so that each receive validates it, or use `u8`
    #[cfg(feature = "fixed")]
    flag: u8,
}

fn main() {}
