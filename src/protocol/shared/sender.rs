//! One of several senders.

use super::{Look, corrupt, race};
use crate::protocol::ahead::{Ahead, Other};
use crate::protocol::ring::{Blocked, Corruption, Cursor, Position, Ring};
use crate::protocol::side::SendSide;
use crate::protocol::stamp::{self, State, free, full, skip};
use crate::protocol::{intent, tap};
use crate::sync::Ordering::{self, Acquire, Relaxed, Release};
use crate::sync::{crash_point, in_order, mutant, weakened};

/// E8. What is going to be claimed is announced before it is, and after the slots of the claim before are
/// filled. Pairs with `READ_INTENT` of `repair`. Without it a repairer can see this intent and miss that a slot
/// of the claim before is filled.
const INTEND: Ordering = Release;
/// E9. The intent is there before the claim. Pairs with `OBSERVE_TAIL` of `repair`. Without it a repairer can take
/// the slot of a living sender for a hole.
const CLAIM_TAIL: Ordering = weakened("shared_claim_tail", Release, Relaxed);
/// E10. The payload is written before the stamp says so. Pairs with `OBSERVE_FULL` of the receivers.
/// Without it a receiver can read the bytes of the lap before.
const FILL: Ordering = weakened("shared_fill", Release, Relaxed);
/// E11. The slot is written after it was seen to be free. Pairs with `GIVE_BACK` of the receivers, and E12 with
/// `GIVE_BACK` of `repair`.
const OBSERVE_FREE: Ordering = weakened("shared_observe_free", Acquire, Relaxed);
/// Which position is next is only a guess until the compare-exchange has confirmed it.
const GUESS: Ordering = Relaxed;
/// A claim that failed, or a slot that seems to be out of order, is looked at again after everything that the
/// winner did.
const CONFIRM: Ordering = weakened("shared_confirm_tail", Acquire, Relaxed);

/// One sender's private state.
#[derive(Debug)]
pub struct SharedSender {
    /// Its record.
    index: u32,
    /// The first claimed position that is not filled.
    next: Cursor,
    /// Positions from `next` to here are claimed by this sender.
    end: Position,
    ahead: Ahead,
}

impl SharedSender {
    #[inline(always)]
    fn claimed(&self) -> u32 {
        (self.end - self.next.position()) as u32
    }

    /// Steps P0 to P3, until it is done or nothing can be done.
    fn claim_new(&mut self, ring: &Ring<'_>, want: u32) -> Result<u32, Blocked> {
        race(ring.control.tail.0.load(GUESS), |position| {
            let first = self.next.moved_to(position, ring.capacity);
            let count = free_from(ring, &first, want)?;
            self.claim_from(ring, first, count).map_err(Look::Again)?;
            Ok(count)
        })
    }

    /// Steps P2 and P3 for slots that are free; the error is where the tail is instead.
    #[inline(always)]
    fn claim_from(&mut self, ring: &Ring<'_>, first: Cursor, count: u32) -> Result<(), Position> {
        let (position, end) = (first.position(), first.position() + u64::from(count));
        let own = &ring.senders[self.index as usize].own.intent;
        if !mutant("shared_intent_after_claim") {
            own.store(intent::of(position, count), INTEND);
        }
        crash_point("send.after-intent");
        let claim = ring.control.tail.0.compare_exchange(position, end, CLAIM_TAIL, GUESS);
        if claim.is_err() {
            crash_point("send.after-loss");
            if !mutant("shared_loser_keeps_intent") {
                own.store(intent::NONE, INTEND);
            }
        }
        claim?;
        if !mutant("tap_shared_claim") {
            in_order();
        }
        crash_point("send.after-claim");
        if mutant("shared_intent_after_claim") {
            own.store(intent::of(position, count), INTEND);
        }
        self.next = first;
        self.end = end;
        Ok(())
    }
}

/// How many slots are free from `first`, at most `want` and at least 1: step P1.
fn free_from(ring: &Ring<'_>, first: &Cursor, want: u32) -> Result<u32, Look> {
    let seen = ring.stamps.get(first.slot()).load(OBSERVE_FREE);
    if seen != free(first.lap()) || first.position() >= ring.end() {
        return Err(why_not(ring, first, seen));
    }
    let most = u64::from(want.min(intent::MOST).min(ring.capacity)).min(ring.end() - first.position()) as u32;
    let mut cursor = *first;
    for count in 1..most {
        cursor.step(ring.capacity);
        if ring.stamps.get(cursor.slot()).load(OBSERVE_FREE) != free(cursor.lap()) {
            return Ok(count);
        }
    }
    Ok(most)
}

/// Why the slot at `first`, whose stamp was `seen`, is not free.
#[cold]
fn why_not(ring: &Ring<'_>, first: &Cursor, seen: u64) -> Look {
    let position = first.position();
    let now = ring.control.tail.0.load(CONFIRM);
    if now != position {
        return Look::Again(now);
    }
    if position >= ring.end() {
        let exhausted = position == ring.end();
        return Look::Blocked(if exhausted {
            Blocked::Exhausted
        } else {
            corrupt("tail", position, position)
        });
    }
    // Nobody has claimed the position, so its slot is free or has something of the lap before. Whoever claimed
    // that has seen the slot free for it, and `now` was read after that.
    let again = ring.stamps.get(first.slot()).load(OBSERVE_FREE);
    if again == free(first.lap()) {
        return Look::Again(now);
    }
    let occupied = stamp::lap(again) + 1 == first.lap() && stamp::state(again) != State::Nonsense;
    if occupied && seen < free(first.lap()) {
        return Look::Blocked(Blocked::NotReady);
    }
    // Or the position was claimed between the two looks, and the slot has moved on since.
    let now = ring.control.tail.0.load(CONFIRM);
    if now != position {
        return Look::Again(now);
    }
    Look::Blocked(corrupt("stamp", again, position))
}

impl SendSide for SharedSender {
    fn resume(ring: &Ring<'_>, index: u32) -> Result<Self, Corruption> {
        let tail = ring.control.tail.0.load(CONFIRM);
        if tail > ring.end() {
            return Err(Corruption { word: "tail", found: tail, position: tail });
        }
        let next = Cursor::at(tail, ring.capacity);
        Ok(Self { index, next, end: tail, ahead: Ahead::default() })
    }

    /// One try.
    #[inline(always)]
    fn claim_one(&mut self, ring: &Ring<'_>) -> bool {
        if self.claimed() > 0 {
            return true;
        }
        let first = self.next.moved_to(ring.control.tail.0.load(GUESS), ring.capacity);
        let seen = ring.stamps.get(first.slot()).load(OBSERVE_FREE);
        let is_free = seen == free(first.lap()) && first.position() < ring.end();
        is_free && self.claim_from(ring, first, 1).is_ok()
    }

    fn claim(&mut self, ring: &Ring<'_>, want: u32) -> Result<u32, Blocked> {
        match self.claimed() {
            0 => self.claim_new(ring, want),
            left => Ok(left.min(want)),
        }
    }

    fn peek(&mut self, ring: &Ring<'_>) -> Result<(), Blocked> {
        if self.claimed() > 0 {
            return Ok(());
        }
        race(ring.control.tail.0.load(GUESS), |position| {
            free_from(ring, &self.next.moved_to(position, ring.capacity), 1).map(drop)
        })
    }

    #[inline(always)]
    fn slot(&self) -> u32 {
        self.next.slot()
    }

    #[inline(always)]
    fn ahead(&mut self, ring: &Ring<'_>, distance: u32) -> Option<u32> {
        self.ahead.slot(ring, &self.next, distance, Other::receivers(ring))
    }

    /// Step P5.
    #[inline(always)]
    fn fill(&mut self, ring: &Ring<'_>) -> bool {
        if mutant("shared_intent_before_fill") && self.claimed() == 1 {
            ring.senders[self.index as usize].own.intent.store(intent::of(self.end, 1), INTEND);
        }
        ring.stamps.get(self.next.slot()).store(full(self.next.lap()), FILL);
        self.next.step(ring.capacity);
        crash_point("send.after-fill");
        false
    }

    #[inline]
    fn commit(&mut self, _: &Ring<'_>) {}

    fn abandon(&mut self, ring: &Ring<'_>) {
        while self.claimed() > 0 {
            if !mutant("tap_skip_late") {
                tap::count_skip(ring);
            }
            ring.stamps.get(self.next.slot()).store(skip(self.next.lap()), FILL);
            if mutant("tap_skip_late") {
                tap::count_skip(ring);
            }
            self.next.step(ring.capacity);
            crash_point("send.after-abandon");
        }
    }

    fn position(&self) -> Position {
        self.next.position()
    }

    fn in_flight(&self, ring: &Ring<'_>) -> u64 {
        // Only a number for people: no slot is touched on the strength of it.
        let head = ring.control.head.0.load(GUESS);
        ring.control.tail.0.load(GUESS).saturating_sub(head).min(u64::from(ring.capacity))
    }
}
