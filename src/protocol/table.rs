//! The roster of a shared side: a table of records, and how to take and leave one.
//!
//! A record is taken as a sole role is (`roster`), with two differences. A dead holder's record is not taken
//! over but repaired first (`repair`), since its intent says which slots it left unfinished: overwriting that
//! would lose messages. And a dead holder counts as present until that is done, since what it left may hide
//! messages from others.
//!
//! | step | | killed after it |
//! |---|---|---|
//! | J0 | a record that is LIVE without a lock, or DEAD, is repaired | as `repair` says |
//! | J1 | state VACANT or BURIED: try the lock; not obtained: next record | the record is as it was |
//! | J2 | read state again; no longer so: give the lock back, next record | the same |
//! | J3 | store who we are, and no intent | the same |
//! | J4 | state.store(LIVE(incarnation + 1), Release) | LIVE and unlocked: dead, without a claim |
//! | V1 | no open claim; clear the intent; state.store(VACANT(incarnation), Release) | VACANT: left |
//! | V2 | release the lock | left |
//!
//! No record is free: the table is full.

use super::intent;
use super::repair;
use super::ring::Ring;
use super::roster::{
    BURIED, Before, DEAD, Identity, LIVE, Lock, Locks, Predecessor, Presence, Record, Seat, Side, VACANT,
    glance, identity, until,
};
use crate::sync::Ordering::{self, Acquire, Relaxed, Release};
use crate::sync::{crash_point, mutant, weakened};

/// E15. What a dead holder left is repaired before its record is free again. Pairs with `BURY` of `repair`, and
/// with [`LEAVE`]. Without it a new holder can overwrite an intent that is still being read.
const TAKE_OVER: Ordering = Acquire;
/// E7, as `JOIN` of the roster.
const JOIN: Ordering = weakened("table_join", Release, Relaxed);
/// E5, as `LEAVE` of the roster.
const LEAVE: Ordering = weakened("table_leave", Release, Relaxed);
/// E5, E6, as `OBSERVE` of the roster.
const OBSERVE: Ordering = Acquire;
/// E8. Whoever sees that the new holder claims nothing sees that the slots of the one before have moved on. Pairs with
/// `READ_INTENT` of `repair`.
const CLEAR: Ordering = Release;
/// Read and written only by the holder of the lock, or for people to look at.
const LOCKED: Ordering = Relaxed;

/// Every record has a holder that lives, or whose remains cannot be repaired yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// The records of a side.
#[inline]
pub fn records<'m>(ring: &Ring<'m>, side: Side) -> &'m [Record] {
    match side {
        Side::Sending => ring.senders,
        Side::Receiving => ring.receivers,
    }
}

/// Whether there may be several on a side.
#[inline]
pub fn is_shared(ring: &Ring<'_>, side: Side) -> bool {
    match side {
        Side::Sending => ring.rules.shared_senders,
        Side::Receiving => ring.rules.shared_receivers,
    }
}

/// Takes a record of a shared side: steps J0 to J4. The lock stays taken. With it, what became of the record's last holder.
///
/// # Errors
///
/// If no record is free.
pub fn join(ring: &Ring<'_>, side: Side, locks: &impl Locks, me: Identity) -> Result<(Seat, Before), Full> {
    for index in 0..records(ring, side).len() as u32 {
        if !mutant("table_take_unrepaired") {
            repair::tend(ring, side, index, None, locks, me.since);
        }
        let record = &records(ring, side)[index as usize];
        if let Some((incarnation, before)) = take(record, &locks.lock(side, index), me) {
            return Ok((Seat { side, index, incarnation }, before));
        }
    }
    Err(Full)
}

/// Steps J1 to J4; the new incarnation, and what became of the last one.
fn take(record: &Record, lock: &impl Lock, me: Identity) -> Option<(u64, Before)> {
    let is_free = |state: u64| mutant("table_take_unrepaired") || matches!(state & 3, VACANT | BURIED);
    let before = record.state.load(TAKE_OVER);
    if !is_free(before) || !lock.try_lock() {
        return None;
    }
    crash_point("join.after-lock");
    let state = if mutant("table_no_recheck") { before } else { record.state.load(TAKE_OVER) };
    if !is_free(state) {
        lock.unlock();
        return None;
    }
    // Whose death was proved a moment ago, with this time: in step J0.
    let is_ours = state & 3 == BURIED && until(record) == me.since;
    let found_dead = is_ours.then(|| record.pid.load(LOCKED));
    record.pid.store(me.pid, LOCKED);
    record.since.store(me.since, LOCKED);
    record.own.intent.store(intent::NONE, CLEAR);
    crash_point("join.after-identity");
    let incarnation = (state >> 2) + 1;
    record.state.store(incarnation << 2 | LIVE, JOIN);
    crash_point("join.after-live");
    let predecessor = match (state & 3, state >> 2) {
        (VACANT, 0) => Predecessor::None,
        (VACANT, _) => Predecessor::Left,
        _ => Predecessor::Died,
    };
    Some((incarnation, Before { predecessor, found_dead }))
}

/// Leaves a record of a shared side at the time `now`: steps V1 and V2. The holder has no claim.
pub fn leave(ring: &Ring<'_>, seat: Seat, locks: &impl Locks, now: u64) {
    let record = &records(ring, seat.side)[seat.index as usize];
    crash_point("leave.before-vacant");
    record.own.intent.store(intent::NONE, LEAVE);
    record.until.store(now, LOCKED);
    record.state.store(seat.incarnation << 2 | VACANT, LEAVE);
    crash_point("leave.after-vacant");
    locks.lock(seat.side, seat.index).unlock();
}

/// Whether somebody is on a side, as its records say: `Live` means "not known to be gone, or gone and not yet
/// repaired".
///
/// A look at one record after the other is no look at all of them at once: one may leave behind it after another one
/// has come before it. So nobody is there only if a second look finds every record as the first one did. The words of
/// records that are free only grow, so each was the same all the time between its two looks, and the moment between
/// the two rounds is within all of these times.
pub fn presence(ring: &Ring<'_>, side: Side) -> Presence {
    if !is_shared(ring, side) {
        return glance(&records(ring, side)[0]);
    }
    let Some((last, words)) = look_round(records(ring, side)) else { return Presence::Live };
    if mutant("table_one_look") {
        return last;
    }
    match look_round(records(ring, side)) {
        Some((_, again)) if again == words => last,
        _ => Presence::Live,
    }
}

/// How the last one went, and the sum of all words, if every record is free.
fn look_round(records: &[Record]) -> Option<(Presence, u64)> {
    let (mut last, mut words) = ((Presence::Never, 0), 0_u64);
    for record in records {
        let word = record.state.load(OBSERVE);
        if matches!(word & 3, LIVE | DEAD) {
            return None;
        }
        words = words.wrapping_add(word);
        let presence = glance(record);
        if presence != Presence::Never && until(record) >= last.1 {
            last = (presence, until(record));
        }
    }
    Some((last.0, words))
}

/// Who is, or was last, in each of a side's records that anybody has ever been in, as the records say: for
/// people, as are the times.
pub fn participants<'m>(ring: &Ring<'m>, side: Side) -> impl Iterator<Item = Participant> + use<'m> {
    let all = records(ring, side).iter().map(|record| Participant {
        presence: glance(record),
        identity: identity(record),
        until: until(record),
    });
    all.filter(|participant| participant.presence != Presence::Never)
}

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Participant {
    /// Whether it is there.
    pub presence: Presence,
    /// Who it is.
    pub identity: Identity,
    /// When it went, unless it is there.
    pub until: u64,
}
