//! The verbs of cells, a hundred thousand times each, under the filter and the count.

use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::Duration;

use ringway::map::Namespace;
use ringway::seqlock::{self, Cells, KeyedReader, KeyedWriter, Reader, TableReader, Writer};
use ringway::{Message, Wait};

use crate::testing::{Child, TempNamespace};
use crate::{ALLOCATED, CALLS, DIR, FINE, Numbered, SCRIPT, WRONG_MESSAGE, check, end, forbid_system_calls};

const CALLS_OF_EACH: u64 = 100_000;
/// The cell of the tables that the calls are about, and its key.
const CELL: usize = 3;
const KEY: u64 = 77;

/// The ends of all kinds of cells, in this process. The writers have written before: what a first value takes is over.
pub(crate) struct Ends<T: Message> {
    writer: Writer<T>,
    reader: Reader<T>,
    table_writer: Writer<T>,
    table: TableReader<T>,
    keyed_writer: KeyedWriter<u64, T>,
    keyed: KeyedReader<u64, T>,
}

fn quiet<T: Message, A>(cells: Cells<T, A>, dir: &str) -> Cells<T, A> {
    cells.namespace(Namespace::Dir(dir.into())).wait(Wait::Spin).liveness_interval(Duration::from_secs(3600))
}

impl<T: Numbered> Ends<T> {
    fn new(dir: &str) -> Self {
        let cell = quiet(seqlock::cell("cell"), dir);
        let table = quiet(seqlock::table("table"), dir).cells(CELL + 1);
        let keyed = quiet(seqlock::keyed_table("keyed"), dir).cells(8);
        let mut ends = Ends {
            writer: cell.clone().writer().expect("free"),
            reader: cell.reader().expect("there"),
            table_writer: table.clone().writer(CELL).expect("free"),
            table: table.reader().expect("there"),
            keyed_writer: keyed.clone().writer().expect("free"),
            keyed: keyed.reader().expect("there"),
        };
        ends.writer.store(T::of(0));
        ends.table_writer.store(T::of(0));
        ends.keyed_writer.store(&KEY, T::of(0)).expect("there is room");
        ends
    }
}

/// Ends the process unless the call succeeded.
fn fine<V, E>(result: Result<V, E>) -> V {
    match result {
        Ok(value) => value,
        Err(_) => end(WRONG_MESSAGE),
    }
}

fn is_number<T: Numbered>(value: T, number: u64) {
    check(&value, number);
}

pub(crate) type Verb<T> = fn(&mut Ends<T>, u64);

/// Every verb, by name. A verb that reads finds value `number` in each kind of cell, one that writes stores it.
pub(crate) fn verbs<T: Numbered>() -> [(&'static str, Verb<T>); 22] {
    [
        ("store", |ends, number| ends.writer.store(T::of(number))),
        ("store_ref", |ends, number| ends.writer.store_ref(&T::of(number))),
        ("update", |ends, number| fine(ends.writer.update(|value| *value = T::of(number)))),
        ("draft", |ends, number| {
            let mut draft = ends.writer.draft();
            draft.copy_latest();
            draft.write(&T::of(number));
            draft.write_bytes(0, &number.to_ne_bytes());
            draft.read_bytes(0, &mut [0; 8]);
            draft.publish();
        }),
        ("writer.load", |ends, _| is_number(fine(ends.writer.load()), 0)),
        ("load", |ends, _| is_number(fine(ends.reader.load()), 0)),
        ("load_into", |ends, number| {
            let mut value = T::of(number);
            fine(ends.reader.load_into(&mut value));
            is_number(value, 0);
        }),
        ("try_load", |ends, _| is_number(fine(ends.reader.try_load(3)), 0)),
        ("load_if_newer", |ends, number| {
            let mut seen = number % 2;
            is_number(fine(ends.reader.load_if_newer(&mut seen)).unwrap_or(T::of(0)), 0);
        }),
        ("version", |ends, _| {
            black_box((ends.reader.version(), ends.reader.changed(0), ends.writer.version()));
        }),
        ("wait_newer", |ends, _| is_number(fine(ends.reader.wait_newer(&mut 0, Duration::MAX)), 0)),
        ("table.store", |ends, number| ends.table_writer.store(T::of(number))),
        ("table.load", |ends, _| is_number(fine(ends.table.load(CELL)), 0)),
        ("table.try_load", |ends, _| is_number(fine(ends.table.try_load(CELL, 3)), 0)),
        ("table.load_if_newer", |ends, _| {
            is_number(fine(ends.table.load_if_newer(CELL, &mut 0)).unwrap_or(T::of(1)), 0);
        }),
        ("table.version", |ends, _| {
            black_box(ends.table.version(CELL));
        }),
        ("table.wait_newer", |ends, _| {
            is_number(fine(ends.table.wait_newer(CELL, &mut 0, Duration::MAX)), 0)
        }),
        ("keyed.store", |ends, number| fine(ends.keyed_writer.store(&KEY, T::of(number)))),
        ("keyed.entry", |ends, number| fine(ends.keyed_writer.entry(&KEY)).store(T::of(number))),
        ("keyed.find", |ends, _| {
            let cell = black_box(ends.keyed.find(&KEY));
            if cell.and_then(|cell| ends.keyed.key(cell)) != Some(KEY) || ends.keyed.find(&1).is_some() {
                end(WRONG_MESSAGE);
            }
        }),
        ("keyed.load_key", |ends, _| is_number(fine(ends.keyed.load_key(&KEY)), 0)),
        ("keyed.entries", |ends, _| {
            for (key, value) in ends.keyed.entries() {
                if key != KEY {
                    end(WRONG_MESSAGE);
                }
                is_number(fine(value), 0);
            }
        }),
    ]
}

fn spawn_in(dir: &Path, script: &str) -> Child {
    Child::spawn("role", &[(DIR, dir.as_os_str()), (SCRIPT, script.as_ref())])
}

/// Plays the role: `verb` is a verb and whether the values are small or large.
pub(crate) fn play(dir: &str, verb: &str) -> ! {
    match verb.split_once('/').expect("verb and size") {
        (verb, "small") => play_of::<u64>(dir, verb),
        (verb, _) => play_of::<[u64; 16]>(dir, verb),
    }
}

fn play_of<T: Numbered>(dir: &str, verb: &str) -> ! {
    let mut ends = Ends::<T>::new(dir);
    let (_, call) = verbs::<T>().into_iter().find(|(name, _)| *name == verb).expect("there is such a verb");
    // What the first call of all has to do once is over: it reads the clock, whose code the loader looks up.
    call(&mut ends, 0);
    forbid_system_calls();
    CALLS.set(0);
    for number in 0..CALLS_OF_EACH {
        call(&mut ends, number);
    }
    end(if CALLS.get() == 0 { FINE } else { ALLOCATED })
}

#[test]
fn a_hundred_thousand_calls_of_each_verb_of_cells_need_no_system_call_and_no_allocation() {
    let _one = crate::PAIR.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for (verb, _) in verbs::<u64>() {
        let space = TempNamespace::new();
        // Beside each other, since they do not wait for each other.
        let mut children = ["small", "large"].map(|size| {
            let dir = space.path().join(size);
            std::fs::create_dir(&dir).expect("the directory is ours");
            spawn_in(&dir, &format!("cells {verb}/{size}"))
        });
        for (child, size) in children.iter_mut().zip(["small", "large"]) {
            crate::assert_quiet(child.wait(), &format!("{verb}, {size}"));
        }
    }
}

/// What the filter and the count have to catch: that a reader's look at its writer is a system call, and that a boxed
/// value is an allocation.
pub(crate) fn control(dir: &str, what: &str) {
    let mut ends = Ends::<u64>::new(dir);
    ends.writer.store(1);
    forbid_system_calls();
    CALLS.set(0);
    match what {
        "freshness" => assert!(black_box(ends.reader.freshness()).is_fresh()),
        "load_boxed" => std::mem::forget(black_box(ends.reader.load_boxed())),
        _ => drop(black_box(ends.reader.wait_newer(&mut 2, Duration::ZERO))),
    }
    end(if CALLS.get() == 0 { FINE } else { ALLOCATED })
}

#[test]
fn a_look_at_the_writer_of_a_cell_is_a_system_call_and_a_boxed_value_an_allocation() {
    let end_of = |what: &str| {
        let space = TempNamespace::new();
        crate::spawn(&space, &format!("cells-control {what}")).wait()
    };
    assert_eq!(end_of("freshness").signal(), Some(libc::SIGSYS));
    assert_eq!(end_of("load_boxed").code(), Some(ALLOCATED));
    assert_eq!(end_of("wait_newer-late").signal(), Some(libc::SIGSYS));
}
