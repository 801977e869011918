//! The sender's verbs.

use std::time::Duration;

use ringway::channel::{Kind, Receiver, Sender};
use ringway::{SendError, SendTimeoutError, TryRecvError, TrySendError};

use crate::{LEFT, Numbered, drain, everywhere, fill, recv_all};

const A_MOMENT: Duration = Duration::from_millis(1);

#[test]
fn a_full_channel_hands_the_message_back() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        for number in 0..tx.capacity() as u64 {
            tx.try_send(M::of(number)).expect("there is room");
        }
        let next = M::of(tx.capacity() as u64);
        assert_eq!(tx.try_send(next), Err(TrySendError::Full(next)));
        assert_eq!(tx.try_send(next).map_err(TrySendError::into_inner), Err(next));
        for time in [Duration::ZERO, A_MOMENT] {
            assert_eq!(tx.send_timeout(next, time), Err(SendTimeoutError::Timeout(next)));
            assert_eq!(tx.send_batch_timeout(&[next, next], time), Err(SendTimeoutError::Timeout(0)));
            assert_eq!(tx.loan_timeout(time).map(drop), Err(SendTimeoutError::Timeout(())));
        }
        assert_eq!(tx.try_send_batch(&[next]), Err(TrySendError::Full(())));
        assert_eq!(tx.try_loan().map(drop), Err(TrySendError::Full(())));
        assert_eq!(rx.recv(), Ok(M::of(0)));
        tx.send_timeout(next, Duration::MAX).expect("there is room");
        drain(&mut rx, 1);
        tx.send_batch_timeout(&[M::of(7)], Duration::MAX).expect("there is room");
        assert_eq!(rx.recv(), Ok(M::of(7)));
        tx.loan_timeout(Duration::MAX).expect("there is room").write(M::of(8)).publish();
        assert_eq!(rx.recv(), Ok(M::of(8)));
    }
    everywhere!(test);
}

#[test]
fn a_full_channel_whose_receiver_left_hands_the_message_back() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, rx: Receiver<M, K>) {
        drop(rx);
        // While there is room nobody asks.
        let next = M::of(fill(&mut tx, 0));
        assert_eq!(tx.try_send(next), Err(TrySendError::Disconnected(next, LEFT)));
        assert_eq!(tx.send(next), Err(SendError::Disconnected(next, LEFT)));
        assert_eq!(tx.send(next).map_err(SendError::into_inner), Err(next));
        let timeout = tx.send_timeout(next, A_MOMENT);
        assert_eq!(timeout, Err(SendTimeoutError::Disconnected(next, LEFT)));
        assert_eq!(timeout.map_err(SendTimeoutError::into_inner), Err(next));
        assert_eq!(tx.send_batch(&[next]), Err(SendError::Disconnected(0, LEFT)));
        assert_eq!(tx.try_send_batch(&[next]), Err(TrySendError::Disconnected((), LEFT)));
        let timeout = tx.send_batch_timeout(&[next], A_MOMENT);
        assert_eq!(timeout, Err(SendTimeoutError::Disconnected(0, LEFT)));
        assert_eq!(tx.loan_timeout(A_MOMENT).map(drop), Err(SendTimeoutError::Disconnected((), LEFT)));
        assert_eq!(tx.loan().map(drop), Err(SendError::Disconnected((), LEFT)));
        assert_eq!(tx.try_loan().map(drop), Err(TrySendError::Disconnected((), LEFT)));
        assert!(tx.is_full());
    }
    everywhere!(test);
}

#[test]
fn a_batch_is_sent_as_far_as_there_is_room() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        let n = tx.capacity();
        let mut first = 0;
        for round in 0..4 {
            let messages: Vec<M> = (first..first + n as u64 + 1).map(M::of).collect();
            assert_eq!(tx.try_send_batch(&[]), Ok(0));
            // Less than the channel holds, then more than is left.
            let few = round % n;
            assert_eq!(tx.try_send_batch(&messages[..few]), Ok(few));
            let mut sent = few;
            while sent < n {
                // Of one claim, as many as a claim can have.
                let most = if K::SHARED_SENDERS { 255 } else { usize::MAX };
                let now = tx.try_send_batch(&messages[sent..]);
                assert_eq!(now, Ok((n - sent).min(most)));
                sent += now.expect("there is room");
            }
            assert_eq!((tx.len(), tx.is_full()), (n, true));
            assert_eq!(tx.try_send_batch(&messages[sent..]), Err(TrySendError::Full(())));
            assert_eq!(tx.try_send_batch(&[]), Ok(0));
            recv_all(&mut rx, first..first + n as u64);
            first += n as u64;
        }
        tx.send_batch(&[]).expect("nothing to do");
        tx.send_batch_timeout(&[], Duration::ZERO).expect("nothing to do");
        let exactly: Vec<M> = (0..n as u64).map(M::of).collect();
        tx.send_batch(&exactly).expect("there is room");
        assert_eq!(rx.try_iter().collect::<Vec<_>>(), exactly);
        tx.send_batch_timeout(&exactly, Duration::ZERO).expect("there is room");
        assert_eq!(rx.try_iter().collect::<Vec<_>>(), exactly);
    }
    everywhere!(test);
}

#[test]
fn a_batch_that_cannot_be_finished_says_how_much_of_it_was_sent() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, rx: Receiver<M, K>) {
        let n = tx.capacity();
        let messages: Vec<M> = (0..n as u64 + 2).map(M::of).collect();
        let half = n.div_ceil(2);
        assert_eq!(tx.send_batch_timeout(&messages[..half], A_MOMENT), Ok(()));
        let timeout = tx.send_batch_timeout(&messages, A_MOMENT);
        assert_eq!(timeout, Err(SendTimeoutError::Timeout(n - half)));
        drop(rx);
        assert_eq!(tx.send_batch(&messages), Err(SendError::Disconnected(0, LEFT)));
        assert_eq!(tx.len(), n);
    }
    fn gone<M: Numbered, K: Kind>(mut tx: Sender<M, K>, rx: Receiver<M, K>) {
        let n = tx.capacity();
        drop(rx);
        let messages: Vec<M> = (0..n as u64 + 2).map(M::of).collect();
        assert_eq!(tx.send_batch(&messages), Err(SendError::Disconnected(n, LEFT)));
        assert_eq!(tx.len(), n);
    }
    everywhere!(test);
    everywhere!(gone);
}

#[test]
fn a_batch_larger_than_the_channel_passes_while_somebody_receives() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        let messages: Vec<M> = (0..3 * tx.capacity() as u64 + 1).map(M::of).collect();
        let expected = messages.clone();
        let receiver = std::thread::spawn(move || rx.iter().collect::<Vec<_>>());
        tx.send_batch(&messages).expect("somebody receives");
        drop(tx);
        assert_eq!(receiver.join().expect("it ended well"), expected);
    }
    everywhere!(test);
}

#[test]
fn a_loan_is_written_in_place_and_arrives_when_it_is_published() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        for number in 0..2 * tx.capacity() as u64 + 1 {
            let mut draft =
                if number % 2 == 0 { tx.loan() } else { tx.try_loan().map_err(|_| unreachable!()) }
                    .expect("there is room")
                    .write(M::of(number + 1000));
            assert_eq!(*draft, M::of(number + 1000));
            assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "not yet");
            *draft = M::of(number);
            draft.publish();
            assert_eq!(rx.recv(), Ok(M::of(number)));
        }
    }
    everywhere!(test);
}

#[test]
fn a_loan_or_a_draft_that_is_dropped_sends_nothing() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        for number in 0..2 * tx.capacity() as u64 + 1 {
            // Where there are several senders it has taken a position, which the receiver passes over.
            drop(tx.loan().expect("there is room"));
            assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
            drop(tx.loan().expect("there is room").write(M::of(77)));
            assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
            assert_eq!(tx.len(), 0);
            tx.send(M::of(number)).expect("there is room");
            assert_eq!(rx.recv(), Ok(M::of(number)));
        }
        fill(&mut tx, 5);
        drain(&mut rx, 5);
    }
    everywhere!(test);
}

#[test]
fn a_loan_that_is_dropped_between_messages_takes_none_of_them_with_it() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        // Each takes a position where there are several senders.
        let n = tx.capacity() as u64 / 2;
        let mut batch = Vec::new();
        for round in 0..3 {
            for number in 0..n {
                drop(tx.loan().expect("there is room"));
                tx.send(M::of(number)).expect("there is room");
            }
            batch.clear();
            match round {
                0 => assert_eq!(drain(&mut rx, 0), n),
                1 => recv_all(&mut rx, 0..n),
                _ => (0..n).for_each(|number| assert_eq!(*rx.lease().expect("a message"), M::of(number))),
            }
            assert_eq!(rx.try_recv_batch(&mut batch, 9), Err(TryRecvError::Empty));
            assert_eq!((tx.len(), rx.len()), (0, 0));
        }
    }
    everywhere!(test);
}

#[test]
fn a_loan_that_is_forgotten_is_where_the_next_message_goes() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        for number in 0..2 * tx.capacity() as u64 + 1 {
            std::mem::forget(tx.loan().expect("there is room"));
            assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
            std::mem::forget(tx.loan().expect("there is room").write(M::of(77)));
            match number % 3 {
                0 => tx.send(M::of(number)).expect("there is room"),
                1 => tx.send_batch(&[M::of(number)]).expect("there is room"),
                _ => tx.loan().expect("there is room").write(M::of(number)).publish(),
            }
            assert_eq!(rx.recv(), Ok(M::of(number)));
        }
        std::mem::forget(tx.loan().expect("there is room"));
        let mut first = 0;
        while first < 3 * tx.capacity() as u64 {
            let next = fill(&mut tx, first);
            assert_eq!(drain(&mut rx, first), next);
            first = next;
        }
        // What is claimed is given up when its sender goes.
        std::mem::forget(tx.loan().expect("there is room"));
        drop(tx);
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected(LEFT)));
    }
    everywhere!(test);
}

#[test]
fn a_recycled_loan_shows_what_was_in_its_slot_one_lap_ago() {
    fn test<M: Numbered + bytemuck::Pod, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        let n = tx.capacity() as u64;
        for number in 0..3 * n {
            let mut draft = tx.loan().expect("there is room").recycle();
            let before = if number < n { M::of(0) } else { M::of(number - n + 1) };
            assert_eq!(*draft, before);
            *draft = M::of(number + 1);
            draft.publish();
            assert_eq!(rx.recv(), Ok(M::of(number + 1)));
        }
    }
    everywhere!(test);
}

#[test]
#[allow(unsafe_code, reason = "the raw form of a loan")]
fn a_loan_can_be_written_byte_by_byte() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        for number in 0..2 * tx.capacity() as u64 + 1 {
            let mut loan = tx.loan().expect("there is room");
            let message = M::of(number);
            // SAFETY: a message has no padding, so each of its bytes is initialised.
            let bytes =
                unsafe { std::slice::from_raw_parts((&raw const message).cast::<u8>(), size_of::<M>()) };
            loan.as_bytes_mut().copy_from_slice(bytes);
            // SAFETY: these are the bytes of an `M`.
            unsafe { loan.assume_init() }.publish();
            assert_eq!(rx.recv(), Ok(M::of(number)));
        }
    }
    everywhere!(test);
}
