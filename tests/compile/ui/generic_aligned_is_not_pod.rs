use ringway::__private::Pod;
use ringway::Message;

/// Of one type only, but the alignment brings padding for a smaller one.
#[derive(Message, Clone, Copy)]
#[cfg_attr(feature = "fixed", repr(C))]
#[cfg_attr(not(feature = "fixed"), repr(C, align(8)))]
struct Case<T> {
    values: [T; 2],
}

fn pod<T: Pod>() {}

fn main() {
    pod::<Case<u16>>(); //~ ERROR: the trait bound `Case<u16>:
}
