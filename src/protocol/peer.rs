//! What an empty or a full ring means when the peer is gone.
//!
//! A side that cannot go on asks for the peer *after* it found the ring empty (full), and looks at the ring
//! *once more* after it heard that the peer is gone: the peer may have published (released) between the
//! first look and its end. Everything it did is visible by then (`roster` E5, E6), so the second look is
//! final.

use super::ring::{Blocked, Ring};
use super::roster::Presence;
use super::sole::{SoleReceiver, SoleSender};
use crate::sync::mutant;

/// How the other side went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// Its handle was dropped.
    Left,
    /// Its process was killed or exited without dropping its handle.
    Died,
}

/// Why a side cannot go on, its peer considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// The ring says so and the peer is there, or has yet to come.
    Ring(Blocked),
    /// The ring says so and the peer is gone.
    Peer(Departure),
}

/// [`SoleReceiver::poll`]; `presence` is asked about the sender if the ring is empty.
///
/// # Errors
///
/// Why there is no message.
#[inline]
pub fn poll(
    receiver: &mut SoleReceiver,
    ring: &Ring<'_>,
    want: u32,
    presence: impl FnOnce() -> Presence,
) -> Result<u32, Stuck> {
    settle(|| receiver.poll(ring, want), presence)
}

/// [`SoleSender::claim`]; `presence` is asked about the receiver if the ring is full.
///
/// # Errors
///
/// Why there is no free slot.
#[inline]
pub fn claim(
    sender: &mut SoleSender,
    ring: &Ring<'_>,
    want: u32,
    presence: impl FnOnce() -> Presence,
) -> Result<u32, Stuck> {
    settle(|| sender.claim(ring, want), presence)
}

#[inline]
fn settle(
    mut look: impl FnMut() -> Result<u32, Blocked>,
    presence: impl FnOnce() -> Presence,
) -> Result<u32, Stuck> {
    match look() {
        Err(Blocked::NotReady) => {}
        answer => return answer.map_err(Stuck::Ring),
    }
    let gone = match presence() {
        Presence::Never | Presence::Live => return Err(Stuck::Ring(Blocked::NotReady)),
        Presence::Left => Departure::Left,
        Presence::Died => Departure::Died,
    };
    if mutant("no_second_look") {
        return Err(Stuck::Peer(gone));
    }
    match look() {
        Err(Blocked::NotReady) => Err(Stuck::Peer(gone)),
        answer => answer.map_err(Stuck::Ring),
    }
}
