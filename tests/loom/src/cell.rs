//! One cell, whose writer lives.

use loom::thread;

use crate::cells::{Memory, Reader, Writer, filled};
use crate::{explore_within, long};

/// A writer that stores so many values after the first one, and readers that try so often.
fn run(name: &str, preemptions: usize, slots: u32, stores: u32, tries: &'static [u32]) {
    explore_within(preemptions, &format!("{name}, {slots} slots"), move || {
        let (memory, mut writer) = filled(slots, 1);
        let writer = thread::spawn(move || (0..stores).for_each(|_| writer.store()));
        let (first, others) = tries.split_first().expect("a reader");
        let others: Vec<_> = others.iter().map(|tries| Reader::spawn(&memory, *tries)).collect();
        let mut reader = Reader::new(&memory);
        for _ in 0..*first {
            let _ = reader.try_load();
        }
        writer.join().unwrap();
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(
            reader.try_load(),
            Some(1 + u64::from(stores)),
            "the latest value is not the one stored last"
        );
    });
}

#[test]
fn no_reader_ever_accepts_a_torn_value() {
    run("torn", 3, 2, 3, &[1]);
    run("torn", 3, 3, 4, &[1]);
    run("torn", 2, 4, 5, &[1]);
}

#[test]
fn two_readers_do_not_disturb_the_writer_or_each_other() {
    run("two readers", 2, 2, 2, &[1, 1]);
    run("two readers", 2, 3, 3, &[1, 1]);
}

#[test]
fn a_reader_never_goes_back_to_an_earlier_value() {
    let tries: &[u32] = if long() { &[4] } else { &[3] };
    run("never back", 2, 2, 3, tries);
    run("never back", 2, 3, 3, tries);
}

#[test]
fn a_cell_is_empty_until_its_first_value_is_complete() {
    for slots in [2, 3] {
        explore_within(3, &format!("first value, {slots} slots"), move || {
            let memory = Memory::new(slots);
            let (mut writer, _) = Writer::attach(&memory, 1).expect("a free role");
            let writer = thread::spawn(move || (0..2).for_each(|_| writer.store()));
            let mut reader = Reader::new(&memory);
            for _ in 0..2 {
                let _ = reader.try_load();
            }
            writer.join().unwrap();
            assert_eq!(reader.try_load(), Some(2));
        });
    }
}

/// One that completes fewer than N - 1 values meanwhile, and begins another one. With two slots the two have no word in
/// common then.
#[test]
fn a_reader_is_not_disturbed_by_a_writer_that_is_no_faster_than_it() {
    for slots in [3, 4] {
        explore_within(3, &format!("undisturbed, {slots} slots"), move || {
            let (memory, mut writer) = filled(slots, 1);
            let writer = thread::spawn(move || {
                (0..slots - 2).for_each(|_| writer.store());
                writer.abandon();
            });
            assert!(
                Reader::new(&memory).try_load().is_some(),
                "refused a value that nobody has written over"
            );
            writer.join().unwrap();
        });
    }
}

#[test]
fn a_writer_reads_back_its_latest_value_at_the_first_attempt() {
    for slots in [2, 3] {
        explore_within(2, &format!("updates, {slots} slots"), move || {
            let (memory, mut writer) = filled(slots, 1);
            let writer = thread::spawn(move || {
                for _ in 0..2 {
                    writer.read_back();
                    writer.store();
                }
                writer.read_back();
            });
            let _ = Reader::new(&memory).try_load();
            writer.join().unwrap();
        });
    }
}
