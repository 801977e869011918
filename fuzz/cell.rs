//! Any sequence of calls on cells and tables, beside a model of them: the latest value of each, and its number.

use std::time::Duration;

use ringway::Error;
use ringway::seqlock::{self, KeyedReader, KeyedWriter, LoadError, Reader, TableReader, WaitError, Writer};

use super::ends::{Checked, Numbered};
use super::input::Input;

/// Runs one input.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    match input.below(8) {
        0 => cell::<u64>(&mut input),
        1 => cell::<[u64; 16]>(&mut input),
        2 => cell::<Checked>(&mut input),
        3 => table::<u64>(&mut input),
        4 => table::<[u64; 16]>(&mut input),
        5 => keyed::<u64, Checked>(&mut input),
        6 => keyed::<[u64; 16], u64>(&mut input),
        _ => draft(&mut input),
    }
}

/// The latest value, if there is one.
type Latest<T> = Option<T>;

fn expected<T: Copy>(latest: Latest<T>) -> Result<T, LoadError> {
    latest.ok_or(LoadError::Empty)
}

/// Stores by some way.
fn store<T: Numbered>(writer: &mut Writer<T>, latest: &mut Latest<T>, input: &mut Input<'_>) {
    let value = T::of(input.number());
    let version = writer.version();
    match input.byte() % 3 {
        0 => writer.store(value),
        1 => writer.store_ref(&value),
        _ => {
            let before = writer.update(|old| std::mem::replace(old, value));
            assert_eq!(before, expected(*latest));
            if before.is_err() {
                return assert_eq!(writer.version(), version);
            }
        }
    }
    *latest = Some(value);
    assert_eq!(writer.version(), version + 1);
    assert_eq!(writer.load(), Ok(value));
}

fn check<T: Numbered>(reader: &Reader<T>, latest: Latest<T>, version: u64, seen: &mut u64, has_writer: bool) {
    assert_eq!((reader.version(), reader.load()), (version, expected(latest)));
    assert_eq!(reader.try_load(1).ok(), latest);
    assert_eq!(reader.load_boxed().ok().map(|value| *value), latest);
    assert_eq!(reader.changed(*seen), version != *seen);
    let newer = if version == *seen { None } else { latest };
    match newer {
        None if has_writer => {
            assert_eq!(reader.wait_newer(seen, Duration::ZERO), Err(WaitError::Timeout));
        }
        None => assert!(matches!(reader.wait_newer(seen, Duration::ZERO), Err(WaitError::Stale(_)))),
        Some(value) if version % 2 == 0 => assert_eq!(reader.wait_newer(seen, Duration::ZERO), Ok(value)),
        Some(value) => assert_eq!(reader.load_if_newer(seen), Ok(Some(value))),
    }
    assert_eq!(*seen, version);
    assert_eq!(reader.load_if_newer(seen), Ok(None));
}

fn cell<T: Numbered>(input: &mut Input<'_>) {
    let (writer, reader) = seqlock::in_process::<T>().expect("there is memory");
    let (mut writer, mut latest, mut version, mut seen) = (Some(writer), None, 0, 0);
    while !input.is_empty() {
        match input.byte() % 8 {
            0 => drop(writer.take()),
            1..=3 => check(&reader, latest, version, &mut seen, writer.is_some()),
            _ => {
                if let Some(writer) = &mut writer {
                    store(writer, &mut latest, input);
                    version = writer.version();
                }
            }
        }
    }
    check(&reader.clone(), latest, version, &mut seen, writer.is_some());
}

fn check_table<T: Numbered>(reader: &TableReader<T>, latest: &[Latest<T>]) {
    let expected: Vec<_> = latest.iter().map(|latest| expected(*latest)).collect();
    assert_eq!(reader.snapshot(), expected);
    assert_eq!(reader.snapshot_at_once(1), Some(expected));
}

fn table<T: Numbered>(input: &mut Input<'_>) {
    let cells = 1 + input.below(6);
    let (mut writers, reader) = seqlock::table_in_process::<T>(cells).expect("there is memory");
    let (mut latest, mut seen) = (vec![None; cells], vec![0; cells]);
    while !input.is_empty() {
        let which = input.below(cells);
        match input.byte() % 4 {
            0 => check_table(&reader, &latest),
            1 => check(&reader.cell(which), latest[which], writers[which].version(), &mut seen[which], true),
            _ => store(&mut writers[which], &mut latest[which], input),
        }
    }
    check_table(&reader, &latest);
}

fn check_keys<K: Numbered, T: Numbered>(reader: &KeyedReader<K, T>, keys: &[K], latest: &[T]) {
    let mut found = 0;
    for (key, value) in reader.entries() {
        let at = keys.iter().position(|known| *known == key).expect("nobody has stored under it");
        assert_eq!(value, Ok(latest[at]));
        found += 1;
    }
    assert_eq!(found, keys.len());
}

fn keyed<K: Numbered, T: Numbered>(input: &mut Input<'_>) {
    let cells = 1 + input.below(6);
    let made: (KeyedWriter<K, T>, KeyedReader<K, T>) =
        seqlock::keyed_table_in_process(cells).expect("there is memory");
    let (mut writer, reader) = made;
    let (mut keys, mut latest): (Vec<K>, Vec<T>) = (Vec::new(), Vec::new());
    while !input.is_empty() {
        let key = K::of((input.byte() % 9).into());
        let known = keys.iter().position(|known| *known == key);
        match input.byte() % 4 {
            0 => {
                let found = reader.find(&key);
                assert_eq!(found.is_some(), known.is_some());
                assert_eq!(found.and_then(|index| reader.key(index)), known.map(|at| keys[at]));
                assert_eq!(reader.load_key(&key).ok(), known.map(|at| latest[at]));
            }
            1 => check_keys(&reader, &keys, &latest),
            _ => {
                let value = T::of(input.number());
                match (writer.store(&key, value), known) {
                    (answer, Some(at)) => {
                        answer.expect("the key is there");
                        latest[at] = value;
                    }
                    (Ok(()), None) => {
                        assert!(keys.len() < cells);
                        keys.push(key);
                        latest.push(value);
                    }
                    (Err(error), None) => {
                        assert!(matches!(error, Error::NoFreeCell { .. }) && keys.len() == cells, "{error}");
                    }
                }
            }
        }
    }
    check_keys(&reader, &keys, &latest);
}

/// A value of 300 bytes that is written by parts.
fn draft(input: &mut Input<'_>) {
    let (mut writer, reader) = seqlock::in_process::<[u8; 300]>().expect("there is memory");
    let mut latest = [0; 300];
    let mut stored = 0;
    while !input.is_empty() {
        let mut draft = writer.draft();
        let mut value = latest;
        if input.byte() % 4 == 0 {
            value = [input.byte(); 300];
            draft.write(&value);
        } else {
            draft.copy_latest();
        }
        for _ in 0..input.below(4) {
            let at = input.number() as usize % 292;
            let word = input.word();
            draft.write_at(at, &word);
            value[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        let mut read = [0; 300];
        draft.read_bytes(0, &mut read);
        assert_eq!(read, value);
        // Half of them are given up.
        if input.byte() % 2 == 0 {
            draft.publish();
            (latest, stored) = (value, stored + 1);
        }
        let mut into = [1; 300];
        assert_eq!(reader.load_into(&mut into).is_ok(), stored > 0);
        assert_eq!((reader.version(), if stored > 0 { into } else { latest }), (stored, latest));
    }
}
