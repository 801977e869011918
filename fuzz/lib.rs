//! The bodies of the fuzz targets, as plain functions of bytes: `fuzz_targets/` runs them with the fuzzer's, and
//! `tests/fuzz.rs`, which includes this file by its path, with those of the repository's corpus and with random ones.

pub mod cell;
mod ends;
#[path = "../src/fnv.rs"]
mod fnv;
pub mod hostile;
mod hostile_cells;
mod hostile_tables;
mod input;
pub mod inspect;
pub mod open;
pub mod operations;
pub mod ring;
pub mod schema;
pub mod scribble;
mod segment;
mod start;
#[allow(dead_code, unused_imports, reason = "the tool needs the rest")]
#[path = "../cli/src/value/mod.rs"]
mod tool;
pub mod value;
pub mod waiting;

/// Runs one input, and panics if something is wrong.
pub type Body = fn(&[u8]);

/// Every target, by its name.
pub const TARGETS: &[(&str, Body)] = &[
    ("operations", operations::run),
    ("open", open::run),
    ("inspect", inspect::run),
    ("hostile", hostile::run),
    ("scribble", scribble::run),
    ("waiting", waiting::run),
    ("ring", ring::run),
    ("cell", cell::run),
    ("schema", schema::run),
    ("value", value::run),
];
