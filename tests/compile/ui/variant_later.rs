use ringway::Message;

#[derive(Message, Clone, Copy)]
#[message(checked)]
#[cfg_attr(not(feature = "fixed"), rewriting::replace(Sell, Sell = 7, Short))]
#[repr(u8)]
enum Side { //~ ERROR: non-exhaustive patterns: `&Side::Short` not covered
    Buy = 1,
    Sell = 2,
}

fn main() {}
