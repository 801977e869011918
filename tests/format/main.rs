//! The shared bytes: the document's example of a schema, and whole segments of every kind against dumps.
#![cfg(not(loom))]

#[allow(dead_code, reason = "other tests need the rest")]
#[path = "../../src/documents.rs"]
mod documents;
#[allow(dead_code, reason = "other tests need the rest")]
#[path = "../../src/fnv.rs"]
mod fnv;
#[allow(dead_code, reason = "other tests need the rest")]
#[path = "../../src/testing.rs"]
mod testing;

mod dump;
mod made;
mod observed;
mod opened;

use std::collections::BTreeSet;

use ringway::{Message, map};

use dump::Golden;

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Tick {
    time_ns: u64,
    price: f64,
    size: u32,
    venue: u32,
}

/// A message that is its number, all over.
trait Numbered: Message + PartialEq + std::fmt::Debug {
    fn of(number: u64) -> Self;
}

impl Numbered for Tick {
    fn of(number: u64) -> Self {
        Self {
            time_ns: number,
            price: f64::from_bits(number),
            size: number as u32,
            venue: (number >> 32) as u32,
        }
    }
}

impl Numbered for [u64; 16] {
    fn of(number: u64) -> Self {
        [number; 16]
    }
}

const NAME: &str = "golden";

#[test]
fn the_example_of_a_schema_is_the_schema() {
    let text = documents::read("docs/format.md");
    let (_, example) = text.split_once("### Schema by example").expect("the heading");
    let lines = example.split("```").nth(1).expect("a block").lines().skip(1);
    let digits = |token: &&str| token.len() % 2 == 0 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hex: String = lines.flat_map(|line| line.split_whitespace().take_while(digits)).collect();
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("digits");
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
    assert_eq!(bytes, Tick::SCHEMA.encode());
    assert!(example.contains(&format!("these {} bytes", bytes.len())));
}

/// The dumps in `tests/golden`.
fn golden() -> BTreeSet<String> {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let entries = std::fs::read_dir(directory).expect("the directory is there");
    entries.map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8")).collect()
}

#[test]
fn the_document_lists_every_golden_segment_and_each_is_opened_by_a_test() {
    let rows = documents::table("docs/format.md", "Golden segments");
    let listed: BTreeSet<String> = rows.iter().map(|row| row[0].clone()).collect();
    assert_eq!(listed, golden(), "the table (left) is not the directory (right)");
    let opening = documents::read("tests/format/opened.rs");
    for file in &listed {
        assert!(opening.contains(&format!("\"{file}\"")), "no test opens {file}");
    }
}

/// The constants that the document has of such a thing: a test of the library compares them with the code.
fn values_of(what: &str) -> BTreeSet<u64> {
    let rows = documents::table("docs/format.md", "Constants");
    let rows = rows.iter().filter(|row| row[0].starts_with(what));
    let values: BTreeSet<u64> = rows.map(|row| row[1].parse().expect("a number")).collect();
    assert!(values.len() > 1, "{what}: {values:?}");
    values
}

#[test]
fn there_is_a_golden_segment_of_every_kind_form_and_choice() {
    let all: Vec<Golden> = golden().iter().map(|file| Golden::read(file)).collect();
    let segments = || all.iter().filter(|golden| !golden.is_name_of_a_file());
    let found = |at: usize| segments().map(|golden| golden.number(4096 + at, 4)).collect::<BTreeSet<_>>();
    assert_eq!(values_of("kind "), found(40), "a kind (left) has no golden segment (right)");
    assert_eq!(values_of("parking "), found(196), "a choice of parking has none");
    assert_eq!(values_of("on receiver death "), found(152), "a choice on a receiver's death has none");
    // 0 is the form of cells.
    let forms = values_of("form ").into_iter().chain([0]).collect();
    assert_eq!(found(44), forms, "a form has none");
    let pages: BTreeSet<u64> = all.iter().map(|golden| golden.number(24, 4)).collect();
    assert_eq!(values_of("map kind "), pages, "a kind of map has none");
}

/// Keeps a channel of any kind there while its ends are gone.
fn keeper(space: &testing::TempNamespace) -> map::SharedMap {
    map::MapOptions::new().namespace(space.namespace()).open(NAME).expect("it is there")
}
