use ringway::Message;

#[derive(Message, Clone, Copy)]
#[cfg_attr(feature = "fixed", message(name = "md.Tick"))]
#[cfg_attr(not(feature = "fixed"), message(name = "md.\u{200b}Tick"))] //~ ERROR: a stable name has 1 to 255 bytes, and only characters that print: write one such as "md.Tick"
#[repr(C)]
struct Case {
    value: u8,
}

fn main() {}
