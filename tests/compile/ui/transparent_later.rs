use ringway::Message;

#[derive(Message, Clone, Copy)]
#[cfg_attr(not(feature = "fixed"), rewriting::replace(transparent, C, align(4)))]
#[repr(transparent)]
struct Case(u8); //~ ERROR: `Case` has 4 bytes, its fields have 1: write `#[repr(transparent)]` and nothing that changes it

fn main() {}
