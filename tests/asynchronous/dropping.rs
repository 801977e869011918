//! What is dropped before its end, and the descriptor for loops of one's own.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use ringway::channel::ReadyFd;
use ringway::{Select, TryRecvError, seqlock};
use rustix::event::{PollFd, PollFlags, poll};

use crate::caller::Caller;
use crate::testing::{TempNamespace, watched};
use crate::{Executor, LEFT, NEVER, Parks, ends, poll_once};

const MESSAGES: u64 = 20_000;

#[test]
fn futures_of_a_receiver_that_are_dropped_again_and_again_lose_no_message() {
    watched(|| {
        let space = TempNamespace::new();
        let (mut tx, mut rx) = ends(&space, "c");
        let sender = thread::spawn(move || {
            for number in 0..MESSAGES {
                tx.send(number).expect("there will be room");
                if number % 64 == 0 {
                    thread::yield_now();
                }
            }
        });
        let (mut next, mut dropped) = (0, 0u64);
        while next < MESSAGES {
            match poll_once(rx.recv_async()) {
                Poll::Ready(message) => {
                    assert_eq!(message, Ok(next));
                    next += 1;
                }
                Poll::Pending => dropped += 1,
            }
        }
        sender.join().expect("it has sent all");
        assert!(dropped > 0, "it never had to wait");
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected(LEFT)));
        drop(rx);
        space.assert_empty();
    });
}

#[test]
fn futures_of_a_sender_that_are_dropped_again_and_again_send_their_message_once_or_not_at_all() {
    watched(|| {
        let space = TempNamespace::new();
        let (mut tx, mut rx) = ends(&space, "c");
        let receiver = thread::spawn(move || {
            for number in 0..MESSAGES {
                assert_eq!(rx.recv(), Ok(number));
            }
            rx
        });
        let (mut next, mut dropped) = (0, 0u64);
        while next < MESSAGES {
            match poll_once(tx.send_async(next)) {
                Poll::Ready(sent) => {
                    sent.expect("the receiver lives");
                    next += 1;
                }
                Poll::Pending => dropped += 1,
            }
        }
        assert!(dropped > 0, "it never had to wait");
        drop(tx);
        let mut rx = receiver.join().expect("it has received all");
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected(LEFT)));
        drop(rx);
        space.assert_empty();
    });
}

#[test]
fn ends_that_are_dropped_while_their_tasks_are_noted_leave_nothing() {
    watched(|| {
        let space = TempNamespace::new();
        for round in 0..300 {
            let (mut tx, mut rx) = ends(&space, "c");
            assert!(poll_once(rx.recv_async()).is_pending());
            let cell = seqlock::cell::<u64>("cell").namespace(space.namespace()).liveness_interval(NEVER);
            let writer = cell.clone().writer().expect("the role is free");
            let (reader, mut seen) = (cell.reader().expect("anybody may read"), 0);
            assert!(poll_once(reader.wait_newer_async(&mut seen)).is_pending());
            let mut newer = reader.newer_than(0);
            assert!(poll_once(Select::fair().wait_async(&mut [&mut rx, &mut newer])).is_pending());
            if round % 3 == 1 {
                // While the thread that sleeps for them is waking.
                tx.send(1).expect("there is room");
            }
            if round % 3 == 2 {
                while !poll_once(tx.send_async(1)).is_pending() {}
            }
            if round % 2 == 0 {
                drop((tx, writer));
                drop((rx, newer, reader));
            } else {
                drop((rx, newer, reader));
                drop((tx, writer));
            }
            space.assert_empty();
        }
    });
}

#[test]
fn a_waker_that_panics_leaves_no_other_task_asleep() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("this one always does");
        }
    }
    watched(|| {
        let space = TempNamespace::new();
        let (mut bad_tx, mut bad_rx) = ends(&space, "bad");
        let (mut tx, mut rx) = ends(&space, "good");
        let waker = Waker::from(Arc::new(Panics));
        assert!(bad_rx.poll_recv(&mut Context::from_waker(&waker)).is_pending());
        let caller = Caller::asleep(move || Parks::block_on(rx.recv_async()));
        bad_tx.send(1).expect("there is room");
        thread::sleep(std::time::Duration::from_millis(20));
        tx.send(2).expect("there is room");
        assert_eq!(caller.answer(), Ok(2));
        assert_eq!(bad_rx.try_recv(), Ok(1));
    });
}

#[test]
fn a_loop_of_poll_gets_all_messages_of_several_channels_by_one_descriptor() {
    watched(|| {
        let space = TempNamespace::new();
        const EACH: u64 = 2000;
        let (mut a_tx, a) = ends(&space, "a");
        let (mut b_tx, b) = ends(&space, "b");
        let senders = thread::spawn(move || {
            for number in 0..EACH {
                a_tx.send(number).expect("there will be room");
                if number % 100 == 0 {
                    thread::sleep(std::time::Duration::from_millis(1));
                }
                b_tx.send(number).expect("there will be room");
            }
        });
        let ready = ReadyFd::new().expect("there is a descriptor");
        let (mut open, mut slept) = (vec![(a, 0), (b, 0)], 0);
        loop {
            ready.clear();
            open.retain_mut(|(rx, next)| {
                while ready.arm(rx) {
                    match rx.try_recv() {
                        Ok(number) => {
                            assert_eq!(number, *next);
                            *next += 1;
                        }
                        Err(TryRecvError::Disconnected(LEFT)) => {
                            assert_eq!(*next, EACH);
                            return false;
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
                true
            });
            if open.is_empty() {
                break;
            }
            let mut fds = [PollFd::new(&ready, PollFlags::IN)];
            assert_eq!(poll(&mut fds, None), Ok(1));
            slept += 1;
        }
        assert!(slept > 0, "it never had to wait");
        senders.join().expect("they have sent all");
        space.assert_empty();
    });
}

#[test]
fn a_descriptor_can_be_read_once_a_source_is_ready_and_not_before() {
    watched(|| {
        let space = TempNamespace::new();
        let (mut tx, mut rx) = ends(&space, "c");
        let ready = ReadyFd::new().expect("there is a descriptor");
        let is_readable = |wait: bool| {
            let mut fds = [PollFd::new(&ready, PollFlags::IN)];
            let now = rustix::time::Timespec { tv_sec: 0, tv_nsec: 0 };
            poll(&mut fds, if wait { None } else { Some(&now) }) == Ok(1)
        };
        assert!(!ready.arm(&mut rx) && !is_readable(false));
        tx.send(1).expect("there is room");
        assert!(is_readable(true));
        ready.clear();
        assert!(!is_readable(false));
        assert!(ready.arm(&mut rx), "the message is there");
        assert_eq!(rx.try_recv(), Ok(1));
        assert!(!ready.arm(&mut rx));
        drop(tx);
        assert!(is_readable(true));
    });
}
