//! The sole sender of a ring with several receivers.

use super::corrupt;
use crate::protocol::ahead::{Ahead, Other};
use crate::protocol::ring::{Blocked, Corruption, Cursor, Position, Ring};
use crate::protocol::side::SendSide;
use crate::protocol::stamp::{self, State, free, full};
use crate::sync::Ordering::{self, Acquire, Relaxed, Release};
use crate::sync::{crash_point, in_order, mutant, weakened};

/// E10. The payload is written before the stamp says so. Pairs with `OBSERVE_FULL` of `shared`.
const FILL: Ordering = weakened("lone_fill", Release, Relaxed);
/// E11. The slot is written after it was seen to be free. Pairs with `GIVE_BACK` of `shared`, and E12
/// with `GIVE_BACK` of `repair`.
const OBSERVE_FREE: Ordering = weakened("lone_observe_free", Acquire, Relaxed);
/// The tail is a hint for a successor and for people.
const HINT: Ordering = Relaxed;
/// What a successor reads of its predecessor: ordered by the role's lock, which the kernel released.
const INHERIT: Ordering = Relaxed;

/// The sole sender's private state.
#[derive(Debug)]
pub struct LoneSender {
    next: Cursor,
    ahead: Ahead,
}

impl LoneSender {
    #[inline(always)]
    fn is_free(ring: &Ring<'_>, cursor: &Cursor) -> bool {
        let is_free = ring.stamps.get(cursor.slot()).load(OBSERVE_FREE) == free(cursor.lap());
        if !mutant("tap_lone_claim") {
            in_order();
        }
        is_free
    }

    #[cold]
    fn why_not(&self, ring: &Ring<'_>) -> Blocked {
        let position = self.next.position();
        if position >= ring.end() {
            return Blocked::Exhausted;
        }
        let seen = ring.stamps.get(self.next.slot()).load(OBSERVE_FREE);
        let occupied = stamp::lap(seen) + 1 == self.next.lap() && stamp::state(seen) != State::Nonsense;
        // It may have become free meanwhile: then the next look will tell.
        if occupied || seen == free(self.next.lap()) {
            return Blocked::NotReady;
        }
        corrupt("stamp", seen, position)
    }
}

impl SendSide for LoneSender {
    fn resume(ring: &Ring<'_>, _: u32) -> Result<Self, Corruption> {
        let tail = ring.control.tail.0.load(INHERIT);
        if tail > ring.end() {
            return Err(Corruption { word: "tail", found: tail, position: tail });
        }
        let mut next = Cursor::at(tail, ring.capacity);
        let most = (tail + u64::from(ring.capacity)).min(ring.end());
        let used = |next: &Cursor| ring.stamps.get(next.slot()).load(INHERIT) > free(next.lap());
        while next.position() < most && used(&next) && !mutant("lone_resume_at_tail") {
            next.step(ring.capacity);
        }
        ring.control.tail.0.store(next.position(), HINT);
        crash_point("sender.resume.after-tail");
        Ok(Self { next, ahead: Ahead::default() })
    }

    #[inline(always)]
    fn claim_one(&mut self, ring: &Ring<'_>) -> bool {
        Self::is_free(ring, &self.next) && self.next.position() < ring.end()
    }

    fn claim(&mut self, ring: &Ring<'_>, want: u32) -> Result<u32, Blocked> {
        if !self.claim_one(ring) {
            return Err(self.why_not(ring));
        }
        let left = ring.end() - self.next.position();
        let most = u64::from(want.min(ring.capacity)).min(left) as u32;
        let mut cursor = self.next;
        for count in 1..most {
            cursor.step(ring.capacity);
            if !Self::is_free(ring, &cursor) {
                return Ok(count);
            }
        }
        Ok(most)
    }

    /// A claim is private.
    fn peek(&mut self, ring: &Ring<'_>) -> Result<(), Blocked> {
        self.claim(ring, 1).map(drop)
    }

    #[inline(always)]
    fn slot(&self) -> u32 {
        self.next.slot()
    }

    #[inline(always)]
    fn ahead(&mut self, ring: &Ring<'_>, distance: u32) -> Option<u32> {
        self.ahead.slot(ring, &self.next, distance, Other::receivers(ring))
    }

    /// Step X3.
    #[inline(always)]
    fn fill(&mut self, ring: &Ring<'_>) -> bool {
        ring.stamps.get(self.next.slot()).store(full(self.next.lap()), FILL);
        if !mutant("tap_lone_fill") {
            in_order();
        }
        let begins_lap = self.next.step(ring.capacity);
        crash_point("send.after-fill");
        begins_lap
    }

    /// Step X4.
    #[inline(always)]
    fn commit(&mut self, ring: &Ring<'_>) {
        ring.control.tail.0.store(self.next.position(), HINT);
        crash_point("send.after-commit");
    }

    fn abandon(&mut self, _: &Ring<'_>) {}

    #[inline]
    fn position(&self) -> Position {
        self.next.position()
    }

    fn in_flight(&self, ring: &Ring<'_>) -> u64 {
        // Only a number for people: no slot is touched on the strength of it.
        let head = ring.control.head.0.load(Relaxed);
        self.next.position().saturating_sub(head).min(u64::from(ring.capacity))
    }
}
