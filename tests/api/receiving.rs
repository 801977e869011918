//! The receiver's verbs, and what both sides can be asked.

use std::time::Duration;

use ringway::channel::{Kind, Mpsc, Receiver, Sender, SoleReceivers, SoleSenders, Spmc, Spsc};
use ringway::{Peer, Predecessor, RecvError, RecvTimeoutError, TryRecvError};

use crate::{LEFT, Numbered, drain, everywhere, fill, of_every_kind};

const A_MOMENT: Duration = Duration::from_millis(1);

#[test]
fn an_empty_channel_says_so() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        for number in 0..2 * tx.capacity() as u64 + 1 {
            let mut none = Vec::new();
            assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
            assert_eq!(rx.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
            assert_eq!(rx.try_recv_batch(&mut none, 9), Err(TryRecvError::Empty));
            let timeout = rx.recv_batch_timeout(&mut none, 9, Duration::ZERO);
            assert_eq!(timeout, Err(RecvTimeoutError::Timeout));
            assert_eq!(rx.lease_timeout(Duration::ZERO).map(drop), Err(RecvTimeoutError::Timeout));
            assert_eq!(rx.try_lease().map(drop), Err(TryRecvError::Empty));
            assert_eq!(rx.try_iter().next(), None);
            assert!(none.is_empty());
            tx.send(M::of(number)).expect("there is room");
            match number % 3 {
                0 => assert_eq!(rx.recv_timeout(Duration::MAX), Ok(M::of(number))),
                1 => assert_eq!(*rx.lease_timeout(Duration::MAX).expect("a message"), M::of(number)),
                _ => {
                    let mut batch = Vec::new();
                    assert_eq!(rx.recv_batch_timeout(&mut batch, 9, Duration::MAX), Ok(1));
                    assert_eq!(batch, [M::of(number)]);
                }
            }
            assert_eq!(rx.redelivered(), 0);
        }
        assert_eq!(rx.recv_timeout(A_MOMENT), Err(RecvTimeoutError::Timeout));
        assert_eq!(rx.lease_timeout(A_MOMENT).map(drop), Err(RecvTimeoutError::Timeout));
        let mut none = Vec::new();
        assert_eq!(rx.recv_batch_timeout(&mut none, 9, A_MOMENT), Err(RecvTimeoutError::Timeout));
        assert_eq!(rx.recv_batch_timeout(&mut none, 0, A_MOMENT), Ok(0));
    }
    everywhere!(test);
}

#[test]
fn an_empty_channel_whose_sender_left_says_so_after_the_last_message() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        fill(&mut tx, 0);
        drop(tx);
        drain(&mut rx, 0);
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected(LEFT)));
        assert_eq!(rx.recv(), Err(RecvError::Disconnected(LEFT)));
        assert_eq!(rx.recv_timeout(A_MOMENT), Err(RecvTimeoutError::Disconnected(LEFT)));
        let mut none = Vec::new();
        assert_eq!(rx.recv_batch(&mut none, 3), Err(RecvError::Disconnected(LEFT)));
        assert_eq!(rx.try_recv_batch(&mut none, 3), Err(TryRecvError::Disconnected(LEFT)));
        assert_eq!(rx.recv_batch(&mut none, 0), Ok(0));
        let timeout = rx.recv_batch_timeout(&mut none, 3, A_MOMENT);
        assert_eq!(timeout, Err(RecvTimeoutError::Disconnected(LEFT)));
        assert_eq!(rx.lease_timeout(A_MOMENT).map(drop), Err(RecvTimeoutError::Disconnected(LEFT)));
        assert_eq!(rx.lease().map(drop), Err(RecvError::Disconnected(LEFT)));
        assert_eq!(rx.try_lease().map(drop), Err(TryRecvError::Disconnected(LEFT)));
        assert_eq!(rx.iter().next(), None);
        assert!(none.is_empty());
    }
    everywhere!(test);
}

#[test]
fn a_batch_takes_what_is_there_up_to_its_limit_and_keeps_what_was_in_the_vector() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        let n = tx.capacity();
        for round in 0..4 {
            let first = round as u64 * n as u64;
            fill(&mut tx, first);
            let few = round % n;
            let mut messages = vec![M::of(9999)];
            assert_eq!(rx.try_recv_batch(&mut messages, few), Ok(few));
            assert_eq!(rx.len(), n - few);
            while messages.len() <= n {
                // Of one claim, as many as a claim can have.
                let most = if K::SHARED_SENDERS || K::SHARED_RECEIVERS { 255 } else { usize::MAX };
                let left = n + 1 - messages.len();
                assert_eq!(rx.recv_batch(&mut messages, usize::MAX), Ok(left.min(most)));
            }
            assert_eq!(messages[0], M::of(9999));
            assert_eq!(messages[1..], (first..first + n as u64).map(M::of).collect::<Vec<_>>());
            assert!(tx.is_empty() && rx.is_empty());
        }
        tx.send(M::of(0)).expect("there is room");
        let mut messages = Vec::with_capacity(1);
        let at = messages.as_ptr();
        assert_eq!(rx.recv_batch(&mut messages, usize::MAX), Ok(1));
        assert_eq!(messages.as_ptr(), at, "there was room: nothing was allocated");
    }
    everywhere!(test);
}

#[test]
fn a_lease_is_read_in_place_and_gives_its_slot_back_when_it_is_dropped() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        let mut sent = 0;
        for number in 0..2 * tx.capacity() as u64 + 1 {
            sent = fill(&mut tx, sent);
            let lease = if number % 2 == 0 { rx.lease() } else { rx.try_lease().map_err(|_| unreachable!()) };
            let lease = lease.expect("a message");
            assert_eq!((*lease, lease.redelivered()), (M::of(number), 0));
            assert!(tx.try_send(M::of(0)).is_err(), "its slot is not free yet");
            if number % 3 == 0 {
                lease.release()
            } else {
                drop(lease)
            }
            assert_eq!(tx.len(), tx.capacity() - 1);
        }
        // A lease that is forgotten was not given back: the message is still the next one.
        let number = 2 * tx.capacity() as u64 + 1;
        fill(&mut tx, sent);
        let len = rx.len();
        std::mem::forget(rx.lease().expect("a message"));
        assert_eq!(rx.len(), len);
        assert_eq!(*rx.try_lease().expect("a message"), M::of(number));
        if len > 1 {
            std::mem::forget(rx.lease().expect("a message"));
            assert_eq!(rx.recv(), Ok(M::of(number + 1)));
        }
    }
    everywhere!(test);
}

#[test]
fn what_lies_in_place_prints_what_it_is_and_not_what_it_holds() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        let loan = tx.try_loan().expect("there is room");
        assert_eq!(format!("{loan:?}"), "Loan { .. }");
        let draft = loan.write(M::of(0));
        assert_eq!(format!("{draft:?}"), "Draft { .. }");
        draft.publish();
        assert_eq!(format!("{:?}", rx.try_lease().expect("a message")), "Lease { .. }");
    }
    everywhere!(test);
}

#[test]
fn iterators_end_where_they_say() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        let n = tx.capacity() as u64;
        let numbers = |first: u64| (first..first + n).map(M::of).collect::<Vec<_>>();
        fill(&mut tx, 0);
        assert_eq!(rx.try_iter().collect::<Vec<_>>(), numbers(0), "what is there");
        fill(&mut tx, n);
        assert_eq!(rx.iter().take(1).collect::<Vec<_>>(), [M::of(n)]);
        fill(&mut tx, 2 * n);
        let mut got = Vec::new();
        for message in &mut rx {
            got.push(message);
            if got.len() as u64 == n {
                break;
            }
        }
        assert_eq!(got, numbers(n + 1));
        fill(&mut tx, 2 * n + 1);
        drop(tx);
        assert_eq!(rx.iter().collect::<Vec<_>>(), numbers(2 * n + 1), "until the sender is gone");
        assert_eq!(rx.iter().count(), 0);
    }
    everywhere!(test);
}

#[test]
fn both_sides_know_how_full_the_channel_is() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
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
            }
            for _ in 0..=(round * 7) % n {
                if let Ok(message) = rx.try_recv() {
                    assert_eq!(message, M::of(received));
                    received += 1;
                }
            }
        }
    }
    of_every_kind!(test, [1, 2, 3, 40]);
}

#[test]
fn a_sole_side_knows_how_far_the_channel_has_got() {
    fn both_sole<M: Numbered>(mut tx: Sender<M, Spsc>, mut rx: Receiver<M, Spsc>) {
        for number in 0..3 * tx.capacity() as u64 {
            assert_eq!((tx.position(), rx.position()), (number, number));
            drop(tx.loan().expect("there is room"));
            tx.send(M::of(number)).expect("there is room");
            assert_eq!((tx.position(), rx.position()), (number + 1, number));
            assert_eq!(rx.recv(), Ok(M::of(number)));
        }
    }
    fn sender_sole<M: Numbered>(mut tx: Sender<M, Spmc>, mut rx: Receiver<M, Spmc>) {
        for number in 0..3 * tx.capacity() as u64 {
            assert_eq!(tx.position(), number);
            drop(tx.loan().expect("there is room"));
            tx.send(M::of(number)).expect("there is room");
            assert_eq!(rx.recv(), Ok(M::of(number)));
        }
    }
    for capacity in [1, 2, 3, 40] {
        crate::both::<u64, _>(capacity, both_sole);
        crate::both::<[u64; 16], _>(capacity, both_sole);
        crate::both::<u64, _>(capacity, sender_sole);
        crate::both::<[u64; 16], _>(capacity, sender_sole);
    }
}

#[test]
fn each_side_can_see_a_sole_one_on_the_other_side() {
    fn sender_of<M: Numbered, K: SoleSenders>(tx: Sender<M, K>, rx: Receiver<M, K>) {
        let me = u64::from(std::process::id());
        assert_eq!(tx.predecessor(), Predecessor::None);
        assert!(matches!(rx.peer(), Peer::Attached { pid, .. } if pid == me), "{:?}", rx.peer());
        drop(tx);
        assert!(matches!(rx.peer(), Peer::Gone { departure, pid, .. } if (departure, pid) == (LEFT, me)));
    }
    fn receiver_of<M: Numbered, K: SoleReceivers>(tx: Sender<M, K>, rx: Receiver<M, K>) {
        let me = u64::from(std::process::id());
        assert_eq!(rx.predecessor(), Predecessor::None);
        assert!(matches!(tx.peer(), Peer::Attached { pid, .. } if pid == me), "{:?}", tx.peer());
        drop(rx);
        assert!(matches!(tx.peer(), Peer::Gone { departure, pid, .. } if (departure, pid) == (LEFT, me)));
    }
    crate::both::<u64, Spsc>(3, sender_of);
    crate::both::<u64, Spmc>(3, sender_of);
    crate::both::<u64, Spsc>(3, receiver_of);
    crate::both::<u64, Mpsc>(3, receiver_of);
}

#[test]
fn each_side_can_wait_for_the_other() {
    fn test<M: Numbered, K: Kind>(tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        assert!(tx.wait_for_peer(Duration::ZERO) && rx.wait_for_peer(Duration::MAX));
        drop(rx);
        assert!(!tx.wait_for_peer(Duration::ZERO));
        assert!(!tx.wait_for_peer(A_MOMENT));
    }
    everywhere!(test);
}

#[test]
fn tens_of_thousands_of_messages_go_round_without_one_out_of_place() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        let (mut batch, mut sent, mut received) = (Vec::new(), 0, 0);
        while sent < 60_000 {
            sent = fill(&mut tx, sent);
            batch.clear();
            rx.recv_batch(&mut batch, 700).expect("there are messages");
            for (number, message) in (received..).zip(&batch) {
                assert!(*message == M::of(number), "{number}: {message:?}");
            }
            received += batch.len() as u64;
        }
        assert_eq!(drain(&mut rx, received), sent);
        assert!(tx.is_empty());
    }
    of_every_kind!(test, [3, 1000]);
}
