//! The supervisor: has the stream run, at full speed and then at a pace, and judges what comes out.

use std::error::Error;
use std::fmt;
use std::io::Write;
use std::process::ExitStatus;

use crate::arguments::{Settings, Task};
use crate::board::Board;
use crate::detector::recording::{SAMPLES, Unusable};
use crate::messages::{Figures, now_ns};
use crate::process::{Process, Signals};
use crate::published::{self, State};
use crate::reference::Reference;
use crate::report;
use crate::run::Run;

/// Records a second in the run that shows the latency without a queue.
const PACED_HZ: u64 = 40_000;

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was wrong, or did not come.
    Failed(String),
    /// There is nothing to start with.
    Recording(Unusable),
    /// This signal came first.
    Interrupted(i32),
}

impl Failure {
    /// Of a process that ended as it should not.
    pub(crate) fn early(process: &Process, status: ExitStatus) -> Self {
        Self::Failed(format!("the {} (process {}) ended early: {status}", process.role, process.pid()))
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Runs what the user asked for, and gives the last line.
pub(crate) fn run(settings: &Settings, out: &mut dyn Write) -> Result<String, Failure> {
    let reference = Reference::read(&settings.data).map_err(Failure::Recording)?.figures();
    let signals = Signals::note()?;
    let parent = std::process::id();
    let task = Task {
        run: published::run(parent),
        parent,
        records: settings.repeat * SAMPLES,
        rate: settings.rate,
        capacity: settings.capacity,
        data: settings.data.clone(),
    };
    let mut board = Board::put_up(&task, settings.workers)?;
    let verdict = judge(settings, &task, &reference, &signals, &mut board, out);
    let state = match &verdict {
        Ok(_) => State::Finished,
        Err(Failure::Interrupted(_)) => State::Stopped,
        Err(_) => State::Failed,
    };
    let shown = board.show(|progress| progress.state = state);
    let line = verdict?;
    shown?;
    Ok(line)
}

/// Runs the stream, which the board shows, and then the slower one.
fn judge(
    settings: &Settings,
    task: &Task,
    reference: &Figures,
    signals: &Signals,
    board: &mut Board,
    out: &mut dyn Write,
) -> Result<String, Failure> {
    let run = Run::start(task, settings.workers, settings.kill_every, signals, out)?;
    let outcome = run.finish(board, out)?;
    board.show(|progress| (progress.state, progress.ended_ns) = (State::Pacing, now_ns()))?;
    report::result(&outcome, reference, out)?;
    report::speed(&outcome, task.rate, out)?;
    let verdict = report::verdict(task, &outcome, reference)?;
    if settings.paced > 0 {
        let run = format!("{}-paced", task.run);
        let task = Task { run, records: settings.paced, rate: Some(PACED_HZ), ..task.clone() };
        // One worker is enough for that, and idle ones would be in the way.
        let mut board = Board::put_up(&task, 1)?;
        let outcome = Run::start(&task, 1, None, signals, out)?.finish(&mut board, out)?;
        report::speed(&outcome, task.rate, out)?;
        report::verdict(&task, &outcome, reference)?;
    }
    Ok(verdict)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(why) => f.write_str(why),
            Self::Recording(unusable) => unusable.fmt(f),
            Self::Interrupted(signal) => {
                let name = signal_hook::low_level::signal_name(*signal).unwrap_or("a signal");
                write!(f, "interrupted by {name}")
            }
        }
    }
}
