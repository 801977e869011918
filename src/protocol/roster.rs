//! Who takes part: one record per participant, and a lock that the kernel releases when it dies.
//!
//! The lock is the only judge of life and death. A record says who holds the role and how the last holder
//! ended: `state = incarnation << 2 | {VACANT, LIVE, DEAD}`, on a shared side also BURIED (`table`). DEAD is a
//! certificate: whoever proves a death by getting the lock writes it down, so that later looks need no system
//! call and are not fooled by another prober that holds the lock for a moment.
//!
//! Attach (A), detach (D), probe (P), for a sole role:
//!
//! | step | | killed after it |
//! |---|---|---|
//! | A1 | try the lock; not obtained: the role is taken | the record is as it was |
//! | A2 | read state; LIVE or DEAD: the last holder died | the same |
//! | A3 | store who we are | the same; the name of a dead process is a stale note |
//! | A4 | state.store(LIVE(incarnation + 1), Release) | LIVE and unlocked: dead |
//! | D1 | state.store(VACANT(incarnation), Release) | VACANT: left |
//! | D2 | release the lock | left |
//! | P1 | state.load(Acquire): VACANT, DEAD: that is the answer | |
//! | P2 | LIVE: is the lock held? yes: live | |
//! | P3 | no: try the lock; not obtained: somebody else is at it, live for now | |
//! | P4 | read state again; still the same LIVE: compare-exchange it to DEAD(incarnation), Release | DEAD |
//! | P5 | release the lock | DEAD |
//!
//! P2 asks without taking, so that a prober holds the lock of a dead participant only: an attach (A1) can
//! be refused by a prober for no longer than P3 to P5, and tries again.
//!
//! A sole role has no claims to repair, so a new holder takes a DEAD record as it is.

use super::counters::{Often, Rare};
use super::gate::Gate;
use crate::sync::Ordering::{self, Acquire, Relaxed, Release};
use crate::sync::{AtomicU32, AtomicU64, crash_point, fence, mutant, weakened};

/// E5. Everything a participant did comes before its leaving. Pairs with [`OBSERVE`].
/// Without it a peer can see it gone and miss its last messages.
const LEAVE: Ordering = weakened("roster_leave", Release, Relaxed);
/// E6. Everything a dead participant did comes before its certificate, since the prober got it with the
/// lock. Pairs with [`OBSERVE`]. Without it a third party can see the death and miss the last messages.
const CERTIFY: Ordering = weakened("roster_certify", Release, Relaxed);
/// E5, E6, E7. Pairs with [`LEAVE`], [`CERTIFY`] and [`JOIN`].
const OBSERVE: Ordering = weakened("roster_observe", Acquire, Relaxed);
/// E5, E6, E7, for one that only reads. Pairs with the same. With a fence, see [`look`].
const OBSERVE_APART: Ordering = Acquire;
/// The load that goes with that fence.
const LOOK: Ordering = Relaxed;
/// E7. Who we are is written before the record says LIVE. Pairs with [`OBSERVE`].
/// Without it a peer can report the process that held the role before.
const JOIN: Ordering = weakened("roster_join", Release, Relaxed);
/// Read and written only by the holder of the lock, or for people to look at.
const LOCKED: Ordering = Relaxed;

pub(super) const VACANT: u64 = 0;
pub(super) const LIVE: u64 = 1;
pub(super) const DEAD: u64 = 2;
/// Of a shared side only: died, and what it left is repaired.
pub(super) const BURIED: u64 = 3;

/// One participant, on a line of its own. All zero: nobody has ever been here.
#[derive(Debug, Default)]
#[repr(C, align(128))]
pub struct Record {
    pub(super) state: AtomicU64,
    pub(super) pid: AtomicU64,
    pub(super) since: AtomicU64,
    pub(super) until: AtomicU64,
    /// Of a cell's writer: where readers sleep until there is a newer value, or the writer comes or goes.
    pub gate: Gate,
    /// Of a sole sender that publishes by index: how many messages it writes before it publishes them. A hint for taps
    /// (`tap`).
    pub(super) batch: AtomicU32,
    pub(super) rare: Rare,
    pub(super) own: Own,
}

/// What a participant writes again and again, on a cache line of its own within the record: others look whether anybody is
/// there.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(super) struct Own {
    /// Which positions it claims, or is about to: see `intent`. Written for each claim.
    pub(super) intent: AtomicU64,
    pub(super) often: Often,
}

// Loom's atomics have another size.
#[cfg(not(loom))]
const _: () = {
    use std::mem::offset_of;
    assert!(offset_of!(Record, state) == 0);
    assert!(offset_of!(Record, pid) == 8);
    assert!(offset_of!(Record, since) == 16);
    assert!(offset_of!(Record, until) == 24);
    assert!(offset_of!(Record, gate) == 32);
    assert!(offset_of!(Record, batch) == 36);
    assert!(offset_of!(Record, rare) == 40);
    assert!(offset_of!(Record, own) == 64);
    assert!(offset_of!(Own, intent) == 0);
    assert!(offset_of!(Own, often) == 8);
    assert!(size_of::<Record>() == 128);
};

impl Record {
    /// Whether the record's last holder is there, or is dead and not yet buried.
    pub(super) fn is_unsettled(&self) -> bool {
        matches!(self.state.load(OBSERVE) & 3, LIVE | DEAD)
    }
}

/// Who a participant says it is: for people, and for how long to try; never for whether it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Identity {
    /// Process id, as its own pid namespace counts.
    pub pid: u64,
    /// When it attached: nanoseconds since the Unix epoch.
    pub since: u64,
}

/// Which side of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The senders'.
    Sending,
    /// The receivers'.
    Receiving,
}

impl Side {
    /// The other one.
    pub fn opposite(self) -> Self {
        match self {
            Self::Sending => Self::Receiving,
            Self::Receiving => Self::Sending,
        }
    }
}

/// A record that somebody holds, whose lock it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Which side's.
    pub side: Side,
    /// Which of the side's records.
    pub index: u32,
    /// How often the record has been taken.
    pub incarnation: u64,
}

/// The kernel's locks of all records, as one participant's own description has them.
pub trait Locks {
    /// The lock of that record.
    fn lock(&self, side: Side, index: u32) -> impl Lock + '_;
}

/// The kernel lock of one record, as one participant's own description of it.
pub trait Lock {
    /// Takes the lock if nobody has it.
    fn try_lock(&self) -> bool;
    /// Whether somebody else has it.
    fn is_held(&self) -> bool;
    /// Gives it back.
    fn unlock(&self);
}

/// How the one that had this role before ended.
///
/// ```
/// use ringway::{Predecessor, spsc};
/// # let name = &format!("doc-predecessor-{}", std::process::id());
/// let receiver = spsc::channel::<u64>(name).receiver()?;
/// let first = spsc::channel::<u64>(name).sender()?;
/// assert_eq!(first.predecessor(), Predecessor::None);
/// drop(first);
/// assert_eq!(spsc::channel::<u64>(name).sender()?.predecessor(), Predecessor::Left);
/// # drop(receiver);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Predecessor {
    /// There was none.
    None,
    /// Its handle was dropped. Of a receiver that received nothing: the first message may still be one that
    /// the receiver before it held when it was killed.
    Left,
    /// It was killed. A receiver's first messages may be some that it held.
    Died,
}

/// What whoever takes a record finds there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// How the one that had it ended.
    pub predecessor: Predecessor,
    /// Its process, if it was killed, and who takes the record was the first to notice.
    pub found_dead: Option<u64>,
}

/// What a record says about its participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Nobody has ever attached.
    Never,
    /// Attached and alive, though perhaps stopped.
    Live,
    /// Detached.
    Left,
    /// Killed.
    Died,
}

/// Takes the role: steps A1 to A4. The lock stays taken.
///
/// # Errors
///
/// Who has it, if somebody has.
#[cfg(any(test, loom))]
pub fn attach(record: &Record, lock: &impl Lock, me: Identity) -> Result<(u64, Predecessor), Identity> {
    if !take_lock(lock) {
        return Err(identity(record));
    }
    let (incarnation, Before { predecessor, .. }) = enter(record, me);
    Ok((incarnation, predecessor))
}

/// Step A1 alone: whether it got the lock. The record is as it was. Whoever does not [`enter`] gives the lock back, and was
/// never there.
pub fn take_lock(lock: &impl Lock) -> bool {
    let taken = lock.try_lock();
    if taken {
        crash_point("attach.after-lock");
    }
    taken
}

/// Steps A2 to A4, by one that has the lock; the incarnation, and what became of the holder before.
pub fn enter(record: &Record, me: Identity) -> (u64, Before) {
    let state = record.state.load(LOCKED);
    let incarnation = state >> 2;
    let predecessor = match state & 3 {
        VACANT if incarnation == 0 => Predecessor::None,
        VACANT => Predecessor::Left,
        _ => Predecessor::Died,
    };
    // Whoever writes DEAD has noticed before.
    let found_dead = (state & 3 == LIVE).then(|| record.pid.load(LOCKED));
    record.pid.store(me.pid, LOCKED);
    record.since.store(me.since, LOCKED);
    crash_point("attach.after-identity");
    let incarnation = incarnation + 1;
    record.state.store(incarnation << 2 | LIVE, JOIN);
    crash_point("attach.after-live");
    (incarnation, Before { predecessor, found_dead })
}

/// Gives the role back at the time `now`: steps D1 and D2.
pub fn detach(record: &Record, lock: &impl Lock, incarnation: u64, now: u64) {
    crash_point("detach.before-vacant");
    record.until.store(now, LOCKED);
    record.state.store(incarnation << 2 | VACANT, LEAVE);
    crash_point("detach.after-vacant");
    lock.unlock();
}

/// What is known without asking the kernel: step P1. `Live` means "not known to be gone".
#[inline]
pub fn glance(record: &Record) -> Presence {
    told(record.state.load(OBSERVE))
}

/// Whether the participant is there, at the time `now`: steps P1 to P5. A system call if the record says LIVE, and two more to
/// prove a death.
///
/// Everything that a participant which left or died has done is visible to the caller.
pub fn probe(record: &Record, lock: &impl Lock, now: u64) -> Presence {
    let state = record.state.load(OBSERVE);
    if state & 3 != LIVE || lock.is_held() || !lock.try_lock() {
        return told(state);
    }
    crash_point("probe.after-lock");
    let again = record.state.load(OBSERVE);
    let verdict = if again == state || mutant("roster_no_recheck") {
        record.until.store(now, LOCKED);
        certify(record, state);
        Presence::Died
    } else {
        told(again)
    };
    crash_point("probe.after-certificate");
    lock.unlock();
    verdict
}

/// Whether the participant is there, for one that only reads: it may have a read-only mapping, and certifies nothing. A
/// system call if the record says LIVE.
///
/// Who holds the record takes its lock before it writes LIVE, and gives it back after it has written VACANT. So if
/// nobody has the lock, and the word is still the same LIVE after that, its holder has died.
pub fn observe(record: &Record, lock: &impl Lock) -> Presence {
    let state = look(record);
    if state & 3 != LIVE || lock.is_held() {
        return told(state);
    }
    let again = look(record);
    let is_the_same = if mutant("roster_observe_any_live") { again & 3 == LIVE } else { again == state };
    if is_the_same || mutant("roster_observe_once") { Presence::Died } else { told(again) }
}

/// A participant as one that only reads finds it: whether it is there, who it is, and when it went. All of one holder, unless
/// holders come and go while it looks.
pub fn observe_participant(record: &Record, lock: &impl Lock) -> (Presence, Identity, u64) {
    const LOOKS: u32 = 100;
    let mut seen = None;
    for _ in 0..LOOKS {
        let state = look(record);
        let presence = observe(record, lock);
        let (_, identity) = observe_record(record);
        // Of one whose death nobody has written down yet it is the time of the one before.
        let until = if matches!(state & 3, LIVE) { 0 } else { until(record) };
        fence(OBSERVE_APART);
        seen = Some((presence, identity, until));
        if record.state.load(LOOK) == state {
            break;
        }
    }
    seen.expect("it has looked")
}

/// As [`glance`], for one that only reads.
pub fn observe_record(record: &Record) -> (Presence, Identity) {
    let presence = told(look(record));
    (presence, Identity { pid: record.pid.load(LOCKED), since: record.since.load(LOCKED) })
}

/// The state, in a mapping that may be read-only, where only a relaxed load is promised to work.
fn look(record: &Record) -> u64 {
    let state = record.state.load(LOOK);
    if !mutant("roster_look") {
        fence(OBSERVE_APART);
    }
    state
}

/// Step P4. A compare-exchange, since the lock does not keep apart two threads that ask through one
/// description: the slower one must not write a death over a successor that came meanwhile.
fn certify(record: &Record, state: u64) {
    let certificate = state & !3 | DEAD;
    if mutant("roster_no_certificate") {
    } else if mutant("roster_certify_by_store") {
        record.state.store(certificate, CERTIFY);
    } else {
        let _ = record.state.compare_exchange(state, certificate, CERTIFY, Relaxed);
    }
}

/// Who holds, or last held, the role.
pub fn identity(record: &Record) -> Identity {
    let _ = record.state.load(OBSERVE);
    Identity { pid: record.pid.load(LOCKED), since: record.since.load(LOCKED) }
}

/// When the last holder left, or was found dead: nanoseconds since the Unix epoch, for people. 0 if nobody has
/// gone yet; meaningless while somebody holds the role.
pub fn until(record: &Record) -> u64 {
    record.until.load(LOCKED)
}

/// How often the role has been taken: what the models ask.
#[cfg(loom)]
pub fn incarnation(record: &Record) -> u64 {
    record.state.load(OBSERVE) >> 2
}

#[inline]
fn told(state: u64) -> Presence {
    match state & 3 {
        LIVE => Presence::Live,
        DEAD | BURIED => Presence::Died,
        _ if state >> 2 == 0 => Presence::Never,
        _ => Presence::Left,
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::documents::{assert_fields, assert_values, fields};

    #[test]
    fn the_document_has_every_word_of_the_roster_at_its_byte() {
        let words = fields!(Record: state pid since until gate batch rare own);
        assert_fields("docs/format.md", "Record", &words, size_of::<Record>());
    }

    #[test]
    fn the_document_has_the_states_of_a_record() {
        let values = [("VACANT", VACANT), ("LIVE", LIVE), ("DEAD", DEAD), ("BURIED", BURIED)];
        let values = values.map(|(name, value)| (name, value.to_string()));
        assert_values("docs/format.md", "States of a record", &values);
    }
}
