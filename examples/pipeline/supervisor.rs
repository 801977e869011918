//! The supervisor: has the stream run, at full speed and then at a pace, and judges what comes out.

use std::error::Error;
use std::fmt;
use std::io::Write;
use std::process::ExitStatus;

use indicatif::ProgressBar;

use crate::arguments::{Settings, Task};
use crate::board::Board;
use crate::detector::recording::{SAMPLES, Unusable};
use crate::messages::{Figures, Latency, now_ns};
use crate::meter::{self, Meter};
use crate::pictures::{Pictures, Unwritable};
use crate::plot;
use crate::process::{Process, Signals};
use crate::published::{self, Latencies, State};
use crate::reference::Reference;
use crate::report;
use crate::run::{Outcome, Run};
use crate::timeline::Timeline;

/// Records a second in the run that shows the latency without a queue.
const PACED_HZ: u64 = 40_000;

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was wrong, or did not come.
    Failed(String),
    /// There is nothing to start with.
    Recording(Unusable),
    /// What was asked for cannot be drawn.
    Pictures(Unwritable),
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
    let mut pictures = settings.plot.as_deref().map(Pictures::open).transpose().map_err(Failure::Pictures)?;
    let mut timeline = pictures.is_some().then(Timeline::new);
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
    let bar = meter::bar();
    let mut above;
    let told: &mut dyn Write = match &bar {
        Some(bar) => {
            above = meter::above(bar, out);
            &mut above
        }
        None => out,
    };
    let meters = (bar.as_ref(), timeline.as_mut());
    let verdict = judge(settings, &task, &reference, &signals, &mut board, meters, told);
    let verdict = verdict.and_then(|(line, latency)| {
        if let Some((pictures, timeline)) = pictures.as_mut().zip(timeline.as_ref()) {
            draw(pictures, &latency, timeline)?;
            writeln!(told, "  plotted       {}", pictures.paths())?;
        }
        Ok(line)
    });
    if let Some(bar) = &bar {
        bar.finish_and_clear();
    }
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

/// The latencies that are drawn.
struct Picture {
    title: String,
    latencies: Latencies,
    percentiles: Latency,
}

impl Picture {
    fn of(board: &Board, outcome: &Outcome, rate: Option<u64>) -> Result<Self, Failure> {
        let pace = rate.map_or("at full speed".to_owned(), |rate| format!("at {rate} messages a second"));
        let title = format!("Latency from feed to parse, {pace}");
        Ok(Self { title, latencies: board.latencies()?, percentiles: outcome.intake.latency })
    }
}

fn draw(pictures: &mut Pictures, latency: &Picture, timeline: &Timeline) -> Result<(), Failure> {
    let failed = |error: Box<dyn Error>| Failure::Failed(error.to_string());
    let Latency { p50, p99, p999, highest } = latency.percentiles;
    let marks = [("p50", p50), ("p99", p99), ("p99.9", p999), ("max", highest)];
    let latency = plot::latency(&latency.title, &latency.latencies.counts, &marks).map_err(failed)?;
    let throughput = plot::throughput("Messages from feed to parse", timeline).map_err(failed)?;
    pictures.write(&latency, &throughput).map_err(Failure::Pictures)
}

/// Runs the stream, which the board shows, and then the slower one, whose latency is without a queue.
fn judge(
    settings: &Settings,
    task: &Task,
    reference: &Figures,
    signals: &Signals,
    board: &mut Board,
    (bar, timeline): (Option<&ProgressBar>, Option<&mut Timeline>),
    out: &mut dyn Write,
) -> Result<(String, Picture), Failure> {
    let run = Run::start(task, settings.workers, settings.kill_every, signals, out)?;
    let outcome = run.finish(board, &mut Meter::new(task, bar, timeline), out)?;
    let mut picture = Picture::of(board, &outcome, task.rate)?;
    board.show(|progress| (progress.state, progress.ended_ns) = (State::Pacing, now_ns()))?;
    report::result(&outcome, reference, out)?;
    report::speed(&outcome, task.rate, out)?;
    let verdict = report::verdict(task, &outcome, reference)?;
    if settings.paced > 0 {
        let run = format!("{}-paced", task.run);
        let task = Task { run, records: settings.paced, rate: Some(PACED_HZ), ..task.clone() };
        // One worker is enough for that, and idle ones would be in the way.
        let mut board = Board::put_up(&task, 1)?;
        let run = Run::start(&task, 1, None, signals, out)?;
        let outcome = run.finish(&mut board, &mut Meter::new(&task, bar, None), out)?;
        picture = Picture::of(&board, &outcome, task.rate)?;
        report::speed(&outcome, task.rate, out)?;
        report::verdict(&task, &outcome, reference)?;
    }
    Ok((verdict, picture))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(why) => f.write_str(why),
            Self::Recording(unusable) => unusable.fmt(f),
            Self::Pictures(unwritable) => unwritable.fmt(f),
            Self::Interrupted(signal) => {
                let name = signal_hook::low_level::signal_name(*signal).unwrap_or("a signal");
                write!(f, "interrupted by {name}")
            }
        }
    }
}
