//! What participants count, and the short way to see it.

use std::time::{Duration, SystemTime};

use super::{Observer, Snapshot};
use crate::channel::{Channel, Kind};
use crate::protocol::counters::Counts;
use crate::{Error, Message};

/// What a participant has counted since it came, in its own words: nobody checks them. Each is right by itself, and they need
/// not fit together while it goes on.
///
/// ```
/// use ringway::{inspect::Observer, spsc};
/// # let name = &format!("doc-counters-{}", std::process::id());
/// let mut tx = spsc::channel::<u64>(name).sender()?;
/// tx.send_batch(&[1, 2, 3])?;
/// match Observer::open(name)?.snapshot().senders[0].counters {
///     Some(counters) => assert_eq!((counters.messages, counters.bytes), (3, 24)),
///     None => println!("built without the feature `counters`"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Messages that it sent, or received. Where its side is shared up to 1023 may be missing while it goes on.
    pub messages: u64,
    /// Bytes of these messages.
    pub bytes: u64,
    /// How often it published messages, or gave back their slots: once for each call, or batch. While it goes on up to 1023 may
    /// be missing; of a sole side as many as make 1023 messages and a lap, which is as many as the channel holds.
    pub batches: u64,
    /// Looks that ended with nothing since the channel was full, or empty: of a `try_` call, of a call that is out of time, of
    /// a task.
    pub refused: u64,
    /// The most messages that it saw in the channel. It looks where it stores its sums, after the first 8192 messages once in as
    /// many, or in a lap if that is longer, and a sender when it is full.
    pub highest_fill: u64,
    /// How often it slept until there was something.
    pub sleeps: u64,
    /// How often it woke others who slept.
    pub wakes: u64,
    /// How often it repaired what a participant that was killed had left. Where neither side is shared there is nothing to
    /// repair.
    pub repairs: u64,
    /// Messages it received that may have been received before. Not known where neither side is shared.
    pub redelivered: u64,
    /// When it last did something, as far as is known. It looks at the clock where it stores its sums: with each 1024th message,
    /// or of a sole side at the end of a lap or a batch with 1024 or more of them, a receiver with its next call; when it looks
    /// at nothing and a clock of some milliseconds has ticked; before it sleeps, and when it has slept; and when it wakes somebody.
    pub active: SystemTime,
}

impl Counters {
    /// Of messages of so many bytes. `position`: of a sole side, where it is.
    pub(super) fn of(mut counts: Counts, message: u64, position: Option<u64>) -> Self {
        if let Some(position) = position {
            counts.messages = counts.messages.max(position.saturating_sub(counts.first));
        }
        let Counts { messages, batches, refused, redelivered, sleeps, wakes, active, repairs, .. } = counts;
        let highest_fill = counts.highest_fill;
        Self {
            messages,
            bytes: messages.saturating_mul(message),
            batches,
            refused,
            highest_fill,
            sleeps,
            wakes,
            repairs,
            redelivered,
            active: SystemTime::UNIX_EPOCH + Duration::from_nanos(active),
        }
    }
}

impl<T: Message, K: Kind> Channel<T, K> {
    /// How the channel is now: how full, who takes part, and what each of them has counted. Without taking part: nothing is
    /// created, stored, or removed, and a channel that the dead have left over stays so.
    ///
    /// It goes by the name alone: whatever is there is described, also if it is of another kind or type. To look more than
    /// once, [`Observer`] is opened once.
    ///
    /// ```
    /// use ringway::spsc;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let name = &format!("doc-stats-{}", std::process::id());
    /// let channel = spsc::channel::<u64>(name);
    /// let mut sender = channel.clone().sender()?;
    /// sender.send_batch(&[1, 2, 3])?;
    ///
    /// let stats = channel.stats()?;
    /// assert_eq!(stats.fill, 3);
    /// # #[cfg(feature = "counters")] {
    /// // With the feature `counters`:
    /// let counters = stats.senders[0].counters.expect("this program counts");
    /// assert_eq!((counters.messages, counters.bytes), (3, 24));
    /// # }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Observer::open`].
    pub fn stats(&self) -> Result<Snapshot, Error> {
        let (namespace, name) = self.place();
        Observer::open_in(namespace, name).map(|observer| observer.snapshot())
    }
}
