//! Every public item has an example that runs: in its own documentation, and not only somewhere near.
#![cfg(not(loom))]

#[allow(dead_code, unused_imports, reason = "other tests need the rest")]
#[path = "../src/documents.rs"]
mod documents;

use documents::read;

/// What has none of its own, and why.
const EXCEPTIONS: [(&str, &str); 4] = [
    ("cell", "`Cells` shows it"),
    ("table", "`Cells` shows it"),
    ("keyed_table", "`Cells` shows it"),
    ("Spot", "nobody outside can name it"),
];

/// The Rust files in a folder of `src`, without tests and without what only the derive calls.
fn files(folder: &str, found: &mut Vec<String>) {
    let full = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    for entry in std::fs::read_dir(full).expect("a folder") {
        let entry = entry.expect("readable");
        let name = entry.file_name().into_string().expect("UTF-8");
        let path = format!("{folder}/{name}");
        match entry.file_type().expect("known").is_dir() {
            true if name != "tests" => files(&path, found),
            false if name.ends_with(".rs") && name != "expansion.rs" => found.push(path),
            _ => {}
        }
    }
}

/// The name of an item that begins on this line, if it is public; a lint sees to it that it can then be reached.
fn item(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub ")?;
    let rest = rest.trim_start_matches("unsafe ").trim_start_matches("const ");
    let name = ["struct ", "enum ", "trait ", "fn "].iter().find_map(|kind| rest.strip_prefix(kind))?;
    name.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

#[test]
fn every_public_item_has_an_example() {
    let (mut paths, mut items, mut bare) = (Vec::new(), 0, Vec::new());
    ["channel", "inspect", "map", "message"].iter().for_each(|of| files(&format!("src/{of}"), &mut paths));
    for path in &paths {
        let text = read(path);
        let lines: Vec<_> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some(name) = item(line) else { continue };
            let ends = |line: &&&str| line.is_empty() || line.starts_with("pub ") || line.starts_with('}');
            let about: Vec<_> = lines[..at].iter().rev().take_while(|line| !ends(line)).collect();
            let says = |start: &str| about.iter().any(|line| line.starts_with(start));
            items += 1;
            if !says("/// ```") && !says("#[doc(hidden)]") {
                bare.push(name.to_owned());
            }
        }
    }
    assert!(items > 120, "found {items} items");
    bare.sort();
    let mut expected: Vec<_> = EXCEPTIONS.iter().map(|(name, _)| *name).collect();
    expected.sort();
    assert_eq!(bare, expected, "an item without an example, or an exception that has one");
}
