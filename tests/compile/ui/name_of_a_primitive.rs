use ringway::Message;

#[derive(Message, Clone, Copy)]
#[cfg_attr(feature = "fixed", message(name = "byte"))]
#[cfg_attr(not(feature = "fixed"), message(name = "u8"))] //~ ERROR: `u8` is the name of a primitive type: write `#[message(name = "..")]` with another
#[repr(C)]
struct Case {
    value: u8,
}

fn main() {}
