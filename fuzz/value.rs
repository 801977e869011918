//! Messages as the command-line tool shows and reads them, of any type that there can be: bytes that nobody vouches for, and
//! JSON likewise.

use ringway::message::SchemaTree;

use super::input::Input;
use super::schema::described;
use super::tool::{Value, columns, parse};

/// Larger messages are for nobody to wait for.
const LARGEST: u64 = 1 << 16;

/// Runs one input.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let choice = input.byte();
    let (schema, _) = described(&mut input);
    if schema.size() > LARGEST {
        return;
    }
    if choice % 4 == 3 {
        let text = String::from_utf8_lossy(input.bytes(usize::MAX));
        // Nobody vouches for this one: it is a message, or there is an error.
        match parse(&schema, &text) {
            Ok(bytes) => assert_is_kept(&schema, &bytes),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        return;
    }
    let mut bytes = vec![0; schema.size() as usize];
    for part in bytes.chunks_mut(8) {
        // By its own bytes, and where there are none left by the last ones: numbers of any size.
        let some = input.word().to_le_bytes();
        part.copy_from_slice(&some[..part.len()]);
    }
    show(&schema, &bytes);
    let json = Value::new(&schema, &bytes).json().to_string();
    match parse(&schema, &json) {
        Ok(parsed) => {
            assert_is_kept(&schema, &parsed);
            // Equal but for the bits of what is not a number, of which JSON has one only.
            assert_eq!(Value::new(&schema, &parsed).json().to_string(), json);
        }
        // What is no value of its type is shown as such, and there is no way back.
        Err(error) => assert!(json.contains("{\"invalid\":"), "{error}: {json}"),
    }
    // Some of it is changed, or missing.
    let mut changed = json.into_bytes();
    for _ in 0..1 + input.below(3) {
        let at = input.number() as usize % changed.len();
        changed[at] = input.byte();
    }
    changed.truncate(changed.len() - input.below(2));
    if let Ok(bytes) = parse(&schema, &String::from_utf8_lossy(&changed)) {
        assert_is_kept(&schema, &bytes);
    }
}

/// What was read is written so that it is read again.
fn assert_is_kept(schema: &SchemaTree, bytes: &[u8]) {
    show(schema, bytes);
    let json = Value::new(schema, bytes).json().to_string();
    assert_eq!(parse(schema, &json).as_deref(), Ok(bytes), "{json}");
}

/// Every form there is, of a message that may be anything.
fn show(schema: &SchemaTree, bytes: &[u8]) {
    let value = Value::new(schema, bytes);
    for text in [value.to_string(), format!("{value:#}"), value.json().to_string()] {
        assert!(!text.is_empty() && !text.contains('\n'), "{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&value.json().to_string()).expect("JSON");
    assert!(!json.is_null());
    if let Ok(columns) = columns(schema) {
        assert_eq!(columns.len(), value.cells().len(), "{columns:?}");
    }
}
