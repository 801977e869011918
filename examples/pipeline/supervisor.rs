//! The supervisor: starts the workers, kills the feed half-way, and sees to it that nothing is left.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use ringway::TryRecvError;
use ringway::spsc::{self, Receiver};

use crate::analysis::Reference;
use crate::arguments::{ANALYSIS, FEED, Settings, Task};
use crate::detector::recording::{SAMPLES, Unusable};
use crate::messages::{Event, Report};
use crate::process::{Signals, Sweeper, Worker};
use crate::report;

/// Records a second in the run that shows the latency without a queue.
const PACED_HZ: u64 = 40_000;

/// Between two looks at the reports, the workers and the signals.
const LOOK: Duration = Duration::from_millis(1);

/// Feeds that die of themselves are replaced, so many at most.
const SUCCESSORS: usize = 8;

/// How long the analysis may take to end after the end of the stream, and how long the feed.
const PATIENCE: Duration = Duration::from_secs(5);
const GRACE: Duration = Duration::from_millis(500);

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

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.to_string())
    }
}

/// A feed that is no more, and the one that went on.
pub(crate) struct Succession {
    pub(crate) dead: u32,
    /// Whether this program killed it.
    pub(crate) killed: bool,
    /// Records that the analysis was known to have received then.
    pub(crate) received: u64,
    /// Records it had received when it noticed the death, if it did before the successor came.
    pub(crate) noticed: Option<u64>,
    pub(crate) successor: u32,
    /// The successor's first record, and how long the analysis was without one; none if it took over from
    /// one that had sent nothing, or everything.
    pub(crate) resumed: Option<(u64, Duration)>,
}

/// What came out of one run.
pub(crate) struct Outcome {
    pub(crate) last: Report,
    pub(crate) successions: Vec<Succession>,
}

/// Runs what the user asked for, and gives the last line.
pub(crate) fn run(settings: &Settings, out: &mut dyn Write) -> Result<String, Failure> {
    let reference = Reference::read(&settings.data).map_err(Failure::Recording)?.figures();
    let signals = Signals::note()?;
    let parent = std::process::id();
    let task = Task {
        run: format!("pipeline-{parent}"),
        parent,
        records: settings.repeat * SAMPLES,
        rate: settings.rate,
        capacity: settings.capacity,
        data: settings.data.clone(),
    };
    let outcome = Run::start(&task, &signals, out)?.finish(settings.kill, out)?;
    report::result(&outcome, &reference, out)?;
    report::speed(&outcome.last, task.rate, out)?;
    let verdict = report::verdict(&task, &outcome.last, &reference)?;
    if settings.paced > 0 {
        let run = format!("{}-paced", task.run);
        let task = Task { run, records: settings.paced, rate: Some(PACED_HZ), ..task };
        let outcome = Run::start(&task, &signals, out)?.finish(false, out)?;
        report::speed(&outcome.last, task.rate, out)?;
        report::verdict(&task, &outcome.last, &reference)?;
    }
    Ok(verdict)
}

/// A run under way. In this order it is dropped: the workers are killed, what they leave in shared memory
/// is swept, and the last channel goes.
struct Run<'a> {
    feed: Worker,
    analysis: Worker,
    _sweeper: Sweeper,
    reports: Receiver<Report>,
    task: &'a Task,
    signals: &'a Signals,
    successions: Vec<Succession>,
    latest: Option<Report>,
    /// The feed whose death the analysis noticed last, and how many records it had received then.
    noticed: Option<(u32, u64)>,
}

impl<'a> Run<'a> {
    fn start(task: &'a Task, signals: &'a Signals, out: &mut dyn Write) -> Result<Self, Failure> {
        let reports = spsc::channel(&task.reports_channel()).create_new().receiver()?;
        let _sweeper = Sweeper;
        let analysis = Worker::start(ANALYSIS, task)?;
        let feed = Worker::start(FEED, task)?;
        report::start(task, feed.pid(), analysis.pid(), out)?;
        Ok(Self {
            feed,
            analysis,
            _sweeper,
            reports,
            task,
            signals,
            successions: Vec::new(),
            latest: None,
            noticed: None,
        })
    }

    /// Watches over the run to its end; with `kill`, ends the feed half-way.
    fn finish(mut self, mut kill: bool, out: &mut dyn Write) -> Result<Outcome, Failure> {
        loop {
            if let Some(signal) = self.signals.noted() {
                return Err(Failure::Interrupted(signal));
            }
            // Looked at before the reports: what an analysis that has ended said last is not missed.
            let analysis_ended = self.analysis.ended()?;
            while let Some(report) = self.next_report()? {
                match report.event {
                    Event::Progress => {}
                    Event::FeedDied => self.noticed = Some((report.feed, report.received)),
                    Event::Resumed => self.resumed(&report, out)?,
                    Event::Finished if kill => {
                        report::too_late(self.feed.pid(), out)?;
                        return self.wind_up(report);
                    }
                    Event::Finished => return self.wind_up(report),
                }
                if kill && report.received >= self.task.records / 2 {
                    kill = false;
                    self.kill_feed(report.received, out)?;
                }
            }
            if let Some(status) = analysis_ended {
                return Err(ended_early(&self.analysis, status));
            }
            match self.feed.ended()? {
                Some(status) if status.signal().is_some() && self.successions.len() < SUCCESSORS => {
                    let received = self.latest.map_or(0, |report| report.received);
                    self.replace_feed(false, received)?;
                }
                Some(status) if !status.success() => return Err(ended_early(&self.feed, status)),
                _ => {}
            }
            thread::sleep(LOOK);
        }
    }

    fn next_report(&mut self) -> Result<Option<Report>, TryRecvError> {
        match self.reports.try_recv() {
            Ok(report) => {
                self.latest = Some(report);
                Ok(Some(report))
            }
            // Whether the analysis has gone is asked of its process.
            Err(TryRecvError::Empty | TryRecvError::Disconnected(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn kill_feed(&mut self, received: u64, out: &mut dyn Write) -> Result<(), Failure> {
        match self.feed.kill()? {
            true => self.replace_feed(true, received),
            false => Ok(report::too_late(self.feed.pid(), out)?),
        }
    }

    fn replace_feed(&mut self, killed: bool, received: u64) -> Result<(), Failure> {
        let dead = self.feed.pid();
        self.feed = Worker::start(FEED, self.task)?;
        let successor = self.feed.pid();
        let succession = Succession { dead, killed, received, noticed: None, successor, resumed: None };
        self.successions.push(succession);
        Ok(())
    }

    fn resumed(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let mut successions = self.successions.iter_mut();
        match successions.find(|succession| succession.successor == report.feed) {
            Some(succession) => {
                let noticed = self.noticed.filter(|&(dead, _)| dead == succession.dead);
                succession.noticed = noticed.map(|(_, received)| received);
                succession.resumed = Some((report.received, Duration::from_nanos(report.gap_ns)));
                report::succession(succession, out)
            }
            None => Ok(()),
        }
    }

    /// The end of the stream is there: the workers have nothing left to do.
    fn wind_up(mut self, last: Report) -> Result<Outcome, Failure> {
        match ended_within(&mut self.analysis, PATIENCE)? {
            Some(status) if status.success() => {}
            Some(status) => return Err(ended_early(&self.analysis, status)),
            None => return Err(Failure::Failed("the analysis does not end".into())),
        }
        // One that was started after the end has nothing to do, and is killed if it has not seen that.
        ended_within(&mut self.feed, GRACE)?;
        Ok(Outcome { last, successions: self.successions })
    }
}

fn ended_within(worker: &mut Worker, patience: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + patience;
    loop {
        match worker.ended()? {
            None if Instant::now() < deadline => thread::sleep(LOOK),
            status => return Ok(status),
        }
    }
}

fn ended_early(worker: &Worker, status: ExitStatus) -> Failure {
    Failure::Failed(format!("the {} (process {}) ended early: {status}", worker.role, worker.pid()))
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
