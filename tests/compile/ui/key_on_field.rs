use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    #[cfg_attr(not(feature = "fixed"), message(name = "v"))] //~ ERROR: `message` has no meaning here: write it on the type, above `struct` or `enum`
    value: u64,
}

fn main() {}
