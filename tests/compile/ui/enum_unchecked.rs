use ringway::Message;

#[derive(Message, Clone, Copy)]
#[cfg_attr(feature = "fixed", message(checked))]
#[repr(u8)]
enum Side { //~ ERROR: not every bit pattern is a variant of `Side`: write `#[message(checked)]` on it, so that each receive validates it
    Buy,
    Sell,
}

fn main() {}
