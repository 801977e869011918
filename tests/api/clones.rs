//! Several on one side: clones, and others that came by name.

use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ringway::channel::{Mpmc, Receiver, Sender, SharedReceivers, SharedSenders};
use ringway::{Error, RecvError, SendError, TryRecvError, mpmc};

use crate::testing::{TempNamespace, watched};
use crate::{LEFT, Makes, Numbered, channel_of};

/// Fails the test unless this process has so many exclusive locks on the file of the channel `c`. The kernel's
/// list can lack a line while others come and go, so it is read more than once.
#[track_caller]
fn assert_locked(space: &TempNamespace, wanted: usize) {
    let inode = std::fs::metadata(space.path().join("c")).expect("it is there").ino().to_string();
    let ours = |line: &&str| {
        let mut words = line.split_whitespace();
        line.contains("OFDLCK")
            && line.contains("WRITE")
            && words.any(|word| word.rsplit(':').next() == Some(&inode))
    };
    let count = || {
        let locks = std::fs::read_to_string("/proc/locks").expect("the kernel's list");
        locks.lines().filter(ours).count()
    };
    let found = (0..100).map(|_| count()).find(|found| *found == wanted);
    assert_eq!(found.unwrap_or_else(count), wanted);
}

#[test]
fn a_clone_has_a_place_and_a_lock_of_its_own() {
    let space = TempNamespace::new();
    let channel = channel_of::<u64, Mpmc>(&space).max_senders(3).max_receivers(2);
    let tx = channel.clone().sender().expect("the name is free");
    assert_locked(&space, 1);
    let second = tx.clone();
    assert_locked(&space, 2);
    let third = second.try_clone().expect("there is room");
    let rx = channel.clone().receiver().expect("there is room");
    let other = rx.clone();
    assert_locked(&space, 5);
    // Whoever goes takes its own lock along and no other.
    drop(tx);
    assert_locked(&space, 4);
    drop(rx);
    assert_locked(&space, 3);
    // A clone of a clone, after the first one has gone.
    let again = third.clone();
    assert_locked(&space, 4);
    drop((second, third, other));
    assert_locked(&space, 1);
    drop(channel.open_existing().receiver().expect("the channel lives as long as one of them"));
    drop(again);
    space.assert_empty();
}

/// As many of one side as there may be, and one more.
#[test]
fn a_full_side_refuses_another_and_takes_it_when_one_has_left() {
    #[track_caller]
    fn assert_full<T>(result: Result<T, Error>, (channel, most): (&str, u32), side: &str) {
        let Err(error) = result else { panic!("a {side} too many") };
        assert!(matches!(error, Error::Full { limit, .. } if limit == most), "{error}");
        let text = format!(
            "channel `{channel}` has no room for another {side}: found {most}, expected fewer; stop one, or \
             create the channel anew with a larger max_{side}s (at most 254)"
        );
        assert_eq!(error.to_string(), text);
    }
    let space = TempNamespace::new();
    let channel = || channel_of::<u64, Mpmc>(&space);
    let named = (channel().sender().expect("free"), channel().receiver().expect("free"));
    let heap = mpmc::in_process::<u64>(4).expect("there is memory");
    for ((tx, rx), name, most) in [(named, "c", 32), (heap, "in process", 254)] {
        let mut senders: Vec<_> = (1..most).map(|_| tx.clone()).collect();
        let mut receivers: Vec<_> = (1..most).map(|_| rx.try_clone().expect("there is room")).collect();
        assert_full(tx.try_clone(), (name, most), "sender");
        assert_full(rx.try_clone(), (name, most), "receiver");
        let panic = catch_unwind(AssertUnwindSafe(|| drop(tx.clone()))).expect_err("no room");
        let text = panic.downcast_ref::<String>().expect("a text");
        assert!(text.starts_with(&format!("channel `{name}` has no room for another sender")), "{text}");
        if name == "c" {
            assert_full(channel().sender(), (name, most), "sender");
            assert_full(channel().receiver(), (name, most), "receiver");
        }
        senders.swap_remove(7);
        receivers.swap_remove(30);
        senders.push(tx.try_clone().expect("one has left"));
        receivers.push(rx.try_clone().expect("one has left"));
        // All of them work.
        for (number, (tx, rx)) in (0..).zip(senders.iter_mut().zip(&mut receivers)) {
            tx.send(number).expect("there is room");
            assert_eq!(rx.recv(), Ok(number));
        }
    }
    space.assert_empty();
}

#[test]
fn the_channel_ends_for_receivers_when_the_last_sender_has_left() {
    fn test<K: Makes + SharedSenders>() {
        let (mut tx, mut rx) = K::in_process::<u64>(3);
        let mut other = tx.clone();
        tx.send(1).expect("there is room");
        drop(tx);
        assert_eq!(rx.recv(), Ok(1));
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "there is another");
        other.send(2).expect("there is room");
        drop(other);
        assert_eq!(rx.recv(), Ok(2));
        assert_eq!(rx.recv(), Err(RecvError::Disconnected(LEFT)));
    }
    test::<ringway::channel::Mpsc>();
    test::<Mpmc>();
}

#[test]
fn a_slot_that_a_sender_had_in_hand_when_it_left_holds_nobody_up() {
    fn test<K: Makes + SharedSenders>() {
        let (mut tx, mut rx) = K::in_process::<u64>(3);
        let mut other = tx.clone();
        std::mem::forget(other.loan().expect("a slot").write(7));
        tx.send(1).expect("there is room");
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "a slot in hand is before it");
        drop(other);
        assert_eq!(rx.try_recv(), Ok(1));
    }
    test::<ringway::channel::Mpsc>();
    test::<Mpmc>();
}

#[test]
fn the_channel_is_closed_for_senders_when_the_last_receiver_has_left() {
    fn test<K: Makes + SharedReceivers>() {
        let (mut tx, rx) = K::in_process::<u64>(2);
        let mut other = rx.clone();
        drop(rx);
        tx.send(1).expect("there is room");
        tx.send(2).expect("there is room");
        assert!(tx.try_send(3).is_err_and(|error| matches!(error, ringway::TrySendError::Full(3))));
        assert_eq!(other.recv(), Ok(1));
        tx.send(3).expect("there is room");
        drop(other);
        assert_eq!(tx.send(4), Err(SendError::Disconnected(4, LEFT)));
    }
    test::<ringway::channel::Spmc>();
    test::<Mpmc>();
}

#[test]
fn a_message_is_received_by_one_receiver_and_in_the_order_of_its_sender() {
    const EACH: u64 = 8_000;
    fn test<M: Numbered>(capacity: usize, named: bool) {
        let space = TempNamespace::new();
        let (tx, rx): (Sender<M, Mpmc>, Receiver<M, Mpmc>) = if named {
            let channel = channel_of(&space).capacity(capacity);
            (channel.clone().sender().expect("free"), channel.receiver().expect("free"))
        } else {
            Mpmc::in_process(capacity)
        };
        let got: Vec<Vec<M>> = std::thread::scope(|scope| {
            let receivers: Vec<_> = (0..2)
                .map(|which| {
                    let mut rx = rx.clone();
                    scope.spawn(move || {
                        let mut got = Vec::new();
                        match which {
                            0 => got.extend(rx.iter()),
                            _ => while rx.recv_batch(&mut got, 7).is_ok() {},
                        }
                        got
                    })
                })
                .collect();
            for which in 0..2 {
                let mut tx = tx.clone();
                scope.spawn(move || {
                    let first = which * EACH;
                    for number in (first..first + EACH).step_by(4) {
                        tx.send(M::of(number)).expect("somebody receives");
                        tx.send_batch(&[number + 1, number + 2].map(M::of)).expect("somebody receives");
                        drop(tx.loan().expect("a slot"));
                        tx.loan().expect("a slot").write(M::of(number + 3)).publish();
                    }
                });
            }
            drop((tx, rx));
            receivers.into_iter().map(|receiver| receiver.join().expect("it ended well")).collect()
        });
        let got: Vec<Vec<u64>> = got.iter().map(|got| got.iter().map(Numbered::number).collect()).collect();
        for numbers in &got {
            for sender in [0..EACH, EACH..2 * EACH] {
                let of_one = numbers.iter().filter(|number| sender.contains(number));
                assert!(of_one.is_sorted(), "out of order");
            }
        }
        let mut all: Vec<u64> = got.into_iter().flatten().collect();
        all.sort();
        assert_eq!(all, (0..2 * EACH).collect::<Vec<_>>(), "each of them once");
        space.assert_empty();
    }
    for capacity in [1, 3, 64] {
        watched(move || test::<u64>(capacity, false));
        watched(move || test::<u64>(capacity, true));
        watched(move || test::<[u64; 16]>(capacity, true));
    }
}

#[test]
fn what_a_receiver_had_in_hand_when_it_left_is_delivered_again_and_says_so() {
    fn test<K: Makes + SharedReceivers>() {
        let (mut tx, mut rx) = K::in_process::<u64>(8);
        tx.send_batch(&[0, 1, 2, 3, 4]).expect("there is room");
        let mut other = rx.clone();
        std::mem::forget(other.lease().expect("a message"));
        drop(other);
        let mut other = rx.clone();
        assert_eq!(other.recv(), Ok(0));
        assert_eq!(other.redelivered(), 1);
        assert_eq!(other.recv(), Ok(1));
        assert_eq!(other.redelivered(), 0);
        std::mem::forget(other.lease().expect("a message"));
        drop(other);
        let mut other = rx.clone();
        let lease = other.lease().expect("a message");
        assert_eq!((*lease, lease.redelivered()), (2, 1));
        std::mem::forget(lease);
        drop(other);
        let mut batch = Vec::new();
        while batch.len() < 3 {
            rx.try_recv_batch(&mut batch, 9).expect("there are messages");
            let expected = if batch.len() == 1 { 2 } else { 0 };
            assert_eq!(rx.redelivered(), expected, "{batch:?}");
        }
        assert_eq!(batch, [2, 3, 4]);
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(rx.redelivered(), 0, "nothing was received");
    }
    test::<ringway::channel::Spmc>();
    test::<Mpmc>();
}

#[test]
fn what_an_only_receiver_had_in_hand_when_it_left_is_delivered_again_to_its_successor() {
    let space = TempNamespace::new();
    let channel = || channel_of::<u64, ringway::channel::Mpsc>(&space);
    let mut tx = channel().sender().expect("the name is free");
    tx.send_batch(&[0, 1]).expect("there is room");
    for times in 0..3 {
        let mut rx = channel().receiver().expect("the role is free");
        let lease = rx.lease().expect("a message");
        assert_eq!((*lease, lease.redelivered()), (0, times));
        std::mem::forget(lease);
    }
    let mut rx = channel().receiver().expect("the role is free");
    assert_eq!((rx.recv(), rx.redelivered()), (Ok(0), 3));
    assert_eq!((rx.recv(), rx.redelivered()), (Ok(1), 0));
    drop((tx, rx));
    space.assert_empty();
}
