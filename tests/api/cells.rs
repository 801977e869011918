//! Cells: the same tests over a name and over the heap.

use std::time::Duration;

use ringway::map::{self, ErrorKind};
use ringway::seqlock::{
    self, Cells, Freshness, KeyedReader, LoadError, One, Reader, TableReader, TryLoadError, WaitError, Writer,
};
use ringway::{Departure, Error, Message, Predecessor, Wait};

use crate::Numbered;
use crate::testing::{TempNamespace, WATCHDOG, watched};

pub(crate) const ME: fn() -> u64 = || std::process::id().into();

/// The cell `c` in the namespace.
pub(crate) fn cell<T: Message>(space: &TempNamespace) -> Cells<T, One> {
    let dir = map::Namespace::Dir(space.path().to_owned());
    seqlock::cell("c").namespace(dir).liveness_interval(Duration::from_millis(1))
}

/// Runs a test over the heap and over a name, which has to be gone afterwards.
#[track_caller]
pub(crate) fn both<T: Message>(test: fn(Writer<T>, Reader<T>)) {
    watched(move || {
        let (writer, reader) = seqlock::in_process().expect("there is memory");
        test(writer, reader);
        let space = TempNamespace::new();
        let writer = cell(&space).create_new().writer().expect("the name is free");
        let reader = cell(&space).open_existing().reader().expect("it is there");
        test(writer, reader);
        space.assert_empty();
    });
}

/// Runs a test, generic over the value, for a small and a large one.
macro_rules! everywhere {
    ($test:ident) => {
        both::<u64>($test);
        both::<[u64; 16]>($test);
    };
}

#[test]
fn an_empty_cell_is_told_apart_from_every_value() {
    fn test<T: Numbered>(mut writer: Writer<T>, reader: Reader<T>) {
        assert_eq!((writer.version(), reader.version(), reader.changed(0)), (0, 0, false));
        assert_eq!(reader.load(), Err(LoadError::Empty));
        assert_eq!(reader.load_boxed(), Err(LoadError::Empty));
        assert_eq!(reader.try_load(1), Err(TryLoadError::Empty));
        let mut old = T::of(5);
        assert_eq!((reader.load_into(&mut old), old), (Err(LoadError::Empty), T::of(5)), "it is as it was");
        assert_eq!(reader.load_if_newer(&mut 0), Ok(None));
        assert_eq!(reader.wait_newer(&mut 0, Duration::ZERO), Err(WaitError::Timeout));
        assert_eq!(writer.load(), Err(LoadError::Empty));
        assert_eq!(writer.update(|_| panic!("there is no value")), Err::<(), _>(LoadError::Empty));
        assert_eq!(reader.version(), 0, "nothing was stored");
        // All zero is a value like any other.
        writer.store(T::of(0));
        assert_eq!((reader.load(), reader.version()), (Ok(T::of(0)), 1));
    }
    everywhere!(test);
}

#[test]
fn a_reader_has_the_latest_value_by_every_verb() {
    fn test<T: Numbered>(mut writer: Writer<T>, reader: Reader<T>) {
        let mut seen = 0;
        for number in 1..50 {
            match number % 3 {
                0 => writer.store(T::of(number)),
                1 => writer.store_ref(&T::of(number)),
                _ => {
                    let before = writer.update(|value| std::mem::replace(value, T::of(number)));
                    assert_eq!(before, Ok(T::of(number - 1)));
                }
            }
            let wanted = T::of(number);
            assert_eq!((writer.version(), reader.version()), (number, number));
            assert!(reader.changed(seen) && !reader.changed(number));
            assert_eq!(reader.load(), Ok(wanted));
            assert_eq!(reader.try_load(1), Ok(wanted));
            assert_eq!(reader.load_boxed().as_deref(), Ok(&wanted));
            assert_eq!(writer.load(), Ok(wanted));
            let mut old = T::of(number + 1);
            assert_eq!((reader.load_into(&mut old), old), (Ok(()), wanted));
            if number % 2 == 0 {
                assert_eq!(reader.load_if_newer(&mut seen), Ok(Some(wanted)));
                assert_eq!(reader.load_if_newer(&mut seen), Ok(None));
            } else {
                assert_eq!(reader.wait_newer(&mut seen, WATCHDOG), Ok(wanted));
                assert_eq!(reader.wait_newer(&mut seen, Duration::ZERO), Err(WaitError::Timeout));
            }
            assert_eq!(seen, number);
        }
        assert_eq!(reader.try_load(0).ok(), reader.load().ok(), "one attempt at the least");
    }
    everywhere!(test);
}

#[test]
fn a_value_that_is_not_looked_at_is_passed_over() {
    fn test<T: Numbered>(mut writer: Writer<T>, reader: Reader<T>) {
        let mut seen = 0;
        (1..=1000).for_each(|number| writer.store(T::of(number)));
        assert_eq!(reader.load_if_newer(&mut seen), Ok(Some(T::of(1000))));
        assert_eq!((seen, reader.load_if_newer(&mut seen)), (1000, Ok(None)));
        // Of a number that never was.
        let mut ahead = 2000;
        assert_eq!(reader.load_if_newer(&mut ahead), Ok(Some(T::of(1000))));
        assert_eq!(ahead, 1000);
    }
    everywhere!(test);
}

#[test]
fn a_waiting_reader_gets_the_next_value() {
    fn test<T: Numbered>(mut writer: Writer<T>, reader: Reader<T>) {
        writer.store(T::of(0));
        let waiting = std::thread::spawn(move || {
            let (mut seen, mut last) = (1, 0);
            while last < 20 {
                let value = reader.wait_newer(&mut seen, Duration::MAX).expect("more are coming");
                assert!(value.number() > last && seen == value.number() + 1);
                last = value.number();
            }
        });
        for number in 1..=20 {
            std::thread::sleep(Duration::from_millis(1));
            writer.store(T::of(number));
        }
        waiting.join().expect("it ended well");
    }
    everywhere!(test);
}

#[test]
fn a_wait_ends_when_the_time_is_up_and_says_whether_the_writer_is_gone() {
    fn test<T: Numbered>(mut writer: Writer<T>, reader: Reader<T>) {
        writer.store(T::of(1));
        let mut seen = 1;
        let timeout = Duration::from_millis(20);
        let start = std::time::Instant::now();
        assert_eq!(reader.wait_newer(&mut seen, timeout), Err(WaitError::Timeout));
        assert!(start.elapsed() >= timeout);
        writer.store(T::of(2));
        drop(writer);
        // What it stored comes first.
        assert_eq!(reader.wait_newer(&mut seen, WATCHDOG), Ok(T::of(2)));
        for timeout in [Duration::ZERO, WATCHDOG, Duration::MAX] {
            assert_eq!(reader.wait_newer(&mut seen, timeout), Err(WaitError::Stale(Departure::Left)));
        }
        assert_eq!((seen, reader.load()), (2, Ok(T::of(2))), "it stays readable");
    }
    everywhere!(test);
}

#[test]
fn a_reader_that_waits_hears_that_the_writer_leaves() {
    fn test<T: Numbered>(writer: Writer<T>, reader: Reader<T>) {
        let waiting = std::thread::spawn(move || reader.wait_newer(&mut 0, Duration::MAX));
        std::thread::sleep(Duration::from_millis(5));
        drop(writer);
        let end = waiting.join().expect("it ended well");
        assert_eq!(end, Err(WaitError::Stale(Departure::Left)));
    }
    everywhere!(test);
}

#[test]
fn freshness_says_who_the_writer_is_and_how_it_went() {
    fn test<T: Numbered>(writer: Writer<T>, reader: Reader<T>) {
        let Freshness::Fresh { pid, since } = reader.freshness() else { panic!("{:?}", reader.freshness()) };
        assert_eq!(pid, ME());
        assert!(since <= std::time::SystemTime::now() && reader.freshness().is_fresh());
        drop(writer);
        let Freshness::Stale { writer, pid, since: then, left: Some(left) } = reader.freshness() else {
            panic!("{:?}", reader.freshness())
        };
        assert_eq!((writer, pid, then), (Departure::Left, ME(), since));
        assert!(left >= since && !reader.freshness().is_fresh());
    }
    everywhere!(test);
}

#[test]
fn a_writer_whose_thread_panics_has_left_and_its_value_stays() {
    fn test<T: Numbered>(mut writer: Writer<T>, reader: Reader<T>) {
        writer.store(T::of(3));
        let panicking = std::thread::spawn(move || {
            writer.update(|_| -> () { std::panic::resume_unwind(Box::new("on purpose")) })
        });
        assert!(panicking.join().is_err());
        assert_eq!((reader.load(), reader.version()), (Ok(T::of(3)), 1), "the change was not made");
        assert!(matches!(reader.freshness(), Freshness::Stale { writer: Departure::Left, .. }));
    }
    everywhere!(test);
}

#[test]
fn the_sides_may_come_in_any_order() {
    watched(|| {
        let space = TempNamespace::new();
        let reader = cell::<u64>(&space).reader().expect("the name is free");
        assert_eq!(reader.freshness(), Freshness::Awaited);
        assert_eq!(reader.load(), Err(LoadError::Empty));
        assert_eq!(reader.wait_newer(&mut 0, Duration::from_millis(5)), Err(WaitError::Timeout));
        let waiting = reader.clone();
        let waiting = std::thread::spawn(move || waiting.wait_newer(&mut 0, Duration::MAX));
        std::thread::sleep(Duration::from_millis(5));
        let mut writer = cell::<u64>(&space).writer().expect("the role is free");
        assert_eq!((writer.version(), writer.predecessor()), (0, Predecessor::None));
        writer.store(7);
        assert_eq!(
            waiting.join().expect("it ended well"),
            Ok(7),
            "a writer that has yet to come is waited for"
        );
        drop((writer, reader));
        space.assert_empty();

        let mut writer = cell::<u64>(&space).writer().expect("the name is free");
        writer.store(8);
        let reader = cell::<u64>(&space).wait(Wait::Spin).reader().expect("it is there");
        assert_eq!((reader.load(), reader.version()), (Ok(8), 1));
        assert_eq!(reader.wait_newer(&mut 1, Duration::from_millis(2)), Err(WaitError::Timeout));
        drop((reader, writer));
        space.assert_empty();
    });
}

#[test]
fn create_new_refuses_a_cell_that_exists_and_open_existing_one_that_does_not() {
    let space = TempNamespace::new();
    for missing in [
        cell::<u64>(&space).open_existing().writer().err(),
        cell::<u64>(&space).open_existing().reader().err(),
    ] {
        let missing = missing.expect("nobody made it");
        assert!(matches!(&missing, Error::Map(error) if *error.kind() == ErrorKind::NotFound), "{missing}");
        assert!(missing.to_string().contains("`c`"));
    }
    space.assert_empty();
    let reader = cell::<u64>(&space).create_new().reader().expect("the name is free");
    for exists in
        [cell::<u64>(&space).create_new().writer().err(), cell::<u64>(&space).create_new().reader().err()]
    {
        let exists = exists.expect("it exists");
        let taken = ErrorKind::AlreadyExists { stale: false };
        assert!(matches!(&exists, Error::Map(error) if *error.kind() == taken), "{exists}");
    }
    drop(cell::<u64>(&space).open_existing().writer().expect("it exists"));
    drop(reader);
    space.assert_empty();
}

#[test]
fn a_second_writer_is_refused_with_the_process_of_the_first_and_its_successor_goes_on() {
    let space = TempNamespace::new();
    let reader = cell::<[u64; 16]>(&space).reader().expect("the name is free");
    for round in 0..6 {
        let mut writer = cell::<[u64; 16]>(&space).writer().expect("the role is free");
        let before = if round == 0 { Predecessor::None } else { Predecessor::Left };
        assert_eq!((writer.version(), writer.predecessor()), (3 * round, before));
        let error = cell::<[u64; 16]>(&space).writer().expect_err("somebody has it");
        assert!(matches!(error, Error::RoleTaken { role: "writer", pid, .. } if pid == ME()), "{error}");
        let text = format!(
            "channel `c` has a writer already: found process {}, expected none; stop it, or use another name",
            ME()
        );
        assert_eq!(error.to_string(), text);
        if round > 0 {
            assert_eq!(writer.update(|value| value[0]), Ok(3 * round));
            writer.store(Numbered::of(3 * round + 2));
            writer.store(Numbered::of(3 * round + 3));
        } else {
            (1..4).for_each(|number| writer.store(Numbered::of(number)));
        }
        assert_eq!(reader.load(), Ok(Numbered::of(3 * round + 3)));
        assert_eq!(reader.version(), 3 * round + 3);
    }
    drop(reader);
    space.assert_empty();
}

#[test]
fn clones_and_threads_share_a_reader() {
    fn test<T: Numbered>(mut writer: Writer<T>, reader: Reader<T>) {
        writer.store(T::of(0));
        std::thread::scope(|scope| {
            for thread in 0..3 {
                let (shared, cloned) = (&reader, reader.clone());
                scope.spawn(move || {
                    let reader = if thread == 0 { shared } else { &cloned };
                    let (mut last, mut seen) = (0, 0);
                    while last < 2000 {
                        let number = reader.load().expect("a value").number();
                        assert!(number >= last, "{last}, then {number}");
                        last = number;
                        if let Ok(Some(value)) = reader.load_if_newer(&mut seen) {
                            assert_eq!(value.number() + 1, seen);
                        }
                        std::thread::yield_now();
                    }
                });
            }
            for number in 1..=2000 {
                writer.store(T::of(number));
                if number % 16 == 0 {
                    std::thread::yield_now();
                }
            }
        });
        let clone = reader.clone();
        drop(reader);
        drop(writer);
        assert_eq!(clone.load(), Ok(T::of(2000)), "the cell lives as long as a clone");
    }
    everywhere!(test);
}

const _: () = {
    const fn is_send_and_sync<T: Send + Sync>() {}
    const fn is_send<T: Send>() {}
    is_send_and_sync::<Reader<u64>>();
    is_send_and_sync::<TableReader<u64>>();
    is_send_and_sync::<KeyedReader<u64, u64>>();
    is_send_and_sync::<Cells<u64, One>>();
    is_send::<Writer<u64>>();
    is_send::<seqlock::KeyedWriter<u64, u64>>();
};

#[test]
fn what_is_not_there_says_so_in_a_few_words() {
    let empty = "nothing has been stored yet";
    assert_eq!(LoadError::Empty.to_string(), empty);
    assert_eq!(TryLoadError::Empty.to_string(), empty);
    let text = "the writer stored several values during each attempt: try again";
    assert_eq!(TryLoadError::Overtaken.to_string(), text);
    assert_eq!(TryLoadError::from(LoadError::Empty), TryLoadError::Empty);
    assert_eq!(WaitError::Timeout.to_string(), "timed out: no newer value was stored");
    let text = |departure| WaitError::Stale(departure).to_string();
    assert_eq!(text(Departure::Left), "no newer value was stored and the writer left");
    assert_eq!(text(Departure::Died), "no newer value was stored and the writer died");
}

#[test]
fn the_ends_print_what_they_are_and_not_what_they_hold() {
    let (mut writer, reader) = seqlock::in_process::<u64>().expect("there is memory");
    writer.store(0xdead);
    assert_eq!(format!("{writer:?}"), "Writer { version: 1, .. }");
    assert_eq!(format!("{reader:?}"), "Reader { version: 1, .. }");
    assert_eq!(format!("{:?}", writer.draft()), "Draft { .. }");
    let (mut writer, reader) = seqlock::keyed_table_in_process::<u64, u64>(3).expect("there is memory");
    writer.store(&1, 0xdead).expect("there is room");
    assert_eq!(format!("{writer:?}"), "KeyedWriter { written: 1, .. }");
    assert_eq!(format!("{reader:?}"), "KeyedReader { len: 3, .. }");
    assert_eq!(format!("{:?}", *reader), "TableReader { len: 3, .. }");
    assert!(format!("{:?}", seqlock::cell::<u64>("c")).starts_with("Cells {"));
}
