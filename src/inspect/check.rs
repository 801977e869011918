//! What is wrong with the words of a channel whose header is whole.

use std::fmt;

use super::snapshot::Snapshot;
use crate::channel::{Departure, Peer};
use crate::protocol::key;
use crate::protocol::observe::{Progress, nonsense, tells_claims};
use crate::protocol::ring::{Corruption, Ring};
use crate::protocol::roster::Side;
use crate::protocol::seqlock::MOST_VALUES;
use crate::segment::{Kind, Segment};

/// Something that an [`Observer`](super::Observer) found that is not as it should be.
///
/// Whatever is damaged is found by those who take part, too, when they come to it, and they say so with an error.
///
/// ```
/// use ringway::inspect::{Finding, Observer};
/// # let name = &format!("doc-finding-{}", std::process::id());
/// # let sender = ringway::spsc::channel::<u64>(name).sender()?;
/// for finding in Observer::open(name)?.check() {
///     println!("{finding}");
/// #   panic!("it is well");
/// }
/// let dead = Finding::Dead { role: "sender", index: 0, pid: 4711, claimed: Some(0) };
/// let text = "the sender in record 0, process 4711, was killed, and left nothing to be repaired";
/// assert_eq!(dead.to_string(), text);
/// # drop(sender);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// A word has a value that nobody writes who follows the protocol.
    Damaged {
        /// Which word.
        part: String,
        /// What it says.
        found: String,
        /// What it should say.
        expected: String,
    },
    /// A participant was killed. What it left is repaired by those who go on, or come.
    Dead {
        /// `sender`, `receiver` or `writer`.
        role: &'static str,
        /// Its record; of cells, which cell.
        index: u32,
        /// Its process, as its own pid namespace counted.
        pid: u64,
        /// How many messages it had claimed and not gone on with; `None` where nobody can say.
        claimed: Option<u32>,
    },
    /// No process has the channel: all that had were killed. Whoever opens the name next starts anew, and a sweep
    /// removes it.
    Leftover,
}

impl std::error::Error for Finding {}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged { part, found, expected } => {
                write!(f, "{part} is damaged: found {found}, expected {expected}")
            }
            Self::Dead { role, index, pid, claimed: None } => {
                write!(f, "the {role} in record {index}, process {pid}, was killed: whoever comes next goes on where it was")
            }
            Self::Dead { role, index, pid, claimed: Some(0) } => {
                write!(f, "the {role} in record {index}, process {pid}, was killed, and left nothing to be repaired")
            }
            Self::Dead { role, index, pid, claimed: Some(claimed) } => {
                write!(f, "the {role} in record {index}, process {pid}, was killed with a claim of {claimed} messages, ")?;
                f.write_str("which whoever takes part repairs")
            }
            Self::Leftover => f.write_str(
                "no process has it any more: the next one that opens the name starts anew, and a sweep removes it",
            ),
        }
    }
}

/// What is wrong with the words, and not only by the moment of the look.
pub(super) fn words(segment: &Segment, snapshot: &Snapshot) -> Vec<Finding> {
    let mut findings = Vec::new();
    if segment.kind().is_ring() {
        ring(&segment.any_ring(), &mut findings);
    } else {
        cells(segment, &mut findings);
    }
    dead(segment, snapshot, &mut findings);
    findings
}

fn ring(ring: &Ring<'_>, findings: &mut Vec<Finding>) {
    let Progress { head, tail, is_plausible } = Progress::of(ring);
    if !is_plausible {
        findings.push(Finding::Damaged {
            part: "position".into(),
            found: format!("head {head} and tail {tail}"),
            expected: format!(
                "a tail of 0 to {} in front of the head, neither above {}",
                ring.capacity,
                ring.end()
            ),
        });
    }
    if let Some((slot, stamp, count)) = nonsense(ring) {
        findings.push(wrong_stamp(slot, format!("{stamp:#x}, and {count} such stamps")));
    }
}

fn wrong_stamp(slot: u32, found: String) -> Finding {
    Finding::Damaged {
        part: format!("the stamp of slot {slot}"),
        found,
        expected: "one that says what is in the slot, in a lap near that of the positions".into(),
    }
}

/// A word that one came upon at a position.
pub(super) fn damage(ring: &Ring<'_>, Corruption { word, found, position }: Corruption) -> Finding {
    if word == "stamp" {
        let slot = position % u64::from(ring.capacity);
        return wrong_stamp(slot as u32, format!("{found:#x} for position {position}"));
    }
    let expected = format!("{position} to {}", ring.end());
    Finding::Damaged { part: word.into(), found: found.to_string(), expected }
}

/// The sequence of a cell that had that many values before.
pub(super) fn wrong_sequence(cell: u32, found: u64, before: u64) -> Finding {
    Finding::Damaged {
        part: format!("the sequence of cell {cell}"),
        found: found.to_string(),
        expected: format!("{before} to {MOST_VALUES}"),
    }
}

fn cells(segment: &Segment, findings: &mut Vec<Finding>) {
    for index in 0..segment.capacity() {
        let place = segment.cell(index);
        let version = place.version();
        if version > MOST_VALUES {
            findings.push(wrong_sequence(index, version, 0));
        }
        if segment.kind() == Kind::KeyedTable {
            let state = key::look(place.key_state());
            if state > key::SET {
                findings.push(Finding::Damaged {
                    part: format!("the state of the key of cell {index}"),
                    found: state.to_string(),
                    expected: "0 or 1".into(),
                });
            }
        }
    }
}

fn dead(segment: &Segment, snapshot: &Snapshot, findings: &mut Vec<Finding>) {
    let is_ring = segment.kind().is_ring();
    let tells = |side| is_ring && tells_claims(&segment.any_ring(), side);
    let sides = [
        (if is_ring { "sender" } else { "writer" }, &snapshot.senders, tells(Side::Sending)),
        ("receiver", &snapshot.receivers, tells(Side::Receiving)),
    ];
    for (role, side, tells) in sides {
        for participant in side {
            if let Peer::Gone { departure: Departure::Died, pid, .. } = participant.peer {
                let claimed = tells.then(|| participant.claimed.map_or(0, |claimed| claimed.count));
                findings.push(Finding::Dead { role, index: participant.index, pid, claimed });
            }
        }
    }
}
