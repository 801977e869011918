//! One thread of a process that sleeps for all of its tasks.
//!
//! A task cannot sleep at a gate. It enlists there as every sleeper does, notes the gate, what it was, and its waker in a
//! table, and returns. The thread sleeps at all the gates of the table, and wakes the tasks whose gates have changed, or
//! whose time has come to ask who lives. One thread watches up to [`MOST`] gates; more tasks have further threads. They
//! start when they are first needed, and sleep when there is nothing to watch.

use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use super::futex::{self, LONGEST};
use super::many::{self, Watched};
use crate::map::ForkGuard;
use crate::sync::{AtomicU32, Ordering};

/// A gate, and the memory that it is in.
pub(crate) trait Place: Send {
    /// Its word; `None`: there is nothing to watch, and only the time counts.
    fn word(&self) -> Option<&AtomicU32>;
}

/// What a task waits for.
struct Entry {
    place: Box<dyn Place>,
    seen: u32,
    due: Instant,
    waker: Waker,
}

impl Entry {
    fn is_over(&self, now: Instant) -> bool {
        // The wake orders what comes after it; the word is only a hint here.
        let word = self.place.word().map(|word| word.load(Ordering::Relaxed));
        word.is_some_and(|word| word != self.seen) || self.due <= now
    }
}

/// So many gates a thread watches, beside the word by which it is told of new ones.
const MOST: usize = many::MOST - 1;

/// A thread, and what it watches.
struct Reactor {
    entries: Mutex<Entries>,
    /// Changes when there is something new to watch.
    news: AtomicU32,
}

#[derive(Default)]
struct Entries {
    by_number: HashMap<u64, Entry>,
    last: u64,
}

/// The threads of one process. A forked child has none of them, and makes its own.
struct Pool {
    owner: ForkGuard,
    reactors: Mutex<Vec<&'static Reactor>>,
    /// Of a process that inherited this one.
    child: OnceLock<Box<Pool>>,
}

static POOL: OnceLock<Pool> = OnceLock::new();

/// A note in the table. Dropping it takes the note back: nothing of the gate's memory is kept or touched afterwards.
pub struct Ticket {
    reactor: &'static Reactor,
    number: u64,
    /// A forked child inherits the ticket, and a table that may be locked for ever.
    owner: ForkGuard,
}

impl Ticket {
    /// Notes that the task is to be woken when the word of the place is not `seen` any more, or after so long.
    ///
    /// # Panics
    ///
    /// If the process can have no further thread.
    pub(crate) fn new(place: Box<dyn Place>, seen: u32, at_most: Duration, waker: Waker) -> Self {
        let now = Instant::now();
        let due = now + at_most.min(LONGEST);
        Pool::of_process().note(Entry { place, seen, due, waker })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.owner.is_ours() {
            return;
        }
        // What it drops may have tickets of its own, but not while the table is locked.
        let entry = lock(&self.reactor.entries).by_number.remove(&self.number);
        drop(entry);
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("number", &self.number).finish_non_exhaustive()
    }
}

/// Nothing is left half-done by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    fn new() -> Self {
        Self { owner: ForkGuard::new(), reactors: Mutex::default(), child: OnceLock::new() }
    }

    /// That of this process: the first one, or one that was made after a fork.
    fn of_process() -> &'static Pool {
        let mut pool = POOL.get_or_init(Pool::new);
        while !pool.owner.is_ours() {
            pool = pool.child.get_or_init(|| Box::new(Pool::new()));
        }
        pool
    }

    /// Notes the entry in the first table that has room.
    fn note(&'static self, entry: Entry) -> Ticket {
        let mut reactors = lock(&self.reactors);
        let mut entry = Some(entry);
        for reactor in reactors.iter().copied() {
            if let Some(number) = reactor.note(&mut entry) {
                return Ticket { reactor, number, owner: self.owner };
            }
        }
        let reactor: &'static Reactor =
            Box::leak(Box::new(Reactor { entries: Mutex::default(), news: AtomicU32::new(0) }));
        let run = move || reactor.run();
        thread::Builder::new().name("ringway-reactor".to_owned()).spawn(run).expect("a thread for the tasks");
        let number = reactor.note(&mut entry).expect("an empty table has room");
        reactors.push(reactor);
        Ticket { reactor, number, owner: self.owner }
    }
}

impl Reactor {
    /// Takes the entry, if there is room; its number.
    fn note(&self, entry: &mut Option<Entry>) -> Option<u64> {
        let mut entries = lock(&self.entries);
        if entries.by_number.len() >= MOST {
            return None;
        }
        entries.last += 1;
        let number = entries.last;
        entries.by_number.insert(number, entry.take()?);
        drop(entries);
        // Whoever sleeps has seen the word before it looked at the table, by the lock.
        self.news.fetch_add(1, Ordering::Relaxed);
        futex::wake(&self.news);
        Some(number)
    }

    /// Watches for ever.
    fn run(&self) {
        loop {
            let seen = self.news.load(Ordering::Relaxed);
            let (woken, watched, at_most) = self.look();
            let Some(at_most) = at_most else {
                if woken.is_empty() {
                    futex::sleep_long(&self.news, seen);
                }
                woken.into_iter().for_each(wake);
                continue;
            };
            if woken.is_empty() {
                let news = Watched::new(&self.news, seen);
                let watched: Vec<Watched> = [news].into_iter().chain(watched).collect();
                many::sleep(&watched, at_most);
            }
            woken.into_iter().for_each(wake);
        }
    }

    /// Takes out those that are to be woken; what the others wait for, and how long at most.
    fn look(&self) -> (Vec<Waker>, Vec<Watched>, Option<Duration>) {
        let mut entries = lock(&self.entries);
        let now = Instant::now();
        let over: Vec<u64> = entries
            .by_number
            .iter()
            .filter(|(_, entry)| entry.is_over(now))
            .map(|(&number, _)| number)
            .collect();
        // What keeps the memory goes while the table is locked: so it is never this thread that drops the last of it,
        // since whoever has the ticket needs the lock to drop that first.
        let woken = over.iter().filter_map(|number| Some(entries.by_number.remove(number)?.waker)).collect();
        let left = entries.by_number.values();
        let at_most = left.clone().map(|entry| entry.due.saturating_duration_since(now)).min();
        let watched = left.filter_map(|entry| Some(Watched::new(entry.place.word()?, entry.seen))).collect();
        (woken, watched, at_most)
    }
}

/// What a waker does is the executor's, and no reason to leave other tasks asleep.
fn wake(waker: Waker) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
        // It might panic again.
        mem::forget(panic);
    }
}
