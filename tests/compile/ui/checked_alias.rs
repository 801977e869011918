use ringway::Message;

type Flag = bool;

#[derive(Message, Clone, Copy)]
#[cfg_attr(feature = "fixed", message(checked))]
#[repr(C)]
struct Case {
    flag: Flag, //~ ERROR: field `flag` is of a checked type, for which not every bit pattern is valid: write `#[message(checked)]` on `Case`, so that each receive validates it
}

fn main() {}
