//! Words that change as fast as they are looked at: every call has to end, and how.

use std::cell::Cell;
use std::fmt::Debug;
use std::rc::Rc;

use super::{MPMC, MPSC, Memory};
use crate::protocol::intent;
use crate::protocol::lone::{LoneReceiver, LoneSender};
use crate::protocol::ring::{Blocked, Cursor, Position, Ring, Rules};
use crate::protocol::shared::{SharedReceiver, SharedSender};
use crate::protocol::side::{RecvSide, SendSide};
use crate::protocol::stamp::{free, full, orphan, skip, taken};
use crate::sync::Ordering::SeqCst;
use crate::sync::meddled;
use crate::testing::watched;

/// So often in one call a participant looks again after others were faster.
const MOST_LOOKS: u32 = 1 << 16;

/// Runs `body` while somebody does something at each crash point of that name: number 0, 1, … . Fails the test when that
/// goes on for ever. How often it was done.
#[track_caller]
fn each_time<R>(
    point: &'static str,
    mut meddle: impl FnMut(u32) + 'static,
    body: impl FnOnce() -> R,
) -> (R, u32) {
    let times = Rc::new(Cell::new(0));
    let counted = Rc::clone(&times);
    let meddler = move |name: &str| {
        if name == point {
            assert!(counted.get() < 1 << 20, "{point}: it goes on for ever");
            meddle(counted.get());
            counted.set(counted.get() + 1);
        }
    };
    (meddled(meddler, body), times.get())
}

fn set(ring: &Ring<'_>, position: Position, stamp: fn(u64) -> u64) {
    let cursor = Cursor::at(position, ring.capacity);
    ring.stamps.get(cursor.slot()).store(stamp(cursor.lap()), SeqCst);
}

/// A receiver on its way over holes of which all that follow `holes` are messages, and what its poll came to.
fn pass<R: RecvSide>(memory: &Rc<Memory>, want: u32, holes: u64) -> (R, Result<u32, Blocked>) {
    let capacity = u64::from(memory.ring().capacity);
    let (ring, shared) = (memory.ring(), Rc::clone(memory));
    let refill = move |position| {
        set(&shared.ring(), position, if position < holes { skip } else { full });
    };
    (0..capacity).for_each(&refill);
    let mut receiver = R::resume(&ring, 0).expect("an undamaged ring");
    // A slot that was given back is filled again at once.
    let meddle = move |number| refill(u64::from(number) + capacity);
    let (answer, _) = each_time("recv.after-release", meddle, || receiver.poll(&ring, want));
    (receiver, answer)
}

fn passes_over_as_many_as_there_can_be<R: RecvSide>(rules: Rules) {
    for (capacity, want) in [(1, 1), (3, 1), (3, 3), (600, 1), (600, 255), (600, 600)] {
        let most = u64::from(capacity + intent::MOST);
        // Those that were there, and those of one claim that was given up meanwhile.
        let (receiver, answer) = pass::<R>(&Memory::new(capacity, rules), want, most);
        assert!(answer.is_ok(), "{capacity} {want}: {answer:?}");
        assert_eq!(receiver.position(), most);

        let memory = Memory::new(capacity, rules);
        let (mut receiver, answer) = pass::<R>(&memory, want, u64::MAX);
        assert_eq!(answer, Err(Blocked::Contended), "{capacity} {want}");
        let (passed, claim) = (receiver.position(), u64::from(want.min(intent::MOST).min(capacity)));
        assert!((most + 1..=most + claim).contains(&passed), "{capacity} {want}: {passed} were passed over");

        // It goes on from there, when nobody is at it any more.
        let ring = memory.ring();
        assert_eq!(receiver.poll(&ring, want), Err(Blocked::NotReady));
        assert_eq!(receiver.position(), passed + u64::from(capacity));
        set(&ring, receiver.position(), full);
        assert_eq!(receiver.poll(&ring, want), Ok(1));
    }
}

#[test]
fn receivers_that_share_do_not_pass_over_holes_for_ever_that_are_made_as_fast_as_they_are_passed_over() {
    passes_over_as_many_as_there_can_be::<SharedReceiver>(MPMC);
}

#[test]
fn a_sole_receiver_does_not_pass_over_holes_for_ever_that_are_made_as_fast_as_they_are_passed_over() {
    passes_over_as_many_as_there_can_be::<LoneReceiver>(MPSC);
}

#[test]
fn a_sender_that_always_comes_too_late_gives_up_and_leaves_no_intent() {
    for capacity in [1, 3] {
        let memory = Memory::new(capacity, MPMC);
        let (ring, shared) = (memory.ring(), Rc::clone(&memory));
        let mut sender = SharedSender::resume(&ring, 0).expect("an undamaged ring");
        let meddle = move |_| {
            let ring = shared.ring();
            let tail = ring.control.tail.0.fetch_add(1, SeqCst) + 1;
            set(&ring, tail, free);
        };
        let (answer, looks) = each_time("send.after-intent", meddle, || sender.claim(&ring, 1));
        assert_eq!((answer, looks), (Err(Blocked::Contended), MOST_LOOKS));
        assert_eq!(memory.senders[0].own.intent.load(SeqCst), intent::NONE);
        assert_eq!(sender.claim(&ring, 1), Ok(1));
    }
}

#[test]
fn a_receiver_that_always_comes_too_late_gives_up_and_leaves_no_intent() {
    for capacity in [1, 3] {
        let memory = Memory::new(capacity, MPMC);
        let (ring, shared) = (memory.ring(), Rc::clone(&memory));
        let mut receiver = SharedReceiver::resume(&ring, 0).expect("an undamaged ring");
        set(&ring, 0, full);
        let meddle = move |_| {
            let ring = shared.ring();
            let head = ring.control.head.0.fetch_add(1, SeqCst) + 1;
            set(&ring, head, full);
        };
        let (answer, looks) = each_time("recv.after-intent", meddle, || receiver.poll(&ring, 1));
        assert_eq!((answer, looks), (Err(Blocked::Contended), MOST_LOOKS));
        assert_eq!(memory.receivers[0].own.intent.load(SeqCst), intent::NONE);
        assert_eq!(receiver.poll(&ring, 1), Ok(1));
    }
}

#[test]
fn a_message_that_is_set_free_again_whenever_it_is_taken_is_left_to_others_and_looked_for_later() {
    let memory = Memory::new(3, MPMC);
    let (ring, shared) = (memory.ring(), Rc::clone(&memory));
    let mut receiver = SharedReceiver::resume(&ring, 0).expect("an undamaged ring");
    ring.control.head.0.store(2, SeqCst);
    memory.stamps[1].store(orphan(0, 1), SeqCst);
    ring.control.board.0.epoch.store(1, SeqCst);
    let meddle = move |number| shared.stamps[1].store(orphan(0, 2 - number % 2), SeqCst);
    let (answer, looks) = each_time("orphan.after-intent", meddle, || receiver.poll(&ring, 1));
    assert_eq!((answer, looks), (Err(Blocked::Contended), MOST_LOOKS));
    assert_eq!(memory.receivers[0].own.intent.load(SeqCst), intent::NONE);
    assert_eq!((receiver.poll(&ring, 1), receiver.redelivered()), (Ok(1), 1));
    assert_eq!(memory.stamps[1].load(SeqCst), taken(0, 1, 0));
}

/// Comes to a ring every slot of which says the same of all laps, on a thread of its own.
fn comes<S: Debug + Send + 'static>(stamp: u64, come: fn(&Ring<'_>) -> S, position: fn(&S) -> Position) {
    watched(move || {
        for capacity in [1, 3, 600] {
            let memory = Memory::new(capacity, MPMC);
            memory.stamps.iter().for_each(|word| word.store(stamp, SeqCst));
            assert_eq!(position(&come(&memory.ring())), u64::from(capacity), "{stamp:#x}");
        }
    });
}

#[test]
fn who_comes_looks_no_further_than_once_round_for_what_the_one_before_did() {
    for stamp in [u64::MAX, free(1 << 51)] {
        comes(stamp, |ring| LoneSender::resume(ring, 0).expect("undamaged"), SendSide::position);
        comes(stamp, |ring| LoneReceiver::resume(ring, 0).expect("undamaged"), RecvSide::position);
    }
}
