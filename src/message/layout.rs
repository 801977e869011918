//! What is proved about a message's bytes while it is compiled, and the sentences for when it is not so.

use super::Message;

/// The largest alignment that a message may ask for: a page, the least that a mapping has.
pub(super) const MAX_ALIGN: u64 = 4096;

/// Evaluates the proof of `T`'s layout, and its schema with the limits on it, at compile time.
///
/// To be called, in a `const` block, by everything that reads or writes the bytes of a `T`. Of a generic type it is what
/// refuses a parameter:
///
/// ```
/// # use ringway::Message;
/// #[derive(Message, Clone, Copy)]
/// #[repr(C)]
/// struct Pair<A, B>(A, B);
///
/// ringway::spsc::in_process::<Pair<f32, u32>>(1).expect("there is memory");
/// ringway::seqlock::in_process::<Pair<f32, u32>>().expect("there is memory");
/// ```
///
/// ```compile_fail,E0080
/// # use ringway::Message;
/// # #[derive(Message, Clone, Copy)]
/// # #[repr(C)]
/// # struct Pair<A, B>(A, B);
/// ringway::spsc::in_process::<Pair<u8, u32>>(1).expect("there is memory");
/// ```
///
/// ```compile_fail,E0080
/// # use ringway::Message;
/// # #[derive(Message, Clone, Copy)]
/// # #[repr(C)]
/// # struct Pair<A, B>(A, B);
/// ringway::seqlock::in_process::<Pair<u8, u32>>().expect("there is memory");
/// ```
pub(crate) const fn assert_layout<T: Message>() {
    const { T::LAYOUT }
    const {
        let _ = T::SCHEMA;
    }
}

/// Refuses a field of a checked type in a plain struct, in the words that the derive `said`.
#[doc(hidden)]
#[track_caller]
pub const fn plain(checked: bool, said: &str) {
    if checked {
        panic!("{}", said);
    }
}

/// Refuses padding between the `end` of the field `name` and the `next` thing, be that a field or the end.
#[doc(hidden)]
#[track_caller]
pub const fn no_padding(name: &str, end: usize, next: usize, line: [&str; 2]) {
    if end == next {
        return;
    }
    let bytes = (next - end) as u64;
    let said = Sentence::new()
        .number(bytes)
        .text(if bytes == 1 { " byte" } else { " bytes" })
        .text(" of padding after field `")
        .text(name)
        .text("`; add `")
        .text(line[0])
        .number(bytes)
        .text(line[1])
        .text("` after it");
    panic!("{}", said.as_str());
}

/// Refuses the field `name` where a reference to it would not be aligned.
#[doc(hidden)]
#[track_caller]
pub const fn aligned(name: &str, offset: usize, align: usize, struct_align: usize) {
    if offset % align != 0 || struct_align < align {
        let said = Sentence::new().text("field `").text(name).text("` has alignment ").number(align as u64);
        let said = said.text(", and is at byte ").number(offset as u64).text(" of a struct with alignment ");
        panic!("{}", said.number(struct_align as u64).text(": write `#[repr(C)]` without `packed`").as_str());
    }
}

/// Refuses a struct of `size` bytes with fields of `fields` bytes, where these may lie in any order.
#[doc(hidden)]
#[track_caller]
pub const fn filled(name: &str, fields: usize, size: usize) {
    if fields != size {
        let said = Sentence::new().text("`").text(name).text("` has ").number(size as u64);
        let said = said.text(" bytes, its fields have ").number(fields as u64);
        panic!("{}", said.text(": write `#[repr(transparent)]` and nothing that changes it").as_str());
    }
}

/// Refuses an enum that is not laid out like the integer of `bytes` bytes that its `repr` names.
#[doc(hidden)]
#[track_caller]
pub const fn enum_layout(name: &str, [size, align]: [usize; 2], bytes: usize) {
    if size != bytes || align != bytes {
        let said = Sentence::new().text("enum `").text(name).text("` has size ").number(size as u64);
        let said = said.text(" and alignment ").number(align as u64).text(", and its `repr` says ");
        panic!("{}", said.number(bytes as u64).text(": write that `repr` and no other").as_str());
    }
}

/// Text put together at compile time. What does not fit is left out.
pub(super) struct Sentence {
    text: [u8; 640],
    len: usize,
}

impl Sentence {
    pub(super) const fn new() -> Self {
        Sentence { text: [0; 640], len: 0 }
    }

    pub(super) const fn text(mut self, text: &str) -> Self {
        let bytes = text.as_bytes();
        if self.len + bytes.len() <= self.text.len() {
            let mut at = 0;
            while at < bytes.len() {
                self.text[self.len + at] = bytes[at];
                at += 1;
            }
            self.len += bytes.len();
        }
        self
    }

    pub(super) const fn number(self, number: u64) -> Self {
        let rest = if number >= 10 { self.number(number / 10) } else { self };
        let digits = "0123456789".as_bytes().split_at((number % 10) as usize).1.split_at(1).0;
        match std::str::from_utf8(digits) {
            Ok(digit) => rest.text(digit),
            Err(_) => rest,
        }
    }

    pub(super) const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.text.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Sentence, aligned, assert_layout, enum_layout, filled, no_padding, plain};

    #[test]
    fn a_sentence_is_put_together() {
        let said = Sentence::new().text("é ").number(0).text(" ").number(65_536);
        assert_eq!(said.as_str(), "é 0 65536");
    }

    #[test]
    fn what_does_not_fit_into_a_sentence_is_left_out() {
        let (half, rest) = ("a".repeat(600), "b".repeat(40));
        let said = Sentence::new().text(&half);
        assert_eq!(said.as_str(), half);
        let said = said.text(&"c".repeat(41)).text(&rest).text("d").number(7);
        assert_eq!(said.as_str(), half + &rest);
    }

    #[test]
    #[should_panic(expected = "as the derive puts it")]
    fn a_checked_field_of_a_plain_struct_is_refused() {
        plain(true, "as the derive puts it");
    }

    #[test]
    #[should_panic(expected = "3 bytes of padding after field `a`; add `_pad: [u8; 3],` after it")]
    fn padding_is_refused() {
        no_padding("a", 1, 4, ["_pad: [u8; ", "],"]);
    }

    #[test]
    #[should_panic(
        expected = "field `w` has alignment 4, and is at byte 1 of a struct with alignment 1: write"
    )]
    fn a_misaligned_field_is_refused() {
        aligned("w", 1, 4, 1);
    }

    #[test]
    #[should_panic(
        expected = "field `w` has alignment 4, and is at byte 4 of a struct with alignment 2: write"
    )]
    fn a_struct_that_is_less_aligned_than_its_field_is_refused() {
        aligned("w", 4, 4, 2);
    }

    #[test]
    #[should_panic(expected = "`S` has 8 bytes, its fields have 5: write")]
    fn a_transparent_struct_with_other_bytes_is_refused() {
        filled("S", 5, 8);
    }

    #[test]
    #[should_panic(expected = "enum `E` has size 1 and alignment 4, and its `repr` says 1: write")]
    fn an_enum_that_is_no_integer_is_refused() {
        enum_layout("E", [1, 4], 1);
    }

    #[test]
    fn what_is_in_place_is_accepted() {
        aligned("w", 8, 4, 16);
        filled("S", 8, 8);
        enum_layout("E", [2, 2], 2);
        plain(false, "");
    }

    #[test]
    fn no_padding_is_accepted() {
        no_padding("a", 4, 4, ["_pad: [u8; ", "],"]);
        const { assert_layout::<[[u32; 2]; 3]>() }
    }
}
