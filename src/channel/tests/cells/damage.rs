//! Damaged bytes of live cells: whoever comes is refused and told why, whoever is there goes on.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::{Bytes64, NAME, Sealed, layout};
use crate::channel::tests::damage::{HEADER, PAGE, assert_helpful};
use crate::map::Namespace;
use crate::segment::{Key, Kind};
use crate::seqlock::{
    self, Cells, Indexed, Keyed, KeyedReader, KeyedWriter, One, Reader, TableReader, Writer,
};
use crate::testing::{TempNamespace, watched};
use crate::{Error, Message};

const CELLS: usize = 3;
const KEY: u32 = 77;

/// What lives under the name, and one that knocks.
trait Live {
    const KIND: Kind;

    fn key() -> Option<Key>;
    fn new(dir: &Path) -> Self;
    /// Comes as a writer, or as a reader, and goes.
    fn knock(dir: &Path, as_writer: bool, existing: bool) -> Result<(), Error>;
    /// A value passes.
    fn pass(&mut self);
    /// A new reader is welcome.
    fn change_the_reader(&mut self, dir: &Path);
}

fn cells<A>(cells: Cells<Bytes64, A>, dir: &Path, existing: bool) -> Cells<Bytes64, A> {
    let cells = cells.namespace(Namespace::Dir(dir.to_owned()));
    if existing { cells.open_existing() } else { cells }
}

struct Cell(Writer<Bytes64>, Reader<Bytes64>);

impl Cell {
    fn open(dir: &Path, existing: bool) -> Cells<Bytes64, One> {
        cells(seqlock::cell(NAME), dir, existing)
    }
}

impl Live for Cell {
    const KIND: Kind = Kind::Cell;

    fn key() -> Option<Key> {
        None
    }

    fn new(dir: &Path) -> Self {
        let cell = Self::open(dir, false);
        Self(cell.clone().writer().expect("free"), cell.reader().expect("there"))
    }

    fn knock(dir: &Path, as_writer: bool, existing: bool) -> Result<(), Error> {
        let cell = Self::open(dir, existing);
        if as_writer { cell.writer().map(drop) } else { cell.reader().map(drop) }
    }

    fn pass(&mut self) {
        let number = super::store(&mut self.0);
        super::assert_has(&self.1, number);
    }

    fn change_the_reader(&mut self, dir: &Path) {
        self.1 = Self::open(dir, true).reader().expect("it is whole again");
    }
}

struct Table(Vec<Writer<Bytes64>>, TableReader<Bytes64>);

impl Table {
    fn open(dir: &Path, existing: bool) -> Cells<Bytes64, Indexed> {
        cells(seqlock::table(NAME), dir, existing)
    }
}

impl Live for Table {
    const KIND: Kind = Kind::Table;

    fn key() -> Option<Key> {
        None
    }

    fn new(dir: &Path) -> Self {
        let table = Self::open(dir, false).cells(CELLS);
        Self(table.clone().writers(0..CELLS).expect("free"), table.reader().expect("there"))
    }

    fn knock(dir: &Path, as_writer: bool, existing: bool) -> Result<(), Error> {
        let table = Self::open(dir, existing);
        if as_writer { table.writer(0).map(drop) } else { table.reader().map(drop) }
    }

    fn pass(&mut self) {
        for (index, writer) in self.0.iter_mut().enumerate() {
            let number = super::store(writer);
            assert_eq!(self.1.load(index).map(|value| value.number()), Ok(number));
        }
    }

    fn change_the_reader(&mut self, dir: &Path) {
        self.1 = Self::open(dir, true).reader().expect("it is whole again");
    }
}

struct KeyedTable(KeyedWriter<u32, Bytes64>, KeyedReader<u32, Bytes64>);

impl KeyedTable {
    fn open(dir: &Path, existing: bool) -> Cells<Bytes64, Keyed<u32>> {
        cells(seqlock::keyed_table(NAME), dir, existing)
    }
}

impl Live for KeyedTable {
    const KIND: Kind = Kind::KeyedTable;

    fn key() -> Option<Key> {
        Some(Key::of::<u32>())
    }

    fn new(dir: &Path) -> Self {
        let table = Self::open(dir, false).cells(CELLS);
        Self(table.clone().writer().expect("there"), table.reader().expect("there"))
    }

    fn knock(dir: &Path, as_writer: bool, existing: bool) -> Result<(), Error> {
        let table = Self::open(dir, existing);
        if as_writer { table.writer().map(drop) } else { table.reader().map(drop) }
    }

    fn pass(&mut self) {
        let number = self.0.entry(&KEY).expect("ours").version() + 1;
        self.0.store(&KEY, Bytes64::of(number)).expect("ours");
        assert_eq!(self.1.load_key(&KEY).map(|value| value.number()), Ok(number));
    }

    fn change_the_reader(&mut self, dir: &Path) {
        self.1 = Self::open(dir, true).reader().expect("it is whole again");
    }
}

fn file(space: &TempNamespace) -> File {
    OpenOptions::new().read(true).write(true).open(space.path().join(NAME)).expect("it is there")
}

/// What the cells say to one that comes while a byte is flipped. Whoever is there does not notice.
#[track_caller]
fn flipped<L: Live>(live: &mut L, space: &TempNamespace, file: &File, at: u64, mask: u8) -> Error {
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("within the file");
    file.write_all_at(&[byte[0] ^ mask], at).expect("within the file");
    let refusal = L::knock(space.path(), at % 3 == 0, at % 2 == 0);
    live.pass();
    file.write_all_at(&byte, at).expect("within the file");
    let error = refusal.expect_err("a flipped byte was accepted");
    assert_helpful(&error);
    assert_eq!(space.files(), [NAME], "live cells were removed: {error}");
    error
}

#[test]
fn every_flipped_byte_of_the_header_is_refused() {
    fn check<L: Live>() {
        let space = TempNamespace::new();
        let mut live = L::new(space.path());
        let file = file(&space);
        for at in 0..HEADER {
            for mask in [0xff, 1 << (at % 8), 0x80] {
                match flipped(&mut live, &space, &file, PAGE + at, mask) {
                    Error::NotAChannel { .. } => assert!(at < 8),
                    Error::Version { .. } => assert!((8..12).contains(&at)),
                    Error::Damaged { part: "header length", .. } => assert!((12..16).contains(&at)),
                    Error::Damaged { part: "state", .. } => assert!((16..24).contains(&at)),
                    Error::Damaged { part: "header checksum", .. } => assert!(at >= 24),
                    other => panic!("byte {at}: {other}"),
                }
            }
            live.change_the_reader(space.path());
            live.pass();
        }
        drop(live);
        space.assert_empty();
    }
    watched(check::<Cell>);
    watched(check::<Table>);
    watched(check::<KeyedTable>);
}

#[test]
fn every_flipped_byte_of_the_schemas_is_refused() {
    fn check<L: Live>() {
        let space = TempNamespace::new();
        let mut live = L::new(space.path());
        let file = file(&space);
        let value = Bytes64::SCHEMA.encode().len();
        let key = L::key().map_or(0, |key| key.schema.encode().len());
        assert_eq!(key > 0, L::KIND == Kind::KeyedTable);
        for at in HEADER..HEADER + (value + key) as u64 {
            for bit in 0..8 {
                let error = flipped(&mut live, &space, &file, PAGE + at, 1 << bit);
                let fingerprint = matches!(error, Error::Damaged { part: "schema fingerprint", .. });
                assert!(fingerprint, "byte {at}: {error}");
            }
        }
        live.change_the_reader(space.path());
        live.pass();
    }
    watched(check::<Cell>);
    watched(check::<Table>);
    watched(check::<KeyedTable>);
}

#[test]
fn a_header_that_somebody_made_up_is_refused_though_its_checksum_is_right() {
    fn check<L: Live>() {
        // Each word from `len` to the one before the reserved bytes, by halves where it has two.
        let space = TempNamespace::new();
        let mut live = L::new(space.path());
        let file = file(&space);
        let mut whole = [0; HEADER as usize];
        file.read_exact_at(&mut whole, PAGE).expect("within the file");
        let mut refused = 0;
        for at in (32..HEADER as usize).step_by(4) {
            for width in [4, 8].into_iter().filter(|width| at + width <= HEADER as usize) {
                let old =
                    whole[at..][..width].iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte));
                let near = [old.wrapping_add(1), old.wrapping_sub(1), old.wrapping_mul(2), old ^ 1 << 31];
                for value in near.into_iter().chain([0, 1, 4095, 1 << 32, 1 << 63, u64::MAX, u64::MAX - 255])
                {
                    let mut forged = whole;
                    forged[at..][..width].copy_from_slice(&value.to_le_bytes()[..width]);
                    // Another choice of parking is none that no maker could have made.
                    let mut chosen = whole;
                    chosen[196] = forged[196];
                    if forged == chosen && chosen[196] <= 2 {
                        continue;
                    }
                    let mut summed = forged;
                    summed[16..32].fill(0);
                    forged[24..32].copy_from_slice(&crate::fnv::fnv1a_64(&summed).to_le_bytes());
                    file.write_all_at(&forged, PAGE).expect("within the file");
                    for as_writer in [false, true] {
                        let error = L::knock(space.path(), as_writer, true).expect_err("forged");
                        assert_helpful(&error);
                        let told =
                            matches!(error, Error::Damaged { .. } | Error::Kind { .. } | Error::Type { .. });
                        assert!(told, "{at} {value:#x}: {error}");
                        refused += 1;
                    }
                }
            }
        }
        assert!(refused > 1000, "only {refused}");
        file.write_all_at(&whole, PAGE).expect("within the file");
        live.change_the_reader(space.path());
        live.pass();
    }
    watched(check::<Cell>);
    watched(check::<Table>);
    watched(check::<KeyedTable>);
}

#[test]
fn truncated_cells_are_refused() {
    let space = TempNamespace::new();
    let cell = Cell::open(space.path(), false);
    let writer = cell.clone().writer().expect("free");
    let map = crate::map::MapOptions::new().namespace(space.namespace()).open(NAME).expect("it is there");
    drop(writer);
    let file = file(&space);
    let len = file.metadata().expect("it is open").len();
    assert!(len >= PAGE + layout::<Bytes64>(Kind::Cell, None, 1).len);
    let mut whole = vec![0; len as usize];
    file.read_exact_at(&mut whole, 0).expect("within the file");
    for short in [0, 1, 8, 128, PAGE - 1, PAGE, PAGE + 1, PAGE + HEADER, len - 1] {
        file.set_len(short).expect("a tmpfs file can shrink");
        for refusal in [Cell::knock(space.path(), true, false), Cell::knock(space.path(), false, true)] {
            assert_helpful(&refusal.expect_err("a part of it is missing"));
        }
        file.write_all_at(&whole, 0).expect("it can grow");
    }
    Cell::knock(space.path(), false, true).expect("it is whole again");
    drop(map);
    space.assert_empty();
}
