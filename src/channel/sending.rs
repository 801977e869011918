//! The sending side of a channel, whatever its messages are.

use std::ptr::NonNull;

use super::blocking::Stop;
use super::kind::Kind;
use super::member::Member;
use super::payload::Payload;
use super::peer::Watch;
use super::slots::Slots;
use super::tally::{self, COUNTS, Tally};
use super::trace::{self, Told};
use crate::protocol::counters::Event;
use crate::protocol::peer::{self, News};
use crate::protocol::ring::Corruption;
use crate::protocol::roster::Side;
use crate::protocol::side::SendSide;
use crate::segment::Segment;
use crate::sync::crash_point;
use crate::wait::Bell;

/// The next slot is claimed, for whoever has this of the side that gave it.
#[must_use = "a slot that is claimed and not filled is in the way of others"]
pub(crate) struct Room(());

/// The sending side's slots, with that payload.
pub(crate) struct Sending<P, K: Kind> {
    pub(super) slots: Slots<P, K>,
    pub(super) side: K::Sending,
    /// Claimed for the call that is under way, and not yet filled, of a call that keeps that. Whoever reads it has claimed
    /// before: then it is never more than the side has claimed, and what another call has left is the first that is claimed
    /// again.
    claimed: u32,
    tally: Tally,
}

impl<P: Payload, K: Kind> Sending<P, K> {
    /// Starts as the holder of that record of `segment`, which was planned for `payload` and `K`.
    pub(super) fn with(payload: P, segment: Segment, index: u32, bell: Bell) -> Result<Self, Corruption> {
        let slots = Slots::new(segment, bell, payload);
        let side = K::Sending::resume(&slots.ring(), index)?;
        let first =
            tally::begin(&slots.segment.senders()[index as usize], K::SHARED_SENDERS, side.position());
        Ok(Self { slots, side, claimed: 0, tally: Tally::new(index, first) })
    }

    pub(super) fn segment(&self) -> &Segment {
        &self.slots.segment
    }

    pub(super) fn position(&self) -> u64 {
        self.side.position()
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.slots.segment.assert_ours();
        self.side.in_flight(&self.slots.ring())
    }

    /// Claims one free slot, if that is quickly done.
    #[inline]
    pub(super) fn claim_one(&mut self) -> bool {
        // As in `Receiving::poll_one`.
        self.claimed = 0;
        if !self.claim_next() {
            return false;
        }
        self.claimed = 1;
        true
    }

    /// The same for a slot that is filled at once: to keep the claim would be two stores for nothing.
    #[inline]
    pub(super) fn claim_room(&mut self) -> Option<Room> {
        self.claim_next().then_some(Room(()))
    }

    #[inline]
    fn claim_next(&mut self) -> bool {
        self.slots.segment.is_ours() && self.side.claim_one(&self.slots.ring())
    }

    /// Claims up to `want` free slots, at least one.
    pub(super) fn claim(&mut self, want: u32, watch: &mut Watch, member: &Member) -> Result<u32, Stop> {
        self.slots.check_owner()?;
        let ring = self.slots.ring();
        self.claimed = 0;
        let claimed = peer::claim(&mut self.side, &ring, want, || watch.ask(&self.slots.segment, member));
        if watch.take_tick() {
            self.tally.store(self.sole_position(), self.slots.segment.senders(), None);
        }
        self.claimed = claimed?;
        Ok(self.claimed)
    }

    /// Whether a claim would not be told to wait.
    pub(super) fn may_claim(&mut self, ask: impl FnOnce(&Segment) -> News) -> bool {
        let is_ours = self.slots.check_owner().is_ok();
        !is_ours || peer::may_claim(&mut self.side, &self.slots.ring(), || ask(&self.slots.segment))
    }

    /// The first claimed slot.
    #[inline]
    pub(super) fn first(&self) -> NonNull<u8> {
        assert!(self.claimed > 0, "a slot was used before it was claimed");
        self.slots.at(self.side.slot())
    }

    /// The first slot of those that this call has claimed.
    #[inline]
    pub(super) fn room(&mut self) -> Room {
        assert!(self.claimed > 0, "a slot was filled before it was claimed");
        self.claimed -= 1;
        Room(())
    }

    /// Has lines brought here that are written by and by, so many messages further on than usual.
    #[inline(always)]
    pub(super) fn fetch_ahead(&mut self, further: u32) {
        let slot = self.side.slot();
        self.slots.fetch_ahead(slot, further, |ring, distance| self.side.ahead(ring, distance));
    }

    /// How many slots of those that this call has claimed are left.
    #[inline]
    pub(super) fn claimed(&self) -> usize {
        self.claimed as usize
    }

    /// Publishes the message in the first claimed slot, which is complete.
    #[inline]
    pub(super) fn send_first(&mut self) {
        self.fetch_ahead(0);
        let room = self.room();
        let begins_lap = self.fill(room);
        self.commit(1, begins_lap);
    }

    /// The message in the next slot is complete. Of a sole side, whether a lap begins, when its sums may be due.
    #[inline(always)]
    pub(super) fn fill(&mut self, _: Room) -> bool {
        crash_point("send.after-write");
        self.side.fill(&self.slots.ring())
    }

    /// Publishes the messages that were filled, so many, and wakes who waits for them. `may_be_due`: of a sole side, whether to
    /// see if its sums are.
    #[inline]
    pub(super) fn commit(&mut self, count: u64, may_be_due: bool) {
        self.side.commit(&self.slots.ring());
        let is_due = self.tally.moved(count, K::SHARED_SENDERS);
        let may_be_due = COUNTS && !K::SHARED_SENDERS && may_be_due;
        // Before somebody is woken, who would make it look emptier.
        if is_due || may_be_due && self.tally.is_due_at(self.side.position()) {
            self.store_sums();
        }
        if self.slots.ring_for(Side::Receiving) {
            self.woke();
        }
    }

    #[cold]
    #[inline(never)]
    fn store_sums(&mut self) {
        let position = self.sole_position();
        let (slots, side) = (&self.slots, &self.side);
        let fill = self.tally.looks_at_fill(position).then(|| side.in_flight(&slots.ring()));
        self.tally.store(position, slots.segment.senders(), fill);
    }

    #[cold]
    #[inline(never)]
    fn woke(&mut self) {
        self.tally.happened(self.sole_position(), self.slots.segment.senders(), Event::Wake);
        trace::tell(&self.slots.segment, Side::Sending, self.tally.index(), Told::Happened(Event::Wake));
    }

    /// The position, which says of a sole side what it has moved.
    #[inline(always)]
    fn sole_position(&self) -> Option<u64> {
        (!K::SHARED_SENDERS).then(|| self.side.position())
    }

    /// Nothing is going to be written into what is claimed.
    #[inline]
    pub(super) fn abandon(&mut self) {
        self.claimed = 0;
        if !self.slots.segment.is_ours() {
            return;
        }
        self.tally.store(self.sole_position(), self.slots.segment.senders(), None);
        self.side.abandon(&self.slots.ring());
        // Others may have waited behind what was claimed.
        self.slots.ring_for(Side::Receiving);
    }
}
