//! What an empty or a full ring means when the other side is gone.
//!
//! A side that cannot go on asks for the other side *after* it found the ring empty (full), and looks at the ring
//! *once more* after it heard that nobody is there, or that something was repaired: the last of them may have
//! published (released) between the first look and its end. Everything it did is visible by then (`roster` E5, E6),
//! so the second look is final.
//!
//! A receiver among several looks at one thing more: whether another receiver still holds a message. If that one
//! dies the message is delivered again, so the ring is not at its end before everything was given back.

use super::ring::{Blocked, Ring};
use super::roster::Presence;
use super::side::{RecvSide, SendSide};
use crate::sync::mutant;

/// How the other side went; where there were several, the one whose going was noticed last. Who went how is in the
/// channel's health.
///
/// ```
/// use ringway::{Departure, RecvError, spsc};
/// # let (tx, mut rx) = spsc::in_process::<u64>(8)?;
/// drop(tx);
/// match rx.recv() {
///     Err(RecvError::Disconnected(Departure::Left)) => println!("done"),
///     Err(RecvError::Disconnected(Departure::Died)) => println!("killed, perhaps in the middle"),
///     other => panic!("{other:?}"),
/// }
/// assert_eq!(Departure::Died.to_string(), "died");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

/// What asking for the other side has brought.
#[derive(Clone, Copy, Debug)]
pub struct News {
    /// Whether anybody is there.
    pub presence: Presence,
    /// Whether something was repaired, so that it is worth looking again.
    pub changed: bool,
}

impl From<Presence> for News {
    fn from(presence: Presence) -> Self {
        Self { presence, changed: false }
    }
}

/// [`RecvSide::poll`]; `ask` asks about the senders if the ring is empty.
///
/// # Errors
///
/// Why there is no message.
#[inline]
pub fn poll(
    receiver: &mut impl RecvSide,
    ring: &Ring<'_>,
    want: u32,
    ask: impl FnOnce() -> News,
) -> Result<u32, Stuck> {
    match settle(|| receiver.poll(ring, want), ask) {
        // At the end of the channel, or of all positions: not before nothing can come again.
        Err(Stuck::Peer(_) | Stuck::Ring(Blocked::Exhausted))
            if !receiver.drained(ring) && !mutant("peer_not_drained") =>
        {
            Err(Stuck::Ring(Blocked::NotReady))
        }
        answer => answer,
    }
}

/// [`SendSide::claim`]; `ask` asks about the receivers if the ring is full.
///
/// # Errors
///
/// Why there is no free slot.
#[inline]
pub fn claim(
    sender: &mut impl SendSide,
    ring: &Ring<'_>,
    want: u32,
    ask: impl FnOnce() -> News,
) -> Result<u32, Stuck> {
    settle(|| sender.claim(ring, want), ask)
}

/// [`RecvSide::peek`], in the same way: whether [`poll`] would not say that there is nothing yet.
pub fn may_poll(receiver: &mut impl RecvSide, ring: &Ring<'_>, ask: impl FnOnce() -> News) -> bool {
    match settle(|| receiver.peek(ring).map(|()| 1), ask) {
        Err(Stuck::Ring(Blocked::NotReady)) => false,
        Err(Stuck::Peer(_) | Stuck::Ring(Blocked::Exhausted)) => receiver.drained(ring),
        Ok(_) | Err(Stuck::Ring(Blocked::Contended | Blocked::Corrupt(_))) => true,
    }
}

/// [`SendSide::peek`], in the same way: whether [`claim`] would not say that there is nothing yet.
pub fn may_claim(sender: &mut impl SendSide, ring: &Ring<'_>, ask: impl FnOnce() -> News) -> bool {
    settle(|| sender.peek(ring).map(|()| 1), ask) != Err(Stuck::Ring(Blocked::NotReady))
}

#[inline]
fn settle(mut look: impl FnMut() -> Result<u32, Blocked>, ask: impl FnOnce() -> News) -> Result<u32, Stuck> {
    let blocked = match look() {
        Err(blocked @ (Blocked::NotReady | Blocked::Exhausted)) => blocked,
        answer => return answer.map_err(Stuck::Ring),
    };
    let News { presence, changed } = ask();
    let gone = match presence {
        Presence::Never | Presence::Live if !changed => return Err(Stuck::Ring(blocked)),
        Presence::Never | Presence::Live => None,
        Presence::Left => Some(Departure::Left),
        Presence::Died => Some(Departure::Died),
    };
    let stuck = gone.map_or(Stuck::Ring(blocked), Stuck::Peer);
    if mutant("no_second_look") {
        return Err(stuck);
    }
    match look() {
        Err(Blocked::NotReady) => Err(stuck),
        answer => answer.map_err(Stuck::Ring),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn gone() -> News {
        Presence::Left.into()
    }

    #[test]
    fn a_side_that_loses_every_race_asks_for_nobody() {
        let answer = settle(|| Err(Blocked::Contended), || panic!("it does not know that there is nothing"));
        assert_eq!(answer, Err(Stuck::Ring(Blocked::Contended)));
    }

    #[test]
    fn a_second_look_that_loses_every_race_is_not_the_end_of_the_channel() {
        for first in [Blocked::NotReady, Blocked::Exhausted] {
            let mut looks = [Err(first), Err(Blocked::Contended)].into_iter();
            let answer = settle(|| looks.next().expect("two looks"), gone);
            assert_eq!(answer, Err(Stuck::Ring(Blocked::Contended)));
            assert_eq!(settle(|| Err(Blocked::NotReady), gone), Err(Stuck::Peer(Departure::Left)));
        }
    }
}
