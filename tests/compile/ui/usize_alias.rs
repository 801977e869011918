use ringway::Message;

#[cfg(not(feature = "fixed"))]
type Index = usize;
#[cfg(feature = "fixed")]
type Index = u64;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    index: Index, //~ ERROR: `usize` cannot travel in shared memory, because it is not a `Message`
}

fn main() {}
