//! What the user is told.

use std::io::{self, Write};

use crate::arguments::Task;
use crate::messages::{Figures, Latency, Record, Report};
use crate::supervisor::{Failure, Outcome, Succession};

/// Beats that other detectors find in the recording: the fewest and the most (`examples/data/README.md`).
const PUBLISHED: (u64, u64) = (431, 503);

pub(crate) fn start(task: &Task, feed: u32, analysis: u32, out: &mut dyn Write) -> io::Result<()> {
    let pace = task.rate.map_or("as fast as they go".to_owned(), |rate| format!("{rate} a second"));
    let Task { records, capacity, .. } = task;
    writeln!(out, "{records} records, {pace}, through a channel that holds {capacity}")?;
    writeln!(out, "  feed          process {feed}")?;
    writeln!(out, "  analysis      process {analysis}")?;
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
        writeln!(out, "  noticed       by the analysis, after it had received all {noticed} that were sent")?;
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
    let last = &outcome.last;
    for untold in outcome.successions.iter().filter(|succession| succession.resumed.is_none()) {
        succession(untold, out)?;
    }
    let Report { sent, received, lost, repeated, passes, wrong, figures, .. } = last;
    writeln!(out, "  records       {sent} sent, {received} received, {lost} lost, {repeated} repeated")?;
    writeln!(out, "  passes        {passes}, of which {} equal the reference beat for beat", passes - wrong)?;
    writeln!(out, "  result        {figures}")?;
    writeln!(out, "  reference     {reference}")?;
    let (fewest, most) = PUBLISHED;
    let beats = last.figures.beats;
    let within = if (fewest..=most).contains(&beats) { "within" } else { "not within" };
    writeln!(out, "  published     {beats} beats are {within} the {fewest} to {most} of other detectors")
}

pub(crate) fn speed(last: &Report, rate: Option<u64>, out: &mut dyn Write) -> io::Result<()> {
    let seconds = (last.elapsed_ns as f64 / 1e9).max(1e-9);
    let per_second = last.received as f64 / seconds;
    let megabytes = per_second * size_of::<Record>() as f64 / 1e6;
    writeln!(out, "  throughput    {per_second:.0} records/s, {megabytes:.1} MB/s, for {seconds:.2} s")?;
    let Latency { p50, p99, p999, highest } = last.latency;
    let [p50, p99, p999, highest] = [p50, p99, p999, highest].map(microseconds);
    writeln!(out, "  latency       p50 {p50}, p99 {p99}, p99.9 {p999}, highest {highest}")?;
    match rate {
        None => {
            writeln!(out, "                one way; at full speed nearly all of it is waiting in the channel")
        }
        Some(_) => {
            writeln!(out, "                one way; for as long as both processes have a core of their own")
        }
    }?;
    out.flush()
}

fn microseconds(nanoseconds: u64) -> String {
    format!("{:.2} µs", nanoseconds as f64 / 1e3)
}

/// The last line, or what is wrong.
pub(crate) fn verdict(task: &Task, last: &Report, reference: &Figures) -> Result<String, Failure> {
    let Report { sent, received, lost, repeated, passes, wrong, first_wrong, figures, .. } = *last;
    let whole = task.records % crate::detector::recording::SAMPLES == 0;
    let wrong = if sent != task.records {
        format!("{sent} records sent, expected {}", task.records)
    } else if lost > 0 || repeated > 0 || received != sent {
        format!("{sent} sent, {received} received, {lost} lost, {repeated} repeated")
    } else if wrong > 0 {
        format!("{wrong} of {passes} passes differ from the reference, the first is pass {first_wrong}")
    } else if whole && figures != *reference {
        format!("the result differs from the reference: found {figures}; expected {reference}")
    } else if whole && !(PUBLISHED.0..=PUBLISHED.1).contains(&figures.beats) {
        format!("{} beats are out of the range of other detectors", figures.beats)
    } else {
        return Ok(format!("{sent} sent, {received} received, {lost} lost, result matches the reference"));
    };
    Err(Failure::Failed(wrong))
}
