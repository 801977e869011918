use ringway::Message;

mod math {
    /// Called like the one of std, and no message: what std's is does not matter here.
    #[derive(Clone, Copy)]
    #[cfg_attr(feature = "fixed", derive(super::Message))]
    #[repr(C)]
    pub struct Vec<T>(pub [T; 3]);
}

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Case {
    values: math::Vec<f32>, //~ ERROR: `math::Vec<f32>` cannot travel in shared memory, because it is not a `Message`
}

fn main() {}
