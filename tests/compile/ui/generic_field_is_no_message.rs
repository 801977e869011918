use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case<T> {
    value: T,
    #[cfg(not(feature = "fixed"))]
    count: std::num::NonZeroU64, //~ ERROR: `NonZero<u64>` cannot travel in shared memory, because it is not a `Message`
    #[cfg(feature = "fixed")]
    count: u64,
}

fn main() {}
