use ringway::Message;

#[derive(Message, Clone, Copy)]
#[cfg_attr(feature = "fixed", message(checked))]
#[repr(C)]
struct Case<T> {
    value: T, //~ ERROR: field `value` is of a checked type
}

const _: () = <Case<bool> as Message>::LAYOUT;

fn main() {}
