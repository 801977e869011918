//! A reader that is stopped in the middle of a load, and overtaken by its writer.

use super::{Bench, Sealed, assert_has, every_size, store};
use crate::Departure;
use crate::segment::Slots;
use crate::testing::Child;

/// A reader that is stopped at that point of its first load.
fn stopped_reader<V: Sealed>(bench: &Bench<V>, point: &str) -> Child {
    let mut child = bench.spawn_to_stop("reader", "demand", 0, point);
    assert!(child.hear().starts_with("attached"));
    child.tell("load");
    child.wait_stopped();
    child
}

fn points<V: Sealed>() -> Vec<String> {
    let mut points = vec!["load.after-begin".to_owned(), "load.after-copy".to_owned()];
    if V::PARTS > 0 {
        points.extend([1, V::PARTS].map(|nth| format!("load.after-part#{nth}")));
    }
    points
}

#[test]
fn a_load_that_is_overtaken_brings_the_value_that_it_began_with_or_the_latest_one_and_no_other() {
    fn check<V: Sealed>() {
        let slots = u64::from(Slots::<V>::COUNT);
        for point in points::<V>() {
            for passed in [0, 1, slots - 2, slots - 1, slots, slots + 1, 3 * slots, 1000] {
                let bench = Bench::<V>::new();
                let (mut writer, reader) = (bench.writer(), bench.reader());
                let first = (0..7).map(|_| store(&mut writer)).last().expect("seven");
                let mut child = stopped_reader(&bench, &point);
                let latest = (0..passed).map(|_| store(&mut writer)).last().unwrap_or(first);
                // Nobody waits for it.
                assert_has(&reader, latest);
                child.go_on();
                // Its slot was left alone until the writer had completed all others.
                let wanted = if passed <= slots - 2 { first } else { latest };
                assert_eq!(child.hear(), format!("loaded {wanted}"), "{point}, {passed} passed");
                child.tell("load");
                assert_eq!(child.hear(), format!("loaded {latest}"));
            }
        }
    }
    every_size!(check);
}

#[test]
fn a_load_is_not_deceived_by_a_writer_that_died_in_the_slot_that_it_reads() {
    fn check<V: Sealed>() {
        let slots = u64::from(Slots::<V>::COUNT);
        let mut deaths = vec!["store.after-begin".to_owned(), "store.after-write".to_owned()];
        if V::PARTS > 0 {
            deaths.extend([1, V::PARTS].map(|nth| format!("store.after-part#{nth}")));
        }
        for point in points::<V>() {
            for death in &deaths {
                let bench = Bench::<V>::new();
                let reader = bench.reader();
                let mut writer = bench.writer();
                let first = (0..7).map(|_| store(&mut writer)).last().expect("seven");
                let mut child = stopped_reader(&bench, &point);
                // Into all slots but the one that is being read.
                let latest = (0..slots - 1).map(|_| store(&mut writer)).last().expect("several");
                assert_eq!(latest, first + slots - 1);
                drop(writer);
                let pid = bench.die("writer", "store", 1, death);
                super::assert_stale(&reader, latest, Departure::Died, pid);
                child.go_on();
                assert_eq!(child.hear(), format!("loaded {latest}"), "{point}, {death}");
            }
        }
    }
    every_size!(check);
}

#[test]
fn a_successor_that_writes_over_what_a_dead_one_began_does_not_deceive_a_load_either() {
    fn check<V: Sealed>() {
        for point in points::<V>() {
            let bench = Bench::<V>::new();
            let reader = bench.reader();
            let first = store(&mut bench.writer());
            let mut child = stopped_reader(&bench, &point);
            // Each of them begins a value, and each second one completes it, until every slot was written.
            let mut latest = first;
            for round in 0..2 * u64::from(Slots::<V>::COUNT) + 2 {
                let point = if round % 2 == 0 { "store.after-write" } else { "store.after-publish" };
                bench.die("writer", "store", 1, point);
                latest += round % 2;
                assert_has(&reader, latest);
            }
            child.go_on();
            assert_eq!(child.hear(), format!("loaded {latest}"));
        }
    }
    every_size!(check);
}
