//! Each future, stream and sink: what wakes it, and what it answers.

use std::future::poll_fn;
use std::pin::Pin;
use std::thread;
use std::time::Duration;

use futures_core::Stream;
use futures_sink::Sink;
use ringway::channel::{Mpmc, Receiver, Sender, Spsc};
use ringway::seqlock::{self, WaitError};
use ringway::{Departure, Message, Parking, RecvError, Select, SendError, TryRecvError, mpmc, spsc};

use crate::caller::Caller;
use crate::testing::{Child, Role, TempNamespace, watched};
use crate::{Executor, LEFT, NEVER, Parks, Tokio, channel, ends};

const ROUNDS: u64 = 40;
const DIR: &str = "RINGWAY_TEST_DIR";

/// Runs a test in both executors, with every choice of parking.
fn everywhere<T: Tests>() {
    for parking in [Parking::Never, Parking::Fenced, Parking::Asymmetric] {
        watched(move || {
            let space = TempNamespace::new();
            T::test::<Parks>(&space, parking);
            space.assert_empty();
            T::test::<Tokio>(&space, parking);
            space.assert_empty();
        });
    }
}

trait Tests {
    fn test<E: Executor>(space: &TempNamespace, parking: Parking);
}

/// A small message in a channel with sole sides, and a large one in a channel with shared sides.
struct Both {
    small: (Sender<u64, Spsc>, Receiver<u64, Spsc>),
    large: (Sender<[u64; 16], Mpmc>, Receiver<[u64; 16], Mpmc>),
}

impl Both {
    fn new(space: &TempNamespace, parking: Parking) -> Self {
        fn open<T: Message, K: ringway::channel::Kind>(
            space: &TempNamespace,
            parking: Parking,
            channel: ringway::channel::Channel<T, K>,
        ) -> (Sender<T, K>, Receiver<T, K>) {
            let channel = channel.namespace(space.namespace()).capacity(2).parking(parking);
            let channel = channel.liveness_interval(NEVER);
            let tx = channel.clone().sender().expect("there is room");
            (tx, channel.receiver().expect("there is room"))
        }
        Self {
            small: open(space, parking, spsc::channel("small")),
            large: open(space, parking, mpmc::channel("large")),
        }
    }
}

#[test]
fn a_task_that_waits_for_a_message_is_woken_by_it() {
    struct Woken;
    impl Tests for Woken {
        fn test<E: Executor>(space: &TempNamespace, parking: Parking) {
            let Both { small: (mut tx, mut rx), large: (mut large_tx, mut large_rx) } =
                Both::new(space, parking);
            let caller = Caller::start(move || {
                E::block_on(async {
                    for number in 0..ROUNDS {
                        assert_eq!(rx.recv_async().await, Ok(number));
                        assert_eq!(large_rx.recv_async().await, Ok([number; 16]));
                    }
                    assert_eq!(rx.recv_async().await, Err(RecvError::Disconnected(LEFT)));
                    assert_eq!(large_rx.recv_async().await, Err(RecvError::Disconnected(LEFT)));
                });
            });
            for number in 0..ROUNDS {
                caller.until_asleep();
                tx.send(number).expect("there is room");
                while !tx.is_empty() {
                    thread::yield_now();
                }
                caller.until_asleep();
                large_tx.send([number; 16]).expect("there is room");
                while !large_tx.is_empty() {
                    thread::yield_now();
                }
            }
            drop(tx);
            caller.until_asleep();
            drop(large_tx);
            caller.answer();
        }
    }
    everywhere::<Woken>();
}

#[test]
fn a_task_that_waits_for_a_free_slot_is_woken_by_it() {
    struct Woken;
    impl Tests for Woken {
        fn test<E: Executor>(space: &TempNamespace, parking: Parking) {
            let Both { small: (mut tx, mut rx), large: (mut large_tx, mut large_rx) } =
                Both::new(space, parking);
            let caller = Caller::start(move || {
                E::block_on(async {
                    for number in 0..ROUNDS {
                        tx.send_async(number).await.expect("there will be room");
                        large_tx.send_async([number; 16]).await.expect("there will be room");
                    }
                    let refused = loop {
                        if let Err(error) = tx.send_async(9).await {
                            break error;
                        }
                    };
                    assert_eq!(refused, SendError::Disconnected(9, LEFT));
                });
            });
            for number in 0..ROUNDS {
                caller.until_asleep();
                assert_eq!(rx.recv(), Ok(number));
                assert_eq!(large_rx.recv(), Ok([number; 16]));
            }
            caller.until_asleep();
            drop(rx);
            caller.answer();
        }
    }
    everywhere::<Woken>();
}

#[test]
fn a_task_that_waits_for_a_newer_value_is_woken_by_it_and_hears_that_the_writer_left() {
    struct Woken;
    impl Tests for Woken {
        fn test<E: Executor>(space: &TempNamespace, parking: Parking) {
            let cell = seqlock::cell::<u64>("cell").namespace(space.namespace());
            let cell = cell.parking(parking).liveness_interval(NEVER);
            let mut writer = cell.clone().writer().expect("the role is free");
            let reader = cell.reader().expect("anybody may read");
            let (told, tell) = std::sync::mpsc::channel();
            let caller = Caller::start(move || {
                E::block_on(async {
                    let mut seen = 0;
                    for number in 1..=ROUNDS {
                        assert_eq!(reader.wait_newer_async(&mut seen).await, Ok(number));
                        assert_eq!(seen, number);
                        told.send(()).expect("somebody listens");
                    }
                    assert_eq!(reader.wait_newer_async(&mut seen).await, Err(WaitError::Stale(LEFT)));
                });
            });
            for number in 1..=ROUNDS {
                caller.until_asleep();
                writer.store(number);
                tell.recv().expect("it goes on");
            }
            caller.until_asleep();
            drop(writer);
            caller.answer();
        }
    }
    everywhere::<Woken>();
}

#[test]
fn a_stream_gives_every_message_in_order_and_ends_with_its_sender() {
    struct Streams;
    impl Tests for Streams {
        fn test<E: Executor>(space: &TempNamespace, parking: Parking) {
            let Both { small: (mut tx, mut rx), .. } = Both::new(space, parking);
            let caller = Caller::start(move || {
                E::block_on(async {
                    let mut stream = rx.stream();
                    let mut numbers = Vec::new();
                    while let Some(number) = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await
                    {
                        numbers.push(number);
                    }
                    numbers
                })
            });
            caller.until_asleep();
            (0..ROUNDS).for_each(|number| tx.send(number).expect("there will be room"));
            caller.until_asleep();
            drop(tx);
            assert_eq!(caller.answer(), (0..ROUNDS).collect::<Vec<_>>());
        }
    }
    everywhere::<Streams>();
}

#[test]
fn a_sink_sends_every_message_in_order_and_keeps_what_it_has_not_sent() {
    struct Sinks;
    impl Tests for Sinks {
        fn test<E: Executor>(space: &TempNamespace, parking: Parking) {
            let Both { small: (mut tx, mut rx), .. } = Both::new(space, parking);
            let caller = Caller::start(move || {
                E::block_on(async {
                    let mut sink = tx.sink();
                    for number in 0..ROUNDS {
                        poll_fn(|context| Pin::new(&mut sink).poll_ready(context)).await.expect("room");
                        Pin::new(&mut sink).start_send(number).expect("it was ready");
                    }
                    poll_fn(|context| Pin::new(&mut sink).poll_close(context)).await.expect("room");
                    assert_eq!(sink.into_waiting(), None);

                    // The two that the channel holds, and one that waits.
                    let mut sink = tx.sink();
                    for number in 100..103 {
                        poll_fn(|context| Pin::new(&mut sink).poll_ready(context)).await.expect("room");
                        Pin::new(&mut sink).start_send(number).expect("it was ready");
                    }
                    assert_eq!(sink.into_waiting(), Some(102));
                });
                tx
            });
            for number in 0..ROUNDS {
                caller.until_asleep();
                assert_eq!(rx.recv(), Ok(number));
            }
            drop(caller.answer());
            assert_eq!(rx.iter().collect::<Vec<_>>(), [100, 101]);
        }
    }
    everywhere::<Sinks>();
}

#[test]
#[should_panic(expected = "a message was given to a sink that was not ready")]
fn a_sink_that_is_not_ready_takes_no_message() {
    let (mut tx, _rx) = spsc::in_process::<u64>(1).expect("there is memory");
    let mut sink = tx.sink();
    for number in 0..3 {
        Pin::new(&mut sink).start_send(number).expect("nobody is gone");
    }
}

#[test]
fn a_task_that_selects_is_woken_by_each_of_its_sources() {
    struct Selects;
    impl Tests for Selects {
        fn test<E: Executor>(space: &TempNamespace, parking: Parking) {
            let Both { small: (mut tx, mut rx), large: (mut full, mut large_rx) } = Both::new(space, parking);
            let cell = seqlock::cell::<u64>("cell").namespace(space.namespace());
            let cell = cell.parking(parking).liveness_interval(NEVER);
            let mut writer = cell.clone().writer().expect("the role is free");
            let mut newer = cell.reader().expect("anybody may read").newer_than(0);
            while full.try_send([0; 16]).is_ok() {}
            let (told, tell) = std::sync::mpsc::channel();
            let caller = Caller::start(move || {
                E::block_on(async {
                    let mut select = Select::fair();
                    loop {
                        let index = select.wait_async(&mut [&mut rx, &mut full, &mut newer]).await;
                        match index {
                            0 => match rx.try_recv() {
                                Ok(_) => {}
                                Err(TryRecvError::Disconnected(LEFT)) => return,
                                Err(error) => panic!("{error}"),
                            },
                            1 => full.try_send([0; 16]).expect("a free slot"),
                            _ => newer.set_seen(newer.reader().version()),
                        }
                        told.send(index).expect("somebody listens");
                    }
                });
            });
            for number in 0..ROUNDS {
                caller.until_asleep();
                match number % 3 {
                    0 => tx.send(number).expect("there is room"),
                    1 => drop(large_rx.recv().expect("it is full")),
                    _ => writer.store(number),
                }
                assert_eq!(tell.recv(), Ok(number as usize % 3));
            }
            caller.until_asleep();
            drop(tx);
            caller.answer();
        }
    }
    everywhere::<Selects>();
}

#[test]
fn role_sender() {
    let Some(mut role) = Role::play() else { return };
    let space = std::path::PathBuf::from(role.var(DIR));
    let channel = spsc::channel::<u64>("c").namespace(ringway::map::Namespace::Dir(space));
    let mut tx = channel.open_existing().sender().expect("the role is free");
    tx.send(7).expect("there is room");
    role.say("sent");
    role.hear();
}

#[test]
fn a_task_hears_that_the_process_it_waits_for_was_killed() {
    watched(|| {
        let space = TempNamespace::new();
        let interval = Duration::from_millis(10);
        let mut rx = channel(&space, "c").liveness_interval(interval).receiver().expect("free");
        let mut child = Child::spawn("calls::role_sender", &[(DIR, space.path())]);
        assert_eq!(child.hear(), "sent");
        let caller = Caller::asleep(move || {
            Parks::block_on(async {
                assert_eq!(rx.recv_async().await, Ok(7));
                rx.recv_async().await
            })
        });
        child.kill_running();
        assert_eq!(caller.answer(), Err(RecvError::Disconnected(Departure::Died)));
        space.assert_empty();
    });
}

#[test]
fn what_is_there_is_had_without_a_wait() {
    let space = TempNamespace::new();
    let (mut tx, mut rx) = ends(&space, "c");
    assert_eq!(Parks::block_on(tx.send_async(1)), Ok(()));
    assert_eq!(Parks::block_on(rx.recv_async()), Ok(1));
}
