//! The typed channels: the only layer that sees bytes, types, protocols and waiting at once.

mod blocking;
mod error;
mod loan;
mod open;
mod open_error;
mod options;
mod peer;
mod slots;
pub mod spsc;

#[cfg(test)]
mod tests;

pub use error::{
    Broken, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};
pub use loan::{Draft, Lease, Loan};
pub use open_error::Error;
pub use peer::{Departure, Peer, Predecessor};
