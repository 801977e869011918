use ringway::Message;

macro_rules! double {
    ($($outer:ident $inner:ty;)*) => {$(
        #[derive(Message, Clone, Copy)]
        #[repr(C)]
        struct $outer {
            left: $inner,
            right: $inner,
        }
    )*};
}

double! { A u64; B A; C B; D C; E D; F E; G F; H G; I H; J I; }
#[cfg(not(feature = "fixed"))]
double! { K J; } //~ ERROR: the schema of `K` takes 100305 bytes, and the limit is 65536: use fewer fields or shorter names

fn main() {}
