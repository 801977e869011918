//! One channel, looked into.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::check::{self, Finding};
use super::snapshot::Snapshot;
use crate::Error;
use crate::channel::{OnReceiverDeath, Parking};
use crate::map::{MapState, Namespace, Observed};
use crate::message::SchemaTree;
use crate::protocol::key;
use crate::segment::{Kind, Locks, Segment};

/// A channel, or cells, mapped for reading: see the [module](super).
///
/// ```
/// use ringway::map::{MapState, Namespace};
/// use ringway::{inspect::Observer, seqlock};
/// # let name = &format!("doc-observer-{}", std::process::id());
/// let mut writer = seqlock::table::<u16>(name).cells(4).writer(2)?;
/// writer.store(0x0201);
///
/// let observer = Observer::open(name)?;
/// assert_eq!((observer.schema().to_string().as_str(), observer.capacity()), ("u16 (2 bytes)", 4));
/// assert_eq!(observer.value(2)?, Some((1, vec![1, 2])), "value number 1, as bytes");
/// assert_eq!(observer.value(0)?, None);
///
/// assert_eq!((observer.creator_pid(), observer.state()?), (Some(std::process::id()), MapState::Live));
/// assert!(observer.created().is_some() && observer.key_schema().is_none());
/// assert!(Observer::open_in(&Namespace::System, name).is_err(), "it is the user's");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Observer {
    pub(super) segment: Segment,
    pub(super) locks: Locks,
    map: Arc<Observed>,
    message: SchemaTree,
    key: Option<SchemaTree>,
}

/// The writer of a cell has stored value after value, faster than one could be copied.
///
/// ```
/// use ringway::inspect::{Observer, Overtaken};
/// # let name = &format!("doc-overtaken-{}", std::process::id());
/// # let mut writer = ringway::seqlock::cell::<u16>(name).writer()?;
/// # writer.store(7);
/// match Observer::open(name)?.value(0) {
///     Ok(value) => println!("{value:?}"),
///     Err(Overtaken) => println!("{Overtaken}: perhaps later"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overtaken;

impl fmt::Display for Overtaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the writer stores values faster than they can be copied")
    }
}

impl std::error::Error for Overtaken {}

/// The key of a cell in a keyed table.
///
/// ```
/// use ringway::inspect::{CellKey, Observer};
/// use ringway::seqlock;
/// # let name = &format!("doc-cell-key-{}", std::process::id());
/// let mut writer = seqlock::keyed_table::<u16, f64>(name).cells(1).writer()?;
/// let observer = Observer::open(name)?;
/// assert_eq!(observer.key(0), CellKey::Unset);
/// writer.store(&0x0201, 0.5)?;
/// assert_eq!(observer.key(0), CellKey::Set(vec![1, 2]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CellKey {
    /// Nobody has taken the cell.
    Unset,
    /// The bytes of the key, as [`Observer::key_schema`] describes them.
    Set(Vec<u8>),
    /// The state of the cell's key is one that nobody writes: this number.
    Damaged(u64),
}

impl Observer {
    /// Looks into the channel of that name in the user's namespace.
    ///
    /// # Errors
    ///
    /// There is none, it is none, it is damaged, or this user may not read it. The error says which, and names it.
    pub fn open(name: &str) -> Result<Self, Error> {
        Self::open_in(&Namespace::User, name)
    }

    /// Looks into the channel of that name in a namespace.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_in(namespace: &Namespace, name: &str) -> Result<Self, Error> {
        let map = Arc::new(Observed::open(namespace, name).map_err(Error::Map)?);
        let (segment, message, key) =
            Segment::observe(map.clone()).map_err(|refusal| Error::refused(name, refusal))?;
        Ok(Self { locks: Locks::of(&segment), segment, map, message, key })
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.map.entry().name.as_deref().unwrap_or_default()
    }

    /// The file, in a file system that is in memory.
    pub fn path(&self) -> &Path {
        &self.map.entry().path
    }

    /// When it was created.
    pub fn created(&self) -> Option<SystemTime> {
        self.map.entry().created
    }

    /// The process that created it, which may have ended since.
    pub fn creator_pid(&self) -> Option<u32> {
        self.map.entry().creator_pid
    }

    /// Whether a process has it.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn state(&self) -> Result<MapState, Error> {
        self.map.state().map_err(Error::Map)
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.segment.kind()
    }

    /// Messages that it holds, or cells that it has.
    pub fn capacity(&self) -> u64 {
        self.segment.capacity().into()
    }

    /// The type of its messages, or values.
    pub fn schema(&self) -> &SchemaTree {
        &self.message
    }

    /// The type of its keys, if it has any.
    pub fn key_schema(&self) -> Option<&SchemaTree> {
        self.key.as_ref()
    }

    /// How many senders there may be at a time; of cells, writers.
    pub fn max_senders(&self) -> u32 {
        self.segment.max_senders()
    }

    /// How many receivers there may be at a time; 0 of cells, which any number may read.
    pub fn max_receivers(&self) -> u32 {
        self.segment.max_receivers()
    }

    /// What becomes of the messages that a receiver held when it was killed; `None` where nobody has that choice.
    pub fn on_receiver_death(&self) -> Option<OnReceiverDeath> {
        let has_choice = self.kind().is_ring() && self.kind() != Kind::Spsc;
        has_choice.then_some(self.segment.shape().terms.on_receiver_death)
    }

    /// Whether those who wait may sleep, and what that costs.
    pub fn parking(&self) -> Parking {
        self.segment.parking()
    }

    /// Bytes that it takes, without the page in front of it that has its name.
    pub fn size(&self) -> u64 {
        self.segment.size()
    }

    /// How full it is, and who is there. Takes a system call for each participant that is there, and time in proportion to
    /// the records and the messages.
    pub fn snapshot(&self) -> Snapshot {
        if self.kind().is_ring() {
            Snapshot::of_ring(&self.segment, &self.locks)
        } else {
            Snapshot::of_cells(&self.segment, &self.locks)
        }
    }

    /// What is not as it should be; of a channel that is well, nothing.
    pub fn check(&self) -> Vec<Finding> {
        let mut findings = check::words(&self.segment, &self.snapshot());
        if self.map.state().is_ok_and(|state| state == MapState::Leftover) {
            findings.push(Finding::Leftover);
        }
        findings
    }

    /// How many values were ever stored in a cell.
    ///
    /// # Panics
    ///
    /// If there is no such cell.
    pub fn version(&self, cell: u32) -> u64 {
        self.assert_cell(cell);
        self.segment.cell(cell).version()
    }

    /// The latest value of a cell with its number, from 1, as bytes that [`schema`](Self::schema) describes; `None` if
    /// there is none. The bytes may be no value of the type: nobody has checked them.
    ///
    /// # Errors
    ///
    /// The writer was faster, a thousand times.
    ///
    /// # Panics
    ///
    /// If there is no such cell.
    pub fn value(&self, cell: u32) -> Result<Option<(u64, Vec<u8>)>, Overtaken> {
        const ATTEMPTS: u32 = 1000;
        self.assert_cell(cell);
        let place = self.segment.cell(cell);
        (0..ATTEMPTS).find_map(|_| place.copy_value()).ok_or(Overtaken)
    }

    /// The key of a cell.
    ///
    /// # Panics
    ///
    /// If there is no such cell, or the cells have no keys.
    pub fn key(&self, cell: u32) -> CellKey {
        self.assert_cell(cell);
        assert!(self.key.is_some(), "{} has no keys", self.kind().with_article());
        let place = self.segment.cell(cell);
        match key::look(place.key_state()) {
            _ if key::is_set(place.key_state()) => CellKey::Set(place.copy_key()),
            0 => CellKey::Unset,
            state => CellKey::Damaged(state),
        }
    }

    fn assert_cell(&self, cell: u32) {
        assert!(!self.kind().is_ring(), "{} has no cells", self.kind().with_article());
        assert!(cell < self.segment.capacity(), "cell {cell} of {}", self.segment.capacity());
    }
}
