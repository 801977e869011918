//! For the tests: the tables of `docs/`, to be compared with the code.
//!
//! Integration tests include this file by its path.

use std::path::Path;

/// Offset and size of the named fields of a struct, as (name, offset, size).
#[allow(unused_macros, reason = "for the unit tests, which see the fields")]
macro_rules! fields {
    ($type:ty: $($field:ident)*) => {
        [$((
            stringify!($field),
            std::mem::offset_of!($type, $field),
            crate::documents::size_behind(|whole: &$type| &whole.$field),
        )),*]
    };
}
#[allow(unused_imports, reason = "for the unit tests, which see the fields")]
pub(crate) use fields;

/// The size of what a function refers to.
pub(crate) fn size_behind<S, F>(_: impl Fn(&S) -> &F) -> usize {
    size_of::<F>()
}

/// A file of the repository.
#[track_caller]
pub(crate) fn read(path: &str) -> String {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(full).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rows of the first table under a heading, without its head, as cells without backticks.
#[track_caller]
pub(crate) fn table(path: &str, heading: &str) -> Vec<Vec<String>> {
    let text = read(path);
    let mut lines = text.lines().skip_while(|line| line.trim_start_matches('#').trim() != heading).skip(1);
    let mut rows = Vec::new();
    for line in lines.by_ref().take_while(|line| !line.starts_with('#')) {
        match line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) {
            Some(row) => rows.push(row.split('|').map(|cell| cell.trim().replace('`', "")).collect()),
            None if rows.is_empty() => {}
            None => break,
        }
    }
    assert!(rows.len() > 2, "{path}: no table under `{heading}`");
    rows.split_off(2)
}

/// Fails the test unless the table under the heading (byte, bytes, field, …) has exactly these fields, one
/// after the other, and ends where the struct does. A field that begins with `(` is space between fields.
#[track_caller]
pub(crate) fn assert_fields(path: &str, heading: &str, fields: &[(&str, usize, usize)], size: usize) {
    let mut end = 0;
    let mut documented = Vec::new();
    for row in table(path, heading) {
        let number = |cell: &str| cell.parse().unwrap_or_else(|_| panic!("{heading}: `{cell}` is no number"));
        let (offset, bytes): (usize, usize) = (number(&row[0]), number(&row[1]));
        assert_eq!(offset, end, "{heading}: `{}` does not begin where the one before ends", row[2]);
        end = offset + bytes;
        if !row[2].starts_with('(') {
            documented.push((row[2].clone(), offset, bytes));
        }
    }
    assert_eq!(end, size, "{heading}: the table does not end where the struct does");
    let fields: Vec<_> = fields.iter().map(|&(name, offset, size)| (name.to_owned(), offset, size)).collect();
    assert_eq!(documented, fields, "{heading}: the table (left) is not the struct (right)");
}

/// Fails the test unless the table under the heading (name, value, …) has each of these values.
#[track_caller]
pub(crate) fn assert_values(path: &str, heading: &str, values: &[(&str, String)]) {
    let rows = table(path, heading);
    for (name, value) in values {
        let row = rows.iter().find(|row| row[0] == *name);
        let row = row.unwrap_or_else(|| panic!("{heading}: no row `{name}`"));
        assert_eq!(&row[1], value, "{heading}: `{name}`: the table (left) is not the code (right)");
    }
}
