//! The channels, whatever their kind: the types behind the aliases in [`spsc`], [`mpsc`], [`spmc`] and [`mpmc`].
//!
//! The only layer that sees bytes, types, protocols and waiting at once.
//!
//! ```
//! use ringway::channel::{Kind, Receiver};
//!
//! fn sum<K: Kind>(receiver: &mut Receiver<u64, K>) -> u64 {
//!     receiver.try_iter().sum()
//! }
//! # let ((mut one, mut receiver), (mut many, mut other)) = (ringway::spsc::in_process(8)?, ringway::mpmc::in_process(8)?);
//! one.send_batch(&[1, 2])?;
//! many.send_batch(&[3, 4])?;
//! assert_eq!((sum(&mut receiver), sum(&mut other)), (3, 7));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "async")]
mod asynchronous;
mod blocking;
mod builder;
mod error;
mod health;
mod iter;
mod kind;
mod loan;
mod member;
pub mod mpmc;
pub mod mpsc;
mod open;
mod open_error;
mod options;
mod payload;
mod peer;
#[cfg(feature = "async")]
mod ready_fd;
mod receiver;
mod receiving;
mod role;
mod select;
mod sender;
mod sending;
pub mod seqlock;
mod slots;
mod source;
pub mod spmc;
pub mod spsc;
mod tally;
mod trace;
pub mod untyped;
mod waits;

#[cfg(test)]
mod tests;

pub use crate::protocol::gate::Parking;
pub use crate::protocol::ring::OnReceiverDeath;
#[cfg(feature = "async")]
pub use asynchronous::{NewerFuture, RecvFuture, RecvStream, SelectFuture, SendFuture, SendSink};
pub use builder::Channel;
pub use error::{
    Broken, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};
pub use health::Health;
pub use iter::{Iter, TryIter};
pub use kind::{
    ChoosesOnReceiverDeath, Kind, Mpmc, Mpsc, SharedReceivers, SharedSenders, SoleReceivers, SoleSenders,
    Spmc, Spsc,
};
pub use loan::{Draft, Lease, Loan};
pub use open_error::Error;
pub use peer::{Departure, Peer, Predecessor};
#[cfg(feature = "async")]
pub use ready_fd::ReadyFd;
pub use receiver::Receiver;
pub use select::Select;
pub use sender::Sender;
pub use source::Source;
