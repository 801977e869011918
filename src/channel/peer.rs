//! The other side: is it there, and how did it go.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::time::{Duration, Instant, SystemTime};

use super::member::Member;
use super::options::EndpointOptions;
pub use crate::protocol::peer::Departure;
use crate::protocol::peer::News;
use crate::protocol::repair::{self, Obstacle};
use crate::protocol::ring::Ring;
pub use crate::protocol::roster::Predecessor;
use crate::protocol::roster::{self, Identity, Presence, Side};
use crate::protocol::table;
use crate::segment::{Segment, now};
use crate::wait::NAP;

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Left => "left",
            Self::Died => "died",
        })
    }
}

/// The other side, as it was a moment ago.
///
/// ```
/// use ringway::{Departure, Peer, spsc};
/// # let (tx, rx) = spsc::in_process::<u64>(8)?;
/// assert!(matches!(rx.peer(), Peer::Attached { pid, .. } if pid == u64::from(std::process::id())));
/// drop(tx);
/// assert!(matches!(rx.peer(), Peer::Gone { departure: Departure::Left, .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Nobody has ever attached there.
    Awaited,
    /// Somebody is attached and alive, though perhaps stopped.
    Attached {
        /// Its process, as its own pid namespace counts.
        pid: u64,
        /// When it attached.
        since: SystemTime,
    },
    /// It is gone.
    Gone {
        /// How.
        departure: Departure,
        /// Its process, as its own pid namespace counted.
        pid: u64,
        /// When it left, or was found dead.
        at: SystemTime,
    },
}

impl Peer {
    /// What a record says, if `presence` is what the kernel says.
    pub(crate) fn of(presence: Presence, identity: Identity, until: u64) -> Self {
        let time = |since_the_epoch| SystemTime::UNIX_EPOCH + Duration::from_nanos(since_the_epoch);
        let gone = |departure| Self::Gone { departure, pid: identity.pid, at: time(until) };
        match presence {
            Presence::Never => Self::Awaited,
            Presence::Live => Self::Attached { pid: identity.pid, since: time(identity.since) },
            Presence::Left => gone(Departure::Left),
            Presence::Died => gone(Departure::Died),
        }
    }
}

/// Watches the other side on behalf of a member that cannot go on: always the same one.
#[derive(Debug)]
pub(crate) struct Watch {
    /// The other side.
    side: Side,
    interval: Duration,
    stall_limit: Option<Duration>,
    looks: u32,
    /// When the clock was last read.
    ticked: Duration,
    /// Whether it has ticked since that was asked, or there is time anyway.
    has_ticked: bool,
    /// When the kernel was last asked.
    probed: Duration,
    /// What was in the way when the clock was last read, and since when, so far as it was read.
    stuck: Option<(Obstacle, Duration)>,
    /// Not `Sync`: the kernel's lock does not keep two threads apart that ask through one description, and
    /// the slower one could certify the death of a peer that has been replaced meanwhile.
    one_thread: PhantomData<Cell<()>>,
}

/// While it spins, the clock is read once in so many looks: reading it costs as much as one or two of them.
const LOOKS_PER_CLOCK: u32 = 64;

/// A claim that is in the way is looked into so many times sooner: who is running is through with one in far less
/// than a microsecond.
const HURRY: u32 = 16;

/// Whose claim has been in the way for so long is called a staller: some ticks of the coarse clock, which has 1 to
/// 10 ms.
const LONG: Duration = Duration::from_millis(20);

/// The coarse clock may not have gone on before.
const TICK: Duration = Duration::from_millis(4);

impl Watch {
    pub(crate) fn new(side: Side, options: &EndpointOptions) -> Self {
        let now = coarse_now();
        let EndpointOptions { liveness_interval: interval, stall_limit, .. } = *options;
        Self {
            side,
            interval,
            stall_limit,
            looks: 0,
            ticked: now,
            has_ticked: false,
            probed: now,
            stuck: None,
            one_thread: PhantomData,
        }
    }

    /// What the records say. Once per interval, if they say "live", what the kernel says; and then, where a side is
    /// shared, what the dead left is repaired, on either side: a fellow's claim can be what is in the way. If one
    /// is, that is done after a sixteenth of the interval.
    #[inline]
    pub(crate) fn ask(&mut self, segment: &Segment, member: &Member) -> News {
        let ring = segment.any_ring();
        let presence = table::presence(&ring, self.side);
        self.looks = self.looks.wrapping_add(1);
        if self.looks % LOOKS_PER_CLOCK != 0 {
            return presence.into();
        }
        let now = coarse_now();
        let is_new = std::mem::replace(&mut self.ticked, now) != now;
        self.has_ticked |= is_new;
        let shared = ring.rules.shared_senders || ring.rules.shared_receivers;
        if presence != Presence::Live && !shared {
            return presence.into();
        }
        let (unasked, stuck) = (now.saturating_sub(self.probed), shared && is_new);
        let stuck = if stuck { self.stuck_for(&ring, now) } else { Duration::ZERO };
        let hurry = !stuck.is_zero() && stuck.min(unasked) >= self.interval / HURRY;
        if !hurry && unasked < self.interval {
            return presence.into();
        }
        self.probed = now;
        self.probe(&ring, member)
    }

    /// Whether the clock has ticked since that was last asked, or the next thing is a sleep: then there is time for what is not
    /// urgent.
    #[inline]
    pub(crate) fn take_tick(&mut self) -> bool {
        std::mem::take(&mut self.has_ticked)
    }

    /// What the kernel says.
    fn probe(&self, ring: &Ring<'_>, member: &Member) -> News {
        if !ring.rules.shared_senders && !ring.rules.shared_receivers {
            return member.probe(self.side).into();
        }
        let changed = member.sweep();
        News { presence: table::presence(ring, self.side), changed }
    }

    /// For how long the claim of one participant has been in the way, by the coarse clock: right to a tick of it.
    fn stuck_for(&mut self, ring: &Ring<'_>, now: Duration) -> Duration {
        let before = self.stuck.take();
        let obstacle = repair::obstacle(ring, self.side.opposite());
        self.stuck = obstacle.map(|obstacle| match before {
            Some((same, since)) if same == obstacle => (same, since),
            _ => (obstacle, now),
        });
        self.stuck.map_or(Duration::ZERO, |(_, since)| now.saturating_sub(since))
    }

    /// The living participant whose claim has been in the way for longer than this side was told to bear.
    #[inline]
    pub(crate) fn stalled(&mut self, member: &Member) -> Option<Peer> {
        let (limit, (_, since)) = (self.stall_limit?, self.stuck?);
        if self.ticked.saturating_sub(since) < limit { None } else { self.staller(member) }
    }

    /// The living participant whose claim has been in the way for long.
    pub(crate) fn staller(&mut self, member: &Member) -> Option<Peer> {
        let ring = member.segment().any_ring();
        if self.stuck_for(&ring, coarse_now()) < LONG {
            return None;
        }
        let (obstacle, _) = self.stuck?;
        let owner = repair::owner(&ring, obstacle, Some(member.seat()), member.locks(), now())?;
        Some(Peer::of(Presence::Live, owner, 0))
    }

    /// For how long it may sleep: until the kernel is to be asked, or it is to be seen who is in the way.
    pub(crate) fn nap(&self, member: &Member) -> Duration {
        let ring = member.segment().any_ring();
        let shared = ring.rules.shared_senders || ring.rules.shared_receivers;
        let limit = self.stall_limit.filter(|_| shared).unwrap_or(Duration::MAX);
        // A dead owner of a claim wakes nobody.
        let is_stuck = repair::obstacle(&ring, self.side.opposite()).is_some();
        let hurry = if is_stuck { self.interval / HURRY } else { self.interval };
        until_due(self.probed, self.interval).min(hurry.min(limit).max(TICK))
    }

    /// The next look reads the clock: looks have become rare, since the core is given away between them, or each
    /// is a call of its own.
    #[inline]
    pub(crate) fn be_due(&mut self) {
        self.looks = LOOKS_PER_CLOCK - 1;
    }

    /// As [`be_due`](Self::be_due); and after that look it sleeps, so that there is time.
    pub(crate) fn be_done(&mut self) {
        self.be_due();
        self.has_ticked = true;
    }

    /// Waits until somebody is attached and alive, or `enough` says that there is no need to; whether it came to that.
    pub(crate) fn wait_for_peer(
        &self,
        member: &Member,
        timeout: Duration,
        mut enough: impl FnMut() -> bool,
    ) -> bool {
        let (ring, deadline) = (member.segment().any_ring(), Instant::now().checked_add(timeout));
        let attached = || repair::count(&ring, self.side, Some(member.seat()), member.locks(), now());
        let mut lives = || enough() || attached() > 0;
        while !lives() {
            let left =
                deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return false;
            }
            if member.bell().lets_sleep() {
                let gate = ring.control.gate(self.side.opposite());
                member.bell().sleep(gate, left.min(self.interval), || lives().then_some(()));
            } else {
                std::thread::sleep(left.min(NAP));
            }
        }
        true
    }

    /// Asks the kernel now, about the one that is on the other side.
    pub(crate) fn peer(&self, member: &Member) -> Peer {
        let ring = member.segment().any_ring();
        let record = &table::records(&ring, self.side)[0];
        Peer::of(member.probe(self.side), roster::identity(record), roster::until(record))
    }
}

/// A clock that ticks every few milliseconds and is read without a system call.
pub(super) fn coarse_now() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32)
}

/// How long one that asked the kernel at a time of the coarse clock may sleep before it asks again.
pub(super) fn until_due(asked: Duration, interval: Duration) -> Duration {
    asked.saturating_add(interval).saturating_sub(coarse_now()).saturating_add(TICK)
}
