//! What the benchmark of waiting consists of: contestants that are measured beside each other between two processes, and
//! processes that do nothing.

mod group;
mod idle;
mod rounds;
mod streams;

pub(crate) use group::{Group, Job, Unit, print, to_json};
pub(crate) use idle::{Idle, idle, is_idler};
pub(crate) use rounds::{BURST, Bursts, bursts, rounds};
pub(crate) use streams::{stores, streams};

use ringway::channel::{Kind, Receiver, Sender};

/// Which of the two processes this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Parent,
    Child,
}

/// An end of a channel: of one way from the parent to the child.
pub(crate) enum End<const N: usize, K: Kind>
where
    [u64; N]: ringway::Message,
{
    Sending(Sender<[u64; N], K>),
    Receiving(Receiver<[u64; N], K>),
}
