//! Whoever is stopped is slow, not dead, for however long.

use std::time::Duration;

use super::{Bench, Sealed, assert_has, assert_works, every_size, store};
use crate::Error;
use crate::seqlock::{Freshness, WaitError};

/// Many liveness intervals of these cells.
const A_WHILE: Duration = Duration::from_millis(30);

#[test]
fn a_stopped_writer_is_fresh_its_value_can_be_read_and_its_role_is_its_own() {
    fn check<V: Sealed>() {
        let mut points =
            vec![("store.after-begin#3", 2), ("store.after-write#3", 2), ("store.after-publish#3", 3)];
        points.extend((V::PARTS > 0).then_some(("store.after-part", 0)));
        points.push(("attach.after-live", 0));
        for (point, number) in points {
            let bench = Bench::<V>::new();
            let reader = bench.reader();
            let mut child = bench.spawn_to_stop("writer", "store", 5, point);
            child.wait_stopped();
            assert_has(&reader, number);
            for _ in 0..2 {
                let mut seen = number;
                assert_eq!(reader.wait_newer(&mut seen, A_WHILE), Err(WaitError::Timeout));
                let freshness = reader.freshness();
                assert!(
                    matches!(freshness, Freshness::Fresh { pid, .. } if pid == child.pid()),
                    "{freshness:?}"
                );
                assert_has(&reader, number);
            }
            let error = bench.cell().writer().expect_err("it is alive");
            assert!(matches!(error, Error::RoleTaken { pid, .. } if pid == child.pid()), "{error}");
            child.go_on();
            child.wait_success();
            assert_has(&reader, 5);
            assert_works(&mut bench.writer(), &reader);
        }
    }
    every_size!(check);
}

#[test]
fn a_writer_that_is_stopped_before_it_has_said_who_it_is_keeps_others_out_and_no_reader_waiting() {
    let bench = Bench::<super::Bytes64>::new();
    let reader = bench.reader();
    let mut child = bench.spawn_to_stop("writer", "store", 2, "attach.after-lock");
    child.wait_stopped();
    assert_eq!(reader.freshness(), Freshness::Awaited);
    assert_eq!(reader.wait_newer(&mut 0, A_WHILE), Err(WaitError::Timeout));
    let error = bench.cell().writer().expect_err("it has the lock");
    assert!(matches!(error, Error::RoleBusy { role: "writer", .. }), "{error}");
    child.go_on();
    child.wait_success();
    assert_has(&reader, 2);
    assert_works(&mut bench.writer(), &reader);
}

#[test]
fn a_writer_that_is_stopped_and_then_killed_has_died() {
    fn check<V: Sealed>() {
        let bench = Bench::<V>::new();
        let reader = bench.reader();
        let mut child = bench.spawn_to_stop("writer", "store", 5, "store.after-write#3");
        child.wait_stopped();
        child.kill_running();
        super::assert_stale(&reader, 2, crate::Departure::Died, child.pid());
        assert_works(&mut bench.writer(), &reader);
    }
    every_size!(check);
}

#[test]
fn a_reader_that_is_stopped_for_long_holds_nobody_up_and_goes_on_with_the_latest_value() {
    fn check<V: Sealed>() {
        let bench = Bench::<V>::new();
        let reader = bench.reader();
        let mut watcher = bench.spawn("reader", "watch", 0);
        assert_eq!(watcher.hear(), "attached 0");
        let mut flood = bench.spawn("writer", "flood", 0);
        assert_eq!(flood.hear(), "attached 0 None");
        for _ in 0..10 {
            let before = reader.version();
            watcher.stop();
            // Wherever in a load it is: the writer stores many values meanwhile.
            let mut seen = reader.version();
            while seen < before + 50 {
                reader.wait_newer(&mut seen, super::WATCHDOG).expect("the writer goes on");
            }
            watcher.go_on();
            std::thread::sleep(Duration::from_millis(2));
        }
        flood.kill_running();
        let last = reader.version();
        watcher.tell("over");
        let said = watcher.hear();
        let number: u64 = said.strip_prefix("watched ").expect("it ended well").parse().expect("a number");
        assert!(number > 0 && number <= last, "{said}, of {last}");
        watcher.wait_success();
        let mut writer = bench.writer();
        assert_eq!(writer.version(), last);
        store(&mut writer);
        assert_works(&mut writer, &reader);
    }
    every_size!(check);
}

#[test]
fn a_stopped_reader_keeps_the_cell_and_nothing_else() {
    let bench = Bench::<super::Bytes64>::new();
    let mut reader = bench.spawn("reader", "demand", 0);
    assert_eq!(reader.hear(), "attached 0");
    reader.stop();
    for number in 0..5 {
        let mut writer = bench.writer();
        assert_eq!(writer.version(), number, "the cell is the same");
        store(&mut writer);
    }
    reader.go_on();
    reader.tell("load");
    assert_eq!(reader.hear(), "loaded 5");
    drop(reader);
    assert!(bench.cell().open_existing().reader().is_err(), "the last one was killed: nobody has it");
    bench.space.assert_empty();
}
