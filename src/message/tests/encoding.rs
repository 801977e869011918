//! The encoding, byte for byte, and its decoding from anything at all.

use std::panic::catch_unwind;

use super::super::encode::{ARRAY, ENUM, FORMAT, MAX_DEPTH, MAX_ENCODED, MAX_NAME, PRIMITIVES, STRUCT};
use super::super::layout::MAX_ALIGN;
use super::super::schema::{Field, Primitive, Variant};
use super::super::{Schema, SchemaTree, first_difference};
use super::{Level, Side, Tick};
use crate::Message;
use crate::documents::{assert_values, table};

/// `md.Tick`, written by hand from the description in `encode`.
const GOLDEN: &[&[u8]] = &[
    &[1], // format
    &[0x41, 7],
    b"md.Tick",                 // struct
    &[2, 0, 0, 0],              // version
    &[32, 0, 0, 0, 0, 0, 0, 0], // size
    &[16, 0, 0, 0],             // alignment
    &[4, 0],                    // number of fields
    &[5],
    b"price",
    &[0; 8],
    &[0x24], // f64 at 0
    &[5],
    b"sides",
    &[8, 0, 0, 0, 0, 0, 0, 0],
    &[0x40, 2, 0, 0, 0, 0, 0, 0, 0], // array of 2
    &[0x42, 4],
    b"Side",
    &[3, 0, 0, 0],
    &[1],    // enum, version 3, u8
    &[2, 0], // number of variants
    &[3],
    b"Buy",
    &[1, 0, 0, 0],
    &[4],
    b"Sell",
    &[255, 0, 0, 0],
    &[4],
    b"_pad",
    &[10, 0, 0, 0, 0, 0, 0, 0],
    &[0x40, 6, 0, 0, 0, 0, 0, 0, 0, 0x01],
    &[5],
    b"level",
    &[16, 0, 0, 0, 0, 0, 0, 0],
    &[0x41, 5],
    b"Level",
    &[0; 4],
    &[16, 0, 0, 0, 0, 0, 0, 0],
    &[16, 0, 0, 0],
    &[1, 0],
    &[4],
    b"size",
    &[0; 8],
    &[0x05],
];

#[test]
fn the_document_has_every_tag_and_limit() {
    let mut tags: Vec<_> = PRIMITIVES.iter().map(|(tag, primitive)| (*tag, primitive.name())).collect();
    tags.extend([(ARRAY, "array"), (STRUCT, "struct"), (ENUM, "enum")]);
    let documented: Vec<_> =
        table("docs/format.md", "Type tags").into_iter().map(|row| row[..2].join(" ")).collect();
    let tags: Vec<_> = tags.iter().map(|(tag, name)| format!("{tag:#04x} {name}")).collect();
    assert_eq!(documented, tags);
    let limits = [
        ("encoding version", FORMAT.to_string()),
        ("most bytes", MAX_ENCODED.to_string()),
        ("most nesting", MAX_DEPTH.to_string()),
        ("longest name", MAX_NAME.to_string()),
        ("largest alignment", MAX_ALIGN.to_string()),
    ];
    assert_values("docs/format.md", "Limits of a schema", &limits);
}

fn refused(bytes: &[u8], at: usize, sentence: &str) {
    let error = SchemaTree::decode(bytes).expect_err(sentence);
    assert_eq!(error.to_string(), format!("the schema is damaged at byte {at}: {sentence}"));
    assert_eq!(error.at(), at);
}

#[test]
fn the_bytes_are_the_documented_ones() {
    assert_eq!(Tick::SCHEMA.encode(), GOLDEN.concat());
    assert_eq!(Tick::SCHEMA.encoded_len(), GOLDEN.concat().len());
    assert_eq!(Tick::SCHEMA.fingerprint(), crate::fnv::fnv1a_128(&GOLDEN.concat()));
    let primitives = [
        (u8::SCHEMA, 0x01),
        (u16::SCHEMA, 0x02),
        (u32::SCHEMA, 0x03),
        (u64::SCHEMA, 0x04),
        (u128::SCHEMA, 0x05),
        (i8::SCHEMA, 0x11),
        (i16::SCHEMA, 0x12),
        (i32::SCHEMA, 0x13),
        (i64::SCHEMA, 0x14),
        (i128::SCHEMA, 0x15),
        (f32::SCHEMA, 0x23),
        (f64::SCHEMA, 0x24),
        (bool::SCHEMA, 0x31),
        (char::SCHEMA, 0x32),
    ];
    for (schema, tag) in primitives {
        assert_eq!(schema.encode(), [1, tag], "{schema}");
        assert_eq!(SchemaTree::decode(&[1, tag]), Ok(schema.tree()));
    }
}

#[test]
fn a_schema_comes_back_from_its_bytes() {
    let tree = SchemaTree::decode(&GOLDEN.concat()).unwrap();
    assert_eq!(tree, Tick::SCHEMA.tree());
    assert_eq!(tree.encode(), GOLDEN.concat());
    assert_eq!(tree.fingerprint(), Tick::SCHEMA.fingerprint());
    let SchemaTree::Struct(tick) = tree else { panic!("not a struct") };
    assert_eq!((tick.name(), tick.version(), tick.fields().len()), ("md.Tick", 2, 4));
    let sides = &tick.fields()[1];
    assert_eq!((sides.name(), sides.offset(), sides.schema().size()), ("sides", 8, 2));
    let SchemaTree::Array(array) = sides.schema() else { panic!("not an array") };
    assert_eq!((array.len(), array.is_empty()), (2, false));
    let SchemaTree::Array(none) = <[u8; 0]>::SCHEMA.tree() else { panic!("not an array") };
    assert!(none.is_empty());
    let SchemaTree::Enum(side) = array.element() else { panic!("not an enum") };
    assert_eq!((side.name(), side.version(), side.repr().name()), ("Side", 3, "u8"));
    assert_eq!((side.variants()[1].name(), side.variants()[1].value()), ("Sell", 255));
}

#[test]
fn no_schema_is_cut_short() {
    let bytes = GOLDEN.concat();
    for len in 0..bytes.len() {
        assert!(SchemaTree::decode(&bytes[..len]).is_err(), "the first {len} bytes");
    }
    refused(&[bytes.as_slice(), &[0]].concat(), bytes.len(), "1 bytes follow the end");
    refused(&[], 0, "1 bytes are wanted, 0 are left");
}

#[test]
fn any_other_byte_is_an_error_or_another_schema() {
    let (bytes, tree) = (GOLDEN.concat(), Tick::SCHEMA.tree());
    let (mut valid, mut damaged) = (0, 0);
    for at in 0..bytes.len() {
        for flip in 1..=255 {
            let mut bytes = bytes.clone();
            bytes[at] ^= flip;
            let Ok(other) = SchemaTree::decode(&bytes) else {
                damaged += 1;
                continue;
            };
            valid += 1;
            assert_ne!(other, tree);
            assert_eq!(other.encode(), bytes, "one schema, one encoding");
            assert!(first_difference(&tree, &other).is_some(), "{other:#}");
            assert!(first_difference(&other, &tree).is_some(), "{other:#}");
            let _ = format!("{other} {other:#} {:?}", other.align());
        }
    }
    assert!(valid > 1000 && damaged > 1000, "{valid} valid, {damaged} damaged");
}

#[test]
fn arbitrary_bytes_do_no_harm() {
    // A generator of its own, so that each run tries the same; tags, small numbers and letters are frequent.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let likely = [0, 0, 0, 1, 1, 2, 4, 8, 0x01, 0x24, 0x31, 0x40, 0x41, 0x42, b'a', 0xff];
    for _ in 0..100_000 {
        let len = next(60) as usize;
        let mut bytes: Vec<u8> = (0..len).map(|_| likely[next(16) as usize]).collect();
        bytes.insert(0, 1);
        if let Ok(tree) = SchemaTree::decode(&bytes) {
            assert_eq!(tree.encode(), bytes);
        }
    }
}

fn name(name: &str) -> Vec<u8> {
    [&[name.len() as u8], name.as_bytes()].concat()
}

fn structure(size: u64, align: u32, fields: &[(&str, u64, &[u8])]) -> Vec<u8> {
    let mut bytes = [&[1, 0x41][..], &name("S"), &[0; 4], &size.to_le_bytes(), &align.to_le_bytes()].concat();
    bytes.extend((fields.len() as u16).to_le_bytes());
    for (field, offset, ty) in fields {
        bytes.extend([&name(field), &offset.to_le_bytes()[..], ty].concat());
    }
    bytes
}

#[test]
fn what_is_no_layout_is_refused() {
    let huge = [&[0x40], &u64::MAX.to_le_bytes()[..], &[0x01]].concat();
    refused(&[&[1], &huge[..]].concat(), 1, "18446744073709551615 elements of 1 bytes are too much");
    assert!(SchemaTree::decode(&structure(4, 4, &[("a", 0, &[0x03])])).is_ok());
    refused(&structure(4, 3, &[]), 16, "`S` has alignment 3");
    refused(&structure(4, 0, &[]), 16, "`S` has alignment 0");
    refused(&structure(8192, 8192, &[]), 16, "`S` has alignment 8192");
    refused(&structure(6, 4, &[]), 8, "`S` has size 6 at alignment 4");
    refused(&structure(1 << 63, 1, &[]), 8, "`S` has size 9223372036854775808 at alignment 1");
    refused(&structure(4, 4, &[]), 1, "the fields of `S` have 0 bytes, itself 4");
    refused(&structure(4, 4, &[("a", 4, &[0x03])]), 22, "field `a` of 4 bytes is at 4 in `S`");
    refused(&structure(4, 4, &[("a", 0, &[0x04])]), 22, "field `a` of 8 bytes is at 0 in `S`");
    refused(&structure(4, 2, &[("a", 0, &[0x03])]), 22, "field `a` of `S` is misaligned");
    refused(
        &structure(8, 4, &[("a", u64::MAX - 3, &[0x03])]),
        22,
        "field `a` of 4 bytes is at 18446744073709551612 in `S`",
    );
    let pair = [&[0x40], &2_u64.to_le_bytes()[..], &[0x01]].concat();
    refused(&structure(2, 1, &[("a", 0, &[1]), ("b", 1, &pair)]), 33, "field `b` of 2 bytes is at 1 in `S`");
    let longest = [&[0x40], &i64::MAX.to_le_bytes()[..], &[0x01]].concat();
    assert!(SchemaTree::decode(&structure(i64::MAX as u64, 1, &[("a", 0, &longest)])).is_ok());
    refused(&structure(2, 1, &[("a", 0, &[1]), ("a", 1, &[1])]), 1, "`S` has two parts named `a`");
    refused(&structure(1, 1, &[("", 0, &[1])]), 22, "a name is empty");
    refused(
        &structure(1, 1, &[("\u{1b}[2J", 0, &[1])]),
        22,
        "the name \"\\u{1b}[2J\" has a character that does not print",
    );
    refused(&[1, 0x41, 1, 0xff], 2, "a name is not UTF-8");
    refused(&[1, 0x99], 1, "0x99 is the tag of no type");
    refused(&[2, 0x01], 0, "it has format 2, this program reads 1");
    refused(&vec![1; 65_537], 0, "it has 65537 bytes, the limit is 65536");
}

#[test]
fn a_schema_may_be_as_long_as_the_limit() {
    // 22 bytes before the fields, 10 and its name for each one.
    let mut names: Vec<String> = (0..247).map(|at| format!("{at:0255}")).collect();
    names.push("a".repeat(MAX_ENCODED - 22 - 247 * 265 - 10));
    let fields: Vec<(&str, u64, &[u8])> =
        names.iter().zip(0..).map(|(name, at)| (&**name, at, &[1][..])).collect();
    let bytes = structure(248, 1, &fields);
    assert_eq!(bytes.len(), MAX_ENCODED);
    assert_eq!(SchemaTree::decode(&bytes).map(|tree| tree.size()), Ok(248));
}

#[test]
fn a_name_that_does_not_print_is_refused() {
    let decode = |name: &str| SchemaTree::decode(&structure(1, 1, &[(name, 0, &[1])]));
    for name in ["it's", "\"a\\b\"", "größe", "कि", "a\u{301}", "two words"] {
        assert!(decode(name).is_ok(), "{name}");
    }
    for name in [
        "\u{202e}a",
        "a\u{200b}",
        "\u{feff}",
        "a\u{ad}",
        "\u{2028}",
        "\u{e000}",
        "a\nb",
        "\u{301}a",
        "'\u{301}",
    ] {
        let what = format!("the name {name:?} has a character that does not print");
        refused(&structure(1, 1, &[(name, 0, &[1])]), 22, &what);
    }
}

#[test]
fn a_struct_or_enum_is_not_named_like_a_primitive() {
    for (_, primitive) in PRIMITIVES {
        let name = name(primitive.name());
        let what = format!("a struct or enum has the name of the primitive `{}`", primitive.name());
        refused(&[&[1, STRUCT], &name[..], &[0; 8], &[1, 0, 0, 0, 0, 0]].concat(), 2, &what);
        refused(&[&[1, ENUM], &name[..], &[0; 4], &[1, 1, 0, 1, b'A', 0, 0, 0, 0]].concat(), 2, &what);
    }
    assert!(SchemaTree::decode(&structure(1, 1, &[("u8", 0, &[1])])).is_ok(), "a field may be");
    for other in ["u", "u1", "u88", "i", "f6", "boolean", "8"] {
        let bytes = [&[1, STRUCT], &name(other)[..], &[0; 12], &[1, 0, 0, 0, 0, 0]].concat();
        assert!(SchemaTree::decode(&bytes).is_ok(), "{other}");
    }
}

#[test]
#[should_panic(expected = "`u8` is the name of a primitive type: give the message another, as with")]
fn no_type_of_ours_is_named_like_a_primitive() {
    let _ = Schema::structure("u8", 0, [0, 1], &[]);
}

#[test]
fn a_schema_of_ours_is_within_the_limits_that_a_decoder_has() {
    let name = |len: usize| -> &'static str { "n".repeat(len).leak() };
    assert_eq!(Variant::new(name(MAX_NAME), 0).name.len(), MAX_NAME);
    for wrong in [name(0), name(MAX_NAME + 1)] {
        assert!(catch_unwind(|| Variant::new(wrong, 0)).is_err());
        assert!(catch_unwind(|| Field::new(wrong, 0, u8::SCHEMA)).is_err());
        assert!(catch_unwind(|| Schema::structure(wrong, 0, [0, 1], &[])).is_err());
        assert!(catch_unwind(|| Schema::enumeration(wrong, 0, Primitive::U8, &[])).is_err());
    }
    let nested =
        |depth: u32| (1..depth).fold(u8::SCHEMA, |element, _| Box::leak(Box::new(Schema::array(element, 1))));
    let deepest = nested(MAX_DEPTH);
    assert_eq!(SchemaTree::decode(&deepest.encode()), Ok(deepest.tree()));
    assert_eq!(deepest.encoded_len(), deepest.encode().len());
    assert!(catch_unwind(|| Schema::array(nested(MAX_DEPTH), 1)).is_err());
    let holder = |inner: &'static Schema| -> Schema {
        let fields: &'static [Field] = vec![Field::new("a", 0, u8::SCHEMA), Field::new("b", 1, inner)].leak();
        Schema::structure("S", 0, [2, 1], fields)
    };
    let deepest = holder(nested(MAX_DEPTH - 1));
    assert_eq!(SchemaTree::decode(&deepest.encode()), Ok(deepest.tree()));
    assert_eq!(deepest.encoded_len(), deepest.encode().len());
    assert!(catch_unwind(|| holder(nested(MAX_DEPTH))).is_err());
    let widest = Schema::structure("S", 0, [0, 4096], &[]);
    assert_eq!((widest.align(), SchemaTree::decode(&widest.encode())), (4096, Ok(widest.tree())));
    assert!(catch_unwind(|| Schema::structure("S", 0, [8192, 8192], &[])).is_err());
    // 11 bytes before the variants, 5 and its name for each one.
    let variants = |last: usize| -> &'static [Variant] {
        let mut variants = vec![Variant::new(name(MAX_NAME), 0); 251];
        variants.extend([Variant::new(name(100), 0), Variant::new(name(last), 0)]);
        variants.leak()
    };
    let last = MAX_ENCODED - 11 - 251 * (5 + MAX_NAME) - 105 - 5;
    let longest = Schema::enumeration("E", 0, Primitive::U8, variants(last));
    assert_eq!((longest.encoded_len(), longest.encode().len()), (MAX_ENCODED, MAX_ENCODED));
    assert!(catch_unwind(|| Schema::enumeration("E", 0, Primitive::U8, variants(last + 1))).is_err());
}

#[test]
fn what_is_no_enum_is_refused() {
    let enumeration = |repr: u8, variants: &[(&str, u32)]| {
        let mut bytes =
            [&[1, 0x42][..], &name("E"), &[0; 4], &[repr], &(variants.len() as u16).to_le_bytes()].concat();
        for (variant, value) in variants {
            bytes.extend([&name(variant), &value.to_le_bytes()[..]].concat());
        }
        bytes
    };
    assert!(SchemaTree::decode(&enumeration(1, &[("A", 255), ("B", 0)])).is_ok());
    refused(&enumeration(1, &[("A", 256)]), 11, "variant `A` of `E` is 256, beyond u8");
    refused(&enumeration(2, &[("A", 65_536)]), 11, "variant `A` of `E` is 65536, beyond u16");
    refused(&enumeration(0x11, &[("A", 0)]), 8, "enum `E` is no u8, u16 or u32");
    refused(&enumeration(3, &[]), 1, "enum `E` has no variants, or two of one value");
    refused(&enumeration(3, &[("A", 1), ("B", 1)]), 1, "enum `E` has no variants, or two of one value");
    refused(&enumeration(3, &[("A", 1), ("A", 2)]), 1, "`E` has two parts named `A`");
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| {
        let mut bytes = vec![1];
        for _ in 1..depth {
            bytes.extend([0x40, 1, 0, 0, 0, 0, 0, 0, 0]);
        }
        bytes.push(0x01);
        bytes
    };
    assert_eq!(SchemaTree::decode(&nested(32)).map(|tree| tree.size()), Ok(1));
    refused(&nested(33), 1 + 32 * 9, "types are nested more than 32 deep");
    refused(&nested(7000), 1 + 32 * 9, "types are nested more than 32 deep");
}

#[test]
fn a_schema_prints_in_one_line_or_in_full() {
    let one = "md.Tick v2 { price: f64 @0, sides: [Side v3; 2] @8, _pad: [u8; 6] @10, level: Level @16 } (32 bytes)";
    assert_eq!(Tick::SCHEMA.to_string(), one);
    let full = "md.Tick v2 {\n    price: f64 @0,\n    sides: [Side v3: u8 {\n        Buy = 1,\n        Sell = 255,\n    \
                }; 2] @8,\n    _pad: [u8; 6] @10,\n    level: Level {\n        size: u128 @0,\n    } @16,\n} (32 bytes)";
    assert_eq!(format!("{:#}", Tick::SCHEMA), full);
    assert_eq!(format!("{:#}", <[Level; 1]>::SCHEMA), "[Level {\n    size: u128 @0,\n}; 1] (16 bytes)");
    assert_eq!(Side::SCHEMA.to_string(), "Side v3: u8 { Buy = 1, Sell = 255 } (1 byte)");
    assert_eq!(SchemaTree::decode(&structure(0, 1, &[])).unwrap().to_string(), "S {} (0 bytes)");
    let many: Vec<(String, u64)> = (0..10).map(|at| (format!("f{at}"), at)).collect();
    let many: Vec<(&str, u64, &[u8])> = many.iter().map(|(name, at)| (&**name, *at, &[1][..])).collect();
    let eight = SchemaTree::decode(&structure(8, 1, &many[..8])).unwrap().to_string();
    assert!(eight.ends_with("f7: u8 @7 } (8 bytes)"), "{eight}");
    let many = SchemaTree::decode(&structure(10, 1, &many)).unwrap().to_string();
    assert!(many.ends_with("f7: u8 @7, .. 2 more } (10 bytes)"), "{many}");
}

/// The stack of the thread that decodes is small, so what recurses with the bytes ends the test program.
#[test]
fn no_chain_of_types_exhausts_the_stack() {
    let (one, align) = (1_u64.to_le_bytes(), 1_u32.to_le_bytes());
    let links = [
        ("array", [&[ARRAY][..], &one].concat()),
        ("struct", [&[STRUCT, 1, b'S', 0, 0, 0, 0][..], &one, &align, &[1, 0, 1, b'f'], &[0; 8]].concat()),
        ("enum", vec![ENUM, 1, b'E', 0, 0, 0, 0]),
    ];
    for (kind, link) in links {
        let mut bytes = vec![FORMAT];
        bytes.extend(link.iter().cycle().take((MAX_ENCODED - 1) / link.len() * link.len()));
        let decode = move || SchemaTree::decode(&bytes).map_err(|error| error.to_string());
        let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(decode).unwrap();
        let error = thread.join().unwrap().expect_err(kind);
        let expected = if kind == "enum" { "enum `E` is no u8, u16 or u32" } else { "more than 32 deep" };
        assert!(error.ends_with(expected), "{kind}: {error}");
    }
}
