use ringway::Message;

#[derive(Message, Clone, Copy)]
#[cfg_attr(not(feature = "fixed"), rewriting::replace(u8, bool))]
#[repr(C)]
struct Case {
    values: [u8; 4], //~ ERROR: this is of type `[bool; 4]` where the derive read `[u8; 4]`: if an attribute macro changes the type, put the derive below it
}

fn main() {}
