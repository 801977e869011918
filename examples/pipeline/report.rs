//! What the user is told.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use crate::arguments::Task;
use crate::crew::Crew;
use crate::detector::recording::SAMPLES;
use crate::messages::{Figures, Intake, Latency, Record, Report};
use crate::process::Process;
use crate::run::{Outcome, Succession};
use crate::supervisor::Failure;

/// Beats that other detectors find in the recording: the fewest and the most (`examples/data/README.md`).
const PUBLISHED: (u64, u64) = (431, 503);

pub(crate) fn start(
    task: &Task,
    others: [&Process; 3],
    workers: &[u32],
    out: &mut dyn Write,
) -> io::Result<()> {
    let pace = task.rate.map_or("as fast as they go".to_owned(), |rate| format!("{rate} a second"));
    let Task { records, capacity, .. } = task;
    writeln!(out, "{records} records, {pace}, through a channel that holds {capacity}")?;
    for process in others {
        writeln!(out, "  {:13} process {}", process.role.name(), process.pid())?;
    }
    let workers: Vec<String> = workers.iter().map(u32::to_string).collect();
    writeln!(out, "  workers       processes {}", workers.join(", "))?;
    out.flush()
}

pub(crate) fn progress(
    elapsed: Duration,
    report: Option<&Report>,
    crew: &Crew<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (received, redelivered) = report.map_or((0, 0), |report| (report.received, report.redelivered));
    let (seconds, killed) = (elapsed.as_secs(), crew.killed);
    writeln!(
        out,
        "  after {seconds:2} s    {received} records merged, {killed} workers killed, {redelivered} blocks redelivered"
    )?;
    out.flush()
}

/// A worker that somebody else killed.
pub(crate) fn replaced(dead: u32, successor: u32, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  died          process {dead}, a worker; replaced by process {successor}")?;
    out.flush()
}

pub(crate) fn too_late(feed: u32, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  not killed    process {feed}, the feed, had already sent everything")
}

pub(crate) fn succession(succession: &Succession, out: &mut dyn Write) -> io::Result<()> {
    let Succession { dead, received, successor, .. } = succession;
    if succession.killed {
        writeln!(
            out,
            "  killed        process {dead}, the feed, with SIGKILL, at {received} records received"
        )?;
    } else {
        writeln!(out, "  died          process {dead}, the feed, at {received} records received")?;
    }
    if let Some(noticed) = succession.noticed {
        writeln!(out, "  noticed       by the parser, after it had received all {noticed} that were sent")?;
    }
    match succession.resumed {
        Some((number, gap)) => writeln!(
            out,
            "  resumed       by process {successor} at record {number}, {:.1} ms after the record before",
            gap.as_secs_f64() * 1e3
        )?,
        None => writeln!(out, "  replaced      by process {successor}")?,
    }
    out.flush()
}

pub(crate) fn result(outcome: &Outcome, reference: &Figures, out: &mut dyn Write) -> io::Result<()> {
    for untold in outcome.successions.iter().filter(|succession| succession.resumed.is_none()) {
        succession(untold, out)?;
    }
    let Intake { lost, repeated, blocks, .. } = outcome.intake;
    let Report { sent, received, passes, wrong, figures, .. } = outcome.report;
    let Report { blocks: merged, redelivered, again, .. } = outcome.report;
    let &Outcome { killed, died, .. } = outcome;
    if killed + died > 0 {
        writeln!(
            out,
            "  storm         {killed} workers killed with SIGKILL, {died} died otherwise; all were replaced"
        )?;
    }
    writeln!(out, "  records       {sent} sent, {received} received, {lost} lost, {repeated} repeated")?;
    writeln!(
        out,
        "  blocks        {blocks} passed on, {merged} merged, {redelivered} redelivered, {again} results discarded"
    )?;
    writeln!(out, "  passes        {passes}, of which {} equal the reference beat for beat", passes - wrong)?;
    writeln!(out, "  result        {figures}")?;
    writeln!(out, "  reference     {reference}")?;
    let (fewest, most) = PUBLISHED;
    let beats = figures.beats;
    let within = if (fewest..=most).contains(&beats) { "within" } else { "not within" };
    writeln!(out, "  published     {beats} beats are {within} the {fewest} to {most} of other detectors")
}

/// From the first record's receipt to the last block's merging.
pub(crate) fn speed(outcome: &Outcome, rate: Option<u64>, out: &mut dyn Write) -> io::Result<()> {
    let elapsed_ns = outcome.report.latest_ns.saturating_sub(outcome.intake.first_ns);
    let seconds = (elapsed_ns as f64 / 1e9).max(1e-9);
    let per_second = outcome.report.received as f64 / seconds;
    let megabytes = per_second * size_of::<Record>() as f64 / 1e6;
    writeln!(out, "  throughput    {per_second:.0} records/s, {megabytes:.1} MB/s, for {seconds:.2} s")?;
    let Latency { p50, p99, p999, highest } = outcome.intake.latency;
    let [p50, p99, p999, highest] = [p50, p99, p999, highest].map(microseconds);
    writeln!(out, "  latency       p50 {p50}, p99 {p99}, p99.9 {p999}, highest {highest}")?;
    match rate {
        None => {
            writeln!(
                out,
                "                from feed to parse; at full speed nearly all of it is waiting in the channel"
            )
        }
        Some(_) => {
            writeln!(
                out,
                "                from feed to parse; it counts where all processes have cores of their own"
            )
        }
    }?;
    out.flush()
}

fn microseconds(nanoseconds: u64) -> String {
    format!("{:.2} µs", nanoseconds as f64 / 1e3)
}

/// What a run comes down to.
pub(crate) struct Totals {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) lost: u64,
    pub(crate) redelivered: u64,
    pub(crate) killed: u64,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, received, lost, redelivered, killed } = self;
        write!(f, "{sent} sent, {received} received, {lost} lost, ")?;
        write!(f, "{redelivered} redelivered, {killed} workers killed")
    }
}

/// The last line, or what is wrong.
pub(crate) fn verdict(task: &Task, outcome: &Outcome, reference: &Figures) -> Result<String, Failure> {
    let Report { sent, received, redelivered, passes, wrong, first_wrong, figures, .. } = outcome.report;
    let Report { again, different, .. } = outcome.report;
    let Intake { lost, repeated, blocks, .. } = outcome.intake;
    let (merged, killed) = (outcome.report.blocks, outcome.killed);
    let (whole, expected) = (task.records % SAMPLES == 0, task.records.div_ceil(SAMPLES));
    let wrong = if sent != task.records {
        format!("{sent} records sent, expected {}", task.records)
    } else if lost > 0 || repeated > 0 || received != sent {
        format!("{sent} sent, {received} received, {lost} lost, {repeated} repeated")
    } else if merged != blocks {
        format!("{merged} blocks merged, expected {blocks}")
    } else if passes != expected {
        format!("{passes} passes judged, expected {expected}")
    } else if different > 0 {
        format!("{different} of {again} results that came again differ from what had come first")
    } else if wrong > 0 {
        format!("{wrong} of {passes} passes differ from the reference, the first is pass {first_wrong}")
    } else if whole && figures != *reference {
        format!("the result differs from the reference: found {figures}; expected {reference}")
    } else if whole && !(PUBLISHED.0..=PUBLISHED.1).contains(&figures.beats) {
        format!("{} beats are out of the range of other detectors", figures.beats)
    } else {
        let totals = Totals { sent, received, lost, redelivered, killed };
        return Ok(format!("{totals}, result matches the reference"));
    };
    Err(Failure::Failed(wrong))
}
