//! The watcher: shows how a run goes on, from the cells that the run publishes. It only reads, so the run knows nothing of
//! it.

use std::error::Error;
use std::io;

use ringway::Departure;
use ringway::map::{ErrorKind, Namespace};
use ringway::seqlock::{self, Freshness, LoadError, Reader, TableReader};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use crate::messages::now_ns;
use crate::process::Signals;
use crate::published::{self, Analysis, Progress, Share, State};
use crate::report::Totals;
use crate::screen::Screen;

/// From one refresh to the next. Slept, not waited for a newer value: that would keep a core from the pipeline.
const REFRESH: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Shows the pipeline that this process supervises, or the only one that runs; waits for it if it is not there. False if
/// it does not end well.
pub(crate) fn run(pipeline: Option<u32>) -> Result<bool, Box<dyn Error>> {
    let is_closed = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    match watch(pipeline) {
        // Nobody watches any more.
        Err(error) if error.downcast_ref().is_some_and(is_closed) => Ok(true),
        result => result,
    }
}

fn watch(pipeline: Option<u32>) -> Result<bool, Box<dyn Error>> {
    let signals = Signals::note()?;
    let mut screen = Screen::new(io::stdout());
    let Some(view) = wait_for(pipeline, &signals, &mut screen)? else { return Ok(true) };
    loop {
        let sight = view.look()?;
        if let Some((text, well)) = sight.ending() {
            screen.end(&sight, &text)?;
            return Ok(well);
        }
        screen.show(&sight)?;
        if !pause(&signals)? {
            screen.leave()?;
            return Ok(true);
        }
    }
}

/// None if the watcher is to end.
fn wait_for(
    pipeline: Option<u32>,
    signals: &Signals,
    screen: &mut Screen,
) -> Result<Option<View>, Box<dyn Error>> {
    let mut said = false;
    loop {
        let found = match pipeline {
            Some(pid) => the_one_of(pid)?,
            None => the_only_one()?,
        };
        if found.is_some() {
            return Ok(found);
        }
        if !std::mem::replace(&mut said, true) {
            screen.say(&match pipeline {
                Some(pid) => format!("no pipeline of process {pid} runs yet: waiting for it"),
                None => "no pipeline runs yet: waiting for one".to_owned(),
            })?;
        }
        if !pause(signals)? {
            return Ok(None);
        }
    }
}

/// Waits until the next refresh is due; false if a signal came, or nobody can see it any more.
fn pause(signals: &Signals) -> io::Result<bool> {
    let stdout = io::stdout();
    // Without events it is told of errors only: that the reader of a pipe is gone, or a terminal.
    let mut output = [PollFd::new(&stdout, PollFlags::empty())];
    match poll(&mut output, Some(&REFRESH)) {
        Ok(0) | Err(Errno::INTR) => Ok(signals.noted().is_none()),
        Ok(_) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn the_one_of(pid: u32) -> Result<Option<View>, Box<dyn Error>> {
    let process = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if !process.is_some_and(|process| test_kill_process(process) != Err(Errno::SRCH)) {
        return Err(format!("there is no process {pid}").into());
    }
    Ok(View::open(pid)?)
}

fn the_only_one() -> Result<Option<View>, Box<dyn Error>> {
    let mut running = Vec::new();
    for entry in Namespace::User.list()? {
        let Some(pid) = entry.name.as_deref().and_then(published::supervisor) else { continue };
        // Not one that is coming or going, nor one of another version.
        if let Ok(Some(view)) = View::open(pid) {
            if view.progress.freshness().is_fresh() {
                running.push(view);
            }
        }
    }
    if running.len() > 1 {
        let pids: Vec<String> = running.iter().map(|view| view.pid.to_string()).collect();
        let (count, first) = (pids.len(), &pids[0]);
        let why = format!("{count} pipelines run, of processes {}: say which", pids.join(", "));
        return Err(format!("{why}, as in `--watch={first}`").into());
    }
    Ok(running.pop())
}

/// The cells of a run.
struct View {
    pid: u32,
    progress: Reader<Progress>,
    analysis: Reader<Analysis>,
    shares: TableReader<Share>,
}

impl View {
    /// None if they are not there.
    fn open(pid: u32) -> Result<Option<Self>, ringway::Error> {
        let run = published::run(pid);
        let open = || {
            let progress = seqlock::cell(&published::progress(&run)).open_existing().reader()?;
            let analysis = seqlock::cell(&published::analysis(&run)).open_existing().reader()?;
            let shares = seqlock::table(&published::shares(&run)).open_existing().reader()?;
            Ok(Self { pid, progress, analysis, shares })
        };
        match open() {
            Ok(view) => Ok((view.progress.version() > 0).then_some(view)),
            Err(ringway::Error::Map(error)) if matches!(error.kind(), ErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn look(&self) -> Result<Sight, LoadError> {
        // In this order: after a word that was the last one, all that is read was the last of its kind.
        let supervisor = self.progress.freshness();
        let progress = self.progress.load()?;
        Ok(Sight {
            pid: self.pid,
            supervisor,
            progress,
            analysis: or(self.analysis.load(), Analysis::NONE)?,
            workers: (0..self.shares.len())
                .map(|slot| Ok((self.shares.freshness(slot), or(self.shares.load(slot), Share::NONE)?)))
                .collect::<Result<_, _>>()?,
            now_ns: now_ns(),
        })
    }
}

/// What was loaded, or what stands for nothing.
fn or<T>(loaded: Result<T, LoadError>, none: T) -> Result<T, LoadError> {
    match loaded {
        Err(LoadError::Empty) => Ok(none),
        loaded => loaded,
    }
}

/// What there is to be seen at one time.
pub(crate) struct Sight {
    pub(crate) pid: u32,
    supervisor: Freshness,
    pub(crate) progress: Progress,
    pub(crate) analysis: Analysis,
    /// Whether a worker is in the slot, and the slot's share.
    pub(crate) workers: Vec<(Freshness, Share)>,
    now_ns: u64,
}

impl Sight {
    /// How the run stands, in a word or two.
    pub(crate) fn state(&self) -> &'static str {
        match (self.progress.state, self.departed()) {
            (State::Running, None) => "running",
            (State::Pacing, None) => "in the slower run",
            (State::Finished, _) => "finished",
            (State::Failed, _) => "failed",
            (State::Stopped, _) => "stopped",
            (State::Running | State::Pacing, Some(Departure::Died)) => "dead",
            (State::Running | State::Pacing, Some(Departure::Left)) => "gone",
        }
    }

    fn departed(&self) -> Option<Departure> {
        match self.supervisor {
            Freshness::Stale { writer, .. } => Some(writer),
            Freshness::Awaited | Freshness::Fresh { .. } => None,
        }
    }

    /// How long the stream has been going on, in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        let Progress { started_ns, ended_ns, .. } = self.progress;
        let end = if ended_ns > 0 { ended_ns } else { self.now_ns };
        end.saturating_sub(started_ns) as f64 / 1e9
    }

    /// The last line, if the run has ended, and whether it ended well.
    fn ending(&self) -> Option<(String, bool)> {
        let Progress { lost, killed, records, .. } = self.progress;
        let Analysis { sent, samples: received, redelivered, .. } = self.analysis;
        let how = match (self.progress.state, self.departed()) {
            (State::Finished, _) => {
                let totals = Totals { sent, received, lost, redelivered, killed };
                return Some((format!("finished: {totals}, result matches the reference"), true));
            }
            (State::Failed, _) => "failed, and says why",
            (State::Stopped, _) => "was stopped by a signal",
            // It cannot come back: the run has its name from its process.
            (_, Some(Departure::Died)) => "is dead: its supervisor was killed",
            (_, Some(Departure::Left)) => "is gone: its supervisor left without a word",
            (State::Running | State::Pacing, None) => return None,
        };
        Some((format!("{how}; {received} of {records} samples were in order"), false))
    }
}
