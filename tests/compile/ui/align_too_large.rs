use ringway::Message;

#[derive(Message, Clone, Copy)]
#[cfg_attr(feature = "fixed", repr(C, align(4096)))]
#[cfg_attr(not(feature = "fixed"), repr(C, align(8192)))] //~ ERROR: `Case` asks for an alignment of 8192, more than a page: write at most `align(4096)`
struct Case {
    #[cfg(feature = "fixed")]
    bytes: [u8; 4096],
    #[cfg(not(feature = "fixed"))]
    bytes: [u8; 8192],
}

fn main() {}
