//! Batches of messages that lie side by side, and of those that do not: where one lap ends and the next begins, and after
//! what was left undone.

use std::mem::forget;

use ringway::channel::{Kind, Mpmc, Mpsc, Receiver, Sender, Spmc, Spsc};
use ringway::{TryRecvError, TrySendError};

use crate::messages::{Line, Page, Sample};
use crate::{Numbered, both, of_every_kind};

const NONE: TryRecvError = TryRecvError::Empty;

/// So many messages from that number on.
fn samples<M: Sample>(first: u64, count: usize) -> Vec<M> {
    (first..).take(count).map(M::sample).collect()
}

/// From each slot on, a batch of each of some sizes, received by batches of each of some sizes.
fn over_the_end<M: Sample, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
    let n = tx.capacity();
    let mut number = 0;
    let mut sizes: Vec<usize> =
        [1, 2, n / 2 + 1, n - 1, n].into_iter().filter(|size| (1..=n).contains(size)).collect();
    sizes.dedup();
    for start in 0..n as u64 {
        for (size, limit) in
            sizes.iter().flat_map(|size| [(*size, 1), (*size, n / 2 + 1), (*size, usize::MAX)])
        {
            // The next slot is `start`.
            while number % n as u64 != start {
                tx.send(M::sample(number)).expect("there is room");
                assert_eq!(rx.recv(), Ok(M::sample(number)));
                number += 1;
            }
            let sent = samples::<M>(number, size);
            tx.send_batch(&sent).expect("there is room");
            let mut received = vec![M::sample(7777)];
            while received.len() <= size {
                let left = size + 1 - received.len();
                assert_eq!(rx.recv_batch(&mut received, limit), Ok(left.min(limit)), "{size} from {start}");
            }
            assert_eq!(received[0], M::sample(7777));
            assert!(received[1..] == sent, "{size} from slot {start}, by {limit}");
            assert_eq!(rx.try_recv_batch(&mut received, limit), Err(NONE));
            number += size as u64;
        }
    }
}

#[test]
fn a_batch_passes_the_end_of_a_lap_whole_whatever_its_messages_measure() {
    fn of_every_kind<M: Sample>(capacities: &[usize]) {
        for &capacity in capacities {
            both::<M, Spsc>(capacity, over_the_end);
            both::<M, Mpsc>(capacity, over_the_end);
            both::<M, Spmc>(capacity, over_the_end);
            both::<M, Mpmc>(capacity, over_the_end);
        }
    }
    of_every_kind::<u8>(&[1, 5]);
    // Side by side: a few at once, and as many as there are.
    of_every_kind::<[u8; 64]>(&[1, 2, 7, 37]);
    of_every_kind::<Line>(&[1, 19]);
    of_every_kind::<[u8; 192]>(&[3, 17]);
    of_every_kind::<[u8; 1024]>(&[1, 2, 11]);
    of_every_kind::<Page>(&[1, 5]);
    // With something between them.
    of_every_kind::<[u8; 65]>(&[1, 11]);
    of_every_kind::<[u8; 1000]>(&[5]);
    of_every_kind::<[u8; 1025]>(&[5]);
}

#[test]
fn a_batch_larger_than_the_ring_of_messages_side_by_side_passes_while_somebody_receives() {
    fn test<M: Sample, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        let messages = samples::<M>(0, 20 * tx.capacity() + 1);
        let expected = messages.clone();
        let receiver = std::thread::spawn(move || {
            let mut received = Vec::new();
            while rx.recv_batch(&mut received, usize::MAX).is_ok() {}
            received
        });
        tx.send_batch(&messages).expect("somebody receives");
        drop(tx);
        assert!(receiver.join().expect("it ended well") == expected);
    }
    for capacity in [1, 3, 37] {
        both::<[u8; 64], Spsc>(capacity, test);
        both::<[u8; 1024], Spsc>(capacity, test);
        both::<[u8; 4096], Spsc>(capacity, test);
    }
}

#[test]
fn after_a_loan_that_was_forgotten_every_verb_uses_its_slot_and_no_other() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        let n = tx.capacity();
        let mut number = 0;
        for verb in 0..3 * n + 3 {
            forget(tx.loan().expect("there is room").write(M::of(9999)));
            assert_eq!(rx.try_recv(), Err(NONE), "nothing was sent");
            let first = number;
            match verb % 3 {
                0 => tx.send(M::of(number)).expect("it has its slot"),
                1 => assert_eq!(tx.try_send_batch(&[M::of(number)]), Ok(1)),
                _ => tx.try_loan().expect("it has its slot").write(M::of(number)).publish(),
            }
            number += 1;
            // What is left is free, and no more than that.
            while let Ok(()) = tx.try_send(M::of(number)) {
                number += 1;
            }
            assert_eq!(number - first, n as u64);
            assert!(matches!(tx.try_loan().map(drop), Err(TrySendError::Full(()))));
            assert_eq!(tx.try_send_batch(&[M::of(0)]), Err(TrySendError::Full(())));
            assert_eq!(crate::drain(&mut rx, first), number);
        }
    }
    of_every_kind!(test, [1, 2, 3, 8]);
}

#[test]
fn after_a_lease_that_was_forgotten_every_verb_begins_with_its_message() {
    fn test<M: Numbered, K: Kind>(mut tx: Sender<M, K>, mut rx: Receiver<M, K>) {
        let n = tx.capacity() as u64;
        let mut first = 0;
        for verb in 0..3 * n + 3 {
            assert_eq!(crate::fill(&mut tx, first), first + n);
            forget(rx.lease().expect("a message"));
            let (mut batch, left) = (vec![M::of(9999)], n as usize - 1);
            match verb % 3 {
                0 => batch.push(rx.recv().expect("the same message")),
                1 => batch.push(*rx.try_lease().expect("the same message")),
                // One that shares them has claimed it alone.
                _ => assert!(rx.recv_batch(&mut batch, 1 + left).expect("the same message") > 0),
            }
            while rx.try_recv_batch(&mut batch, left.max(1)).is_ok() {}
            assert_eq!(batch[1..], (first..first + n).map(M::of).collect::<Vec<_>>());
            assert!(rx.try_lease().is_err() && rx.try_recv() == Err(NONE));
            first += n;
        }
    }
    of_every_kind!(test, [1, 2, 3, 8]);
}
