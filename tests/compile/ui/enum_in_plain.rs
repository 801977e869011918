use ringway::Message;

#[derive(Message, Clone, Copy)]
#[message(checked)]
#[repr(u8)]
enum Side {
    Buy,
    Sell,
}

#[derive(Message, Clone, Copy)]
#[cfg_attr(feature = "fixed", message(checked))]
#[repr(C)]
struct Case {
    side: Side, //~ ERROR: field `side` is of a checked type
}

fn main() {}
