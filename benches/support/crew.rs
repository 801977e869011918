//! Threads or processes, each on a core, that do a slice of work when they are told to, all at the same time, until they
//! are told to stop. In between they sleep.
#![allow(unsafe_code, reason = "casts a shared mapping to the atomics that keep the members in step")]

use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{env, hint};

use ringway::map::{MapOptions, View};
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::futex::{self, Flags};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// The most members of a crew.
pub(crate) const MOST: usize = 4;
/// Bytes for the yardsticks, which come after those that keep the members in step.
pub(crate) const MEMORY: u64 = 8 << 20;
const STEPS: u64 = 4096;

/// What a member came to in a slice.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) operations: u64,
    /// Loads that brought another value than the one before.
    pub(crate) fresh: u64,
    /// Loads that brought what was never stored, or an older value than the one before.
    pub(crate) wrong: u64,
    /// How long it took.
    pub(crate) nanos: u64,
    /// How much of that it had no core.
    pub(crate) waited: u64,
}

impl Counts {
    /// Million operations per second.
    pub(crate) fn rate(self) -> f64 {
        self.operations as f64 / self.nanos as f64 * 1e3
    }

    /// Whether somebody else had the core for more than a twentieth of the time.
    pub(crate) fn disturbed(self) -> bool {
        self.waited * 20 > self.nanos
    }

    /// What a job came to, and how long this thread had no core meanwhile.
    pub(crate) fn watched(job: impl FnOnce() -> Self) -> Self {
        let on_core = || {
            let time = clock_gettime(ClockId::ThreadCPUTime);
            Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
        };
        let (start, before) = (Instant::now(), on_core());
        let counts = job();
        let waited = start.elapsed().saturating_sub(on_core() - before);
        Self { waited: waited.as_nanos() as u64, ..counts }
    }
}

#[repr(C, align(128))]
struct Line<T>(T);

#[repr(C)]
struct Member {
    ready: AtomicU32,
    done: AtomicU32,
    counts: [AtomicU64; 5],
}

/// The words that keep all in step, each on lines of its own.
#[repr(C)]
struct Steps {
    /// The latest command. Members sleep on it.
    command: Line<AtomicU32>,
    /// The command that may begin, and the one that is to end.
    go: Line<AtomicU32>,
    stop: Line<AtomicU32>,
    members: [Line<Member>; MOST],
}

/// What a member is to do: `sequence` tells one command from the next.
#[derive(Clone, Copy)]
struct Order {
    sequence: u32,
    job: u32,
    checked: bool,
    members: u32,
}

impl Order {
    const END: u32 = 0x3ff;

    fn pack(self) -> u32 {
        self.sequence << 14 | self.job << 4 | u32::from(self.checked) << 3 | self.members
    }

    fn unpack(word: u32) -> Self {
        Self { sequence: word >> 14, job: word >> 4 & 0x3ff, checked: word >> 3 & 1 == 1, members: word & 7 }
    }
}

/// Memory that all members have.
pub(crate) struct Memory {
    map: View,
    /// Its name, unique to this run: for the names of what is measured.
    pub(crate) run: String,
}

impl Memory {
    pub(crate) fn create(run: &str) -> Self {
        let map = MapOptions::new().capacity(STEPS + MEMORY).create_new(run).expect("shared memory");
        let map = map.accessor().expect("all of it");
        Self { map, run: run.to_owned() }
    }

    pub(crate) fn open(run: &str) -> Self {
        let map = MapOptions::new().open(run).expect("the run's memory");
        Self { map: map.accessor().expect("all of it"), run: run.to_owned() }
    }

    /// Zero at first, shared, and there for as long as this; `at` is below [`MEMORY`].
    pub(crate) fn at(&self, at: usize) -> *mut u8 {
        assert!(at < MEMORY as usize);
        self.map.as_mut_ptr().wrapping_add(STEPS as usize + at)
    }

    fn steps(&self) -> &Steps {
        // SAFETY: the first page of the map, which `self` keeps; zero bytes are valid atomics, and nothing else uses
        // them.
        unsafe { &*self.map.as_mut_ptr().cast::<Steps>() }
    }
}

/// A slice of work, to be done until it is over.
pub(crate) struct Slice<'a> {
    order: u32,
    stop: &'a AtomicU32,
    /// Whether every word is to be looked at.
    pub(crate) checked: bool,
}

impl Slice<'_> {
    #[inline]
    pub(crate) fn over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) == self.order
    }
}

/// What a member does in a slice.
pub(crate) type Job = Box<dyn FnMut(&Slice<'_>) -> Counts>;

/// Waits without a system call at first.
fn patiently(mut done: impl FnMut() -> bool, mut at_times: impl FnMut()) {
    let mut polls = 0_u64;
    while !done() {
        polls += 1;
        if polls > 1 << 14 {
            thread::yield_now();
        }
        if polls % (1 << 20) == 0 {
            at_times();
        }
    }
}

/// Pins this thread to the core of a member, or of the one that commands. They share cores if there are too few.
pub(crate) fn pin(n: usize) {
    let cores = cores();
    let mut set = CpuSet::new();
    set.set(cores[n % cores.len()]);
    sched_setaffinity(None, &set).expect("a core of its own");
}

/// Lets this thread, and whatever it starts from now on, run on any of the cores again.
#[allow(dead_code, reason = "not everybody measures more than one thing")]
pub(crate) fn unpin() {
    let mut set = CpuSet::new();
    cores().iter().for_each(|core| set.set(*core));
    sched_setaffinity(None, &set).expect("the cores of before");
}

/// The cores that this process may use; asked once, before any thread is pinned.
pub(crate) fn cores() -> &'static [usize] {
    static CORES: std::sync::OnceLock<Vec<usize>> = std::sync::OnceLock::new();
    CORES.get_or_init(|| {
        let allowed = sched_getaffinity(None).expect("the allowed cores");
        (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect()
    })
}

/// Does slices until there are no more.
fn serve(memory: &Memory, at: usize, mut jobs: Vec<Job>) {
    let steps = memory.steps();
    let mut seen = 0;
    loop {
        let mut polls = 0;
        while steps.command.0.load(Ordering::Acquire) == seen {
            polls += 1;
            // Only the first has a core of its own for sure.
            if at > 0 || polls > 1 << 14 {
                // It has changed already, or somebody has woken this thread: the loop finds out.
                let _ = futex::wait(&steps.command.0, Flags::empty(), seen, None);
            }
        }
        let word = steps.command.0.load(Ordering::Acquire);
        seen = word;
        let order = Order::unpack(word);
        if order.job == Order::END {
            return;
        }
        if at >= order.members as usize {
            continue;
        }
        let member = &steps.members[at].0;
        member.ready.store(word, Ordering::Release);
        patiently(|| steps.go.0.load(Ordering::Acquire) == word, || ());
        let slice = Slice { order: word, stop: &steps.stop.0, checked: order.checked };
        let found = Counts::watched(|| jobs[order.job as usize](&slice));
        let found = [found.operations, found.fresh, found.wrong, found.nanos, found.waited];
        for (count, found) in member.counts.iter().zip(found) {
            count.store(found, Ordering::Relaxed);
        }
        member.done.store(word, Ordering::Release);
    }
}

enum Hand {
    Process(Child),
    Thread(Option<JoinHandle<()>>),
}

/// Environment variable: what a member process is.
const MEMBER: &str = "RINGWAY_BENCH_MEMBER";

/// If this is a member process: does its slices, and says so.
pub(crate) fn is_member(jobs: impl FnOnce(&Memory) -> Vec<Job>) -> bool {
    let Ok(task) = env::var(MEMBER) else { return false };
    set_parent_process_death_signal(Some(Signal::KILL)).expect("a death signal");
    let (at, run) = task.split_once(' ').expect("two words");
    let at: usize = at.parse().expect("a number");
    pin(at + 1);
    let memory = Memory::open(run);
    let jobs = jobs(&memory);
    serve(&memory, at, jobs);
    true
}

/// Those who read, commanded by the one that writes.
pub(crate) struct Crew {
    memory: Memory,
    hands: Vec<Hand>,
    sequence: u32,
}

impl Crew {
    /// Processes: this program again, which calls [`is_member`].
    pub(crate) fn processes(memory: Memory, members: usize) -> Self {
        assert!(members <= MOST);
        let start = |at: usize| {
            let mut command = Command::new(env::current_exe().expect("this program"));
            Hand::Process(
                command.env(MEMBER, format!("{at} {}", memory.run)).spawn().expect("another process"),
            )
        };
        let hands = (0..members).map(start).collect();
        Self { memory, hands, sequence: 0 }
    }

    /// One thread of this process.
    #[allow(dead_code, reason = "not everybody measures threads")]
    pub(crate) fn thread(memory: Memory, jobs: impl FnOnce() -> Vec<Job> + Send + 'static) -> Self {
        let run = memory.run.clone();
        let thread = thread::spawn(move || {
            pin(1);
            serve(&Memory::open(&run), 0, jobs());
        });
        Self { memory, hands: vec![Hand::Thread(Some(thread))], sequence: 0 }
    }

    fn command(&mut self, job: u32, checked: bool, members: usize) -> u32 {
        self.sequence = self.sequence % (1 << 17) + 1;
        let word = Order { sequence: self.sequence, job, checked, members: members as u32 }.pack();
        let command = &self.memory.steps().command.0;
        command.store(word, Ordering::Release);
        futex::wake(command, Flags::empty(), u32::MAX >> 1).expect("the members");
        word
    }

    /// Lets so many members do a job while `meanwhile` runs here, and until it returns.
    pub(crate) fn slice<R>(
        &mut self,
        job: u32,
        checked: bool,
        members: usize,
        meanwhile: impl FnOnce() -> R,
    ) -> (R, Vec<Counts>) {
        let word = self.command(job, checked, members);
        let Self { memory, hands, .. } = self;
        let steps = memory.steps();
        let mut alive = || {
            for hand in hands.iter_mut() {
                let ended = match hand {
                    Hand::Process(child) => child.try_wait().expect("a member").is_some(),
                    Hand::Thread(thread) => thread.as_ref().is_none_or(JoinHandle::is_finished),
                };
                assert!(!ended, "a member has ended");
            }
        };
        let members = &steps.members[..members];
        for Line(member) in members {
            patiently(|| member.ready.load(Ordering::Acquire) == word, &mut alive);
        }
        steps.go.0.store(word, Ordering::Release);
        let result = meanwhile();
        steps.stop.0.store(word, Ordering::Release);
        let counts = members.iter().map(|Line(member)| {
            patiently(|| member.done.load(Ordering::Acquire) == word, &mut alive);
            let [operations, fresh, wrong, nanos, waited] =
                std::array::from_fn(|at| member.counts[at].load(Ordering::Relaxed));
            Counts { operations, fresh, wrong, nanos, waited }
        });
        let counts = counts.collect();
        (result, counts)
    }

    /// Ends all members.
    pub(crate) fn finish(mut self) {
        self.command(Order::END, false, 0);
        for hand in &mut self.hands {
            match hand {
                Hand::Process(child) => {
                    let status = child.wait().expect("a member");
                    assert!(status.success(), "a member failed: {status}");
                }
                Hand::Thread(thread) => thread.take().expect("a thread").join().expect("a member"),
            }
        }
    }
}

/// Keeps this core busy, or asleep if others need it, for so long.
pub(crate) fn pass(time: Duration, asleep: bool) {
    if asleep {
        return thread::sleep(time);
    }
    let start = Instant::now();
    while start.elapsed() < time {
        hint::spin_loop();
    }
}
