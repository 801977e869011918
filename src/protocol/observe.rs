//! What one says of a ring who only reads it, and may be mapped for reading alone.
//!
//! Words are read one after the other while others go on: what is said was so at some moment of the look, each word for
//! itself. Nothing is decided by it. Whoever takes part decides by the words themselves, read by their own rules.

use super::intent;
use super::ring::{Cursor, Form, Position, Ring};
use super::roster::Side;
use super::stamp::{self, State, free, full};
use super::table::{is_shared, records};
use crate::sync::Ordering::{self, Acquire, Relaxed};
use crate::sync::fence;

/// For people to look at. Of a mapping for reading alone only such loads are promised to work.
const LOOK: Ordering = Relaxed;
/// Between looks at words that are compared: each is at least as late as the one before it.
const APART: Ordering = Acquire;

/// How far the two sides of a ring are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What `head` says: where receivers are shared they have claimed everything below it, a sole one has given it back.
    pub head: Position,
    /// What has been sent: what `tail` says or, of a sole sender, what stamps say besides. Where senders are shared they
    /// have claimed everything below it, and may still be writing some.
    pub tail: Position,
    /// Whether these are positions of one ring.
    pub is_plausible: bool,
}

impl Progress {
    /// Looks at a ring. Where the sole sender publishes by stamps that takes as long as there are messages.
    pub fn of(ring: &Ring<'_>) -> Self {
        let seen = Self::words(ring);
        if !seen.is_plausible || !ring.publishes_ahead() {
            return seen;
        }
        let most = seen.head.saturating_add(ring.capacity.into()).min(ring.end());
        let mut cursor = Cursor::at(seen.tail.max(seen.head), ring.capacity);
        while cursor.position() < most && stamp_at(ring, &cursor) >= full(cursor.lap()) {
            cursor.step(ring.capacity);
        }
        Self { tail: cursor.position(), ..seen }
    }

    /// Positions only grow, so that `tail` is not below the `head` that was read before it, nor more than a ring above the
    /// one that was read after it, however long that took.
    fn words(ring: &Ring<'_>) -> Self {
        let capacity = u64::from(ring.capacity);
        let head = ring.control.head.0.load(LOOK);
        fence(APART);
        let tail = ring.control.tail.0.load(LOOK);
        fence(APART);
        let later = ring.control.head.0.load(LOOK);
        // A hint, which may be behind by as much as the ring holds.
        let behind = if ring.publishes_ahead() { capacity } else { 0 };
        // A sole receiver gives slots back one by one, and says so when it has given all back that it claimed: it may be
        // kept from that for long, or for ever.
        let gives_ahead = is_shared(ring, Side::Sending) && !is_shared(ring, Side::Receiving);
        let given = if gives_ahead { capacity.min(intent::MOST.into()) } else { 0 };
        let is_plausible = head.max(tail).max(later) <= ring.end()
            && head <= tail + behind
            && tail <= later + capacity + given;
        Self { head, tail, is_plausible }
    }

    /// Slots between the two.
    pub fn fill(self, ring: &Ring<'_>) -> u32 {
        self.tail.saturating_sub(self.head).min(ring.capacity.into()) as u32
    }
}

/// What a participant has claimed and not gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The first such position.
    pub first: Position,
    /// How many there are.
    pub count: u32,
}

/// What the participant in that record has claimed: of a sender, what it has not published yet, of a receiver, what it has
/// not given back. `None` where claims are private: of a sole side, but for a receiver that faces several senders.
///
/// One that was about to claim what another was faster to claim may be told to have it.
pub fn claim(ring: &Ring<'_>, side: Side, index: u32) -> Option<Claim> {
    if !tells_claims(ring, side) {
        return None;
    }
    let word = records(ring, side)[index as usize].own.intent.load(LOOK);
    // A sole receiver claims without a word but its intent.
    let claimed = match side {
        Side::Sending => ring.control.tail.0.load(LOOK),
        Side::Receiving if is_shared(ring, side) => ring.control.head.0.load(LOOK),
        Side::Receiving => ring.end(),
    };
    let is_open = |position: &Position| {
        let cursor = Cursor::at(*position, ring.capacity);
        let seen = stamp_at(ring, &cursor);
        if *position >= claimed || stamp::lap(seen) != cursor.lap() {
            return false;
        }
        match (side, stamp::state(seen)) {
            (Side::Sending, state) => state == State::Free,
            (Side::Receiving, State::Full | State::Skip) => true,
            (Side::Receiving, State::Taken(_, record)) => record == index,
            (Side::Receiving, State::Orphan(_)) => !is_shared(ring, side),
            (Side::Receiving, _) => false,
        }
    };
    let positions = intent::positions(word).filter(|position| *position < ring.end());
    let open: Vec<_> = positions.filter(is_open).collect();
    open.first().map(|first| Claim { first: *first, count: open.len() as u32 })
}

/// Whether participants of that side say what they claim.
pub fn tells_claims(ring: &Ring<'_>, side: Side) -> bool {
    is_shared(ring, side) || side == Side::Receiving && is_shared(ring, Side::Sending)
}

/// Messages that were claimed by receivers that did not give them back, and that wait to be delivered again, behind `head`.
pub fn orphans(ring: &Ring<'_>, progress: Progress) -> u32 {
    let none_ever = ring.control.board.0.epoch.load(LOOK) == 0;
    if !is_shared(ring, Side::Receiving) || !progress.is_plausible || none_ever {
        return 0;
    }
    let mut cursor = Cursor::at(progress.head.saturating_sub(ring.capacity.into()), ring.capacity);
    let mut count = 0;
    while cursor.position() < progress.head {
        let seen = stamp_at(ring, &cursor);
        let waits = stamp::lap(seen) == cursor.lap() && matches!(stamp::state(seen), State::Orphan(_));
        count += u32::from(waits);
        cursor.step(ring.capacity);
    }
    count
}

/// Messages between the two positions that nobody has published yet, though they are claimed: the first one, and how many.
/// Nobody behind the first is served until its sender goes on, or is found dead.
pub fn holes(ring: &Ring<'_>, progress: Progress) -> Option<Claim> {
    if !is_shared(ring, Side::Sending) || !progress.is_plausible {
        return None;
    }
    let mut cursor = Cursor::at(progress.head, ring.capacity);
    let mut holes: Option<Claim> = None;
    while cursor.position() < progress.tail {
        if stamp_at(ring, &cursor) == free(cursor.lap()) {
            holes.get_or_insert(Claim { first: cursor.position(), count: 0 }).count += 1;
        }
        cursor.step(ring.capacity);
    }
    holes
}

/// Stamps that no protocol writes into their slots: the first slot, its stamp, and how many there are.
pub fn nonsense(ring: &Ring<'_>) -> Option<(u32, u64, u32)> {
    let stamps = if ring.form == Form::Stamped { ring.capacity } else { 0 };
    let mut found = None;
    for slot in 0..stamps {
        let before = ring.control.head.0.load(LOOK).min(ring.end());
        fence(APART);
        let seen = ring.stamps.get(slot).load(LOOK);
        fence(APART);
        let after = ring.control.tail.0.load(LOOK).max(ring.control.head.0.load(LOOK));
        // Slots have a lap near that of the positions: one before, of what is not given back, to one behind, of what is.
        let lap = |position: Position| position / u64::from(ring.capacity);
        let near = lap(before).saturating_sub(2)..=lap(after).saturating_add(2);
        let is_right = match stamp::state(seen) {
            State::Nonsense => false,
            State::Full => true,
            State::Free if ring.rules.shared_senders || ring.rules.shared_receivers => true,
            State::Free => seen == free(0),
            _ => ring.rules.shared_senders || ring.rules.shared_receivers,
        };
        if !is_right || !near.contains(&stamp::lap(seen)) {
            found = match found {
                None => Some((slot, seen, 1)),
                Some((slot, stamp, count)) => Some((slot, stamp, count + 1)),
            };
        }
    }
    found
}

fn stamp_at(ring: &Ring<'_>, cursor: &Cursor) -> u64 {
    ring.stamps.get(cursor.slot()).load(LOOK)
}
