//! The same cells on the heap, for threads of one process.

use std::sync::Arc;

use super::keyed::{KeyedReader, KeyedWriter};
use super::reader::Reader;
use super::table::{TableReader, number};
use super::writer::Writer;
use crate::channel::open;
use crate::channel::options::EndpointOptions;
use crate::segment::{HeldCell, Key, Kind, Locks, Segment};
use crate::{Error, Message};

fn new<T: Message>(kind: Kind, key: Option<Key>, cells: usize) -> Result<(Segment, Arc<Locks>), Error> {
    let segment = open::cells_in_process::<T>(kind, key, cells)?;
    let locks = Locks::of(&segment);
    Ok((segment, Arc::new(locks)))
}

/// A cell on the heap, for threads of this process: the same types and the same code, without a name. The reader can be
/// cloned.
///
/// ```
/// use ringway::seqlock;
///
/// let (mut writer, reader) = seqlock::in_process::<u64>()?;
/// std::thread::spawn(move || writer.store(7)).join().expect("it ends");
/// assert_eq!(reader.load()?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Map`] if there is no memory for it.
pub fn in_process<T: Message>() -> Result<(Writer<T>, Reader<T>), Error> {
    let (segment, locks) = new::<T>(Kind::Cell, None, 1)?;
    let cell = HeldCell::new(segment, 0);
    let reader = Reader::new(cell.clone(), Arc::clone(&locks), EndpointOptions::default());
    Ok((Writer::attach(cell, locks)?, reader))
}

/// A table of at least one cell on the heap: the writer of each cell, and a reader of all, which can be cloned.
///
/// ```
/// use ringway::seqlock;
///
/// let (mut writers, reader) = seqlock::table_in_process::<u64>(2)?;
/// writers[1].store(7);
/// assert_eq!((reader.len(), reader.load(1)?), (2, 7));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Option`] if there are no cells, or too many, [`Error::Map`] if there is no memory for them.
pub fn table_in_process<T: Message>(cells: usize) -> Result<(Vec<Writer<T>>, TableReader<T>), Error> {
    let (segment, locks) = new::<T>(Kind::Table, None, cells)?;
    let cell = |index| HeldCell::new(segment.clone(), number(index));
    let writers: Result<_, Error> =
        (0..cells).map(|index| Writer::attach(cell(index), Arc::clone(&locks))).collect();
    let reader = TableReader::new(segment.clone(), Arc::clone(&locks), EndpointOptions::default());
    Ok((writers?, reader))
}

/// A table with at least one key on the heap: a writer and a reader, which can be cloned.
///
/// ```
/// use ringway::seqlock;
///
/// let (mut writer, reader) = seqlock::keyed_table_in_process::<u32, f64>(16)?;
/// writer.store(&4711, 0.5)?;
/// assert_eq!(reader.load_key(&4711)?, 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Option`] if there are no cells, or too many, [`Error::Map`] if there is no memory for them.
#[allow(clippy::type_complexity, reason = "a pair")]
pub fn keyed_table_in_process<K: Message, T: Message>(
    cells: usize,
) -> Result<(KeyedWriter<K, T>, KeyedReader<K, T>), Error> {
    let (segment, locks) = new::<T>(Kind::KeyedTable, Some(Key::of::<K>()), cells)?;
    let table = TableReader::new(segment.clone(), Arc::clone(&locks), EndpointOptions::default());
    Ok((KeyedWriter::new(segment, locks), KeyedReader::new(table)))
}
