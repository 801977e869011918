use ringway::Message;

#[derive(Message)]
#[cfg_attr(feature = "fixed", derive(Clone, Copy))]
#[repr(C)]
struct Case { //~ ERROR: `Case` is not `Copy`, and a message is copied byte for byte and never dropped: add `#[derive(Clone, Copy)]` and remove any `Drop` impl
    value: u64,
}

fn main() {}
