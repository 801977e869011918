//! The storm example as its user runs it: its last line, its exit status, and what it leaves behind.
#![cfg(not(loom))]

#[allow(dead_code, reason = "the tests of other examples need the rest")]
#[path = "support/example.rs"]
mod example;

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use example::{Run, assert_refused, contains, eventually, shared_memory, workers};

const EXAMPLE: &str = "storm";
/// Four senders, four receivers and the observer.
const WORKERS: usize = 9;

fn run(arguments: &[&str]) -> (ExitStatus, Vec<String>) {
    Run::start(EXAMPLE, arguments).end()
}

/// The numbers of the last line.
#[derive(Debug)]
struct Tally {
    published: u64,
    received: u64,
    redelivered: u64,
    killed: u64,
    lost: u64,
    duplicated: u64,
    hung: u64,
}

fn tally(lines: &[String]) -> Tally {
    let last = lines.last().expect("a last line");
    let numbers = last.strip_prefix("storm: ").unwrap_or_else(|| panic!("{lines:#?}"));
    let mut parts = numbers.split(", ");
    let mut number = |what: &str| {
        let part = parts.next().and_then(|part| part.strip_suffix(what)?.strip_suffix(' '));
        part.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{what}: {lines:#?}"))
    };
    let tally = Tally {
        published: number("published"),
        received: number("received"),
        redelivered: number("redelivered"),
        killed: number("killed"),
        lost: number("lost"),
        duplicated: number("duplicated"),
        hung: number("hung"),
    };
    assert_eq!(parts.next(), None, "{lines:#?}");
    tally
}

/// Everything that was published was received, once.
fn assert_calm(lines: &[String]) -> Tally {
    let tally = tally(lines);
    assert_eq!((tally.lost, tally.duplicated, tally.hung), (0, 0, 0), "{lines:#?}");
    assert!(tally.published > 0 && tally.received == tally.published, "{lines:#?}");
    let before = lines.iter().rev().nth(1);
    assert!(before.is_some_and(|line| line.starts_with("  vanished ")), "{lines:#?}");
    tally
}

#[test]
fn a_storm_of_kills_loses_nothing() {
    let (status, lines) = run(&["--seconds", "3"]);
    let tally = assert_calm(&lines);
    assert!(tally.killed > 0, "{lines:#?}");
    assert!(tally.redelivered <= tally.received, "{lines:#?}");
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    for text in ["messages/s", "after a kill", "in batches", "supervisor:", "observer:", "0 poisoned"] {
        assert!(contains(&lines, text), "no `{text}` in {lines:#?}");
    }
}

#[test]
fn without_batches_nothing_vanishes() {
    let (status, lines) = run(&["--seconds", "2", "--no-batches"]);
    assert!(assert_calm(&lines).killed > 0, "{lines:#?}");
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    for text in ["0 in batches", "vanished      0 of the received, of 0 that"] {
        assert!(contains(&lines, text), "no `{text}` in {lines:#?}");
    }
}

#[test]
fn a_sole_side_is_taken_over() {
    for kind in ["mpsc", "spmc"] {
        let (status, lines) = run(&["--seconds", "2", "--kind", kind]);
        let tally = assert_calm(&lines);
        assert!(tally.killed > 0, "{lines:#?}");
        assert_eq!(status.code(), Some(0), "{lines:#?}");
    }
}

#[test]
fn nobody_is_killed_where_nobody_is_to_be() {
    let arguments =
        ["--seconds", "1", "--kills", "0", "--senders", "2", "--receivers", "1", "--capacity", "1"];
    let (status, lines) = run(&arguments);
    let tally = assert_calm(&lines);
    assert_eq!((tally.killed, tally.redelivered), (0, 0), "{lines:#?}");
    assert_eq!(status.code(), Some(0), "{lines:#?}");
}

#[test]
fn a_signal_ends_the_storm_with_its_report_and_leaves_nothing() {
    for (signal, name) in [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM"), (Signal::HUP, "SIGHUP")] {
        let mut run = Run::start(EXAMPLE, &["--seconds", "3600"]);
        run.wait_for("kills");
        thread::sleep(Duration::from_millis(300));
        run.send(signal);
        let (status, lines) = run.end();
        assert_eq!(status.code(), Some(128 + signal.as_raw()), "{lines:#?}");
        assert!(contains(&lines, &format!("by {name}")), "{lines:#?}");
        assert_calm(&lines);
    }
}

#[test]
fn the_workers_of_a_killed_supervisor_die_and_the_next_run_removes_what_they_leave() {
    let mut killed = Run::start(EXAMPLE, &["--seconds", "3600", "--kills", "0"]);
    killed.wait_for("kills");
    let name = killed.name();
    eventually("all workers", || workers(&name).len() == WORKERS);
    killed.send(Signal::KILL);
    let status = killed.child.wait().expect("it is dead");
    assert_eq!(status.signal(), Some(Signal::KILL.as_raw()));
    eventually("no workers", || workers(&name).is_empty());
    let (status, lines) = run(&["--seconds", "1"]);
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    eventually("no files", || shared_memory(&name).is_empty());
}

#[test]
fn a_worker_that_stands_still_is_named() {
    let mut run = Run::start(EXAMPLE, &["--seconds", "3600", "--kills", "0", "--kind", "mpsc"]);
    run.wait_for("kills");
    let pid = |role: &str| {
        let lines = workers(&run.name());
        let found = lines.iter().find(|line| line.contains(&format!("--role {role} ")));
        found.map(|line| line.split(' ').next().expect("the process").to_owned())
    };
    eventually("a receiver", || pid("receiver").is_some());
    let receiver = pid("receiver").expect("it was there");
    thread::sleep(Duration::from_millis(300));
    let stopped = rustix::process::Pid::from_raw(receiver.parse().expect("a number")).expect("a process");
    rustix::process::kill_process(stopped, Signal::STOP).expect("it is running");
    let start = Instant::now();
    let (status, lines) = run.end();
    assert!(start.elapsed() > Duration::from_secs(10), "{lines:#?}");
    assert_eq!(status.code(), Some(1), "{lines:#?}");
    assert!(tally(&lines).hung > 0, "{lines:#?}");
    assert!(contains(&lines, &format!("(process {receiver}): state T")), "{lines:#?}");
}

#[test]
fn wrong_arguments_are_refused() {
    let refused = |arguments: &[&str], texts: &[&str]| assert_refused(EXAMPLE, arguments, 2, texts);
    refused(&["--frequency", "3"], &["--frequency", "--help"]);
    refused(&["surplus"], &["surplus", "--help"]);
    refused(&["--seconds"], &["--seconds", "--help"]);
    refused(&["--seconds", "0"], &["--seconds is `0`", "from 1 to", "--help"]);
    refused(&["--kind", "spsc"], &["--kind is `spsc`", "mpsc, spmc or mpmc", "--help"]);
    refused(&["--kind", "mpsc", "--receivers", "2"], &["--receivers", "mpsc has one", "--help"]);
    refused(&["--kills", "9"], &["--kills is 9", "at most 8", "--help"]);
    refused(&["--senders", "25"], &["--senders is `25`", "from 1 to 24", "--help"]);
    refused(&["--number", "3"], &["--role", "--help"]);
}

#[test]
fn help_names_every_option() {
    for flag in ["--help", "-h"] {
        let (status, lines) = run(&[flag]);
        assert_eq!(status.code(), Some(0));
        let options =
            ["--seconds", "--kind", "--senders", "--receivers", "--kill-every", "--kills", "--capacity"];
        for option in options.into_iter().chain(["--no-batches", "--seed", "--help"]) {
            assert!(contains(&lines, option), "no `{option}` in {lines:#?}");
        }
    }
}
