//! Cells with keys: who gives a cell its key, and who finds it. Every key here is looked for from cell 0 on, as keys are
//! that have the same hash.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;
use ringway::protocol::key;
use ringway::protocol::roster::{self, Identity, Record};
use ringway::sync::model::{crash_after, step};

use crate::fixture::KernelLock;
use crate::repair::every_crash;
use crate::{explore_within, long};

/// Words of a key.
const WORDS: usize = 2;

#[derive(Default)]
struct Cell {
    state: AtomicU64,
    words: [AtomicU64; WORDS],
    record: Record,
    lock: AtomicU64,
}

/// What a control leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rules {
    All,
    /// Whoever gets the role of a cell without a key does not look again whether it has one by now.
    NoSecondLook,
    /// Whoever does not get the role of a cell without a key goes on to the next one.
    GoesOn,
}

/// A table of cells, as many as a key can be in.
struct Table {
    cells: Vec<Cell>,
    rules: Rules,
}

/// Somebody else has the role, and is about to say of which key.
#[derive(Debug)]
struct Refused;

impl Table {
    fn new(cells: usize, rules: Rules) -> Arc<Self> {
        Arc::new(Self { cells: (0..cells).map(|_| Cell::default()).collect(), rules })
    }

    fn lock(&self, index: usize, process: u64) -> KernelLock<'_> {
        KernelLock::new(&self.cells[index].lock, process)
    }

    /// The key of that cell, which is a whole one if it has one.
    fn key(&self, index: usize) -> Option<u64> {
        let cell = &self.cells[index];
        if !key::is_set(&cell.state) {
            return None;
        }
        let [first, rest @ ..] = cell.words.each_ref().map(|word| word.load(Ordering::Relaxed));
        assert!(first != 0 && rest == [first; WORDS - 1], "half a key: {first}, {rest:?}");
        Some(first)
    }

    fn is_key(&self, index: usize, wanted: u64) -> Option<bool> {
        self.key(index).map(|found| found == wanted)
    }

    /// As a reader looks.
    fn find(&self, wanted: u64) -> Option<usize> {
        let mut known = (0..self.cells.len()).map_while(|index| self.is_key(index, wanted));
        known.position(|is_it| is_it)
    }

    fn attach(&self, index: usize, process: u64) -> Result<u64, Refused> {
        let me = Identity { pid: process, since: 0 };
        let held = roster::attach(&self.cells[index].record, &self.lock(index, process), me);
        held.map(|(incarnation, _)| incarnation).map_err(|_| Refused)
    }

    /// Takes the role of the cell of that key, and gives it to one if none has it, as the library does, but without
    /// waiting: which one. `None`: every cell has another key.
    fn claim(&self, wanted: u64, process: u64) -> Result<Option<usize>, Refused> {
        for index in 0..self.cells.len() {
            match self.is_key(index, wanted) {
                Some(false) => {}
                Some(true) => return self.attach(index, process).map(|_| Some(index)),
                None => match self.settle(index, wanted, process) {
                    Ok(true) => return Ok(Some(index)),
                    Ok(false) => {}
                    Err(Refused) if self.rules == Rules::GoesOn => {}
                    Err(Refused) => return Err(Refused),
                },
            }
        }
        Ok(None)
    }

    /// Gives the key to a cell that had none; whether it has this one now.
    fn settle(&self, index: usize, wanted: u64, process: u64) -> Result<bool, Refused> {
        let Ok(incarnation) = self.attach(index, process) else {
            return self.is_key(index, wanted).ok_or(Refused);
        };
        let found = if self.rules == Rules::NoSecondLook { None } else { self.is_key(index, wanted) };
        let cell = &self.cells[index];
        match found {
            Some(true) => {}
            Some(false) => {
                roster::detach(&cell.record, &self.lock(index, process), incarnation, 9);
                return Ok(false);
            }
            None => {
                for word in &cell.words {
                    word.store(wanted, Ordering::Relaxed);
                    step("model.key.after-word");
                }
                key::publish(&cell.state);
            }
        }
        Ok(true)
    }

    /// What the kernel does for a process that died.
    fn bury(&self, process: u64) {
        (0..self.cells.len()).for_each(|index| self.lock(index, process).bury());
    }

    /// Every key, once everybody is gone: none is there twice, and none behind a cell without one.
    fn settled(&self) -> Vec<u64> {
        let keys: Vec<_> = (0..self.cells.len()).map(|index| self.key(index)).collect();
        let present: Vec<_> = keys.iter().flatten().copied().collect();
        assert!(keys[..present.len()].iter().all(Option::is_some), "a key that nobody finds: {keys:?}");
        let mut different = present.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), present.len(), "a key in two cells: {keys:?}");
        present
    }
}

/// Keys.
const A: u64 = 7;
const B: u64 = 8;

#[test]
fn no_reader_sees_half_a_key() {
    explore_within(3, "half a key", || {
        let table = Table::new(1, Rules::All);
        let other = Arc::clone(&table);
        let inserter = thread::spawn(move || other.claim(A, 1).expect("nobody else is there"));
        for _ in 0..2 {
            let _ = table.find(A);
        }
        assert_eq!(inserter.join().unwrap(), Some(0));
        assert_eq!(table.find(A), Some(0));
    });
}

/// One that gives a cell a key and dies of it, and then another one, of this key or another.
fn inserter_dies(second: u64) {
    every_crash(&format!("inserter of {A} dies, then {second}"), 5, move |fuse| {
        let table = Table::new(2, Rules::All);
        let other = Arc::clone(&table);
        let inserters = thread::spawn(move || {
            let end = crash_after(Some(fuse), || other.claim(A, 1).expect("nobody else is there"));
            other.bury(1);
            let is_there = other.find(A).is_some();
            let next = other.claim(second, 2).expect("the role of a dead process");
            assert_eq!(
                next,
                Some(usize::from(is_there && second != A)),
                "not the first cell that it can have"
            );
            end.is_err()
        });
        let before = table.key(0);
        let after = table.key(0);
        assert!(before.is_none() || before == after, "a key that was there has changed");
        let died = inserters.join().unwrap();
        assert!(table.find(second).is_some(), "what was put last is not there");
        assert!(before.is_none() || before == table.key(0), "a key that was there has changed");
        table.settled();
        died
    });
}

#[test]
fn a_key_whose_inserter_was_killed_at_any_step_is_whole_or_not_there() {
    inserter_dies(A);
    inserter_dies(B);
}

/// The same with the other one in a thread of its own, which nothing but the lock orders behind the dead.
#[test]
fn an_inserter_that_only_the_lock_orders_puts_the_key_in_no_second_cell() {
    for second in [A, B] {
        every_crash(&format!("inserters of {A} and {second}"), 5, move |fuse| {
            let table = Table::new(2, Rules::All);
            let other = Arc::clone(&table);
            let mortal = thread::spawn(move || {
                let end = crash_after(Some(fuse), || other.claim(A, 1).is_ok());
                if end.is_err() {
                    other.bury(1);
                }
                end.is_err()
            });
            let other = Arc::clone(&table);
            let rival = thread::spawn(move || other.claim(second, 2).is_ok());
            let _ = table.find(second);
            let died = mortal.join().unwrap();
            let rival = rival.join().unwrap();
            let keys = table.settled();
            assert!(!rival || keys.contains(&second), "what was put is not there");
            died
        });
    }
}

/// Two that put keys at the same time, of whom one ends then.
fn race(rules: Rules, keys: [u64; 2]) {
    explore_within(3, &format!("two inserters, {keys:?}, {rules:?}"), move || {
        let table = Table::new(2, rules);
        let other = Arc::clone(&table);
        let rival = thread::spawn(move || {
            let claim = other.claim(keys[1], 1);
            other.bury(1);
            claim
        });
        let mine = table.claim(keys[0], 2);
        let theirs = rival.join().unwrap();
        let present = table.settled();
        for (claim, key) in [mine, theirs].into_iter().zip(keys) {
            if let Ok(index) = claim {
                assert_eq!(index, table.find(key), "the key is not in the cell that was got for it");
                assert!(present.contains(&key));
            }
        }
        assert!(!present.is_empty(), "both were refused");
    });
}

#[test]
fn of_two_that_put_one_key_exactly_one_cell_gets_it() {
    race(Rules::All, [A, A]);
}

#[test]
fn two_that_put_different_keys_get_different_cells() {
    race(Rules::All, [A, B]);
    if long() {
        explore_within(2, "three inserters", || {
            let table = Table::new(2, Rules::All);
            let rivals = [(A, 1), (B, 2)].map(|(key, process)| {
                let other = Arc::clone(&table);
                thread::spawn(move || drop(other.claim(key, process)))
            });
            let _ = table.claim(A, 3);
            for rival in rivals {
                rival.join().unwrap();
            }
            table.settled();
        });
    }
}

/// Controls: the two rules that keep a key in one cell.
#[test]
fn a_rule_of_the_search_that_is_left_out_is_found() {
    for (rules, keys) in [(Rules::NoSecondLook, [A, B]), (Rules::GoesOn, [A, A])] {
        let found = catch_unwind(AssertUnwindSafe(|| race(rules, keys)));
        assert!(found.is_err(), "loom did not miss a rule: {rules:?}");
    }
}
