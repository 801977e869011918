//! Which field of a checked message does not hold a valid value.

use std::fmt;

/// How many bytes of a path are kept. With it the whole error stays below 128 bytes, and needs no heap.
const PATH: usize = 90;

/// A field of a checked message holds bits that are no value of its type.
///
/// ```
/// use ringway::Message;
///
/// #[derive(Message, Clone, Copy)]
/// #[message(checked)]
/// #[repr(C)]
/// struct Order { size: u8, flags: [bool; 3] }
///
/// let error = Order::validate(&[10, 0, 1, 2]).unwrap_err();
/// assert_eq!((error.path(), error.found(), error.expected()), ("flags[2]", 2, "bool"));
/// assert_eq!(error.to_string(), "field `flags[2]` holds 2, which is not a valid `bool`");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InvalidField {
    expected: &'static str,
    found: u32,
    /// Where the path starts in `path`: it grows towards the front. At most `PATH`.
    start: u8,
    /// Outer parts of the path were left out for want of room.
    clipped: bool,
    /// `path[start..]` is whole UTF-8 strings.
    path: [u8; PATH],
}

impl InvalidField {
    /// The innermost value, before anyone has said where it is.
    #[doc(hidden)]
    #[cold]
    pub fn value(expected: &'static str, found: u32) -> Self {
        InvalidField { expected, found, start: PATH as u8, clipped: false, path: [0; PATH] }
    }

    /// The same value, seen from the struct that has it in the field `name`.
    #[doc(hidden)]
    #[must_use]
    pub fn in_field(mut self, name: &str) -> Self {
        self.prepend(&[name.as_bytes()]);
        self
    }

    /// The same value, seen from the array that has it at `index`.
    #[doc(hidden)]
    #[must_use]
    pub fn at_index(mut self, index: usize) -> Self {
        let mut digits = [0; 20];
        let mut first = digits.len();
        let mut rest = index;
        loop {
            first -= 1;
            digits[first] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.prepend(&[b"[", &digits[first..], b"]"]);
        self
    }

    /// Puts one part of the path, whole or not at all, before the others.
    fn prepend(&mut self, parts: &[&[u8]]) {
        let dot: &[u8] = if matches!(self.path().as_bytes().first(), None | Some(b'[')) { b"" } else { b"." };
        let len = parts.iter().map(|part| part.len()).sum::<usize>() + dot.len();
        if self.clipped || len > usize::from(self.start) {
            self.clipped = true;
            return;
        }
        let mut end = usize::from(self.start);
        for part in [dot].iter().chain(parts.iter().rev()) {
            self.path[end - part.len()..end].copy_from_slice(part);
            end -= part.len();
        }
        self.start = end as u8;
    }

    /// Where in the message: `side`, `inner.flag`, `flags[3]`; empty if the message itself is the value.
    /// Of a path beyond 90 bytes only the inner parts.
    #[must_use]
    pub fn path(&self) -> &str {
        std::str::from_utf8(&self.path[usize::from(self.start)..]).unwrap_or_default()
    }

    /// The stable name of the type whose values do not include [`found`](InvalidField::found).
    #[must_use]
    pub fn expected(&self) -> &'static str {
        self.expected
    }

    /// The value found.
    #[must_use]
    pub fn found(&self) -> u32 {
        self.found
    }
}

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let InvalidField { expected, found, clipped, .. } = self;
        match (self.path(), clipped) {
            ("", false) => write!(f, "the message holds {found}")?,
            (path, false) => write!(f, "field `{path}` holds {found}")?,
            (path, true) => write!(f, "field `..{path}` holds {found}")?,
        }
        write!(f, ", which is not a valid `{expected}`")
    }
}

impl fmt::Debug for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvalidField")
            .field("path", &self.path())
            .field("expected", &self.expected)
            .field("found", &self.found)
            .finish()
    }
}

impl std::error::Error for InvalidField {}

#[cfg(test)]
mod tests {
    use super::InvalidField;

    #[test]
    fn a_path_grows_from_the_inside() {
        let bit = InvalidField::value("bool", 7);
        assert_eq!((bit.expected(), bit.found(), bit.path()), ("bool", 7, ""));
        assert_eq!(bit.to_string(), "the message holds 7, which is not a valid `bool`");
        let bit = bit.at_index(3).in_field("flags").at_index(120).at_index(0).in_field("inner");
        assert_eq!(bit.path(), "inner[0][120].flags[3]");
        assert_eq!(bit.to_string(), "field `inner[0][120].flags[3]` holds 7, which is not a valid `bool`");
    }

    #[test]
    fn a_path_is_whole_as_long_as_it_has_90_bytes() {
        let whole = |inner: usize, outer: usize| {
            let (inner, outer) = ("i".repeat(inner), "o".repeat(outer));
            let bit = InvalidField::value("bool", 2).in_field(&inner).in_field(&outer);
            (bit.path() == format!("{outer}.{inner}")).then(|| bit.to_string())
        };
        assert!(whole(1, 88).is_some_and(|text| text.starts_with("field `oo")));
        assert_eq!(whole(1, 89), None);
        assert_eq!(InvalidField::value("bool", 2).in_field(&"a".repeat(90)).path().len(), 90);
    }

    #[test]
    fn a_path_without_room_keeps_its_inner_parts() {
        let mut bit = InvalidField::value("bool", 2).in_field("innermost_é");
        for _ in 0..40 {
            bit = bit.in_field("outer").at_index(usize::MAX);
        }
        assert!(bit.path().len() <= 90, "{}", bit.path());
        assert!(bit.path().ends_with("outer.innermost_é"));
        assert!(bit.to_string().starts_with("field `.."));
        assert!(size_of::<InvalidField>() < 128);
    }
}
