//! What the supervisor itself does on the channel.

use std::any::Any;
use std::io;
use std::iter;

use ringway::channel::{Channel, Health, Kind};

use crate::arguments::{Role, Task};
use crate::channel::{Visitor, visit};
use crate::message::Parcel;
use crate::troupe::Troupe;

/// Comes to one side, until what it returns is dropped.
struct Come(Role);

impl Visitor for Come {
    type Output = Result<Box<dyn Any>, ringway::Error>;

    fn visit<K: Kind>(self, channel: Channel<Parcel, K>) -> Self::Output {
        Ok(match self.0 {
            Role::Sender => Box::new(channel.sender()?),
            _ => Box::new(channel.receiver()?),
        })
    }
}

/// Comes to one side and looks who else is there.
struct Look(Role);

impl Visitor for Look {
    type Output = Result<Health, ringway::Error>;

    fn visit<K: Kind>(self, channel: Channel<Parcel, K>) -> Self::Output {
        Ok(match self.0 {
            Role::Sender => channel.sender()?.health(),
            _ => channel.receiver()?.health(),
        })
    }
}

/// Takes what is in the channel.
struct Drain<'a>(&'a mut Troupe);

impl Visitor for Drain<'_> {
    type Output = Result<usize, ringway::Error>;

    fn visit<K: Kind>(self, channel: Channel<Parcel, K>) -> Self::Output {
        let mut rx = channel.receiver()?;
        let parcels = iter::from_fn(|| rx.try_recv().ok().map(|parcel| (parcel, rx.redelivered())));
        Ok(self.0.receive(parcels))
    }
}

/// A side with room for guests.
fn shared_side(task: &Task) -> Role {
    if task.kind.shared_senders() { Role::Sender } else { Role::Receiver }
}

/// Whether everybody can be there who should be: as many as there is room for, with those who live already. The
/// error says what is found instead.
pub(crate) fn room(task: &Task, role: Role, living: usize, records: usize) -> Result<(), String> {
    let guests: Vec<_> = (living..records).map_while(|_| visit(task, Come(role)).ok()).collect();
    let (found, expected) = (guests.len(), records - living);
    if found == expected {
        return Ok(());
    }
    Err(format!("{living} {role}s live, and {found} more could come in, expected {expected}"))
}

/// Who is there, but for the supervisor: senders and receivers; and the whole of what the channel says of itself.
pub(crate) fn look(task: &Task) -> io::Result<(usize, usize, Health)> {
    let side = shared_side(task);
    let health = visit(task, Look(side)).map_err(io::Error::other)?;
    let own = |role| usize::from(side == role);
    let senders = health.attached_senders() - own(Role::Sender);
    let receivers = health.attached_receivers() - own(Role::Receiver);
    Ok((senders, receivers, health))
}

/// Takes the messages that nobody received, for the accounts; how many.
pub(crate) fn drain(task: &Task, troupe: &mut Troupe) -> io::Result<usize> {
    visit(task, Drain(troupe)).map_err(io::Error::other)
}

/// Makes the channel, and has it open with nobody there when `keep` has run.
pub(crate) fn create<T>(task: &Task, keep: impl FnOnce() -> Result<T, ringway::map::Error>) -> io::Result<T> {
    let guest = visit(task, Come(shared_side(task))).map_err(io::Error::other)?;
    let kept = keep().map_err(io::Error::other)?;
    drop(guest);
    Ok(kept)
}
