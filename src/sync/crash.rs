//! Named crash points: the instructions at which the tests end a process.

/// Marks an instruction at which a process may be killed, and at which the tests do kill one.
///
/// In the library it is nothing. In this crate's unit tests the process sends itself SIGKILL here when the
/// environment variable `RINGWAY_CRASH_POINT` is `name`, or `name#n` for the n-th time it gets here
/// (from 1), and SIGSTOP when `RINGWAY_CRASH_STOP` is, which may be set as well: then it can be stopped at one
/// point, overtaken, and killed at another. Where `RINGWAY_CRASH_JITTER` is a number n it pauses at every fourth
/// point, for up to n microseconds, so that a storm finds in seconds what would take days. [`meddled`] has something
/// done here, as by a peer that is just that fast. In a loom model the thread unwinds here when its fuse has burnt
/// down: a process that dies leaves memory as it is and runs no clean-up.
#[inline(always)]
pub(crate) fn crash_point(name: &str) {
    #[cfg(loom)]
    model::burn(name);
    #[cfg(all(test, not(loom)))]
    armed::reached(name);
    #[cfg(not(any(test, loom)))]
    let _ = name;
}

#[cfg(all(test, not(loom)))]
pub(crate) use armed::meddled;
#[cfg(loom)]
pub use model::{Crashed, crash_after};

#[cfg(loom)]
mod model {
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    /// The model process died at the named point.
    #[derive(Debug)]
    pub struct Crashed(pub &'static str);

    loom::thread_local! {
        static FUSE: Cell<Option<u32>> = Cell::new(None);
    }

    /// Runs `process` until it passes its `steps`-th crash point (from 0), where it dies; `None` lets it
    /// run to its end. Returns the name of the point at which it died.
    pub fn crash_after<R>(steps: Option<u32>, process: impl FnOnce() -> R) -> Result<R, Crashed> {
        FUSE.with(|fuse| fuse.set(steps));
        let end = catch_unwind(AssertUnwindSafe(process));
        FUSE.with(|fuse| fuse.set(None));
        match end {
            Ok(value) => Ok(value),
            Err(payload) => match payload.downcast::<Crashed>() {
                Ok(crashed) => Err(*crashed),
                Err(other) => resume_unwind(other),
            },
        }
    }

    pub(super) fn burn(name: &str) {
        let burnt = FUSE.with(|fuse| match fuse.get() {
            Some(0) => true,
            Some(n) => {
                fuse.set(Some(n - 1));
                false
            }
            None => false,
        });
        if burnt {
            // Names are literals; a leak of a few bytes per model keeps the type simple.
            resume_unwind(Box::new(Crashed(Box::leak(name.to_owned().into_boxed_str()))));
        }
    }
}

#[cfg(all(test, not(loom)))]
mod armed {
    use std::cell::Cell;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    /// The point, and the time there, at which the process gets a signal.
    struct Fuse {
        name: String,
        nth: u64,
        hits: AtomicU64,
    }

    static KILL: OnceLock<Option<Fuse>> = OnceLock::new();
    static STOP: OnceLock<Option<Fuse>> = OnceLock::new();
    static JITTER: OnceLock<Option<u64>> = OnceLock::new();
    static RANDOM: AtomicU64 = AtomicU64::new(0);

    type Meddler = Box<dyn FnMut(&str)>;

    thread_local! {
        static MEDDLER: Cell<Option<Meddler>> = const { Cell::new(None) };
    }

    /// Runs `body`, and at each crash point that this thread reaches in it `meddle`, with the name of the point.
    pub(crate) fn meddled<R>(meddle: impl FnMut(&str) + 'static, body: impl FnOnce() -> R) -> R {
        /// Nobody meddles with the next test in this thread, however this one ends.
        struct End;
        impl Drop for End {
            fn drop(&mut self) {
                MEDDLER.set(None);
            }
        }
        let _end = End;
        MEDDLER.set(Some(Box::new(meddle)));
        body()
    }

    /// Lets the meddler do what it does here. What it does itself is not meddled with.
    fn suffer(name: &str) {
        // A handle may be dropped after this has been, at the end of its thread.
        let Ok(Some(mut meddle)) = MEDDLER.try_with(Cell::take) else { return };
        meddle(name);
        MEDDLER.set(Some(meddle));
    }

    /// Pauses here, if the process was told to and chance has it.
    fn falter() {
        let text = || std::env::var("RINGWAY_CRASH_JITTER").ok();
        let number = || text().map(|text| text.parse().expect("the jitter is a number of microseconds"));
        let Some(longest) = *JITTER.get_or_init(number) else { return };
        let step = u64::from(std::process::id()) * 2 + 1;
        let mixed =
            (RANDOM.fetch_add(step, Ordering::Relaxed) ^ step).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        if mixed % 4 == 0 {
            std::thread::sleep(std::time::Duration::from_micros(mixed / 4 % (longest + 1)));
        }
    }

    impl Fuse {
        fn of(variable: &str) -> Option<Fuse> {
            let text = std::env::var(variable).ok()?;
            let (name, nth) = match text.split_once('#') {
                Some((name, nth)) => (name, nth.parse().expect("a crash point is `name` or `name#n`")),
                None => (text.as_str(), 1),
            };
            Some(Fuse { name: name.to_owned(), nth, hits: AtomicU64::new(0) })
        }

        fn burns(&self, name: &str) -> bool {
            self.name == name && self.hits.fetch_add(1, Ordering::SeqCst) + 1 == self.nth
        }
    }

    pub(super) fn reached(name: &str) {
        falter();
        suffer(name);
        let is_lit = |fuse: &Option<Fuse>| fuse.as_ref().is_some_and(|fuse| fuse.burns(name));
        if is_lit(STOP.get_or_init(|| Fuse::of("RINGWAY_CRASH_STOP"))) {
            // To this thread: one that is sent to the process may let the thread go on for a moment.
            signal_hook::low_level::raise(Signal::STOP.as_raw()).expect("a process may stop itself");
        }
        if is_lit(KILL.get_or_init(|| Fuse::of("RINGWAY_CRASH_POINT"))) {
            kill_process(getpid(), Signal::KILL).expect("a process may kill itself");
            unreachable!("SIGKILL returned");
        }
    }
}
