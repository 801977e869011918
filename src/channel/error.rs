//! What a send or a receive answers when it cannot: small, and with the message handed back.

use std::error::Error;
use std::fmt;

use super::peer::{Departure, Peer};
use crate::message::InvalidField;
use crate::protocol::ring::Corruption;
use crate::segment::INHERITED;

/// The channel can do nothing more.
///
/// ```
/// use ringway::{Broken, RecvError};
///
/// let broken = Broken::Corrupt { word: "head", found: 9, position: 4 };
/// let text = RecvError::Broken(broken).to_string();
/// assert!(text.starts_with("the channel's memory is damaged: at message 4 its head says 0x9; stop every"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Broken {
    /// Every position that the format can count has been used (2⁵⁶, or 2⁵² - 1 times the capacity if that is
    /// less): use another name.
    Exhausted,
    /// The handle was inherited by a forked child, which takes no part in the channel and does not have its memory.
    Forked,
    /// A shared word has a value that no peer that follows the protocol writes: the memory was overwritten,
    /// or the peer is not what it says. No message was touched.
    Corrupt {
        /// Which word: `head`, `tail` or `stamp`.
        word: &'static str,
        /// What it says.
        found: u64,
        /// How many messages had passed on this side.
        position: u64,
    },
}

impl From<Corruption> for Broken {
    fn from(Corruption { word, found, position }: Corruption) -> Self {
        Self::Corrupt { word, found, position }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exhausted => f.write_str("every position of the channel has been used: use another name"),
            Self::Forked => f.write_str(INHERITED),
            Self::Corrupt { word, found, position } => write!(
                f,
                "the channel's memory is damaged: at message {position} its {word} says {found:#x}; \
                 stop every process that uses it and start them again"
            ),
        }
    }
}

impl Error for Broken {}

/// Why [`try_send`](super::spsc::Sender::try_send) did not send; the message comes back.
///
/// ```
/// use ringway::{TrySendError, spsc};
/// # let (mut tx, _rx) = spsc::in_process::<u64>(1)?;
/// tx.try_send(1)?;
/// let error = tx.try_send(2).unwrap_err();
/// assert_eq!(error, TrySendError::Full(2));
/// assert_eq!(error.to_string(), "the channel is full");
/// assert_eq!(error.into_inner(), 2, "it can be sent later");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// No free slot now.
    Full(T),
    /// No free slot, and the receiver is gone.
    Disconnected(T, Departure),
    /// No slot ever again.
    Broken(T, Broken),
}

/// Why [`send`](super::spsc::Sender::send) did not send; the message comes back.
///
/// ```
/// use ringway::{Departure, SendError, spsc};
/// # let (mut tx, rx) = spsc::in_process::<u64>(1)?;
/// drop(rx);
/// tx.send(1)?; // another receiver may come for it
/// let error = tx.send(2).unwrap_err();
/// assert_eq!(error, SendError::Disconnected(2, Departure::Left));
/// assert_eq!(error.to_string(), "the channel is full and the receiver left");
/// assert_eq!(error.into_inner(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendError<T> {
    /// No free slot, and the receiver is gone.
    Disconnected(T, Departure),
    /// No slot ever again.
    Broken(T, Broken),
}

/// Why [`send_timeout`](super::spsc::Sender::send_timeout) did not send; the message comes back.
///
/// ```
/// use std::time::Duration;
/// # let (mut tx, _rx) = ringway::spsc::in_process::<u64>(1)?;
/// tx.send(1)?;
/// let error = tx.send_timeout(2, Duration::from_millis(1)).unwrap_err();
/// assert_eq!(error.to_string(), "timed out: the channel is full");
/// assert_eq!(error.into_inner(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendTimeoutError<T> {
    /// No free slot for as long as was allowed.
    Timeout(T),
    /// As `Timeout`; and what is in the way is the claim of this one participant, which lives but has not gone on
    /// with it: it may be stopped. Only a channel with a shared side can tell.
    Stalled(T, Peer),
    /// No free slot, and the receiver is gone.
    Disconnected(T, Departure),
    /// No slot ever again.
    Broken(T, Broken),
}

/// Why [`try_recv`](super::spsc::Receiver::try_recv) has no message.
///
/// ```
/// use ringway::{TryRecvError, spsc};
/// # let (tx, mut rx) = spsc::in_process::<u64>(1)?;
/// let error = rx.try_recv().unwrap_err();
/// assert_eq!(error, TryRecvError::Empty);
/// assert_eq!(error.to_string(), "the channel is empty");
/// // So it is of a batch, of which not even one message is there.
/// assert_eq!(rx.try_recv_batch(&mut Vec::new(), 10), Err(TryRecvError::Empty));
/// assert!(!rx.is_full());
/// # drop(tx);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// None there now.
    Empty,
    /// None there, and the sender is gone.
    Disconnected(Departure),
    /// The bytes of the message are no value of its type. It was dropped; the next one can be received.
    Invalid(InvalidField),
    /// None ever again.
    Broken(Broken),
}

/// Why [`recv`](super::spsc::Receiver::recv) has no message.
///
/// ```
/// use ringway::{Departure, RecvError, spsc};
/// # let (mut tx, mut rx) = spsc::in_process::<u64>(1)?;
/// tx.send(1)?;
/// drop(tx);
/// assert_eq!(rx.recv()?, 1); // first what is there
/// let error = rx.recv().unwrap_err();
/// assert_eq!(error, RecvError::Disconnected(Departure::Left));
/// assert_eq!(error.to_string(), "the channel is empty and the sender left");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvError {
    /// None there, and the sender is gone.
    Disconnected(Departure),
    /// The bytes of the message are no value of its type. It was dropped; the next one can be received.
    Invalid(InvalidField),
    /// None ever again.
    Broken(Broken),
}

/// Why [`recv_timeout`](super::spsc::Receiver::recv_timeout) has no message.
///
/// ```
/// use std::time::Duration;
/// use ringway::{RecvTimeoutError, spsc};
/// # let (tx, mut rx) = spsc::in_process::<u64>(1)?;
/// let error = rx.recv_timeout(Duration::from_millis(1)).unwrap_err();
/// assert_eq!(error, RecvTimeoutError::Timeout);
/// assert_eq!(error.to_string(), "timed out: the channel is empty");
/// let error = rx.recv_batch_timeout(&mut Vec::new(), 10, Duration::from_millis(1)).unwrap_err();
/// assert_eq!(error, RecvTimeoutError::Timeout);
/// # drop(tx);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvTimeoutError {
    /// None for as long as was allowed.
    Timeout,
    /// As `Timeout`; and what is in the way is the claim of this one participant, which lives but has not gone on
    /// with it: it may be stopped. Only a channel with a shared side can tell.
    Stalled(Peer),
    /// None there, and the sender is gone.
    Disconnected(Departure),
    /// The bytes of the message are no value of its type. It was dropped; the next one can be received.
    Invalid(InvalidField),
    /// None ever again.
    Broken(Broken),
}

impl<T> TrySendError<T> {
    /// The message that was not sent.
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(message) | Self::Disconnected(message, _) | Self::Broken(message, _) => message,
        }
    }
}

impl<T> SendError<T> {
    /// The message that was not sent; of a batch, how many messages were.
    pub fn into_inner(self) -> T {
        match self {
            Self::Disconnected(message, _) | Self::Broken(message, _) => message,
        }
    }
}

impl<T> SendTimeoutError<T> {
    /// The message that was not sent.
    pub fn into_inner(self) -> T {
        match self {
            Self::Timeout(message)
            | Self::Stalled(message, _)
            | Self::Disconnected(message, _)
            | Self::Broken(message, _) => message,
        }
    }
}

const FULL: &str = "the channel is full";
const EMPTY: &str = "the channel is empty";
const TIMEOUT: &str = "timed out";

/// Whom a side waits for.
struct Staller<'a>(&'a Peer);

impl fmt::Display for Staller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Peer::Attached { pid, .. } = self.0 else { return f.write_str("and nobody is the reason") };
        write!(f, "since process {pid} lives and has not finished what it began: let it go on, or end it")
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str(FULL),
            Self::Disconnected(_, departure) => write!(f, "{FULL} and the receiver {departure}"),
            Self::Broken(_, broken) => broken.fmt(f),
        }
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected(_, departure) => write!(f, "{FULL} and the receiver {departure}"),
            Self::Broken(_, broken) => broken.fmt(f),
        }
    }
}

impl<T> fmt::Display for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(_) => write!(f, "{TIMEOUT}: {FULL}"),
            Self::Stalled(_, peer) => write!(f, "{TIMEOUT}: {FULL}, {}", Staller(peer)),
            Self::Disconnected(_, departure) => write!(f, "{FULL} and the receiver {departure}"),
            Self::Broken(_, broken) => broken.fmt(f),
        }
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str(EMPTY),
            Self::Disconnected(departure) => write!(f, "{EMPTY} and the sender {departure}"),
            Self::Invalid(field) => field.fmt(f),
            Self::Broken(broken) => broken.fmt(f),
        }
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected(departure) => write!(f, "{EMPTY} and the sender {departure}"),
            Self::Invalid(field) => field.fmt(f),
            Self::Broken(broken) => broken.fmt(f),
        }
    }
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => write!(f, "{TIMEOUT}: {EMPTY}"),
            Self::Stalled(peer) => write!(f, "{TIMEOUT}: no message can be received, {}", Staller(peer)),
            Self::Disconnected(departure) => write!(f, "{EMPTY} and the sender {departure}"),
            Self::Invalid(field) => field.fmt(f),
            Self::Broken(broken) => broken.fmt(f),
        }
    }
}

// The message may be large and need not be printable: as in std, it is left out.
impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("Full(..)"),
            Self::Disconnected(_, departure) => write!(f, "Disconnected(.., {departure:?})"),
            Self::Broken(_, broken) => write!(f, "Broken(.., {broken:?})"),
        }
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected(_, departure) => write!(f, "Disconnected(.., {departure:?})"),
            Self::Broken(_, broken) => write!(f, "Broken(.., {broken:?})"),
        }
    }
}

impl<T> fmt::Debug for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(_) => f.write_str("Timeout(..)"),
            Self::Stalled(_, peer) => write!(f, "Stalled(.., {peer:?})"),
            Self::Disconnected(_, departure) => write!(f, "Disconnected(.., {departure:?})"),
            Self::Broken(_, broken) => write!(f, "Broken(.., {broken:?})"),
        }
    }
}

impl<T> Error for TrySendError<T> {}
impl<T> Error for SendError<T> {}
impl<T> Error for SendTimeoutError<T> {}
impl Error for TryRecvError {}
impl Error for RecvError {}
impl Error for RecvTimeoutError {}
