//! Looking at messages as they pass: by one that takes none, stores nothing, and is waited for by nobody.
//!
//! Source: the reading side of a sequence lock (`seqlock`), with the words that a ring has anyway in the place of the sequence.
//! A tap walks through the positions in order. For the message at position p, lap l, slot s, of a ring of N slots:
//!
//! | step | |
//! |---|---|
//! | O1 | stamp(s) (indexed: tail) .load(Relaxed), fence(Acquire): is there a message? |
//! | O2 | load its words, Relaxed, into memory of one's own |
//! | O3 | fence(Acquire): nobody has begun to write the next message into the slot, by the words as they are now; else it is missed |
//!
//! | O1 sees | so |
//! |---|---|
//! | below FULL(l); indexed tail ≤ p | there is nothing yet |
//! | FULL, ORPHAN, TAKEN of lap l; indexed tail > p | a message |
//! | SKIP(l) | there never was one; or, of mpsc, its receiver was killed with it and it was dropped: see below |
//! | FREE(l + 1) | it was received, and its bytes are there still; or it was a SKIP: see below |
//! | later | missed |
//!
//! The next message in that slot is p + N. Its words are stored only after some other words have changed, and whoever has seen
//! one of its words, and then passes the fence of O3, sees those changed, too. One that did not change is proof:
//!
//! | ring | nobody writes p + N as long as | since |
//! |---|---|---|
//! | sole to sole | head ≤ p | the sender goes by it (S1) |
//! | one with a shared side | stamp(s) < FREE(l + 1) | senders go by it (P1, X1) |
//! | with shared senders | tail ≤ p + N | it is claimed first (P3) |
//! | with a sole sender, stamped, N > 1 | the stamp of p + N - 1 is below FULL of its lap | it writes one after the other (S3, X3) |
//! | indexed | tail + batch ≤ p + N | what it writes before it publishes is no more than `batch` ([`Reach`]) |
//!
//! The first two say that the message has not been given back, which suffices for one that looks at once. The others hold for
//! longer, and need that a sender's stores are seen in the order of its program. On x86-64 they are, and
//! [`in_order`] tells the compiler. Elsewhere that would cost senders an instruction for each message, so they do without,
//! and a tap goes by the first two alone.
//!
//! *A gap that was given back.* FREE(l + 1) does not tell what was there. Whoever stores SKIP counts it before, in `skips` of the
//! board. If the count that was read before `tail` (of at most p) is the count after FREE(l + 1) was seen, no SKIP was stored at
//! p. While the count is 0 there never was one. Else it is not known, and p is missed. A sole receiver that drops a message stores a
//! SKIP that it does not count, so where that may be (`Discard`) a SKIP is told from a gap in the same way.
//!
//! *Missed* is what cannot be proved to be whole. A tap that is overtaken goes on half a ring behind the front, where there is
//! time to copy before it is overtaken again.
//!
//! Differences from the source: (1) the words of a message are plain stores: to Rust's memory model that is a race where both
//! are of one process; the hardware mixes old bytes and new ones, and what is mixed fails O3. (2) Loads alone, Relaxed with a
//! fence, since the mapping is read-only.
//!
//! Progress: wait-free; each step ends, whatever the words say.

use super::ring::{Corruption, Cursor, Form, OnReceiverDeath, Position, Ring, Rules};
use super::roster::Record;
use super::stamp::{self, State, free, full};
use crate::sync::Ordering::{self, Acquire, Relaxed, Release};
use crate::sync::{fence, in_order, mutant, stores_in_order, weakened};

/// Of a mapping for reading alone only such loads are promised to work.
const LOOK: Ordering = Relaxed;
/// E1, E2, E9, E10, E21. What is behind a word is read after it. Pairs with what the senders and receivers publish by, and with
/// [`COUNT`]. Without it a tap takes the bytes of the lap before for the message.
const OBSERVE: Ordering = Acquire;
/// E22. The words that prove it are read after those of the message. Pairs with [`in_order`]. Without it a tap takes a
/// message that is half overwritten.
const CONFIRM: Ordering = Acquire;
/// E21. A SKIP is counted after its position was claimed, and before it is stored. Pairs with [`OBSERVE`]. Without it a tap can
/// count it among those before it began, and take what was there for a message.
const COUNT: Ordering = weakened("tap_count", Release, Relaxed);
/// Ordered by the fence behind it, or the role's lock.
const HINT: Ordering = Relaxed;

/// Counts a SKIP, which the caller is about to store at a position that it knows to be claimed.
pub(super) fn count_skip(ring: &Ring<'_>) {
    ring.control.board.0.skips.fetch_add(1, COUNT);
}

/// How many messages a sole sender that publishes by index writes before it publishes them, at most: what its record says
/// to taps, `batch`. Its lowest byte is 1 more than the logarithm of that number, rounded up, and the others are the lowest
/// 24 bits of the incarnation, so that one is not held to what another said.
///
/// It never shrinks: what a dead sender has begun to write is still there behind its tail.
#[derive(Debug)]
pub struct Reach {
    most: u64,
}

const TAG: u32 = 8;

impl Reach {
    /// Of the new holder of the sender's record: as far as the one before it may have gone.
    pub(super) fn inherit(ring: &Ring<'_>) -> Self {
        if ring.form == Form::Stamped {
            return Self { most: 1 };
        }
        let record = &ring.senders[0];
        let (incarnation, said) = (record.state.load(HINT) >> 2, record.batch.load(HINT));
        let tags = [incarnation, incarnation.wrapping_sub(1)].map(tag);
        let most = match exponent(said) {
            _ if mutant("tap_reach_of_its_own") => 1,
            Some(exponent) if tags.contains(&(said >> TAG)) => 1 << exponent,
            _ if incarnation <= 1 => 1,
            // One that said nothing: it may have written over the whole ring.
            _ => u64::from(ring.capacity),
        };
        let reach = Self { most };
        reach.say(record);
        reach
    }

    /// The sender is about to write so many before it publishes them.
    #[inline]
    pub(super) fn cover(&mut self, ring: &Ring<'_>, count: u32) {
        if u64::from(count) > self.most {
            self.extend(ring, count);
        }
    }

    #[cold]
    fn extend(&mut self, ring: &Ring<'_>, count: u32) {
        self.most = u64::from(count).next_power_of_two();
        if !mutant("tap_reach_unsaid") {
            self.say(&ring.senders[0]);
        }
        if !mutant("tap_reach_late") {
            in_order();
        }
    }

    fn say(&self, record: &Record) {
        let exponent = self.most.next_power_of_two().trailing_zeros();
        record.batch.store(tag(record.state.load(HINT) >> 2) << TAG | (1 + exponent), HINT);
    }

    /// What the sender of now says; `None` if it says nothing.
    fn read(ring: &Ring<'_>) -> Option<u64> {
        let record = &ring.senders[0];
        let (incarnation, said) = (record.state.load(LOOK) >> 2, record.batch.load(LOOK));
        let exponent = exponent(said)?;
        (said >> TAG == tag(incarnation)).then_some(1 << exponent)
    }
}

fn tag(incarnation: u64) -> u32 {
    (incarnation & 0xff_ffff) as u32
}

fn exponent(said: u32) -> Option<u32> {
    (said & 255).checked_sub(1).filter(|exponent| *exponent <= 31)
}

/// What is known of SKIPs: none was stored at `since` or behind it, as long as the count is that.
#[derive(Clone, Copy, Debug)]
struct Skips {
    count: u64,
    since: Position,
}

impl Skips {
    fn now(ring: &Ring<'_>) -> Self {
        let count = ring.control.board.0.skips.load(LOOK);
        observe(mutant("tap_skips_now"));
        let tail = ring.control.tail.0.load(LOOK);
        Self { count, since: if count == 0 { 0 } else { tail } }
    }
}

/// Where a tap is.
#[derive(Debug)]
pub struct Tap {
    next: Cursor,
    skips: Skips,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A message in that slot, to be copied (O2) and then [accepted](Tap::accept).
    Copy(u32),
    /// Nothing yet.
    NotYet,
    /// So many positions were passed over.
    Missed(u64),
}

enum Sight {
    Message,
    NotYet,
    Gap,
    Unknown,
    Overtaken,
}

impl Tap {
    /// Begins at that position.
    pub fn at(ring: &Ring<'_>, position: Position) -> Self {
        Self { next: Cursor::at(position.min(ring.end()), ring.capacity), skips: Skips::now(ring) }
    }

    /// Step O1, past gaps.
    ///
    /// # Errors
    ///
    /// A word makes no sense.
    pub fn begin(&mut self, ring: &Ring<'_>) -> Result<Step, Corruption> {
        let mut missed = 0;
        // There are no more gaps than slots, unless somebody makes them as fast as they are passed over.
        for _ in 0..=ring.capacity {
            let sight = self.sight(ring)?;
            match sight {
                Sight::Gap => {}
                Sight::Unknown => missed += 1,
                _ if missed > 0 => break,
                Sight::Message => return Ok(Step::Copy(self.next.slot())),
                Sight::NotYet => {
                    // If there were some, more is known of what comes from now on.
                    let now = Skips::now(ring);
                    self.skips = if now.count == self.skips.count { self.skips } else { now };
                    return Ok(Step::NotYet);
                }
                Sight::Overtaken => return self.overtaken(ring).map(Step::Missed),
            }
            self.next.step(ring.capacity);
        }
        Ok(if missed > 0 { Step::Missed(missed) } else { Step::NotYet })
    }

    /// Step O3: whether what was copied since [`begin`](Self::begin) is the message, whose position it says; or how many
    /// positions were passed over.
    ///
    /// # Errors
    ///
    /// A word makes no sense.
    pub fn accept(&mut self, ring: &Ring<'_>) -> Result<Result<Position, u64>, Corruption> {
        if !mutant("tap_confirm") {
            fence(CONFIRM);
        }
        if !is_intact(ring, &self.next) {
            return self.overtaken(ring).map(Err);
        }
        let position = self.next.position();
        self.next.step(ring.capacity);
        Ok(Ok(position))
    }

    /// Passes over a position that was claimed and never filled; whether the next one is such a one. `has_sender` looks whether
    /// any sender lives, who may be the one that claimed it, or repairs it: asked after the position was seen to be claimed,
    /// since one may come and claim it meanwhile; and before its stamp is looked at, since one may fill it, and leave.
    pub fn pass_hole(&mut self, ring: &Ring<'_>, has_sender: impl Fn() -> bool) -> bool {
        let (asked_first, seen_first) = (mutant("tap_hole_sender_first"), mutant("tap_hole_stamp_first"));
        let is_empty = || ring.stamps.get(self.next.slot()).load(LOOK) == free(self.next.lap());
        if !ring.rules.shared_senders || asked_first && has_sender() {
            return false;
        }
        let tail = ring.control.tail.0.load(LOOK);
        observe(mutant("tap_hole_observe"));
        let is_hole = self.next.position() < tail.min(ring.end())
            && (!seen_first || is_empty())
            && (asked_first || !has_sender())
            && (seen_first || is_empty());
        if is_hole {
            self.next.step(ring.capacity);
        }
        is_hole
    }

    /// Passes over all but that many of those that were sent, as far as `tail` says; how many.
    pub fn catch_up(&mut self, ring: &Ring<'_>, most: u64) -> u64 {
        self.skip_to(ring, ring.control.tail.0.load(LOOK).saturating_sub(most))
    }

    /// On to that position, if it is ahead; how many were passed over.
    fn skip_to(&mut self, ring: &Ring<'_>, position: Position) -> u64 {
        let passed = position.min(ring.end()).saturating_sub(self.next.position());
        self.next = self.next.moved_to(self.next.position() + passed, ring.capacity);
        passed
    }

    fn sight(&mut self, ring: &Ring<'_>) -> Result<Sight, Corruption> {
        let (position, lap) = (self.next.position(), self.next.lap());
        let corrupt = |word, found| Err(Corruption { word, found, position });
        if position >= ring.end() || ring.form == Form::Indexed {
            let tail = ring.control.tail.0.load(LOOK);
            observe(mutant("tap_observe"));
            if tail > ring.end() || tail < position && !ring.publishes_ahead() {
                return corrupt("tail", tail);
            }
            return Ok(if position < tail { Sight::Message } else { Sight::NotYet });
        }
        let seen = ring.stamps.get(self.next.slot()).load(LOOK);
        observe(mutant("tap_observe"));
        let (shared, state) = (ring.rules.shared_senders || ring.rules.shared_receivers, stamp::state(seen));
        let is_right = shared || state == State::Full || seen == free(0);
        match (stamp::lap(seen), state) {
            (_, State::Nonsense) => corrupt("stamp", seen),
            _ if !is_right => corrupt("stamp", seen),
            (at, _) if at + 2 < lap => corrupt("stamp", seen),
            (at, state) if at < lap || at == lap && state == State::Free => Ok(Sight::NotYet),
            (at, State::Skip) if at == lap && !drops(ring) => Ok(Sight::Gap),
            (at, State::Skip) if at == lap => Ok(self.without_a_skip(ring)),
            (at, _) if at == lap => Ok(Sight::Message),
            (at, State::Free) if at == lap + 1 && shared => Ok(self.without_a_skip(ring)),
            _ => Ok(Sight::Overtaken),
        }
    }

    /// A message, unless a SKIP was counted that may have been there.
    fn without_a_skip(&mut self, ring: &Ring<'_>) -> Sight {
        if !ring.rules.shared_senders {
            // A sole sender leaves no gaps.
            return Sight::Message;
        }
        let count = ring.control.board.0.skips.load(LOOK);
        if count != self.skips.count && !mutant("tap_skips_unread") {
            self.skips = Skips::now(ring);
            return Sight::Unknown;
        }
        let is_known = self.next.position() >= self.skips.since || mutant("tap_skips_of_before");
        if is_known { Sight::Message } else { Sight::Unknown }
    }

    /// What is next cannot be had: on to where there is time. How many positions that passes over.
    fn overtaken(&mut self, ring: &Ring<'_>) -> Result<u64, Corruption> {
        let front = self.front(ring)?;
        let half = u64::from(ring.capacity).div_ceil(2);
        let mut target = front.saturating_sub(half);
        if !is_intact(ring, &self.next.moved_to(target, ring.capacity)) {
            // What nobody has received is there for certain.
            target = target.max(ring.control.head.0.load(LOOK).min(front));
        }
        Ok(self.skip_to(ring, target.max(self.next.position() + 1)))
    }

    /// Everything below it has been claimed, or sent; of a sole sender that publishes by stamps there may be more.
    fn front(&self, ring: &Ring<'_>) -> Result<Position, Corruption> {
        let (capacity, position) = (u64::from(ring.capacity), self.next.position());
        let by_stamps = ring.form == Form::Stamped;
        let seen = if by_stamps { ring.stamps.get(self.next.slot()).load(LOOK) } else { 0 };
        observe(mutant("tap_front"));
        let tail = ring.control.tail.0.load(LOOK);
        if tail > ring.end() {
            return Err(Corruption { word: "tail", found: tail, position });
        }
        // The last one in this slot that its stamp knows of.
        let lap = stamp::lap(seen).saturating_sub(u64::from(stamp::state(seen) == State::Free));
        let sent = lap.saturating_mul(capacity).saturating_add(u64::from(self.next.slot()) + 1);
        let hint = ring.publishes_ahead();
        let most = if hint { tail + capacity } else { tail };
        if by_stamps && lap > self.next.lap() && sent > most {
            return Err(Corruption { word: "stamp", found: seen, position });
        }
        Ok(if hint { tail.max(sent).min(ring.end()) } else { tail })
    }
}

/// The fence behind a look.
fn observe(is_left_out: bool) {
    if !is_left_out {
        fence(OBSERVE);
    }
}

/// Whether a sole receiver drops messages, by a SKIP, that the one before it was killed with.
fn drops(ring: &Ring<'_>) -> bool {
    let Rules { shared_receivers, on_receiver_death, .. } = ring.rules;
    !shared_receivers && on_receiver_death == OnReceiverDeath::Discard && !mutant("tap_skip_is_gap")
}

/// Whether the message of that position is in its slot still, and nobody has begun to write the next one there.
fn is_intact(ring: &Ring<'_>, cursor: &Cursor) -> bool {
    is_kept(ring, cursor) || stores_in_order() && is_untouched(ring, cursor)
}

/// Whether nobody has given it back.
fn is_kept(ring: &Ring<'_>, cursor: &Cursor) -> bool {
    if ring.rules.shared_senders || ring.rules.shared_receivers {
        let slack = u64::from(mutant("tap_kept_slack"));
        return ring.stamps.get(cursor.slot()).load(LOOK) < free(cursor.lap() + 1) + slack;
    }
    ring.control.head.0.load(LOOK) <= cursor.position() + u64::from(mutant("tap_head_slack"))
}

/// Whether no sender has come to the next one in that slot.
fn is_untouched(ring: &Ring<'_>, cursor: &Cursor) -> bool {
    let capacity = u64::from(ring.capacity);
    let tail = || ring.control.tail.0.load(LOOK);
    let next = cursor.position() + capacity;
    if ring.rules.shared_senders {
        return tail() <= next + u64::from(mutant("tap_tail_slack"));
    }
    if ring.form == Form::Indexed {
        let reach = if mutant("tap_no_reach") { Some(0) } else { Reach::read(ring) };
        return reach.is_some_and(|reach| tail().saturating_add(reach) <= next);
    }
    // Of a ring of one slot that is the message itself, which was sent.
    let before = cursor.moved_to(next - 1 + u64::from(mutant("tap_stamp_slack")), ring.capacity);
    ring.stamps.get(before.slot()).load(LOOK) < full(before.lap())
}
