//! A writer that dies: what it stored last stays, nothing of what it was storing is ever seen, and its successor goes on
//! exactly there.

use super::{Bench, Sealed, assert_has, assert_stale, assert_works, every_size, store};
use crate::seqlock::Freshness;
use crate::testing::Child;
use crate::{Departure, Predecessor};

const VERBS: [&str; 4] = ["store", "update", "draft", "parts"];
/// Values that a writer would store if it lived.
const COUNT: u64 = 5;

/// The crash points on the way of a verb, with how many values are complete when it gets there for the last time of
/// `nth`.
fn points<V: Sealed>(verb: &str) -> Vec<(String, u64)> {
    let (whole, in_place) = (["store", "update"].contains(&verb), ["draft", "parts"].contains(&verb));
    let mut points = Vec::new();
    for nth in [1, COUNT - 1] {
        points.push((format!("store.after-begin#{nth}"), nth - 1));
        points.push((format!("store.after-publish#{nth}"), nth));
        if whole {
            points.push((format!("store.after-write#{nth}"), nth - 1));
        }
        if in_place {
            points.push((format!("draft.before-publish#{nth}"), nth - 1));
        }
    }
    // Of the parts the first, one in the middle and the last, of the first value and of another.
    if V::PARTS > 0 {
        let mut parts = vec![1, V::PARTS.div_ceil(2), V::PARTS, V::PARTS + 1, COUNT * V::PARTS];
        parts.dedup();
        points.extend(parts.into_iter().map(|n| (format!("store.after-part#{n}"), (n - 1) / V::PARTS)));
    }
    points
}

/// Processes that load all the time, to be asked at the end whether all was well.
struct Watchers(Vec<Child>);

impl Watchers {
    fn new<V: Sealed>(bench: &Bench<V>) -> Self {
        let mut watchers: Vec<Child> = (0..2).map(|_| bench.spawn("reader", "watch", 0)).collect();
        watchers.iter_mut().for_each(|watcher| assert!(watcher.hear().starts_with("attached")));
        Self(watchers)
    }

    #[track_caller]
    fn finish(self, number: u64) {
        for mut watcher in self.0 {
            watcher.tell("over");
            assert_eq!(watcher.hear(), format!("watched {number}"));
            watcher.wait_success();
        }
    }
}

#[test]
fn a_writer_that_dies_leaves_its_last_complete_value_for_ever_and_its_successor_goes_on_there() {
    fn check<V: Sealed>() {
        let bench = Bench::<V>::new();
        let reader = bench.reader();
        let watchers = Watchers::new(&bench);
        let mut end = 0;
        for verb in VERBS {
            for (point, complete) in points::<V>(verb) {
                println!("{} bytes, {verb} from {end}: {point}, {complete} complete", size_of::<V>());
                let pid = bench.die("writer", verb, COUNT, &point);
                end += complete;
                assert_stale(&reader, end, Departure::Died, pid);
                // One that comes only now sees the same.
                assert_stale(&bench.reader(), end, Departure::Died, pid);
                let mut writer = bench.writer();
                assert_eq!((writer.version(), writer.predecessor()), (end, Predecessor::Died));
                assert!(matches!(reader.freshness(), Freshness::Fresh { .. }));
                assert_eq!(writer.load().ok().map(|value| value.number()), (end > 0).then_some(end));
                assert_has(&reader, end);
                assert_works(&mut writer, &reader);
                end = writer.version();
                drop(writer);
                assert_stale(&reader, end, Departure::Left, std::process::id().into());
            }
        }
        watchers.finish(end);
        drop(reader);
        bench.space.assert_empty();
    }
    every_size!(check);
}

#[test]
fn a_cell_whose_writers_all_died_before_the_first_value_is_empty_and_not_a_value() {
    fn check<V: Sealed>() {
        let bench = Bench::<V>::new();
        let reader = bench.reader();
        let mut points = vec!["store.after-begin", "store.after-write"];
        points.extend((V::PARTS > 0).then_some("store.after-part"));
        for point in points {
            let pid = bench.die("writer", "store", 1, point);
            assert_stale(&reader, 0, Departure::Died, pid);
        }
        let pid = bench.die("writer", "draft", 1, "draft.before-publish");
        assert_stale(&reader, 0, Departure::Died, pid);
        let mut writer = bench.writer();
        assert_eq!((writer.version(), writer.predecessor()), (0, Predecessor::Died));
        assert_works(&mut writer, &reader);
    }
    every_size!(check);
}

#[test]
fn one_dead_writer_after_another_loses_nothing_and_repeats_nothing() {
    fn check<V: Sealed>() {
        let bench = Bench::<V>::new();
        let reader = bench.reader();
        let watchers = Watchers::new(&bench);
        let mut end = 0;
        for round in 0..3 {
            for verb in VERBS {
                let points = points::<V>(verb);
                let (point, complete) = &points[(round * 5 + verb.len()) % points.len()];
                let mut child = bench.spawn_to_die("writer", verb, COUNT, point);
                let before = if end == 0 && round == 0 && verb == VERBS[0] { "None" } else { "Died" };
                assert_eq!(child.hear(), format!("attached {end} {before}"));
                child.wait_killed();
                end += complete;
                assert_stale(&reader, end, Departure::Died, child.pid());
            }
        }
        let mut writer = bench.writer();
        assert_eq!((writer.version(), writer.predecessor()), (end, Predecessor::Died));
        assert_works(&mut writer, &reader);
        watchers.finish(end + 10);
    }
    every_size!(check);
}

#[test]
fn a_value_that_was_written_in_place_and_not_published_dies_with_its_writer() {
    fn check<V: Sealed>() {
        let bench = Bench::<V>::new();
        let reader = bench.reader();
        for number in 0..6 {
            let mut child = bench.spawn("writer", "drafting", 0);
            assert!(child.hear().starts_with(&format!("attached {number} ")));
            assert_eq!(child.hear(), "holding");
            assert_has(&reader, number);
            child.kill_running();
            assert_stale(&reader, number, Departure::Died, child.pid());
            store(&mut bench.writer());
        }
    }
    every_size!(check);
}

#[test]
fn a_reader_that_dies_while_it_loads_leaves_nothing_at_all() {
    fn check<V: Sealed>() {
        let bench = Bench::<V>::new();
        let mut writer = bench.writer();
        let reader = bench.reader();
        store(&mut writer);
        let mut points = vec!["load.after-begin".to_owned(), "load.after-copy".to_owned()];
        points.extend((V::PARTS > 0).then(|| format!("load.after-part#{}", V::PARTS)));
        for point in points {
            let mut child = bench.spawn_to_die("reader", "demand", 0, &point);
            assert!(child.hear().starts_with("attached"));
            child.tell("load");
            child.wait_killed();
            assert_works(&mut writer, &reader);
        }
        drop((writer, reader));
        bench.space.assert_empty();
    }
    every_size!(check);
}
