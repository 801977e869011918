//! How a channel is: who takes part, who died, and who keeps the others waiting.

use std::time::Duration;

use super::member::Member;
use super::peer::Peer;
use crate::protocol::ring::Ring;
use crate::protocol::roster::{Presence, Side};
use crate::protocol::{repair, table};
use crate::segment::now;

/// A channel as it was a moment ago, by the kernel's word.
///
/// ```
/// use ringway::{Departure, Peer, mpmc};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (tx, rx) = mpmc::in_process::<u64>(8)?;
/// let other = tx.clone();
/// drop(rx);
///
/// let health = tx.health();
/// assert_eq!((health.attached_senders(), health.attached_receivers()), (2, 0));
/// assert!(matches!(health.receivers[0], Peer::Gone { departure: Departure::Left, .. }));
/// assert_eq!((health.stalled, health.poisoned), (None, 0));
/// # drop(other);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The senders that are attached, and of every place that is free the last one that had it.
    pub senders: Vec<Peer>,
    /// The receivers, in the same way.
    pub receivers: Vec<Peer>,
    /// The participant that keeps others from going on: it lives, but has not gone on with a message that it
    /// began to send or to receive, and that others have to wait for. It may be stopped, or hold a
    /// [`Loan`](super::Loan) or a [`Lease`](super::Lease). Of a channel where no side is shared always `None`: there the
    /// only peer is the one.
    pub stalled: Option<Peer>,
    /// Messages that were dropped because sixteen receivers in turn claimed them and did not give them back: they were
    /// killed, or gave them up by dropping their handle in the middle. One may be missing if its counter was killed.
    pub poisoned: u64,
    /// Messages that were dropped with their killed receivers
    /// ([`OnReceiverDeath::Discard`](super::OnReceiverDeath)).
    pub discarded: u64,
}

impl Health {
    /// How many senders are attached and alive, though perhaps stopped.
    pub fn attached_senders(&self) -> usize {
        attached(&self.senders)
    }

    /// How many receivers are attached and alive, though perhaps stopped.
    pub fn attached_receivers(&self) -> usize {
        attached(&self.receivers)
    }

    /// Asks the kernel about everybody, and repairs what the dead left.
    pub(super) fn of(member: &Member) -> Self {
        let ring = member.segment().any_ring();
        member.sweep();
        let dropped = repair::dropped(&ring);
        Self {
            senders: participants(&ring, Side::Sending),
            receivers: participants(&ring, Side::Receiving),
            stalled: stalled(&ring, member),
            poisoned: dropped.poisoned,
            discarded: dropped.discarded,
        }
    }
}

/// Longer than anybody who is running takes from a claim to its end.
const A_MOMENT: Duration = Duration::from_millis(2);

fn stalled(ring: &Ring<'_>, member: &Member) -> Option<Peer> {
    let obstacles = || [Side::Sending, Side::Receiving].map(|side| repair::obstacle(ring, side));
    let before = obstacles();
    if before == [None, None] {
        return None;
    }
    std::thread::sleep(A_MOMENT);
    let stayed = before.into_iter().zip(obstacles()).filter(|(before, after)| before == after);
    let owner = |obstacle| repair::owner(ring, obstacle, Some(member.seat()), member.locks(), now());
    let identity = stayed.filter_map(|(obstacle, _)| obstacle).find_map(owner)?;
    Some(Peer::of(Presence::Live, identity, 0))
}

fn attached(side: &[Peer]) -> usize {
    side.iter().filter(|peer| matches!(peer, Peer::Attached { .. })).count()
}

fn participants(ring: &Ring<'_>, side: Side) -> Vec<Peer> {
    let peers = table::participants(ring, side);
    peers.map(|peer| Peer::of(peer.presence, peer.identity, peer.until)).collect()
}
