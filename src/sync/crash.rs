//! Named crash points: the instructions at which the kill tests end a process.

/// Marks an instruction at which a process may be killed and the kill tests do kill one.
///
/// In the library it is nothing. In the unit tests of this crate the process sends itself SIGKILL here
/// when the environment variable `RINGWAY_CRASH_POINT` is `name`, or `name#n` for the n-th time it gets
/// here (from 1). Where `RINGWAY_CRASH_JITTER` is a number n it pauses at every fourth point, for up to n
/// microseconds: storms find in seconds what would take days.
#[inline(always)]
pub(crate) fn crash_point(name: &str) {
    #[cfg(all(test, not(loom)))]
    armed::reached(name);
    #[cfg(not(all(test, not(loom))))]
    let _ = name;
}

#[cfg(all(test, not(loom)))]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static FUSE: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static HITS: AtomicU64 = AtomicU64::new(0);
    static JITTER: OnceLock<Option<u64>> = OnceLock::new();
    static RANDOM: AtomicU64 = AtomicU64::new(0);

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

    pub(super) fn reached(name: &str) {
        falter();
        let fuse = FUSE.get_or_init(|| {
            let text = std::env::var("RINGWAY_CRASH_POINT").ok()?;
            Some(match text.split_once('#') {
                Some((name, n)) => (name.to_owned(), n.parse().expect("a crash point is `name` or `name#n`")),
                None => (text, 1),
            })
        });
        let Some((wanted, nth)) = fuse else { return };
        if wanted == name && HITS.fetch_add(1, Ordering::SeqCst) + 1 == *nth {
            let me = rustix::process::getpid();
            rustix::process::kill_process(me, rustix::process::Signal::KILL)
                .expect("a process may kill itself");
            unreachable!("SIGKILL returned");
        }
    }
}
