use ringway::Message;

#[derive(Clone, Copy)]
#[cfg_attr(feature = "fixed", derive(Message))]
#[repr(C)]
struct Inner {
    value: u64,
}

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    inner: Inner, //~ ERROR: `Inner` cannot travel in shared memory, because it is not a `Message`
}

fn main() {}
