//! Cells by key.
//!
//! Where a key is looked for: from the cell `FNV-1a-64(bytes of the key) mod cells` on, cell by cell and round the end,
//! until one has this key, or none. A key that is there is never taken away, so a look that comes to a cell without a
//! key has seen all cells that the key can be in.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::draft::Draft;
use super::error::LoadError;
use super::holder::{self, Claim};
use super::slots;
use super::table::{TableReader, number};
use super::writer::Writer;
use crate::channel::member::WRITER;
use crate::channel::{open, role};
use crate::fnv::fnv1a_64;
use crate::message::bytes_of;
use crate::protocol;
use crate::protocol::ring::Corruption;
use crate::protocol::roster::{self, Presence};
use crate::segment::{HeldCell, Locks, Segment};
use crate::{Error, Message};

/// The cells to look in, in order.
fn path<K: Message>(segment: &Segment, key: &K) -> impl Iterator<Item = u32> + use<K> {
    let cells = segment.capacity();
    let first = (fnv1a_64(bytes_of(key)) % u64::from(cells)) as u32;
    (first..cells).chain(0..first)
}

/// A reader of the cells of a table with keys. What a [`TableReader`] can it can, too.
///
/// Keys are the same if their bytes are.
///
/// ```
/// use ringway::seqlock;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mut writer, reader) = seqlock::keyed_table_in_process::<[u8; 4], f64>(16)?;
/// writer.store(b"EUR\0", 1.09)?;
/// assert_eq!(reader.load_key(b"EUR\0")?, 1.09);
///
/// // Whoever loads a key again and again looks for its cell once.
/// let cell = reader.find(b"EUR\0").expect("it is there");
/// writer.store(b"EUR\0", 1.10)?;
/// assert_eq!(reader.load(cell)?, 1.10);
/// assert_eq!(reader.entries().map(|(key, _)| key).collect::<Vec<_>>(), [*b"EUR\0"]);
/// # Ok(()) }
/// ```
pub struct KeyedReader<K: Message, T: Message> {
    table: TableReader<T>,
    of: PhantomData<fn() -> K>,
}

impl<K: Message, T: Message> Clone for KeyedReader<K, T> {
    fn clone(&self) -> Self {
        Self::new(self.table.clone())
    }
}

impl<K: Message, T: Message> KeyedReader<K, T> {
    pub(super) fn new(table: TableReader<T>) -> Self {
        Self { table, of: PhantomData }
    }

    /// The cell that has this key, if one has. It stays the same for as long as the table exists.
    pub fn find(&self, key: &K) -> Option<usize> {
        let segment = self.table.segment();
        for index in path(segment, key) {
            match slots::is_key(segment.cell(index), key) {
                Some(true) => return Some(index as usize),
                Some(false) => {}
                None => return None,
            }
        }
        None
    }

    /// The key of that cell, if it has one; `None` as well if its bytes are no key.
    ///
    /// # Panics
    ///
    /// If there is no such cell.
    pub fn key(&self, index: usize) -> Option<K> {
        slots::key(self.table.segment().cell(number(index)))
    }

    /// The latest value of the cell that has this key.
    ///
    /// # Errors
    ///
    /// As [`Reader::load`](super::Reader::load); [`LoadError::Empty`] as well if no cell has the key.
    pub fn load_key(&self, key: &K) -> Result<T, LoadError> {
        self.find(key).map_or(Err(LoadError::Empty), |index| self.table.load(index))
    }

    /// Every key and the latest value of its cell, in the order of the cells.
    pub fn entries(&self) -> impl Iterator<Item = (K, Result<T, LoadError>)> + '_ {
        (0..self.len()).filter_map(|index| Some((self.key(index)?, self.load(index))))
    }
}

impl<K: Message, T: Message> Deref for KeyedReader<K, T> {
    type Target = TableReader<T>;

    fn deref(&self) -> &TableReader<T> {
        &self.table
    }
}

impl<K: Message, T: Message> fmt::Debug for KeyedReader<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedReader").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// A writer of cells by key: of each key that it has written it is the only writer, until it is dropped. Others may write
/// other keys of the same table.
///
/// ```
/// use ringway::seqlock;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mut writer, reader) = seqlock::keyed_table_in_process::<u32, [u64; 2]>(16)?;
/// writer.store(&7, [1, 1])?; // takes a cell for the key
/// let mut entry = writer.entry(&7)?; // finds it once
/// entry.update(|value| value[1] += 1)?;
/// entry.store([2, 3]);
/// assert_eq!(reader.load_key(&7)?, [2, 3]);
/// # Ok(()) }
/// ```
pub struct KeyedWriter<K: Message, T: Message> {
    segment: Segment,
    locks: Arc<Locks>,
    /// By the number of the cell.
    writers: Vec<Option<Box<Writer<T>>>>,
    of: PhantomData<fn(K)>,
}

impl<K: Message, T: Message> KeyedWriter<K, T> {
    /// One that writes nothing yet. Nobody else takes a cell of this segment by these locks.
    pub(super) fn new(segment: Segment, locks: Arc<Locks>) -> Self {
        let writers = (0..segment.capacity()).map(|_| None).collect();
        Self { segment, locks, writers, of: PhantomData }
    }

    /// Stores a value under a key. If no cell has the key yet, one gets it, and keeps it for as long as the table exists.
    /// If this writer has not written it before, it takes the role of the cell's writer: some system calls, and a wait of
    /// up to a second if somebody is stopped who is giving the cell a key.
    ///
    /// # Errors
    ///
    /// As [`entry`](Self::entry).
    pub fn store(&mut self, key: &K, value: T) -> Result<(), Error> {
        self.entry(key)?.store(value);
        Ok(())
    }

    /// The cell with this key, to be written.
    ///
    /// # Errors
    ///
    /// [`Error::RoleTaken`] if somebody else writes this key and lives; [`Error::RoleTaken`] or [`Error::RoleBusy`] if the
    /// key is new, and somebody is kept, for a second, from giving another key to the cell that it would go to;
    /// [`Error::NoFreeCell`] if it is new, and every cell has another one; [`Error::Inconsistent`] if a key that this writer
    /// writes was wiped out. The first two name the cell, as `table[3]`.
    pub fn entry(&mut self, key: &K) -> Result<Entry<'_, T>, Error> {
        let index = self.claim(key)?;
        Ok(Entry(self.writers[index as usize].as_mut().expect("what was claimed is there")))
    }

    /// Takes the role of the cell of that key, if this writer has not got it.
    fn claim(&mut self, key: &K) -> Result<u32, Error> {
        for index in path(&self.segment, key) {
            let place = self.segment.cell(index);
            let has_key = match slots::is_key(place, key) {
                // To take the role once more would give it up: the lock is this writer's already.
                None if self.writers[index as usize].is_some() => {
                    let (word, found) = ("key state", protocol::key::look(place.key_state()));
                    let corruption = Corruption { word, found, position: index.into() };
                    return Err(open::inconsistent(&self.segment, corruption));
                }
                None => self.settle(index, key)?,
                known => known,
            };
            if has_key == Some(true) {
                if self.writers[index as usize].is_none() {
                    let cell = HeldCell::new(self.segment.clone(), index);
                    let writer = Writer::of(Claim::new(cell, Arc::clone(&self.locks))?.enter())?;
                    self.writers[index as usize] = Some(Box::new(writer));
                }
                return Ok(index);
            }
        }
        let (table, cells) = (open::name(&self.segment).to_owned(), self.segment.capacity());
        Err(Error::NoFreeCell { channel: table, cells })
    }

    /// Somebody has the role of a cell that has no key, and gives it none.
    fn held_up(cell: &HeldCell) -> Error {
        let (record, channel) = (&cell.segment().senders()[cell.index() as usize], holder::name(cell));
        // Before it has said that it lives the record does not say who it is.
        match roster::glance(record) {
            Presence::Live => Error::RoleTaken { channel, role: WRITER, pid: roster::identity(record).pid },
            _ => Error::RoleBusy { channel, role: WRITER },
        }
    }

    /// Gives the key to a cell that had none, unless somebody else gives it one meanwhile; whether it has this one now.
    fn settle(&mut self, index: u32, key: &K) -> Result<Option<bool>, Error> {
        let (start, cell) = (Instant::now(), HeldCell::new(self.segment.clone(), index));
        loop {
            // The lock alone: of a cell that turns out to be another key's nobody must hear that this writer came and left.
            let claim = Claim::try_new(cell.clone(), Arc::clone(&self.locks));
            match (slots::is_key(cell.place(), key), claim) {
                (known @ Some(false), _) | (known @ Some(true), None) => return Ok(known),
                (found, Some(claim)) => {
                    let holder = claim.enter();
                    if found.is_none() {
                        slots::set_key(cell.place(), key);
                    }
                    self.writers[index as usize] = Some(Box::new(Writer::of(holder)?));
                    return Ok(Some(true));
                }
                // Whoever has the role is about to give the cell a key, or to leave.
                (None, None) if start.elapsed() >= role::NAME_PATIENCE => return Err(Self::held_up(&cell)),
                (None, None) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

impl<K: Message, T: Message> fmt::Debug for KeyedWriter<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = self.writers.iter().flatten().count();
        f.debug_struct("KeyedWriter").field("written", &written).finish_non_exhaustive()
    }
}

/// A cell of a [`KeyedWriter`]: what a [`Writer`] can do, except to be taken away.
///
/// ```
/// let (mut writer, reader) = ringway::seqlock::keyed_table_in_process::<u32, u64>(16)?;
/// let mut entry = writer.entry(&7)?;
/// entry.store_ref(&1);
/// entry.update(|value| *value += 1)?;
/// let mut draft = entry.draft();
/// draft.write(&9);
/// draft.publish();
/// assert_eq!((entry.version(), reader.load_key(&7)?), (3, 9));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Entry<'w, T: Message>(&'w mut Writer<T>);

impl<T: Message> Entry<'_, T> {
    /// As [`Writer::store`].
    #[inline]
    pub fn store(&mut self, value: T) {
        self.0.store(value);
    }

    /// As [`Writer::store_ref`].
    #[inline]
    pub fn store_ref(&mut self, value: &T) {
        self.0.store_ref(value);
    }

    /// As [`Writer::update`].
    ///
    /// # Errors
    ///
    /// As there.
    #[inline]
    pub fn update<R>(&mut self, change: impl FnOnce(&mut T) -> R) -> Result<R, LoadError> {
        self.0.update(change)
    }

    /// As [`Writer::draft`].
    #[inline]
    pub fn draft(&mut self) -> Draft<'_, T> {
        self.0.draft()
    }
}

/// What reads.
impl<T: Message> Deref for Entry<'_, T> {
    type Target = Writer<T>;

    fn deref(&self) -> &Writer<T> {
        self.0
    }
}
