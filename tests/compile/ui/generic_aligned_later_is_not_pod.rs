use ringway::__private::Pod;
use ringway::Message;

/// The derive does not see the alignment, but that there is an attribute which may be a macro.
#[derive(Message, Clone, Copy)]
#[cfg_attr(not(feature = "fixed"), rewriting::attribute(repr(align(8))))]
#[repr(C)]
struct Case<T> {
    values: [T; 2],
}

fn pod<T: Pod>() {}

fn main() {
    pod::<Case<u16>>(); //~ ERROR: the trait bound `Case<u16>:
}
