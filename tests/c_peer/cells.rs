//! The peer in C reads cells that a writer in Rust never stops writing.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ringway::map::Namespace;
use ringway::seqlock;

use crate::testing::{Child, Role, TempNamespace};
use crate::{NAME, Numbered, Tick, compiled, peer};

const DIR: &str = "RINGWAY_TEST_DIR";
const VALUES: u64 = 200_000;

/// Stores until it is told to stop; each value is its number, all over.
fn writing<M: Numbered>(
    mut writers: Vec<seqlock::Writer<M>>,
    stop: Arc<AtomicBool>,
) -> std::thread::JoinHandle<u64> {
    std::thread::spawn(move || {
        let mut number = 0;
        while !stop.load(Ordering::Relaxed) {
            number += 1;
            writers.iter_mut().for_each(|writer| writer.store(M::of(number)));
        }
        number
    })
}

#[test]
fn a_reader_in_c_sees_no_torn_value_and_no_older_one() {
    fn test<M: Numbered>(space: &TempNamespace, writers: Vec<seqlock::Writer<M>>) {
        let stop = Arc::new(AtomicBool::new(false));
        let writer = writing(writers, Arc::clone(&stop));
        let said = peer::<M>(space, "latest", VALUES);
        stop.store(true, Ordering::Relaxed);
        assert!(writer.join().unwrap() >= VALUES);
        let seen: u64 = said[0].split(' ').nth(1).unwrap().parse().unwrap();
        assert!(seen >= VALUES && said[0].ends_with("of alive"), "{said:?}");
        space.assert_empty();
    }
    fn of<M: Numbered>() {
        let space = TempNamespace::new();
        let writer = seqlock::cell::<M>(NAME).namespace(space.namespace()).writer().unwrap();
        test(&space, vec![writer]);
        let table = seqlock::table::<M>(NAME).namespace(space.namespace()).cells(3);
        test(&space, table.writers(0..3).unwrap());
    }
    if compiled().is_some() {
        of::<Tick>();
        of::<[u64; 16]>();
    }
}

#[test]
fn role_writer() {
    let Some(mut role) = Role::play() else { return };
    let space = Namespace::Dir(PathBuf::from(role.var(DIR)));
    let mut writer = seqlock::cell::<Tick>(NAME).namespace(space).writer().expect("the role is free");
    writer.store(Tick::of(writer.version() + 1));
    role.say("stored");
    role.hear();
}

#[test]
fn a_reader_in_c_says_whether_the_writer_lives_has_left_or_was_killed() {
    if compiled().is_none() {
        return;
    }
    let space = TempNamespace::new();
    let cell = seqlock::cell::<Tick>(NAME).namespace(space.namespace());
    let _reader = cell.reader().unwrap();
    assert_eq!(peer::<Tick>(&space, "latest", 0), ["latest 0 of awaited"]);
    let spawn = || {
        let mut writer = Child::spawn("cells::role_writer", &[(DIR, space.path().as_os_str())]);
        assert_eq!(writer.hear(), "stored");
        writer
    };
    let mut writer = spawn();
    assert_eq!(peer::<Tick>(&space, "latest", 1), ["latest 1 of alive"]);
    writer.tell("leave");
    writer.wait_success();
    assert_eq!(peer::<Tick>(&space, "latest", 1), ["latest 1 of left"]);
    spawn().kill_running();
    assert_eq!(peer::<Tick>(&space, "latest", 1), ["latest 2 of dead"]);
}
