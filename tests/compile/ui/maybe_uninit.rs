use ringway::Message;

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    first: u64,
    #[cfg(not(feature = "fixed"))]
    value: std::mem::MaybeUninit<u32>, //~ ERROR: `MaybeUninit<u32>` cannot travel in shared memory, because it is not a `Message`
    #[cfg(feature = "fixed")]
    value: u32,
    _pad: [u8; 4],
}

fn main() {}
