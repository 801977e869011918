//! One of several receivers.

use super::{Look, MOST_LOOKS, corrupt, race};
use crate::protocol::ahead::{Ahead, Other};
use crate::protocol::ring::{Blocked, Corruption, Cursor, Position, Ring};
use crate::protocol::side::RecvSide;
use crate::protocol::stamp::{self, MOST_ATTEMPTS, State, free, full, orphan, skip, taken};
use crate::protocol::{intent, repair};
use crate::sync::Ordering::{self, Acquire, Relaxed, Release};
use crate::sync::{crash_point, mutant, weakened};

/// E8. As `INTEND` of the senders.
const INTEND: Ordering = Release;
/// E9. The intent is there before the claim. Pairs with `OBSERVE_HEAD` of `repair`. Without it a repairer can
/// deliver again what a living receiver is reading.
const CLAIM_HEAD: Ordering = weakened("shared_claim_head", Release, Relaxed);
/// E10. The payload is read after the stamp was seen. Pairs with `FILL` of the senders, and E12 with `SKIP_HOLE` of
/// `repair`.
const OBSERVE_FULL: Ordering = weakened("shared_observe_full", Acquire, Relaxed);
/// E11. The payload was read before its slot is given back. Pairs with `OBSERVE_FREE` of the senders.
/// Without it a sender can overwrite a message that is still being read.
const GIVE_BACK: Ordering = weakened("shared_give_back", Release, Relaxed);
/// E12. An orphan is taken after it was set free. Pairs with `SET_FREE` and `SET_FREE_AGAIN` of `repair`, and with
/// [`GIVE_BACK`] of a receiver that gave it up. Without it the slot's next write races with what a dead one read.
const OBSERVE_ORPHAN: Ordering = weakened("shared_observe_orphan", Acquire, Relaxed);
/// E13. Whoever sees the slot taken sees who is in the record. Pairs with `READ_STAMP` of `repair`. Without it an
/// old death can be held against the new holder of the record.
const TAKE: Ordering = weakened("shared_take", Release, Relaxed);
/// E14. Orphans are looked for after they were counted. Pairs with `ANNOUNCE` of `repair`.
/// Without it one can be missed, until the next is counted.
const OBSERVE_EPOCH: Ordering = weakened("shared_observe_epoch", Acquire, Relaxed);
/// Which position is next is only a guess until the compare-exchange has confirmed it.
const GUESS: Ordering = Relaxed;
/// As `CONFIRM` of the senders.
const CONFIRM: Ordering = weakened("shared_confirm_head", Acquire, Relaxed);
/// The stamp of a slot that this receiver owns.
const OWN: Ordering = Relaxed;
/// For people: a number on the board.
const TALLY: Ordering = Relaxed;

/// One receiver's private state.
#[derive(Debug)]
pub struct SharedReceiver {
    /// Its record.
    index: u32,
    /// The first claimed position that is not given back.
    held: Cursor,
    /// The first claimed position that is not taken: a message, if any is left.
    next: Cursor,
    /// Positions from `held` to here are claimed by this receiver.
    end: Position,
    /// Messages from `next` to `end`.
    ready: u32,
    /// Of an orphan: how often it was claimed before.
    attempt: u32,
    /// Every orphan that was counted up to this epoch has been looked for.
    seen: u64,
    /// The search for those of the current epoch: which epoch, and the first slot that was not looked at.
    search: (u64, u32),
    /// Everything below it has been given back, by whomever.
    drained: Position,
    ahead: Ahead,
}

impl SharedReceiver {
    /// Steps C0 to C4, until it is done or nothing can be done.
    fn claim_new(&mut self, ring: &Ring<'_>, want: u32) -> Result<u32, Blocked> {
        if self.may_have_orphans(ring) && self.take_orphan(ring)? {
            return Ok(1);
        }
        // More than there can be at a time: somebody makes them as fast as they are passed over.
        let mut holes_left = ring.capacity.saturating_add(intent::MOST);
        race(ring.control.head.0.load(GUESS), |mut position| {
            loop {
                let first = self.next.moved_to(position, ring.capacity);
                let (messages, positions) = ready_from(ring, &first, want)?;
                self.claim_from(ring, first, positions).map_err(Look::Again)?;
                self.open(ring, first, positions, messages, 0);
                if messages > 0 {
                    return Ok(messages);
                }
                // Holes that were repaired, and no message.
                self.release(ring);
                position = self.end;
                holes_left = holes_left.checked_sub(positions).ok_or(Look::Blocked(Blocked::Contended))?;
            }
        })
    }

    /// Step C0.
    #[inline(always)]
    fn may_have_orphans(&self, ring: &Ring<'_>) -> bool {
        ring.control.board.0.epoch.load(OBSERVE_EPOCH) != self.seen
    }

    /// Steps C3 and C4 for positions that are ready; the error is where the head is instead.
    #[inline(always)]
    fn claim_from(&self, ring: &Ring<'_>, first: Cursor, positions: u32) -> Result<(), Position> {
        let position = first.position();
        let own = &ring.receivers[self.index as usize].own.intent;
        if !mutant("shared_intent_after_claim") {
            own.store(intent::of(position, positions), INTEND);
        }
        crash_point("recv.after-intent");
        let end = position + u64::from(positions);
        let claim = ring.control.head.0.compare_exchange(position, end, CLAIM_HEAD, GUESS);
        if claim.is_err() {
            crash_point("recv.after-loss");
            if !mutant("shared_loser_keeps_intent") {
                own.store(intent::NONE, INTEND);
            }
        }
        claim?;
        crash_point("recv.after-claim");
        if mutant("shared_intent_after_claim") {
            own.store(intent::of(position, positions), INTEND);
        }
        Ok(())
    }

    #[inline(always)]
    fn open(&mut self, ring: &Ring<'_>, first: Cursor, positions: u32, messages: u32, attempt: u32) {
        self.held = first;
        self.next = first;
        self.end = first.position() + u64::from(positions);
        self.ready = messages;
        self.attempt = attempt;
        if messages < positions {
            self.pass_over(ring);
        }
    }

    /// On to a message, or to the end of the claim. A position is left for each message, whatever the stamps say by now.
    fn pass_over(&mut self, ring: &Ring<'_>) {
        let left = if mutant("shared_pass_too_far") { 0 } else { u64::from(self.ready) };
        while self.next.position() + left < self.end
            && (self.ready == 0 || ring.stamps.get(self.next.slot()).load(OWN) == skip(self.next.lap()))
        {
            self.next.step(ring.capacity);
        }
    }

    /// Takes an orphan, if there is one: steps T1 to T3.
    #[cold]
    fn take_orphan(&mut self, ring: &Ring<'_>) -> Result<bool, Blocked> {
        let epoch = ring.control.board.0.epoch.load(OBSERVE_EPOCH);
        if self.search.0 != epoch {
            self.search = (epoch, 0);
        }
        let own = &ring.receivers[self.index as usize].own.intent;
        let mut lost = 0;
        while self.search.1 < ring.capacity && lost < MOST_LOOKS {
            let slot = self.search.1;
            let stamp = ring.stamps.get(slot);
            let seen = stamp.load(OBSERVE_ORPHAN);
            let State::Orphan(attempt) = stamp::state(seen) else {
                self.search.1 += 1;
                continue;
            };
            let lap = stamp::lap(seen);
            let position =
                lap.checked_mul(ring.capacity.into()).and_then(|start| start.checked_add(slot.into()));
            // No head that makes sense is beyond the end.
            let until = ring.control.head.0.load(CONFIRM).min(ring.end());
            let first = match position {
                Some(position) if position < until => Cursor::at(position, ring.capacity),
                _ => return Err(corrupt("stamp", seen, self.next.position())),
            };
            own.store(intent::of(first.position(), 1), INTEND);
            crash_point("orphan.after-intent");
            let mine = taken(lap, attempt, self.index);
            if stamp.compare_exchange(seen, mine, TAKE, Relaxed).is_ok() {
                crash_point("orphan.after-take");
                self.search.1 += 1;
                if mutant("shared_seen_after_hit") {
                    self.seen = epoch;
                }
                self.open(ring, first, 1, 1, attempt);
                return Ok(true);
            }
            if !mutant("shared_loser_keeps_intent") {
                own.store(intent::NONE, INTEND);
            }
            lost += 1;
        }
        if self.search.1 < ring.capacity {
            return Err(Blocked::Contended);
        }
        let late = mutant("shared_epoch_after_search");
        self.seen = if late { ring.control.board.0.epoch.load(OBSERVE_EPOCH) } else { epoch };
        Ok(false)
    }
}

/// What can be claimed from `first`, at most `want` positions and at least 1: how many messages, and positions. Step C2.
fn ready_from(ring: &Ring<'_>, first: &Cursor, want: u32) -> Result<(u32, u32), Look> {
    let seen = ring.stamps.get(first.slot()).load(OBSERVE_FULL);
    let mut messages = u32::from(seen == full(first.lap()));
    if messages == 0 && seen != skip(first.lap()) || first.position() >= ring.end() {
        return Err(why_not(ring, first, seen));
    }
    let most = want.min(intent::MOST).min(ring.capacity);
    let mut cursor = *first;
    for positions in 1..most {
        cursor.step(ring.capacity);
        match ring.stamps.get(cursor.slot()).load(OBSERVE_FULL) {
            stamp if stamp == full(cursor.lap()) => messages += 1,
            stamp if stamp == skip(cursor.lap()) => {}
            _ => return Ok((messages, positions)),
        }
    }
    Ok((messages, most))
}

/// Why there is nothing to claim at `first`, whose stamp was `seen`.
#[inline(never)]
fn why_not(ring: &Ring<'_>, first: &Cursor, seen: u64) -> Look {
    let position = first.position();
    // Nothing of this lap yet, or the slot has not even been given back since the lap before.
    let before = stamp::lap(seen) + 1 == first.lap() && stamp::state(seen) != State::Nonsense;
    let now = ring.control.head.0.load(CONFIRM);
    if now != position {
        return Look::Again(now);
    }
    if position >= ring.end() {
        let exhausted = position == ring.end();
        return Look::Blocked(if exhausted {
            Blocked::Exhausted
        } else {
            corrupt("head", position, position)
        });
    }
    if seen == free(first.lap()) || before {
        return Look::Blocked(Blocked::NotReady);
    }
    // Nobody has claimed the position, so its slot is of this lap or the one before. Whoever claimed that had
    // seen it free for it, and `now` was read after that.
    let again = ring.stamps.get(first.slot()).load(OBSERVE_FULL);
    if again != seen && stamp::lap(again) <= first.lap() {
        return Look::Again(now);
    }
    // Or the position was claimed between the two looks, and the slot has moved on since.
    let now = ring.control.head.0.load(CONFIRM);
    if now != position {
        return Look::Again(now);
    }
    Look::Blocked(corrupt("stamp", again, position))
}

impl RecvSide for SharedReceiver {
    fn resume(ring: &Ring<'_>, index: u32) -> Result<Self, Corruption> {
        let head = ring.control.head.0.load(CONFIRM);
        if head > ring.end() {
            return Err(Corruption { word: "head", found: head, position: head });
        }
        let next = Cursor::at(head, ring.capacity);
        let drained = head.saturating_sub(ring.capacity.into());
        Ok(Self {
            index,
            held: next,
            next,
            end: head,
            ready: 0,
            attempt: 0,
            // The board starts at 0, when there is nothing to look for.
            seen: 0,
            search: (0, 0),
            drained,
            ahead: Ahead::default(),
        })
    }

    /// One try, of a message that comes for the first time.
    #[inline(always)]
    fn poll_one(&mut self, ring: &Ring<'_>) -> bool {
        if self.ready > 0 {
            return true;
        }
        if self.may_have_orphans(ring) {
            return false;
        }
        let first = self.next.moved_to(ring.control.head.0.load(GUESS), ring.capacity);
        let seen = ring.stamps.get(first.slot()).load(OBSERVE_FULL);
        if seen != full(first.lap()) || first.position() >= ring.end() {
            return false;
        }
        let won = self.claim_from(ring, first, 1).is_ok();
        if won {
            self.open(ring, first, 1, 1, 0);
        }
        won
    }

    fn poll(&mut self, ring: &Ring<'_>, want: u32) -> Result<u32, Blocked> {
        match self.ready {
            0 => Ok(self.claim_new(ring, want)?.min(want)),
            left => Ok(left.min(want)),
        }
    }

    fn peek(&mut self, ring: &Ring<'_>) -> Result<(), Blocked> {
        race(ring.control.head.0.load(GUESS), |position| {
            if self.ready > 0 || self.may_have_orphans(ring) {
                return Ok(());
            }
            ready_from(ring, &self.next.moved_to(position, ring.capacity), 1).map(drop)
        })
    }

    #[inline(always)]
    fn slot(&self) -> u32 {
        self.next.slot()
    }

    #[inline(always)]
    fn ahead(&mut self, ring: &Ring<'_>, distance: u32) -> Option<u32> {
        self.ahead.slot(ring, &self.next, distance, Other::senders(ring))
    }

    #[inline]
    fn redelivered(&self) -> u32 {
        self.attempt
    }

    #[inline(always)]
    fn take(&mut self, ring: &Ring<'_>) -> bool {
        self.ready -= 1;
        self.next.step(ring.capacity);
        if self.next.position() < self.end {
            self.pass_over(ring);
        }
        false
    }

    /// Step C6.
    #[inline(always)]
    fn release(&mut self, ring: &Ring<'_>) {
        if mutant("shared_intent_before_release") {
            ring.receivers[self.index as usize].own.intent.store(intent::of(self.end, 1), INTEND);
        }
        while self.held.position() < self.next.position() {
            ring.stamps.get(self.held.slot()).store(free(self.held.lap() + 1), GIVE_BACK);
            self.held.step(ring.capacity);
            crash_point("recv.after-release");
        }
    }

    fn abandon(&mut self, ring: &Ring<'_>) {
        self.release(ring);
        let mut orphans = false;
        while self.held.position() < self.end {
            let stamp = ring.stamps.get(self.held.slot());
            let lap = self.held.lap();
            if stamp.load(OWN) == skip(lap) {
                stamp.store(free(lap + 1), GIVE_BACK);
            } else if self.attempt == MOST_ATTEMPTS {
                stamp.store(free(lap + 1), GIVE_BACK);
                if !mutant("shared_abandon_uncounted") {
                    ring.control.board.0.poisoned.fetch_add(1, TALLY);
                }
            } else {
                stamp.store(orphan(lap, self.attempt + 1), GIVE_BACK);
                orphans = true;
            }
            self.held.step(ring.capacity);
            crash_point("recv.after-abandon");
        }
        self.next = self.held;
        self.ready = 0;
        if orphans {
            repair::announce(ring);
        }
    }

    fn drained(&mut self, ring: &Ring<'_>) -> bool {
        let head = Cursor::at(ring.control.head.0.load(CONFIRM), ring.capacity);
        let oldest = head.position().saturating_sub(ring.capacity.into());
        let mut cursor = Cursor::at(self.drained.max(oldest), ring.capacity);
        while cursor.position() < head.position()
            && ring.stamps.get(cursor.slot()).load(OBSERVE_FULL) >= free(cursor.lap() + 1)
        {
            cursor.step(ring.capacity);
        }
        self.drained = cursor.position();
        self.drained == head.position()
    }

    fn position(&self) -> Position {
        self.next.position()
    }

    fn in_flight(&self, ring: &Ring<'_>) -> u64 {
        // Only a number for people: no slot is touched on the strength of it.
        let head = ring.control.head.0.load(GUESS);
        let waiting = ring.control.tail.0.load(GUESS).saturating_sub(head).saturating_add(self.ready.into());
        waiting.clamp(self.may_have_orphans(ring).into(), ring.capacity.into())
    }
}
