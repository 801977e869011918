//! A run under way: its processes and channels, watched over to the end.

use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use ringway::spsc::{self, Receiver};
use ringway::{Message, TryRecvError, mpmc, mpsc};

use crate::arguments::{Role, Task};
use crate::board::Board;
use crate::crew::Crew;
use crate::messages::{Block, Event, Filtered, Intake, Report};
use crate::meter::Meter;
use crate::process::{Process, Signals, Sweeper};
use crate::report;
use crate::supervisor::Failure;

/// Between two looks at the reports, the processes and the signals.
const LOOK: Duration = Duration::from_millis(1);

/// Between two lines that say where a long run stands.
const PROGRESS: Duration = Duration::from_secs(1);

/// Feeds that die of themselves are replaced, so many at most.
const SUCCESSORS: usize = 8;

/// How long the processes may take to end after the end of the stream, and how long the feed.
const PATIENCE: Duration = Duration::from_secs(5);
const GRACE: Duration = Duration::from_millis(500);

/// Blocks that wait for a worker or are with one, and results that wait for the sink.
const WORK: usize = 64;
const RESULTS: usize = 16;

/// Ends on a side that workers share: theirs, this program's, and those of the dead until somebody has seen it.
const ENDS: usize = 64;

/// A feed that is no more, and the one that went on.
pub(crate) struct Succession {
    pub(crate) dead: u32,
    /// Whether this program killed it.
    pub(crate) killed: bool,
    /// Records that the parser was known to have received then.
    pub(crate) received: u64,
    /// Records it had received when it noticed the death, if it did before the successor came.
    pub(crate) noticed: Option<u64>,
    pub(crate) successor: u32,
    /// The successor's first record, and how long the parser was without one; none if it took over from
    /// one that had sent nothing, or everything.
    pub(crate) resumed: Option<(u64, Duration)>,
}

/// What came out of one run.
pub(crate) struct Outcome {
    pub(crate) intake: Intake,
    pub(crate) report: Report,
    pub(crate) successions: Vec<Succession>,
    /// Workers that this program killed.
    pub(crate) killed: u64,
    /// Workers that somebody else killed.
    pub(crate) died: u64,
}

/// The channels that this program has a part in.
struct Channels {
    intake: Receiver<Intake>,
    reports: Receiver<Report>,
    /// Never used, only held: so the blocks outlive any worker, and all of them at once, and so do the results.
    _work: mpmc::Receiver<Block>,
    _results: mpsc::Sender<Filtered>,
}

/// In this order it is dropped: the processes are killed, what they leave in shared memory is swept, and the
/// last channels go.
pub(crate) struct Run<'a> {
    feed: Process,
    parse: Process,
    crew: Crew<'a>,
    sink: Process,
    _sweeper: Sweeper,
    channels: Channels,
    task: &'a Task,
    signals: &'a Signals,
    /// Whether the feed is still to be killed.
    kill_feed: bool,
    successions: Vec<Succession>,
    intake: Option<Intake>,
    report: Option<Report>,
    /// The feed whose death the parser noticed last, and how many records it had received then.
    noticed: Option<(u32, u64)>,
    started: Instant,
}

impl<'a> Run<'a> {
    /// With an interval `kill_every`, workers are killed that often, and the feed half-way.
    pub(crate) fn start(
        task: &'a Task,
        workers: usize,
        kill_every: Option<Duration>,
        signals: &'a Signals,
        out: &mut dyn Write,
    ) -> Result<Self, Failure> {
        let work = mpmc::channel(&task.work_channel()).capacity(WORK).max_receivers(ENDS);
        let results = mpsc::channel(&task.results_channel()).capacity(RESULTS).max_senders(ENDS);
        let channels = Channels {
            intake: spsc::channel(&task.intake_channel()).create_new().receiver()?,
            reports: spsc::channel(&task.reports_channel()).create_new().receiver()?,
            _work: work.create_new().receiver()?,
            _results: results.create_new().sender()?,
        };
        let _sweeper = Sweeper;
        let sink = Process::start(Role::Sink, task)?;
        let crew = Crew::start(task, workers, kill_every)?;
        let parse = Process::start(Role::Parse, task)?;
        let feed = Process::start(Role::Feed, task)?;
        let run = Self {
            feed,
            parse,
            crew,
            sink,
            _sweeper,
            channels,
            task,
            signals,
            kill_feed: kill_every.is_some(),
            successions: Vec::new(),
            intake: None,
            report: None,
            noticed: None,
            started: Instant::now(),
        };
        let workers: Vec<u32> = run.crew.pids().collect();
        report::start(task, [&run.feed, &run.parse, &run.sink], &workers, out)?;
        Ok(run)
    }

    /// Watches over the run to its end, and has the board and the meter say how it stands.
    pub(crate) fn finish(
        mut self,
        board: &mut Board,
        meter: &mut Meter<'_>,
        out: &mut dyn Write,
    ) -> Result<Outcome, Failure> {
        let mut progress_at = self.started + PROGRESS;
        let mut done_by = None;
        loop {
            if let Some(signal) = self.signals.noted() {
                return Err(Failure::Interrupted(signal));
            }
            // The workers before the others: one that failed because of a death is not taken for the cause. And
            // all of these before the reports: what one that has ended said last is not missed.
            let workers_failed = self.crew.look(out)?;
            let parse_failed = self.parse.ended()?.filter(|status| !status.success());
            let sink_ended = self.sink.ended()?;
            while let Some(report) = next(&mut self.channels.reports)? {
                self.report = Some(report);
            }
            self.take_intake(out)?;
            self.show(board)?;
            meter.look(self.crew.killed, self.successions.len());
            let report = self.report.filter(|report| report.finished > 0);
            let intake = self.intake.filter(|intake| intake.event == Event::Finished);
            if let (Some(intake), Some(report)) = (intake, report) {
                meter.end(intake.received);
                return self.wind_up(intake, report);
            }
            if let Some(status) = sink_ended.filter(|_| report.is_none()) {
                return Err(Failure::early(&self.sink, status));
            }
            if let Some(status) = parse_failed {
                return Err(Failure::early(&self.parse, status));
            }
            if let Some(failure) = workers_failed {
                return Err(failure);
            }
            match self.feed.ended()? {
                Some(status) if status.signal().is_some() && self.successions.len() < SUCCESSORS => {
                    self.replace_feed(false)?;
                }
                Some(status) if !status.success() => return Err(Failure::early(&self.feed, status)),
                _ => {}
            }
            self.crew.storm()?;
            if self.crew.are_done()? && *done_by.get_or_insert(Instant::now() + PATIENCE) < Instant::now() {
                let merged = self.report.map_or(0, |report| report.blocks);
                let why = format!("no worker has block {merged}, which the sink waits for");
                return Err(Failure::Failed(why));
            }
            if Instant::now() >= progress_at {
                progress_at = Instant::now() + PROGRESS;
                report::progress(self.started.elapsed(), self.report.as_ref(), &self.crew, out)?;
            }
            thread::sleep(LOOK);
        }
    }

    fn show(&self, board: &mut Board) -> Result<(), Failure> {
        Ok(board.show(|progress| {
            if let Some(Intake { received, lost, repeated, .. }) = self.intake {
                (progress.received, progress.lost, progress.repeated) = (received, lost, repeated);
            }
            (progress.killed, progress.died) = (self.crew.killed, self.crew.died);
            progress.feeds = self.successions.len() as u64;
        })?)
    }

    /// Takes what the parser has said.
    fn take_intake(&mut self, out: &mut dyn Write) -> Result<(), Failure> {
        while let Some(intake) = next(&mut self.channels.intake)? {
            self.intake = Some(intake);
            match intake.event {
                Event::Progress => {}
                Event::FeedDied => self.noticed = Some((intake.feed, intake.received)),
                Event::Resumed => self.resumed(&intake, out)?,
                Event::Finished if self.kill_feed => {
                    self.kill_feed = false;
                    report::too_late(self.feed.pid(), out)?;
                }
                Event::Finished => {}
            }
            if self.kill_feed && intake.received >= self.task.records / 2 {
                self.kill_feed = false;
                match self.feed.kill()? {
                    true => self.replace_feed(true)?,
                    false => report::too_late(self.feed.pid(), out)?,
                }
            }
        }
        Ok(())
    }

    fn replace_feed(&mut self, killed: bool) -> Result<(), Failure> {
        let dead = self.feed.pid();
        self.feed = Process::start(Role::Feed, self.task)?;
        let (successor, received) = (self.feed.pid(), self.intake.map_or(0, |intake| intake.received));
        let succession = Succession { dead, killed, received, noticed: None, successor, resumed: None };
        self.successions.push(succession);
        Ok(())
    }

    fn resumed(&mut self, intake: &Intake, out: &mut dyn Write) -> io::Result<()> {
        let mut successions = self.successions.iter_mut();
        match successions.find(|succession| succession.successor == intake.feed) {
            Some(succession) => {
                let noticed = self.noticed.filter(|&(dead, _)| dead == succession.dead);
                succession.noticed = noticed.map(|(_, received)| received);
                succession.resumed = Some((intake.received, Duration::from_nanos(intake.gap_ns)));
                report::succession(succession, out)
            }
            None => Ok(()),
        }
    }

    /// The end of the stream is merged: nobody has anything left to do.
    fn wind_up(mut self, intake: Intake, report: Report) -> Result<Outcome, Failure> {
        let (killed, died) = (self.crew.killed, self.crew.died);
        let mut others = self.crew.into_workers();
        others.extend([self.parse, self.sink]);
        let deadline = Instant::now() + PATIENCE;
        for process in &mut others {
            match ended_by(process, deadline)? {
                Some(status) if status.success() => {}
                Some(status) => return Err(Failure::early(process, status)),
                None => {
                    let (role, pid) = (process.role, process.pid());
                    return Err(Failure::Failed(format!("the {role} (process {pid}) does not end")));
                }
            }
        }
        // One that was started after the end has nothing to do, and is killed if it has not seen that.
        ended_by(&mut self.feed, Instant::now() + GRACE)?;
        Ok(Outcome { intake, report, successions: self.successions, killed, died })
    }
}

/// The next message, if there is one. Whether the other side has gone is asked of its process.
fn next<T: Message>(channel: &mut Receiver<T>) -> Result<Option<T>, TryRecvError> {
    match channel.try_recv() {
        Ok(message) => Ok(Some(message)),
        Err(TryRecvError::Empty | TryRecvError::Disconnected(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn ended_by(process: &mut Process, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    loop {
        match process.ended()? {
            None if Instant::now() < deadline => thread::sleep(LOOK),
            status => return Ok(status),
        }
    }
}
