//! A run of the pipeline, and what is expected of every one that goes well.

use std::process::ExitStatus;

use rustix::process::Pid;

use crate::example::{Run, contains};

pub(crate) fn start(arguments: &[&str]) -> Run {
    Run::start("pipeline", arguments)
}

pub(crate) fn run(arguments: &[&str]) -> (ExitStatus, Vec<String>) {
    start(arguments).end()
}

/// Waits for a line that begins so, and gives the processes that it names first.
pub(crate) fn named(run: &mut Run, beginning: &str) -> Vec<Pid> {
    run.wait_for(beginning);
    let words = run.seen.last().into_iter().flat_map(|line| line.split(' '));
    let numbers = words.skip_while(|word| !word.starts_with("process")).skip(1);
    let numbers = numbers.map_while(|number| number.trim_end_matches(',').parse().ok());
    numbers.filter_map(Pid::from_raw).collect()
}

/// What the last line of a run says beyond that all went well.
pub(crate) struct Verdict {
    pub(crate) redelivered: u64,
    pub(crate) killed: u64,
}

/// A run whose records all arrived, with the result of the reference.
pub(crate) fn assert_matches((status, lines): &(ExitStatus, Vec<String>), records: u64) -> Verdict {
    let start = format!("pipeline: {records} sent, {records} received, 0 lost, ");
    let numbers = lines.last().and_then(|line| line.strip_prefix(&start)).and_then(|rest| {
        let (redelivered, rest) = rest.split_once(" redelivered, ")?;
        let killed = rest.strip_suffix(" workers killed, result matches the reference")?;
        Some(Verdict { redelivered: redelivered.parse().ok()?, killed: killed.parse().ok()? })
    });
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    assert!(contains(lines, "0 lost, 0 repeated"), "{lines:#?}");
    numbers.unwrap_or_else(|| panic!("no `{start}…` at the end of {lines:#?}"))
}
