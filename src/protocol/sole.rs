//! The ring with one sender and one receiver. No read-modify-write, no loop that waits for anybody.
//!
//! Source: Lamport's single-producer single-consumer queue (indexed form); the stamp in the slot is
//! FastForward's (Giacomoni, Moseley, Vachharajani, PPoPP 2008), with the lap in it so that a slot need not
//! be cleared and a successor can tell what was published.
//!
//! Sender, for the message at position t, lap l, slot s:
//!
//! | step | stamped | indexed | killed after it |
//! |---|---|---|---|
//! | S1 | t < limit, else limit = head.load(Acquire) + N | same | the message never existed |
//! | S2 | write the payload into slot s | same | the message never existed |
//! | S3 | stamp(s).store(FULL(l), Release) | | stamped: delivered; indexed: never existed |
//! | S4 | tail.store(t + 1, Relaxed) | tail.store(t + 1, Release) | delivered |
//!
//! Receiver, for position h:
//!
//! | step | stamped | indexed | killed after it |
//! |---|---|---|---|
//! | R1 | stamp(s).load(Acquire) = FULL(l) | h < seen, else seen = tail.load(Acquire) | delivered again |
//! | R2 | read the payload | same | delivered again |
//! | R3 | head.store(h + 1, Release) | same | delivered |
//!
//! A batch is S1 once, S2 and S3 per message in order, S4 once; or R1 for all, R2 for all, R3 once. It reads
//! the other side's word not only when its copy says full or empty, but when that says too few for it.
//!
//! Successor, once the kernel says that the predecessor is dead and everything it stored is visible: a
//! receiver starts at head. A sender starts at tail; in the stamped form it first steps over every slot
//! that carries the stamp of its lap, since the predecessor may have died between S3 and S4, and the
//! receiver may already have taken that message. At most N steps.
//!
//! Differences from the sources: (1) both indices are published, so that either side can be replaced;
//! (2) each side keeps its own position privately and reads the other's word only when its cached copy says
//! full or empty; (3) every word that is read is checked against what the protocol can produce.

use super::ahead::{self, Ahead, Other};
use super::ring::{Blocked, Corruption, Cursor, Form, Position, Ring, ThisLap};
use super::side::{RecvSide, SendSide};
use super::stamp::full;
use super::tap::Reach;
use crate::sync::Ordering::{self, Acquire, Relaxed, Release};
use crate::sync::{crash_point, in_order, mutant, weakened};

/// E1. The payload is written before the stamp says so. Pairs with [`OBSERVE_STAMP`].
/// Without it a receiver can read the bytes of the previous lap.
const PUBLISH_STAMP: Ordering = weakened("publish_stamp", Release, Relaxed);
/// E1. The payload is read after the stamp was seen. Pairs with [`PUBLISH_STAMP`].
const OBSERVE_STAMP: Ordering = weakened("observe_stamp", Acquire, Relaxed);
/// E2. The payload is written before the index says so. Pairs with [`OBSERVE_TAIL`].
/// Without it a receiver can read the bytes of the previous lap.
const PUBLISH_TAIL: Ordering = weakened("publish_tail", Release, Relaxed);
/// E2. The payload is read after the index was seen. Pairs with [`PUBLISH_TAIL`].
const OBSERVE_TAIL: Ordering = weakened("observe_tail", Acquire, Relaxed);
/// E3. The payload was read before its slot is given back. Pairs with [`OBSERVE_HEAD`].
/// Without it the sender can overwrite a message that is still being read.
const RELEASE_HEAD: Ordering = weakened("release_head", Release, Relaxed);
/// E3. The slot is written after it was seen to be free. Pairs with [`RELEASE_HEAD`].
const OBSERVE_HEAD: Ordering = weakened("observe_head", Acquire, Relaxed);
/// In the stamped form the tail is a hint for a successor, who reads it after the kernel has ordered it
/// behind everything the dead sender did.
const HINT: Ordering = Relaxed;
/// What a successor reads of its predecessor: ordered by the role's lock, which the kernel released.
const INHERIT: Ordering = Relaxed;

/// The sending side's private state.
#[derive(Debug)]
pub struct SoleSender {
    next: Cursor,
    /// Of `next`.
    this_lap: ThisLap,
    /// Positions below it are free. May be stale; it never runs ahead of `head + N`, nor falls behind
    /// `next`.
    limit: Position,
    /// Indexed: what is said of batches to whoever looks on.
    reach: Reach,
}

impl SoleSender {
    /// How many messages can be written, as far as the receiver's position was last read: the first half
    /// of step S1.
    #[inline]
    fn known_free(&self) -> u64 {
        self.limit - self.next.position()
    }

    fn look(&mut self, ring: &Ring<'_>) -> Result<(), Blocked> {
        let head = ring.control.head.0.load(OBSERVE_HEAD);
        if !mutant("tap_sole_look") {
            in_order();
        }
        self.limit = limit(ring, &self.next, head).map_err(Blocked::Corrupt)?;
        if self.next.position() < self.limit {
            return Ok(());
        }
        Err(if self.limit == ring.end() { Blocked::Exhausted } else { Blocked::NotReady })
    }
}

impl SendSide for SoleSender {
    /// Starts where the last published message ends.
    fn resume(ring: &Ring<'_>, _index: u32) -> Result<Self, Corruption> {
        let head = ring.control.head.0.load(OBSERVE_HEAD);
        let tail = ring.control.tail.0.load(INHERIT);
        let capacity = u64::from(ring.capacity);
        if tail > ring.end() {
            return Err(Corruption { word: "tail", found: tail, position: tail });
        }
        if tail.abs_diff(head) > capacity {
            return Err(Corruption { word: "head", found: head, position: tail });
        }
        let mut next = Cursor::at(tail, ring.capacity);
        if ring.form == Form::Stamped && !mutant("resume_at_tail") {
            let most = (tail + capacity).min(ring.end());
            while next.position() < most && published(ring, &next, INHERIT) {
                next.step(ring.capacity);
            }
        }
        let limit = limit(ring, &next, head)?;
        if ring.form == Form::Stamped {
            ring.control.tail.0.store(next.position(), HINT);
            crash_point("sender.resume.after-tail");
        }
        let reach = Reach::inherit(ring);
        // As in a look, whose part the head above plays.
        if !mutant("tap_sole_resume") {
            in_order();
        }
        Ok(Self { this_lap: ThisLap::of(&next, ring.capacity), next, limit, reach })
    }

    /// The first half of step S1: as far as the receiver's position was last read.
    #[inline]
    fn claim_one(&mut self, _ring: &Ring<'_>) -> bool {
        self.known_free() > 0
    }

    /// Step S1. A claim is private, and may be made again.
    fn claim(&mut self, ring: &Ring<'_>, want: u32) -> Result<u32, Blocked> {
        // A batch is not cut short by a stale limit: it would only have to look for the rest at once.
        if self.known_free() < u64::from(want.min(ring.capacity)) {
            self.look(ring)?;
        }
        let count = self.known_free().min(u64::from(want)) as u32;
        if ring.form == Form::Indexed {
            self.reach.cover(ring, count);
        }
        Ok(count)
    }

    /// A claim is private.
    fn peek(&mut self, ring: &Ring<'_>) -> Result<(), Blocked> {
        self.claim(ring, 1).map(drop)
    }

    #[inline]
    fn slot(&self) -> u32 {
        self.next.slot()
    }

    #[inline(always)]
    fn ahead(&mut self, ring: &Ring<'_>, distance: u32) -> Option<u32> {
        ahead::slot(ring, &self.next, distance, self.limit)
    }

    /// Step S3.
    #[inline]
    fn fill(&mut self, ring: &Ring<'_>) -> bool {
        if ring.form == Form::Stamped {
            ring.stamps.get(self.next.slot()).store(self.this_lap.full, PUBLISH_STAMP);
            if !mutant("tap_sole_fill") {
                in_order();
            }
        }
        let begins_lap = self.this_lap.step(&mut self.next, ring.capacity);
        crash_point("send.after-fill");
        begins_lap
    }

    /// Step S4.
    #[inline]
    fn commit(&mut self, ring: &Ring<'_>) {
        let order = if ring.form == Form::Stamped { HINT } else { PUBLISH_TAIL };
        ring.control.tail.0.store(self.next.position(), order);
        if !mutant("tap_sole_commit") {
            in_order();
        }
        crash_point("send.after-commit");
    }

    /// Nothing: nobody else has seen the claim.
    #[inline]
    fn abandon(&mut self, _ring: &Ring<'_>) {}

    /// How many messages have been published before the next one.
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

/// Where a sender at `next` has to stop if the receiver has released everything below `head`.
fn limit(ring: &Ring<'_>, next: &Cursor, head: Position) -> Result<Position, Corruption> {
    let capacity = u64::from(ring.capacity);
    // Not a wrapping difference: a head just below 2⁶⁴ would pass for one of the first lap.
    match next.position().checked_sub(head) {
        Some(ahead) if ahead <= capacity => Ok((head + capacity).min(ring.end())),
        _ => Err(Corruption { word: "head", found: head, position: next.position() }),
    }
}

/// Whether the slot at `cursor` carries the stamp of its lap.
#[inline]
fn published(ring: &Ring<'_>, cursor: &Cursor, order: Ordering) -> bool {
    ring.stamps.get(cursor.slot()).load(order) == full(cursor.lap())
}

/// The receiving side's private state.
#[derive(Debug)]
pub struct SoleReceiver {
    next: Cursor,
    /// Of `next`.
    this_lap: ThisLap,
    /// Indexed: positions below it are published. May be stale; it never runs ahead of `tail`.
    seen: Position,
    /// Stamped: what is known of the sender's position.
    ahead: Ahead,
}

impl SoleReceiver {
    /// Step R1 for the next message alone; an indexed ring answers as far as the sender's position was last
    /// read.
    #[inline]
    fn is_ready(&self, ring: &Ring<'_>) -> bool {
        match ring.form {
            Form::Stamped => ring.stamps.get(self.next.slot()).load(OBSERVE_STAMP) == self.this_lap.full,
            Form::Indexed => self.seen != self.next.position(),
        }
    }

    #[inline]
    fn poll_stamps(&mut self, ring: &Ring<'_>, want: u32) -> Result<u32, Blocked> {
        let stamp = ring.stamps.get(self.next.slot()).load(OBSERVE_STAMP);
        if stamp != self.this_lap.full {
            self.ahead.found_nothing(self.next.position());
            return Err(self.unpublished(stamp));
        }
        let mut ready = 1;
        let mut cursor = self.next;
        while ready < want.min(ring.capacity) {
            cursor.step(ring.capacity);
            if !published(ring, &cursor, OBSERVE_STAMP) {
                break;
            }
            ready += 1;
        }
        Ok(ready)
    }

    /// What a stamp means that is not the one waited for: the previous lap's, or nonsense.
    #[inline]
    fn unpublished(&self, stamp: u64) -> Blocked {
        let before = match self.next.lap() {
            0 => 0,
            lap => full(lap - 1),
        };
        if stamp == before {
            return Blocked::NotReady;
        }
        Blocked::Corrupt(Corruption { word: "stamp", found: stamp, position: self.next.position() })
    }

    #[inline]
    fn poll_tail(&mut self, ring: &Ring<'_>, want: u32) -> Result<u32, Blocked> {
        if self.seen - self.next.position() < u64::from(want.min(ring.capacity)) {
            self.look(ring).map_err(|found| {
                Blocked::Corrupt(Corruption { word: "tail", found, position: self.next.position() })
            })?;
            if self.seen == self.next.position() {
                return Err(Blocked::NotReady);
            }
        }
        Ok((self.seen - self.next.position()).min(u64::from(want)) as u32)
    }

    /// Reads the sender's index; the error is an index that this ring cannot have.
    #[inline]
    fn look(&mut self, ring: &Ring<'_>) -> Result<(), u64> {
        let tail = ring.control.tail.0.load(OBSERVE_TAIL);
        if tail.wrapping_sub(self.next.position()) > u64::from(ring.capacity) {
            return Err(tail);
        }
        self.seen = tail;
        Ok(())
    }
}

impl RecvSide for SoleReceiver {
    /// Starts at the first message that was not released.
    fn resume(ring: &Ring<'_>, _index: u32) -> Result<Self, Corruption> {
        let head = ring.control.head.0.load(INHERIT);
        if head > ring.end() {
            return Err(Corruption { word: "head", found: head, position: head });
        }
        let next = Cursor::at(head, ring.capacity);
        let mut receiver =
            Self { this_lap: ThisLap::of(&next, ring.capacity), next, seen: head, ahead: Ahead::default() };
        if ring.form == Form::Indexed {
            receiver.look(ring).map_err(|seen| Corruption { word: "tail", found: seen, position: head })?;
        }
        Ok(receiver)
    }

    /// Step R1; indexed, its first half.
    #[inline]
    fn poll_one(&mut self, ring: &Ring<'_>) -> bool {
        self.is_ready(ring)
    }

    /// Step R1. A claim is private, and may be made again.
    #[inline]
    fn poll(&mut self, ring: &Ring<'_>, want: u32) -> Result<u32, Blocked> {
        match ring.form {
            Form::Stamped => self.poll_stamps(ring, want),
            Form::Indexed => self.poll_tail(ring, want),
        }
    }

    /// A claim is private.
    fn peek(&mut self, ring: &Ring<'_>) -> Result<(), Blocked> {
        self.poll(ring, 1).map(drop)
    }

    #[inline]
    fn slot(&self) -> u32 {
        self.next.slot()
    }

    #[inline(always)]
    fn ahead(&mut self, ring: &Ring<'_>, distance: u32) -> Option<u32> {
        match ring.form {
            Form::Stamped => self.ahead.slot(ring, &self.next, distance, Other::senders(ring)),
            Form::Indexed => ahead::slot(ring, &self.next, distance, self.seen),
        }
    }

    /// Never known: a successor cannot tell what its predecessor had read.
    #[inline]
    fn redelivered(&self) -> u32 {
        0
    }

    #[inline]
    fn take(&mut self, ring: &Ring<'_>) -> bool {
        self.this_lap.step(&mut self.next, ring.capacity)
    }

    /// Step R3.
    #[inline]
    fn release(&mut self, ring: &Ring<'_>) {
        ring.control.head.0.store(self.next.position(), RELEASE_HEAD);
        crash_point("recv.after-release");
    }

    /// Nothing: the claim was private, and there is nobody else.
    #[inline]
    fn abandon(&mut self, _ring: &Ring<'_>) {}

    /// Always: there is nobody else to hold anything.
    #[inline]
    fn drained(&mut self, _ring: &Ring<'_>) -> bool {
        true
    }

    /// How many messages have been received before the next one.
    #[inline]
    fn position(&self) -> Position {
        self.next.position()
    }

    /// 0 only if there is none. The stamped form's tail is a hint that may lag behind by a batch.
    fn in_flight(&self, ring: &Ring<'_>) -> u64 {
        // Only a number for people: no slot is touched on the strength of it.
        let tail = ring.control.tail.0.load(Relaxed);
        let least = u64::from(self.is_ready(ring));
        tail.saturating_sub(self.next.position()).clamp(least, u64::from(ring.capacity))
    }
}
