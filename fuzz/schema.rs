//! Schemas that nobody vouches for, and such as a program could have written.
//!
//! The first byte says which: even, the rest are bytes to be decoded; odd, the rest says what type to describe, whose
//! encoding has to be accepted.

use ringway::message::{Primitive, SchemaTree, first_difference};

use super::input::Input;

/// Runs one input.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    if input.byte() % 2 == 0 {
        let bytes = input.bytes(usize::MAX);
        match SchemaTree::decode(bytes) {
            Ok(tree) => assert_is(&tree, bytes),
            Err(error) => assert!(error.at() <= bytes.len() && !error.to_string().is_empty()),
        }
        return;
    }
    let (tree, bytes) = described(&mut input);
    assert_is(&tree, &bytes);
    // Any byte of it changed: another schema, or none.
    let at = input.number() as usize % bytes.len();
    let mut others = bytes.clone();
    others[at] ^= input.byte().max(1);
    if let Ok(other) = SchemaTree::decode(&others) {
        assert_is(&other, &others);
        let difference = first_difference(&tree, &other).expect("a byte differs");
        assert!(!difference.to_string().is_empty());
    }
}

/// A type that there can be, and its encoding.
pub(super) fn described(input: &mut Input<'_>) -> (SchemaTree, Vec<u8>) {
    let mut bytes = vec![1];
    describe(&mut bytes, input, 1);
    let tree = SchemaTree::decode(&bytes).unwrap_or_else(|error| panic!("{error}: {bytes:02x?}"));
    (tree, bytes)
}

/// The schema that these bytes are says so, and can be printed.
fn assert_is(tree: &SchemaTree, bytes: &[u8]) {
    assert_eq!(tree.encode(), bytes, "a schema has one encoding");
    assert_eq!(SchemaTree::decode(bytes).as_ref(), Ok(tree));
    assert!(first_difference(tree, tree).is_none());
    assert!(tree.align().is_power_of_two() && tree.size() % u64::from(tree.align()) == 0);
    assert!(!format!("{tree}").is_empty() && !format!("{tree:#}").is_empty());
}

const PRIMITIVES: [(u8, Primitive); 14] = [
    (0x01, Primitive::U8),
    (0x02, Primitive::U16),
    (0x03, Primitive::U32),
    (0x04, Primitive::U64),
    (0x05, Primitive::U128),
    (0x11, Primitive::I8),
    (0x12, Primitive::I16),
    (0x13, Primitive::I32),
    (0x14, Primitive::I64),
    (0x15, Primitive::I128),
    (0x23, Primitive::F32),
    (0x24, Primitive::F64),
    (0x31, Primitive::Bool),
    (0x32, Primitive::Char),
];
/// As deep as a description gets: the format allows 32.
const DEEPEST: u32 = 20;

/// Writes the description of a type that there can be; its size and alignment.
fn describe(bytes: &mut Vec<u8>, input: &mut Input<'_>, depth: u32) -> (u64, u32) {
    let kind = input.byte();
    match kind % 4 {
        0 if depth < DEEPEST => {
            bytes.push(0x40);
            let len_at = bytes.len();
            bytes.extend([0; 8]);
            let (size, align) = describe(bytes, input, depth + 1);
            // Not so many that a few of them inside each other are too large.
            let len = (input.number() % 50).min((1 << 40) / size.max(1));
            bytes[len_at..len_at + 8].copy_from_slice(&len.to_le_bytes());
            (size * len, align)
        }
        1 if depth < DEEPEST => structure(bytes, input, depth),
        2 => enumeration(bytes, input),
        _ => {
            let (tag, primitive) = PRIMITIVES[input.below(PRIMITIVES.len())];
            bytes.push(tag);
            (primitive.size(), primitive.align())
        }
    }
}

/// A name that no other part of the same type has.
fn name(bytes: &mut Vec<u8>, input: &mut Input<'_>, number: usize) {
    const MARKS: [&str; 8] = ["", "x", "größe", "a b", "名", "\"", "\\", "_0"];
    let name = format!("n{number}{}", MARKS[input.below(MARKS.len())]);
    bytes.push(name.len() as u8);
    bytes.extend(name.as_bytes());
}

/// Fields one behind the other, with what fills the gaps between them.
fn structure(bytes: &mut Vec<u8>, input: &mut Input<'_>, depth: u32) -> (u64, u32) {
    bytes.push(0x41);
    name(bytes, input, 0);
    bytes.extend((input.number() as u32).to_le_bytes());
    let head = bytes.len();
    bytes.extend([0; 14]);
    let (mut count, mut end, mut most) = (0_u16, 0_u64, 1_u32);
    let fill = |bytes: &mut Vec<u8>, input: &mut Input<'_>, count: &mut u16, end: &mut u64, align: u32| {
        let gap = end.next_multiple_of(align.into()) - *end;
        if gap > 0 {
            name(bytes, input, (*count).into());
            bytes.extend(end.to_le_bytes());
            bytes.push(0x40);
            bytes.extend(gap.to_le_bytes());
            bytes.push(0x01);
            *count += 1;
            *end += gap;
        }
    };
    for _ in 0..input.below(5) {
        // How the field has to be aligned is known once it is described.
        let mut field = Vec::new();
        let (size, align) = describe(&mut field, input, depth + 1);
        if bytes.len() + field.len() > 60_000 {
            break;
        }
        fill(bytes, input, &mut count, &mut end, align);
        name(bytes, input, count.into());
        bytes.extend(end.to_le_bytes());
        bytes.extend(field);
        (count, end, most) = (count + 1, end + size, most.max(align));
    }
    fill(bytes, input, &mut count, &mut end, most);
    bytes[head..head + 8].copy_from_slice(&end.to_le_bytes());
    bytes[head + 8..head + 12].copy_from_slice(&most.to_le_bytes());
    bytes[head + 12..head + 14].copy_from_slice(&count.to_le_bytes());
    (end, most)
}

fn enumeration(bytes: &mut Vec<u8>, input: &mut Input<'_>) -> (u64, u32) {
    let (tag, repr) = PRIMITIVES[input.below(3)];
    bytes.push(0x42);
    name(bytes, input, 0);
    bytes.extend((input.number() as u32).to_le_bytes());
    bytes.push(tag);
    let count = 1 + input.below(6) as u16;
    bytes.extend(count.to_le_bytes());
    for variant in 0..count {
        name(bytes, input, variant.into());
        bytes.extend(u32::from(variant).wrapping_mul(3).to_le_bytes());
    }
    (repr.size(), repr.align())
}
