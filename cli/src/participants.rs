//! Who takes part in a channel, in words, and who waits for whom.

use ringway::Departure;
use ringway::channel::Peer;
use ringway::inspect::{Observer, Participant, Snapshot};

use crate::output::alive;

/// So many of a side are shown: as many as a channel can have, but not as many as cells.
pub(crate) const MOST: usize = 254;

/// Both sides, each with what its participants are called.
pub(crate) fn roles(is_ring: bool, snapshot: &Snapshot) -> [(&'static str, &[Participant]); 2] {
    let sender = if is_ring { "sender" } else { "writer" };
    [(sender, &snapshot.senders), ("receiver", &snapshot.receivers)]
}

/// `sender 2`.
pub(crate) fn name(role: &str, participant: &Participant) -> String {
    format!("{role} {}", participant.index)
}

/// In a word.
pub(crate) fn state(peer: &Peer) -> &'static str {
    match peer {
        Peer::Awaited => "awaited",
        Peer::Attached { .. } => "alive",
        Peer::Gone { departure: Departure::Left, .. } => "left",
        Peer::Gone { departure: Departure::Died, .. } => "died",
    }
}

/// Its process, as its own pid namespace counts.
pub(crate) fn pid(peer: &Peer) -> Option<u64> {
    match *peer {
        Peer::Awaited => None,
        Peer::Attached { pid, .. } | Peer::Gone { pid, .. } => Some(pid),
    }
}

/// Whether they may sleep while they wait, in a word.
pub(crate) fn parking(observer: &Observer) -> String {
    format!("{:?}", observer.parking()).to_lowercase()
}

/// What those who take part wait for, and for whom: a sentence each. Nobody waits on a side on which nobody lives.
pub(crate) fn waits(is_ring: bool, capacity: u64, snapshot: &Snapshot) -> Vec<String> {
    let mut said = Vec::new();
    let (senders, receivers) = (alive(&snapshot.senders) > 0, alive(&snapshot.receivers) > 0);
    if let Some(holes) = snapshot.holes.filter(|_| receivers)
        && let Some(owner) = claimant(&snapshot.senders, holes.first)
    {
        let wait = if holes.first == snapshot.received { "wait for" } else { "get as far as" };
        let has = match owner.peer {
            Peer::Gone { departure: Departure::Died, .. } => "had claimed when it was killed",
            _ => "has claimed and not sent",
        };
        said.push(format!(
            "receivers {wait} message {}, which {} {has}",
            holes.first,
            whole("sender", owner)
        ));
    }
    // What lay in its slot a lap before.
    let before = snapshot.sent.checked_sub(capacity).filter(|_| is_ring && senders);
    if let Some(before) = before
        && let Some(owner) = claimant(&snapshot.receivers, before)
    {
        let has = match owner.peer {
            Peer::Gone { departure: Departure::Died, .. } => "had received when it was killed",
            _ => "has received and not given back",
        };
        said.push(format!("senders wait for message {before}, which {} {has}", whole("receiver", owner)));
    }
    let sleepers = [
        ("senders", "there is room", snapshot.senders_sleep && senders),
        // Readers of cells take no part.
        ("receivers", "something new is there", snapshot.receivers_sleep && is_ring && receivers),
        ("readers", "something new is there", snapshot.receivers_sleep && !is_ring),
    ];
    for (who, until, _) in sleepers.into_iter().filter(|(_, _, sleep)| *sleep) {
        said.push(format!("{who} may be asleep until {until}"));
    }
    said
}

/// Whose claim begins with that message: what it has done before is no part of it any more.
fn claimant(side: &[Participant], position: u64) -> Option<&Participant> {
    side.iter().find(|one| one.claimed.is_some_and(|claimed| claimed.first == position))
}

/// `sender 2 (process 123)`.
fn whole(role: &str, participant: &Participant) -> String {
    let process = pid(&participant.peer).map(|pid| format!(" (process {pid})")).unwrap_or_default();
    name(role, participant) + &process
}
