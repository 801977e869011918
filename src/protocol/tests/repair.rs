//! A repair of what is written over meanwhile: it ends, and leaves the record for the next one.

use std::cell::Cell;
use std::rc::Rc;

use super::{MPMC, Memory};
use crate::protocol::intent;
use crate::protocol::repair::sweep;
use crate::protocol::roster::{self, DEAD, Identity, Lock, Locks, Side};
use crate::protocol::stamp::{full, orphan, skip};
use crate::sync::Ordering::SeqCst;
use crate::sync::meddled;

/// What follows the protocol changes a stamp less often than that within a lap: to FULL, and for each of fifteen attempts to
/// ORPHAN and TAKEN.
const ENOUGH: u32 = 32;

/// Locks that nobody has. Whoever gives one back after a look has something done.
struct Unheld<F>(F);

struct Of<'a, F>(&'a F, u32);

impl<F: Fn(u32)> Locks for Unheld<F> {
    fn lock(&self, _: Side, index: u32) -> impl Lock + '_ {
        Of(&self.0, index)
    }
}

impl<F: Fn(u32)> Lock for Of<'_, F> {
    fn try_lock(&self) -> bool {
        true
    }

    fn is_held(&self) -> bool {
        false
    }

    fn unlock(&self) {
        (self.0)(self.1);
    }
}

fn nothing(_: u32) {}

/// A message that a receiver, in the first record, had claimed when it died.
fn claimed() -> Rc<Memory> {
    let memory = Memory::new(3, MPMC);
    memory.control.tail.0.store(1, SeqCst);
    memory.control.head.0.store(1, SeqCst);
    memory.stamps[0].store(full(0), SeqCst);
    roster::enter(&memory.receivers[0], Identity::default());
    memory.receivers[0].own.intent.store(intent::of(0, 1), SeqCst);
    memory
}

/// Nothing changes any more: the next repair is through with it.
#[track_caller]
fn assert_is_repaired_later(memory: &Memory) {
    let ring = memory.ring();
    assert_eq!(
        memory.receivers[0].state.load(SeqCst) & 3,
        DEAD,
        "its record is lost, and with it the message"
    );
    assert_eq!(memory.control.board.0.epoch.load(SeqCst), 0);
    assert!(sweep(&ring, None, &Unheld(nothing), 9), "it is still to be repaired");
    assert_eq!(memory.stamps[0].load(SeqCst), orphan(0, 1));
    assert_eq!(memory.control.board.0.epoch.load(SeqCst), 1);
    assert!(!sweep(&ring, None, &Unheld(nothing), 9), "nothing is left");
}

#[test]
fn a_repair_ends_though_each_time_the_message_is_claimed_again() {
    let memory = claimed();
    let (shared, changes) = (Rc::clone(&memory), Rc::new(Cell::new(0)));
    let counted = Rc::clone(&changes);
    let meddle = move |point: &str| {
        if point == "repair.after-orphan" {
            assert!(counted.get() < 1 << 20, "it goes on for ever");
            counted.set(counted.get() + 1);
            shared.stamps[0].store(full(0), SeqCst);
        }
    };
    assert!(meddled(meddle, || sweep(&memory.ring(), None, &Unheld(nothing), 9)), "a death was proved");
    assert!(changes.get() >= ENOUGH, "it gave up after {}", changes.get());
    assert_is_repaired_later(&memory);
}

#[test]
fn a_repair_ends_though_the_stamp_is_another_after_each_look_at_who_lives() {
    let memory = claimed();
    // Somebody who always seems to have died while it was claiming the same.
    let fellow = &memory.receivers[1];
    fellow.own.intent.store(intent::of(0, 1), SeqCst);
    roster::enter(fellow, Identity::default());
    let looks = Cell::new(0);
    let locks = Unheld(|index| {
        if index == 1 {
            assert!(looks.get() < 1 << 20, "it goes on for ever");
            looks.set(looks.get() + 1);
            memory.stamps[0].store(if looks.get() % 2 == 0 { full(0) } else { skip(0) }, SeqCst);
            roster::enter(fellow, Identity::default());
        }
    });
    assert!(sweep(&memory.ring(), None, &locks, 9), "a death was proved");
    assert!(looks.get() > 1, "it did not look again");
    fellow.state.store(0, SeqCst);
    memory.stamps[0].store(full(0), SeqCst);
    assert_is_repaired_later(&memory);
}
