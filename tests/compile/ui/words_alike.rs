use ringway::Message;
use ringway::__private::Pod;

#[derive(Message, Clone, Copy)]
#[repr(C)]
pub struct Pair<T> {
    number: u32,
    four: [T; 4],
}

/// Both fields are written `$crate::Pair<T>`; with the mistake they are of two types.
macro_rules! case {
    ($($ty:tt)*) => {
        #[derive(Message, Clone, Copy)]
        #[repr(C)]
        struct Case<T: Message> {
            first: $($ty)*,
            #[cfg(not(feature = "fixed"))]
            second: $crate::Pair<T>,
            #[cfg(feature = "fixed")]
            second: $($ty)*,
        }
    };
}
words::hand! { case }

fn pod<T: Pod>() {}

fn main() {
    pod::<Case<u8>>(); //~ ERROR: this is of type `Pair<u8>` where the derive read `words::Pair<u8>`
}
