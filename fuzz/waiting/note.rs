//! What is told when there is news: a flag, which a waker sets, or a file descriptor.

use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use ringway::channel::{ReadyFd, Source};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Nobody is told as late.
const HANG: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Flag {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        *self.is_set.lock().expect("nobody panics with it") = true;
        self.changed.notify_all();
    }
}

/// Who is to be told.
#[derive(Clone)]
pub(super) enum Note {
    Task(Arc<dyn Told>),
    Descriptor(ReadyFd),
}

/// A task.
pub(super) trait Told: Send + Sync {
    fn is_told_within(&self, time: Duration) -> bool;
}

impl Told for Flag {
    fn is_told_within(&self, time: Duration) -> bool {
        let is_set = self.is_set.lock().expect("nobody panics with it");
        *self.changed.wait_timeout_while(is_set, time, |is_set| !*is_set).expect("nobody panics with it").0
    }
}

impl Note {
    /// A task, and how it is woken.
    pub(super) fn task() -> (Self, Waker) {
        let flag = Arc::new(Flag::default());
        (Self::Task(Arc::clone(&flag) as Arc<dyn Told>), Waker::from(flag))
    }

    /// Whether it is told, sooner or later.
    pub(super) fn is_told(&self) -> bool {
        match self {
            Self::Task(task) => task.is_told_within(HANG),
            Self::Descriptor(ready) => {
                let time = Timespec { tv_sec: HANG.as_secs() as i64, tv_nsec: 0 };
                let mut descriptors = [PollFd::new(ready, PollFlags::IN)];
                loop {
                    match poll(&mut descriptors, Some(&time)) {
                        // A fuzzer looks at its watch by a signal.
                        Err(Errno::INTR) => {}
                        answer => break answer == Ok(1),
                    }
                }
            }
        }
    }
}

/// The descriptors that an input had, by the numbers that the kernel gives them once only.
#[derive(Default)]
pub(super) struct Descriptors(Vec<String>);

impl Descriptors {
    /// Arms one for a source; `None` if that is ready.
    pub(super) fn arm(&mut self, source: &mut dyn Source) -> Option<Note> {
        let ready = ReadyFd::new().expect("few are open");
        self.0.extend(number(&ready.as_fd().as_raw_fd().to_string()));
        if ready.arm(source) { None } else { Some(Note::Descriptor(ready)) }
    }

    /// # Panics
    ///
    /// If one stays open, though all that had it are gone: but for the thread that may be making it readable.
    pub(super) fn assert_closed(self) {
        let start = Instant::now();
        while self.0.iter().any(|number| open().contains(number)) {
            assert!(start.elapsed() < HANG, "a descriptor stays open");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The number of an event descriptor, if that is what the descriptor is.
fn number(descriptor: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}")).ok()?;
    text.lines().find(|line| line.starts_with("eventfd-id:")).map(str::to_owned)
}

fn open() -> Vec<String> {
    let all = fs::read_dir("/proc/self/fdinfo").expect("there is /proc");
    all.filter_map(|entry| number(entry.ok()?.file_name().to_str()?)).collect()
}
