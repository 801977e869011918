//! Sleeping at several words at a time.

use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex::{self, WaitFlags, WaitPtr, WaitvFlags};
use rustix::time::{ClockId, Timespec, clock_gettime};

use super::futex::{LONGEST, NAP};
use crate::sync::AtomicU32;

/// So many words the kernel watches at a time.
pub(crate) const MOST: usize = 128;

/// A word, and what it was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watched(futex::Wait);

impl Watched {
    /// The word is not looked at by whoever has this, only by the kernel, which knows when it is not there any more.
    pub(crate) fn new(word: &AtomicU32, seen: u32) -> Self {
        let mut wait = futex::Wait::new();
        wait.val = seen.into();
        wait.uaddr = WaitPtr::new(word.as_ptr().cast());
        wait.flags = WaitFlags::SIZE_U32;
        Self(wait)
    }
}

/// Sleeps until one of the words is not what it was, for at most so long. It may be woken for nothing.
///
/// Linux can watch several words since 5.16 (`futex_waitv`). Where it cannot, or where there are more than [`MOST`], it
/// sleeps for a millisecond.
pub(crate) fn sleep(words: &[Watched], at_most: Duration) {
    let at_most = at_most.min(LONGEST);
    if words.is_empty() || words.len() > MOST {
        return thread::sleep(at_most.min(NAP));
    }
    let waits: Vec<futex::Wait> = words.iter().map(|word| word.0).collect();
    match futex::waitv(&waits, WaitvFlags::empty(), Some(&after(at_most)), ClockId::Monotonic) {
        Ok(_) | Err(Errno::AGAIN | Errno::INTR | Errno::TIMEDOUT) => {}
        Err(_) => thread::sleep(at_most.min(NAP)),
    }
}

/// That much later than now.
fn after(time: Duration) -> Timespec {
    let now = clock_gettime(ClockId::Monotonic);
    let nanos = now.tv_nsec + i64::from(time.subsec_nanos());
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let tv_sec = now.tv_sec.saturating_add(seconds).saturating_add(nanos / 1_000_000_000);
    Timespec { tv_sec, tv_nsec: nanos % 1_000_000_000 }
}
