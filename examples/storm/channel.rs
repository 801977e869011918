//! The channel of the storm, of whichever kind it is.

use std::error::Error;
use std::time::Duration;

use ringway::channel::{Channel, Kind};
use ringway::{mpmc, mpsc, spmc};

use crate::arguments::{self, Role, Task};
use crate::message::Parcel;
use crate::{observer, receiver, sender};

/// How often one that is blocked asks whether the others live.
const LIVENESS_INTERVAL: Duration = Duration::from_millis(5);

/// What somebody does with the channel, of any kind.
pub(crate) trait Visitor {
    type Output;

    fn visit<K: Kind>(self, channel: Channel<Parcel, K>) -> Self::Output;
}

/// Hands the channel to a visitor.
pub(crate) fn visit<V: Visitor>(task: &Task, visitor: V) -> V::Output {
    match task.kind {
        arguments::Kind::Mpsc => visitor.visit(with_options(mpsc::channel(&task.run), task)),
        arguments::Kind::Spmc => visitor.visit(with_options(spmc::channel(&task.run), task)),
        arguments::Kind::Mpmc => visitor.visit(with_options(mpmc::channel(&task.run), task)),
    }
}

fn with_options<K: Kind>(channel: Channel<Parcel, K>, task: &Task) -> Channel<Parcel, K> {
    channel.capacity(task.capacity).liveness_interval(LIVENESS_INTERVAL)
}

/// Plays a worker's part.
pub(crate) struct Play<'a>(pub(crate) &'a Task);

impl Visitor for Play<'_> {
    type Output = Result<(), Box<dyn Error>>;

    fn visit<K: Kind>(self, channel: Channel<Parcel, K>) -> Self::Output {
        match self.0.role {
            Role::Sender => sender::run(channel, self.0),
            Role::Receiver => receiver::run(channel, self.0),
            Role::Observer => observer::run(channel, self.0),
        }
    }
}
