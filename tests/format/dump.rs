//! A whole file as text, and back.

use std::fmt::Write;
use std::ops::Range;
use std::path::Path;

use crate::documents;
use crate::fnv::fnv1a_64;
use crate::testing::TempNamespace;

fn number(file: &[u8], at: usize, bytes: usize) -> u64 {
    let mut number = [0; 8];
    number[..bytes].copy_from_slice(&file[at..at + bytes]);
    u64::from_le_bytes(number)
}

/// What differs from run to run, as bytes of the file: written as dots.
fn varying(file: &[u8]) -> Vec<Range<usize>> {
    // Of the registry page its checksum, id, creation time and creator.
    let mut varying = vec![8..16, 48..64, 64..72, 72..76];
    if number(file, 24, 4) == 2 {
        // Which file it leads to: device, inode and path.
        let (name_len, header_len) = (number(file, 80, 4) as usize, number(file, 20, 4) as usize);
        varying.extend([88..104, 128 + name_len..header_len]);
        return varying;
    }
    // Of a record who has it and since when, and when it was given back.
    varying.extend(records(file).map(|record| record + 8..record + 32));
    varying
}

/// Where the records begin that somebody has had.
fn records(file: &[u8]) -> impl Iterator<Item = usize> {
    let header = |at: usize| number(file, 4096 + at, 4) as usize;
    let (count, roster) = (header(48) + header(52), 4096 + header(112));
    let all = (0..count).map(move |record| roster + record * 128);
    all.filter(|record| number(file, *record, 8) != 0)
}

/// The file without the hints in its records and on the board, which everybody may ignore.
fn without_hints(file: &[u8]) -> Vec<u8> {
    let mut bytes = file.to_vec();
    if number(file, 24, 4) != 2 {
        for record in records(file) {
            bytes[record + 36..record + 64].fill(0);
            bytes[record + 72..record + 128].fill(0);
        }
        if number(file, 4096 + 44, 4) != 0 {
            let board = 4096 + number(file, 4096 + 120, 8) as usize + 256;
            bytes[board + 24..board + 32].fill(0);
        }
    }
    bytes
}

/// The file as text: offset, 16 bytes, and what of it is printable. Lines of zeros are left out.
fn dump(bytes: &[u8]) -> String {
    let varying = varying(bytes);
    let varies = |at| varying.iter().any(|range| range.contains(&at));
    let mut text = String::new();
    for (line, chunk) in bytes.chunks(16).enumerate() {
        let start = line * 16;
        if chunk.iter().all(|byte| *byte == 0) {
            continue;
        }
        let mut printed = String::new();
        write!(text, "{start:06x}").unwrap();
        for (at, byte) in (start..).zip(chunk) {
            if at % 8 == 0 {
                text.push(' ');
            }
            let shown = if varies(at) { " ..".to_owned() } else { format!(" {byte:02x}") };
            text.push_str(&shown);
            let printable = byte.is_ascii_graphic() && !varies(at);
            printed.push(if printable { char::from(*byte) } else { '.' });
        }
        writeln!(text, "  {printed}").unwrap();
    }
    writeln!(text, "{:06x}  end", bytes.len()).unwrap();
    text
}

/// Compares the file of that name with its dump.
pub(crate) fn assert_dump(space: &TempNamespace, file: &str) {
    let found = dump(&without_hints(&std::fs::read(space.path().join(crate::NAME)).unwrap()));
    let path = format!("tests/golden/{file}");
    if std::env::var_os("RINGWAY_BLESS").is_some() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path), &found).unwrap();
    }
    let golden = documents::read(&path);
    for (found, golden) in found.lines().zip(golden.lines()) {
        assert_eq!(found, golden, "{path}: found (left), expected (right)");
    }
    assert_eq!(found, golden, "{path}");
}

/// A dump, read back: what varies is zero.
pub(crate) struct Golden(Vec<u8>);

impl Golden {
    pub(crate) fn read(file: &str) -> Self {
        let text = documents::read(&format!("tests/golden/{file}"));
        let number = |digits: &str| usize::from_str_radix(digits, 16).expect("digits");
        let (_, last) = text.trim_end().rsplit_once('\n').expect("lines");
        let mut bytes = vec![0; number(&last[..6])];
        for line in text.lines().filter(|line| !line.ends_with("  end")) {
            let (start, rest) = (number(&line[..6]), &line[7..]);
            // 16 bytes of three characters, and a blank between two halves.
            let tokens = rest.get(..3 * 16 + 1).unwrap_or(rest).split_whitespace().take(16);
            for (at, token) in (start..).zip(tokens.filter(|token| token.len() == 2)) {
                bytes[at] = if token == ".." { 0 } else { number(token) as u8 };
            }
        }
        Self(bytes)
    }

    pub(crate) fn number(&self, at: usize, bytes: usize) -> u64 {
        number(&self.0, at, bytes)
    }

    pub(crate) fn is_name_of_a_file(&self) -> bool {
        self.number(24, 4) == 2
    }

    pub(crate) fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// The file, with the checksum of its page.
    pub(crate) fn file(mut self) -> Vec<u8> {
        let end = self.number(32, 8) as usize;
        let sum = fnv1a_64(&self.0[..end]);
        self.put(8, &sum.to_le_bytes());
        self.0
    }
}
