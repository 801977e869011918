//! Tables of cells by key.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::time::Duration;

use ringway::map;
use ringway::seqlock::{self, Cells, Freshness, Keyed, KeyedReader, KeyedWriter, LoadError, WaitError};
use ringway::{Departure, Error, Message, Predecessor};

use crate::cells::ME;
use crate::testing::{TempNamespace, WATCHDOG, watched};

/// A key as people write it.
#[derive(Message, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(C)]
struct Symbol([u8; 8]);

fn symbol(text: &str) -> Symbol {
    let mut bytes = [0; 8];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    Symbol(bytes)
}

fn table<K: Message, T: Message>(space: &TempNamespace) -> Cells<T, Keyed<K>> {
    let dir = map::Namespace::Dir(space.path().to_owned());
    seqlock::keyed_table("c").namespace(dir).liveness_interval(Duration::from_millis(1))
}

/// Runs a test over the heap and over a name, which has to be gone afterwards.
#[track_caller]
fn both<K: Message, T: Message>(cells: usize, test: fn(KeyedWriter<K, T>, KeyedReader<K, T>)) {
    watched(move || {
        let (writer, reader) = seqlock::keyed_table_in_process(cells).expect("there is memory");
        test(writer, reader);
        let space = TempNamespace::new();
        let writer = table(&space).cells(cells).create_new().writer().expect("the name is free");
        let reader = table(&space).open_existing().reader().expect("it is there");
        test(writer, reader);
        space.assert_empty();
    });
}

#[test]
fn a_value_is_found_by_its_key() {
    fn test(mut writer: KeyedWriter<Symbol, [u64; 3]>, reader: KeyedReader<Symbol, [u64; 3]>) {
        let ibm = symbol("IBM");
        assert_eq!((reader.find(&ibm), reader.load_key(&ibm)), (None, Err(LoadError::Empty)));
        assert_eq!((reader.len(), reader.entries().count()), (8, 0));
        assert!((0..8).all(|index| reader.key(index).is_none()));
        let mut wanted = BTreeMap::new();
        for (number, text) in ["IBM", "AAPL", "MSFT", "A", ""].iter().enumerate() {
            let value = [number as u64; 3];
            writer.store(&symbol(text), [0; 3]).expect("there is room");
            writer.store(&symbol(text), value).expect("there is room");
            wanted.insert(symbol(text), Ok(value));
            let cell = reader.find(&symbol(text)).expect("it was put");
            assert_eq!((reader.key(cell), reader.load(cell)), (Some(symbol(text)), Ok(value)));
            assert_eq!((reader.version(cell), reader.load_key(&symbol(text))), (2, Ok(value)));
            assert!(matches!(reader.freshness(cell), Freshness::Fresh { pid, .. } if pid == ME()));
        }
        assert_eq!(reader.entries().collect::<BTreeMap<_, _>>(), wanted);
        assert_eq!((reader.find(&symbol("IBN")), reader.find(&symbol("IBM "))), (None, None));
        assert_eq!(reader.snapshot().iter().flatten().count(), 5);
        // In place, and by change of what is there.
        let mut found = writer.entry(&ibm).expect("ours");
        assert_eq!((found.version(), found.update(|value| value[0] = 9)), (2, Ok(())));
        let mut draft = found.draft();
        draft.copy_latest();
        draft.write_at(8, &7_u64);
        draft.publish();
        assert_eq!(reader.load_key(&ibm), Ok([9, 7, 0]));
        // A clone, and a key that stays after its writer left.
        let (clone, cell) = (reader.clone(), reader.find(&ibm).expect("it was put"));
        drop((reader, writer));
        assert_eq!((clone.find(&ibm), clone.load_key(&ibm)), (Some(cell), Ok([9, 7, 0])));
        assert!(matches!(clone.freshness(cell), Freshness::Stale { writer: Departure::Left, .. }));
        let stale = Err(WaitError::Stale(Departure::Left));
        assert_eq!(clone.wait_newer(cell, &mut 4, WATCHDOG), stale);
        assert_eq!(clone.entries().count(), 5);
    }
    both(8, test);
}

#[test]
fn a_key_without_a_value_is_there_and_empty() {
    fn test(mut writer: KeyedWriter<u32, u64>, reader: KeyedReader<u32, u64>) {
        assert_eq!(writer.entry(&5).expect("there is room").version(), 0);
        let cell = reader.find(&5).expect("it was put");
        assert_eq!((reader.load(cell), reader.load_key(&5)), (Err(LoadError::Empty), Err(LoadError::Empty)));
        assert_eq!(reader.entries().collect::<Vec<_>>(), [(5, Err(LoadError::Empty))]);
    }
    both(3, test);
}

/// FNV-1a of 64 bits, as the page on the format says.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn keys_that_want_the_same_cell_lie_behind_each_other_and_round_the_end() {
    fn test(mut writer: KeyedWriter<u64, u64>, reader: KeyedReader<u64, u64>) {
        let cells = reader.len() as u64;
        // All of them want the last cell but one.
        let keys: Vec<u64> = (0..)
            .filter(|key: &u64| hash(&key.to_ne_bytes()) % cells == cells - 2)
            .take(reader.len())
            .collect();
        for (nth, key) in keys.iter().enumerate() {
            writer.store(key, key + 1).expect("there is room");
            assert_eq!(reader.find(key), Some((reader.len() - 2 + nth) % reader.len()));
        }
        for key in &keys {
            assert_eq!(reader.load_key(key), Ok(key + 1));
            writer.store(key, key + 2).expect("ours");
            assert_eq!(reader.load_key(key), Ok(key + 2));
        }
        let other = (0..).find(|key| !keys.contains(key)).expect("there are more");
        assert_eq!((reader.find(&other), reader.load_key(&other)), (None, Err(LoadError::Empty)));
        let error = writer.store(&other, 0).expect_err("it is full");
        let text = error.to_string();
        assert!(matches!(error, Error::NoFreeCell { cells: 5, .. }), "{text}");
        let name = if text.contains("`c`") { "c" } else { "in process" };
        let wanted = format!(
            "table `{name}` has no room for another key: found other keys in all 5 cells, expected a cell without \
             one; create the table anew with more cells"
        );
        assert_eq!(text, wanted);
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::StorageFull);
        // What is there can be written still.
        writer.store(&keys[4], 1).expect("ours");
        assert_eq!(reader.load_key(&keys[4]), Ok(1));
    }
    both(5, test);
}

#[test]
fn keys_of_any_size_and_alignment_are_told_apart() {
    fn check<K: Message>(of: fn(u8) -> K) {
        for cells in [1, 9] {
            let (mut writer, reader) =
                seqlock::keyed_table_in_process::<K, u64>(cells).expect("there is memory");
            for number in 0..cells as u8 {
                writer.store(&of(number), u64::from(number) + 1).expect("there is room");
            }
            for number in 0..cells as u8 {
                assert_eq!(reader.load_key(&of(number)), Ok(u64::from(number) + 1));
            }
            assert_eq!(reader.find(&of(200)), None);
        }
    }
    check::<u8>(|number| number);
    check::<[u8; 3]>(|number| [9, 9, number]);
    check::<[u8; 9]>(|number| std::array::from_fn(|at| if at == 8 { number } else { 1 }));
    check::<u128>(|number| u128::from(number) << 120);
    check::<[u64; 100]>(|number| std::array::from_fn(|at| if at == 99 { number.into() } else { 0 }));
    check::<f64>(f64::from);
    // The same if its bytes are.
    let (mut writer, reader) = seqlock::keyed_table_in_process::<f64, u8>(4).expect("there is memory");
    writer.store(&0.0, 1).expect("there is room");
    writer.store(&f64::NAN, 2).expect("there is room");
    assert_eq!((reader.find(&-0.0), reader.load_key(&0.0), reader.load_key(&f64::NAN)), (None, Ok(1), Ok(2)));
}

#[test]
fn writers_of_keys_share_a_table_and_a_key_has_one() {
    let space = TempNamespace::new();
    let reader = table::<u32, u64>(&space).cells(8).reader().expect("the name is free");
    let mut one = table::<u32, u64>(&space).writer().expect("anybody may");
    let mut two = table::<u32, u64>(&space).writer().expect("anybody may");
    for key in 0..4 {
        one.store(&key, 1).expect("there is room");
        two.store(&(10 + key), 2).expect("there is room");
    }
    for (writer, theirs) in [(&mut one, 10..14), (&mut two, 0..4)] {
        for key in theirs {
            let error = writer.store(&key, 9).expect_err("it is another's");
            assert!(matches!(error, Error::RoleTaken { role: "writer", pid, .. } if pid == ME()), "{error}");
        }
    }
    let mut values: Vec<_> = reader.entries().map(|(key, value)| (key, value.expect("a value"))).collect();
    values.sort_unstable();
    assert_eq!(values, [(0, 1), (1, 1), (2, 1), (3, 1), (10, 2), (11, 2), (12, 2), (13, 2)]);
    drop(one);
    for key in 0..4 {
        let mut writer = two.entry(&key).expect("free now");
        assert_eq!((writer.version(), writer.predecessor()), (1, Predecessor::Left));
        writer.store(3);
        assert_eq!(reader.load_key(&key), Ok(3));
    }
    drop((two, reader));
    space.assert_empty();
}

#[test]
fn of_writers_that_want_the_same_new_key_at_once_one_gets_it() {
    const WRITERS: usize = 4;
    let space = TempNamespace::new();
    let reader = table::<u64, u64>(&space).cells(64).reader().expect("the name is free");
    let barrier = Barrier::new(WRITERS);
    let won = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..WRITERS as u64)
            .map(|thread| {
                let (space, barrier) = (&space, &barrier);
                scope.spawn(move || {
                    let mut writer = table::<u64, u64>(space).writer().expect("anybody may");
                    let mut won = Vec::new();
                    for key in 0..16 {
                        barrier.wait();
                        match writer.store(&key, thread) {
                            Ok(()) => won.push((key, thread)),
                            Err(Error::RoleTaken { pid, .. }) => assert_eq!(pid, ME()),
                            Err(error) => panic!("{error}"),
                        }
                    }
                    // Until everybody has tried.
                    barrier.wait();
                    won
                })
            })
            .collect();
        let mut won: Vec<_> =
            threads.into_iter().flat_map(|thread| thread.join().expect("it ended well")).collect();
        won.sort_unstable();
        won
    });
    assert_eq!(won.iter().map(|(key, _)| *key).collect::<Vec<_>>(), (0..16).collect::<Vec<_>>(), "{won:?}");
    let mut entries: Vec<_> = reader.entries().map(|(key, value)| (key, value.expect("a value"))).collect();
    entries.sort_unstable();
    assert_eq!(entries, won, "a key is in one cell, with the value of the one that got it");
    drop(reader);
    space.assert_empty();
}
