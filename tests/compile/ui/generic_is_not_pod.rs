use ringway::Message;
use ringway::__private::Pod;

/// Were it `Pod`, safe code could read the padding of `Pair<u8, u32>`.
#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Pair<A, B> {
    a: A,
    b: B,
}

fn pod<T: Pod>() {}

fn main() {
    #[cfg(not(feature = "fixed"))]
    pod::<Pair<u32, u32>>(); //~ ERROR: the trait bound `Pair<u32, u32>:
    #[cfg(feature = "fixed")]
    pod::<[u32; 2]>();
}
