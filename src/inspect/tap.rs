//! The messages of a channel as they pass.

use std::fmt;

use super::Observer;
use super::check::{Finding, damage, wrong_sequence};
use crate::protocol::observe::Progress;
use crate::protocol::roster::{Locks as _, Presence, Side, observe};
use crate::protocol::seqlock::MOST_VALUES;
use crate::protocol::tap::{self, Step};

/// So many messages in turn may be lost to the senders while they are copied, before a look ends with nothing.
const ATTEMPTS: u32 = 64;
/// At so many cells a look looks, if there is nothing new in them.
const CELLS: u32 = 1 << 14;

/// Looks at the messages of a channel as they pass, or at the values of cells as they change, without taking them.
///
/// Like an [`Observer`] it only reads, and nobody notices it: it stores nothing, and nobody waits for it. So it misses what it
/// does not come to look at in time, and counts that: a message can be had until the sender comes to its slot again, which is a
/// lap of the channel later, less what the sender writes at once. Every message that it hands out is whole.
///
/// ```
/// use ringway::inspect::{Observer, Tap};
/// use ringway::spsc;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let name = &format!("doc-tap-{}", std::process::id());
/// let channel = spsc::channel::<u64>(name).capacity(8);
/// let (mut sender, mut receiver) = (channel.clone().sender()?, channel.receiver()?);
/// sender.send(6)?;
///
/// let mut tap = Tap::new(Observer::open(name)?);
/// sender.send(7)?;
/// let passed = tap.look()?.expect("it was sent a moment ago");
/// assert_eq!((passed.number, passed.bytes), (1, &7_u64.to_ne_bytes()[..]));
/// assert!(tap.look()?.is_none());
/// assert_eq!(tap.missed(), 0);
/// // The receiver has lost nothing.
/// assert_eq!((receiver.recv()?, receiver.recv()?), (6, 7));
/// # Ok(()) }
/// ```
pub struct Tap {
    observer: Observer,
    place: Place,
    missed: u64,
    /// Missed since something was handed out.
    before: u64,
    bytes: Vec<u8>,
}

enum Place {
    /// `early`: what is missed was there before it began.
    Ring { tap: tap::Tap, early: bool },
    /// How many values of each cell have passed, which one is looked at next, and at how many in turn there was nothing new.
    Cells { seen: Vec<u64>, next: u32, idle: u32 },
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap")
            .field("observer", &self.observer)
            .field("missed", &self.missed)
            .finish_non_exhaustive()
    }
}

/// A message that passed, or a value that was stored.
///
/// ```
/// use ringway::inspect::{Observer, Tap};
/// use ringway::spsc;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let name = &format!("doc-passed-{}", std::process::id());
/// let mut sender = spsc::channel::<u64>(name).sender()?;
/// let mut tap = Tap::new(Observer::open(name)?);
/// sender.send(7)?;
/// let passed = tap.look()?.expect("it was sent");
/// assert_eq!((passed.number, passed.missed, passed.bytes), (0, 0, &7_u64.to_le_bytes()[..]));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Passed<'t> {
    /// In which cell; `None` of a channel.
    pub cell: Option<u32>,
    /// Its position in the channel, from 0; of a cell the number of the value, from 1.
    pub number: u64,
    /// How many were missed just before it; of a cell, values of that cell.
    pub missed: u64,
    /// Its bytes, as [`Observer::schema`] describes them. They may be no value of the type: nobody has checked them.
    pub bytes: &'t [u8],
}

impl Tap {
    /// Begins with what is sent, or stored, from now on.
    pub fn new(observer: Observer) -> Self {
        Self::begin(observer, false)
    }

    /// Begins with the oldest message that is still there, received or not; of cells with the latest values.
    ///
    /// ```
    /// use ringway::inspect::{Observer, Tap};
    /// use ringway::spsc;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let name = &format!("doc-tap-oldest-{}", std::process::id());
    /// let mut sender = spsc::channel::<u64>(name).capacity(8).sender()?;
    /// sender.send_batch(&[6, 7])?;
    /// let mut tap = Tap::from_oldest(Observer::open(name)?);
    /// let mut numbers = Vec::new();
    /// while let Some(passed) = tap.look()? {
    ///     numbers.push(passed.number);
    /// }
    /// assert_eq!(numbers, [0, 1]);
    /// # Ok(()) }
    /// ```
    pub fn from_oldest(observer: Observer) -> Self {
        Self::begin(observer, true)
    }

    fn begin(observer: Observer, oldest: bool) -> Self {
        let (segment, back) = (&observer.segment, u64::from(oldest));
        let place = if segment.kind().is_ring() {
            let ring = segment.any_ring();
            let sent = Progress::of(&ring).tail;
            let position = sent.saturating_sub(back * u64::from(ring.capacity));
            Place::Ring { tap: tap::Tap::at(&ring, position), early: oldest }
        } else {
            let seen = |cell| segment.cell(cell).version().saturating_sub(back);
            Place::Cells { seen: (0..segment.capacity()).map(seen).collect(), next: 0, idle: 0 }
        };
        let bytes = vec![0; if segment.kind().is_ring() { segment.shape().message_size as usize } else { 0 }];
        Self { observer, place, missed: 0, before: 0, bytes }
    }

    /// What it looks into.
    pub fn observer(&self) -> &Observer {
        &self.observer
    }

    /// How many messages, or values, it has missed since it began. Of a channel with several senders, places that were
    /// given up before anything was sent may be among them.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// The next message, or value, if there is one; `None` if there is none, or senders are faster than it can copy. Of many
    /// cells it looks at some at a time: see [`has_come_round`](Self::has_come_round).
    ///
    /// # Errors
    ///
    /// A word has a value that nobody writes who follows the protocol: it cannot go on from there.
    pub fn look(&mut self) -> Result<Option<Passed<'_>>, Finding> {
        let found = match &mut self.place {
            Place::Ring { .. } => self.look_at_ring()?.map(|number| (None, number)),
            Place::Cells { .. } => self.look_at_cells()?.map(|(cell, number)| (Some(cell), number)),
        };
        let Some((cell, number)) = found else { return Ok(None) };
        let missed = std::mem::take(&mut self.before);
        Ok(Some(Passed { cell, number, missed, bytes: &self.bytes }))
    }

    fn look_at_ring(&mut self) -> Result<Option<u64>, Finding> {
        let Place::Ring { tap, early } = &mut self.place else { return Ok(None) };
        let segment = &self.observer.segment;
        let ring = segment.any_ring();
        for _ in 0..ATTEMPTS {
            let step = tap.begin(&ring).map_err(|corruption| damage(&ring, corruption))?;
            let missed = match step {
                Step::NotYet => {
                    *early = false;
                    return Ok(None);
                }
                Step::Missed(missed) => missed,
                Step::Copy(slot) => {
                    segment.copy_slot(slot, &mut self.bytes);
                    match tap.accept(&ring).map_err(|corruption| damage(&ring, corruption))? {
                        Ok(position) => {
                            *early = false;
                            return Ok(Some(position));
                        }
                        Err(missed) => missed,
                    }
                }
            };
            let missed = if *early { 0 } else { missed };
            self.missed += missed;
            self.before += missed;
        }
        Ok(None)
    }

    fn look_at_cells(&mut self) -> Result<Option<(u32, u64)>, Finding> {
        let Place::Cells { seen, next, idle } = &mut self.place else { return Ok(None) };
        let cells = seen.len() as u32;
        if *idle >= cells {
            *idle = 0;
        }
        for _ in 0..cells.min(CELLS) {
            let cell = *next;
            *next = (cell + 1) % cells;
            let (version, before) = (self.observer.version(cell), &mut seen[cell as usize]);
            if version < *before || version > MOST_VALUES {
                return Err(wrong_sequence(cell, version, *before));
            }
            *idle += 1;
            if version == *before {
                continue;
            }
            if let Ok(Some((number, value))) = self.observer.value(cell) {
                *idle = 0;
                self.before = number.saturating_sub(*before + 1);
                self.missed = self.missed.saturating_add(self.before);
                *before = number;
                self.bytes = value;
                return Ok(Some((cell, number)));
            }
        }
        Ok(None)
    }

    /// Whether there was nothing in any cell that was new and could be copied, by the [looks](Self::look) that have found nothing
    /// in turn: each looks at 16,384 of them. The next look begins a new round. Of a channel one look that finds nothing is enough.
    ///
    /// ```
    /// use ringway::inspect::{Observer, Tap};
    /// use ringway::seqlock;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let name = &format!("doc-tap-round-{}", std::process::id());
    /// let table = seqlock::table::<u64>(name).cells(20_000);
    /// let mut writer = table.writer(19_999)?;
    /// let mut tap = Tap::new(Observer::open(name)?);
    /// writer.store(7);
    /// // There may be one, as long as it has not come round.
    /// assert!(tap.look()?.is_none() && !tap.has_come_round());
    /// assert_eq!(tap.look()?.and_then(|passed| passed.cell), Some(19_999));
    /// # Ok(()) }
    /// ```
    pub fn has_come_round(&self) -> bool {
        match &self.place {
            Place::Ring { .. } => true,
            Place::Cells { seen, idle, .. } => *idle as usize >= seen.len(),
        }
    }

    /// Passes over messages, as missed, so that no more than `most` of those that were sent are to come. Nothing of cells.
    ///
    /// ```
    /// use ringway::inspect::{Observer, Tap};
    /// use ringway::spsc;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let name = &format!("doc-tap-catch-up-{}", std::process::id());
    /// let mut sender = spsc::channel::<u64>(name).capacity(8).sender()?;
    /// let mut tap = Tap::new(Observer::open(name)?);
    /// sender.send_batch(&[5, 6, 7])?;
    /// tap.catch_up(1);
    /// let passed = tap.look()?.expect("the last one");
    /// assert_eq!((passed.number, passed.missed), (2, 2));
    /// # Ok(()) }
    /// ```
    pub fn catch_up(&mut self, most: u64) {
        if let Place::Ring { tap, .. } = &mut self.place {
            let missed = tap.catch_up(&self.observer.segment.any_ring(), most);
            self.missed += missed;
            self.before += missed;
        }
    }

    /// Whether a sender, or writer, is there, by the kernel's word: a system call for each that says so.
    ///
    /// ```
    /// use ringway::inspect::{Observer, Tap};
    /// use ringway::spsc;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let name = &format!("doc-tap-sender-{}", std::process::id());
    /// let sender = spsc::channel::<u64>(name).sender()?;
    /// let tap = Tap::new(Observer::open(name)?);
    /// assert!(tap.has_sender());
    /// drop(sender);
    /// assert!(!tap.has_sender());
    /// # Ok(()) }
    /// ```
    pub fn has_sender(&self) -> bool {
        has_sender(&self.observer)
    }

    /// Passes over a place that a sender had claimed when it was killed; whether there was one. Those who take part do so
    /// after a while; where nobody does any more, nothing that comes behind it is seen before this is called. While a sender
    /// [is there](Self::has_sender) it does nothing.
    ///
    /// ```
    /// use ringway::inspect::{Observer, Tap};
    /// use ringway::mpsc;
    ///
    /// # let name = &format!("doc-tap-hole-{}", std::process::id());
    /// let mut sender = mpsc::channel::<u64>(name).sender()?;
    /// let mut tap = Tap::new(Observer::open(name)?);
    /// let loan = sender.loan()?; // claimed, and not sent yet
    /// assert!(tap.look()?.is_none());
    /// while !tap.has_sender() && tap.pass_hole() {} // the sender lives, so it is waited for
    /// loan.write(7).publish();
    /// assert_eq!(tap.look()?.map(|passed| passed.number), Some(0));
    /// assert_eq!(tap.observer().name(), name);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pass_hole(&mut self) -> bool {
        let Self { observer, place, .. } = self;
        let Place::Ring { tap, .. } = place else { return false };
        tap.pass_hole(&observer.segment.any_ring(), || has_sender(observer))
    }
}

fn has_sender(Observer { segment, locks, .. }: &Observer) -> bool {
    let mut records = segment.senders().iter().zip(0..);
    records.any(|(record, index)| observe(record, &locks.lock(Side::Sending, index)) == Presence::Live)
}
