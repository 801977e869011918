//! Readers that sleep until a cell has a newer value, and writers that wake them.

use std::path::Path;
use std::thread;
use std::time::Duration;

use super::{DIR, FOR_EVER, PARK, SCRIPT, WAKE, is_watched, wait_asleep, wait_until, word};
use crate::Wait;
use crate::map::Namespace;
use crate::protocol::gate::Gate;
use crate::seqlock::{self, Cell, Writer};
use crate::testing::{CRASH_POINT, Child, Role, TempNamespace, WATCHDOG, watched};

fn cell(dir: &Path, interval: Duration) -> Cell<u64> {
    let cell = seqlock::cell("c").namespace(Namespace::Dir(dir.to_owned()));
    cell.liveness_interval(interval).wait(Wait::ParkAtOnce)
}

/// Waits for values and says each, or stores one when it is told to.
#[test]
fn role() {
    let Some(mut role) = Role::play() else { return };
    let cell = cell(role.var(DIR).as_ref(), FOR_EVER);
    if role.var(SCRIPT) == "read" {
        let reader = cell.reader().expect("anybody may read");
        role.say("attached");
        let mut seen = 0;
        while let Ok(value) = reader.wait_newer(&mut seen, FOR_EVER) {
            role.say(&value.to_string());
        }
    } else {
        let mut writer = cell.writer().expect("the role is free");
        role.say("attached");
        role.hear();
        writer.store(7);
        role.say("stored");
    }
}

fn spawn(space: &TempNamespace, verb: &str, point: &str) -> Child {
    let envs = [(DIR, space.path().as_os_str()), (SCRIPT, verb.as_ref()), (CRASH_POINT, point.as_ref())];
    let mut child = Child::spawn("channel::tests::parking::cells::role", &envs);
    assert_eq!(child.hear(), "attached");
    child
}

/// The gate of the writer's cell.
fn gate(writer: &Writer<u64>) -> &Gate {
    &writer.cell().record().gate
}

#[test]
fn a_reader_that_is_killed_in_its_sleep_leaves_no_other_asleep_and_costs_nothing() {
    watched(|| {
        for point in PARK {
            let space = TempNamespace::new();
            let mut writer = cell(space.path(), FOR_EVER).writer().expect("the role is free");
            let mut other = spawn(&space, "read", "");
            wait_asleep(other.pid());
            let mut sleeper = spawn(&space, "read", point);
            if point == "park.after-sleep" {
                wait_asleep(sleeper.pid());
                writer.store(1);
            } else {
                sleeper.wait_killed();
                writer.store(1);
            }
            assert_eq!(other.hear(), "1", "{point}");
            if point == "park.after-sleep" {
                sleeper.wait_killed();
            }
            wait_asleep(other.pid());
            other.kill_running();
            writer.store(2);
            let before = word(gate(&writer));
            (3..9).for_each(|value| writer.store(value));
            assert_eq!((word(gate(&writer)), before % 2), (before, 0), "nobody is looked for any more");
            drop(writer);
            space.assert_empty();
        }
    });
}

#[test]
fn a_reader_gets_the_value_of_a_writer_that_was_killed_before_it_woke_it() {
    watched(|| {
        for point in WAKE {
            let space = TempNamespace::new();
            let interval = Duration::from_millis(20);
            let reader = cell(space.path(), interval).reader().expect("anybody may read");
            let mut writer = spawn(&space, "write", point);
            thread::scope(|scope| {
                let sleeper = scope.spawn(|| reader.wait_newer(&mut 0, WATCHDOG));
                let gate = || reader.segment().cell_gate(0).expect("this user may write there");
                wait_until("the reader sleeps", || is_watched(gate()));
                writer.tell("go");
                writer.wait_killed();
                assert_eq!(sleeper.join().expect("no panic"), Ok(7), "{point}");
            });
        }
    });
}

#[test]
fn a_select_hears_that_a_writer_was_killed_however_it_waits() {
    watched(|| {
        for wait in [Wait::Spin, Wait::Yield, Wait::Park, Wait::ParkAtOnce] {
            let space = TempNamespace::new();
            let reader = cell(space.path(), Duration::from_millis(20)).reader().expect("anybody may read");
            let mut writer = spawn(&space, "write", "");
            writer.kill_running();
            let mut select = crate::Select::fair().policy(wait);
            assert_eq!(select.wait(&mut [&mut reader.newer_than(0)]), 0, "{wait:?}");
        }
    });
}
