//! A participant's record and its lock, for as long as its handle lives.

use std::time::{Duration, Instant};

use super::open;
use super::role::{self, me};
use super::tally;
use super::trace::{self, Told};
use crate::Error;
use crate::map::ForkGuard;
use crate::protocol::counters::Event;
use crate::protocol::gate::Gate;
use crate::protocol::roster::{
    self, Before, Identity, Locks as _, Predecessor, Presence, Record, Seat, Side,
};
use crate::protocol::{repair, table};
use crate::segment::{Locks, Segment, now};
use crate::wait::Bell;

/// One that takes part. Dropping it leaves.
#[derive(Debug)]
pub(super) struct Member {
    segment: Segment,
    locks: Locks,
    seat: Seat,
    predecessor: Predecessor,
    bell: Bell,
    /// The process that takes part: a forked child inherits the handle, but not the memory.
    owner: ForkGuard,
}

/// What people call one that may write a cell.
pub(super) const WRITER: &str = "writer";

/// What people call one that is on that side.
pub(super) fn role(side: Side) -> &'static str {
    match side {
        Side::Sending => "sender",
        Side::Receiving => "receiver",
    }
}

impl Member {
    /// Takes a place on that side. `locks` are for nobody else.
    pub(super) fn join(segment: Segment, locks: Locks, side: Side) -> Result<Self, Error> {
        let (bell, me) = (Bell::new(segment.parking()), me());
        let (seat, before) = if table::is_shared(&segment.any_ring(), side) {
            take_record(&segment, &locks, side, me)?
        } else {
            let record = &table::records(&segment.any_ring(), side)[0];
            let (incarnation, before) =
                role::take(record, &locks.lock(side, 0), open::name(&segment), role(side), me)?;
            (Seat { side, index: 0, incarnation }, before)
        };
        let Before { predecessor, found_dead } = before;
        let member = Self { segment, locks, seat, predecessor, bell, owner: ForkGuard::new() };
        member.wake_all();
        found_dead.iter().for_each(|pid| member.tell(Told::Died(*pid)));
        trace::tell_deaths(&member.segment, me.since);
        member.tell(Told::Attached(predecessor));
        Ok(member)
    }

    /// Counts in its record, where counting is compiled in.
    fn count(&self, count: impl FnOnce(&Record)) {
        if tally::COUNTS {
            let Seat { side, index, .. } = self.seat;
            count(&table::records(&self.segment.any_ring(), side)[index as usize]);
        }
    }

    /// Counts and tells what happened to it.
    pub(super) fn happened(&self, event: Event) {
        self.count(|record| tally::happened(record, event));
        self.tell(Told::Happened(event));
    }

    fn tell(&self, what: Told) {
        trace::tell(&self.segment, self.seat.side, self.seat.index, what);
    }

    /// Proves the deaths of others and repairs what they left, on both sides; whether anything has changed.
    pub(super) fn sweep(&self) -> bool {
        let now = now();
        let changed = repair::sweep(&self.segment.any_ring(), Some(self.seat), &self.locks, now);
        if changed {
            trace::tell_deaths(&self.segment, now);
            self.happened(Event::Repair);
            self.wake_all();
        }
        changed
    }

    /// Whether the one on the other side, which is not shared, is there.
    pub(super) fn probe(&self, side: Side) -> Presence {
        let (now, lock) = (now(), self.locks.lock(side, 0));
        let presence = roster::probe(&table::records(&self.segment.any_ring(), side)[0], &lock, now);
        if presence == Presence::Died {
            trace::tell_deaths(&self.segment, now);
        }
        presence
    }

    /// Counts a call that ended with nothing: a caller may try again and again, so no clock is read.
    pub(super) fn refused(&self) {
        self.count(|record| record.count(Event::Refused));
    }

    /// Notes that it has to wait: the ring is full, or empty.
    pub(super) fn stuck(&self) {
        if self.seat.side == Side::Sending {
            self.count(|record| record.note_fill(self.segment.capacity().into()));
        }
    }

    pub(super) fn segment(&self) -> &Segment {
        &self.segment
    }

    /// The record that it has.
    pub(super) fn seat(&self) -> Seat {
        self.seat
    }

    /// The kernel's locks, as this participant sees them.
    pub(super) fn locks(&self) -> &Locks {
        &self.locks
    }

    /// How the one that had its place before ended.
    pub(super) fn predecessor(&self) -> Predecessor {
        self.predecessor
    }

    /// How it sleeps and wakes others.
    pub(super) fn bell(&self) -> Bell {
        self.bell
    }

    /// Where it sleeps.
    pub(super) fn gate(&self) -> &Gate {
        self.segment.any_ring().control.gate(self.seat.side)
    }

    /// Wakes everybody who sleeps: somebody came or went, or something was repaired.
    pub(super) fn wake_all(&self) {
        let ring = self.segment.any_ring();
        for side in [Side::Sending, Side::Receiving] {
            self.bell.ring(ring.control.gate(side));
        }
    }

    /// Whether this process is the one that takes part.
    pub(super) fn is_ours(&self) -> bool {
        self.owner.is_ours()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if !self.is_ours() {
            return;
        }
        let (ring, seat) = (self.segment.any_ring(), self.seat);
        if table::is_shared(&ring, seat.side) {
            table::leave(&ring, seat, &self.locks, now());
        } else {
            let (record, lock) = (&table::records(&ring, seat.side)[0], self.locks.lock(seat.side, 0));
            roster::detach(record, &lock, seat.incarnation, now());
        }
        self.wake_all();
        self.tell(Told::Left);
    }
}

/// Takes a record of a shared side.
fn take_record(segment: &Segment, locks: &Locks, side: Side, me: Identity) -> Result<(Seat, Before), Error> {
    let start = Instant::now();
    loop {
        if let Ok(taken) = table::join(&segment.any_ring(), side, locks, me) {
            return Ok(taken);
        }
        let ring = segment.any_ring();
        let records = table::records(&ring, side);
        // As of a sole role.
        if role::is_over(start.elapsed(), records) {
            let limit = records.len() as u32;
            trace::tell_deaths(segment, me.since);
            let (channel, side) = (open::name(segment).to_owned(), role(side));
            return Err(Error::Full { channel, side, limit });
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
