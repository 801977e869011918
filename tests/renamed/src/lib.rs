//! `derive(Message)` where ringway has another name, where the expansion may add no warning, and where
//! `unsafe` is forbidden.

/// ringway, re-exported by yet another path.
pub mod inner {
    pub use other_name as channels;
}

/// A plain message; the path is given as such.
#[derive(inner::channels::Message, Clone, Copy, Debug)]
#[message(crate = other_name)]
#[repr(C)]
pub struct Plain<T, const N: usize> {
    /// Anything.
    pub values: [T; N],
    /// A number.
    pub number: u32,
}

/// A checked message; the path is given in a string.
#[derive(other_name::Message, Clone, Copy, Debug)]
#[message(crate = "crate::inner::channels", checked)]
#[repr(C)]
pub struct Checked {
    /// A flag.
    pub flag: bool,
    /// A choice.
    pub choice: Choice,
}

/// A public message may have fields of a private type.
#[derive(other_name::Message, Clone, Copy, Debug)]
#[message(crate = other_name)]
#[repr(C)]
pub struct Public {
    private: Private,
    generic: Plain<Private, 1>,
}

#[derive(other_name::Message, Clone, Copy, Debug)]
#[message(crate = other_name)]
#[repr(transparent)]
struct Private(u32);

impl Public {
    /// The number.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.private.0 + self.generic.number
    }
}

/// A checked enum.
#[derive(other_name::Message, Clone, Copy, Debug)]
#[message(crate = inner::channels, checked)]
#[repr(u8)]
pub enum Choice {
    /// One.
    One,
    /// The other.
    Other = 200,
}

#[cfg(test)]
mod tests {
    use super::{Checked, Plain};
    use other_name::Message;

    #[test]
    fn ringway_may_have_another_name() {
        assert_eq!(Plain::<f32, 1>::validate(&[0xff; 8]), Ok(()));
        assert_eq!(Checked::validate(&[1, 200]), Ok(()));
        let invalid = Checked::validate(&[1, 1]).expect_err("1 is no choice");
        assert_eq!(invalid.path(), "choice");
    }
}
