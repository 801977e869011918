//! Cells on their way to be opened.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::holder::Claim;
use super::keyed::{KeyedReader, KeyedWriter};
use super::reader::Reader;
use super::table::{TableReader, number};
use super::writer::Writer;
use crate::channel::options::{Opening, Options};
use crate::channel::{Parking, open};
use crate::map::{Access, Namespace};
use crate::segment::{HeldCell, Key, Kind, Locks, Segment};
use crate::{Error, Message, Wait};

/// A single cell: [`cell`](super::cell).
///
/// ```
/// use ringway::seqlock::{self, Cells, One};
///
/// let cell: Cells<f64, One> = seqlock::cell("temperature"); // not opened yet
/// let options = cell.clone(); // for a reader of the same cell
/// ```
#[derive(Clone, Copy, Debug)]
pub enum One {}

/// Cells by index: [`table`](super::table).
///
/// ```
/// use ringway::seqlock::{self, Cells, Indexed};
///
/// let table: Cells<f64, Indexed> = seqlock::table("temperatures").cells(8); // not opened yet
/// let options = table.clone(); // for a writer of another cell
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Indexed {}

/// Cells by a key of that type: [`keyed_table`](super::keyed_table).
///
/// ```
/// use ringway::seqlock::{self, Cells, Keyed};
///
/// let table: Cells<f64, Keyed<u32>> = seqlock::keyed_table("prices").cells(1000); // not opened yet
/// let options = table.clone(); // for a writer of other keys
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Keyed<K>(PhantomData<K>);

/// A named cell, or a table of cells, that is about to be opened by a writer or a reader.
///
/// Whoever comes first creates it; options that describe the cells themselves must agree.
///
/// ```
/// use ringway::seqlock;
/// # let names = ["cell", "table", "keys"].map(|what| format!("doc-cells-{what}-{}", std::process::id()));
/// # let [cell, table, keys] = names.each_ref().map(String::as_str);
/// let mut writer = seqlock::cell::<f64>(cell).writer()?;
/// let reader = seqlock::cell::<f64>(cell).open_existing().reader()?; // in another process, as a rule
/// writer.store(0.5);
/// assert_eq!(reader.load()?, 0.5);
///
/// let table = seqlock::table::<f64>(table).cells(4);
/// let mut writer = table.clone().create_new().writer(3)?; // of the last cell
/// let others = table.clone().writers(0..3)?;
/// writer.store(1.5);
/// assert_eq!(table.reader()?.load(3)?, 1.5);
///
/// let prices = seqlock::keyed_table::<[u8; 4], f64>(keys);
/// let mut writer = prices.clone().writer()?;
/// writer.store(b"EUR\0", 1.09)?;
/// assert_eq!(prices.reader()?.load_key(b"EUR\0")?, 1.09);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "cells are opened by `writer` or `reader`"]
pub struct Cells<T, A> {
    options: Options,
    of: PhantomData<fn(T, A)>,
}

impl<T, A> Clone for Cells<T, A> {
    fn clone(&self) -> Self {
        Self { options: self.options.clone(), of: PhantomData }
    }
}

impl<T, A> fmt::Debug for Cells<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cells").field("options", &self.options).finish_non_exhaustive()
    }
}

impl<T: Message, A> Cells<T, A> {
    pub(super) fn new(name: &str) -> Self {
        Self { options: Options::new(name), of: PhantomData }
    }

    /// Where the name lives. Default: [`Namespace::User`], one for each user of the machine.
    pub fn namespace(mut self, namespace: Namespace) -> Self {
        self.options.namespace = namespace;
        self
    }

    /// Permission bits of new cells, whatever the umask. Default: `0o600`, which is also the least. A writer needs to
    /// read and write, a reader to read only; see [`MapOptions::mode`](crate::map::MapOptions::mode) for what
    /// else that allows. Without effect on cells that exist.
    pub fn mode(mut self, mode: u32) -> Self {
        self.options.mode = mode;
        self
    }

    /// Brings all cells into memory before they are open, on this side: without it the first access to each page, or few
    /// pages, waits for the kernel to bring it. Default: the pages come as they are needed. Before Linux 5.14 it does nothing.
    pub fn prefault(mut self) -> Self {
        self.options.prefault = true;
        self
    }

    /// Whether those who wait may sleep, and what that costs. Default: [`Parking::Asymmetric`] for new cells, or
    /// [`Parking::Fenced`] where the kernel has no `membarrier` for it; whatever they have for ones that exist. If
    /// they exist with another choice, they are refused with [`Error::Mismatch`].
    pub fn parking(mut self, parking: Parking) -> Self {
        self.options.asked.parking = Some(parking);
        self
    }

    /// How a reader waits for a newer value. Default: [`Wait::Park`]. A writer never waits.
    pub fn wait(mut self, wait: Wait) -> Self {
        self.options.endpoint.wait = wait;
        self
    }

    /// How often a reader that waits for a newer value asks the kernel whether the writer lives. Default: 100 ms. Asking
    /// is a system call.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ringway::seqlock;
    /// # let name = &format!("doc-cells-interval-{}", std::process::id());
    /// let cell = seqlock::cell::<u64>(name).liveness_interval(Duration::from_millis(10));
    /// let reader = cell.reader()?;
    /// let error = reader.wait_newer(&mut 0, Duration::from_millis(50));
    /// assert!(error.is_err(), "nobody has ever written");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn liveness_interval(mut self, interval: Duration) -> Self {
        self.options.endpoint.liveness_interval = interval;
        self
    }

    /// Refuses cells that exist (`AlreadyExists`), instead of attaching to them.
    pub fn create_new(mut self) -> Self {
        self.options.opening = Opening::CreateNew;
        self
    }

    /// Refuses to create the cells (`NotFound`), if they do not exist.
    pub fn open_existing(mut self) -> Self {
        self.options.opening = Opening::Open;
        self
    }

    fn open(&self, kind: Kind, key: Option<Key>, access: Access) -> Result<(Segment, Arc<Locks>), Error> {
        let segment = open::named_cells::<T>(kind, key, &self.options, access)?;
        let locks = Locks::of(&segment);
        Ok((segment, Arc::new(locks)))
    }
}

impl<T: Message> Cells<T, One> {
    /// Opens the cell as its writer.
    ///
    /// # Errors
    ///
    /// See [`Error`]: each one names the cell, what was found and expected, and what to do.
    pub fn writer(self) -> Result<Writer<T>, Error> {
        let (segment, locks) = self.open(Kind::Cell, None, Access::ReadWrite)?;
        Writer::attach(HeldCell::new(segment, 0), locks)
    }

    /// Opens the cell as a reader. If it does not exist yet it is created, and its writer may come later.
    ///
    /// # Errors
    ///
    /// See [`Error`]: each one names the cell, what was found and expected, and what to do.
    pub fn reader(self) -> Result<Reader<T>, Error> {
        let (segment, locks) = self.open(Kind::Cell, None, Access::Read)?;
        Ok(Reader::new(HeldCell::new(segment, 0), locks, self.options.endpoint))
    }
}

impl<T: Message> Cells<T, Indexed> {
    /// How many cells there are, from 1 to 2²⁴. Default: 64 for a new table, whatever it has for one that exists. If the
    /// table exists with another number, it is refused with [`Error::Mismatch`].
    pub fn cells(mut self, cells: usize) -> Self {
        self.options.asked.capacity = Some(cells);
        self
    }

    /// Opens the table as the writer of one cell. The others may have writers of their own.
    ///
    /// # Errors
    ///
    /// See [`Error`]: each one names the table, what was found and expected, and what to do. [`Error::Option`] if there is
    /// no such cell.
    pub fn writer(self, index: usize) -> Result<Writer<T>, Error> {
        let mut writers = self.writers(index..index.saturating_add(1))?;
        Ok(writers.remove(0))
    }

    /// Opens the table as the writer of several cells, the first of which is the first of the answer. Each of them can be
    /// dropped, or given to another thread, by itself.
    ///
    /// # Errors
    ///
    /// As [`writer`](Self::writer). If one of the cells has a writer, none is taken, and nobody hears of it.
    pub fn writers(self, range: Range<usize>) -> Result<Vec<Writer<T>>, Error> {
        let refused = |name: &str, expected: String| {
            let (channel, found) = (name.to_owned(), format!("{range:?}"));
            Err(Error::Option { channel, option: "range", found, expected })
        };
        if range.is_empty() {
            return refused(&self.options.name, "at least one cell".to_owned());
        }
        let (segment, locks) = self.open(Kind::Table, None, Access::ReadWrite)?;
        let cells = segment.capacity() as usize;
        if range.end > cells {
            return refused(open::name(&segment), format!("cells within 0..{cells}"));
        }
        let cell = |index| HeldCell::new(segment.clone(), number(index));
        let claims = range.clone().map(|index| Claim::new(cell(index), Arc::clone(&locks)));
        let claims: Vec<_> = claims.collect::<Result<_, _>>()?;
        claims.into_iter().map(|claim| Writer::of(claim.enter())).collect()
    }

    /// Opens the table as a reader of all cells. If it does not exist yet it is created, and writers may come later.
    ///
    /// # Errors
    ///
    /// See [`Error`]: each one names the table, what was found and expected, and what to do.
    pub fn reader(self) -> Result<TableReader<T>, Error> {
        let (segment, locks) = self.open(Kind::Table, None, Access::Read)?;
        Ok(TableReader::new(segment, locks, self.options.endpoint))
    }
}

impl<K: Message, T: Message> Cells<T, Keyed<K>> {
    /// How many keys there can be, from 1 to 2²⁴. Default: 64 for a new table, whatever it has for one that exists. If the
    /// table exists with another number, it is refused with [`Error::Mismatch`]. A key is found faster where a third of
    /// the cells have none.
    pub fn cells(mut self, cells: usize) -> Self {
        self.options.asked.capacity = Some(cells);
        self
    }

    /// Opens the table as a writer of keys, one of any number: it becomes the writer of a key when it first stores under
    /// it.
    ///
    /// # Errors
    ///
    /// See [`Error`]: each one names the table, what was found and expected, and what to do.
    pub fn writer(self) -> Result<KeyedWriter<K, T>, Error> {
        let (segment, locks) = self.open(Kind::KeyedTable, Some(Key::of::<K>()), Access::ReadWrite)?;
        Ok(KeyedWriter::new(segment, locks))
    }

    /// Opens the table as a reader of all keys. If it does not exist yet it is created, and writers may come later.
    ///
    /// # Errors
    ///
    /// See [`Error`]: each one names the table, what was found and expected, and what to do.
    pub fn reader(self) -> Result<KeyedReader<K, T>, Error> {
        let (segment, locks) = self.open(Kind::KeyedTable, Some(Key::of::<K>()), Access::Read)?;
        Ok(KeyedReader::new(TableReader::new(segment, locks, self.options.endpoint)))
    }
}
