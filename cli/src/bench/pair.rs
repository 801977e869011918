//! Two processes, each kept on a core, that run slice after slice in step.

use std::cell::RefCell;
use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ringway::Wait;
use ringway::map::{MapOptions, Namespace, View};
use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use super::contests::{Contest, contests};
use super::cores::{Cores, pin};
use super::raw;
use crate::output::{Failure, Outcome};

/// Which of the two this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The one that gives the commands and reads the clock.
    First,
    /// The one that it has started.
    Second,
}

/// Where the words are that keep both in step, each on lines of its own, and of what one command consists.
const COMMAND: u64 = 0;
const WHAT: u64 = 8;
const COUNT: u64 = 16;
const READY: u64 = 256;
const DONE: u64 = 512;
/// What ends the second process.
const END: u64 = u64::MAX;
/// After so many looks in vain it is asked whether the other one is still there.
const LOOKS: u32 = 1 << 16;
/// And after so many the core is given away: the other one may be on it.
const PATIENCE: u32 = 1 << 14;

/// The other process, and how to hear of its end.
enum Other {
    Second(Child),
    /// Set when the first one has ended.
    First(Arc<AtomicBool>),
}

/// What both processes have.
pub(super) struct Shared {
    view: View,
    other: RefCell<Other>,
    /// Unique to this run: in the names of channels.
    pub(super) run: String,
    pub(super) namespace: Namespace,
    pub(super) part: Part,
    /// Whether both are on one core, so that whoever waits gives it away.
    yields: bool,
}

impl Shared {
    /// A word of the memory that both have: at a multiple of 8 below [`raw::BYTES`].
    pub(super) fn word(&self, at: u64) -> &AtomicU64 {
        self.view.atomic_u64(at).expect("a word of the map")
    }

    /// The memory that both have.
    pub(super) fn view(&self) -> &View {
        &self.view
    }

    /// How channels wait that do not sleep.
    pub(super) fn spin(&self) -> Wait {
        if self.yields { Wait::Yield } else { Wait::Spin }
    }

    /// Waits until something is so.
    #[inline]
    pub(super) fn until(&self, is_so: impl Fn() -> bool) -> Result<(), Failure> {
        self.wait(self.yields, 0, is_so)
    }

    /// The same, between two slices.
    fn patiently(&self, is_so: impl Fn() -> bool) -> Result<(), Failure> {
        self.wait(self.yields, PATIENCE, is_so)
    }

    #[inline]
    fn wait(&self, yields: bool, patience: u32, is_so: impl Fn() -> bool) -> Result<(), Failure> {
        let mut looks = 0_u32;
        while !is_so() {
            looks = looks.wrapping_add(1);
            if yields || patience > 0 && looks > patience {
                thread::yield_now();
            }
            if looks.is_multiple_of(LOOKS) {
                self.check_other()?;
            }
        }
        Ok(())
    }

    /// Fails if the other process is not there any more.
    #[cold]
    pub(super) fn check_other(&self) -> Result<(), Failure> {
        match &mut *self.other.borrow_mut() {
            Other::Second(child) => match child.try_wait() {
                Ok(None) => Ok(()),
                Ok(Some(status)) => Err(ended(&format!("the second process ended: {status}"))),
                Err(error) => Err(ended(&format!("the second process cannot be asked for: {error}"))),
            },
            Other::First(has_ended) if has_ended.load(Ordering::Relaxed) => {
                Err(ended("the first process ended"))
            }
            Other::First(_) => Ok(()),
        }
    }
}

fn ended(what: &str) -> Failure {
    Failure::Message(what.to_owned())
}

/// The process that gives the commands.
pub(super) struct First {
    pub(super) shared: Rc<Shared>,
    slices: u64,
}

/// Environment variable: what the second process is told.
const TOLD: &str = "RINGWAY_BENCH_SECOND";

impl First {
    /// Starts the other one: this program again.
    pub(super) fn start(namespace: &Namespace, cores: Cores) -> Result<Self, Failure> {
        let nanos = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let run = format!("ringway-bench-{}-{:x}", std::process::id(), nanos.subsec_nanos());
        let map = MapOptions::new().namespace(namespace.clone()).capacity(raw::BYTES);
        let view = map.create_new(&run).and_then(|map| map.accessor()).map_err(Failure::Namespace)?;
        let Cores([first, second]) = cores;
        let yields = first == second;
        let mut command = Command::new("/proc/self/exe");
        command.arg0("ringway").arg("bench").arg("--namespace").arg(as_argument(namespace));
        let told = format!("{} {second} {yields} {run}", getpid().as_raw_nonzero());
        let child = command.env(TOLD, told).spawn();
        let child =
            child.map_err(|error| Failure::Message(format!("no second process can be started: {error}")))?;
        let (other, part) = (RefCell::new(Other::Second(child)), Part::First);
        let shared = Shared { view, other, run, namespace: namespace.clone(), part, yields };
        // From here on it is ended when this is dropped.
        let this = Self { shared: Rc::new(shared), slices: 0 };
        pin(first)?;
        Ok(this)
    }

    /// Runs one slice of a contestant on both sides, and times it from when the other side is ready until it is done.
    pub(super) fn slice(
        &mut self,
        what: u64,
        count: u64,
        run: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<Duration, Failure> {
        let shared = self.shared.clone();
        self.command(what, count);
        let number = self.slices;
        shared.patiently(|| shared.word(READY).load(Ordering::Acquire) == number)?;
        let start = Instant::now();
        run()?;
        shared.until(|| shared.word(DONE).load(Ordering::Acquire) == number)?;
        Ok(start.elapsed())
    }

    fn command(&mut self, what: u64, count: u64) {
        self.slices += 1;
        self.shared.word(WHAT).store(what, Ordering::Relaxed);
        self.shared.word(COUNT).store(count, Ordering::Relaxed);
        self.shared.word(COMMAND).store(self.slices, Ordering::Release);
    }

    /// Tells the other process that nothing comes of it, if it is there.
    pub(super) fn abandon(&mut self) {
        if let Other::Second(child) = &mut *self.shared.other.borrow_mut()
            && child.try_wait().is_ok_and(|status| status.is_none())
        {
            let pid = Pid::from_raw(child.id() as i32).expect("a process");
            let _ = rustix::process::kill_process(pid, Signal::TERM);
        }
    }

    /// Ends the other process, which has to be content, too.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.command(END, 0);
        let mut other = self.shared.other.borrow_mut();
        let Other::Second(child) = &mut *other else { return Ok(()) };
        match child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(ended(&format!("the second process ended: {status}"))),
            Err(error) => Err(ended(&format!("the second process cannot be asked for: {error}"))),
        }
    }
}

impl Drop for First {
    /// Whatever happened, the other one does not stay. It may be in the midst of a slice: the channels have been left by now.
    fn drop(&mut self) {
        self.command(END, 0);
        self.abandon();
        if let Other::Second(child) = &mut *self.shared.other.borrow_mut() {
            let _ = child.wait();
        }
    }
}

/// As `--namespace` reads it.
fn as_argument(namespace: &Namespace) -> OsString {
    match namespace {
        Namespace::User => "user".into(),
        Namespace::System => "system".into(),
        directory => directory.path().into(),
    }
}

/// The second process, if that is what this one was started as.
pub(crate) struct Second {
    core: usize,
    yields: bool,
    run: String,
    /// Set when the first one has ended.
    ended: Arc<AtomicBool>,
}

impl Second {
    /// `None` if it was started by a user.
    pub(crate) fn as_told() -> Option<Result<Self, Failure>> {
        let told = env::var(TOLD).ok()?;
        let words: Vec<_> = told.splitn(4, ' ').collect();
        let [first, core, yields, run] = words[..] else { return None };
        Some(Self::of(first.parse().ok()?, core.parse().ok()?, yields == "true", run))
    }

    fn of(first: i32, core: usize, yields: bool, run: &str) -> Result<Self, Failure> {
        let (ended, ignored) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        flag::register(SIGTERM, ended.clone()).map_err(Failure::Input)?;
        // Those of a terminal are for the first one, which ends this one.
        for signal in [SIGINT, SIGHUP] {
            flag::register(signal, ignored.clone()).map_err(Failure::Input)?;
        }
        set_parent_process_death_signal(Some(Signal::TERM)).map_err(|error| Failure::Input(error.into()))?;
        // It may have ended before that.
        if getppid().map(Pid::as_raw_nonzero).map(i32::from) != Some(first) {
            ended.store(true, Ordering::Relaxed);
        }
        Ok(Self { core, yields, run: run.to_owned(), ended })
    }

    /// Runs slices until there are no more.
    pub(crate) fn serve(self, namespace: &Namespace) -> Result<Outcome, Failure> {
        let ended = self.ended.clone();
        match self.serve_until_the_end(namespace) {
            // Nobody is there to hear of it.
            Err(_) if ended.load(Ordering::Relaxed) => Ok(Outcome::Bad),
            served => served.map(|()| Outcome::Fine),
        }
    }

    fn serve_until_the_end(self, namespace: &Namespace) -> Result<(), Failure> {
        pin(self.core)?;
        let map = MapOptions::new().namespace(namespace.clone());
        let view = map.open(&self.run).and_then(|map| map.accessor()).map_err(Failure::Namespace)?;
        let (other, part) = (RefCell::new(Other::First(self.ended)), Part::Second);
        let (run, yields) = (self.run, self.yields);
        let shared = Rc::new(Shared { view, other, run, namespace: namespace.clone(), part, yields });
        let mut contests = contests(&shared)?;
        for number in 1.. {
            shared.patiently(|| shared.word(COMMAND).load(Ordering::Acquire) == number)?;
            let what = shared.word(WHAT).load(Ordering::Relaxed);
            let count = shared.word(COUNT).load(Ordering::Relaxed);
            if what == END {
                break;
            }
            shared.word(READY).store(number, Ordering::Release);
            Contest::run(&mut contests, what, count)?;
            shared.word(DONE).store(number, Ordering::Release);
        }
        Ok(())
    }
}
