use ringway::Message;

#[derive(Message, Clone, Copy)]
#[message(checked)]
#[cfg_attr(not(feature = "fixed"), rewriting::attribute(repr(align(4))))]
#[repr(u8)]
enum Side { //~ ERROR: enum `Side` has size 4 and alignment 4, and its `repr` says 1: write that `repr` and no other
    Buy,
    Sell,
}

fn main() {}
