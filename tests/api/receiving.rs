//! The receiver's verbs, and what both sides can be asked.

use std::time::Duration;

use ringway::spsc::{Receiver, Sender};
use ringway::{Peer, Predecessor, RecvError, RecvTimeoutError, TryRecvError};

use crate::{LEFT, Numbered, drain, everywhere, fill};

const A_MOMENT: Duration = Duration::from_millis(1);

#[test]
fn an_empty_channel_says_so() {
    fn test<M: Numbered>(mut tx: Sender<M>, mut rx: Receiver<M>) {
        for number in 0..2 * tx.capacity() as u64 + 1 {
            let mut none = Vec::new();
            assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
            assert_eq!(rx.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
            assert_eq!(rx.try_recv_batch(&mut none, 9), Err(TryRecvError::Empty));
            assert_eq!(rx.try_lease().map(drop), Err(TryRecvError::Empty));
            assert_eq!(rx.try_iter().next(), None);
            assert!(none.is_empty());
            tx.send(M::of(number)).expect("there is room");
            assert_eq!(rx.recv_timeout(Duration::MAX), Ok(M::of(number)));
        }
        assert_eq!(rx.recv_timeout(A_MOMENT), Err(RecvTimeoutError::Timeout));
    }
    everywhere(test, test);
}

#[test]
fn an_empty_channel_whose_sender_left_says_so_after_the_last_message() {
    fn test<M: Numbered>(mut tx: Sender<M>, mut rx: Receiver<M>) {
        fill(&mut tx);
        drop(tx);
        drain(&mut rx);
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected(LEFT)));
        assert_eq!(rx.recv(), Err(RecvError::Disconnected(LEFT)));
        assert_eq!(rx.recv_timeout(A_MOMENT), Err(RecvTimeoutError::Disconnected(LEFT)));
        let mut none = Vec::new();
        assert_eq!(rx.recv_batch(&mut none, 3), Err(RecvError::Disconnected(LEFT)));
        assert_eq!(rx.try_recv_batch(&mut none, 3), Err(TryRecvError::Disconnected(LEFT)));
        assert_eq!(rx.recv_batch(&mut none, 0), Ok(0));
        assert_eq!(rx.lease().map(drop), Err(RecvError::Disconnected(LEFT)));
        assert_eq!(rx.try_lease().map(drop), Err(TryRecvError::Disconnected(LEFT)));
        assert_eq!(rx.iter().next(), None);
        assert!(none.is_empty());
    }
    everywhere(test, test);
}

#[test]
fn a_batch_takes_what_is_there_up_to_its_limit_and_keeps_what_was_in_the_vector() {
    fn test<M: Numbered>(mut tx: Sender<M>, mut rx: Receiver<M>) {
        let n = tx.capacity();
        for round in 0..4 {
            let first = tx.position();
            fill(&mut tx);
            let few = round % n;
            let mut messages = vec![M::of(9999)];
            assert_eq!(rx.try_recv_batch(&mut messages, few), Ok(few));
            assert_eq!(rx.len(), n - few);
            assert_eq!(rx.recv_batch(&mut messages, usize::MAX), Ok(n - few));
            assert_eq!(messages[0], M::of(9999));
            assert_eq!(messages[1..], (first..first + n as u64).map(M::of).collect::<Vec<_>>());
            assert!(tx.is_empty() && rx.is_empty());
        }
        tx.send(M::of(tx.position())).expect("there is room");
        let mut messages = Vec::with_capacity(1);
        let at = messages.as_ptr();
        assert_eq!(rx.recv_batch(&mut messages, usize::MAX), Ok(1));
        assert_eq!(messages.as_ptr(), at, "there was room: nothing was allocated");
    }
    everywhere(test, test);
}

#[test]
fn a_lease_is_read_in_place_and_gives_its_slot_back_when_it_is_dropped() {
    fn test<M: Numbered>(mut tx: Sender<M>, mut rx: Receiver<M>) {
        for number in 0..2 * tx.capacity() as u64 + 1 {
            fill(&mut tx);
            let lease = if number % 2 == 0 { rx.lease() } else { rx.try_lease().map_err(|_| unreachable!()) };
            let lease = lease.expect("a message");
            assert_eq!(*lease, M::of(number));
            assert!(tx.is_full() && tx.try_send(M::of(0)).is_err(), "its slot is not free yet");
            if number % 3 == 0 {
                lease.release()
            } else {
                drop(lease)
            }
            assert_eq!(tx.len(), tx.capacity() - 1);
        }
        // A lease that is forgotten was not given back: the message is still the next one.
        let number = rx.position();
        fill(&mut tx);
        std::mem::forget(rx.lease().expect("a message"));
        assert_eq!(rx.position(), number);
        assert_eq!(rx.recv(), Ok(M::of(number)));
    }
    everywhere(test, test);
}

#[test]
fn iterators_end_where_they_say() {
    fn test<M: Numbered>(mut tx: Sender<M>, mut rx: Receiver<M>) {
        let n = tx.capacity() as u64;
        let numbers = |first: u64| (first..first + n).map(M::of).collect::<Vec<_>>();
        fill(&mut tx);
        assert_eq!(rx.try_iter().collect::<Vec<_>>(), numbers(0), "what is there");
        fill(&mut tx);
        assert_eq!(rx.iter().take(1).collect::<Vec<_>>(), [M::of(n)]);
        fill(&mut tx);
        let mut got = Vec::new();
        for message in &mut rx {
            got.push(message);
            if got.len() as u64 == n {
                break;
            }
        }
        assert_eq!(got, numbers(n + 1));
        fill(&mut tx);
        drop(tx);
        assert_eq!(rx.iter().collect::<Vec<_>>(), numbers(2 * n + 1), "until the sender is gone");
        assert_eq!(rx.iter().count(), 0);
    }
    everywhere(test, test);
}

#[test]
fn both_sides_know_how_full_the_channel_is_and_how_far_it_has_got() {
    fn test<M: Numbered>(mut tx: Sender<M>, mut rx: Receiver<M>) {
        let n = tx.capacity();
        assert_eq!(rx.capacity(), n);
        let mut sent = 0;
        let mut received = 0;
        for round in 0..3 * n {
            for _ in 0..=round % n {
                if tx.try_send(M::of(sent)).is_ok() {
                    sent += 1;
                }
                let len = (sent - received) as usize;
                assert_eq!((tx.len(), rx.len()), (len, len));
                assert_eq!((tx.is_empty(), rx.is_empty()), (len == 0, len == 0));
                assert_eq!((tx.is_full(), rx.is_full()), (len == n, len == n));
                assert_eq!((tx.position(), rx.position()), (sent, received));
            }
            for _ in 0..=(round * 7) % n {
                if let Ok(message) = rx.try_recv() {
                    assert_eq!(message, M::of(received));
                    received += 1;
                }
            }
            assert_eq!((tx.position(), rx.position()), (sent, received));
        }
    }
    for capacity in [1, 2, 3, 40] {
        crate::both::<u64>(capacity, test);
        crate::both::<[u64; 16]>(capacity, test);
    }
}

#[test]
fn each_side_can_see_the_other() {
    fn test<M: Numbered>(tx: Sender<M>, rx: Receiver<M>) {
        let me = u64::from(std::process::id());
        assert_eq!((tx.predecessor(), rx.predecessor()), (Predecessor::None, Predecessor::None));
        for peer in [tx.peer(), rx.peer()] {
            assert!(matches!(peer, Peer::Attached { pid, .. } if pid == me), "{peer:?}");
        }
        assert!(tx.wait_for_peer(Duration::ZERO) && rx.wait_for_peer(Duration::MAX));
        drop(rx);
        assert_eq!(tx.peer(), Peer::Gone { departure: LEFT, pid: me });
        assert!(!tx.wait_for_peer(Duration::ZERO));
        assert!(!tx.wait_for_peer(A_MOMENT));
    }
    everywhere(test, test);
}

#[test]
fn millions_of_messages_go_round_without_one_out_of_place() {
    fn test<M: Numbered>(mut tx: Sender<M>, mut rx: Receiver<M>) {
        let mut batch = Vec::new();
        while tx.position() < 600_000 {
            fill(&mut tx);
            batch.clear();
            let first = rx.position();
            rx.recv_batch(&mut batch, 700).expect("there are messages");
            for (number, message) in (first..).zip(&batch) {
                assert!(*message == M::of(number), "{number}: {message:?}");
            }
        }
        drain(&mut rx);
        assert_eq!((rx.position(), tx.is_empty()), (tx.position(), true));
    }
    for capacity in [1, 3, 1000] {
        crate::both::<u64>(capacity, test);
    }
    crate::both::<[u64; 16]>(1000, test);
    crate::both::<[u64; 16]>(3, test);
}
