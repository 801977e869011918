use ringway::Message;

#[derive(Message, Clone, Copy)]
#[message(checked)]
#[repr(C)]
struct Inner {
    flag: bool,
}

#[derive(Message, Clone, Copy)]
#[cfg_attr(feature = "fixed", message(checked))]
#[repr(C)]
struct Case {
    number: u8,
    inner: [Inner; 2], //~ ERROR: field `inner` is of a checked type
}

fn main() {}
