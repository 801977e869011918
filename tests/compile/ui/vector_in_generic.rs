use ringway::Message;

#[derive(Message)]
#[cfg_attr(feature = "fixed", derive(Clone, Copy))]
#[repr(C)]
struct Case<T: Message> {
    #[cfg(not(feature = "fixed"))]
    values: std::vec::Vec<T>, //~ ERROR: field `values` is a `Vec`, which holds an address, and an address means nothing in another process: use an array `[T; N]` and a length as `u32`
    #[cfg(feature = "fixed")]
    values: [T; 4],
}

fn main() {}
