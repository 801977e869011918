use ringway::Message;

#[derive(Message, Clone, Copy)]
#[cfg_attr(feature = "fixed", repr(C))]
#[cfg_attr(not(feature = "fixed"), r#repr(C, packed))] //~ ERROR: `Case` is packed, so its fields are misaligned: write `#[repr(C)]` and order the fields by size
struct Case {
    first: u64,
    second: u32,
    third: u32,
}

fn main() {}
