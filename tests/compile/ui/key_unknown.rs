use ringway::Message;

#[derive(Message, Clone, Copy)]
#[cfg_attr(feature = "fixed", message(name = "Tick"))]
#[cfg_attr(not(feature = "fixed"), message(nmae = "Tick"))] //~ ERROR: unknown key: `message` knows `name = ".."`, `version = N`, `checked` and `crate = path`
#[repr(C)]
struct Case {
    value: u64,
}

fn main() {}
