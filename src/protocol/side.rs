//! What a channel asks of either side of a ring, whatever the ring is: the verbs of the algorithms.

use super::ring::{Blocked, Corruption, Position, Ring};

/// The sending side's private state.
pub trait SendSide: Sized {
    /// Starts as the holder of record `index`, whose lock the caller has.
    ///
    /// # Errors
    ///
    /// If the shared words do not belong to one ring.
    fn resume(ring: &Ring<'_>, index: u32) -> Result<Self, Corruption>;

    /// Claims one slot if that is quickly done, without a word about why not.
    fn claim_one(&mut self, ring: &Ring<'_>) -> bool;

    /// Claims up to `want` slots, at least 1; how many. What was claimed before and not filled comes first.
    ///
    /// # Errors
    ///
    /// `NotReady` if the ring is full.
    fn claim(&mut self, ring: &Ring<'_>, want: u32) -> Result<u32, Blocked>;

    /// Whether [`claim`](Self::claim) would claim a slot, without claiming one. Another may be faster.
    ///
    /// # Errors
    ///
    /// As `claim`.
    fn peek(&mut self, ring: &Ring<'_>) -> Result<(), Blocked>;

    /// The slot that the next message goes to. It may be written after a claim.
    fn slot(&self) -> u32;

    /// The slot that many messages after [`slot`](Self::slot), if it seems to be ready for this side: a hint, for fetching its
    /// lines.
    fn ahead(&mut self, ring: &Ring<'_>, distance: u32) -> Option<u32>;

    /// The message in [`slot`](Self::slot) is complete; on to the next one. Of a sole side, whether a lap begins.
    fn fill(&mut self, ring: &Ring<'_>) -> bool;

    /// Everything that was filled is published.
    fn commit(&mut self, ring: &Ring<'_>);

    /// Nothing is going to be written into the slots that are claimed.
    fn abandon(&mut self, ring: &Ring<'_>);

    /// Where this side is.
    fn position(&self) -> Position;

    /// Messages that are in the ring, as far as this side knows by looking now.
    fn in_flight(&self, ring: &Ring<'_>) -> u64;
}

/// The receiving side's private state.
pub trait RecvSide: Sized {
    /// Starts as the holder of record `index`, whose lock the caller has.
    ///
    /// # Errors
    ///
    /// If the shared words do not belong to one ring.
    fn resume(ring: &Ring<'_>, index: u32) -> Result<Self, Corruption>;

    /// Claims one message if that is quickly done, without a word about why not.
    fn poll_one(&mut self, ring: &Ring<'_>) -> bool;

    /// Claims up to `want` messages, at least 1; how many. What was claimed before and not taken comes first.
    ///
    /// # Errors
    ///
    /// `NotReady` if the ring is empty.
    fn poll(&mut self, ring: &Ring<'_>, want: u32) -> Result<u32, Blocked>;

    /// Whether [`poll`](Self::poll) would claim a message, without claiming one. Another may be faster; and where there
    /// are gaps, or messages that others gave up, there may be none after all.
    ///
    /// # Errors
    ///
    /// As `poll`.
    fn peek(&mut self, ring: &Ring<'_>) -> Result<(), Blocked>;

    /// The slot of the next message. It may be read after a poll.
    fn slot(&self) -> u32;

    /// The slot that many messages after [`slot`](Self::slot), if it seems to be ready for this side: a hint, for fetching its
    /// lines.
    fn ahead(&mut self, ring: &Ring<'_>, distance: u32) -> Option<u32>;

    /// How often the next message may have been received before.
    fn redelivered(&self) -> u32;

    /// The message in [`slot`](Self::slot) has been read; on to the next one. Of a sole side, whether a lap has begun
    /// since the one before was taken.
    fn take(&mut self, ring: &Ring<'_>) -> bool;

    /// Everything that was taken is given back.
    fn release(&mut self, ring: &Ring<'_>);

    /// The messages that are claimed and were not taken are for others.
    fn abandon(&mut self, ring: &Ring<'_>);

    /// Whether everything that was claimed, by whomever, has been given back, so that nothing can be delivered
    /// again.
    fn drained(&mut self, ring: &Ring<'_>) -> bool;

    /// Where this side is.
    fn position(&self) -> Position;

    /// Messages that are in the ring, as far as this side knows by looking now.
    fn in_flight(&self, ring: &Ring<'_>) -> u64;
}
