use ringway::Message;

#[derive(Message, Clone, Copy)]
#[cfg_attr(not(feature = "fixed"), rewriting::replace(first, empty: [u32; 0], first))]
#[repr(C)]
struct Case { //~ ERROR: pattern requires `..`
    first: u32,
}

fn main() {}
