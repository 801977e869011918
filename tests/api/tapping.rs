//! A tap: it sees what passes, says what it missed, and nobody notices.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ringway::channel::{Mpmc, Mpsc, Spmc, Spsc};
use ringway::inspect::{Observer, Tap};
use ringway::{RecvTimeoutError, mpsc, seqlock, spsc};

use crate::inspecting::{bytes, observe};
use crate::testing::{Child, Role, TempNamespace, WATCHDOG, not_to_be_had, watched};
use crate::{Makes, Numbered, channel_of};

const DIR: &str = "RINGWAY_TEST_DIR";

/// Whether a message can be had after it was received.
const RECEIVED: bool = cfg!(target_arch = "x86_64");

/// Says so where a test needs that.
fn has_received() -> bool {
    if !RECEIVED {
        not_to_be_had("messages that were received", "this processor does not keep stores in order");
    }
    RECEIVED
}

/// The words of a message, which are all the same.
#[track_caller]
fn number(bytes: &[u8]) -> u64 {
    let words: Vec<_> =
        bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap())).collect();
    assert!(words.iter().all(|word| *word == words[0]), "torn: {words:?}");
    words[0]
}

/// Looks until there is nothing more; the numbers of what it saw, which are in order. Message n is made of the number n.
#[track_caller]
fn looked(tap: &mut Tap) -> Vec<u64> {
    let mut seen = Vec::new();
    while let Some(passed) = tap.look().expect("nothing is damaged") {
        assert_eq!((passed.cell, number(passed.bytes)), (None, passed.number));
        assert!(
            seen.last().is_none_or(|last| last + passed.missed < passed.number),
            "{seen:?} and {passed:?}"
        );
        seen.push(passed.number);
    }
    seen
}

/// Runs a test with every kind, form and capacity.
macro_rules! every_kind {
    ($test:ident, $capacities:expr) => {
        watched(|| {
            for capacity in $capacities {
                $test::<u64, Spsc>(capacity);
                $test::<[u64; 7], Spsc>(capacity);
                $test::<[u64; 16], Spsc>(capacity);
                $test::<u64, Mpsc>(capacity);
                $test::<[u64; 16], Spmc>(capacity);
                $test::<[u64; 7], Mpmc>(capacity);
            }
        })
    };
}

#[test]
fn a_tap_that_looks_in_time_sees_every_message_and_nobody_notices() {
    fn test<M: Numbered, K: Makes>(capacity: usize) {
        let space = TempNamespace::new();
        let mut tx = channel_of::<M, K>(&space).capacity(capacity).sender().expect("the name is free");
        let mut rx = channel_of::<M, K>(&space).receiver().expect("the role is free");
        (0..3).for_each(|sent| {
            tx.send(M::of(sent)).expect("there is room");
            assert_eq!(rx.recv().expect("one").number(), sent);
        });
        let before = bytes(&space);
        let mut tap = Tap::new(observe(&space));
        assert_eq!((looked(&mut tap), tap.has_sender()), (vec![], true));
        assert!(bytes(&space) == before, "whoever looks changes nothing");
        for sent in 3..3 + 3 * capacity as u64 {
            tx.send(M::of(sent)).expect("there is room");
            // Received or not, but where there is one slot.
            if capacity == 1 || sent % 2 == 0 || !RECEIVED {
                assert_eq!(looked(&mut tap), [sent]);
                assert_eq!(rx.recv().expect("one").number(), sent);
            } else {
                assert_eq!(rx.recv().expect("one").number(), sent);
                assert_eq!(looked(&mut tap), [sent]);
            }
        }
        assert_eq!(tap.missed(), 0);
        drop((tx, rx));
        space.assert_empty();
        assert!(!tap.has_sender() && !tap.pass_hole());
    }
    every_kind!(test, [1, 2, 3, 100]);
}

#[test]
fn what_passes_a_tap_is_counted() {
    fn test<M: Numbered, K: Makes>(capacity: usize) {
        let space = TempNamespace::new();
        let mut tx = channel_of::<M, K>(&space).capacity(capacity).sender().expect("the name is free");
        let mut rx = channel_of::<M, K>(&space).receiver().expect("the role is free");
        let mut tap = Tap::new(observe(&space));
        let (mut sent, mut seen) = (0, 0);
        for lap in [1, 7, 2] {
            for _ in 0..lap * capacity {
                tx.send(M::of(sent)).expect("there is room");
                assert_eq!(rx.recv().expect("one").number(), sent);
                sent += 1;
            }
            let numbers = looked(&mut tap);
            // Without a gap, up to the last one, and half of those that there may be.
            let first = sent - numbers.len() as u64;
            assert_eq!(numbers, (first..sent).collect::<Vec<_>>());
            let least = if capacity == 1 || !RECEIVED { 0 } else { capacity / 2 };
            assert!((least..=capacity).contains(&numbers.len()), "{} of {capacity}", numbers.len());
            seen += numbers.len() as u64;
            assert_eq!(seen + tap.missed(), sent);
        }
        // What is not received is there, and what was is still there for as long.
        (0..capacity as u64).for_each(|ahead| tx.send(M::of(sent + ahead)).expect("there is room"));
        let oldest = looked(&mut Tap::from_oldest(observe(&space)));
        assert_eq!(oldest, (sent..sent + capacity as u64).collect::<Vec<_>>());
        assert_eq!(looked(&mut tap), oldest);
        tap.catch_up(1);
        assert_eq!((looked(&mut tap), seen + tap.missed()), (vec![], sent));
    }
    every_kind!(test, [1, 2, 3, 8, 100]);
}

#[test]
fn a_gap_is_no_message_and_what_may_be_one_is_missed() {
    if !has_received() {
        return;
    }
    let space = TempNamespace::new();
    let channel = channel_of::<u64, Mpsc>(&space).capacity(8);
    let (mut tx, mut rx) = (channel.clone().sender().expect("free"), channel.receiver().expect("free"));
    let (mut early, mut late) = (Tap::new(observe(&space)), Tap::new(observe(&space)));
    tx.send(0).expect("there is room");
    assert_eq!(looked(&mut early), [0]);
    drop(tx.loan().expect("there is room"));
    tx.send(2).expect("there is room");
    assert_eq!((looked(&mut early), early.missed()), (vec![2], 0));
    assert_eq!((rx.recv(), rx.recv()), (Ok(0), Ok(2)));
    // One of the three was a gap, and nothing says which.
    assert_eq!((looked(&mut late), late.missed()), (vec![], 3));
    for sent in 3..20 {
        tx.send(sent).expect("there is room");
        assert_eq!(rx.recv(), Ok(sent));
        assert_eq!((looked(&mut late), late.missed()), (vec![sent], 3));
    }
    // Whoever has looked since knows that there was none.
    assert_eq!((looked(&mut early), early.missed()), (vec![16, 17, 18, 19], 13));
}

fn open(space: &TempNamespace) -> mpsc::Channel<[u64; 7]> {
    channel_of::<[u64; 7], Mpsc>(space).capacity(4).liveness_interval(Duration::from_millis(10))
}

#[test]
fn role_sender_that_is_killed() {
    let Some(mut role) = Role::play() else { return };
    let channel = mpsc::channel::<[u64; 7]>("c")
        .namespace(ringway::map::Namespace::Dir(std::env::var_os(DIR).expect("where the names are").into()));
    let mut tx = channel.open_existing().sender().expect("a place is free");
    (0..2).for_each(|sent| tx.send([sent; 7]).expect("there is room"));
    let mut draft = tx.loan().expect("there is room").write([2; 7]);
    draft[0] = 9;
    role.say("ready");
    role.hear();
}

#[test]
fn what_a_killed_sender_had_begun_is_not_shown() {
    watched(|| {
        let space = TempNamespace::new();
        let mut rx = open(&space).receiver().expect("the name is free");
        let mut tap = Tap::new(observe(&space));
        let mut child = Child::spawn("tapping::role_sender_that_is_killed", &[(DIR, space.path())]);
        assert_eq!(child.hear(), "ready");
        assert_eq!((looked(&mut tap), tap.has_sender(), tap.pass_hole()), (vec![0, 1], true, false));
        child.kill();
        assert!(!tap.has_sender());
        (0..2).for_each(|sent| assert_eq!(rx.recv_timeout(WATCHDOG), Ok([sent; 7])));
        assert!(matches!(rx.recv_timeout(WATCHDOG), Err(RecvTimeoutError::Disconnected(_))));
        let mut tx = open(&space).sender().expect("a place is free");
        tx.send([3; 7]).expect("there is room");
        // That it was repaired is seen, and that it was no message is not.
        assert_eq!((looked(&mut tap), tap.missed()), (vec![3], 1));
    });
}

/// Nobody repairs what the dead have left where nobody takes part any more.
#[test]
fn a_place_that_a_killed_sender_had_is_passed_over_where_nobody_else_does() {
    watched(|| {
        let space = TempNamespace::new();
        let rx = open(&space).receiver().expect("the name is free");
        let mut tap = Tap::new(observe(&space));
        let mut child = Child::spawn("tapping::role_sender_that_is_killed", &[(DIR, space.path())]);
        assert_eq!(child.hear(), "ready");
        child.kill();
        assert_eq!(looked(&mut tap), [0, 1]);
        assert_eq!([tap.pass_hole(), tap.pass_hole()], [true, false]);
        assert_eq!((looked(&mut tap), tap.missed()), (vec![], 0));
        drop(rx);
    });
}

/// The least that one that writes all the time leaves of messages, while another copies them: whole ones, and a count.
#[test]
fn no_message_that_a_tap_shows_is_torn() {
    fn test<M: Numbered, K: Makes>(capacity: usize, batch: usize) {
        let space = TempNamespace::new();
        let mut tx = channel_of::<M, K>(&space).capacity(capacity).sender().expect("the name is free");
        let mut rx = channel_of::<M, K>(&space).receiver().expect("the role is free");
        let (mut tap, stop) = (Tap::new(observe(&space)), AtomicBool::new(false));
        let (mut seen, mut sent) = (0, 0_u64);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let messages: Vec<_> = (sent..).take(batch).map(M::of).collect();
                    match messages.as_slice() {
                        [message] => tx.send(*message).expect("there is room"),
                        messages => assert_eq!(tx.send_batch(messages), Ok(())),
                    }
                    messages.iter().for_each(|message| assert_eq!(rx.recv().as_ref(), Ok(message)));
                    sent += batch as u64;
                }
            });
            let start = Instant::now();
            while start.elapsed() < Duration::from_millis(60) {
                seen += looked(&mut tap).len() as u64;
            }
            stop.store(true, Ordering::Relaxed);
        });
        seen += looked(&mut tap).len() as u64;
        assert!(seen > 0 || !RECEIVED);
        assert_eq!(seen + tap.missed(), sent, "of a channel of {capacity}");
    }
    watched(|| {
        for (capacity, batch) in [(4, 1), (8, 3)] {
            test::<[u64; 7], Spsc>(capacity, batch);
            test::<[u64; 16], Spsc>(capacity, batch);
            test::<[u64; 32], Spsc>(capacity, batch);
            test::<[u64; 32], Mpmc>(capacity, batch);
            // Copied at once.
            test::<[u64; 512], Spsc>(capacity, batch);
            test::<[u64; 16], Mpsc>(capacity, batch);
            test::<[u64; 16], Spmc>(capacity, batch);
            test::<[u64; 16], Mpmc>(capacity, batch);
        }
    });
}

/// As a tap of cells has them: which cell, which number, what value, how many were missed.
#[track_caller]
fn values(tap: &mut Tap) -> Vec<(u32, u64, u64, u64)> {
    let mut values = Vec::new();
    while let Some(passed) = tap.look().expect("nothing is damaged") {
        values.push((passed.cell.expect("of a cell"), passed.number, number(passed.bytes), passed.missed));
    }
    values
}

#[test]
fn values_of_cells_are_seen_as_they_change() {
    let space = TempNamespace::new();
    let cell = seqlock::cell::<[u64; 16]>("c").namespace(space.namespace());
    let mut writer = cell.writer().expect("the name is free");
    writer.store([5; 16]);
    let (mut tap, mut oldest) = (Tap::new(observe(&space)), Tap::from_oldest(observe(&space)));
    assert_eq!((values(&mut tap), values(&mut oldest)), (vec![], vec![(0, 1, 5, 0)]));
    writer.store([6; 16]);
    assert_eq!(values(&mut tap), [(0, 2, 6, 0)]);
    (7..10).for_each(|value| writer.store([value; 16]));
    assert_eq!((values(&mut tap), values(&mut oldest)), (vec![(0, 5, 9, 2)], vec![(0, 5, 9, 3)]));
    assert_eq!((tap.missed(), oldest.missed(), tap.has_sender()), (2, 3, true));
    drop(writer);
    assert!(!tap.has_sender());

    let space = TempNamespace::new();
    let table = seqlock::keyed_table::<u64, u64>("c").namespace(space.namespace()).cells(3);
    let mut writer = table.writer().expect("the name is free");
    let mut tap = Tap::new(observe(&space));
    for (key, value) in [(1, 10), (2, 20), (1, 11)] {
        writer.store(&key, value).expect("a cell is free");
    }
    let mut seen = values(&mut tap);
    seen.sort_by_key(|(_, _, value, _)| *value);
    let (one, two) = (seen[0].0, seen[1].0);
    assert_eq!(seen, [(one, 2, 11, 1), (two, 1, 20, 0)]);
    writer.store(&2, 21).expect("it is there");
    assert_eq!((values(&mut tap), tap.missed()), (vec![(two, 2, 21, 0)], 1));
    assert_eq!(tap.observer().key(two), ringway::inspect::CellKey::Set(2_u64.to_ne_bytes().to_vec()));
}

/// A sender that is none of ours says nothing of what it writes at once, and one after it cannot know.
#[test]
fn what_a_sender_without_a_hint_wrote_over_is_not_shown() {
    use std::os::unix::fs::FileExt;
    if !has_received() {
        return;
    }
    let space = TempNamespace::new();
    let channel = || channel_of::<[u64; 16], Spsc>(&space).capacity(8);
    let (mut tx, mut rx) = (channel().sender().expect("free"), channel().receiver().expect("free"));
    let file = std::fs::File::options().read(true).write(true).open(space.path().join("c")).expect("there");
    let mut roster = [0; 8];
    file.read_exact_at(&mut roster, super::inspecting::PAGE + 112).expect("readable");
    let hint = super::inspecting::PAGE + u64::from_le_bytes(roster) + 36;
    let said = || {
        let mut said = [0; 4];
        file.read_exact_at(&mut said, hint).expect("readable");
        u32::from_le_bytes(said)
    };
    assert_eq!(said(), 1 << 8 | 1, "the first one writes one at a time");
    tx.send_batch(&[0, 1, 2].map(Numbered::of)).expect("there is room");
    assert_eq!(said(), 1 << 8 | 3, "up to four at once");
    drop(tx);
    let mut tx = channel().sender().expect("free");
    assert_eq!(said(), 2 << 8 | 3, "the next one says what the one before it did");
    let mut tap = Tap::new(Observer::open_in(&space.namespace(), "c").expect("it is there"));
    let mut pass = |tx: &mut spsc::Sender<[u64; 16]>, sent| {
        tx.send(Numbered::of(sent)).expect("there is room");
        while rx.try_recv().is_ok() {}
    };
    pass(&mut tx, 3);
    assert_eq!(looked(&mut tap), [3]);
    file.write_all_at(&(1_u32 << 8 | 1).to_le_bytes(), hint).expect("written");
    pass(&mut tx, 4);
    assert_eq!((looked(&mut tap), tap.missed()), (vec![], 1));
    drop(tx);
    let mut tx = channel().sender().expect("free");
    assert_eq!(said(), 3 << 8 | 4, "all eight");
    pass(&mut tx, 5);
    assert_eq!((looked(&mut tap), tap.missed()), (vec![], 2));
    tx.send(Numbered::of(6)).expect("there is room");
    assert_eq!(looked(&mut tap), [6], "what is not received is there");
}
