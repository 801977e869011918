//! Messages in place: written in the slot they are sent from, read in the slot they arrived in.

#![allow(unsafe_code, reason = "hands out references to the slot that the side owns")]

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

use super::kind::{Kind, Spsc};
use super::slots::{RecvSlots, SendSlots, write};
use crate::message::Message;

/// A free slot, lent to its sender. Dropping it sends nothing, and gives the slot up; if it is forgotten
/// ([`std::mem::forget`]), the sender's next message goes there.
///
/// ```
/// # let (mut sender, mut receiver) = ringway::spsc::in_process::<[u64; 512]>(4)?;
/// let mut frame = sender.loan()?.recycle();
/// frame[0] = 1; // written where the receiver will read it
/// frame.publish();
/// assert_eq!(receiver.lease()?[0], 1);
///
/// // Without waiting, or not for long, of a channel that is full:
/// while let Ok(loan) = sender.try_loan() {
///     loan.recycle().publish();
/// }
/// assert!(sender.loan_timeout(std::time::Duration::from_millis(1)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a loan that is dropped sends nothing"]
pub struct Loan<'a, T: Message, K: Kind = Spsc> {
    claim: Claim<'a, T, K>,
}

/// At least one claimed slot (invariant), given up on drop.
struct Claim<'a, T: Message, K: Kind>(&'a mut SendSlots<T, K>);

impl<T: Message, K: Kind> Claim<'_, T, K> {
    /// The first claimed slot holds a message.
    #[inline]
    fn publish(self) {
        let mut claim = ManuallyDrop::new(self);
        claim.0.segment().assert_ours();
        claim.0.send_first();
    }
}

impl<T: Message, K: Kind> Drop for Claim<'_, T, K> {
    #[inline]
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl<'a, T: Message, K: Kind> Loan<'a, T, K> {
    /// The caller has claimed a slot.
    pub(super) fn new(slots: &'a mut SendSlots<T, K>) -> Self {
        Self { claim: Claim(slots) }
    }

    /// Writes the message.
    #[inline]
    pub fn write(self, message: T) -> Draft<'a, T, K> {
        self.claim.0.segment().assert_ours();
        let slot = self.claim.0.vacant();
        // SAFETY: the slot is claimed, so this side owns it.
        unsafe { write(slot, &message) };
        Draft { claim: self.claim }
    }

    /// The message that was in this slot before, to be written over: zeros at first, then whatever passed
    /// through here one lap ago. For a large message of which little changes, or that is filled by parts.
    ///
    /// Not for a checked message, whose bytes need not be a value of it: that does not compile.
    #[inline]
    pub fn recycle(self) -> Draft<'a, T, K> {
        const { assert!(!T::CHECKED, "only a plain message can be recycled: use `write` for a checked one") }
        // Every byte of a slot is initialised (`as_bytes_mut`), and any bytes are a plain `T`.
        Draft { claim: self.claim }
    }

    /// The bytes of the slot: what was there before, to be written over.
    ///
    /// ```
    /// use ringway::Message;
    ///
    /// #[derive(Message, Clone, Copy)]
    /// #[message(checked)]
    /// #[repr(C)]
    /// struct Switch { is_on: bool }
    ///
    /// let (mut tx, mut rx) = ringway::spsc::in_process::<Switch>(1)?;
    /// let mut loan = tx.loan()?;
    /// loan.as_bytes_mut().fill(1); // as it came from a file, say
    /// // SAFETY: all of it is written, and 1 is a `bool`.
    /// unsafe { loan.assume_init() }.publish();
    /// assert!(rx.recv()?.is_on);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        self.claim.0.segment().assert_ours();
        let slot = self.claim.0.vacant().cast::<u8>().as_ptr();
        // SAFETY: the slot is claimed, so this side owns it; `size_of::<T>()` bytes inside the segment; all
        // initialised, since a slot starts as zeros, messages have no padding, and nothing here can undo it.
        unsafe { std::slice::from_raw_parts_mut(slot, size_of::<T>()) }
    }

    /// The message was written through [`as_bytes_mut`](Self::as_bytes_mut). For a plain message,
    /// [`recycle`](Self::recycle) does the same and is safe.
    ///
    /// # Safety
    ///
    /// The slot holds a valid `T`.
    #[inline]
    pub unsafe fn assume_init(self) -> Draft<'a, T, K> {
        Draft { claim: self.claim }
    }
}

/// A complete message in a slot, not yet sent. Dropping it sends nothing.
///
/// Its references are as sound as those of a [`Lease`]: among peers that you do not trust, send by copy.
///
/// ```
/// # let (mut sender, mut receiver) = ringway::spsc::in_process::<[u64; 4]>(2)?;
/// let mut draft = sender.loan()?.write([0; 4]);
/// draft[3] = 7; // in its slot already, and nobody sees it yet
/// assert!(receiver.is_empty());
/// draft.publish();
/// assert_eq!(receiver.recv()?, [0, 0, 0, 7]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a draft is sent by `publish`"]
pub struct Draft<'a, T: Message, K: Kind = Spsc> {
    /// Invariant: the first claimed slot holds a `T`.
    claim: Claim<'a, T, K>,
}

impl<T: Message, K: Kind> Draft<'_, T, K> {
    /// Sends the message. No copy is made.
    #[inline]
    pub fn publish(self) {
        self.claim.publish();
    }
}

impl<T: Message, K: Kind> Deref for Draft<'_, T, K> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.claim.0.segment().assert_ours();
        // SAFETY: the slot holds a `T` (invariant), which nobody else accesses while it is claimed.
        unsafe { self.claim.0.claimed_slot().as_ref() }
    }
}

impl<T: Message, K: Kind> DerefMut for Draft<'_, T, K> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.claim.0.segment().assert_ours();
        // SAFETY: as in `deref`; `self` is borrowed mutably.
        unsafe { self.claim.0.vacant().as_mut() }
    }
}

/// A received message, lent to its receiver in the slot in which it arrived. Dropping it gives the slot back;
/// if it is forgotten ([`std::mem::forget`]), the receiver's next message is this one again.
///
/// If the process is killed while it holds a lease, the message is delivered again: to its successor, or to
/// another receiver if there may be several, unless the channel was told to
/// [discard](super::OnReceiverDeath::Discard) it. A lease that is dropped by a panic counts as received.
///
/// The reference is sound against a peer that follows the protocol, which does not write a slot before it
/// is given back. From a peer that you do not trust, receive by copy.
///
/// ```
/// use ringway::spsc;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mut tx, mut rx) = spsc::in_process::<[u64; 1000]>(2)?;
/// tx.send([7; 1000])?;
///
/// let lease = rx.lease()?; // nothing is copied
/// assert_eq!(lease.iter().sum::<u64>(), 7000);
/// assert_eq!(lease.redelivered(), 0);
/// lease.release(); // or drop it
/// assert!(rx.is_empty());
/// assert!(rx.try_lease().is_err() && rx.lease_timeout(std::time::Duration::from_millis(1)).is_err());
/// # Ok(()) }
/// ```
pub struct Lease<'a, T: Message, K: Kind = Spsc> {
    /// Invariant: at least one message is ready, and the first one is a valid `T`.
    slots: &'a mut RecvSlots<T, K>,
}

impl<'a, T: Message, K: Kind> Lease<'a, T, K> {
    /// The caller has validated the first message.
    pub(super) fn new(slots: &'a mut RecvSlots<T, K>) -> Self {
        Self { slots }
    }

    /// How often the message may have been received before, by receivers that were killed: 0 if this is the
    /// first time. Always 0 for `spsc`, which cannot tell; see [`Receiver::predecessor`] there.
    ///
    /// [`Receiver::predecessor`]: super::Receiver::predecessor
    pub fn redelivered(&self) -> u32 {
        self.slots.first_redelivered()
    }

    /// Gives the slot back. The same as dropping the lease.
    #[inline]
    pub fn release(self) {}
}

impl<T: Message, K: Kind> Deref for Lease<'_, T, K> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.slots.segment().assert_ours();
        // SAFETY: ready and a valid `T` (invariant); not released before the lease is dropped.
        unsafe { self.slots.ready_slot().as_ref() }
    }
}

impl<T: Message, K: Kind> Drop for Lease<'_, T, K> {
    #[inline]
    fn drop(&mut self) {
        crate::sync::crash_point("lease.before-release");
        if self.slots.segment().is_ours() {
            self.slots.drop_first();
        }
    }
}

impl<T: Message, K: Kind> fmt::Debug for Loan<'_, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loan").finish_non_exhaustive()
    }
}

impl<T: Message, K: Kind> fmt::Debug for Draft<'_, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").finish_non_exhaustive()
    }
}

impl<T: Message, K: Kind> fmt::Debug for Lease<'_, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}
