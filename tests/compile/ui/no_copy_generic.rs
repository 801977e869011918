use ringway::Message;

#[derive(Message)]
#[cfg_attr(feature = "fixed", derive(Clone, Copy))]
#[repr(C)]
struct Case<T> { //~ ERROR: `Case<T>` is not `Copy`, and a message is copied byte for byte and never dropped: add `#[derive(Clone, Copy)]` and remove any `Drop` impl
    values: [T; 3],
}

fn main() {}
