//! The part of `hostile` that is about cells: a writer, readers, and somebody who writes into their memory.

use std::time::Duration;

use ringway::map::SharedMap;
use ringway::seqlock::{self, Freshness, LoadError, Reader, TryLoadError, WaitError, Writer};
use ringway::{Departure, Predecessor};

use super::ends::{Checked, Numbered};
use super::hostile::When;
use super::hostile_tables;
use super::input::Input;
use super::scribble::beside;
use super::segment::{Damage, NAME, Space};

/// Runs one input for a cell, a table, or a keyed table.
pub(crate) fn attack(which: usize, input: &mut Input<'_>, when: When) {
    let space = Space::new();
    match which {
        0 => cell::<u64>(&space, input, when),
        1 => cell::<Checked>(&space, input, when),
        // To copy it takes longer than to write a word.
        2 => cell::<[u64; 512]>(&space, input, when),
        3 => hostile_tables::table(&space, input, when),
        _ => hostile_tables::keyed(&space, input, when),
    }
}

/// How long a wait may take.
pub(crate) const MOMENT: Duration = Duration::from_micros(30);

/// A cell as it should be. Once a word was hit it need not be so any more.
pub(crate) struct Model {
    pub(crate) latest: Option<u64>,
    pub(crate) version: u64,
    /// How the last writer went, if it did.
    pub(crate) gone: Option<Departure>,
    /// What one reader has seen.
    pub(crate) seen: u64,
}

impl Model {
    /// Of a cell that has a writer.
    pub(crate) fn new() -> Self {
        Self { latest: None, version: 0, gone: None, seen: 0 }
    }

    pub(crate) fn store(&mut self, number: u64) {
        self.latest = Some(number);
        self.version += 1;
    }

    pub(crate) fn predecessor(&self) -> Predecessor {
        match self.gone {
            None => Predecessor::None,
            Some(Departure::Left) => Predecessor::Left,
            Some(Departure::Died) => Predecessor::Died,
        }
    }

    pub(crate) fn value<T: Numbered>(&self) -> Result<T, LoadError> {
        self.latest.map(T::of).ok_or(LoadError::Empty)
    }

    pub(crate) fn check_freshness(&self, freshness: Freshness, has_writer: bool) {
        match freshness {
            Freshness::Awaited => panic!("there was a writer"),
            Freshness::Fresh { .. } => assert!(has_writer),
            Freshness::Stale { writer, .. } => assert!(!has_writer && Some(writer) == self.gone, "{writer}"),
        }
    }

    /// What a wait for a newer value than the one that was seen comes to.
    pub(crate) fn newer<T: Numbered>(&self, seen: u64, has_writer: bool) -> Result<T, WaitError> {
        match self.gone {
            // Only of a cell that was hit more may have been seen than it has.
            _ if seen != self.version => self.latest.map(T::of).ok_or(WaitError::Timeout),
            Some(departure) if !has_writer => Err(WaitError::Stale(departure)),
            _ => Err(WaitError::Timeout),
        }
    }
}

/// What was stored.
pub(crate) struct Values {
    pub(crate) next: u64,
    pub(crate) when: When,
    /// Of drafts that came to nothing when their first half was written.
    pub(crate) halves: Vec<u64>,
}

impl Values {
    pub(crate) fn new(when: When) -> Self {
        Self { next: 1, when, halves: Vec::new() }
    }

    pub(crate) fn next<T: Numbered>(&mut self) -> (u64, T) {
        self.next += 1;
        (self.next - 1, T::of(self.next - 1))
    }

    /// Whether all is as the model says.
    pub(crate) fn are_known(&self, damage: &Damage) -> bool {
        !damage.any && self.when == When::Between
    }

    /// What a reader has to get while only sequences were hit: something that was stored, or zeros. A wrong sequence
    /// can also be that of a slot in which a draft has left a half of its own.
    fn check<T: Numbered>(&self, damage: &Damage, value: &T) {
        if !damage.hit && self.when == When::Between {
            let is_whole = |number: u64| number < self.next && !self.halves.contains(&number);
            let is_known = match value.halves() {
                [Some(first), Some(second)] => {
                    is_whole(second) && (first == second || self.halves.contains(&first))
                }
                _ => false,
            };
            assert!(is_known, "{value:?} of {}, of which {:?} are halves", self.next, self.halves);
        }
    }

    pub(crate) fn check_answer<T: Numbered>(
        &self,
        damage: &Damage,
        model: &Model,
        answer: Result<T, LoadError>,
    ) {
        if self.are_known(damage) {
            return assert_eq!(answer, model.value());
        }
        match answer {
            Ok(value) => self.check(damage, &value),
            Err(LoadError::Empty) => {}
            Err(LoadError::Invalid(field)) => {
                assert!(T::CHECKED && (damage.hit || self.when == When::Meanwhile), "{field}");
            }
        }
    }

    /// Between calls nobody is in the way of a reader, so that one attempt is enough.
    pub(crate) fn check_attempt<T: Numbered>(
        &self,
        damage: &Damage,
        model: &Model,
        answer: Result<T, TryLoadError>,
    ) {
        let answer = match answer {
            Ok(value) => Ok(value),
            Err(TryLoadError::Empty) => Err(LoadError::Empty),
            Err(TryLoadError::Invalid(field)) => Err(LoadError::Invalid(field)),
            Err(TryLoadError::Overtaken) => {
                return assert!(self.when == When::Meanwhile, "nobody has stored anything");
            }
        };
        self.check_answer(damage, model, answer);
    }

    pub(crate) fn check_newer<T: Numbered>(
        &self,
        damage: &Damage,
        expected: Result<T, WaitError>,
        answer: Result<T, WaitError>,
    ) {
        if self.are_known(damage) {
            return assert_eq!(answer, expected);
        }
        match answer {
            Ok(value) => self.check(damage, &value),
            Err(WaitError::Invalid(_)) => assert!(T::CHECKED),
            Err(_) => {}
        }
    }
}

fn cell<T: Numbered>(space: &Space, input: &mut Input<'_>, when: When) {
    let cell = seqlock::cell::<T>(NAME).namespace(space.namespace()).liveness_interval(Duration::ZERO);
    let writer = Some(cell.clone().create_new().writer().expect("the name is free"));
    let reader = cell.clone().open_existing().reader().expect("it is there");
    let map: SharedMap = space.map();
    let (damage, values, model) = (Damage::new(&map), Values::new(when), Model::new());
    let mut bench = Bench { cell, writer, reader, damage, values, model };
    beside(when, &map, input, |input, calls| {
        while let Some(operation) = calls.next(input) {
            bench.operate(operation % 16, input);
        }
    });
}

struct Bench<T: Numbered> {
    cell: seqlock::Cell<T>,
    writer: Option<Writer<T>>,
    reader: Reader<T>,
    damage: Damage,
    values: Values,
    model: Model,
}

impl<T: Numbered> Bench<T> {
    fn operate(&mut self, operation: u8, input: &mut Input<'_>) {
        let Self { writer, reader, damage, values, model, .. } = self;
        let is_known = values.are_known(damage);
        match operation {
            0..=4 if values.when == When::Between => damage.strike(input),
            5 | 6 => match writer {
                Some(writer) => {
                    let (number, value) = values.next();
                    writer.store(value);
                    model.store(number);
                }
                None => self.come(),
            },
            7 => {
                let Some(writer) = writer else { return };
                let (number, value) = values.next();
                let before = writer.update(|old| std::mem::replace(old, value));
                values.check_answer(damage, model, before);
                if before.is_ok() {
                    model.store(number);
                }
            }
            8 => {
                let Some(writer) = writer.take() else { return };
                let before = damage.snapshot();
                drop(writer);
                // Half of them leave, the others are killed.
                let is_killed = input.byte() % 2 == 0;
                if is_killed {
                    damage.restore(&before);
                }
                model.gone = Some(if is_killed { Departure::Died } else { Departure::Left });
            }
            9 | 10 => values.check_attempt(damage, model, reader.try_load(3)),
            11 => values.check_answer(damage, model, reader.load()),
            12 => {
                let expected = model.newer(model.seen, writer.is_some());
                let answer = reader.wait_newer(&mut model.seen, MOMENT);
                values.check_newer(damage, expected, answer);
            }
            13 => {
                let expected = model.newer(model.seen, true).ok();
                let answer = reader.load_if_newer(&mut model.seen);
                assert!(!is_known || answer == Ok(expected), "{answer:?}");
            }
            14 => values.check_answer(damage, model, reader.load_boxed().map(|value| *value)),
            _ => {
                let (freshness, version) = (reader.freshness(), reader.version());
                let changed = reader.changed(model.seen);
                if is_known {
                    model.check_freshness(freshness, writer.is_some());
                    assert_eq!((version, changed), (model.version, model.seen != model.version));
                }
            }
        }
    }

    /// The next writer, which finds what the one before has left.
    fn come(&mut self) {
        let writer = self.cell.clone().open_existing().writer();
        if self.values.are_known(&self.damage) {
            let writer = writer.as_ref().expect("the role is free");
            assert_eq!(writer.predecessor(), self.model.predecessor());
            assert_eq!((writer.version(), writer.load()), (self.model.version, self.model.value()));
        }
        self.writer = writer.ok();
    }
}
