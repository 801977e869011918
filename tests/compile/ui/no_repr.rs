use ringway::Message;

#[derive(Message, Clone, Copy)]
#[cfg_attr(feature = "fixed", repr(C))]
struct Case { //~ ERROR: Rust may order the fields of `Case` as it likes: write `#[repr(C)]` on it
    first: u64,
}

fn main() {}
