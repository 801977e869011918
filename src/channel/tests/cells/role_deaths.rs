//! Deaths of a writer between two steps of taking its role or giving it back.

use super::{Bench, Bytes64, assert_has, assert_stale, assert_works, store};
use crate::seqlock::{Freshness, Reader, WaitError};
use crate::{Departure, Predecessor};

/// What the others see of the role in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// As it was before.
    Unchanged,
    Left,
    Died,
}

const STEPS: [(&str, Seen); 5] = [
    ("attach.after-lock", Seen::Unchanged),
    ("attach.after-identity", Seen::Unchanged),
    ("attach.after-live", Seen::Died),
    ("detach.before-vacant", Seen::Died),
    ("detach.after-vacant", Seen::Left),
];

const BEFORE: [Predecessor; 3] = [Predecessor::None, Predecessor::Left, Predecessor::Died];

#[track_caller]
fn assert_seen(reader: &Reader<Bytes64>, expected: Predecessor, pid: Option<u64>) {
    let mut seen = reader.version();
    let newer = reader.wait_newer(&mut seen, std::time::Duration::ZERO);
    let departure = match (reader.freshness(), expected) {
        (Freshness::Awaited, Predecessor::None) => {
            return assert_eq!(newer, Err(WaitError::Timeout), "a writer may yet come");
        }
        (Freshness::Stale { writer: Departure::Left, left: Some(_), .. }, Predecessor::Left) => {
            Departure::Left
        }
        (Freshness::Stale { writer: Departure::Died, left: None, .. }, Predecessor::Died) => Departure::Died,
        wrong => panic!("{wrong:?}"),
    };
    assert_eq!(newer, Err(WaitError::Stale(departure)));
    if let (Some(wanted), Freshness::Stale { pid, .. }) = (pid, reader.freshness()) {
        assert_eq!(pid, wanted);
    }
}

#[test]
fn a_writer_that_dies_while_it_comes_or_goes_leaves_the_role_free_and_the_value_as_it_was() {
    for (point, seen) in STEPS {
        for before in BEFORE {
            for values in [0, 3] {
                println!("{point} after {before:?}, {values} values");
                let bench = Bench::<Bytes64>::new();
                let reader = bench.reader();
                let mut number = 0;
                match before {
                    // Nobody can have stored anything.
                    Predecessor::None if values > 0 => continue,
                    Predecessor::None => {}
                    Predecessor::Left => {
                        let mut writer = bench.writer();
                        (0..values).for_each(|_| number = store(&mut writer));
                    }
                    Predecessor::Died if values == 0 => {
                        bench.die("writer", "store", 0, "attach.after-live");
                    }
                    Predecessor::Died => {
                        bench.die("writer", "store", values, &format!("store.after-publish#{values}"));
                        number = values;
                    }
                }
                let pid = bench.die("writer", "store", 0, point);
                let after = match seen {
                    Seen::Unchanged => before,
                    Seen::Left => Predecessor::Left,
                    Seen::Died => Predecessor::Died,
                };
                assert_has(&reader, number);
                assert_seen(&reader, after, (seen != Seen::Unchanged).then_some(pid));
                let mut writer = bench.writer();
                assert_eq!((writer.version(), writer.predecessor()), (number, after));
                assert!(reader.freshness().is_fresh());
                assert_works(&mut writer, &reader);
                drop((writer, reader));
                bench.space.assert_empty();
            }
        }
    }
}

#[test]
fn a_readers_look_at_a_dead_writer_takes_nothing_from_the_next_one() {
    let bench = Bench::<Bytes64>::new();
    let reader = bench.reader();
    let pid = bench.die("writer", "store", 2, "store.after-publish#2");
    // It certifies nothing: whoever looks, and how often, the record stays as it was.
    for _ in 0..3 {
        assert_stale(&reader, 2, Departure::Died, pid);
    }
    let mut child = bench.spawn("writer", "demand", 0);
    assert_eq!(child.hear(), "attached 2 Died");
    assert!(matches!(reader.freshness(), Freshness::Fresh { pid, .. } if pid == child.pid()));
    child.tell("store");
    assert_eq!(child.hear(), "stored 3");
    assert_has(&reader, 3);
}

#[test]
fn of_many_processes_one_becomes_the_writer_and_the_others_are_told_who_it_is() {
    let bench = Bench::<Bytes64>::new();
    let reader = bench.reader();
    for number in 1..5 {
        let mut child = bench.spawn("writer", "demand", 0);
        assert!(child.hear().starts_with(&format!("attached {} ", number - 1)));
        let (cell, wanted) = (bench.cell(), child.pid());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let error = cell.clone().writer().expect_err("somebody has it");
                    let said = error.to_string();
                    assert!(matches!(error, crate::Error::RoleTaken { pid, .. } if pid == wanted), "{said}");
                    let text = format!(
                        "channel `c` has a writer already: found process {wanted}, expected none; stop it, or use \
                         another name"
                    );
                    assert_eq!(said, text);
                });
            }
        });
        child.tell("store");
        assert_eq!(child.hear(), format!("stored {number}"));
        child.kill_running();
        assert_stale(&reader, number, Departure::Died, wanted);
    }
}
