//! What every reader does with a cell, be it alone or one of a table.

use std::marker::PhantomData;
use std::time::Duration;

use super::error::{LoadError, TryLoadError, WaitError};
use super::freshness::Freshness;
use super::slots;
use crate::Message;
use crate::channel::Departure;
use crate::channel::options::EndpointOptions;
use crate::channel::peer::{coarse_now, until_due};
use crate::protocol::gate::Parking;
use crate::protocol::roster::{self, Locks as _, Presence, Record, Side};
use crate::segment::{CellPlace, Locks, Segment};
use crate::wait::{Bell, NAP, Pause, Waiting};

/// So often a call that has a limit tries to copy a value before it looks at the clock.
const ATTEMPTS: u32 = 16;

/// A look at the values of a cell.
#[derive(Clone, Copy)]
pub(super) struct Look<'m, T> {
    place: CellPlace<'m>,
    of: PhantomData<fn() -> T>,
}

impl<'m, T: Message> Look<'m, T> {
    #[inline]
    pub(super) fn new(place: CellPlace<'m>) -> Self {
        Self { place, of: PhantomData }
    }

    #[inline]
    pub(super) fn version(self) -> u64 {
        slots::cell::<T>(self.place).version()
    }

    /// The number of the latest value, 0 if there is none, and the value; `None` if each attempt was disturbed by the writer.
    #[inline]
    pub(super) fn load_within(self, attempts: u32) -> Option<(u64, Result<T, LoadError>)> {
        slots::load_within(self.place, attempts)
    }

    #[inline]
    pub(super) fn load(self) -> Result<T, LoadError> {
        slots::load(self.place)
    }

    #[inline]
    pub(super) fn try_load(self, attempts: u32) -> Result<T, TryLoadError> {
        let (_, value) = self.load_within(attempts.max(1)).ok_or(TryLoadError::Overtaken)?;
        Ok(value?)
    }

    pub(super) fn load_boxed(self) -> Result<Box<T>, LoadError> {
        slots::load_boxed(self.place)
    }

    #[inline]
    pub(super) fn load_into(self, value: &mut T) -> Result<(), LoadError> {
        if slots::load_into(self.place, value) { Ok(()) } else { Err(LoadError::Empty) }
    }

    #[inline]
    pub(super) fn load_if_newer(self, seen: &mut u64) -> Result<Option<T>, LoadError> {
        if self.version() == *seen {
            return Ok(None);
        }
        Self::see(slots::load_numbered(self.place), seen)
    }

    /// As [`load_if_newer`](Self::load_if_newer), but `None` if each of some attempts was disturbed.
    #[inline]
    pub(super) fn try_newer(self, seen: &mut u64) -> Option<Result<Option<T>, LoadError>> {
        if self.version() == *seen {
            return Some(Ok(None));
        }
        Some(Self::see(self.load_within(ATTEMPTS)?, seen))
    }

    #[inline]
    fn see((version, value): (u64, Result<T, LoadError>), seen: &mut u64) -> Result<Option<T>, LoadError> {
        *seen = version;
        match value {
            Ok(value) => Ok(Some(value)),
            // Of a cell of which more was seen than it has.
            Err(LoadError::Empty) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Looks again and again until there is another value, a reason to stop, or no time left.
    pub(super) fn wait_newer(
        self,
        seen: &mut u64,
        timeout: Duration,
        writer: Role<'_>,
        options: EndpointOptions,
    ) -> Result<T, WaitError> {
        let mut waiting: Option<(Waiting, Watch)> = None;
        let mut bell = None;
        loop {
            if let Some(value) = self.newer(seen)? {
                return Ok(value);
            }
            let (waiting, watch) = waiting.get_or_insert_with(|| {
                let wait = options.wait_where(writer.segment.parking() != Parking::Never);
                (Waiting::new(wait, Some(timeout), false), Watch::new(options.liveness_interval))
            });
            let pause = waiting.pause();
            if let Pause::Sleep(left) = pause {
                let look = || (self.version() != *seen || writer.gone(false).is_some()).then_some(());
                match writer.segment.cell_gate(writer.index) {
                    Some(gate) => {
                        let bell = bell.get_or_insert_with(|| Bell::new(writer.segment.parking()));
                        bell.sleep(gate, left.min(watch.left()), look);
                    }
                    // It may not write to where the writer would look for it.
                    None => std::thread::sleep(left.min(NAP)),
                }
            }
            let is_over = pause == Pause::Over;
            if let Some(departure) = writer.gone(is_over || watch.is_due(waiting.is_slow())) {
                // What it stored before it went is visible by now: this look is final, unless somebody stores all the same.
                if let Some(value) = self.newer(seen)? {
                    return Ok(value);
                }
                if self.version() == *seen {
                    return Err(WaitError::Stale(departure));
                }
            }
            if is_over {
                return Err(WaitError::Timeout);
            }
        }
    }

    /// A value that is newer; none if there is none, or none that could be had so quickly.
    fn newer(self, seen: &mut u64) -> Result<Option<T>, WaitError> {
        self.try_newer(seen).unwrap_or(Ok(None)).map_err(|error| match error {
            LoadError::Invalid(field) => WaitError::Invalid(field),
            LoadError::Empty => unreachable!("what is empty is not newer"),
        })
    }
}

/// When the kernel is to be asked again.
#[derive(Debug)]
pub(super) struct Watch {
    interval: Duration,
    asked: Duration,
    looks: u32,
}

/// While it spins, the clock is read once in so many looks.
const LOOKS_PER_CLOCK: u32 = 64;

impl Watch {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, asked: coarse_now(), looks: 0 }
    }

    /// How long one may sleep before.
    pub(super) fn left(&self) -> Duration {
        until_due(self.asked, self.interval)
    }

    /// Whether it is now. `slow`: looks are rare.
    pub(super) fn is_due(&mut self, slow: bool) -> bool {
        self.looks = self.looks.wrapping_add(1);
        if !slow && self.looks % LOOKS_PER_CLOCK != 0 {
            return false;
        }
        let now = coarse_now();
        let due = now.saturating_sub(self.asked) >= self.interval;
        if due {
            self.asked = now;
        }
        due
    }
}

/// The role of a cell's writer, as its readers see it.
#[derive(Clone, Copy)]
pub(super) struct Role<'m> {
    segment: &'m Segment,
    record: &'m Record,
    locks: &'m Locks,
    index: u32,
}

impl<'m> Role<'m> {
    /// # Panics
    ///
    /// If there is no such cell; in a forked child.
    #[track_caller]
    pub(super) fn of(segment: &'m Segment, locks: &'m Locks, index: u32) -> Self {
        segment.assert_ours();
        assert!(index < segment.capacity(), "cell {index} of a table of {}", segment.capacity());
        Self { segment, record: &segment.senders()[index as usize], locks, index }
    }

    pub(super) fn freshness(self) -> Freshness {
        Freshness::of(self.record, &self.locks.lock(Side::Sending, self.index))
    }

    /// How it went, if it is gone: by its record, or if it must be known by the kernel's word.
    pub(super) fn gone(self, certainly: bool) -> Option<Departure> {
        let presence = if certainly {
            roster::observe(self.record, &self.locks.lock(Side::Sending, self.index))
        } else {
            roster::observe_record(self.record).0
        };
        match presence {
            Presence::Never | Presence::Live => None,
            Presence::Left => Some(Departure::Left),
            Presence::Died => Some(Departure::Died),
        }
    }
}
