use ringway::Message;

#[derive(Message, Clone, Copy)]
#[message(checked)]
#[repr(u8)]
enum Side {
    Buy,
    #[cfg(not(feature = "fixed"))]
    Sell(u8), //~ ERROR: variant `Sell` has fields, and with them `Side` has bytes that depend on the variant: use a struct with a field that says which, and put the data beside it
    #[cfg(feature = "fixed")]
    Sell,
}

fn main() {}
