//! The receiving side of a channel, whatever its messages are.

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
use crate::protocol::side::RecvSide;
use crate::segment::{self, Segment};
use crate::wait::Bell;

/// The next message is claimed, for whoever has this of the side that gave it.
#[must_use = "a message that is claimed and not taken comes again"]
pub(crate) struct Found(());

/// The receiving side's slots, with that payload.
pub(crate) struct Receiving<P, K: Kind> {
    pub(super) slots: Slots<P, K>,
    pub(super) side: K::Receiving,
    /// Claimed for the call that is under way, and not yet taken, of a call that keeps that. Whoever reads it has polled before:
    /// then it is never more than the side has claimed, and what another call has left is the first that is claimed again.
    ready: u32,
    /// How often what this call has taken may have been received before, at most. Not kept where it is never
    /// known.
    redelivered: u32,
    /// Of a sole side that counts: a lap or a batch has ended, and the sums are to be stored before the next look. Not at once, since
    /// whatever is called while a message is on its way to the caller takes registers from all of them.
    sums_are_due: bool,
    tally: Tally,
}

impl<P: Payload, K: Kind> Receiving<P, K> {
    const KEEPS_REDELIVERED: bool = !matches!(K::KIND, segment::Kind::Spsc);

    /// Starts as the holder of that record of `segment`, which was planned for `payload` and `K`.
    pub(super) fn with(payload: P, segment: Segment, index: u32, bell: Bell) -> Result<Self, Corruption> {
        let slots = Slots::new(segment, bell, payload);
        let side = K::Receiving::resume(&slots.ring(), index)?;
        let first =
            tally::begin(&slots.segment.receivers()[index as usize], K::SHARED_RECEIVERS, side.position());
        Ok(Self {
            slots,
            side,
            ready: 0,
            redelivered: 0,
            sums_are_due: false,
            tally: Tally::new(index, first),
        })
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

    /// Of the messages that the last call took, the most often that one may have been received before.
    pub(super) fn redelivered(&self) -> u32 {
        self.redelivered
    }

    /// How often the first message may have been received before.
    pub(super) fn first_redelivered(&self) -> u32 {
        self.side.redelivered()
    }

    /// Claims one message, if that is quickly done, without asking why there is none.
    #[inline]
    pub(super) fn poll_one(&mut self) -> bool {
        // Not of the answer: some compilers forget a comparison that is made a number and a branch (rust-lang/rust#158206).
        self.ready = 0;
        if !self.poll_next() {
            return false;
        }
        self.ready = 1;
        true
    }

    /// The same for a message that is passed at once: to keep the claim would be two stores for nothing.
    #[inline]
    pub(super) fn poll_found(&mut self) -> Option<Found> {
        self.poll_next().then_some(Found(()))
    }

    #[inline]
    fn poll_next(&mut self) -> bool {
        self.begin();
        !self.sums_are_due() && self.slots.segment.is_ours() && self.side.poll_one(&self.slots.ring())
    }

    /// A new call begins.
    #[inline]
    fn begin(&mut self) {
        if Self::KEEPS_REDELIVERED {
            self.redelivered = 0;
        }
    }

    /// Claims up to `want` messages, at least one.
    pub(super) fn poll(&mut self, want: u32, watch: &mut Watch, member: &Member) -> Result<u32, Stop> {
        self.slots.check_owner()?;
        self.begin();
        self.ready = 0;
        if self.sums_are_due() {
            self.sums_are_due = false;
            self.store_sums();
        }
        let ring = self.slots.ring();
        let polled = peer::poll(&mut self.side, &ring, want, || watch.ask(&self.slots.segment, member));
        // It may have passed over gaps, and so given slots back; of one sender there are none.
        if Self::KEEPS_REDELIVERED {
            self.slots.ring_for(Side::Sending);
        }
        if polled.is_err() && !K::SHARED_RECEIVERS {
            self.slots.fetch_awaited(self.side.slot());
        }
        if watch.take_tick() {
            self.tally.store(self.sole_position(), self.slots.segment.receivers(), None);
        }
        self.ready = polled?;
        Ok(self.ready)
    }

    /// Whether a poll would not be told to wait.
    pub(super) fn may_poll(&mut self, ask: impl FnOnce(&Segment) -> News) -> bool {
        let is_ours = self.slots.check_owner().is_ok();
        !is_ours || peer::may_poll(&mut self.side, &self.slots.ring(), || ask(&self.slots.segment))
    }

    /// The slot of the first message that this call has claimed.
    #[inline]
    pub(super) fn first(&self) -> NonNull<u8> {
        assert!(self.ready > 0, "a message was read before it was there");
        self.slots.at(self.side.slot())
    }

    /// How many messages of those that this call has claimed are left.
    #[inline]
    pub(super) fn ready(&self) -> usize {
        self.ready as usize
    }

    /// The first message that this call has claimed, to be taken.
    #[inline]
    pub(super) fn found(&mut self) -> Found {
        assert!(self.ready > 0, "a message was taken before it was there");
        self.ready -= 1;
        Found(())
    }

    /// The first message is taken, and its slot given back.
    #[inline]
    pub(super) fn drop_first(&mut self) {
        self.fetch_ahead(0);
        let found = self.found();
        let begins_lap = self.pass(found);
        self.release(1, begins_lap);
    }

    /// Has lines brought here that are read by and by, so many messages further on than usual.
    #[inline(always)]
    pub(super) fn fetch_ahead(&mut self, further: u32) {
        let slot = self.side.slot();
        self.slots.fetch_ahead(slot, further, |ring, distance| self.side.ahead(ring, distance));
    }

    /// The next message is taken. Of a sole side, whether a lap has begun since the one before was, when its sums may be due.
    #[inline(always)]
    pub(super) fn pass(&mut self, _: Found) -> bool {
        if Self::KEEPS_REDELIVERED {
            let before = self.side.redelivered();
            self.redelivered = self.redelivered.max(before);
            if before > 0 {
                self.happened(Event::Redelivered);
            }
        }
        self.side.take(&self.slots.ring())
    }

    /// Gives the slots of what was taken back, of so many messages, and wakes who waits for one. `may_be_due`: of a sole side,
    /// whether to see if its sums are.
    #[inline]
    pub(super) fn release(&mut self, count: u64, may_be_due: bool) {
        if COUNTS && !K::SHARED_RECEIVERS && may_be_due {
            self.sums_are_due = self.tally.is_due_at(self.side.position());
        }
        self.side.release(&self.slots.ring());
        if self.tally.moved(count, K::SHARED_RECEIVERS) {
            self.store_sums();
        }
        if self.slots.ring_for(Side::Sending) {
            self.happened(Event::Wake);
        }
        if K::SHARED_RECEIVERS {
            self.slots.ring_for_the_end();
        }
    }

    #[cold]
    #[inline(never)]
    fn store_sums(&mut self) {
        let position = self.sole_position();
        let (slots, side) = (&self.slots, &self.side);
        let fill = self.tally.looks_at_fill(position).then(|| side.in_flight(&slots.ring()));
        self.tally.store(position, slots.segment.receivers(), fill);
    }

    #[inline(always)]
    fn sums_are_due(&self) -> bool {
        COUNTS && !K::SHARED_RECEIVERS && self.sums_are_due
    }

    #[cold]
    #[inline(never)]
    fn happened(&mut self, event: Event) {
        self.tally.happened(self.sole_position(), self.slots.segment.receivers(), event);
        trace::tell(&self.slots.segment, Side::Receiving, self.tally.index(), Told::Happened(event));
    }

    /// As of the sending side.
    #[inline(always)]
    fn sole_position(&self) -> Option<u64> {
        (!K::SHARED_RECEIVERS).then(|| self.side.position())
    }

    /// What is claimed is for others.
    pub(super) fn abandon(&mut self) {
        self.tally.store(self.sole_position(), self.slots.segment.receivers(), None);
        self.ready = 0;
        self.side.abandon(&self.slots.ring());
        self.slots.ring_for(Side::Sending);
        self.slots.ring_for(Side::Receiving);
    }
}
