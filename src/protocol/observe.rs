//! What one says of a ring who only reads it, and may be mapped for reading alone.
//!
//! Words are read one after the other while others go on: what is said was so at some moment of the look, each word for
//! itself. Nothing is decided by it. Whoever takes part decides by the words themselves, read by their own rules.

use super::intent;
use super::ring::{Cursor, Form, Position, Ring};
use super::roster::Side;
use super::stamp::{self, State, free, full};
use super::table::{is_shared, records};
use crate::sync::Ordering::{self, Relaxed};

/// For people to look at. Of a mapping for reading alone only such loads are promised to work.
const LOOK: Ordering = Relaxed;

/// So often words are read that others change meanwhile, before it is said that they do not belong together.
const LOOKS: u32 = 100;

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
        let mut seen = Self::words(ring);
        for _ in 1..LOOKS {
            if seen.is_plausible {
                break;
            }
            seen = Self::words(ring);
        }
        if !seen.is_plausible || !publishes_ahead(ring) {
            return seen;
        }
        let most = seen.head.saturating_add(ring.capacity.into()).min(ring.end());
        let mut cursor = Cursor::at(seen.tail.max(seen.head), ring.capacity);
        while cursor.position() < most && stamp_at(ring, &cursor) >= full(cursor.lap()) {
            cursor.step(ring.capacity);
        }
        Self { tail: cursor.position(), ..seen }
    }

    fn words(ring: &Ring<'_>) -> Self {
        // First the one that may not pass the other.
        let head = ring.control.head.0.load(LOOK);
        let tail = ring.control.tail.0.load(LOOK);
        let is_near = tail.abs_diff(head) <= ring.capacity.into();
        let in_order = head <= tail || publishes_ahead(ring);
        Self { head, tail, is_plausible: is_near && in_order && head.max(tail) <= ring.end() }
    }

    /// Slots between the two.
    pub fn fill(self, ring: &Ring<'_>) -> u32 {
        self.tail.saturating_sub(self.head).min(ring.capacity.into()) as u32
    }
}

/// Whether `tail` is a hint, which may be behind what stamps say.
fn publishes_ahead(ring: &Ring<'_>) -> bool {
    ring.form == Form::Stamped && !is_shared(ring, Side::Sending)
}

/// What a participant has claimed and not gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The first such position.
    pub first: Position,
    /// How many there are.
    pub count: u32,
}

/// What the participant in that record of a shared side has claimed: of a sender, what it has not published yet, of a
/// receiver, what it has not given back. `None` of a sole side, whose claims are private.
pub fn claim(ring: &Ring<'_>, side: Side, index: u32) -> Option<Claim> {
    if !is_shared(ring, side) {
        return None;
    }
    let word = records(ring, side)[index as usize].intent.0.load(LOOK);
    let claimed = match side {
        Side::Sending => ring.control.tail.0.load(LOOK),
        Side::Receiving => ring.control.head.0.load(LOOK),
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
            (Side::Receiving, _) => false,
        }
    };
    let positions = intent::positions(word).filter(|position| *position < ring.end());
    let open: Vec<_> = positions.filter(is_open).collect();
    open.first().map(|first| Claim { first: *first, count: open.len() as u32 })
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
    let is_nonsense = |seen: u64| stamp::state(seen) == State::Nonsense;
    let bad = (0..stamps).map(|slot| (slot, ring.stamps.get(slot).load(LOOK)));
    bad.filter(|(_, seen)| is_nonsense(*seen)).fold(None, |found, (slot, seen)| match found {
        None => Some((slot, seen, 1)),
        Some((slot, seen, count)) => Some((slot, seen, count + 1)),
    })
}

fn stamp_at(ring: &Ring<'_>, cursor: &Cursor) -> u64 {
    ring.stamps.get(cursor.slot()).load(LOOK)
}
