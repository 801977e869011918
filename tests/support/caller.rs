//! For the tests of calls that sleep: when the other side does so, by the kernel's word.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rustix::thread::{Pid, gettid};

use crate::testing::WATCHDOG;

/// Whether a thread sleeps, by the kernel's word; `task` is its directory in /proc.
fn is_asleep(task: &str) -> bool {
    let stat = std::fs::read_to_string(format!("{task}/stat")).expect("the thread is there");
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'))
}

/// Waits until the thread sleeps. It does so in the call that is tested, and nowhere else.
pub(crate) fn until_asleep(task: &str) {
    let deadline = Instant::now() + WATCHDOG;
    while !is_asleep(task) {
        assert!(Instant::now() < deadline, "it does not sleep");
        thread::yield_now();
    }
}

/// A thread that is in a call.
pub(crate) struct Caller<R> {
    task: String,
    thread: JoinHandle<R>,
}

impl<R: Send + 'static> Caller<R> {
    pub(crate) fn start(call: impl FnOnce() -> R + Send + 'static) -> Self {
        let (tell, told) = mpsc::channel::<Pid>();
        let thread = thread::spawn(move || {
            tell.send(gettid()).expect("somebody listens");
            drop(tell);
            call()
        });
        let pid = told.recv().expect("it says who it is");
        Self { task: format!("/proc/self/task/{}", pid.as_raw_nonzero()), thread }
    }

    /// One that sleeps by now.
    pub(crate) fn asleep(call: impl FnOnce() -> R + Send + 'static) -> Self {
        let caller = Self::start(call);
        caller.until_asleep();
        caller
    }

    pub(crate) fn until_asleep(&self) {
        until_asleep(&self.task);
    }

    pub(crate) fn answer(self) -> R {
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}
