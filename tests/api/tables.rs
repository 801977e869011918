//! Tables of cells by index.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ringway::map;
use ringway::seqlock::{
    self, Cells, Freshness, Indexed, LoadError, TableReader, TryLoadError, WaitError, Writer,
};
use ringway::{Departure, Error, Message, Predecessor};

use crate::Numbered;
use crate::cells::ME;
use crate::testing::{TempNamespace, WATCHDOG, watched};

const CELLS: usize = 5;

fn table<T: Message>(space: &TempNamespace) -> Cells<T, Indexed> {
    let dir = map::Namespace::Dir(space.path().to_owned());
    seqlock::table("c").namespace(dir).liveness_interval(Duration::from_millis(1))
}

/// Runs a test over the heap and over a name, which has to be gone afterwards.
#[track_caller]
fn both<T: Message>(test: fn(Vec<Writer<T>>, TableReader<T>)) {
    watched(move || {
        let (writers, reader) = seqlock::table_in_process(CELLS).expect("there is memory");
        test(writers, reader);
        let space = TempNamespace::new();
        let reader = table(&space).cells(CELLS).create_new().reader().expect("the name is free");
        let writers = table(&space).open_existing().writers(0..CELLS).expect("free");
        test(writers, reader);
        space.assert_empty();
    });
}

macro_rules! everywhere {
    ($test:ident) => {
        both::<u64>($test);
        both::<[u64; 16]>($test);
    };
}

#[test]
fn each_cell_has_values_of_its_own() {
    fn test<T: Numbered>(mut writers: Vec<Writer<T>>, reader: TableReader<T>) {
        assert_eq!((reader.len(), writers.len()), (CELLS, CELLS));
        assert_eq!(reader.snapshot(), [Err(LoadError::Empty); CELLS]);
        assert_eq!(reader.snapshot_at_once(1), Some(vec![Err(LoadError::Empty); CELLS]));
        for (index, writer) in writers.iter_mut().enumerate().skip(1) {
            for number in 1..=index as u64 {
                writer.store(T::of(100 * index as u64 + number));
            }
        }
        let value =
            |index: usize| if index == 0 { Err(LoadError::Empty) } else { Ok(T::of(101 * index as u64)) };
        for index in 0..CELLS {
            let cell = reader.cell(index);
            assert_eq!((reader.load(index), cell.load()), (value(index), value(index)));
            assert_eq!((reader.version(index), cell.version()), (index as u64, index as u64));
            assert_eq!(reader.try_load(index, 1), value(index).map_err(TryLoadError::from));
            let mut seen = 0;
            assert_eq!(reader.load_if_newer(index, &mut seen).ok().flatten(), value(index).ok());
            assert_eq!((seen, reader.load_if_newer(index, &mut seen)), (index as u64, Ok(None)));
            assert_eq!(reader.wait_newer(index, &mut seen, Duration::ZERO), Err(WaitError::Timeout));
        }
        let wanted: Vec<_> = (0..CELLS).map(value).collect();
        assert_eq!(reader.snapshot(), wanted);
        assert_eq!(reader.snapshot_at_once(1).as_ref(), Some(&wanted), "nobody stores anything");
        assert_eq!(reader.snapshot_at_once(0), None, "no attempt, no answer");
        // One that goes leaves the others, and its own value.
        drop(writers.remove(2));
        writers[2].store(T::of(7));
        assert_eq!((reader.load(2), reader.load(3)), (value(2), Ok(T::of(7))));
        assert_eq!(reader.wait_newer(2, &mut 2, WATCHDOG), Err(WaitError::Stale(Departure::Left)));
        assert_eq!(reader.wait_newer(3, &mut 3, WATCHDOG), Ok(T::of(7)));
        assert!(matches!(reader.freshness(2), Freshness::Stale { writer: Departure::Left, .. }));
        assert!(matches!(reader.freshness(3), Freshness::Fresh { pid, .. } if pid == ME()));
    }
    everywhere!(test);
}

#[test]
fn a_snapshot_at_once_shows_cells_as_they_were_together() {
    fn test<T: Numbered>(mut writers: Vec<Writer<T>>, reader: TableReader<T>) {
        let over = AtomicBool::new(false);
        writers.iter_mut().for_each(|writer| writer.store(T::of(0)));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // From the first cell to the last: no cell is ever ahead of one before it, nor more than one behind.
                for number in 1.. {
                    writers.iter_mut().for_each(|writer| writer.store(T::of(number)));
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    if number % 3 == 0 {
                        std::thread::sleep(Duration::from_micros(300));
                    }
                }
            });
            let mut together = 0;
            while together < 300 {
                let numbers = |values: Vec<Result<T, LoadError>>| -> Vec<u64> {
                    values.into_iter().map(|value| value.expect("a value").number()).collect()
                };
                assert_eq!(numbers(reader.snapshot()).len(), CELLS);
                // A writer that never pauses may keep one from it.
                let Some(values) = reader.snapshot_at_once(100) else { continue };
                let values = numbers(values);
                assert!(values.windows(2).all(|pair| pair[0] >= pair[1]), "{values:?}");
                assert!(values[0] - values[CELLS - 1] <= 1, "{values:?}");
                together += 1;
            }
            over.store(true, Ordering::Relaxed);
        });
    }
    everywhere!(test);
}

#[test]
fn cells_may_have_writers_in_different_places_and_all_or_none_are_taken() {
    let space = TempNamespace::new();
    let reader = table::<u64>(&space).cells(6).reader().expect("the name is free");
    let mut third = table::<u64>(&space).writer(2).expect("free");
    third.store(1);
    let error = table::<u64>(&space).writers(0..6).expect_err("the third is taken");
    assert!(matches!(error, Error::RoleTaken { role: "writer", pid, .. } if pid == ME()), "{error}");
    assert!(error.to_string().contains("`c[2]`"), "which one? {error}");
    assert!(table::<u64>(&space).writer(2).is_err());
    // Nobody hears of one that was refused.
    for index in [0, 1, 3, 4, 5] {
        assert_eq!(reader.freshness(index), Freshness::Awaited, "cell {index} was touched");
        assert_eq!(reader.wait_newer(index, &mut 0, Duration::ZERO), Err(WaitError::Timeout));
    }
    let mut front = table::<u64>(&space).writers(0..2).expect("free");
    let mut back = table::<u64>(&space).writers(3..6).expect("free");
    let none = table::<u64>(&space).writers(2..2).expect_err("none at all");
    assert_eq!(none.to_string(), "channel `c`: range is 2..2; use at least one cell");
    for (number, writer) in front.iter_mut().chain(&mut back).enumerate() {
        assert_eq!(writer.predecessor(), Predecessor::None);
        writer.store(10 + number as u64);
    }
    let values: Vec<_> = reader.snapshot().into_iter().map(Result::unwrap).collect();
    assert_eq!(values, [10, 11, 1, 12, 13, 14]);
    drop(third);
    let mut all_but_the_front = table::<u64>(&space).writers(2..3).expect("free again");
    assert_eq!(all_but_the_front[0].predecessor(), Predecessor::Left);
    assert_eq!(all_but_the_front[0].update(|value| *value += 1), Ok(()));
    assert_eq!(reader.load(2), Ok(2));
    drop((front, back, all_but_the_front, reader));
    space.assert_empty();
}

#[test]
fn several_writers_of_one_process_go_one_by_one() {
    let space = TempNamespace::new();
    let reader = table::<u64>(&space).cells(4).reader().expect("the name is free");
    let mut writers = table::<u64>(&space).writers(0..4).expect("free");
    let second = writers.remove(1);
    let thread = std::thread::spawn(move || drop(second));
    thread.join().expect("it ended well");
    for index in 0..4 {
        let is_free = table::<u64>(&space).writer(index).is_ok();
        assert_eq!(is_free, index == 1, "cell {index}");
        assert_eq!(reader.freshness(index).is_fresh(), index != 1);
    }
    drop(writers);
    drop(reader);
    space.assert_empty();
}

/// What a panic says.
#[track_caller]
fn panics<R>(call: impl FnOnce() -> R) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| drop(call()))).expect_err("there is no such cell");
    panic.downcast_ref::<String>().expect("a text").clone()
}

#[test]
fn a_cell_that_is_not_there_is_an_error_to_a_writer_and_a_panic_to_a_reader() {
    fn test(_: Vec<Writer<u64>>, reader: TableReader<u64>) {
        for (index, told) in [(CELLS, CELLS), (CELLS + 1, CELLS + 1), (usize::MAX, u32::MAX as usize)] {
            let text = format!("cell {told} of a table of {CELLS}");
            assert_eq!(panics(|| reader.load(index)), text);
            assert_eq!(panics(|| reader.try_load(index, 1)), text);
            assert_eq!(panics(|| reader.load_if_newer(index, &mut 0)), text);
            assert_eq!(panics(|| reader.version(index)), text);
            assert_eq!(panics(|| reader.cell(index)), text);
            assert_eq!(panics(|| reader.freshness(index)), text);
            assert_eq!(panics(|| reader.wait_newer(index, &mut 0, Duration::ZERO)), text);
        }
    }
    both(test);
    let space = TempNamespace::new();
    let reader = table::<u64>(&space).cells(4).reader().expect("the name is free");
    let refused = |error: Option<Error>, found: &str| {
        let error = error.expect("there is no such cell");
        assert!(matches!(error, Error::Option { option: "range", .. }), "{error}");
        assert_eq!(error.to_string(), format!("channel `c`: range is {found}; use cells within 0..4"));
    };
    refused(table::<u64>(&space).writer(4).err(), "4..5");
    refused(table::<u64>(&space).writers(3..5).err(), "3..5");
    refused(table::<u64>(&space).writers(0..usize::MAX).err(), &format!("0..{}", usize::MAX));
    assert!(table::<u64>(&space).writer(usize::MAX).is_err());
    assert!((0..4).all(|index| reader.freshness(index) == Freshness::Awaited));
    drop(reader);
    space.assert_empty();
}

#[test]
fn a_table_has_sixty_four_cells_unless_its_creator_says_otherwise() {
    let space = TempNamespace::new();
    let reader = table::<u8>(&space).reader().expect("the name is free");
    assert_eq!(reader.len(), 64);
    let _writer = table::<u8>(&space).writer(63).expect("the last one");
    assert!(table::<u8>(&space).writer(64).is_err());
    drop(reader);
    let space = TempNamespace::new();
    // More than there are bytes of locks for the roles of a channel.
    let mut writers = table::<u8>(&space).cells(600).writers(0..600).expect("free");
    let reader = table::<u8>(&space).reader().expect("it is there");
    for (index, writer) in writers.iter_mut().enumerate() {
        writer.store(index as u8);
    }
    assert!(
        (0..600).all(|index| reader.load(index) == Ok(index as u8) && reader.freshness(index).is_fresh())
    );
    for index in [0, 254, 255, 256, 511, 599] {
        assert!(matches!(table::<u8>(&space).writer(index), Err(Error::RoleTaken { .. })), "{index}");
    }
    drop((writers, reader));
    space.assert_empty();
}
