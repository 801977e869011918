//! Messages in their slots: moves them in and out where a protocol says that this side may.

#![allow(unsafe_code, reason = "reads and writes messages in the slots of a segment")]

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use super::blocking::Stop;
use super::error::Broken;
use super::kind::Kind;
use super::payload::{Of, Payload};
use super::receiving::{Found, Receiving};
use super::tally::{self, COUNTS, Tally};
use super::trace::{self, Told};
use crate::message::{InvalidField, Message, validate_bits};
use crate::protocol::counters::{Event, published};
use crate::protocol::peer::{self, News};
use crate::protocol::ring::{Corruption, Ring};
use crate::protocol::roster::{Presence, Side};
use crate::protocol::side::SendSide;
use crate::protocol::table;
use crate::segment::Segment;
use crate::sync::{crash_point, words};
use crate::wait::Bell;

/// A segment of the kind `K` with this payload: its stride and offsets are those of both, by the check at
/// attach.
pub(super) struct Slots<P, K> {
    pub(super) segment: Segment,
    bell: Bell,
    payload: P,
    of: PhantomData<fn(K)>,
}

impl<P: Payload, K: Kind> Slots<P, K> {
    pub(super) fn new(segment: Segment, bell: Bell, payload: P) -> Self {
        Self { segment, bell, payload, of: PhantomData }
    }

    #[inline]
    pub(super) fn ring(&self) -> Ring<'_> {
        self.segment.ring(self.payload.form::<K>(), K::KIND)
    }

    /// Not in a forked child.
    #[inline]
    pub(super) fn check_owner(&self) -> Result<(), Stop> {
        if self.segment.is_ours() { Ok(()) } else { Err(Stop::Broken(Broken::Forked)) }
    }

    /// Wakes receivers that wait for the end: until this was given back it could have come again.
    #[inline(always)]
    pub(super) fn ring_for_the_end(&self) {
        let ring = self.ring();
        let is_over = || matches!(table::presence(&ring, Side::Sending), Presence::Left | Presence::Died);
        self.bell.ring_if(ring.control.gate(Side::Receiving), is_over);
    }

    /// Wakes those of that side who sleep; whether there were any.
    #[inline(always)]
    pub(super) fn ring_for(&self, side: Side) -> bool {
        self.bell.ring(self.ring().control.gate(side))
    }

    /// Where the message of a slot lies: aligned, inside the segment, initialised (a mapping starts as
    /// zeros, and messages have no padding).
    #[inline]
    pub(super) fn at(&self, slot: u32) -> NonNull<u8> {
        debug_assert!(slot < self.segment.capacity());
        let (stride, offset) = (self.payload.stride::<K>(), self.payload.offset::<K>());
        // SAFETY: slots are below the capacity, so stride times slot plus payload lies inside the segment.
        unsafe { self.segment.slots().byte_add(slot as usize * stride + offset) }
    }
}

/// Bytes of a cache line.
const LINE: usize = 64;

/// Lines are fetched so many bytes ahead, and so many messages at least.
const FETCH_BYTES: usize = 1024;
const FETCH_MESSAGES: u32 = 8;
/// Of one message so many bytes: the hardware finds the rest by itself.
const FETCH_MOST: usize = 1024;
/// And so many of one that is waited for.
const AWAIT_MOST: usize = 256;

impl<P: Payload, K: Kind> Slots<P, K> {
    /// Has the lines of a later slot brought here to be written soon: that which `ahead` says for so many messages.
    #[inline(always)]
    pub(super) fn fetch_ahead(&self, ahead: impl FnOnce(&Ring<'_>, u32) -> Option<u32>) {
        let stride = self.payload.stride::<K>();
        let distance = FETCH_MESSAGES.max((FETCH_BYTES / stride) as u32);
        let Some(slot) = ahead(&self.ring(), distance) else { return };
        let start = self.start(slot);
        // Else that was done for the slot before it.
        if start.addr() % LINE < stride {
            for line in (0..stride.min(FETCH_MOST)).step_by(LINE) {
                words::prefetch_to_write(start.wrapping_add(line));
            }
        }
    }

    /// A message is waited for in that slot: has its first lines brought here at every look, beside the line with the news
    /// and not after it. None that is here already is asked for again; the sender takes them when it writes.
    #[inline(always)]
    pub(super) fn fetch_awaited(&self, slot: u32) {
        let start = self.start(slot);
        // A stamp is the news.
        let first = if self.payload.offset::<K>() > 0 { LINE } else { 0 };
        for line in (first..self.payload.stride::<K>().min(AWAIT_MOST)).step_by(LINE) {
            words::prefetch_to_read(start.wrapping_add(line));
        }
    }

    /// Where a slot begins, with its stamp if it has one: to be fetched, not accessed.
    #[inline(always)]
    fn start(&self, slot: u32) -> *const u8 {
        self.at(slot).as_ptr().cast_const().wrapping_sub(self.payload.offset::<K>())
    }
}

/// The sending side's slots.
pub(crate) type SendSlots<T, K> = Sending<Of<T>, K>;

/// The sending side's slots, with that payload.
pub(crate) struct Sending<P, K: Kind> {
    slots: Slots<P, K>,
    side: K::Sending,
    /// Claimed for the call that is under way, and not yet filled. Never more than the side has claimed: what it
    /// has left from a claim that was forgotten is the first that it claims again.
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
        if !self.slots.segment.is_ours() || !self.side.claim_one(&self.slots.ring()) {
            return false;
        }
        self.claimed = 1;
        true
    }

    /// Claims up to `want` free slots, at least one.
    pub(super) fn claim(&mut self, want: u32, ask: impl FnOnce(&Segment) -> News) -> Result<u32, Stop> {
        self.slots.check_owner()?;
        let ring = self.slots.ring();
        self.claimed = 0;
        let claimed = peer::claim(&mut self.side, &ring, want, || ask(&self.slots.segment));
        if claimed.is_err() {
            self.tally.nothing(self.sole_position(), self.slots.segment.senders());
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

    /// The message in the first claimed slot is complete.
    #[inline]
    pub(super) fn fill(&mut self) {
        assert!(self.claimed > 0, "a slot was filled before it was claimed");
        crash_point("send.after-write");
        self.claimed -= 1;
        self.slots.fetch_ahead(|ring, distance| self.side.ahead(ring, distance));
        if self.side.fill(&self.slots.ring()) && COUNTS && !K::SHARED_SENDERS {
            self.end_lap();
        }
    }

    /// Publishes the messages that were filled, so many, and wakes who waits for them.
    #[inline]
    pub(super) fn commit(&mut self, count: u64) {
        self.side.commit(&self.slots.ring());
        if self.tally.moved(count, K::SHARED_SENDERS) {
            self.store_sums(None);
        }
        if self.slots.ring_for(Side::Receiving) {
            self.woke();
        }
    }

    #[cold]
    #[inline(never)]
    fn store_sums(&mut self, position: Option<u64>) {
        let (slots, side) = (&self.slots, &self.side);
        let fill = self.tally.looks_at_fill(position).then(|| side.in_flight(&slots.ring()));
        self.tally.store(position, slots.segment.senders(), fill);
    }

    /// Of a sole side: a lap has ended. Some messages of the call may not be published yet.
    #[cold]
    #[inline(never)]
    fn end_lap(&mut self) {
        let position = published(&self.slots.ring());
        if self.tally.is_due_at(position) {
            self.store_sums(Some(position));
        }
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

impl<T: Message, K: Kind> SendSlots<T, K> {
    /// Starts as the holder of that record of `segment`, which was planned for `T` and `K`.
    pub(super) fn resume(segment: Segment, index: u32, bell: Bell) -> Result<Self, Corruption> {
        Self::with(Of::new(), segment, index, bell)
    }

    /// The first claimed slot, for this side alone to write.
    #[inline]
    pub(super) fn vacant(&mut self) -> NonNull<T> {
        self.claimed_slot()
    }

    /// The first claimed slot.
    #[inline]
    pub(super) fn claimed_slot(&self) -> NonNull<T> {
        self.first().cast()
    }

    /// Writes a message into the first claimed slot and fills it.
    #[inline]
    pub(super) fn put(&mut self, message: &T) {
        let slot = self.vacant();
        // SAFETY: 1. aligned and inside the segment (`at`); 2. claimed, so no receiver reads it before it is
        // filled, and no other sender writes it; 3. `T` is `Copy`.
        unsafe { slot.copy_from_nonoverlapping(message.into(), 1) };
        self.fill();
    }
}

/// The receiving side's slots.
pub(crate) type RecvSlots<T, K> = Receiving<Of<T>, K>;

impl<T: Message, K: Kind> RecvSlots<T, K> {
    /// Starts as the holder of that record of `segment`, which was planned for `T` and `K`.
    pub(super) fn resume(segment: Segment, index: u32, bell: Bell) -> Result<Self, Corruption> {
        Self::with(Of::new(), segment, index, bell)
    }

    /// Copies the first message out and counts it as taken, whether it is valid or not.
    #[inline]
    pub(super) fn take(&mut self) -> Result<T, InvalidField> {
        let message = self.copy(&self.claimed());
        self.skip();
        // SAFETY: it was copied.
        unsafe { Self::check(message) }
    }

    /// The same with a message that was found, whose slot is given back.
    #[inline]
    pub(super) fn take_found(&mut self, found: Found) -> Result<T, InvalidField> {
        let message = self.copy(&found);
        self.pass(found);
        // SAFETY: it was copied.
        let message = unsafe { Self::check(message) };
        self.release(1);
        message
    }

    /// Takes the messages that were claimed, so many, and gives their slots back. An invalid one is dropped and reported once
    /// it is the first of a batch.
    #[inline]
    pub(super) fn take_all(&mut self, ready: u32, messages: &mut Vec<T>) -> Result<usize, InvalidField> {
        messages.reserve(ready as usize);
        let mut taken = 0;
        for _ in 0..ready {
            if T::CHECKED && taken > 0 && self.validate().is_err() {
                break;
            }
            match self.take() {
                Ok(message) => messages.push(message),
                Err(field) if taken == 0 => {
                    self.release(1);
                    return Err(field);
                }
                // Only if a hostile peer changed it after it was validated: dropped, as every invalid one.
                Err(_) => break,
            }
            taken += 1;
        }
        self.release(taken as u64);
        Ok(taken)
    }

    /// All bytes of the message that was found.
    #[inline(always)]
    fn copy(&self, found: &Found) -> MaybeUninit<T> {
        let slot: NonNull<T> = self.next(found).cast();
        let mut message = MaybeUninit::<T>::uninit();
        if T::CHECKED {
            // What is checked below is used as a value, so it must be read once, also if a peer that does not follow the
            // protocol writes it meanwhile: a plain read might be made again where the value is used.
            // SAFETY: 1. the words of a slot (`at`), which are whole words of the segment; 2. `message` is ours.
            unsafe { words::load(slot.cast().as_ptr(), message.as_mut_ptr().cast(), size_of::<T>()) };
        } else {
            // SAFETY: 1. aligned and inside the segment (`at`); 2. claimed and not released, so no sender
            // that follows the protocol writes it; 3. any bytes are a `MaybeUninit<T>`.
            message = unsafe { slot.cast().read() };
        }
        message
    }

    /// What was copied, if it is a message.
    ///
    /// # Safety
    ///
    /// All bytes are initialised.
    #[inline(always)]
    unsafe fn check(message: MaybeUninit<T>) -> Result<T, InvalidField> {
        crash_point("recv.after-read");
        // SAFETY: the caller's word.
        unsafe { validate_bits(&message) }?;
        // SAFETY: all bytes are initialised, and they are a value of `T`: any bytes are, of a plain type, and those of
        // a checked type were validated in this private copy.
        Ok(unsafe { message.assume_init() })
    }

    /// Whether the first message, in place, is a value of its type.
    #[inline]
    pub(super) fn validate(&self) -> Result<(), InvalidField> {
        // SAFETY: aligned and inside the segment (`at`); claimed and not released; any bytes are a
        // `MaybeUninit<T>`.
        let message = unsafe { self.ready_slot().cast::<MaybeUninit<T>>().as_ref() };
        // SAFETY: all bytes are initialised (`at`).
        unsafe { validate_bits(message) }
    }

    /// The slot of the first message.
    #[inline]
    pub(super) fn ready_slot(&self) -> NonNull<T> {
        self.first().cast()
    }
}
