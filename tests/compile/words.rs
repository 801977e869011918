//! A type that another crate can name in the same words as one of its own.

/// Without padding, unlike the `Pair` of the case.
#[derive(ringway::Message, Clone, Copy)]
#[repr(C)]
pub struct Pair<T>(pub [T; 1]);

/// Hands `$crate::Pair<T>` of this crate to the macro `to`, which has the same words for its own.
#[macro_export]
macro_rules! hand {
    ($to:ident) => {
        $to! { $crate::Pair<T> }
    };
}
