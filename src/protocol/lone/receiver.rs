//! The sole receiver of a ring with several senders.

use super::corrupt;
use crate::protocol::ahead::{Ahead, Other};
use crate::protocol::intent;
use crate::protocol::ring::{Blocked, Corruption, Cursor, OnReceiverDeath, Position, Ring};
use crate::protocol::side::RecvSide;
use crate::protocol::stamp::{self, MOST_ATTEMPTS, State, free, full, orphan, skip, taken};
use crate::sync::Ordering::{self, Acquire, Relaxed, Release};
use crate::sync::{crash_point, mutant, weakened};

/// E10. The payload is read after the stamp was seen. Pairs with `FILL` of `shared`, and E12 with `SKIP_HOLE` of
/// `repair`.
const OBSERVE_FULL: Ordering = weakened("lone_observe_full", Acquire, Relaxed);
/// E11. The payload was read before its slot is given back. Pairs with `OBSERVE_FREE` of `shared`.
const GIVE_BACK: Ordering = weakened("lone_give_back", Release, Relaxed);
/// Read by a successor only, behind the role's lock.
const INTEND: Ordering = Relaxed;
/// The head is a hint for a successor and for people.
const HINT: Ordering = Relaxed;
/// What a successor reads of its predecessor: ordered by the role's lock, which the kernel released.
const INHERIT: Ordering = Relaxed;
/// What only this side, and taps, look at before the slot is given back.
const MARK: Ordering = Relaxed;
/// E10. Who marks a message comes after its sender, by the role's lock and the dead one's look. Pairs with `OBSERVE` of `tap`. Without
/// it a tap that sees the mark can take the bytes of the lap before for the message.
const PASS_ON: Ordering = weakened("lone_pass_on", Release, Relaxed);

/// The sole receiver's private state.
#[derive(Debug)]
pub struct LoneReceiver {
    /// Its record.
    index: u32,
    /// The first position that is not given back.
    held: Cursor,
    /// The first position that is not taken: a message, if any is ready.
    next: Cursor,
    /// Positions from `held` to here are polled.
    end: Position,
    /// Messages from `next` to `end`.
    ready: u32,
    /// How often they have been delivered before.
    attempt: u32,
    /// Whether a lap has begun that no [`take`](RecvSide::take) has told of: at a position that was passed over.
    begun: bool,
    ahead: Ahead,
}

/// What is in a slot for the lap of `cursor`: how often the message was delivered before, or that there is none.
enum Slot {
    Message(u32),
    Nothing,
    NotYet,
    Nonsense(u64),
}

fn look(ring: &Ring<'_>, cursor: &Cursor) -> Slot {
    let seen = ring.stamps.get(cursor.slot()).load(OBSERVE_FULL);
    if stamp::lap(seen) != cursor.lap() {
        return Slot::Nonsense(seen);
    }
    match stamp::state(seen) {
        State::Full => Slot::Message(0),
        State::Orphan(attempt) => Slot::Message(attempt),
        // Taken: dropped by an `inherit`.
        State::Skip | State::Taken(..) => Slot::Nothing,
        State::Free => Slot::NotYet,
        State::Nonsense => Slot::Nonsense(seen),
    }
}

impl LoneReceiver {
    /// Steps Y1 and Y2 from `next` on. There may be positions without any message.
    fn poll_new(&mut self, ring: &Ring<'_>, want: u32) -> Result<(), Blocked> {
        let most = want.min(intent::MOST).min(ring.capacity);
        let mut cursor = self.next;
        let (mut positions, mut messages) = (0, 0);
        while positions < most {
            match look(ring, &cursor) {
                // What comes again comes alone: if its receiver dies of it, nothing else is counted with it.
                Slot::Message(attempt) if messages == 0 || (attempt, self.attempt) == (0, 0) => {
                    self.attempt = attempt;
                    messages += 1;
                }
                Slot::Nothing => {}
                Slot::Nonsense(seen) if positions == 0 => {
                    return Err(corrupt("stamp", seen, cursor.position()));
                }
                Slot::NotYet if positions == 0 => {
                    self.ahead.found_nothing(cursor.position());
                    return Err(self.none_yet(ring));
                }
                _ => break,
            }
            positions += 1;
            cursor.step(ring.capacity);
        }
        self.open(ring, positions, messages);
        Ok(())
    }

    #[inline(always)]
    fn open(&mut self, ring: &Ring<'_>, positions: u32, messages: u32) {
        let own = &ring.receivers[self.index as usize].own.intent;
        if !mutant("lone_no_intent") {
            own.store(intent::of(self.next.position(), positions), INTEND);
        }
        crash_point("recv.after-intent");
        self.end = self.next.position() + u64::from(positions);
        self.ready = messages;
        if messages < positions {
            self.pass_over(ring);
        }
    }

    /// On to a message, or to the end of what was polled. A position is left for each message, whatever the stamps say by
    /// now.
    fn pass_over(&mut self, ring: &Ring<'_>) {
        let left = if mutant("lone_pass_too_far") { 0 } else { u64::from(self.ready) };
        while self.next.position() + left < self.end
            && (self.ready == 0 || matches!(look(ring, &self.next), Slot::Nothing))
        {
            self.begun |= self.next.step(ring.capacity);
        }
    }

    fn none_yet(&self, ring: &Ring<'_>) -> Blocked {
        if self.next.position() >= ring.end() { Blocked::Exhausted } else { Blocked::NotReady }
    }

    /// Marks, or drops, what the predecessor had polled and not given back. What is dropped becomes SKIP, or TAKEN
    /// if it was an orphan, and is passed over in its turn.
    fn inherit(ring: &Ring<'_>, own: u64, from: Cursor, index: u32) {
        let board = &ring.control.board.0;
        let mut cursor = from;
        // No more than one claim has, whatever the intent says by now.
        let most = from.position() + u64::from(intent::MOST.min(ring.capacity));
        let end = intent::positions(own).end.min(most);
        while cursor.position() < end && !mutant("lone_no_mark") {
            let (stamp, lap) = (ring.stamps.get(cursor.slot()), cursor.lap());
            let seen = stamp.load(INHERIT);
            let discard = ring.rules.on_receiver_death == OnReceiverDeath::Discard;
            match stamp::state(seen) {
                _ if stamp::lap(seen) != lap => return,
                State::Full if discard => {
                    stamp.store(skip(lap), PASS_ON);
                    board.discarded.fetch_add(1, MARK);
                }
                State::Full => stamp.store(orphan(lap, 1), PASS_ON),
                State::Orphan(attempt) if discard => {
                    stamp.store(taken(lap, attempt, index), PASS_ON);
                    board.discarded.fetch_add(1, MARK);
                }
                State::Orphan(MOST_ATTEMPTS) => {
                    stamp.store(taken(lap, MOST_ATTEMPTS, index), PASS_ON);
                    board.poisoned.fetch_add(1, MARK);
                }
                State::Orphan(attempt) => stamp.store(orphan(lap, attempt + 1), PASS_ON),
                State::Skip | State::Taken(..) => {}
                State::Free | State::Nonsense => return,
            }
            crash_point("receiver.resume.after-mark");
            cursor.step(ring.capacity);
        }
    }
}

impl RecvSide for LoneReceiver {
    fn resume(ring: &Ring<'_>, index: u32) -> Result<Self, Corruption> {
        let head = ring.control.head.0.load(INHERIT);
        if head > ring.end() {
            return Err(Corruption { word: "head", found: head, position: head });
        }
        let mut next = Cursor::at(head, ring.capacity);
        let most = (head + u64::from(ring.capacity)).min(ring.end());
        let given_back = |next: &Cursor| ring.stamps.get(next.slot()).load(INHERIT) >= free(next.lap() + 1);
        while next.position() < most && given_back(&next) && !mutant("lone_resume_at_head") {
            next.step(ring.capacity);
        }
        let own = &ring.receivers[index as usize].own.intent;
        Self::inherit(ring, own.load(INHERIT), next, index);
        own.store(intent::NONE, INTEND);
        crash_point("receiver.resume.after-intent");
        ring.control.head.0.store(next.position(), HINT);
        Ok(Self {
            index,
            held: next,
            next,
            end: next.position(),
            ready: 0,
            attempt: 0,
            begun: false,
            ahead: Ahead::default(),
        })
    }

    #[inline(always)]
    fn poll_one(&mut self, ring: &Ring<'_>) -> bool {
        if self.ready == 0 {
            let seen = ring.stamps.get(self.next.slot()).load(OBSERVE_FULL);
            if seen != full(self.next.lap()) {
                return false;
            }
            self.attempt = 0;
            self.open(ring, 1, 1);
        }
        true
    }

    fn poll(&mut self, ring: &Ring<'_>, want: u32) -> Result<u32, Blocked> {
        // More holes than there can be at a time: somebody makes them as fast as they are passed over.
        let most = self.next.position() + u64::from(ring.capacity) + u64::from(intent::MOST);
        while self.ready == 0 {
            self.poll_new(ring, want)?;
            if self.ready == 0 {
                // Holes that were repaired, and no message.
                self.release(ring);
                if self.next.position() > most {
                    return Err(Blocked::Contended);
                }
            }
        }
        Ok(self.ready.min(want))
    }

    fn peek(&mut self, ring: &Ring<'_>) -> Result<(), Blocked> {
        if self.ready > 0 {
            return Ok(());
        }
        match look(ring, &self.next) {
            Slot::Message(_) | Slot::Nothing => Ok(()),
            Slot::NotYet => Err(self.none_yet(ring)),
            Slot::Nonsense(seen) => Err(corrupt("stamp", seen, self.next.position())),
        }
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
        let begins_lap = self.next.step(ring.capacity);
        if self.next.position() < self.end {
            self.pass_over(ring);
        }
        std::mem::take(&mut self.begun) | begins_lap
    }

    /// Steps Y4 and Y5.
    #[inline(always)]
    fn release(&mut self, ring: &Ring<'_>) {
        while self.held.position() < self.next.position() {
            ring.stamps.get(self.held.slot()).store(free(self.held.lap() + 1), GIVE_BACK);
            self.held.step(ring.capacity);
            crash_point("recv.after-release");
        }
        ring.control.head.0.store(self.held.position(), HINT);
    }

    /// What was polled and not taken stays where it is, marked. Nobody died of it, so it is not dropped.
    fn abandon(&mut self, ring: &Ring<'_>) {
        self.release(ring);
        let mut cursor = self.held;
        while cursor.position() < self.end {
            let (stamp, lap) = (ring.stamps.get(cursor.slot()), cursor.lap());
            match stamp::state(stamp.load(MARK)) {
                State::Full => stamp.store(orphan(lap, 1), PASS_ON),
                State::Orphan(attempt) if attempt < MOST_ATTEMPTS => {
                    stamp.store(orphan(lap, attempt + 1), PASS_ON);
                }
                _ => {}
            }
            crash_point("recv.after-abandon");
            cursor.step(ring.capacity);
        }
        if !mutant("lone_abandon_keeps_intent") {
            ring.receivers[self.index as usize].own.intent.store(intent::NONE, INTEND);
        }
        self.next = self.held;
        self.end = self.held.position();
        self.ready = 0;
    }

    fn drained(&mut self, _: &Ring<'_>) -> bool {
        true
    }

    #[inline]
    fn position(&self) -> Position {
        self.next.position()
    }

    fn in_flight(&self, ring: &Ring<'_>) -> u64 {
        // Only a number for people: no slot is touched on the strength of it.
        let tail = ring.control.tail.0.load(Relaxed);
        let least = u64::from(self.ready > 0);
        tail.saturating_sub(self.next.position()).clamp(least, u64::from(ring.capacity))
    }
}
