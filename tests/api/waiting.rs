//! Calls that sleep: who waits is woken by what it waits for, over a name and with every choice of parking.
//!
//! Nobody sleeps for longer than a second, so a wake that is lost costs that long. A test that has more rounds than the
//! watchdog has seconds hangs if none of them is woken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ringway::channel::{Channel, Kind, Mpmc, Mpsc, Receiver, Sender, Spmc, Spsc};
use ringway::seqlock::{self, WaitError};
use ringway::{Error, Parking, RecvError, RecvTimeoutError, SendError, SendTimeoutError, Wait};

use crate::caller::Caller;
use crate::cells::cell;
use crate::testing::{TempNamespace, watched};
use crate::{LEFT, Makes, Numbered, channel_of, fill};

/// Longer than any test: whoever is woken was not woken by that.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);
/// More than the watchdog has seconds.
pub(crate) const ROUNDS: u64 = 80;
/// A time to be waited for.
const A_WHILE: Duration = Duration::from_millis(5);

/// Where nobody sleeps, both ways to wait are one.
const CHOICES: [(Parking, Wait); 5] = [
    (Parking::Never, Wait::Park),
    (Parking::Fenced, Wait::Park),
    (Parking::Fenced, Wait::ParkAtOnce),
    (Parking::Asymmetric, Wait::Park),
    (Parking::Asymmetric, Wait::ParkAtOnce),
];
const PARKING: [Parking; 3] = [Parking::Never, Parking::Fenced, Parking::Asymmetric];

/// A named channel whose calls sleep, of either end.
fn sleeping<M: Numbered, K: Makes>(space: &TempNamespace, parking: Parking, wait: Wait) -> Channel<M, K> {
    channel_of(space).capacity(4).parking(parking).wait(wait).liveness_interval(NEVER)
}

/// Runs a test for a small and a large message of every kind, with every way to wait that sleeps and every parking.
fn everywhere<T: Tests>() {
    fn of<M: Numbered, K: Makes, T: Tests>() {
        for (parking, wait) in CHOICES {
            watched(move || {
                let space = TempNamespace::new();
                let channel = sleeping::<M, K>(&space, parking, wait);
                let tx = channel.clone().create_new().sender().expect("the name is free");
                let rx = channel.open_existing().receiver().expect("the role is free");
                T::test(tx, rx, parking != Parking::Never);
                space.assert_empty();
            });
        }
    }
    of::<u64, Spsc, T>();
    of::<[u64; 16], Spsc, T>();
    of::<[u64; 16], Mpsc, T>();
    of::<u64, Spmc, T>();
    of::<u64, Mpmc, T>();
}

/// A test over both ends of a channel of four messages. `sleeps`: whether its calls may sleep.
trait Tests {
    fn test<M: Numbered, K: Kind>(tx: Sender<M, K>, rx: Receiver<M, K>, sleeps: bool);
}

/// Waits until the other side sleeps, if it may.
fn let_sleep<R: Send + 'static>(caller: &Caller<R>, sleeps: bool) {
    if sleeps {
        caller.until_asleep();
    } else {
        thread::yield_now();
    }
}

#[test]
fn a_receiver_that_sleeps_is_woken_by_a_message() {
    struct Woken;
    impl Tests for Woken {
        fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>, sleeps: bool) {
            let caller = Caller::start(move || {
                for number in 0..ROUNDS {
                    let message = match number % 4 {
                        0 => rx.recv(),
                        1 => rx.recv_timeout(NEVER).map_err(|error| panic!("{error}")),
                        2 => rx.lease().map(|lease| *lease),
                        _ => rx.lease_timeout(NEVER).map(|lease| *lease).map_err(|error| panic!("{error}")),
                    };
                    assert_eq!(message, Ok(M::of(number)));
                }
                rx
            });
            for number in 0..ROUNDS {
                while !tx.is_empty() {
                    thread::yield_now();
                }
                let_sleep(&caller, sleeps);
                match number % 3 {
                    0 => tx.send(M::of(number)).expect("there is room"),
                    1 => tx.send_batch(&[M::of(number)]).expect("there is room"),
                    _ => tx.loan().expect("there is room").write(M::of(number)).publish(),
                }
            }
            drop(caller.answer());
        }
    }
    everywhere::<Woken>();
}

#[test]
fn a_sender_that_sleeps_is_woken_by_a_free_slot() {
    struct Woken;
    impl Tests for Woken {
        fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>, sleeps: bool) {
            let first = fill(&mut tx, 0);
            let caller = Caller::start(move || {
                for number in first..first + ROUNDS {
                    match number % 4 {
                        0 => tx.send(M::of(number)).expect("there will be room"),
                        1 => tx.send_timeout(M::of(number), NEVER).expect("there will be room"),
                        2 => tx.loan().expect("there will be room").write(M::of(number)).publish(),
                        _ => tx.loan_timeout(NEVER).expect("room").write(M::of(number)).publish(),
                    }
                }
                tx
            });
            for number in 0..ROUNDS {
                while !rx.is_full() {
                    thread::yield_now();
                }
                let_sleep(&caller, sleeps);
                let mut batch = Vec::new();
                match number % 3 {
                    0 => batch.push(rx.recv().expect("it is full")),
                    1 => assert_eq!(rx.recv_batch(&mut batch, 1), Ok(1)),
                    _ => batch.push(*rx.lease().expect("it is full")),
                }
                assert_eq!(batch, [M::of(number)]);
            }
            drop(caller.answer());
        }
    }
    everywhere::<Woken>();
}

#[test]
fn batches_larger_than_the_channel_pass_between_two_that_sleep() {
    struct Passed;
    impl Tests for Passed {
        fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>, _sleeps: bool) {
            const MESSAGES: u64 = 200;
            let messages: Vec<M> = (0..MESSAGES).map(M::of).collect();
            let sent = messages.clone();
            let caller = Caller::start(move || {
                tx.send_batch(&sent[..100]).expect("there will be room");
                tx.send_batch_timeout(&sent[100..], NEVER).expect("there will be room");
                tx
            });
            let mut received = Vec::new();
            while received.len() < messages.len() {
                let taken = match received.len() % 2 {
                    0 => rx.recv_batch(&mut received, 3).expect("more are coming"),
                    _ => rx.recv_batch_timeout(&mut received, 3, NEVER).expect("more are coming"),
                };
                assert!((1..=3).contains(&taken));
            }
            assert_eq!(received, messages);
            drop(caller.answer());
        }
    }
    everywhere::<Passed>();
}

#[test]
fn a_call_that_sleeps_ends_when_its_time_is_up_and_not_before() {
    struct Timed;
    impl Tests for Timed {
        fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>, _sleeps: bool) {
            fn timed<R>(call: impl FnOnce() -> R) -> R {
                let start = Instant::now();
                let answer = call();
                assert!(start.elapsed() >= A_WHILE, "it ended early");
                answer
            }
            let mut none = Vec::new();
            assert_eq!(timed(|| rx.recv_timeout(A_WHILE)), Err(RecvTimeoutError::Timeout));
            let until = timed(|| rx.recv_deadline(Instant::now() + A_WHILE));
            assert_eq!(until, Err(RecvTimeoutError::Timeout));
            assert_eq!(rx.recv_deadline(Instant::now()), Err(RecvTimeoutError::Timeout));
            let batch = timed(|| rx.recv_batch_timeout(&mut none, 3, A_WHILE));
            assert_eq!(batch, Err(RecvTimeoutError::Timeout));
            assert_eq!(timed(|| rx.lease_timeout(A_WHILE).map(drop)), Err(RecvTimeoutError::Timeout));
            fill(&mut tx, 0);
            let message = M::of(9);
            let sent = timed(|| tx.send_timeout(message, A_WHILE));
            assert_eq!(sent, Err(SendTimeoutError::Timeout(message)));
            let until = timed(|| tx.send_deadline(message, Instant::now() + A_WHILE));
            assert_eq!(until, Err(SendTimeoutError::Timeout(message)));
            let batch = timed(|| tx.send_batch_timeout(&[message; 3], A_WHILE));
            assert_eq!(batch, Err(SendTimeoutError::Timeout(0)));
            assert_eq!(timed(|| tx.loan_timeout(A_WHILE).map(drop)), Err(SendTimeoutError::Timeout(())));
            drop(rx);
            assert!(!timed(|| tx.wait_for_peer(A_WHILE)));
        }
    }
    everywhere::<Timed>();
}

/// An end of a channel whose other end comes and goes: `come` opens that, `hear` sleeps until it has gone.
fn goes<E: Send + 'static, O>(end: E, mut come: impl FnMut() -> O, hear: fn(&mut E)) {
    let mut end = end;
    for _ in 0..ROUNDS {
        let other = come();
        let caller = Caller::asleep(move || {
            hear(&mut end);
            end
        });
        drop(other);
        end = caller.answer();
    }
}

#[test]
fn one_that_sleeps_is_woken_when_the_other_side_leaves() {
    fn test<K: Makes>(parking: Parking) {
        watched(move || {
            let space = TempNamespace::new();
            let channel = sleeping::<u64, K>(&space, parking, Wait::Park);
            let rx = channel.clone().receiver().expect("the role is free");
            goes(
                rx,
                || channel.clone().sender().expect("the role is free"),
                |rx| assert_eq!(rx.recv(), Err(RecvError::Disconnected(LEFT))),
            );
            let mut tx = channel.clone().sender().expect("the role is free");
            fill(&mut tx, 0);
            goes(
                tx,
                || channel.clone().receiver().expect("the role is free"),
                |tx| assert_eq!(tx.send(9), Err(SendError::Disconnected(9, LEFT))),
            );
            space.assert_empty();
        });
    }
    for parking in [Parking::Fenced, Parking::Asymmetric] {
        test::<Spsc>(parking);
        test::<Mpmc>(parking);
    }
}

#[test]
fn one_that_waits_for_the_other_side_is_woken_when_it_comes() {
    fn test<K: Makes>() {
        watched(|| {
            let space = TempNamespace::new();
            let channel = sleeping::<u64, K>(&space, Parking::Asymmetric, Wait::Park);
            let (mut tx, mut rx) = (channel.clone().sender().expect("the role is free"), None);
            for _ in 0..ROUNDS {
                drop(rx);
                let caller = Caller::asleep(move || {
                    assert!(tx.wait_for_peer(Duration::MAX));
                    tx
                });
                rx = Some(channel.clone().receiver().expect("the role is free"));
                tx = caller.answer();
            }
            let (mut rx, mut tx) = (rx.expect("the last one"), Some(tx));
            for _ in 0..ROUNDS {
                drop(tx.take());
                let caller = Caller::asleep(move || {
                    assert!(rx.wait_for_peer(NEVER));
                    rx
                });
                tx = Some(channel.clone().sender().expect("the role is free"));
                rx = caller.answer();
            }
            drop((tx, rx));
            space.assert_empty();
        });
    }
    test::<Spsc>();
    test::<Mpmc>();
}

#[test]
fn one_that_waits_for_a_sender_hears_of_one_that_has_come_and_left_again() {
    struct Left;
    impl Tests for Left {
        fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>, _sleeps: bool) {
            tx.send(M::of(7)).expect("there is room");
            drop(tx);
            assert!(rx.wait_for_peer(NEVER), "there is a message of it");
            assert_eq!(rx.recv(), Ok(M::of(7)));
            assert_eq!(rx.recv(), Err(RecvError::Disconnected(LEFT)));
            assert!(!rx.wait_for_peer(Duration::ZERO));
        }
    }
    everywhere::<Left>();
}

#[test]
fn a_reader_that_sleeps_is_woken_by_a_newer_value_and_hears_that_the_writer_left() {
    for (parking, wait) in CHOICES {
        watched(move || {
            let space = TempNamespace::new();
            let cells = cell::<[u64; 16]>(&space).parking(parking).wait(wait).liveness_interval(NEVER);
            let mut writer = cells.clone().create_new().writer().expect("the name is free");
            // By a mapping that is read-only.
            let reader = cells.clone().open_existing().reader().expect("it is there");
            let taken = Arc::new(AtomicU64::new(0));
            let counted = Arc::clone(&taken);
            let caller = Caller::start(move || {
                let mut seen = 0;
                for number in 1..=ROUNDS {
                    let timeout = if number % 2 == 0 { NEVER } else { Duration::MAX };
                    assert_eq!(reader.wait_newer(&mut seen, timeout), Ok(<[u64; 16]>::of(number)));
                    counted.store(number, Ordering::Release);
                }
                assert_eq!(reader.wait_newer(&mut seen, A_WHILE), Err(WaitError::Timeout));
                counted.store(ROUNDS + 1, Ordering::Release);
                assert_eq!(reader.wait_newer(&mut seen, NEVER), Err(WaitError::Stale(LEFT)));
            });
            for number in 1..=ROUNDS {
                // No value is to be passed over.
                while taken.load(Ordering::Acquire) < number - 1 {
                    thread::yield_now();
                }
                let_sleep(&caller, parking != Parking::Never);
                writer.store(<[u64; 16]>::of(number));
            }
            while taken.load(Ordering::Acquire) <= ROUNDS {
                thread::yield_now();
            }
            let_sleep(&caller, parking != Parking::Never);
            drop(writer);
            caller.answer();
            space.assert_empty();
        });
    }
}

#[test]
fn another_choice_of_parking_is_refused_and_none_takes_what_is_there() {
    let space = TempNamespace::new();
    for found in PARKING {
        let tx = channel_of::<u64, Spsc>(&space).parking(found).create_new().sender().expect("free");
        let writer =
            seqlock::cell::<u64>("cell").namespace(space.namespace()).parking(found).create_new().writer();
        let writer = writer.expect("the name is free");
        for expected in PARKING.into_iter().filter(|other| *other != found) {
            let channel = channel_of::<u64, Spsc>(&space).parking(expected).receiver().map(drop);
            let reader = seqlock::cell::<u64>("cell")
                .namespace(space.namespace())
                .parking(expected)
                .reader()
                .map(drop);
            for (name, error) in [("c", channel), ("cell", reader)] {
                let error = error.expect_err("the other side looks for sleepers in another way");
                assert!(matches!(error, Error::Mismatch { option: "parking", .. }), "{error}");
                let text = format!(
                    "channel `{name}` has parking {found:?}, this program expects {expected:?}; ask for {found:?}, leave \
                     parking to the creator, or use another name"
                );
                assert_eq!(error.to_string(), text);
            }
        }
        drop(channel_of::<u64, Spsc>(&space).receiver().expect("whatever it has"));
        drop(seqlock::cell::<u64>("cell").namespace(space.namespace()).reader().expect("whatever it has"));
        drop((tx, writer));
        space.assert_empty();
    }
}
