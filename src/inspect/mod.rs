//! Looking into a channel without taking part: what it is, how full, who is there, and whether it is whole.
//!
//! An [`Observer`] maps the memory of a channel for reading. It knows no type: the segment says what it holds. It takes no
//! place among the participants, holds no lock and stores nothing, so that nobody notices it, and what the dead have
//! left behind stays as it was. What it says was so a moment ago. A [`Tap`] looks at the messages as they pass, in the same way.
//!
//! ```
//! use ringway::{inspect::Observer, spsc};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let name = &format!("doc-inspect-{}", std::process::id());
//! let mut sender = spsc::channel::<u64>(name).capacity(8).sender()?;
//! sender.send(7)?;
//!
//! let observer = Observer::open(name)?;
//! assert_eq!(observer.schema().to_string(), "u64 (8 bytes)");
//! let snapshot = observer.snapshot();
//! assert_eq!((snapshot.fill, snapshot.sent, snapshot.received), (1, 1, 0));
//! assert_eq!(snapshot.senders.len(), 1);
//! assert!(observer.check().is_empty());
//! # Ok(()) }
//! ```

mod check;
mod counters;
mod observer;
mod snapshot;
mod tap;

pub use crate::segment::Kind as ChannelKind;
pub use check::Finding;
pub use counters::Counters;
pub use observer::{CellKey, Observer, Overtaken};
pub use snapshot::{Claimed, Participant, Snapshot};
pub use tap::{Passed, Tap};
