//! Words that both sides write, with nonsense in them: reported, never followed.

use std::os::unix::fs::FileExt;

use super::damage::{PAGE, file, layout};
use super::{Bench, CAPACITIES, Numbered, assert_works, everywhere, receive, send};
use crate::testing::watched;
use crate::{Broken, Error, TryRecvError, TrySendError};

/// Marsaglia's xorshift with a seed of our own: the same rounds on every run.
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Small, large, or one bit: what breaks arithmetic.
    pub(super) fn word(&mut self) -> u64 {
        match self.below(4) {
            0 => self.next(),
            1 => self.below(20),
            2 => u64::MAX - self.below(20),
            _ => 1 << self.below(64),
        }
    }
}

/// Comes to whatever is there, on both sides, and uses it; every call has to end.
fn use_it<M: Numbered>(bench: &Bench<M>) -> usize {
    let mut came = 0;
    let (tx, rx) = (bench.channel().open_existing().sender(), bench.channel().open_existing().receiver());
    for error in [tx.as_ref().err(), rx.as_ref().err()].into_iter().flatten() {
        assert!(error.to_string().contains('`'), "{error}");
    }
    if let Ok(mut tx) = tx {
        came += 1;
        let _ = (tx.peer(), tx.len(), tx.is_full(), tx.is_empty(), tx.position(), tx.predecessor());
        for number in 0..=bench.capacity as u64 {
            let _ = tx.try_send(M::of(number));
        }
        let _ = tx.try_send_batch(&[M::of(0), M::of(1)]);
        let _ = tx.try_loan().map(|loan| loan.write(M::of(2)).publish());
    }
    if let Ok(mut rx) = rx {
        came += 1;
        let _ = (rx.peer(), rx.len(), rx.is_full(), rx.is_empty(), rx.position(), rx.predecessor());
        for _ in 0..=bench.capacity {
            let _ = rx.try_recv();
        }
        let _ = rx.try_recv_batch(&mut Vec::new(), usize::MAX);
        let _ = rx.try_lease().map(|lease| lease.number());
    }
    came
}

#[test]
fn whatever_is_written_over_the_parts_before_the_slots_nobody_panics_or_hangs() {
    fn check<M: Numbered>() {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut came = 0;
        for capacity in CAPACITIES {
            let bench = Bench::<M>::new(capacity);
            let (mut tx, mut rx) = (bench.sender(), bench.receiver());
            bench.warm_up(&mut tx, &mut rx, 5);
            send(&mut tx, 5);
            let map = bench.map();
            drop((tx, rx));
            let (file, layout) = (file(&bench), layout(&bench));
            let mut whole = vec![0; layout.len as usize];
            file.read_exact_at(&mut whole, PAGE).expect("within the file");
            for round in 0..600 {
                // Half of the rounds leave what an attach checks before anything else alone.
                let from = if round % 2 == 0 { layout.roster } else { 0 };
                for _ in 0..=random.below(4) {
                    let at = from + random.below(layout.slots - 8 - from);
                    let at = if random.below(2) == 0 { at / 128 * 128 } else { at };
                    file.write_all_at(&random.word().to_le_bytes(), PAGE + at.max(from)).expect("written");
                }
                came += use_it(&bench);
                file.write_all_at(&whole, PAGE).expect("written");
            }
            let (mut tx, mut rx) = (bench.sender(), bench.receiver());
            assert_eq!(receive(&mut rx), Ok(5));
            assert_works(&mut tx, &mut rx);
            drop((tx, rx, map));
            bench.assert_gone();
        }
        assert!(came > 1000, "only {came} of them came past the header: the test tests nothing");
    }
    watched(check::<u64>);
    watched(check::<[u64; 16]>);
}

/// Words that no peer that follows the protocol writes, where it is at `position`.
fn nonsense(position: u64, capacity: u64) -> Vec<u64> {
    let mut words = vec![position + capacity + 1, 1 << 56, u64::MAX, u64::MAX - 1, 1 << 63, !position];
    words.extend([u64::MAX - capacity, u64::MAX - capacity + 1, u64::MAX / 2]);
    words.extend(position.checked_sub(capacity + 1));
    words
}

#[test]
fn a_corrupt_head_is_told_to_the_sender_that_looks_at_it() {
    fn check<M: Numbered>(capacity: usize) {
        for warm in [0, 2, 17] {
            let bench = Bench::<M>::new(capacity);
            let (mut tx, mut rx) = (bench.sender(), bench.receiver());
            bench.warm_up(&mut tx, &mut rx, warm);
            let end = warm + capacity as u64;
            (warm..end).for_each(|number| send(&mut tx, number));
            let at = PAGE + layout(&bench).control + 128;
            let file = file(&bench);
            for found in nonsense(end, capacity as u64) {
                file.write_all_at(&found.to_le_bytes(), at).expect("within the file");
                let broken = Broken::Corrupt { word: "head", found, position: end };
                let message = M::of(end);
                assert_eq!(tx.try_send(message), Err(TrySendError::Broken(message, broken)), "{found:#x}");
                assert_eq!(tx.send(message), Err(crate::SendError::Broken(message, broken)));
                assert_eq!(tx.send_batch(&[message]), Err(crate::SendError::Broken(0, broken)));
                assert_eq!(tx.try_loan().map(drop), Err(TrySendError::Broken((), broken)));
                let _ = (tx.len(), tx.is_full());
            }
            file.write_all_at(&warm.to_le_bytes(), at).expect("within the file");
            (warm..end).for_each(|number| assert_eq!(receive(&mut rx), Ok(number)));
            assert_works(&mut tx, &mut rx);
        }
    }
    everywhere(check::<u64>, check::<[u64; 16]>);
}

#[test]
fn a_corrupt_tail_or_stamp_is_told_to_the_receiver_that_looks_at_it() {
    fn check<M: Numbered>(capacity: usize) {
        for warm in [0, 2, 17] {
            let bench = Bench::<M>::new(capacity);
            let (mut tx, mut rx) = (bench.sender(), bench.receiver());
            bench.warm_up(&mut tx, &mut rx, warm);
            let (layout, file, n) = (layout(&bench), file(&bench), capacity as u64);
            let (word, at, old) = match M::FORM {
                "stamped" => {
                    let before = if warm < n { 0 } else { (warm / n - 1) << 12 | 1 };
                    ("stamp", layout.slots + warm % n * layout.shape.stride, before)
                }
                _ => ("tail", layout.control, warm),
            };
            let mut words = nonsense(warm, n);
            if word == "stamp" {
                // The states of other kinds of rings, and laps that are not to come next.
                let lap = warm / n;
                words = vec![lap << 12 | 2, lap << 12 | 0xfff, (lap + 1) << 12 | 1, 1 << 63, u64::MAX, 7];
            }
            for found in words {
                file.write_all_at(&found.to_le_bytes(), PAGE + at).expect("within the file");
                let broken = Broken::Corrupt { word, found, position: warm };
                assert_eq!(rx.try_recv(), Err(TryRecvError::Broken(broken)), "{found:#x}");
                assert_eq!(rx.recv(), Err(crate::RecvError::Broken(broken)));
                let mut none = Vec::new();
                assert_eq!(rx.try_recv_batch(&mut none, 99), Err(TryRecvError::Broken(broken)));
                assert_eq!(rx.try_lease().map(drop), Err(TryRecvError::Broken(broken)));
                assert_eq!((rx.position(), none), (warm, Vec::new()));
                assert!(rx.len() <= capacity);
            }
            file.write_all_at(&old.to_le_bytes(), PAGE + at).expect("within the file");
            assert_works(&mut tx, &mut rx);
        }
    }
    everywhere(check::<u64>, check::<[u64; 16]>);
}

#[test]
fn positions_that_do_not_belong_together_refuse_whoever_comes_and_leave_the_role_free() {
    fn check<M: Numbered>(capacity: usize) {
        let bench = Bench::<M>::new(capacity);
        let (tx, rx) = (bench.sender(), bench.receiver());
        let map = bench.map();
        drop((tx, rx));
        let (layout, file) = (layout(&bench), file(&bench));
        for (at, receiver_too) in [(layout.control, M::FORM == "indexed"), (layout.control + 128, true)] {
            for found in nonsense(0, capacity as u64) {
                file.write_all_at(&found.to_le_bytes(), PAGE + at).expect("within the file");
                let error = bench.channel().sender().expect_err("nonsense");
                assert!(matches!(error, Error::Inconsistent { .. }), "{found:#x}: {error}");
                assert!(error.to_string().contains("channel `c`") && error.to_string().contains("; "));
                // A head may have gone far, to a receiver of the stamped form that looks at it alone.
                if receiver_too && found > 1 << 60 {
                    let error = bench.channel().receiver().expect_err("nonsense");
                    assert!(matches!(error, Error::Inconsistent { .. }), "{found:#x}: {error}");
                }
            }
            file.write_all_at(&0u64.to_le_bytes(), PAGE + at).expect("within the file");
        }
        let (mut tx, mut rx) = (bench.sender(), bench.receiver());
        assert_works(&mut tx, &mut rx);
        drop((tx, rx, map));
        bench.assert_gone();
    }
    everywhere(check::<u64>, check::<[u64; 16]>);
}

#[test]
fn a_channel_whose_positions_are_used_up_says_so() {
    fn check<M: Numbered>(capacity: usize) {
        let bench = Bench::<M>::new(capacity);
        let map = {
            let _tx = bench.sender();
            bench.map()
        };
        let (layout, file) = (layout(&bench), file(&bench));
        let end = crate::protocol::ring::end(capacity as u32);
        for at in [layout.control, layout.control + 128] {
            file.write_all_at(&end.to_le_bytes(), PAGE + at).expect("within the file");
        }
        // The stamp of the position after the last, which nobody may take for a message that was sent.
        let stamp = crate::protocol::stamp::full(end / capacity as u64);
        file.write_all_at(&stamp.to_le_bytes(), PAGE + layout.slots).expect("within the file");
        let mut tx = bench.sender();
        assert_eq!(tx.position(), end);
        assert_eq!(tx.try_send(M::of(0)), Err(TrySendError::Broken(M::of(0), Broken::Exhausted)));
        assert_eq!(tx.send(M::of(0)), Err(crate::SendError::Broken(M::of(0), Broken::Exhausted)));
        drop((tx, map));
        bench.assert_gone();
    }
    everywhere(check::<u64>, check::<[u64; 16]>);
}
