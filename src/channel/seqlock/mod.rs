//! Cells with the latest value of one writer, for any number of readers.
//!
//! ```no_run
//! use ringway::{Message, seqlock};
//!
//! #[derive(Message, Clone, Copy, Debug)]
//! #[repr(C)]
//! struct Pose { time_ns: u64, x: f64, y: f64, heading: f64 }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // One process …
//! let mut writer = seqlock::cell::<Pose>("pose").writer()?;
//! writer.store(Pose { time_ns: 1, x: 0.5, y: 2.0, heading: 0.1 });
//!
//! // … and any number of others, while it runs.
//! let reader = seqlock::cell::<Pose>("pose").reader()?;
//! println!("{:?}", reader.load()?);
//! # Ok(()) }
//! ```
//!
//! A reader only reads: its mapping is read-only, and it takes no place. To load makes no system call and waits for nobody,
//! however slow, stopped or dead the writer is: the last complete value stays readable, and an unfinished one is never
//! seen. A cell into which nothing was ever stored is [empty](LoadError::Empty), which is no value.
//!
//! The writer is exclusive: a second one is refused with the process id of the first
//! ([`Error::RoleTaken`](crate::Error)), unless the first is dead: then it takes over. It never waits for a reader.
//! [`Reader::freshness`] says whether there is a writer.
//!
//! A [`table`] has several cells under one name, each with a writer of its own; a [`keyed_table`] finds them by a key.
//!
//! Cells exist for as long as any process has them open, be it only to read. A forked child has not: its calls panic.

mod builder;
mod draft;
mod error;
mod freshness;
mod heap;
mod holder;
mod keyed;
mod look;
mod newer;
mod reader;
mod slots;
mod table;
mod writer;

use crate::Message;

pub use builder::{Cells, Indexed, Keyed, One};
pub use draft::Draft;
pub use error::{LoadError, TryLoadError, WaitError};
pub use freshness::Freshness;
pub use heap::{in_process, keyed_table_in_process, table_in_process};
pub use keyed::{Entry, KeyedReader, KeyedWriter};
pub use newer::Newer;
pub use reader::Reader;
pub use table::TableReader;
pub use writer::Writer;

/// A named cell that is about to be opened.
pub type Cell<T> = Cells<T, One>;
/// A named table of cells that is about to be opened.
pub type Table<T> = Cells<T, Indexed>;
/// A named table of cells with keys that is about to be opened.
pub type KeyedTable<K, T> = Cells<T, Keyed<K>>;

/// The cell of values `T` with this name, any non-empty string without NUL: [`Cells`] shows one.
pub fn cell<T: Message>(name: &str) -> Cell<T> {
    Cells::new(name)
}

/// The table of values `T` with this name, by index: [`Cells`] shows one.
pub fn table<T: Message>(name: &str) -> Table<T> {
    Cells::new(name)
}

/// The table of values `T` with this name, by keys `K`: [`Cells`] shows one.
pub fn keyed_table<K: Message, T: Message>(name: &str) -> KeyedTable<K, T> {
    Cells::new(name)
}
