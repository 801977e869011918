//! Repairing what dead participants of a shared side left, by whoever is blocked by it, idle, or attaching.
//!
//! A *hole* is a position that a sender claimed and did not fill: it becomes SKIP, and receivers pass over it. A
//! message that a receiver claimed and did not give back becomes an ORPHAN, which any receiver takes
//! (`shared`). Nobody is stopped for that, no clock is asked, and whoever repairs needs no record and keeps
//! nothing: a repairer may itself be killed after any step.
//!
//! For the record of a participant that may be dead:
//!
//! | step | | killed after it |
//! |---|---|---|
//! | W1 | probe it (`roster` P1 to P5); not dead: done. A sole side: done, its successor finds by itself where to go on | DEAD |
//! | W2 | read its intent (Acquire) | nothing |
//! | W3 | for each of its positions q: tail (head).load(Acquire) ≤ q: it was never claimed, next | nothing |
//! | W4 | read the stamp (Acquire). FREE: a sender's hole; FULL, SKIP: claimed by a receiver; TAKEN(n, r): claimed by the receiver in r; of another lap: over, next | nothing |
//! | W5 | does somebody who lives have the claim? Then leave it alone: for FREE, FULL, SKIP whoever has q in its intent, for TAKEN the one in r | nothing |
//! | W6 | compare-exchange (Release): FREE to SKIP; FULL to ORPHAN(1); SKIP to FREE of the next lap; TAKEN(n, r) to ORPHAN(n + 1). Failed: somebody was faster, W4 | the record is DEAD still: all of it is done again |
//! | W7 | if a position is ORPHAN, by whomever: count it on the board (Release) | the same; it may be counted twice |
//! | W8 | nothing of its own was left alone (what another one has TAKEN is not): compare-exchange the state from DEAD to BURIED (Release) | done |
//!
//! *Why a look at the intents settles who owns q.* A claim is a compare-exchange (Release) of tail or head, and
//! those words are changed in no other way, so whoever reads a value above q (W3) comes after the claim of q, and
//! therefore after its owner's intent was stored. W5 reads that intent or a later one. A later one was stored
//! (Release) after the owner was through with q, so the stamp has changed and W6 fails. The same intent: the owner
//! is alive, and W5 leaves q alone, or it is dead, and all it did is visible (W1). Others whose intent has q are
//! losers of the claim, who clear it before they do anything else. They can delay a repair, and no more.
//!
//! *Why the dead record is worked off before it is buried.* It is the list of what is to do. Whoever dies at
//! it leaves it DEAD for the next one.
//!
//! *Why no late repair does harm.* A stamp never has the same value twice (`stamp`), so W6 succeeds only if
//! nothing has happened to the slot since W4.
//!
//! *Why an orphan is counted on the board after W6.* A receiver that has not seen the count does not look for
//! orphans, and one that has, and looks, finds all that were counted before.
//!
//! What is dropped is counted, after it was dropped, so that one may be missing if its counter dies between the two: a message that sixteen receivers died of (*poisoned*), and, in a channel that was
//! made so, whatever a dead receiver had claimed (*discarded*).

use super::intent;
use super::ring::{Cursor, OnReceiverDeath, Position, Ring};
use super::roster::{self, BURIED, DEAD, Identity, LIVE, Locks, Presence, Seat, Side};
use super::stamp::{self, MOST_ATTEMPTS, State, free, orphan, skip};
use super::table::{is_shared, presence, records};
use super::tap;
use crate::sync::Ordering::{self, Acquire, Relaxed, Release};
use crate::sync::{AtomicU64, crash_point, mutant, weakened};

/// E8. An intent is stored before the claim, and the next one after the stamp. Pairs with `INTEND` of `shared`.
/// Without it a repairer can see the owner's next intent and miss that the slot is filled.
const READ_INTENT: Ordering = Acquire;
/// E9. Whoever sees a position claimed sees its owner's intent. Pairs with `CLAIM_TAIL` and `CLAIM_HEAD` of
/// `shared`. Without it a repairer can take the slot of a living owner for a hole.
const OBSERVE_TAIL: Ordering = weakened("repair_observe_tail", Acquire, Relaxed);
/// E9, for what receivers claim.
const OBSERVE_HEAD: Ordering = weakened("repair_observe_head", Acquire, Relaxed);
/// E13. Whoever sees a slot taken sees the taker's record as it was then. Pairs with `TAKE` of `shared`.
/// Without it an old death can be held against the new holder of the record. And a repairer passes on what the
/// sender did to whomever it sets the message free for: E10, E12.
const READ_STAMP: Ordering = weakened("repair_read_stamp", Acquire, Relaxed);
/// E12. What a dead sender wrote comes before its slot is passed on. Pairs with `OBSERVE_FULL` of `shared` and
/// `lone`. Without it a torn write races with the next one.
const SKIP_HOLE: Ordering = weakened("repair_skip_hole", Release, Relaxed);
/// E12. What a dead receiver read comes before another gives the slot back. Pairs with `OBSERVE_ORPHAN` of `shared`,
/// and with `OBSERVE_FREE` if the message is dropped. Without it the read races with the next write.
const SET_FREE: Ordering = weakened("repair_set_free", Release, Relaxed);
/// E12. As [`SET_FREE`], for what had been set free before.
const SET_FREE_AGAIN: Ordering = weakened("repair_set_free_again", Release, Relaxed);
/// E12. A slot without a message goes to the sender of the next lap. Pairs with `OBSERVE_FREE` of `shared` and `lone`.
const GIVE_BACK: Ordering = Release;
/// E14. A message is set free before the board says so. Pairs with `OBSERVE_EPOCH` of `shared`.
/// Without it a receiver can look for it too early, and not again.
const ANNOUNCE: Ordering = weakened("repair_announce", Release, Relaxed);
/// E15. A record is repaired before it can be taken. Pairs with `TAKE_OVER` of `table`, which orders by the lock, too.
const BURY: Ordering = Release;
/// The state of a record: E6, as `OBSERVE` of the roster.
const OBSERVE: Ordering = Acquire;
/// For people: a number on the board.
const TALLY: Ordering = Relaxed;

/// More often than that no stamp changes within a lap: to FULL, and to ORPHAN and TAKEN for each attempt.
const MOST_CHANGES: u32 = 64;

/// Looks at every participant but the caller, proves the deaths, and repairs what the dead left. Whether
/// anything has changed, so that it is worth looking at the ring again.
///
/// A system call for each participant that lives, some more for each that died.
pub fn sweep(ring: &Ring<'_>, me: Option<Seat>, locks: &impl Locks, now: u64) -> bool {
    let mut changed = false;
    for side in [Side::Sending, Side::Receiving] {
        for index in 0..records(ring, side).len() as u32 {
            changed |= !is_me(me, side, index) && tend(ring, side, index, me, locks, now);
        }
    }
    changed
}

fn is_me(me: Option<Seat>, side: Side, index: u32) -> bool {
    me.is_some_and(|seat| (seat.side, seat.index) == (side, index))
}

/// Looks at one participant: steps W1 to W8. Whether anything has changed.
pub(super) fn tend(
    ring: &Ring<'_>,
    side: Side,
    index: u32,
    me: Option<Seat>,
    locks: &impl Locks,
    now: u64,
) -> bool {
    let record = &records(ring, side)[index as usize];
    let known = record.state.load(OBSERVE) & 3 == DEAD;
    if !record.is_unsettled() || roster::probe(record, &locks.lock(side, index), now) != Presence::Died {
        return false;
    }
    let state = record.state.load(OBSERVE);
    if !is_shared(ring, side) || state & 3 != DEAD {
        return !known;
    }
    let bury = || {
        let _ = record.state.compare_exchange(state, state & !3 | BURIED, BURY, Relaxed);
    };
    if mutant("repair_bury_first") {
        bury();
    }
    let survey = Survey { ring, me, locks, now };
    if mutant("repair_announce_first") {
        announce(ring);
    }
    let (mut orphans, mut settled) = (false, true);
    for position in intent::positions(record.own.intent.load(READ_INTENT)) {
        match side {
            Side::Sending => settled &= survey.resolve_hole(position),
            Side::Receiving => match survey.resolve_claim(position) {
                Verdict::Settled => {}
                Verdict::Orphaned => orphans = true,
                Verdict::Unsettled => settled = false,
            },
        }
    }
    if orphans && !mutant("repair_no_announcement") && !mutant("repair_announce_first") {
        announce(ring);
    }
    if settled {
        bury();
        crash_point("repair.after-burial");
    }
    settled || !known
}

/// Step W7.
pub(super) fn announce(ring: &Ring<'_>) {
    ring.control.board.0.epoch.fetch_add(1, ANNOUNCE);
    crash_point("repair.after-announcement");
}

/// What has become of one claim of a dead receiver.
enum Verdict {
    /// Nothing is left to do.
    Settled,
    /// It is free to be delivered again.
    Orphaned,
    /// Somebody who lives may have it.
    Unsettled,
}

/// One participant's look at the others.
struct Survey<'a, 'm, L> {
    ring: &'a Ring<'m>,
    me: Option<Seat>,
    locks: &'a L,
    now: u64,
}

impl<L: Locks> Survey<'_, '_, L> {
    /// The participant of a side that lives and has the position in its intent: W5. The caller has seen the
    /// position claimed (W3).
    fn claimant(&self, side: Side, position: Position) -> Option<u32> {
        let has = |index: &u32| {
            let intent = records(self.ring, side)[*index as usize].own.intent.load(READ_INTENT);
            let named = intent::positions(intent).contains(&position);
            named && (mutant("repair_dead_claimant") || self.lives(side, *index))
        };
        let count = if mutant("repair_no_look_at_intents") { 0 } else { records(self.ring, side).len() };
        (0..count as u32).find(has)
    }

    /// Whether the taker of an orphan still has it.
    fn keeps(&self, record: u32) -> bool {
        !mutant("repair_no_look_at_taker") && self.lives(Side::Receiving, record)
    }

    fn lives(&self, side: Side, index: u32) -> bool {
        let Some(record) = records(self.ring, side).get(index as usize) else { return false };
        is_me(self.me, side, index)
            || roster::probe(record, &self.locks.lock(side, index), self.now) == Presence::Live
    }

    fn stamp(&self, cursor: &Cursor) -> &AtomicU64 {
        self.ring.stamps.get(cursor.slot())
    }

    /// Steps W3 to W6 for a position of a dead sender; whether nothing is left to do.
    fn resolve_hole(&self, position: Position) -> bool {
        let claimed = self.ring.control.tail.0.load(OBSERVE_TAIL) > position;
        if !claimed && !mutant("repair_no_look_at_tail") {
            return true;
        }
        let cursor = Cursor::at(position, self.ring.capacity);
        let stamp = self.stamp(&cursor);
        if stamp.load(READ_STAMP) != free(cursor.lap()) {
            return true;
        }
        if self.claimant(Side::Sending, position).is_some() {
            return false;
        }
        tap::count_skip(self.ring);
        let _ = stamp.compare_exchange(free(cursor.lap()), skip(cursor.lap()), SKIP_HOLE, Relaxed);
        crash_point("repair.after-skip");
        true
    }

    /// Steps W3 to W6 for a position of a dead receiver.
    fn resolve_claim(&self, position: Position) -> Verdict {
        let claimed = self.ring.control.head.0.load(OBSERVE_HEAD) > position;
        if !claimed && !mutant("repair_no_look_at_head") {
            return Verdict::Settled;
        }
        let cursor = Cursor::at(position, self.ring.capacity);
        for _ in 0..MOST_CHANGES {
            let seen = self.stamp(&cursor).load(READ_STAMP);
            if stamp::lap(seen) != cursor.lap() {
                return Verdict::Settled;
            }
            let state = stamp::state(seen);
            let owned = match state {
                State::Full | State::Skip => self.claimant(Side::Receiving, position).is_some(),
                // Whoever is in the record now took it: a record is not buried while it has a claim.
                State::Taken(_, record) if self.keeps(record) => return Verdict::Settled,
                _ => false,
            };
            if owned {
                return Verdict::Unsettled;
            }
            let exchanged = match state {
                State::Full => self.set_free(&cursor, seen, 1, SET_FREE),
                State::Skip => self.exchange(&cursor, seen, free(cursor.lap() + 1), GIVE_BACK),
                State::Taken(attempt, _) if mutant("repair_same_attempt") => {
                    self.set_free(&cursor, seen, attempt, SET_FREE_AGAIN)
                }
                State::Taken(attempt, _) => self.set_free(&cursor, seen, attempt + 1, SET_FREE_AGAIN),
                State::Orphan(_) => return Verdict::Orphaned,
                State::Free | State::Nonsense => return Verdict::Settled,
            };
            crash_point("repair.after-orphan");
            if mutant("repair_no_reread") && !exchanged {
                return Verdict::Settled;
            }
            // And look again: what it has become, by whomever, says what is to do.
        }
        Verdict::Unsettled
    }

    fn exchange(&self, cursor: &Cursor, from: u64, to: u64, order: Ordering) -> bool {
        self.stamp(cursor).compare_exchange(from, to, order, Relaxed).is_ok()
    }

    /// A message that `attempts` receivers have claimed goes to another, or to nobody.
    fn set_free(&self, cursor: &Cursor, from: u64, attempts: u32, order: Ordering) -> bool {
        let board = &self.ring.control.board.0;
        let drop_and_count = |tally: &AtomicU64| {
            let dropped = self.exchange(cursor, from, free(cursor.lap() + 1), order);
            tally.fetch_add(u64::from(dropped), TALLY);
            dropped
        };
        match self.ring.rules.on_receiver_death {
            OnReceiverDeath::Discard => drop_and_count(&board.discarded),
            OnReceiverDeath::Redeliver if attempts > MOST_ATTEMPTS => drop_and_count(&board.poisoned),
            OnReceiverDeath::Redeliver => self.exchange(cursor, from, orphan(cursor.lap(), attempts), order),
        }
    }
}

/// The claim of one participant that keeps a side from going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// Whose claim it is.
    pub side: Side,
    /// What it claimed.
    pub position: Position,
}

/// What keeps a side from going on, if it is the claim of one participant and not that the ring is full or empty.
pub fn obstacle(ring: &Ring<'_>, side: Side) -> Option<Obstacle> {
    if !is_shared(ring, Side::Sending) && !is_shared(ring, Side::Receiving) {
        return None;
    }
    // The first position that no receiver has claimed: if it is a hole, nobody behind it is served.
    let head = Cursor::at(ring.control.head.0.load(OBSERVE_HEAD), ring.capacity);
    let tail = ring.control.tail.0.load(OBSERVE_TAIL);
    let first = ring.stamps.get(head.slot()).load(READ_STAMP);
    if is_shared(ring, Side::Sending) && tail > head.position() && first == free(head.lap()) {
        return Some(Obstacle { side: Side::Sending, position: head.position() });
    }
    if side == Side::Receiving && tail <= head.position() && is_over(ring) {
        return unfinished(ring, &head);
    }
    let held = match side {
        // The slot of the next message has one of the lap before that a receiver has not given back.
        Side::Sending => Cursor::at(tail.checked_sub(ring.capacity.into())?, ring.capacity),
        Side::Receiving => Cursor::at(head.position().checked_sub(ring.capacity.into())?, ring.capacity),
    };
    let seen = ring.stamps.get(held.slot()).load(READ_STAMP);
    let claimed = stamp::lap(seen) == held.lap()
        && held.position() < head.position()
        && matches!(stamp::state(seen), State::Full | State::Skip | State::Taken(..));
    let claimed = claimed && is_shared(ring, Side::Receiving);
    claimed.then_some(Obstacle { side: Side::Receiving, position: held.position() })
}

/// Whether there were senders, and none is left.
fn is_over(ring: &Ring<'_>) -> bool {
    matches!(presence(ring, Side::Sending), Presence::Left | Presence::Died)
}

/// The first message of an empty ring that a receiver has not given back: it may come again, so that the others
/// wait.
fn unfinished(ring: &Ring<'_>, head: &Cursor) -> Option<Obstacle> {
    let oldest = head.position().saturating_sub(ring.capacity.into());
    let mut cursor = Cursor::at(oldest, ring.capacity);
    while cursor.position() < head.position() {
        if ring.stamps.get(cursor.slot()).load(READ_STAMP) < free(cursor.lap() + 1) {
            return Some(Obstacle { side: Side::Receiving, position: cursor.position() });
        }
        cursor.step(ring.capacity);
    }
    None
}

/// Who keeps the obstacle there: a participant that lives.
pub fn owner(
    ring: &Ring<'_>,
    obstacle: Obstacle,
    me: Option<Seat>,
    locks: &impl Locks,
    now: u64,
) -> Option<Identity> {
    let survey = Survey { ring, me, locks, now };
    let index = survey.claimant(obstacle.side, obstacle.position)?;
    Some(roster::identity(&records(ring, obstacle.side)[index as usize]))
}

/// Messages that were dropped, since the ring was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Because sixteen receivers died of them.
    pub poisoned: u64,
    /// With their dead receivers, as the ring was told to.
    pub discarded: u64,
}

/// How many messages were dropped.
pub fn dropped(ring: &Ring<'_>) -> Dropped {
    let board = &ring.control.board.0;
    Dropped { poisoned: board.poisoned.load(TALLY), discarded: board.discarded.load(TALLY) }
}

/// How many participants of a side live, by the kernel's word; the caller counts as one of them.
pub fn count(ring: &Ring<'_>, side: Side, me: Option<Seat>, locks: &impl Locks, now: u64) -> usize {
    let survey = Survey { ring, me, locks, now };
    let lives = |index: &u32| {
        records(ring, side)[*index as usize].state.load(OBSERVE) & 3 == LIVE && survey.lives(side, *index)
    };
    (0..records(ring, side).len() as u32).filter(lives).count()
}
