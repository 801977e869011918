//! A value that is being written in place.

use std::fmt;
use std::marker::PhantomData;

use super::slots;
use super::writer::Writer;
use crate::Message;
use crate::message::bytes_of;

/// The next value of a cell, written in the slot in which readers will find it. Dropping it stores nothing.
///
/// Its bytes are at first what was in that slot before: zeros, a value of some stores ago, or whatever a writer that was
/// killed had begun. Write all of it, or start from the latest value with [`copy_latest`](Self::copy_latest).
///
/// There is no reference to the bytes, since a reader that is late may still be looking at them: it will find out that it
/// is, but it reads.
///
/// ```
/// use std::mem::offset_of;
/// # use ringway::{Message, seqlock};
/// #[derive(Message, Clone, Copy)]
/// #[repr(C)]
/// struct Frame { number: u64, pixels: [u8; 1 << 16] }
///
/// let (mut writer, reader) = seqlock::in_process::<Frame>()?;
/// let mut frame = writer.draft();
/// frame.write_at(offset_of!(Frame, number), &7_u64);
/// frame.write_bytes(offset_of!(Frame, pixels), &[255; 1 << 16]);
/// frame.publish();
/// assert_eq!(reader.load_boxed()?.number, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It stays in its thread; the writer itself can go to another one.
///
/// ```compile_fail
/// # let (mut writer, _reader) = ringway::seqlock::in_process::<u64>()?;
/// let mut draft = writer.draft();
/// std::thread::scope(|scope| scope.spawn(|| draft.write(&1)).join().unwrap());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a draft is stored by `publish`"]
pub struct Draft<'w, T: Message> {
    writer: &'w mut Writer<T>,
    /// The slot of the value, which the writer has begun.
    slot: u32,
    /// Not `Send`: that the latest value's number is stored before these bytes is by a fence, which orders no stores but those
    /// that this thread makes after it.
    one_thread: PhantomData<*mut ()>,
}

impl<'w, T: Message> Draft<'w, T> {
    #[inline]
    pub(super) fn new(writer: &'w mut Writer<T>) -> Self {
        const {
            assert!(
                !T::CHECKED,
                "only a plain message can be written in place: use `store` for a checked one"
            )
        }
        let slot = writer.begin();
        Self { writer, slot, one_thread: PhantomData }
    }

    /// Writes the whole value.
    #[inline]
    pub fn write(&mut self, value: &T) {
        self.write_at(0, value);
    }

    /// Writes one field, or element, at so many bytes from the start of the value: see [`std::mem::offset_of`].
    ///
    /// # Panics
    ///
    /// If it does not lie within the value.
    #[inline]
    #[track_caller]
    pub fn write_at<F: Message>(&mut self, offset: usize, field: &F) {
        self.write_bytes(offset, bytes_of(field));
    }

    /// Writes some bytes, at so many from the start of the value.
    ///
    /// # Panics
    ///
    /// If they do not lie within the value.
    #[inline]
    #[track_caller]
    pub fn write_bytes(&mut self, offset: usize, bytes: &[u8]) {
        slots::write_part::<T>(self.writer.place(), self.slot, offset, bytes);
    }

    /// Copies some bytes of what is written so far, from so many from the start of the value.
    ///
    /// # Panics
    ///
    /// If they do not lie within the value.
    #[inline]
    #[track_caller]
    pub fn read_bytes(&self, offset: usize, bytes: &mut [u8]) {
        slots::read_part::<T>(self.writer.place(), self.slot, offset, bytes);
    }

    /// Copies the latest value into this one; if there is none, zeros.
    ///
    /// ```
    /// let (mut writer, reader) = ringway::seqlock::in_process::<[u64; 512]>()?;
    /// writer.store([1; 512]);
    /// let mut draft = writer.draft();
    /// draft.copy_latest(); // and then only what changes
    /// let mut first = [0; 8];
    /// draft.read_bytes(0, &mut first);
    /// draft.write_at(0, &(u64::from_ne_bytes(first) + 1));
    /// draft.publish();
    /// assert_eq!(reader.load()?[..2], [2, 1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn copy_latest(&mut self) {
        /// Bytes that are copied at a time.
        const AT_A_TIME: usize = 4096;
        let (mut bytes, latest) = ([0; AT_A_TIME], self.writer.latest_slot());
        for offset in (0..size_of::<T>()).step_by(AT_A_TIME) {
            let bytes = &mut bytes[..AT_A_TIME.min(size_of::<T>() - offset)];
            if let Some(latest) = latest {
                slots::read_part::<T>(self.writer.place(), latest, offset, bytes);
            }
            slots::write_part::<T>(self.writer.place(), self.slot, offset, bytes);
        }
    }

    /// Stores the value: from here on it is the latest.
    #[inline]
    pub fn publish(self) {
        crate::sync::crash_point("draft.before-publish");
        self.writer.publish();
    }
}

impl<T: Message> fmt::Debug for Draft<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").finish_non_exhaustive()
    }
}
