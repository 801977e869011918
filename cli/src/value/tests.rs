//! Messages as they are shown and read.

use ringway::Message;
use ringway::message::SchemaTree;

use super::{Value, columns, parse};

#[derive(Message, Clone, Copy, Debug)]
#[message(checked)]
#[repr(u8)]
enum Side {
    Buy = 1,
    Sell = 2,
}

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Level {
    price: f64,
    size: u64,
}

#[derive(Message, Clone, Copy)]
#[message(name = "md.Order", checked)]
#[repr(C)]
struct Order {
    symbol: [u8; 6],
    side: Side,
    is_open: bool,
    levels: [Level; 2],
    mark: char,
    drift: f32,
    id: u128,
    change: i16,
    _pad: [u8; 14],
}

/// The bytes of that order, with the fields that follow each other in them.
fn order() -> Vec<u8> {
    let mut bytes = b"BTCUSD".to_vec();
    bytes.extend([2, 1]);
    for (price, size) in [(101.5_f64, 10_u64), (-0.1, u64::MAX)] {
        bytes.extend(price.to_le_bytes());
        bytes.extend(size.to_le_bytes());
    }
    bytes.extend(u32::from('é').to_le_bytes());
    bytes.extend(0.1_f32.to_le_bytes());
    bytes.extend(u128::MAX.to_le_bytes());
    bytes.extend((-7_i16).to_le_bytes());
    bytes.extend([0; 14]);
    bytes
}

fn schema() -> SchemaTree {
    Order::SCHEMA.tree()
}

const JSON: &str = concat!(
    r#"{"symbol":[66,84,67,85,83,68],"side":"Sell","is_open":true,"#,
    r#""levels":[{"price":101.5,"size":10},{"price":-0.1,"size":18446744073709551615}],"#,
    r#""mark":"é","drift":0.1,"id":340282366920938463463374607431768211455,"change":-7,"#,
    r#""_pad":[0,0,0,0,0,0,0,0,0,0,0,0,0,0]}"#,
);

#[test]
fn text_is_as_rust_would_have_it() {
    let (schema, bytes) = (schema(), order());
    let text = "md.Order { symbol: b\"BTCUSD\", side: Sell, is_open: true, levels: [Level { price: 101.5, size: 10 }, \
        Level { price: -0.1, size: 18446744073709551615 }], mark: 'é', drift: 0.1, \
        id: 340282366920938463463374607431768211455, change: -7, _pad: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] }";
    assert_eq!(Value::new(&schema, &bytes).to_string(), text);
}

#[test]
fn long_arrays_are_cut_short_unless_all_is_asked_for() {
    let schema = <[u16; 20]>::SCHEMA.tree();
    let value = Value::new(&schema, &[1; 40]);
    assert!(value.to_string().ends_with("257, 257, .. 4 more]"), "{value}");
    assert!(!format!("{value:#}").contains(".."));
    let (many, nothing) = (<[[u8; 0]; 1000]>::SCHEMA.tree(), Value::new(&schema, &[0; 40]));
    assert_eq!(Value::new(&many, &[]).to_string(), "[.. 1000]");
    assert_eq!(Value::new(&many, &[]).json().to_string(), "[]");
    assert!(nothing.to_string().starts_with("[0, 0"));
}

#[test]
fn json_is_exact_and_leads_back() {
    let (schema, bytes) = (schema(), order());
    assert_eq!(Value::new(&schema, &bytes).json().to_string(), JSON);
    assert_eq!(parse(&schema, JSON), Ok(bytes.clone()));
    assert_eq!(parse(&schema, &JSON.replace("[66,84,67,85,83,68]", "\"BTCUSD\"")), Ok(bytes));
}

#[test]
fn numbers_that_json_has_not_are_texts() {
    for (bits, said) in [(f64::NAN, "\"NaN\""), (f64::INFINITY, "\"inf\""), (f64::NEG_INFINITY, "\"-inf\"")] {
        let schema = f64::SCHEMA.tree();
        assert_eq!(Value::new(&schema, &bits.to_le_bytes()).json().to_string(), said);
        let read =
            f64::from_le_bytes(parse(&schema, said).expect("a number").try_into().expect("eight bytes"));
        assert_eq!(read.is_nan(), bits.is_nan());
        assert!(read.is_nan() || read == bits);
    }
    let zero = parse(&f32::SCHEMA.tree(), "-0.0").expect("a number");
    assert_eq!(zero, (-0.0_f32).to_le_bytes());
    assert_eq!(parse(&u8::SCHEMA.tree(), "-0"), Ok(vec![0]));
}

#[test]
fn what_is_no_value_is_shown_as_such() {
    let (schema, mut bytes) = (schema(), order());
    (bytes[6], bytes[7]) = (9, 7);
    bytes[40..44].copy_from_slice(&0xd800_u32.to_le_bytes());
    let value = Value::new(&schema, &bytes);
    let text = value.to_string();
    for part in ["side: Side(9)", "is_open: bool(7)", "mark: char(55296)"] {
        assert!(text.contains(part), "{text}");
    }
    let json = value.json().to_string();
    for part in [r#""side":{"invalid":9}"#, r#""is_open":{"invalid":7}"#, r#""mark":{"invalid":55296}"#] {
        assert!(json.contains(part), "{json}");
    }
    assert!(parse(&schema, &json).is_err());
}

#[test]
fn columns_have_a_name_for_each_cell() {
    let (schema, bytes) = (schema(), order());
    let names = [
        "symbol",
        "side",
        "is_open",
        "levels[0].price",
        "levels[0].size",
        "levels[1].price",
        "levels[1].size",
        "mark",
        "drift",
        "id",
        "change",
        "_pad",
    ];
    assert_eq!(columns(&schema).expect("few"), names);
    let id = u128::MAX.to_string();
    let cells = [
        "BTCUSD",
        "Sell",
        "true",
        "101.5",
        "10",
        "-0.1",
        "18446744073709551615",
        "é",
        "0.1",
        &id,
        "-7",
        "0x0000000000000000000000000000",
    ];
    assert_eq!(Value::new(&schema, &bytes).cells(), cells);
    assert_eq!(columns(&u64::SCHEMA.tree()).expect("one"), ["value"]);
    let error = columns(&<[u16; 5000]>::SCHEMA.tree()).expect_err("too many");
    assert!(error.to_string().contains("more than 4096 parts"), "{error}");
    // Text that could be taken for digits is written in digits.
    let schema = <[u8; 4]>::SCHEMA.tree();
    assert_eq!(Value::new(&schema, b"0x12").cells(), ["0x30783132"]);
}

#[test]
fn what_is_wrong_with_a_message_is_said_with_its_path() {
    let schema = schema();
    let refused = |from: &str, to: &str| {
        assert!(JSON.contains(from), "{from}");
        parse(&schema, &JSON.replacen(from, to, 1)).expect_err("it is wrong").to_string()
    };
    let cases = [
        ("\"size\":10}", "\"size\":-1}", "`levels[0].size`: expected an integer that is a u64, found -1"),
        ("\"size\":10}", "\"size\":1.0}", "`levels[0].size`: expected an integer that is a u64, found 1.0"),
        (
            "\"size\":10}",
            "\"size\":18446744073709551616}",
            "`levels[0].size`: expected an integer that is a u64, found 18446744073709551616",
        ),
        ("\"size\":10}", "\"size\":10,\"size\":10}", "`levels[0]`: the field `size` is there twice"),
        (",\"size\":10}", "}", "`levels[0]`: the field `size` is missing"),
        (
            "\"change\"",
            "\"chnage\"",
            "`md.Order` has no field `chnage`, but `symbol`, `side`, `is_open`, `levels`, `mark`, `drift`, `id`, `change`, `_pad`",
        ),
        ("\"Sell\"", "\"sell\"", "`side`: expected one of \"Buy\", \"Sell\", found \"sell\""),
        ("true", "1", "`is_open`: expected true or false, found 1"),
        ("\"é\"", "\"éé\"", "`mark`: expected a string of one character, found \"éé\""),
        ("101.5", "1e999", "`levels[0].price`: expected a number that a f64 can be, found 1e999"),
        (
            "101.5",
            "\"nan\"",
            "`levels[0].price`: expected a number, \"NaN\", \"inf\" or \"-inf\", found \"nan\"",
        ),
        ("-7", "40000", "`change`: expected an integer that is a i16, found 40000"),
        ("[66,84,67,85,83,68]", "[66,84]", "`symbol`: expected an array of 6, found one of 2"),
        ("[66,84,67,85,83,68]", "\"BITCOIN\"", "`symbol`: the text has 7 bytes, and there is room for 6"),
        ("[66,84,67,85,83,68]", "{}", "`symbol`: expected an array of 6, found {}"),
        (
            "{\"price\":101.5,\"size\":10}",
            "3",
            "`levels[0]`: expected an object with the fields of `Level`, found 3",
        ),
    ];
    for (from, to, said) in cases {
        assert_eq!(refused(from, to), said);
    }
    let error = parse(&schema, "{").expect_err("it is half of something").to_string();
    assert!(error.starts_with("this is not JSON: EOF"), "{error}");
    let long = format!("[{}]", "1,".repeat(100));
    let error = parse(&u8::SCHEMA.tree(), &long.replace(",]", "]")).expect_err("an array").to_string();
    assert!(error.ends_with("1,1,1.."), "{error}");
}
