use ringway::Message;

#[derive(Message, Clone, Copy)]
#[cfg_attr(feature = "fixed", message(version = 2))]
#[cfg_attr(not(feature = "fixed"), message(version = 2, version = 3))] //~ ERROR: this key is given twice: leave one of them
#[repr(C)]
struct Case {
    value: u64,
}

fn main() {}
