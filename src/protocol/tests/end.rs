//! The last positions of a ring, as those see it who only look: nothing is damaged there.

use std::rc::Rc;
use std::sync::atomic::Ordering::SeqCst;

use super::{MPMC, MPSC, Memory, rules};
use crate::protocol::lone::{LoneReceiver, LoneSender};
use crate::protocol::observe::{Progress, nonsense};
use crate::protocol::ring::{Cursor, Position, Rules};
use crate::protocol::shared::{SharedReceiver, SharedSender};
use crate::protocol::side::{RecvSide, SendSide};
use crate::protocol::sole::{SoleReceiver, SoleSender};
use crate::protocol::stamp::{free, full};
use crate::protocol::tap::{Step, Tap};

/// A ring in which everything before that position was sent and received.
fn ring_at(position: Position, capacity: u32, rules: Rules) -> Rc<Memory> {
    let memory = Memory::new(capacity, rules);
    let ring = memory.ring();
    ring.control.tail.0.store(position, SeqCst);
    ring.control.head.0.store(position, SeqCst);
    let is_shared = rules.shared_senders || rules.shared_receivers;
    for before in position - u64::from(capacity)..position {
        let cursor = Cursor::at(before, capacity);
        let stamp = if is_shared { free(cursor.lap() + 1) } else { full(cursor.lap()) };
        ring.stamps.get(cursor.slot()).store(stamp, SeqCst);
    }
    memory
}

/// Nothing is wrong, and a tap that begins now gets to the front.
#[track_caller]
fn assert_whole(memory: &Memory, taps: &mut Vec<Tap>) {
    let ring = memory.ring();
    let seen = Progress::of(&ring);
    assert!(seen.is_plausible, "{seen:?}");
    assert_eq!(nonsense(&ring), None);
    taps.push(Tap::at(&ring, seen.tail.saturating_sub(ring.capacity.into())));
    for tap in taps {
        while let Step::Copy(_) = tap.begin(&ring).expect("nothing is damaged") {
            let _ = tap.accept(&ring).expect("nothing is damaged");
        }
    }
}

fn to_the_end<S: SendSide, R: RecvSide>(capacity: u32, rules: Rules) {
    let n = u64::from(capacity);
    for (before, batch) in (1..=2 * n + 1).flat_map(|before| (1..=capacity).map(move |batch| (before, batch)))
    {
        let end = Memory::new(capacity, rules).ring().end();
        let memory = ring_at(end - before, capacity, rules);
        let (ring, mut taps) = (memory.ring(), Vec::new());
        let (mut sender, mut receiver) =
            (S::resume(&ring, 0).expect("undamaged"), R::resume(&ring, 0).expect("undamaged"));
        while let Ok(count) = sender.claim(&ring, batch) {
            for _ in 0..count {
                assert_whole(&memory, &mut taps);
                sender.fill(&ring);
            }
            // Nobody has been told of the index yet.
            assert_whole(&memory, &mut taps);
            while let Ok(ready) = receiver.poll(&ring, batch) {
                (0..ready).for_each(|_| _ = receiver.take(&ring));
                assert_whole(&memory, &mut taps);
                receiver.release(&ring);
                assert_whole(&memory, &mut taps);
            }
            sender.commit(&ring);
            assert_whole(&memory, &mut taps);
        }
        assert_eq!(Progress::of(&ring).tail, end, "capacity {capacity}, {before} before it");
    }
}

#[test]
fn whoever_looks_at_the_last_positions_of_all_finds_nothing_damaged() {
    // Around the capacity from which on positions end before laps do.
    for capacity in [1, 2, 3, 16, 17] {
        to_the_end::<SoleSender, SoleReceiver>(capacity, rules(false, false));
        to_the_end::<LoneSender, SharedReceiver>(capacity, rules(false, true));
        to_the_end::<SharedSender, LoneReceiver>(capacity, MPSC);
        to_the_end::<SharedSender, SharedReceiver>(capacity, MPMC);
    }
}
