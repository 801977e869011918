//! What happens rarely, for whoever subscribes to `tracing`, where that is compiled in. Nothing is told of messages that come
//! and go without a wait.

use crate::protocol::counters::Event;
use crate::protocol::roster::{Predecessor, Side};
use crate::segment::Segment;

/// What there is to tell of a participant.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "nobody is told"))]
pub(super) enum Told {
    /// It took its place, after one that ended so.
    Attached(Predecessor),
    /// It left.
    Left,
    /// It was killed: the process of that id.
    Died(u64),
    /// What it also counts.
    Happened(Event),
}

/// Tells it of the one in that record of a side; of cells, of the writer of the cell with that index.
#[inline]
pub(super) fn tell(segment: &Segment, side: Side, record: u32, what: Told) {
    #[cfg(feature = "tracing")]
    events::emit(segment, side, record, what);
    #[cfg(not(feature = "tracing"))]
    let _ = (segment, side, record, what);
}

/// Tells of the deaths that were proved at that time, in nanoseconds: this participant has just looked for some.
#[inline]
pub(super) fn tell_deaths(segment: &Segment, at: u64) {
    #[cfg(feature = "tracing")]
    events::deaths(segment, at);
    #[cfg(not(feature = "tracing"))]
    let _ = (segment, at);
}

#[cfg(feature = "tracing")]
mod events {
    use tracing::Level;

    use super::*;
    use crate::channel::member::{self, WRITER};
    use crate::channel::open;
    use crate::protocol::roster::{Presence, glance, identity, until};

    pub(super) fn emit(segment: &Segment, side: Side, record: u32, what: Told) {
        let role = if segment.kind().is_ring() { member::role(side) } else { WRITER };
        macro_rules! event {
            ($level:ident, $text:literal $(, $field:ident = $value:expr)?) => {
                tracing::event!(
                    target: "ringway", Level::$level,
                    channel = open::name(segment), role, record,
                    $($field = $value,)? $text
                )
            };
        }
        match what {
            Told::Attached(Predecessor::Died) => event!(INFO, "attached in the place of one that was killed"),
            Told::Attached(_) => event!(DEBUG, "attached"),
            Told::Left => event!(DEBUG, "left"),
            Told::Died(pid) => event!(WARN, "was killed", pid = pid),
            Told::Happened(Event::Repair) => event!(INFO, "repaired what the dead left"),
            Told::Happened(Event::Redelivered) => event!(INFO, "received a message again"),
            Told::Happened(Event::Sleep) => event!(TRACE, "slept"),
            Told::Happened(Event::Wake) => event!(TRACE, "woke others"),
            Told::Happened(Event::Refused) => {}
        }
    }

    pub(super) fn deaths(segment: &Segment, at: u64) {
        for (side, records) in [(Side::Sending, segment.senders()), (Side::Receiving, segment.receivers())] {
            for (record, index) in records.iter().zip(0..) {
                if glance(record) == Presence::Died && until(record) == at {
                    emit(segment, side, index, Told::Died(identity(record).pid));
                }
            }
        }
    }
}
