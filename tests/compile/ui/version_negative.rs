use ringway::Message;

#[derive(Message, Clone, Copy)]
#[cfg_attr(feature = "fixed", message(version = 1))]
#[cfg_attr(not(feature = "fixed"), message(version = -1))] //~ ERROR: invalid digit found in string
#[repr(C)]
struct Case {
    value: u64,
}

fn main() {}
