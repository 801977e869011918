//! Messages in their slots: moves them in and out where a protocol says that this side may.

#![allow(unsafe_code, reason = "reads and writes messages in the slots of a segment")]

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::slice;

use super::blocking::Stop;
use super::error::Broken;
use super::kind::Kind;
use super::payload::{Of, Payload};
use super::receiving::{Found, Receiving};
use super::sending::{Room, Sending};
use crate::message::{InvalidField, Message, validate_bits};
use crate::protocol::ahead::SMALL;
use crate::protocol::ring::{Corruption, Ring};
use crate::protocol::roster::{Presence, Side};
use crate::protocol::side::{RecvSide, SendSide};
use crate::protocol::table;
use crate::segment::{Content, Segment};
use crate::sync::{crash_point, words};
use crate::wait::Bell;

/// A segment of the kind `K` with this payload.
///
/// Invariant: form, stride and offsets of its layout are those of both, by the check at attach.
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
        // SAFETY: the invariant.
        unsafe { self.segment.ring(self.payload.form::<K>(), K::KIND, self.payload.stride::<K>()) }
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
// Of stamped messages. Of indexed ones what is free or ready is known, and no more than a lap away.
const _: () = assert!(FETCH_BYTES / Content::LEAST_STRIDE <= SMALL as usize && FETCH_MESSAGES <= SMALL);
/// Of one message so many bytes: the hardware finds the rest by itself.
const FETCH_MOST: usize = 1024;
/// And so many of one that is waited for.
const AWAIT_MOST: usize = 256;

impl<P: Payload, K: Kind> Slots<P, K> {
    /// How many messages after the next one lines are fetched.
    #[inline(always)]
    fn fetch_distance(&self) -> u32 {
        FETCH_MESSAGES.max((FETCH_BYTES / self.payload.stride::<K>()) as u32)
    }

    /// Has the lines of a later slot brought here to be written soon: that which `ahead` says for so many messages after the
    /// next one, which is in `slot`. `further`: by so many messages later than that.
    #[inline(always)]
    pub(super) fn fetch_ahead(
        &self,
        slot: u32,
        further: u32,
        ahead: impl FnOnce(&Ring<'_>, u32) -> Option<u32>,
    ) {
        let stride = self.payload.stride::<K>();
        // Else it is done with another slot of the same line.
        if slot as usize * stride % LINE < stride {
            let Some(slot) = ahead(&self.ring(), self.fetch_distance() + further) else { return };
            let start = self.start(slot);
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
        self.segment.slots().as_ptr().cast_const().wrapping_add(slot as usize * self.payload.stride::<K>())
    }
}

/// Copies of more bytes are made by parts: a C library makes one that is much larger past the caches, so that the other side
/// has it fetched from memory, and in no order with the stores before it (E22).
const PART: usize = 64 << 10;

/// Whether a message by itself is copied by instructions of 16 bytes, as the compiler copies a smaller one where it knows of no
/// wider ones. A function would use those; but a message was stored by such of 16 a moment ago, by its sender or by the first of
/// two copies on the receiving side, and a wider load waits until all of those stores are done, which come behind those of
/// the message before, whose lines may be on their way.
const fn is_medium<T>() -> bool {
    cfg!(target_arch = "x86_64") && size_of::<T>() > 128 && size_of::<T>() < words::LARGE
}

/// Writes a message into its slot.
///
/// # Safety
///
/// The slot is one of a segment, for a message of this type, and this side's to write.
#[inline(always)]
pub(super) unsafe fn write<T: Message>(slot: NonNull<T>, message: &T) {
    if const { is_medium::<T>() } {
        // SAFETY: 1. `message` is borrowed; 2. the words of a slot, which are whole words of the segment.
        unsafe { words::store(ptr::from_ref(message).cast(), slot.as_ptr().cast(), size_of::<T>()) };
    } else {
        // SAFETY: aligned and inside the segment, as every slot; `T` is `Copy`.
        unsafe { copy(message, slot.as_ptr(), 1) };
    }
}

/// Copies so many messages.
///
/// # Safety
///
/// As of [`ptr::copy_nonoverlapping`].
#[inline(always)]
pub(super) unsafe fn copy<T>(from: *const T, to: *mut T, count: usize) {
    if size_of::<T>() * count <= PART {
        // SAFETY: the caller's word.
        unsafe { to.copy_from_nonoverlapping(from, count) };
    } else {
        // SAFETY: the same.
        unsafe { copy_by_parts(from.cast(), to.cast(), size_of::<T>() * count) };
    }
}

/// The same of so many bytes, more than a part.
///
/// # Safety
///
/// As of `copy`.
#[inline(never)]
unsafe fn copy_by_parts(from: *const u8, to: *mut u8, len: usize) {
    for start in (0..len).step_by(PART) {
        let (from, to) = (from.wrapping_add(start), to.wrapping_add(start));
        // SAFETY: within what the caller says.
        unsafe { to.copy_from_nonoverlapping(from, PART.min(len - start)) };
    }
}

impl<T: Message, K: Kind> Slots<Of<T>, K> {
    /// Whether messages lie one behind the other with nothing between.
    const SIDE_BY_SIDE: bool = {
        let content = Content::of::<T>();
        content.stride(K::KIND) == content.size() && content.payload_offset(K::KIND) == 0
    };
    /// Whether the processor finds the lines of several messages in turn by itself.
    const LARGE: bool = Self::SIDE_BY_SIDE && size_of::<T>() >= FETCH_MOST;

    /// How many of `count` messages, of which the first is in `slot`, are copied at once. As many as lines are fetched ahead,
    /// so that the next ones come meanwhile; of large ones all.
    #[inline(always)]
    fn run(&self, slot: u32, count: usize) -> usize {
        if !Self::SIDE_BY_SIDE {
            return 1;
        }
        let run = count.min((self.segment.capacity() - slot) as usize);
        if Self::LARGE { run } else { run.min(self.fetch_distance() as usize) }
    }
}

/// The sending side's slots.
pub(crate) type SendSlots<T, K> = Sending<Of<T>, K>;

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

    /// Sends a message by the next slot.
    #[inline(always)]
    pub(super) fn put(&mut self, room: Room, message: &T) {
        let slot: NonNull<T> = self.slots.at(self.side.slot()).cast();
        // SAFETY: claimed (`room`), so no receiver reads it before it is filled, and no other sender writes it; `at`.
        unsafe { write(slot, message) };
        self.fetch_ahead(0);
        let begins_lap = self.fill(room);
        self.commit(1, begins_lap);
    }

    /// Sends messages by the next slots, of which so many are claimed.
    #[inline]
    pub(super) fn put_all(&mut self, messages: &[T]) {
        let mut rest = messages;
        while !rest.is_empty() {
            let slot = self.side.slot();
            let (run, later) = rest.split_at(self.slots.run(slot, rest.len()));
            if !Slots::<Of<T>, K>::LARGE {
                (0..run.len() as u32).for_each(|further| self.fetch_ahead(further));
            }
            let first: NonNull<T> = self.slots.at(slot).cast();
            assert!(run.len() <= self.claimed(), "slots were written before they were claimed");
            // SAFETY: 1. aligned and inside the segment: one message, or several that lie side by side (`run`); 2. claimed, as
            // in `put`; 3. `T` is `Copy`.
            unsafe { copy(run.as_ptr(), first.as_ptr(), run.len()) };
            for _ in run {
                let room = self.room();
                self.fill(room);
            }
            rest = later;
        }
        self.commit(messages.len() as u64, true);
    }
}

/// The receiving side's slots.
pub(crate) type RecvSlots<T, K> = Receiving<Of<T>, K>;

impl<T: Message, K: Kind> RecvSlots<T, K> {
    /// Starts as the holder of that record of `segment`, which was planned for `T` and `K`.
    pub(super) fn resume(segment: Segment, index: u32, bell: Bell) -> Result<Self, Corruption> {
        Self::with(Of::new(), segment, index, bell)
    }

    /// Copies the next message out and gives its slot back, whether it is valid or not.
    #[inline(always)]
    pub(super) fn take<E>(&mut self, found: Found, invalid: impl FnOnce(InvalidField) -> E) -> Result<T, E> {
        let mut message = MaybeUninit::<T>::uninit();
        // SAFETY: it was found, and is one.
        unsafe { self.copy_out(slice::from_mut(&mut message)) };
        self.fetch_ahead(0);
        let begins_lap = self.pass(found);
        crash_point("recv.after-read");
        self.release(1, begins_lap);
        // SAFETY: all bytes were copied.
        if let Err(field) = unsafe { validate_bits(&message) } {
            return Err(invalid(field));
        }
        // SAFETY: all bytes are initialised, and they are a value of `T`: any bytes are, of a plain type, and those of
        // a checked type were validated in this private copy.
        Ok(unsafe { message.assume_init() })
    }

    /// Appends the messages that are claimed and gives their slots back. An invalid one ends it; it is dropped and reported
    /// once it is the first.
    #[inline]
    pub(super) fn take_all(&mut self, messages: &mut Vec<T>) -> Result<usize, InvalidField> {
        messages.reserve(self.ready());
        let mut taken = 0;
        while self.ready() > 0 {
            if T::CHECKED && taken > 0 && self.validate().is_err() {
                break;
            }
            let run = if T::CHECKED { 1 } else { self.slots.run(self.side.slot(), self.ready()) };
            if T::CHECKED || !Slots::<Of<T>, K>::LARGE {
                (0..run as u32).for_each(|further| self.fetch_ahead(further));
            }
            assert!(run <= self.ready(), "messages were read before they were there");
            let room = &mut messages.spare_capacity_mut()[..run];
            // SAFETY: so many are claimed, one of a checked type, and as many as lie side by side of a plain one (`run`).
            unsafe { self.copy_out(room) };
            for _ in 0..run {
                let found = self.found();
                self.pass(found);
                crash_point("recv.after-read");
            }
            // SAFETY: all bytes of the first message were copied.
            if let Err(field) = unsafe { validate_bits(&room[0]) } {
                if taken == 0 {
                    self.release(1, true);
                    return Err(field);
                }
                // Only if a hostile peer changed it after it was validated: dropped, as every invalid one.
                break;
            }
            // SAFETY: so many more were copied, and are values of `T`, as in `take`.
            unsafe { messages.set_len(messages.len() + run) };
            taken += run;
        }
        self.release(taken as u64, true);
        Ok(taken)
    }

    /// Copies all bytes of the next messages, as many as there is room for.
    ///
    /// # Safety
    ///
    /// They are claimed. There is room for one, or for several of a plain type that lie side by side.
    #[inline(always)]
    unsafe fn copy_out(&self, room: &mut [MaybeUninit<T>]) {
        let (first, len, room) = (self.slots.at(self.side.slot()), room.len(), room.as_mut_ptr());
        if T::CHECKED || const { is_medium::<T>() } && len == 1 {
            // A medium one for the width of the instructions (`is_medium`).
            // What is checked is used as a value, so it must be read once, also if a peer that does not follow the
            // protocol writes it meanwhile: a plain read might be made again where the value is used.
            // SAFETY: 1. the words of a slot (`at`), which are whole words of the segment; 2. `room` is ours, for one.
            unsafe { words::load(first.as_ptr(), room.cast(), size_of::<T>()) };
        } else {
            // SAFETY: 1. aligned and inside the segment (`at`, `run`); 2. claimed and not released, so no sender
            // that follows the protocol writes it; 3. any bytes are a `MaybeUninit<T>`.
            unsafe { copy(first.as_ptr().cast(), room, len) };
        }
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
