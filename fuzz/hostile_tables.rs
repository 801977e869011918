//! The part of `hostile` that is about tables: writers that die and come again, readers, and somebody who writes into
//! their memory.

use std::collections::BTreeMap;
use std::time::Duration;

use ringway::seqlock::{self, KeyedReader, KeyedWriter, TableReader, Writer};
use ringway::{Departure, Error};

use super::ends::{Checked, Numbered};
use super::hostile::When;
use super::hostile_cells::{MOMENT, Model, Values};
use super::input::Input;
use super::scribble::beside;
use super::segment::{Damage, NAME, Space};

/// The values of tables without keys.
type Wide = [u64; 16];

/// Runs one input for a table.
pub(crate) fn table(space: &Space, input: &mut Input<'_>, when: When) {
    let cells = 1 + input.below(4);
    let table = seqlock::table::<Wide>(NAME).namespace(space.namespace()).cells(cells);
    let table = table.liveness_interval(Duration::ZERO);
    let writers = table.clone().create_new().writers(0..cells).expect("the name is free");
    let writers = writers.into_iter().map(Some).collect();
    let reader = table.clone().open_existing().reader().expect("it is there");
    let map = space.map();
    let models = (0..cells).map(|_| Model::new()).collect();
    let (damage, values) = (Damage::new(&map), Values::new(when));
    let mut bench = Table { table, writers, reader, damage, values, models };
    beside(when, &map, input, |input, calls| {
        while let Some(operation) = calls.next(input) {
            bench.operate(operation % 16, input);
        }
    });
}

struct Table {
    table: seqlock::Table<Wide>,
    writers: Vec<Option<Writer<Wide>>>,
    reader: TableReader<Wide>,
    damage: Damage,
    values: Values,
    models: Vec<Model>,
}

impl Table {
    fn operate(&mut self, operation: u8, input: &mut Input<'_>) {
        let which = input.below(self.models.len());
        let is_known = self.values.are_known(&self.damage);
        match (operation, &mut self.writers[which]) {
            (0..=3, _) if self.values.when == When::Between => self.damage.strike(input),
            (4..=7, None) => self.come(which),
            (4..=7, Some(_)) => self.write(operation, which, input),
            (8, writer @ Some(_)) => {
                let before = self.damage.snapshot();
                drop(writer.take());
                let is_killed = input.byte() % 4 != 0;
                if is_killed {
                    self.damage.restore(&before);
                }
                self.models[which].gone = Some(if is_killed { Departure::Died } else { Departure::Left });
            }
            (9, _) => {
                let answer = self.reader.load(which);
                self.values.check_answer(&self.damage, &self.models[which], answer);
            }
            (10, _) => {
                let answer = self.reader.try_load(which, 1);
                self.values.check_attempt(&self.damage, &self.models[which], answer);
            }
            (11, _) => {
                let all = self.reader.snapshot_at_once(2);
                assert!(all.is_some() || self.values.when == When::Meanwhile);
                self.check_all(all.into_iter().flatten());
            }
            (12, _) => self.check_all(self.reader.snapshot().into_iter()),
            (13 | 14, writer) => {
                let (model, has_writer) = (&mut self.models[which], writer.is_some());
                let expected = model.newer(model.seen, has_writer);
                let answer = self.reader.wait_newer(which, &mut model.seen, MOMENT);
                self.values.check_newer(&self.damage, expected, answer);
            }
            (_, writer) => {
                let (freshness, version) = (self.reader.freshness(which), self.reader.version(which));
                if is_known {
                    self.models[which].check_freshness(freshness, writer.is_some());
                    assert_eq!(version, self.models[which].version);
                }
            }
        }
    }

    fn write(&mut self, operation: u8, which: usize, input: &mut Input<'_>) {
        let writer = self.writers[which].as_mut().expect("there is one");
        let (number, value) = self.values.next::<Wide>();
        match operation {
            4 => writer.store(value),
            5 => {
                self.values.check_answer(&self.damage, &self.models[which], writer.load());
                writer.store_ref(&value);
            }
            6 => {
                let mut draft = writer.draft();
                // Half of it, or all.
                draft.write_bytes(0, &number.to_ne_bytes().repeat(value.len() / 2));
                // A quarter of them come to nothing.
                if input.byte() % 4 == 0 {
                    drop(draft);
                    self.values.halves.push(number);
                    return;
                }
                draft.write(&value);
                draft.publish();
            }
            _ => {
                let before = writer.update(|old| std::mem::replace(old, value));
                self.values.check_answer(&self.damage, &self.models[which], before);
                if before.is_err() {
                    return;
                }
            }
        }
        self.models[which].store(number);
    }

    /// The next writer of a cell, which finds what the one before has left.
    fn come(&mut self, which: usize) {
        let writer = self.table.clone().open_existing().writer(which);
        if self.values.are_known(&self.damage) {
            let (model, writer) = (&self.models[which], writer.as_ref().expect("the role is free"));
            assert_eq!(writer.predecessor(), model.predecessor());
            assert_eq!((writer.version(), writer.load()), (model.version, model.value()));
        }
        self.writers[which] = writer.ok();
    }

    fn check_all(&self, answers: impl Iterator<Item = Result<Wide, seqlock::LoadError>>) {
        for (answer, model) in answers.zip(&self.models) {
            self.values.check_answer(&self.damage, model, answer);
        }
    }
}

/// Runs one input for a keyed table.
pub(crate) fn keyed(space: &Space, input: &mut Input<'_>, when: When) {
    let cells = 1 + input.below(6);
    let table = seqlock::keyed_table::<Checked, u64>(NAME).namespace(space.namespace()).cells(cells);
    let table = table.liveness_interval(Duration::ZERO);
    let first = table.clone().create_new().writer().expect("the name is free");
    let second = table.clone().open_existing().writer().expect("it is there");
    let reader = table.clone().open_existing().reader().expect("it is there");
    let map = space.map();
    let writers = [Some(first), Some(second)];
    let mut bench =
        Keyed { table, cells, writers, reader, damage: Damage::new(&map), when, known: BTreeMap::new() };
    beside(when, &map, input, |input, calls| {
        while let Some(operation) = calls.next(input) {
            bench.operate(operation % 12, input);
        }
    });
}

/// What a key should have.
struct Entry {
    value: u64,
    /// Which writer has its cell.
    owner: Option<usize>,
    /// How the last one went that had it and has gone.
    gone: Option<Departure>,
}

struct Keyed {
    table: seqlock::KeyedTable<Checked, u64>,
    cells: usize,
    writers: [Option<KeyedWriter<Checked, u64>>; 2],
    reader: KeyedReader<Checked, u64>,
    damage: Damage,
    when: When,
    /// By the number that the key is made of.
    known: BTreeMap<u64, Entry>,
}

impl Keyed {
    fn is_known(&self) -> bool {
        !self.damage.any && self.when == When::Between
    }

    fn operate(&mut self, operation: u8, input: &mut Input<'_>) {
        let (who, number) = (input.below(2), u64::from(input.byte() % 9));
        let key = Checked::of(number);
        match operation {
            0..=2 if self.when == When::Between => self.damage.strike(input),
            3..=6 => match self.writers[who] {
                Some(_) => self.store(operation, who, number, input),
                None => {
                    let writer = self.table.clone().open_existing().writer();
                    assert!(!self.is_known() || writer.is_ok(), "{writer:?}");
                    self.writers[who] = writer.ok();
                }
            },
            7 => self.go(who, input.byte() % 4 != 0),
            8 => {
                let found = self.reader.find(&key);
                assert!(found.is_none_or(|index| index < self.cells));
                if self.is_known() {
                    assert_eq!(found.is_some(), self.known.contains_key(&number));
                    assert!(found.is_none_or(|index| self.reader.key(index) == Some(key)));
                }
            }
            9 => {
                let entries: Vec<_> = self.reader.entries().collect();
                assert!(entries.len() <= self.cells);
                if self.is_known() {
                    let found = entries.into_iter().map(|(key, value)| (key.number(), value.ok()));
                    let expected =
                        self.known.iter().map(|(number, entry)| (Some(*number), Some(entry.value)));
                    assert_eq!(found.collect::<BTreeMap<_, _>>(), expected.collect());
                }
            }
            10 => {
                let answer = self.reader.load_key(&key);
                let expected = self.known.get(&number).map(|entry| entry.value);
                assert!(!self.is_known() || answer.ok() == expected, "{answer:?}, not {expected:?}");
            }
            _ => self.look(&key, number, input),
        }
    }

    fn store(&mut self, operation: u8, who: usize, number: u64, input: &mut Input<'_>) {
        let (key, value) = (Checked::of(number), input.number());
        let entry = self.known.get(&number);
        let is_taken = entry.is_some_and(|entry| entry.owner.is_some_and(|owner| owner != who));
        // To be refused takes a while.
        if is_taken && input.byte() % 64 != 1 {
            return;
        }
        let writer = self.writers[who].as_mut().expect("there is one");
        let answer = if operation == 3 {
            writer.entry(&key).map(|mut entry| {
                // Of a key that is new there is no value to be changed.
                if entry.update(|old| *old = value).is_err() {
                    entry.store_ref(&value);
                }
            })
        } else {
            writer.store(&key, value)
        };
        if self.is_known() {
            let is_full = entry.is_none() && self.known.len() == self.cells;
            match &answer {
                Err(Error::RoleTaken { .. }) => assert!(is_taken),
                Err(Error::NoFreeCell { .. }) => assert!(is_full),
                Err(error) => panic!("{error}"),
                Ok(()) => assert!(!is_taken && !is_full),
            }
        }
        match answer {
            Ok(()) => {
                let gone = entry.and_then(|entry| entry.gone);
                self.known.insert(number, Entry { value, owner: Some(who), gone });
            }
            Err(error) => assert!(error.to_string().contains(NAME), "{error}"),
        }
    }

    /// A writer leaves, or is killed, and with it all its keys are free to be written.
    fn go(&mut self, who: usize, is_killed: bool) {
        let before = self.damage.snapshot();
        drop(self.writers[who].take());
        if is_killed {
            self.damage.restore(&before);
        }
        let departure = if is_killed { Departure::Died } else { Departure::Left };
        for entry in self.known.values_mut().filter(|entry| entry.owner == Some(who)) {
            (entry.owner, entry.gone) = (None, Some(departure));
        }
    }

    fn look(&self, key: &Checked, number: u64, input: &mut Input<'_>) {
        let any = input.below(self.cells);
        let index = self.reader.find(key).unwrap_or(any);
        let (freshness, version) = (self.reader.freshness(index), self.reader.version(index));
        if let Some(entry) = self.known.get(&number).filter(|_| self.is_known()) {
            let model = Model { gone: entry.gone, ..Model::new() };
            model.check_freshness(freshness, entry.owner.is_some());
            assert!(version > 0);
        }
    }
}
