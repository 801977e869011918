//! What participants count, as others see it.

use std::time::{Duration, Instant, SystemTime};

use ringway::channel::{Mpmc, Mpsc, Spmc, Spsc, untyped};
use ringway::inspect::{Counters, Participant, Snapshot};
use ringway::{Wait, mpmc, mpsc, spsc};

use crate::testing::TempNamespace;
use crate::{Makes, Numbered, channel_of};

#[track_caller]
fn of(participants: &[Participant]) -> Counters {
    participants[0].counters.expect("this program counts")
}

/// Looks until the clock has ticked, which is when one that looks in vain stores its sums; how often.
fn look_for_a_tick(mut is_in_vain: impl FnMut() -> bool) -> u64 {
    let from = Instant::now();
    for looks in 1.. {
        let has_ticked = from.elapsed() > Duration::from_millis(25);
        assert!(is_in_vain());
        if has_ticked {
            return looks;
        }
    }
    unreachable!("time goes on")
}

#[test]
fn messages_bytes_and_batches_are_right_whenever_nobody_is_in_the_middle() {
    fn test<M: Numbered, K: Makes>() {
        let space = TempNamespace::new();
        let channel = || channel_of::<M, K>(&space).capacity(64);
        let (mut tx, mut rx) =
            (channel().sender().expect("the name is free"), channel().receiver().expect("the role is free"));
        for number in 0..5000 {
            tx.send(M::of(number)).expect("there is room");
            rx.recv().expect("sent");
        }
        let batch: Vec<M> = (0..30).map(M::of).collect();
        let mut received = Vec::new();
        for _ in 0..100 {
            tx.send_batch(&batch).expect("there is room");
            while received.len() < 30 {
                rx.recv_batch(&mut received, 30).expect("sent");
            }
            received.clear();
        }
        // A sender stores its sums when it is dropped.
        let looks = look_for_a_tick(|| rx.try_recv().is_err());
        drop(tx);
        let stats = channel().stats().expect("it can be looked into");
        let (sent, got) = (of(&stats.senders), of(&stats.receivers));
        assert_eq!((sent.messages, sent.bytes), (8000, 8000 * size_of::<M>() as u64));
        assert_eq!((got.messages, got.bytes), (sent.messages, sent.bytes));
        assert_eq!((sent.batches, got.batches), (5100, 5100));
        assert_eq!((sent.refused, got.refused), (0, looks));
    }
    test::<u64, Spsc>();
    test::<[u64; 16], Spsc>();
    test::<u64, Mpsc>();
    test::<u64, Spmc>();
    test::<[u64; 16], Mpmc>();
}

#[test]
fn of_one_that_looks_in_vain_all_is_counted_soon() {
    fn test<K: Makes>() {
        let space = TempNamespace::new();
        let channel = || channel_of::<u64, K>(&space).capacity(64);
        let mut tx = channel().sender().expect("the name is free");
        let stats = || channel().stats().expect("it can be looked into");
        tx.send_batch(&[7; 64]).expect("there is room");
        // Nobody has come to the other side, and then nobody is left there.
        look_for_a_tick(|| tx.try_send(7).is_err());
        let sent = of(&stats().senders);
        assert_eq!((sent.messages, sent.batches), (64, 1));
        let mut rx = channel().receiver().expect("the role is free");
        drop(tx);
        assert_eq!(rx.recv_batch(&mut Vec::new(), 64), Ok(64));
        look_for_a_tick(|| rx.try_recv().is_err());
        let got = of(&stats().receivers);
        assert_eq!((got.messages, got.batches), (64, 1));
    }
    test::<Spsc>();
    test::<Mpsc>();
    test::<Spmc>();
    test::<Mpmc>();
}

#[test]
fn of_a_sole_side_each_message_is_counted_at_once_and_of_a_shared_one_after_a_while() {
    fn counted<K: Makes>() -> [u64; 2] {
        let space = TempNamespace::new();
        let channel = || channel_of::<u64, K>(&space).capacity(4096);
        let (mut tx, mut rx) =
            (channel().sender().expect("the name is free"), channel().receiver().expect("the role is free"));
        (0..1500).for_each(|number| tx.send(number).expect("there is room"));
        (0..1500).for_each(|number| assert_eq!(rx.recv(), Ok(number)));
        let stats = channel().stats().expect("it can be looked into");
        [of(&stats.senders), of(&stats.receivers)].map(|counters| counters.messages)
    }
    assert_eq!(counted::<Spsc>(), [1500, 1500]);
    assert_eq!(counted::<Mpsc>(), [1024, 1500]);
    assert_eq!(counted::<Spmc>(), [1500, 1024]);
    assert_eq!(counted::<Mpmc>(), [1024, 1024]);
}

#[test]
fn sums_of_a_sole_side_are_stored_with_the_laps_and_never_fall() {
    fn test<M: Numbered, K: Makes>(is_sole: [bool; 2]) {
        const PER_CALL: usize = 30;
        let space = TempNamespace::new();
        let channel = || channel_of::<M, K>(&space).capacity(64);
        let (mut tx, mut rx) =
            (channel().sender().expect("the name is free"), channel().receiver().expect("the role is free"));
        let batch: Vec<M> = (0..PER_CALL as u64).map(M::of).collect();
        let mut before = [0; 2];
        for call in 1..=200 {
            let mut received = Vec::new();
            tx.send_batch(&batch).expect("there is room");
            rx.recv_batch(&mut received, PER_CALL).expect("sent");
            assert_eq!(received.len(), PER_CALL);
            let stats = channel().stats().expect("it can be looked into");
            let counters = [of(&stats.senders), of(&stats.receivers)];
            for ((counters, before), is_sole) in counters.iter().zip(&mut before).zip(is_sole) {
                let Counters { messages, batches, .. } = *counters;
                if is_sole {
                    assert_eq!(messages, call * PER_CALL as u64);
                }
                // A lap of 64 is less than three calls.
                let stored = (call * PER_CALL as u64).saturating_sub(1024 + 64 + 30) / PER_CALL as u64;
                assert!(
                    (stored.max(*before)..=call).contains(&batches),
                    "{batches} of {call}, before {before}"
                );
                *before = batches;
            }
        }
        assert!(before.iter().all(|batches| *batches > 150), "{before:?}");
    }
    test::<u64, Spsc>([true, true]);
    test::<[u64; 16], Spsc>([true, true]);
    test::<u64, Mpsc>([false, true]);
    test::<[u64; 16], Spmc>([true, false]);
}

#[test]
fn a_channel_that_is_never_full_is_looked_at_now_and_then() {
    /// After each burst a receiver looks in vain or does not.
    fn highest<K: Makes>(capacity: usize, looks: bool) -> [u64; 2] {
        let space = TempNamespace::new();
        let channel = || channel_of::<u64, K>(&space).capacity(capacity);
        let (mut tx, mut rx) =
            (channel().sender().expect("the name is free"), channel().receiver().expect("the role is free"));
        // What is looked at at first is empty, or next to it.
        for number in 0..9000 {
            tx.send(number).expect("there is room");
            assert_eq!(rx.recv(), Ok(number));
        }
        if !looks {
            (0..300).for_each(|number| tx.send(number).expect("there is room"));
        }
        for _ in 0..capacity.max(8192) / 512 + 2 {
            (0..512).for_each(|number| tx.send(number).expect("there is room"));
            (0..512).for_each(|_| assert!(rx.recv().is_ok()));
            if looks {
                look_for_a_tick(|| rx.try_recv().is_err());
            }
        }
        let stats = channel().stats().expect("it can be looked into");
        [of(&stats.senders), of(&stats.receivers)].map(|counters| counters.highest_fill)
    }
    for highest in [highest::<Spsc>, highest::<Mpsc>, highest::<Spmc>, highest::<Mpmc>] {
        for capacity in [1024, 4096, 65_536] {
            let without = highest(capacity, false);
            assert!(without.iter().all(|fill| (300..=812).contains(fill)), "{capacity}: {without:?}");
        }
        let [sender, receiver] = highest(1024, true);
        assert!((100..=512).contains(&sender) && (100..=512).contains(&receiver), "{sender}, {receiver}");
    }
}

#[test]
fn all_is_counted_of_one_that_has_left_also_where_only_the_segment_knows_the_type() {
    let space = TempNamespace::new();
    let channel = || mpsc::channel::<u64>("c").namespace(space.namespace()).capacity(64);
    let mut rx = channel().receiver().expect("the name is free");
    let untyped = || untyped::Channel::open_in(&space.namespace(), "c").expect("it is there");
    let mut tx = untyped().sender().expect("a free place");
    (0..5_u64)
        .for_each(|number| tx.send_timeout(&number.to_le_bytes(), Duration::MAX).expect("there is room"));
    drop(tx);
    let sent = channel().stats().expect("it can be looked into").senders;
    assert_eq!(of(&sent).messages, 5);
    (0..5).for_each(|number| assert_eq!(rx.recv(), Ok(number)));
}

#[test]
fn a_successor_counts_from_nothing_and_what_its_predecessor_counted_is_gone() {
    let space = TempNamespace::new();
    let channel = || channel_of::<u64, Spsc>(&space).capacity(64);
    let mut rx = channel().receiver().expect("the name is free");
    let before = SystemTime::now();
    for messages in [10, 3] {
        let mut tx = channel().sender().expect("the role is free");
        (0..messages).for_each(|number| tx.send(number).expect("there is room"));
        let sent = of(&channel().stats().expect("it can be looked into").senders);
        assert_eq!((sent.messages, sent.bytes), (messages, 8 * messages));
        // The clock that it goes by ticks every few milliseconds.
        assert!(sent.active + Duration::from_millis(100) >= before, "{sent:?}");
    }
    (0..10).chain(0..3).for_each(|number| assert_eq!(rx.recv(), Ok(number)));
    assert_eq!(of(&channel().stats().expect("it can be looked into").receivers).messages, 13);
}

#[test]
fn refusals_and_a_full_channel_are_counted() {
    let space = TempNamespace::new();
    let channel = || mpmc::channel::<u64>("c").namespace(space.namespace()).capacity(4).wait(Wait::Yield);
    let (mut tx, mut rx) =
        (channel().sender().expect("the name is free"), channel().receiver().expect("a free place"));
    let look = || channel().stats().expect("it can be looked into");
    assert!(rx.try_recv().is_err());
    assert!(rx.recv_timeout(Duration::from_millis(1)).is_err());
    assert_eq!(of(&look().receivers).refused, 2);
    (0..3).for_each(|number| tx.send(number).expect("there is room"));
    assert_eq!(of(&look().senders).highest_fill, 0, "it has not looked");
    tx.send(3).expect("there is room");
    assert!(tx.try_send(4).is_err());
    let sent = of(&look().senders);
    assert_eq!((sent.refused, sent.highest_fill), (1, 4));
    assert_eq!((sent.sleeps, of(&look().receivers).sleeps), (0, 0));
}

#[test]
fn whoever_sleeps_and_whoever_wakes_it_count_that() {
    let space = TempNamespace::new();
    let channel = || spsc::channel::<u64>("c").namespace(space.namespace()).wait(Wait::ParkAtOnce);
    let (mut tx, mut rx) =
        (channel().sender().expect("the name is free"), channel().receiver().expect("the role is free"));
    let look = || channel().stats().expect("it can be looked into");
    let receiving = std::thread::spawn(move || {
        let message = rx.recv();
        (rx, message)
    });
    let is_asleep = |stats: Snapshot| stats.receivers_sleep;
    while !is_asleep(look()) {
        std::thread::yield_now();
    }
    tx.send(1).expect("there is room");
    let (rx, message) = receiving.join().expect("it receives");
    assert_eq!(message, Ok(1));
    let stats = look();
    assert!((1..=2).contains(&of(&stats.receivers).sleeps), "{stats:?}");
    assert_eq!(of(&stats.senders).wakes, 1);
    drop(rx);
}

#[test]
fn a_sender_that_wakes_somebody_with_each_batch_looks_at_the_fill_as_well() {
    let space = TempNamespace::new();
    let channel = || spsc::channel::<u64>("c").namespace(space.namespace()).wait(Wait::ParkAtOnce);
    let channel = || channel().capacity(4096);
    let (mut tx, mut rx) =
        (channel().sender().expect("the name is free"), channel().receiver().expect("the role is free"));
    let receiving = std::thread::spawn(move || rx.iter().count());
    let look = || channel().stats().expect("it can be looked into");
    for _ in 0..20 {
        while !look().receivers_sleep {
            std::thread::yield_now();
        }
        tx.send_batch(&[7; 1024]).expect("there is room");
    }
    let sent = of(&look().senders);
    assert!((1..=1024).contains(&sent.highest_fill), "{sent:?}");
    drop(tx);
    assert_eq!(receiving.join().expect("it receives"), 20 * 1024);
}

#[test]
fn of_one_that_sleeps_all_is_counted_before() {
    let space = TempNamespace::new();
    let channel = || mpmc::channel::<u64>("c").namespace(space.namespace()).wait(Wait::ParkAtOnce);
    let (mut tx, mut rx) =
        (channel().sender().expect("the name is free"), channel().receiver().expect("there is room"));
    let receiving = std::thread::spawn(move || rx.iter().count());
    let mut sleeps = 0;
    // Several within a tick of the clock.
    let before = (1..=40).filter(|sent| {
        tx.send(*sent).expect("there is room");
        let mut counted = std::iter::repeat_with(|| of(&channel().stats().expect("it is there").receivers));
        let counted = counted.find(|counted| counted.messages == *sent).expect("it takes it");
        // It has slept before, and not again.
        counted.sleeps - std::mem::replace(&mut sleeps, counted.sleeps) < 2
    });
    let before = before.count();
    drop(tx);
    assert_eq!(receiving.join().expect("it receives"), 40);
    assert!(before > 20, "{before} of 40, and else when it had slept");
}

#[test]
fn a_channel_that_is_not_there_has_no_stats_and_is_not_made() {
    let space = TempNamespace::new();
    let channel = channel_of::<u64, Spsc>(&space);
    let error = channel.stats().expect_err("nobody has made it");
    assert!(error.to_string().contains("`c`"), "{error}");
    assert_eq!(std::fs::read_dir(space.path()).expect("a directory").count(), 0);
}
