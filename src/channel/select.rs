//! Waiting for the first of several sources.

use std::time::Duration;

use super::source::sealed::Waits;
use super::source::{Enlisted, Source, Spot};
use crate::Wait;
use crate::wait::many::{self, Watched};
use crate::wait::{NAP, Pause, Waiting};

/// Waits for the first of several [sources](Source): receivers, senders and cells in any mix, of any message types.
///
/// ```
/// use ringway::{Select, spsc};
/// # let (mut tx, mut ticks) = spsc::in_process::<u64>(8)?;
/// # let (_other, mut orders) = spsc::in_process::<[u8; 16]>(8)?;
/// # tx.send(7)?;
/// let mut select = Select::fair();
/// match select.wait(&mut [&mut ticks, &mut orders]) {
///     0 => println!("{:?}", ticks.try_recv()),
///     _ => println!("{:?}", orders.try_recv()),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Up to 128 sources the kernel watches all of them (`futex_waitv`, since Linux 5.16); where it cannot, and with more
/// sources, somebody who waits wakes a thousand times a second to look.
#[derive(Clone, Debug)]
pub struct Select {
    order: Order,
    wait: Wait,
}

/// What one is told that selects of nothing.
pub(super) const EMPTY: &str = "a select of no sources would wait for ever";

#[derive(Clone, Copy, Debug)]
enum Order {
    /// Begins behind the one that was chosen last.
    Fair { next: usize },
    /// Always begins with the first one.
    Priority,
}

impl Default for Select {
    /// As [`fair`](Self::fair).
    fn default() -> Self {
        Self::fair()
    }
}

impl Select {
    /// Of several that are ready it chooses in turn: none waits for longer than all others have been chosen once.
    pub fn fair() -> Self {
        Self { order: Order::Fair { next: 0 }, wait: Wait::default() }
    }

    /// Of several that are ready it chooses the first one in the list.
    pub fn by_priority() -> Self {
        Self { order: Order::Priority, wait: Wait::default() }
    }

    /// How it waits. Default: [`Wait::Park`]. What the sources were told is for their own calls.
    pub fn policy(mut self, wait: Wait) -> Self {
        self.wait = wait;
        self
    }

    /// The index of a source that is ready, if there is one now.
    pub fn poll(&mut self, sources: &mut [&mut dyn Source]) -> Option<usize> {
        self.look(sources, true)
    }

    /// Waits until a source is ready; its index.
    ///
    /// # Panics
    ///
    /// If there are no sources.
    pub fn wait(&mut self, sources: &mut [&mut dyn Source]) -> usize {
        assert!(!sources.is_empty(), "{EMPTY}");
        self.until(sources, None).expect("a wait without a deadline ends with a source")
    }

    /// Waits until a source is ready, for at most as long as it says; its index.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ringway::{Select, Wait, spsc};
    /// # let (mut tx, mut urgent) = spsc::in_process::<u64>(8)?;
    /// # let (_other, mut usual) = spsc::in_process::<u64>(8)?;
    /// let mut select = Select::by_priority().policy(Wait::Yield);
    /// assert_eq!(select.wait_timeout(&mut [&mut urgent, &mut usual], Duration::from_millis(1)), None);
    /// tx.send(7)?;
    /// assert_eq!(select.wait_timeout(&mut [&mut urgent, &mut usual], Duration::MAX), Some(0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_timeout(&mut self, sources: &mut [&mut dyn Source], timeout: Duration) -> Option<usize> {
        self.until(sources, Some(timeout))
    }

    fn until(&mut self, sources: &mut [&mut dyn Source], timeout: Option<Duration>) -> Option<usize> {
        let mut waiting: Option<Waiting> = None;
        let mut due = true;
        loop {
            if let Some(index) = self.look(sources, due) {
                return Some(index);
            }
            let waiting = waiting.get_or_insert_with(|| Waiting::new(self.wait, timeout, false));
            due = match waiting.pause() {
                Pause::Look => waiting.is_slow(),
                Pause::Over => return None,
                Pause::Sleep(left) => {
                    if let Some(index) = self.sleep(sources, left) {
                        return Some(index);
                    }
                    true
                }
            };
        }
    }

    /// Sleeps at the gates of all sources, unless a last look finds one that is ready.
    fn sleep(&mut self, sources: &mut [&mut dyn Source], left: Duration) -> Option<usize> {
        let spots: Vec<Spot> = sources.iter().map(|source| source.spot()).collect();
        if !spots.iter().any(|spot| spot.bell.lets_sleep()) {
            std::thread::yield_now();
            return None;
        }
        if spots.len() > many::MOST {
            std::thread::sleep(left.min(NAP));
            return None;
        }
        let enlisted = Spot::enlist(spots);
        let found = self.look(sources, false);
        if found.is_none() {
            let at_most = enlisted.iter().map(|one| one.at_most).fold(left, Duration::min);
            let watched = enlisted
                .iter()
                .filter_map(|Enlisted { spot, seen, .. }| Some(Watched::new(spot.gate()?.word(), (*seen)?)));
            many::sleep(&watched.collect::<Vec<_>>(), at_most);
            sources.iter().for_each(|source| source.slept());
        }
        found
    }

    pub(super) fn look<S: Waits + ?Sized>(&mut self, sources: &mut [&mut S], due: bool) -> Option<usize> {
        let count = sources.len();
        let first = match self.order {
            Order::Fair { next } => next,
            Order::Priority => 0,
        };
        let found = (0..count).map(|step| (first + step) % count).find(|&i| sources[i].is_ready(due))?;
        if let Order::Fair { next } = &mut self.order {
            *next = (found + 1) % count;
        }
        Some(found)
    }
}
