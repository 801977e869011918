//! Messages in their slots: moves `T` in and out where a protocol says that this side may.

#![allow(unsafe_code, reason = "reads and writes messages in the slots of a segment")]

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use crate::message::{InvalidField, Message, validate_bits};
use crate::protocol::peer::{self, Stuck};
use crate::protocol::ring::{Corruption, Form, Ring};
use crate::protocol::roster::Presence;
use crate::protocol::sole::{SoleReceiver, SoleSender};
use crate::segment::{Segment, form, payload_offset, stride};
use crate::sync::crash_point;

/// A segment whose messages are `T`: its stride and offsets are those of `T`, by the check at attach.
struct Slots<T> {
    segment: Segment,
    message: PhantomData<fn(T) -> T>,
}

impl<T: Message> Slots<T> {
    const FORM: Form = form::<T>();
    const STRIDE: usize = stride::<T>();
    const PAYLOAD: usize = payload_offset::<T>();

    #[inline]
    fn ring(&self) -> Ring<'_> {
        self.segment.ring(Self::FORM)
    }

    /// Where the message of a slot lies: aligned, inside the segment, initialised (a mapping starts as
    /// zeros, and messages have no padding).
    #[inline]
    fn at(&self, slot: u32) -> NonNull<T> {
        debug_assert!(slot < self.segment.capacity());
        // SAFETY: slots are below the capacity, so stride times slot plus payload lies inside the segment.
        unsafe { self.segment.slots().byte_add(slot as usize * Self::STRIDE + Self::PAYLOAD) }.cast()
    }
}

/// The sending side's slots.
pub(crate) struct SendSlots<T> {
    slots: Slots<T>,
    side: SoleSender,
    /// Claimed and not yet filled. Never more than the side's limit allows.
    claimed: u32,
}

impl<T: Message> SendSlots<T> {
    /// Starts where the last published message ends. The caller holds the role of `segment`, which was
    /// planned for `T`.
    pub(super) fn resume(segment: Segment) -> Result<Self, Corruption> {
        let slots = Slots { segment, message: PhantomData };
        let side = SoleSender::resume(&slots.ring())?;
        Ok(Self { slots, side, claimed: 0 })
    }

    pub(super) fn segment(&self) -> &Segment {
        &self.slots.segment
    }

    pub(super) fn position(&self) -> u64 {
        self.side.position()
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.side.in_flight(&self.slots.ring())
    }

    /// Claims one free slot, if one is known without looking.
    #[inline]
    pub(super) fn claim_known(&mut self) -> bool {
        let known = self.side.known_free() > 0;
        self.claimed = u32::from(known);
        known
    }

    /// Claims up to `want` free slots, at least one.
    pub(super) fn claim(
        &mut self,
        want: u32,
        presence: impl FnOnce(&Segment) -> Presence,
    ) -> Result<u32, Stuck> {
        let ring = self.slots.ring();
        self.claimed = 0;
        self.claimed = peer::claim(&mut self.side, &ring, want, || presence(&self.slots.segment))?;
        Ok(self.claimed)
    }

    /// The first claimed slot, for this side alone to write.
    #[inline]
    pub(super) fn vacant(&mut self) -> NonNull<T> {
        self.claimed_slot()
    }

    /// The first claimed slot.
    #[inline]
    pub(super) fn claimed_slot(&self) -> NonNull<T> {
        assert!(self.claimed > 0, "a slot was used before it was claimed");
        self.slots.at(self.side.slot())
    }

    /// Writes a message into the first claimed slot and fills it.
    #[inline]
    pub(super) fn put(&mut self, message: &T) {
        let slot = self.vacant();
        // SAFETY: 1. aligned and inside the segment (`at`); 2. claimed, so no receiver reads it before it is
        // filled, and no other sender exists while this one holds the role; 3. `T` is `Copy`.
        unsafe { slot.copy_from_nonoverlapping(message.into(), 1) };
        self.fill();
    }

    /// The message in the first claimed slot is complete.
    #[inline]
    pub(super) fn fill(&mut self) {
        assert!(self.claimed > 0, "a slot was filled before it was claimed");
        crash_point("send.after-write");
        self.claimed -= 1;
        self.side.fill(&self.slots.ring());
    }

    /// Publishes what was filled.
    #[inline]
    pub(super) fn commit(&mut self) {
        self.side.commit(&self.slots.ring());
    }
}

/// The receiving side's slots.
pub(crate) struct RecvSlots<T> {
    slots: Slots<T>,
    side: SoleReceiver,
    /// Published and not yet taken, as far as the last poll said.
    ready: u32,
}

impl<T: Message> RecvSlots<T> {
    /// Starts at the first message that was not released. The caller holds the role of `segment`, which
    /// was planned for `T`.
    pub(super) fn resume(segment: Segment) -> Result<Self, Corruption> {
        let slots = Slots { segment, message: PhantomData };
        let side = SoleReceiver::resume(&slots.ring())?;
        Ok(Self { slots, side, ready: 0 })
    }

    pub(super) fn segment(&self) -> &Segment {
        &self.slots.segment
    }

    pub(super) fn position(&self) -> u64 {
        self.side.position()
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.side.in_flight(&self.slots.ring())
    }

    /// Looks for one message, without asking why there is none.
    #[inline]
    pub(super) fn poll_one(&mut self) -> bool {
        let ready = self.side.is_ready(&self.slots.ring());
        self.ready = u32::from(ready);
        ready
    }

    /// Looks for up to `want` messages, at least one.
    pub(super) fn poll(
        &mut self,
        want: u32,
        presence: impl FnOnce(&Segment) -> Presence,
    ) -> Result<u32, Stuck> {
        let ring = self.slots.ring();
        self.ready = 0;
        self.ready = peer::poll(&mut self.side, &ring, want, || presence(&self.slots.segment))?;
        Ok(self.ready)
    }

    /// Copies the first message out and counts it as taken, whether it is valid or not.
    #[inline]
    pub(super) fn take(&mut self) -> Result<T, InvalidField> {
        let slot = self.ready_slot();
        // SAFETY: 1. aligned and inside the segment (`at`); 2. published and not released, so no sender
        // that follows the protocol writes it; 3. any bytes are a `MaybeUninit<T>`.
        let message = unsafe { slot.cast::<MaybeUninit<T>>().read() };
        self.skip();
        crash_point("recv.after-read");
        // SAFETY: all bytes are initialised (`at`).
        unsafe { validate_bits(&message) }?;
        // SAFETY: all bytes are initialised (`at`), and they are a value of `T`: any bytes are, of a plain
        // type, and those of a checked type were validated in this private copy.
        Ok(unsafe { message.assume_init() })
    }

    /// Whether the first message, in place, is a value of its type.
    #[inline]
    pub(super) fn validate(&self) -> Result<(), InvalidField> {
        // SAFETY: aligned and inside the segment (`at`); published and not released; any bytes are a
        // `MaybeUninit<T>`.
        let message = unsafe { self.ready_slot().cast::<MaybeUninit<T>>().as_ref() };
        // SAFETY: all bytes are initialised (`at`).
        unsafe { validate_bits(message) }
    }

    /// The slot of the first message.
    #[inline]
    pub(super) fn ready_slot(&self) -> NonNull<T> {
        assert!(self.ready > 0, "a message was read before it was there");
        self.slots.at(self.side.slot())
    }

    /// Counts the first message as taken.
    #[inline]
    pub(super) fn skip(&mut self) {
        assert!(self.ready > 0, "a message was taken before it was there");
        self.ready -= 1;
        self.side.take(&self.slots.ring());
    }

    /// Gives the slots of what was taken back.
    #[inline]
    pub(super) fn release(&mut self) {
        self.side.release(&self.slots.ring());
    }
}
