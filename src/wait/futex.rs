//! The kernel's part of sleeping: until a word in shared memory changes, or the time is up.

use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex::{self, Flags, Timespec};

use crate::sync::AtomicU32;

/// What one sleep may take at most, whatever was asked for: whoever tells the news can die before it wakes. In unit tests
/// and for a fuzzer so long that a lost wake is not healed.
pub(super) const LONGEST: Duration =
    Duration::from_secs(if cfg!(any(test, ringway_unhealed)) { 3600 } else { 1 });
/// What it takes where the kernel refuses to sleep at a word, or will not have all news wake the sleeper: it looks by itself.
pub(crate) const NAP: Duration = Duration::from_millis(1);

/// Sleeps while the word is `seen`, for at most so long. It may be woken for nothing, also by a signal.
pub(crate) fn sleep(word: &AtomicU32, seen: u32, at_most: Duration) {
    let at_most = at_most.min(LONGEST);
    let time = Timespec { tv_sec: at_most.as_secs() as i64, tv_nsec: at_most.subsec_nanos().into() };
    match futex::wait(word, Flags::empty(), seen, Some(&time)) {
        Ok(()) | Err(Errno::AGAIN | Errno::INTR | Errno::TIMEDOUT) => {}
        Err(_) => thread::sleep(at_most.min(NAP)),
    }
}

/// Sleeps while the word is `seen`, for as long as it takes. It may be woken for nothing.
#[cfg(feature = "async")]
pub(super) fn sleep_long(word: &AtomicU32, seen: u32) {
    match futex::wait(word, Flags::empty(), seen, None) {
        Ok(()) | Err(Errno::AGAIN | Errno::INTR) => {}
        Err(_) => thread::sleep(NAP),
    }
}

/// Wakes all that sleep at the word.
pub(crate) fn wake(word: &AtomicU32) {
    // It fails for words that nobody can sleep at, and then nobody does.
    let _ = futex::wake(word, Flags::empty(), i32::MAX as u32);
}
