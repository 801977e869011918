use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    first: u64,
    #[cfg(not(feature = "fixed"))]
    value: std::marker::PhantomData<u32>, //~ ERROR: `PhantomData<u32>` cannot travel in shared memory, because it is not a `Message`
    #[cfg(feature = "fixed")]
    value: u32,
    #[cfg(feature = "fixed")]
    _pad: [u8; 4],
}

fn main() {}
