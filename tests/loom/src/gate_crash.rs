//! Sleepers at a gate, and who wakes them, one of whom dies.
//!
//! They are readers of a cell and its writer: a value is news for all of them. A process that dies in its sleep leaves
//! what one leaves that dies just before it; the kernel forgets it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use loom::thread::{self, JoinHandle};
use ringway::sync::model::crash_after;

use crate::cells::{Memory, Reader, Writer, filled};
use crate::explore_within;
use crate::futex::Futex;

/// A reader that waits for value number 2, and dies at its `fuse`-th crash point if it gets there; where.
fn sleeper(memory: &Arc<Memory>, futex: &Futex, fuse: Option<u32>) -> JoinHandle<Option<&'static str>> {
    let (memory, futex, mut reader) = (Arc::clone(memory), futex.clone(), Reader::new(memory));
    thread::spawn(move || {
        let look = || reader.try_load().filter(|version| *version >= 2);
        crash_after(fuse, || futex.wait(&memory.record().gate, look)).err().map(|at| at.0)
    })
}

fn store(writer: &mut Writer, memory: &Memory, futex: &Futex) {
    writer.store();
    futex.ring(&memory.record().gate);
}

/// The points at which a model's process died in one of its executions.
#[derive(Clone, Default)]
struct Points(Arc<Mutex<Vec<&'static str>>>);

impl Points {
    fn add(&self, point: Option<&'static str>) {
        let mut points = self.0.lock().unwrap();
        if let Some(point) = point.filter(|point| !points.contains(point)) {
            points.push(point);
        }
    }

    fn check(&self, points: &[&str]) {
        assert_eq!(*self.0.lock().unwrap(), points);
    }
}

#[test]
fn a_sleeper_killed_at_any_step_leaves_nothing_but_one_empty_wake() {
    let points = Points::default();
    for fuse in 0..3 {
        let points = points.clone();
        explore_within(2, &format!("sleeper dies, point {fuse}"), move || {
            let (memory, mut writer) = filled(2, 1);
            let futex = Futex::default();
            let mortal = sleeper(&memory, &futex, Some(fuse));
            let other = sleeper(&memory, &futex, None);
            store(&mut writer, &memory, &futex);
            assert_eq!(other.join().unwrap(), None);
            points.add(mortal.join().unwrap());
            let before = futex.wakes();
            store(&mut writer, &memory, &futex);
            let after = futex.wakes();
            assert!(after <= before + 1, "more than one empty wake");
            store(&mut writer, &memory, &futex);
            assert_eq!(futex.wakes(), after, "the dead still cost a wake");
        });
    }
    points.check(&["park.after-enlist", "park.before-sleep", "park.after-sleep"]);
}

/// A writer that dies while it tells its news; `then` is what happens after that.
fn notifier_dies(name: &str, fuse: u32, then: fn(&Memory, &Futex)) -> Points {
    let points = Points::default();
    let found = points.clone();
    explore_within(3, name, move || {
        let (memory, mut writer) = filled(2, 1);
        let futex = Futex::default();
        let sleeper = sleeper(&memory, &futex, None);
        let (other, bell) = (Arc::clone(&memory), futex.clone());
        let notifier = thread::spawn(move || {
            writer.store();
            crash_after(Some(fuse), || bell.ring(&other.record().gate)).err().map(|at| at.0)
        });
        let died = notifier.join().unwrap();
        found.add(died);
        if died.is_some() {
            then(&memory, &futex);
        }
        assert_eq!(sleeper.join().unwrap(), None);
    });
    points
}

#[test]
fn whom_a_dead_notifier_did_not_wake_is_woken_by_the_next_one() {
    let points = notifier_dies("notifier dies, another one", 0, |memory, futex| {
        futex.ring(&memory.record().gate);
    });
    points.check(&["wake.before-event"]);
}

/// The bit is cleared then, and nobody was woken: later news do not wake who slept before.
#[test]
fn whom_a_dead_notifier_did_not_wake_finds_the_news_when_its_time_is_up() {
    for (fuse, point) in ["wake.before-event", "wake.after-event"].into_iter().enumerate() {
        let points = notifier_dies(&format!("{point}, time is up"), fuse as u32, |_, futex| futex.expire());
        points.check(&[point]);
    }
}

/// A control: why every sleep has a time limit.
#[test]
fn a_sleep_without_an_end_beside_a_dead_notifier_is_found() {
    let model = || {
        notifier_dies("no limit", 1, |memory, futex| futex.ring(&memory.record().gate));
    };
    assert!(catch_unwind(AssertUnwindSafe(model)).is_err(), "loom did not find who sleeps for ever");
}
