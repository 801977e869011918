//! Ways from one sender to one receiver, each with its two sides: what the scenarios `stream` and `rounds` are about.

mod bytes;
mod cloudtoid;
mod iceoryx;
mod ours;
mod patience;
mod que;
mod ringfire;
mod shaq_four;
mod shaq_three;
mod threads;

pub(crate) use bytes::{Pipe, Socket, connect, fifo};
pub(crate) use cloudtoid::options as queue_of_bytes;
pub(crate) use iceoryx::{node as iceoryx_node, publisher, service, subscriber};
pub(crate) use patience::{LOOKS, Patience};
pub(crate) use threads::{Pair, VisitPairs, each_pair};

use std::fs;
use std::path::PathBuf;

use ringway::Message;

/// Sends messages of `N` words, each of which is the number of the message.
pub(crate) trait Outlet<const N: usize>: 'static {
    /// Sends the messages from the number `first` on, `most` of them at most, and gives how many: none if there is no
    /// room.
    fn send(&mut self, first: u64, most: u64) -> u64;
}

/// Receives them.
pub(crate) trait Inlet<const N: usize>: 'static {
    /// Shows the next messages and gives how many: none if there is none.
    fn recv(&mut self, look: impl FnMut(&[u64; N])) -> u64;
}

/// How messages go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One at a time, copied in and out.
    Single,
    /// Up to [`BATCH`](crate::BATCH) at a time.
    Batch,
    /// One at a time, written and read where they lie.
    InPlace,
}

impl Mode {
    /// The name of ringway in this mode.
    pub(crate) const fn ours(self) -> &'static str {
        match self {
            Self::Single => "ringway",
            Self::Batch => "ringway, batches",
            Self::InPlace => "ringway, in place",
        }
    }
}

/// Where a channel between two processes is to be found.
#[derive(Clone)]
pub(crate) struct At {
    pub(crate) run: String,
    /// Unique among the channels of one contestant.
    pub(crate) channel: String,
    /// Whether this is the process that comes first, and makes what has to be made.
    pub(crate) first: bool,
    /// Whether system calls return at once when there is nothing to do.
    pub(crate) polling: bool,
}

impl At {
    /// A file in memory of this channel.
    pub(crate) fn file(&self, contestant: &str) -> PathBuf {
        directory(&self.run).join(format!("{contestant}-{}", self.channel))
    }
}

/// A contestant that goes from one process to another.
pub(crate) trait Link<const N: usize>: 'static {
    const NAME: &'static str;
    const MODE: Mode = Mode::Single;
    /// Whether it sleeps where others poll.
    const SLEEPS: bool = false;
    /// Why it can not be ranked whatever it does here.
    const BROKEN: Option<&'static str> = None;
    type Out: Outlet<N>;
    type In: Inlet<N>;

    fn outlet(at: &At) -> Self::Out;
    fn inlet(at: &At) -> Self::In;
}

/// Sees each of them, in an order that is the same in both processes.
pub(crate) trait Visit<const N: usize> {
    fn link<L: Link<N>>(&mut self);
}

pub(crate) fn each<const N: usize>(visit: &mut impl Visit<N>)
where
    [u64; N]: Message,
{
    visit.link::<ours::Single>();
    visit.link::<ours::Batches>();
    visit.link::<ours::InPlace>();
    visit.link::<shaq_three::Single>();
    visit.link::<shaq_three::Batches>();
    visit.link::<shaq_four::Single>();
    visit.link::<shaq_four::Batches>();
    visit.link::<ringfire::Single>();
    visit.link::<ringfire::Batches>();
    visit.link::<cloudtoid::Single>();
    visit.link::<cloudtoid::Batches>();
    visit.link::<iceoryx::Single>();
    visit.link::<que::Single>();
    visit.link::<bytes::Pipes>();
    visit.link::<bytes::PipesOfBatches>();
    visit.link::<bytes::Sockets>();
    visit.link::<bytes::SocketsOfBatches>();
}

/// For the files in memory of a run.
pub(crate) fn directory(run: &str) -> PathBuf {
    PathBuf::from(format!("/dev/shm/{run}-rivals"))
}

/// Before a scenario begins.
pub(crate) fn prepare(run: &str) {
    fs::create_dir(directory(run)).expect("a new directory");
}

/// After it, when nobody uses them any more: rivals leave this and that.
pub(crate) fn clean(run: &str) {
    iceoryx::clean(run);
    for entry in fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().contains(&format!("{run}-")) {
            let _ = fs::remove_dir_all(entry.path());
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// What runs have left that were killed: their names say which process they were of.
pub(crate) fn sweep(runs: &str) {
    for entry in fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let Some(at) = name.find(runs) else { continue };
        // The scenario and the process.
        let parts: Vec<&str> = name[at + runs.len()..].split('-').take(3).collect();
        let ["", scenario, process] = parts[..] else { continue };
        let number = process.parse::<u32>().is_ok();
        if number && !PathBuf::from(format!("/proc/{process}")).exists() {
            clean(&format!("{runs}-{scenario}-{process}"));
        }
    }
}

/// A file that has no owner but the process that comes first, and goes with that.
pub(crate) struct Owned(Option<PathBuf>);

impl Owned {
    pub(crate) fn new(at: &At, contestant: &str) -> Self {
        Self(at.first.then(|| at.file(contestant)))
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}
