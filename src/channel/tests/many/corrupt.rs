//! Words that those who share a side write, with nonsense in them: reported, never followed.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use super::super::damage::PAGE;
use super::{A_MOMENT, Bench, CAPACITIES, Many, NAME, Numbered, Wide, assert_works, send};
use crate::channel::{Mpmc, Mpsc, Spmc};
use crate::sync::meddled;
use crate::testing::{WATCHDOG, watched};
use crate::{Broken, Departure, RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};

/// The segment of a channel, and where its words are.
struct Words {
    file: File,
    tail: u64,
    head: u64,
    slots: u64,
    stride: u64,
}

impl Words {
    fn of<K: Many>(bench: &Bench<K>) -> Self {
        let path = bench.space.path().join(NAME);
        let file = OpenOptions::new().read(true).write(true).open(path).expect("it is there");
        let mut words = Self { file, tail: 0, head: 0, slots: 0, stride: 0 };
        (words.tail, words.slots, words.stride) = (words.get(120), words.get(128), words.get(64));
        words.head = words.tail + 128;
        words
    }

    fn get(&self, at: u64) -> u64 {
        let mut word = [0; 8];
        self.file.read_exact_at(&mut word, PAGE + at).expect("within the file");
        u64::from_le_bytes(word)
    }

    fn set(&self, at: u64, word: u64) {
        self.file.write_all_at(&word.to_le_bytes(), PAGE + at).expect("within the file");
    }

    /// The stamp of a position is of its lap, and in that state.
    fn stamp(&self, position: u64, capacity: u64, state: u64) {
        self.set(self.slots + position % capacity * self.stride, (position / capacity) << 12 | state);
    }

    /// Says something else for a while.
    fn with(&self, at: u64, word: u64, look: impl FnOnce()) {
        let before = self.get(at);
        self.set(at, word);
        look();
        self.set(at, before);
    }
}

#[test]
fn a_corrupt_word_is_told_to_whoever_looks_at_it_where_a_side_is_shared() {
    fn check<K: Many>() {
        for (capacity, warm) in CAPACITIES.into_iter().flat_map(|capacity| [(capacity, 0), (capacity, 7)]) {
            let bench = Bench::<K>::with_room(capacity, 2);
            let (mut tx, mut rx) = (bench.sender(), bench.receiver());
            bench.warm_up(&mut tx, &mut rx, warm);
            let (words, n, warm) = (Words::of(&bench), capacity as u64, warm as u64);
            let message = Wide::of(warm);
            let mut told = |word, found, position, to_sender, to_receiver| {
                let broken = Broken::Corrupt { word, found, position };
                if to_sender {
                    assert_eq!(
                        tx.try_send(message),
                        Err(TrySendError::Broken(message, broken)),
                        "{found:#x}"
                    );
                    assert_eq!(tx.try_send_batch(&[message; 2]), Err(TrySendError::Broken((), broken)));
                    assert_eq!(tx.try_loan().map(drop), Err(TrySendError::Broken((), broken)));
                    assert!(tx.len() <= capacity);
                }
                if to_receiver {
                    assert_eq!(rx.try_recv(), Err(TryRecvError::Broken(broken)), "{found:#x}");
                    let mut none = Vec::new();
                    assert_eq!(rx.try_recv_batch(&mut none, 99), Err(TryRecvError::Broken(broken)));
                    assert_eq!(rx.try_lease().map(drop), Err(TryRecvError::Broken(broken)));
                    assert!(rx.len() <= capacity && none.is_empty());
                }
            };
            for found in [u64::MAX, u64::MAX - 1, 1 << 63, 1 << 62] {
                if K::SHARED_SENDERS {
                    words.with(words.tail, found, || told("tail", found, found, true, false));
                }
                if K::SHARED_RECEIVERS {
                    words.with(words.head, found, || told("head", found, found, false, true));
                }
            }
            let (lap, at) = (warm / n, words.slots + warm % n * words.stride);
            for found in [lap << 12 | 7, (lap + 3) << 12, (lap + 9) << 12 | 1, u64::MAX, 1 << 63] {
                words.with(at, found, || told("stamp", found, warm, true, true));
            }
            assert_works(&mut tx, &mut rx);
            drop((tx, rx));
            bench.assert_gone();
        }
    }
    watched(check::<Mpsc>);
    watched(check::<Spmc>);
    watched(check::<Mpmc>);
}

#[test]
fn a_count_of_messages_is_never_more_than_the_channel_holds_whatever_the_words_say() {
    fn check<K: Many>() {
        for capacity in CAPACITIES {
            let bench = Bench::<K>::with_room(capacity, 2);
            let (mut tx, mut rx) = (bench.sender(), bench.receiver());
            let words = Words::of(&bench);
            send(&mut tx, 0);
            // It is claimed, and counts as well.
            std::mem::forget(rx.try_lease().expect("there is one"));
            let extremes = [0, 1, capacity as u64, 1 << 56, u64::MAX - 1, u64::MAX];
            for (tail, head) in extremes.into_iter().flat_map(|tail| extremes.map(|head| (tail, head))) {
                words.with(words.tail, tail, || {
                    words.with(words.head, head, || {
                        assert!(tx.len() <= capacity && rx.len() <= capacity, "{tail:#x} {head:#x}");
                    });
                });
            }
            assert_eq!(rx.try_recv(), Ok(Wide::of(0)));
            assert_works(&mut tx, &mut rx);
        }
    }
    watched(check::<Mpsc>);
    watched(check::<Spmc>);
    watched(check::<Mpmc>);
}

#[test]
fn a_message_beyond_the_end_of_positions_is_not_taken_over_from_anybody() {
    let capacity = 8192;
    let bench = Bench::<Mpmc>::with_room(capacity, 2);
    let (mut tx, mut rx) = (bench.sender(), bench.receiver());
    let words = Words::of(&bench);
    // Set free by one that died of it, in a lap that a stamp can name and a position cannot.
    let found = ((1 << 51) - 1) << 12 | 1 << 8;
    let (epoch, stamp) = (words.head + 128, words.slots);
    words.with(words.head, u64::MAX, || {
        words.with(epoch, 1, || {
            words.with(stamp, found, || {
                let broken = Broken::Corrupt { word: "stamp", found, position: 0 };
                assert_eq!(rx.try_recv(), Err(TryRecvError::Broken(broken)));
            });
        });
    });
    assert_works(&mut tx, &mut rx);
    drop((tx, rx));
    bench.assert_gone();
}

#[test]
fn an_intent_that_nobody_can_have_had_marks_no_more_messages_than_one_can_have_claimed() {
    let (capacity, most) = (600, 255);
    let bench = Bench::<Mpsc>::with_room(capacity, 2);
    let (mut tx, rx) = (bench.sender(), bench.receiver());
    (0..capacity as u64).for_each(|number| send(&mut tx, number));
    drop(rx);
    let words = Words::of(&bench);
    // The receiver's record lies behind those of the senders.
    let senders = words.get(48) & 0xffff_ffff;
    words.set(words.get(112) + 128 * senders + 64, 1 << 58 | most);
    let mut rx = bench.receiver();
    let marked = (0..capacity).filter(|_| rx.recv().is_ok() && rx.redelivered() > 0).count();
    assert_eq!(marked as u64, most);
}

/// Free, and a gap: states of a stamp.
const FREE: u64 = 0;
const SKIP: u64 = 2;

#[test]
fn a_receiver_that_finds_gaps_without_end_says_that_there_is_nothing_yet_and_not_that_it_is_at_the_end() {
    fn check<K: Many>() {
        for (capacity, gone) in
            CAPACITIES.into_iter().flat_map(|capacity| [(capacity, false), (capacity, true)])
        {
            let bench = Bench::<K>::with_room(capacity, 2);
            let (tx, mut rx) = (bench.sender(), bench.receiver());
            let tx = (!gone).then_some(tx);
            let (words, n, mut passed) = (Words::of(&bench), capacity as u64, 0);
            (0..n).for_each(|position| words.stamp(position, n, SKIP));
            let meddler = move |point: &str| {
                if point == "recv.after-release" {
                    assert!(passed < 1 << 20, "it goes on for ever");
                    words.stamp(passed + n, n, SKIP);
                    passed += 1;
                }
            };
            meddled(meddler, || {
                assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
                assert_eq!(rx.try_recv_batch(&mut Vec::new(), 99), Err(TryRecvError::Empty));
                assert_eq!(rx.try_lease().map(drop), Err(TryRecvError::Empty));
                for timeout in [Duration::ZERO, A_MOMENT] {
                    assert_eq!(rx.recv_timeout(timeout), Err(RecvTimeoutError::Timeout));
                }
            });
            drop(tx);
            let end = rx.recv_timeout(WATCHDOG);
            assert_eq!(end, Err(RecvTimeoutError::Disconnected(Departure::Left)));
        }
    }
    watched(check::<Mpmc>);
    watched(check::<Mpsc>);
}

#[test]
fn a_sender_that_always_comes_too_late_says_that_there_is_no_room_yet_and_not_that_nobody_is_there() {
    fn check<K: Many>() {
        for gone in [false, true] {
            let bench = Bench::<K>::with_room(1, 2);
            let (mut tx, rx) = (bench.sender(), bench.receiver());
            let rx = (!gone).then_some(rx);
            let (words, message, mut lost) = (Words::of(&bench), Wide::of(0), 0);
            let meddler = move |point: &str| {
                if point == "send.after-intent" {
                    assert!(lost < 1 << 20, "it goes on for ever");
                    lost += 1;
                    words.set(words.tail, lost);
                    words.stamp(lost, 1, FREE);
                }
            };
            meddled(meddler, || {
                assert_eq!(tx.try_send(message), Err(TrySendError::Full(message)));
                assert_eq!(tx.try_send_batch(&[message]), Err(TrySendError::Full(())));
                let late = tx.send_timeout(message, Duration::ZERO);
                assert_eq!(late, Err(SendTimeoutError::Timeout(message)));
            });
            // And when nobody is faster any more it is heard.
            assert_eq!(tx.try_send(message), Ok(()));
            drop(rx);
            let full = tx.send_timeout(message, WATCHDOG);
            assert_eq!(full, Err(SendTimeoutError::Disconnected(message, Departure::Left)));
        }
    }
    watched(check::<Mpmc>);
    watched(check::<Mpsc>);
}
