//! Values in the slots of a cell: copies `T` in and out, whoever else is at it.

#![allow(unsafe_code, reason = "names the bytes of a slot and of a value to the copies of `sync::words`")]

use std::mem::MaybeUninit;

use super::error::LoadError;
use crate::message::{Message, bytes_of, validate_bits};
use crate::protocol::key;
use crate::protocol::seqlock::{Cell, Writer};
use crate::segment::{CellPlace, Slots};
use crate::sync::{crash_point, words};

/// What an attempt to load the latest value has come to. Without the reason why a value is invalid, which is large and
/// would be moved about with every value that is fine.
#[derive(Clone, Copy)]
pub(super) enum Outcome {
    /// The value of that number.
    Value(u64),
    /// There is none.
    Empty,
    /// The writer has completed too many values meanwhile: what was copied may be torn.
    Overtaken,
    /// The value of that number is none of its type.
    Invalid(u64),
}

impl Outcome {
    /// Of the value; 0 if there is none.
    #[inline]
    fn number(self) -> u64 {
        match self {
            Self::Value(number) | Self::Invalid(number) => number,
            Self::Empty | Self::Overtaken => 0,
        }
    }
}

/// The cell's words, for values of that type.
#[inline]
pub(super) fn cell<T: Message>(place: CellPlace<'_>) -> Cell<'_> {
    place.cell(Slots::<T>::COUNT)
}

/// A slot of the cell: `size_of::<T>()` bytes, aligned, and the words that they lie in, all initialised (a mapping starts
/// as zeros) and of this cell alone.
#[inline]
fn slot<T: Message>(place: CellPlace<'_>, slot: u32) -> *mut u8 {
    place.slot(slot, Slots::<T>::OFFSET, Slots::<T>::STRIDE).as_ptr()
}

/// Copies the latest value to `to`. Unless there was none, all bytes of `to` are initialised, and if the answer is
/// `Value`, they are a value.
#[inline]
fn attempt<T: Message>(place: CellPlace<'_>, to: &mut MaybeUninit<T>) -> Outcome {
    let cell = cell::<T>(place);
    let Some(reading) = cell.begin() else { return Outcome::Empty };
    crash_point("load.after-begin");
    let (version, from) = (reading.version(), slot::<T>(place, cell.slot(reading.version())));
    // SAFETY: 1. readable words of a slot, which everybody accesses by these copies; 2. `to` is ours.
    unsafe { words::load(from, to.as_mut_ptr().cast(), size_of::<T>()) };
    crash_point("load.after-copy");
    if !cell.accept(reading) {
        return Outcome::Overtaken;
    }
    // SAFETY: the copy has written all bytes.
    if unsafe { validate_bits(to) }.is_ok() { Outcome::Value(version) } else { Outcome::Invalid(version) }
}

/// The same, in as many attempts as it takes.
#[inline]
fn settle<T: Message>(place: CellPlace<'_>, to: &mut MaybeUninit<T>) -> Outcome {
    loop {
        match attempt(place, to) {
            Outcome::Overtaken => {}
            outcome => return outcome,
        }
    }
}

/// The value that an attempt has copied, or why there is none.
///
/// # Safety
///
/// `outcome` is what [`attempt`] or [`settle`] said of `value`, and not `Overtaken`.
#[inline]
unsafe fn value_of<T: Message>(outcome: Outcome, value: &MaybeUninit<T>) -> Result<T, LoadError> {
    match outcome {
        // SAFETY: it is a value (the caller's promise).
        Outcome::Value(_) => Ok(unsafe { value.assume_init_read() }),
        Outcome::Empty | Outcome::Overtaken => Err(LoadError::Empty),
        // SAFETY: its bytes are initialised (the caller's promise).
        Outcome::Invalid(_) => Err(unsafe { reason(value) }),
    }
}

/// Why bytes are no value.
///
/// # Safety
///
/// They are initialised, and no value.
#[cold]
#[inline(never)]
unsafe fn reason<T: Message>(bits: &MaybeUninit<T>) -> LoadError {
    // SAFETY: the caller's promise.
    match unsafe { validate_bits(bits) } {
        Err(field) => LoadError::Invalid(field),
        Ok(()) => unreachable!("it was invalid a moment ago"),
    }
}

/// The latest value.
#[inline]
pub(super) fn load<T: Message>(place: CellPlace<'_>) -> Result<T, LoadError> {
    let mut value = MaybeUninit::uninit();
    let outcome = settle(place, &mut value);
    // SAFETY: that is what it said.
    unsafe { value_of(outcome, &value) }
}

/// The latest value, and its number, or that of one that is invalid; 0 if there is none.
#[inline]
pub(super) fn load_numbered<T: Message>(place: CellPlace<'_>) -> (u64, Result<T, LoadError>) {
    let mut value = MaybeUninit::uninit();
    let outcome = settle(place, &mut value);
    // SAFETY: that is what it said.
    (outcome.number(), unsafe { value_of(outcome, &value) })
}

/// The same, in so many attempts; `None` if each of them was overtaken.
#[inline]
pub(super) fn load_within<T: Message>(
    place: CellPlace<'_>,
    attempts: u32,
) -> Option<(u64, Result<T, LoadError>)> {
    let mut value = MaybeUninit::uninit();
    for _ in 0..attempts {
        let outcome = attempt(place, &mut value);
        if !matches!(outcome, Outcome::Overtaken) {
            // SAFETY: that is what it said.
            return Some((outcome.number(), unsafe { value_of(outcome, &value) }));
        }
    }
    None
}

/// The latest value, straight into memory of the heap.
pub(super) fn load_boxed<T: Message>(place: CellPlace<'_>) -> Result<Box<T>, LoadError> {
    let mut memory = Box::<T>::new_uninit();
    match settle(place, &mut memory) {
        // SAFETY: it is a value.
        Outcome::Value(_) => Ok(unsafe { memory.assume_init() }),
        Outcome::Empty | Outcome::Overtaken => Err(LoadError::Empty),
        // SAFETY: its bytes are initialised, and no value.
        Outcome::Invalid(_) => Err(unsafe { reason(&memory) }),
    }
}

/// The latest value, straight over one that is there, of which nothing may be left; false if there is none.
#[inline]
pub(super) fn load_into<T: Message>(place: CellPlace<'_>, value: &mut T) -> bool {
    const { assert!(!T::CHECKED, "only a plain message can be loaded over another: use `load` for a checked one") }
    // SAFETY: the same memory; whatever is written to it are bytes, and any bytes are a plain `T`.
    let memory = unsafe { &mut *std::ptr::from_mut(value).cast::<MaybeUninit<T>>() };
    matches!(settle(place, memory), Outcome::Value(_))
}

/// Stores the value that comes after the writer's latest.
#[inline]
pub(super) fn store<T: Message>(place: CellPlace<'_>, writer: &mut Writer, value: &T) {
    let cell = cell::<T>(place);
    let to = slot::<T>(place, writer.begin(&cell));
    // SAFETY: 1. a value, all bytes of which are initialised; 2. writable words of the slot that is this writer's until it
    // publishes; nobody else writes the cell, by its role's lock.
    unsafe { words::store(std::ptr::from_ref(value).cast(), to, size_of::<T>()) };
    crash_point("store.after-write");
    writer.publish(&cell);
    if Slots::<T>::AHEAD {
        let next = slot::<T>(place, cell.slot(writer.version() + 1));
        (0..size_of::<T>()).step_by(64).for_each(|line| words::prefetch_to_write(next.wrapping_add(line)));
    }
}

/// Where that part of the value in a slot lies.
///
/// # Panics
///
/// If it does not lie within a `T`.
#[inline]
#[track_caller]
fn part<T: Message>(place: CellPlace<'_>, number: u32, offset: usize, len: usize) -> *mut u8 {
    let fits = offset.checked_add(len).is_some_and(|end| end <= size_of::<T>());
    assert!(fits, "{len} bytes at {offset} of a value of {} bytes", size_of::<T>());
    slot::<T>(place, number).wrapping_add(offset)
}

/// Writes a part of the value in that slot, which the caller has begun.
///
/// # Panics
///
/// If it does not lie within a `T`.
#[inline]
#[track_caller]
pub(super) fn write_part<T: Message>(place: CellPlace<'_>, number: u32, offset: usize, bytes: &[u8]) {
    let to = part::<T>(place, number, offset, bytes.len());
    // SAFETY: 1. a slice; 2. as in `store`, within the value (`part`).
    unsafe { words::store(bytes.as_ptr(), to, bytes.len()) };
}

/// Reads a part of the value in that slot, which the caller has begun or nobody writes.
///
/// # Panics
///
/// If it does not lie within a `T`.
#[inline]
#[track_caller]
pub(super) fn read_part<T: Message>(place: CellPlace<'_>, number: u32, offset: usize, bytes: &mut [u8]) {
    let from = part::<T>(place, number, offset, bytes.len());
    // SAFETY: 1. readable words of a slot that this writer has begun, or of its latest value, which nobody writes, within the
    // value (`part`); 2. a slice.
    unsafe { words::load(from, bytes.as_mut_ptr(), bytes.len()) };
}

/// Copies the cell's key to `to`, if it has one; whether it has.
#[inline]
fn copy_key<K: Message>(place: CellPlace<'_>, to: &mut MaybeUninit<K>) -> bool {
    if !key::is_set(place.key_state()) {
        return false;
    }
    // SAFETY: 1. readable words of a key of this table's type, which everybody accesses by these copies; 2. `to` is ours.
    unsafe { words::load(place.key().as_ptr(), to.as_mut_ptr().cast(), size_of::<K>()) };
    true
}

/// The cell's key, if it has one that is a value of its type.
pub(super) fn key<K: Message>(place: CellPlace<'_>) -> Option<K> {
    let mut found = MaybeUninit::<K>::uninit();
    if !copy_key(place, &mut found) {
        return None;
    }
    // SAFETY: all bytes were written by the copy.
    unsafe { validate_bits(&found) }.ok()?;
    // SAFETY: they are a valid value.
    Some(unsafe { found.assume_init() })
}

/// Whether the cell's key is this one, byte for byte; `None` if it has none.
#[inline]
pub(super) fn is_key<K: Message>(place: CellPlace<'_>, wanted: &K) -> Option<bool> {
    let mut found = MaybeUninit::<K>::uninit();
    if !copy_key(place, &mut found) {
        return None;
    }
    // SAFETY: all bytes were written by the copy; `u8` has no alignment.
    let found = unsafe { std::slice::from_raw_parts(found.as_ptr().cast::<u8>(), size_of::<K>()) };
    Some(found == bytes_of(wanted))
}

/// Gives the cell its key. The caller has the role of the cell, which has none yet.
pub(super) fn set_key<K: Message>(place: CellPlace<'_>, key: &K) {
    let (from, to) = (bytes_of(key), place.key().as_ptr());
    // SAFETY: 1. a slice; 2. writable words of a key that nobody reads before it is published, and that nobody else writes,
    // by the lock of the cell's role.
    unsafe { words::store(from.as_ptr(), to, from.len()) };
    key::publish(place.key_state());
}
