use ringway::__private::Pod;
use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
#[cfg_attr(not(feature = "fixed"), r#repr(align(8)))]
struct Case<T> {
    values: [T; 2],
}

fn pod<T: Pod>() {}

fn main() {
    pod::<Case<u16>>(); //~ ERROR: the trait bound `Case<u16>:
}
