//! How many read-modify-writes a message costs.

use crate::channel::{Kind, Mpmc, Mpsc, Receiver, Sender, Spmc, Spsc};
use crate::sync::read_modify_writes;
use crate::{mpmc, mpsc, spmc, spsc};

/// Messages of a test, and of each batch.
const MESSAGES: u64 = 1000;
const BATCH: usize = 10;

/// The read-modify-writes of a call.
fn counted(call: impl FnOnce()) -> u64 {
    let before = read_modify_writes();
    call();
    read_modify_writes() - before
}

/// Passes messages through a channel in every form: each claim of a shared side costs one compare-exchange, whatever
/// it claims, and nothing else does.
#[track_caller]
fn assert_one_per_claim<K: Kind>(mut tx: Sender<u64, K>, mut rx: Receiver<u64, K>) {
    let (send, recv) = (u64::from(K::SHARED_SENDERS), u64::from(K::SHARED_RECEIVERS));
    let batch: Vec<u64> = (0..BATCH as u64).collect();
    let mut received = Vec::with_capacity(BATCH);
    let [mut single, mut batched, mut in_place] = [(0, 0); 3];
    for number in 0..MESSAGES {
        single.0 += counted(|| tx.send(number).expect("there is room"));
        single.1 += counted(|| assert_eq!(rx.recv(), Ok(number)));
        batched.0 += counted(|| tx.send_batch(&batch).expect("there is room"));
        received.clear();
        batched.1 += counted(|| assert_eq!(rx.recv_batch(&mut received, BATCH), Ok(BATCH)));
        in_place.0 += counted(|| tx.loan().expect("there is room").write(number).publish());
        in_place.1 += counted(|| assert_eq!(*rx.lease().expect("a message"), number));
    }
    let expected = (send * MESSAGES, recv * MESSAGES);
    assert_eq!([single, batched, in_place], [expected; 3], "{}", K::NAME);
    // Nor does a look that finds nothing.
    assert_eq!(counted(|| assert!(rx.try_recv().is_err())), 0, "{}", K::NAME);
}

#[test]
fn a_claim_of_a_shared_side_is_one_compare_exchange_and_nothing_else_is_any() {
    const CAPACITY: usize = 16;
    let (tx, rx) = spsc::in_process(CAPACITY).expect("there is memory");
    assert_one_per_claim::<Spsc>(tx, rx);
    let (tx, rx) = mpsc::in_process(CAPACITY).expect("there is memory");
    assert_one_per_claim::<Mpsc>(tx, rx);
    let (tx, rx) = spmc::in_process(CAPACITY).expect("there is memory");
    assert_one_per_claim::<Spmc>(tx, rx);
    let (tx, rx) = mpmc::in_process(CAPACITY).expect("there is memory");
    assert_one_per_claim::<Mpmc>(tx, rx);
}
