//! Whether more values are to be expected.

use std::time::{Duration, SystemTime};

use crate::channel::Departure;
use crate::protocol::roster::{self, Lock, Presence, Record};

/// Whether there is a writer that may store a newer value, by the kernel's word.
///
/// It says nothing of the time since the latest value was stored, which nobody writes down: a message that needs it has a
/// field for it.
///
/// ```
/// use ringway::Departure;
/// use ringway::seqlock::{self, Freshness};
///
/// let (mut writer, reader) = seqlock::in_process::<u64>()?;
/// writer.store(7);
/// assert!(matches!(reader.freshness(), Freshness::Fresh { .. }));
/// drop(writer);
/// assert!(matches!(reader.freshness(), Freshness::Stale { writer: Departure::Left, .. }));
/// assert_eq!(reader.load()?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// No writer has come yet.
    Awaited,
    /// A writer is attached and alive, though perhaps stopped: what is read is the latest.
    Fresh {
        /// Its process, as its own pid namespace counts.
        pid: u64,
        /// When it attached, by the clock of its process.
        since: SystemTime,
    },
    /// The last writer is gone. What it stored last stays readable.
    Stale {
        /// Whether it left or died.
        writer: Departure,
        /// Its process, as its own pid namespace counts.
        pid: u64,
        /// When it attached.
        since: SystemTime,
        /// When it left. Of one that died nobody knows.
        left: Option<SystemTime>,
    },
}

/// A record in which more has happened, each time while it was looked at, is one that somebody writes who must not.
const MOST_LOOKS: u32 = 1000;

impl Freshness {
    /// Asks the kernel, if the record says that somebody is there.
    pub(super) fn of(record: &Record, lock: &impl Lock) -> Self {
        let mut before = roster::observe_record(record);
        let (mut presence, mut left) = (before.0, 0);
        // Somebody may come or go between the looks, and then they are not of one writer.
        for _ in 0..MOST_LOOKS {
            (presence, left) = (roster::observe(record, lock), roster::until(record));
            let after = roster::observe_record(record);
            if after == before {
                break;
            }
            before = after;
        }
        let (pid, since) = (before.1.pid, time(before.1.since));
        match presence {
            Presence::Never => Self::Awaited,
            Presence::Live => Self::Fresh { pid, since },
            Presence::Left => Self::Stale { writer: Departure::Left, pid, since, left: Some(time(left)) },
            Presence::Died => Self::Stale { writer: Departure::Died, pid, since, left: None },
        }
    }

    /// Whether a writer is attached and alive.
    pub fn is_fresh(&self) -> bool {
        matches!(self, Self::Fresh { .. })
    }
}

fn time(since_the_epoch: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(since_the_epoch)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::protocol::roster::Identity;

    /// A lock at each look at which something happens to the record; whether somebody has it after that.
    struct Meddled<F>(F);

    impl<F: Fn() -> bool> Lock for Meddled<F> {
        fn try_lock(&self) -> bool {
            unreachable!("whoever only reads takes no lock")
        }

        fn is_held(&self) -> bool {
            (self.0)()
        }

        fn unlock(&self) {}
    }

    fn writer(number: u64) -> Identity {
        Identity { pid: number, since: 100 * number }
    }

    #[test]
    fn a_record_in_which_there_is_another_writer_at_each_look_is_not_looked_at_for_ever() {
        let (record, looks) = (Record::default(), Cell::new(0));
        roster::enter(&record, writer(0));
        let lock = Meddled(|| {
            assert!(looks.get() < 1 << 20, "it looks for ever");
            looks.set(looks.get() + 1);
            roster::enter(&record, writer(looks.get()));
            true
        });
        let told = Freshness::of(&record, &lock);
        assert!(looks.get() > 1, "it did not look again");
        assert_eq!(told, Freshness::Fresh { pid: looks.get(), since: time(100 * looks.get()) });
    }

    #[test]
    fn what_is_told_is_of_one_writer_though_another_has_come_and_gone_during_the_look() {
        let (record, looks) = (Record::default(), Cell::new(0));
        let free = Meddled(|| false);
        roster::enter(&record, writer(1));
        let lock = Meddled(|| {
            looks.set(looks.get() + 1);
            roster::detach(&record, &free, 1, 150);
            let (incarnation, _) = roster::enter(&record, writer(2));
            roster::detach(&record, &free, incarnation, 250);
            false
        });
        let told = Freshness::of(&record, &lock);
        let (writer, left) = (Departure::Left, Some(time(250)));
        assert_eq!(told, Freshness::Stale { writer, pid: 2, since: time(200), left });
        assert_eq!(looks.get(), 1, "it is known without the kernel that it left");
    }
}
