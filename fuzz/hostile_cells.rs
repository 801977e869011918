//! The part of `hostile` that is about cells: a writer, readers, and somebody who writes into their memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ringway::map::SharedMap;
use ringway::seqlock::{self, LoadError, TryLoadError, WaitError};

use super::ends::{Checked, Numbered};
use super::hostile::{When, scribble};
use super::input::Input;
use super::segment::{Damage, NAME, Space};

/// Runs one input for a cell, a table, or a keyed table.
pub(crate) fn attack(which: usize, input: &mut Input<'_>, when: When) {
    let space = Space::new();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let begin = |map: &SharedMap, input: &mut Input<'_>| {
            if when == When::Meanwhile {
                let (damage, seed, stop) = (Damage::new(map), input.word(), &stop);
                scope.spawn(move || scribble(damage, seed, stop));
            }
        };
        match which {
            0 => cell::<u64>(&space, input, when, begin),
            1 => cell::<Checked>(&space, input, when, begin),
            2 => table::<[u64; 16]>(&space, input, when, begin),
            _ => keyed(&space, input, when, begin),
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// What a reader has to get while only sequences were hit: something that was stored, or zeros.
struct Values {
    next: u64,
    when: When,
}

impl Values {
    fn next<T: Numbered>(&mut self) -> T {
        self.next += 1;
        T::of(self.next - 1)
    }

    fn check<T: Numbered>(&self, damage: &Damage, value: &T) {
        if !damage.hit && self.when == When::Between {
            assert!(value.number().is_some_and(|number| number < self.next), "{value:?} of {}", self.next);
        }
    }

    fn check_answer<T: Numbered>(&self, damage: &Damage, answer: Result<T, LoadError>) {
        match answer {
            Ok(value) => self.check(damage, &value),
            Err(LoadError::Empty) => {}
            Err(LoadError::Invalid(field)) => {
                assert!(T::CHECKED && (damage.hit || self.when == When::Meanwhile), "{field}");
            }
        }
    }
}

/// Between calls nobody is in the way of a reader, so that one attempt is enough.
fn check_attempt<T>(answer: &Result<T, TryLoadError>, when: When) {
    let overtaken = matches!(answer, Err(TryLoadError::Overtaken));
    assert!(!overtaken || when == When::Meanwhile, "nobody has stored anything");
}

fn cell<T: Numbered>(
    space: &Space,
    input: &mut Input<'_>,
    when: When,
    begin: impl FnOnce(&SharedMap, &mut Input<'_>),
) {
    let cell = seqlock::cell::<T>(NAME).namespace(space.namespace()).liveness_interval(Duration::ZERO);
    let mut writer = Some(cell.clone().create_new().writer().expect("the name is free"));
    let reader = cell.clone().open_existing().reader().expect("it is there");
    let map = space.map();
    let (mut damage, mut values, mut seen) = (Damage::new(&map), Values { next: 1, when }, 0);
    begin(&map, input);
    for _ in 0..100 {
        if input.is_empty() {
            break;
        }
        match input.byte() % 16 {
            0..=4 if when == When::Between => damage.strike(input),
            5 | 6 => match &mut writer {
                Some(writer) => writer.store(values.next()),
                None => writer = cell.clone().open_existing().writer().ok(),
            },
            7 => {
                let value = values.next();
                let updated = writer.as_mut().map(|writer| writer.update(|old| *old = value));
                values.check_answer(&damage, updated.unwrap_or(Err(LoadError::Empty)).map(|()| value));
            }
            8 => {
                let before = damage.snapshot();
                drop(writer.take());
                // Half of them leave, the others are killed.
                if input.byte() % 2 == 0 {
                    damage.restore(&before);
                }
            }
            9 | 10 => {
                let answer = reader.try_load(3);
                check_attempt(&answer, when);
                if let Ok(value) = answer {
                    values.check(&damage, &value);
                }
            }
            11 => values.check_answer(&damage, reader.load()),
            12 => match reader.wait_newer(&mut seen, Duration::from_micros(30)) {
                Ok(value) => values.check(&damage, &value),
                Err(WaitError::Invalid(_)) => assert!(T::CHECKED),
                Err(_) => {}
            },
            13 => {
                let _ = reader.load_if_newer(&mut seen);
            }
            14 => values.check_answer(&damage, reader.load_boxed().map(|value| *value)),
            _ => {
                let _ = (reader.freshness(), reader.version(), reader.changed(seen));
            }
        }
    }
}

fn table<T: Numbered>(
    space: &Space,
    input: &mut Input<'_>,
    when: When,
    begin: impl FnOnce(&SharedMap, &mut Input<'_>),
) {
    let cells = 1 + input.below(4);
    let table = seqlock::table::<T>(NAME).namespace(space.namespace()).cells(cells);
    let table = table.liveness_interval(Duration::ZERO);
    let mut writers = table.clone().create_new().writers(0..cells).expect("the name is free");
    let reader = table.open_existing().reader().expect("it is there");
    let map = space.map();
    let (mut damage, mut values, mut seen) = (Damage::new(&map), Values { next: 1, when }, vec![0; cells]);
    begin(&map, input);
    for _ in 0..100 {
        if input.is_empty() {
            break;
        }
        let (operation, which) = (input.byte() % 12, input.below(cells));
        match operation {
            0..=3 if when == When::Between => damage.strike(input),
            4 | 5 => writers[which].store(values.next()),
            6 => {
                let (value, answer): (T, _) = (values.next(), writers[which].load());
                values.check_answer(&damage, answer);
                writers[which].store_ref(&value);
            }
            7 => values.check_answer(&damage, reader.load(which)),
            8 => {
                let answer = reader.try_load(which, 1);
                check_attempt(&answer, when);
            }
            9 => {
                let all = reader.snapshot_at_once(2);
                assert!(all.is_some() || when == When::Meanwhile);
                all.into_iter().flatten().for_each(|answer| values.check_answer(&damage, answer));
            }
            10 => {
                let _ = reader.wait_newer(which, &mut seen[which], Duration::from_micros(30));
            }
            _ => {
                let _ = (reader.freshness(which), reader.snapshot(), reader.version(which));
            }
        }
    }
}

/// Keys may be hit, too, so that nobody can say which value belongs to which.
fn keyed(space: &Space, input: &mut Input<'_>, when: When, begin: impl FnOnce(&SharedMap, &mut Input<'_>)) {
    let cells = 1 + input.below(4);
    let table = seqlock::keyed_table::<Checked, u64>(NAME).namespace(space.namespace()).cells(cells);
    let mut writer = table.clone().create_new().writer().expect("the name is free");
    let reader = table.open_existing().reader().expect("it is there");
    let map = space.map();
    let mut damage = Damage::new(&map);
    begin(&map, input);
    for _ in 0..100 {
        if input.is_empty() {
            break;
        }
        let (operation, key) = (input.byte() % 10, Checked::of(input.byte().into()));
        match operation {
            0..=3 if when == When::Between => damage.strike(input),
            4 | 5 => {
                // That there is no free cell, or that a key was wiped out, is an error.
                if let Err(error) = writer.store(&key, input.number()) {
                    assert!(error.to_string().contains(NAME), "{error}");
                }
            }
            6 => {
                let _ = writer.entry(&key).map(|mut entry| entry.update(|value| *value += 1 & (*value ^ 1)));
            }
            7 => assert!(reader.find(&key).is_none_or(|index| index < cells)),
            8 => assert!(reader.entries().count() <= cells),
            _ => {
                let _ = (reader.load_key(&key), reader.key(input.below(cells)));
            }
        }
    }
}
