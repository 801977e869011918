//! A channel as it was a moment ago.

use super::counters::Counters;
use crate::channel::Peer;
use crate::protocol::counters::Counts;
use crate::protocol::observe::{Claim, Progress, claim, holes, orphans};
use crate::protocol::repair;
use crate::protocol::ring::Position;
use crate::protocol::roster::{Identity, Locks as _, Presence, Record, Side, observe_participant};
use crate::protocol::table::is_shared;
use crate::segment::{Locks, Segment};

/// What an [`Observer`](super::Observer) saw: each part at a moment of the look, while others went on.
///
/// ```
/// use ringway::{inspect::Observer, spsc};
/// # let name = &format!("doc-snapshot-{}", std::process::id());
/// let mut tx = spsc::channel::<u64>(name).sender()?;
/// let mut rx = spsc::channel::<u64>(name).receiver()?;
/// tx.send_batch(&[1, 2, 3])?;
/// rx.recv()?;
///
/// let snapshot = Observer::open(name)?.snapshot();
/// assert_eq!((snapshot.sent, snapshot.received, snapshot.fill), (3, 1, 2));
/// assert_eq!((snapshot.senders.len(), snapshot.receivers.len()), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Messages, or of cells values, that were ever sent. Where senders are shared also such as are being written.
    pub sent: u64,
    /// Messages that were ever received. Where receivers are shared also such as are being read, and what was dropped with
    /// a claim. 0 of cells, whose readers are not counted.
    pub received: u64,
    /// Messages in the channel that nobody has received yet, and places of such as were given up before they were sent; of
    /// cells, how many have a value.
    pub fill: u64,
    /// Messages besides that were received by somebody who did not give them back, and that wait to be delivered again.
    pub orphans: u64,
    /// Who sends, or writes: every participant that there has ever been, the last one of each record.
    pub senders: Vec<Participant>,
    /// Who receives. Readers of cells take no part.
    pub receivers: Vec<Participant>,
    /// Whether a sender may be asleep until there is room. One that was killed asleep is told so until somebody wakes it.
    pub senders_sleep: bool,
    /// Whether a receiver, or a reader of a cell, may be asleep until there is something new, likewise.
    pub receivers_sleep: bool,
    /// What senders have claimed and not published: nobody gets past the first of them until its sender goes on.
    pub holes: Option<Claimed>,
    /// Messages that were dropped because sixteen receivers in turn claimed them and did not give them back.
    pub poisoned: u64,
    /// Messages that were dropped with their killed receivers.
    pub discarded: u64,
}

/// One that takes part, or took part, in a channel.
///
/// ```
/// use ringway::{Peer, inspect::Observer, mpsc};
/// # let name = &format!("doc-participant-{}", std::process::id());
/// let tx = mpsc::channel::<u64>(name).sender()?;
/// let snapshot = Observer::open(name)?.snapshot();
/// let [sender] = &snapshot.senders[..] else { panic!("there is one") };
/// assert!(matches!(sender.peer, Peer::Attached { pid, .. } if pid == u64::from(std::process::id())));
/// assert_eq!((sender.index, sender.claimed), (0, None));
/// # drop(tx);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Participant {
    /// Which of its side's records it has; of cells, which cell.
    pub index: u32,
    /// Whether it lives, by the kernel's word, and since when; or how it went. When it died is told once one of the others
    /// has found it dead, and until then as the start of the Unix epoch.
    pub peer: Peer,
    /// What it has claimed and not gone on with, if that is anything; the sender of a channel with one, and the receiver of
    /// such a one, claim without a word. One that was about to claim what another was faster to claim may be told to have it.
    pub claimed: Option<Claimed>,
    /// What it says that it has done; `None` if it does not count: its program was built without the feature
    /// `counters`, or it writes cells.
    pub counters: Option<Counters>,
}

/// Messages by their positions: the numbers that they have in their channel, from 0.
///
/// ```
/// use ringway::{inspect::Observer, mpsc};
/// # let name = &format!("doc-claimed-{}", std::process::id());
/// let mut tx = mpsc::channel::<u64>(name).sender()?;
/// tx.send(1)?;
/// let loan = tx.loan()?; // claimed, and not sent yet
/// let claimed = Observer::open(name)?.snapshot().senders[0].claimed.expect("it has one");
/// assert_eq!((claimed.first, claimed.count), (1, 1));
/// loan.write(2).publish();
/// assert_eq!(Observer::open(name)?.snapshot().holes, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claimed {
    /// The first one.
    pub first: u64,
    /// How many there are, not always one behind the other.
    pub count: u32,
}

impl From<Claim> for Claimed {
    fn from(Claim { first, count }: Claim) -> Self {
        Self { first, count }
    }
}

impl Snapshot {
    /// Of a ring.
    pub(super) fn of_ring(segment: &Segment, locks: &Locks) -> Self {
        let (ring, size) = (&segment.any_ring(), segment.shape().message_size);
        let progress = Progress::of(ring);
        let dropped = repair::dropped(ring);
        let side = |side: Side, records: &[Record]| {
            let position = (!is_shared(ring, side)).then_some(match side {
                Side::Sending => progress.tail,
                Side::Receiving => progress.head,
            });
            let counters = |counts| Counters::of(counts, size, position);
            participants(locks, side, records, counters, |index| claim(ring, side, index).map(Into::into))
        };
        let position = |position: Position| position.min(ring.end());
        Self {
            sent: position(progress.tail),
            received: position(progress.head),
            fill: progress.fill(ring).into(),
            orphans: orphans(ring, progress).into(),
            senders: side(Side::Sending, ring.senders),
            receivers: side(Side::Receiving, ring.receivers),
            senders_sleep: ring.control.gate(Side::Sending).is_watched(),
            receivers_sleep: ring.control.gate(Side::Receiving).is_watched(),
            holes: holes(ring, progress).map(Into::into),
            poisoned: dropped.poisoned,
            discarded: dropped.discarded,
        }
    }

    /// Of cells.
    pub(super) fn of_cells(segment: &Segment, locks: &Locks) -> Self {
        let versions = (0..segment.capacity()).map(|index| segment.cell(index).version());
        let (mut sent, mut fill) = (0_u64, 0);
        for version in versions {
            sent = sent.saturating_add(version);
            fill += u64::from(version > 0);
        }
        Self {
            sent,
            received: 0,
            fill,
            orphans: 0,
            senders: participants(
                locks,
                Side::Sending,
                segment.senders(),
                |counts| Counters::of(counts, 0, None),
                |_| None,
            ),
            receivers: Vec::new(),
            senders_sleep: false,
            receivers_sleep: segment.senders().iter().any(|record| record.gate.is_watched()),
            holes: None,
            poisoned: 0,
            discarded: 0,
        }
    }
}

fn participants(
    locks: &Locks,
    side: Side,
    records: &[Record],
    counters: impl Fn(Counts) -> Counters,
    claimed: impl Fn(u32) -> Option<Claimed>,
) -> Vec<Participant> {
    const LOOKS: u32 = 100;
    let all = records.iter().zip(0..).filter_map(|(record, index)| {
        let look = |_| {
            let (presence, identity, until) = observe_participant(record, &locks.lock(side, index));
            (presence, identity, until, record.counts())
        };
        // All of one holder, unless holders come and go while it looks.
        let is_of_one = |(_, identity, _, counts): &(_, Identity, _, Option<Counts>)| {
            counts.is_none_or(|counts| counts.since == identity.since)
        };
        let seen = (0..LOOKS).map(look).find(is_of_one);
        let (presence, identity, until, counts) = seen.unwrap_or_else(|| {
            let (presence, identity, until, _) = look(0);
            (presence, identity, until, None)
        });
        (presence != Presence::Never).then(|| Participant {
            index,
            peer: Peer::of(presence, identity, until),
            claimed: claimed(index),
            counters: counts.map(&counters),
        })
    });
    all.collect()
}
