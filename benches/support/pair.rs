//! Two processes, each pinned to a core, that run slice after slice in step.
#![allow(unsafe_code, reason = "casts a shared mapping to the atomics that keep the processes in step")]

use std::path::PathBuf;
use std::process::{self, ChildStdin, ChildStdout, Command};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ringway::map::{MapOptions, SharedMap, View};
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

use super::sizes;

/// What the command line says.
pub(crate) struct Arguments {
    /// Pairs of slices for each row.
    pub(crate) pairs: usize,
    /// The sizes of messages to be measured, in words.
    sizes: Vec<usize>,
    /// Where the JSON goes.
    pub(crate) json: Option<PathBuf>,
}

const HELP: &str = "\
Options:
  --quick        fewer pairs: ends within 30 seconds
  --pairs N      pairs of slices for each row
  --bytes N,…    only messages of so many bytes
  --json FILE    write the figures to FILE as well
  --help         this text";

impl Arguments {
    /// How many sizes are to be measured.
    pub(crate) fn count(&self) -> usize {
        self.sizes.len()
    }

    /// Whether messages of so many words are to be measured.
    pub(crate) fn include(&self, words: usize) -> bool {
        self.sizes.contains(&words)
    }

    fn parse(name: &str, full: usize, quick: usize, sizes: &[usize]) -> Self {
        use lexopt::prelude::*;
        let fail = |error: lexopt::Error| -> ! {
            eprintln!("{name}: {error}\n{HELP}");
            process::exit(2);
        };
        let mut arguments = Self { pairs: full, sizes: sizes.to_vec(), json: None };
        let mut parser = lexopt::Parser::from_env();
        loop {
            let step = |parser: &mut lexopt::Parser, arguments: &mut Self| -> Result<bool, lexopt::Error> {
                match parser.next()? {
                    None => return Ok(false),
                    Some(Long("quick")) => arguments.pairs = quick,
                    Some(Long("pairs")) => arguments.pairs = parser.value()?.parse()?,
                    Some(Long("bytes")) => arguments.sizes = sizes::parse(parser, sizes)?,
                    Some(Long("json")) => arguments.json = Some(parser.value()?.into()),
                    // What `cargo bench` adds.
                    Some(Long("bench")) => {}
                    Some(Long("help")) => {
                        println!("cargo bench --bench {name} -- [OPTIONS]\n{HELP}");
                        process::exit(0);
                    }
                    Some(other) => return Err(other.unexpected()),
                }
                Ok(true)
            };
            match step(&mut parser, &mut arguments) {
                Ok(true) => {}
                Ok(false) => return arguments,
                Err(error) => fail(error),
            }
        }
    }
}

/// The words that keep both processes in step, each on lines of its own.
#[repr(C)]
struct Steps {
    command: Lines<[AtomicU64; 3]>,
    ready: Lines<AtomicU64>,
    done: Lines<AtomicU64>,
    /// How long the child had no core in its slice, in nanoseconds.
    waited: Lines<AtomicU64>,
}

#[repr(C, align(128))]
struct Lines<T>(T);

/// What both processes have.
pub(crate) struct Side {
    /// Shared memory for the yardsticks, page-aligned.
    pub(crate) memory: *mut u8,
    steps: *const Steps,
    view: View,
    /// Unique to this run: for the names of channels.
    pub(crate) run: String,
}

/// Bytes for the yardsticks.
pub(crate) const MEMORY: u64 = 16 << 20;
const STEPS: u64 = 4096;

impl Side {
    fn new(map: SharedMap, run: String) -> Self {
        let view = map.accessor().expect("all of it");
        let steps = view.as_mut_ptr().cast::<Steps>();
        Self { memory: view.as_mut_ptr().wrapping_add(STEPS as usize), steps, view, run }
    }

    fn steps(&self) -> &Steps {
        // SAFETY: the first page of the map, which `self` keeps; zero bytes are valid atomics, and nothing
        // else uses them.
        unsafe { &*self.steps }
    }
}

/// The process that gives the commands and reads the clock.
pub(crate) struct Parent {
    pub(crate) side: Side,
    child: process::Child,
    slices: u64,
    disturbed: bool,
}

/// The other process.
pub(crate) struct Child {
    pub(crate) side: Side,
    slices: u64,
}

/// Which of the two this is.
pub(crate) enum Role {
    Parent(Parent, Arguments),
    Child(Child),
}

const RUN: &str = "RINGWAY_BENCH_RUN";

/// Starts the other process, or is it.
///
/// `sizes`, in words, are those that can be measured.
pub(crate) fn start(name: &str, full: usize, quick: usize, sizes: &[usize]) -> Role {
    if let Some(child) = Child::of_a_run() {
        return Role::Child(child);
    }
    let arguments = Arguments::parse(name, full, quick, sizes);
    Role::Parent(Parent::start(name, |_| ()), arguments)
}

/// Pins this process to the n-th core that it may use, as it was when this was called first.
pub(crate) fn pin(n: usize) {
    static ALLOWED: OnceLock<CpuSet> = OnceLock::new();
    let allowed = ALLOWED.get_or_init(|| sched_getaffinity(None).expect("the allowed cores"));
    let core = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).nth(n);
    let Some(core) = core else {
        eprintln!("two cores are needed; both processes share one, so the figures mean little");
        return;
    };
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).expect("a core of its own");
}

/// How long this thread had no core while it did that, in nanoseconds.
fn waited(run: impl FnOnce()) -> u64 {
    let on_core = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    };
    let (start, before) = (Instant::now(), on_core());
    run();
    start.elapsed().saturating_sub(on_core() - before).as_nanos() as u64
}

impl Parent {
    /// Starts the other process, with whatever `equip` gives it.
    pub(crate) fn start(name: &str, equip: impl FnOnce(&mut Command)) -> Self {
        let run = format!("bench-{name}-{}", process::id());
        let map = MapOptions::new().capacity(STEPS + MEMORY).create_new(&run).expect("shared memory");
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        equip(&mut command);
        let child = command.env(RUN, &run).spawn().expect("the second process");
        pin(0);
        Self { side: Side::new(map, run), child, slices: 0, disturbed: false }
    }

    /// What [`start`](Self::start) made a pipe of.
    pub(crate) fn pipes(&mut self) -> (Option<ChildStdin>, Option<ChildStdout>) {
        (self.child.stdin.take(), self.child.stdout.take())
    }

    /// Runs one slice of contestant `what` with `count` rounds on both sides, and times it from when the
    /// child is ready until it is done.
    pub(crate) fn slice(&mut self, what: u64, count: u64, run: impl FnOnce()) -> Duration {
        self.slices += 1;
        let steps = self.side.steps();
        steps.command.0[1].store(what, Ordering::Relaxed);
        steps.command.0[2].store(count, Ordering::Relaxed);
        steps.command.0[0].store(self.slices, Ordering::Release);
        self.wait(|steps| &steps.ready.0);
        let start = Instant::now();
        let waited = waited(|| {
            run();
            self.wait(|steps| &steps.done.0);
        });
        let elapsed = start.elapsed();
        let waited = waited.max(self.side.steps().waited.0.load(Ordering::Relaxed));
        self.disturbed = u128::from(waited) * 20 > elapsed.as_nanos();
        elapsed
    }

    /// Whether one of the two had no core for more than a twentieth of the last slice: somebody else had it, or it slept.
    pub(crate) fn was_disturbed(&self) -> bool {
        self.disturbed
    }

    fn wait(&mut self, word: impl Fn(&Steps) -> &AtomicU64) {
        let mut polls = 0_u64;
        while word(self.side.steps()).load(Ordering::Acquire) != self.slices {
            polls += 1;
            if polls > 1 << 14 {
                // It may be on this core.
                thread::yield_now();
            }
            if polls % (1 << 24) == 0 {
                let end = self.child.try_wait().expect("the second process");
                assert!(end.is_none(), "the second process ended");
            }
        }
    }

    /// Ends the other process.
    pub(crate) fn finish(mut self) {
        self.slices += 1;
        let steps = self.side.steps();
        steps.command.0[1].store(u64::MAX, Ordering::Relaxed);
        steps.command.0[0].store(self.slices, Ordering::Release);
        let status = self.child.wait().expect("the second process");
        assert!(status.success(), "the second process failed: {status}");
    }
}

impl Child {
    /// If this is the second process.
    pub(crate) fn of_a_run() -> Option<Self> {
        let run = std::env::var(RUN).ok()?;
        set_parent_process_death_signal(Some(Signal::KILL)).expect("a death signal");
        pin(1);
        let map = MapOptions::new().open(&run).expect("the parent's map");
        Some(Self { side: Side::new(map, run), slices: 0 })
    }

    /// Waits for commands and runs them until there are no more.
    pub(crate) fn serve(mut self, mut run: impl FnMut(&Side, u64, u64)) {
        loop {
            self.slices += 1;
            let steps = self.side.steps();
            while steps.command.0[0].load(Ordering::Acquire) != self.slices {}
            let what = steps.command.0[1].load(Ordering::Relaxed);
            let count = steps.command.0[2].load(Ordering::Relaxed);
            if what == u64::MAX {
                return;
            }
            steps.ready.0.store(self.slices, Ordering::Release);
            let waited = waited(|| run(&self.side, what, count));
            steps.waited.0.store(waited, Ordering::Relaxed);
            steps.done.0.store(self.slices, Ordering::Release);
        }
    }
}
