//! What a call does when it cannot go on: give up, or wait; and what it calls the reason.

use std::time::Duration;

use super::error::{
    Broken, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};
use super::member::Member;
use super::peer::{Departure, Peer, Watch};
use crate::protocol::counters::Event;
use crate::protocol::peer::Stuck;
use crate::protocol::ring::Blocked;
use crate::protocol::roster::Side;
use crate::wait::{Pace, Pause, Wait, Waiting};

/// Why a side cannot go on; each verb has its own public name for it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stop {
    /// Full, or empty; after a wait: for as long as was allowed.
    NotYet,
    /// As `NotYet`, and somebody who lives is the reason.
    Stalled(Peer),
    Disconnected(Departure),
    Broken(Broken),
}

impl From<Stuck> for Stop {
    fn from(stuck: Stuck) -> Self {
        match stuck {
            Stuck::Ring(Blocked::NotReady | Blocked::Contended) => Self::NotYet,
            Stuck::Ring(Blocked::Exhausted) => Self::Broken(Broken::Exhausted),
            Stuck::Ring(Blocked::Corrupt(corruption)) => Self::Broken(corruption.into()),
            Stuck::Peer(departure) => Self::Disconnected(departure),
        }
    }
}

const ENDLESS: &str = "a wait without a deadline ends for a reason";

impl Stop {
    pub(super) fn try_send<T>(self, message: T) -> TrySendError<T> {
        match self {
            Self::NotYet | Self::Stalled(_) => TrySendError::Full(message),
            Self::Disconnected(departure) => TrySendError::Disconnected(message, departure),
            Self::Broken(broken) => TrySendError::Broken(message, broken),
        }
    }

    pub(super) fn send<T>(self, message: T) -> SendError<T> {
        match self {
            Self::NotYet | Self::Stalled(_) => unreachable!("{ENDLESS}"),
            Self::Disconnected(departure) => SendError::Disconnected(message, departure),
            Self::Broken(broken) => SendError::Broken(message, broken),
        }
    }

    pub(super) fn send_timeout<T>(self, message: T) -> SendTimeoutError<T> {
        match self {
            Self::NotYet => SendTimeoutError::Timeout(message),
            Self::Stalled(peer) => SendTimeoutError::Stalled(message, peer),
            Self::Disconnected(departure) => SendTimeoutError::Disconnected(message, departure),
            Self::Broken(broken) => SendTimeoutError::Broken(message, broken),
        }
    }

    pub(super) fn try_recv(self) -> TryRecvError {
        match self {
            Self::NotYet | Self::Stalled(_) => TryRecvError::Empty,
            Self::Disconnected(departure) => TryRecvError::Disconnected(departure),
            Self::Broken(broken) => TryRecvError::Broken(broken),
        }
    }

    pub(super) fn recv(self) -> RecvError {
        match self {
            Self::NotYet | Self::Stalled(_) => unreachable!("{ENDLESS}"),
            Self::Disconnected(departure) => RecvError::Disconnected(departure),
            Self::Broken(broken) => RecvError::Broken(broken),
        }
    }

    pub(super) fn recv_timeout(self) -> RecvTimeoutError {
        match self {
            Self::NotYet => RecvTimeoutError::Timeout,
            Self::Stalled(peer) => RecvTimeoutError::Stalled(peer),
            Self::Disconnected(departure) => RecvTimeoutError::Disconnected(departure),
            Self::Broken(broken) => RecvTimeoutError::Broken(broken),
        }
    }
}

/// A call that may wait for less holds off for a short while only, so that none takes a hundredth longer than it may.
const BRIEF: Duration = Duration::from_millis(1);

/// How one side waits: its policy, its pace, and its watch over the peer.
#[derive(Debug)]
pub(super) struct Patience {
    pub(super) watch: Watch,
    wait: Wait,
    pace: Pace,
    /// Whether the last wait came to giving the core away.
    crowded: bool,
}

impl Patience {
    pub(super) fn new(watch: Watch, wait: Wait) -> Self {
        Self { watch, wait, pace: Pace::default(), crowded: false }
    }

    /// Looks once. Whoever polls may do so once in a while only, so that the clock is read.
    pub(super) fn once(
        &mut self,
        member: &Member,
        look: impl FnOnce(&mut Watch) -> Result<u32, Stop>,
    ) -> Result<u32, Stop> {
        self.watch.be_due();
        let answer = look(&mut self.watch);
        if matches!(answer, Err(Stop::NotYet)) {
            member.stuck();
            member.refused();
        }
        answer
    }

    /// Looks again and again until there is something, a reason to stop, or no time left. `position` is the
    /// waiting side's.
    pub(super) fn until(
        &mut self,
        member: &Member,
        position: u64,
        timeout: Option<Duration>,
        mut look: impl FnMut(&mut Watch) -> Result<u32, Stop>,
    ) -> Result<u32, Stop> {
        let mut waiting: Option<Waiting> = None;
        loop {
            match look(&mut self.watch) {
                Err(Stop::NotYet) => {}
                answer => {
                    if let Some(waiting) = waiting {
                        self.crowded = waiting.is_crowded();
                    }
                    return answer;
                }
            }
            if let Some(peer) = timeout.and_then(|_| self.watch.stalled(member)) {
                return Err(Stop::Stalled(peer));
            }
            let waiting = waiting.get_or_insert_with(|| {
                member.stuck();
                let is_brief = self.crowded
                    || self.wait == Wait::ParkAtOnce
                    || timeout.is_some_and(|timeout| timeout < BRIEF);
                let is_awaited = member.seat().side == Side::Receiving;
                self.pace.hold(position, member.segment().capacity(), is_awaited, is_brief);
                Waiting::new(self.wait, timeout, self.crowded)
            });
            match waiting.pause() {
                Pause::Look if waiting.is_slow() => self.watch.be_due(),
                Pause::Look => {}
                Pause::Sleep(left) => {
                    // Woken or not, it looks at the clock, once before it sleeps and once after.
                    self.watch.be_done();
                    let at_most = left.min(self.watch.nap(member));
                    let watch = &mut self.watch;
                    let news = member.bell().sleep(member.gate(), at_most, || match look(watch) {
                        Err(Stop::NotYet) => None,
                        answer => Some(answer),
                    });
                    if let Some(answer) = news {
                        self.crowded = false;
                        return answer;
                    }
                    member.happened(Event::Sleep);
                    self.watch.be_due();
                }
                Pause::Over => {
                    // Whoever waits for a moment at a time looks once or twice a call.
                    self.watch.be_due();
                    member.refused();
                    return Err(self.watch.staller(member).map_or(Stop::NotYet, Stop::Stalled));
                }
            }
        }
    }
}
