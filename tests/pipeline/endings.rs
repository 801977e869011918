//! Runs that somebody ends: nothing of them is left.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::example::{eventually, path, shared_memory, workers};
use crate::run::{run, start};

/// The feed, the parser, the sink, and four workers, one of which may just have been killed.
const PROCESSES: usize = 6;

/// Of records, work, results, and two of reports; and four cells or tables of them.
const CHANNELS: usize = 9;

#[test]
fn a_signal_ends_the_run_at_once_and_leaves_nothing() {
    for (signal, name) in [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM"), (Signal::HUP, "SIGHUP")] {
        // Both at a random instant of full speed, and while nearly nothing happens.
        for arguments in [["--repeat", "100000"], ["--rate", "100"]] {
            let mut run = start(&arguments);
            run.wait_for("workers");
            eventually("all processes", || workers(&run.name()).len() >= PROCESSES);
            eventually("all channels", || shared_memory(&run.name()).len() == CHANNELS);
            thread::sleep(Duration::from_millis(50));
            let sent = Instant::now();
            run.send(signal);
            let (status, lines) = run.end();
            assert!(sent.elapsed() < Duration::from_secs(10), "{name}: {:?}", sent.elapsed());
            assert_eq!(status.code(), Some(128 + signal.as_raw()), "{lines:#?}");
            let last = format!("pipeline: interrupted by {name}");
            assert_eq!(lines.last(), Some(&last), "{lines:#?}");
        }
    }
}

#[test]
fn a_signal_in_the_first_instants_leaves_nothing() {
    // Not SIGINT, which a shell has its background jobs ignore until they say otherwise.
    for delay in [0, 1, 2, 4, 8] {
        let run = start(&["--repeat", "100000"]);
        thread::sleep(Duration::from_millis(delay));
        run.send(Signal::TERM);
        let (status, lines) = run.end();
        let by_default = status.signal() == Some(Signal::TERM.as_raw());
        assert!(by_default || status.code() == Some(143), "{status}: {lines:#?}");
    }
}

#[test]
fn the_processes_of_a_killed_supervisor_die_and_the_next_run_removes_what_they_leave() {
    let mut killed = start(&["--repeat", "100000"]);
    killed.wait_for("workers");
    let name = killed.name();
    eventually("all processes", || workers(&name).len() >= PROCESSES);
    killed.send(Signal::KILL);
    let status = killed.child.wait().expect("it is dead");
    assert_eq!(status.signal(), Some(Signal::KILL.as_raw()));
    eventually("no processes", || workers(&name).is_empty());
    let (status, lines) = run(&["--repeat", "1", "--paced", "0", "--no-kill"]);
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    eventually("no files", || shared_memory(&name).is_empty());
}

#[test]
fn an_output_that_nobody_reads_ends_the_run() {
    let mut command = Command::new(path("pipeline"));
    command.args(["--repeat", "1", "--paced", "0"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the example starts");
    drop(child.stdout.take());
    let name = format!("pipeline-{}", child.id());
    assert_eq!(child.wait().expect("the example ends").code(), Some(1));
    assert_eq!(workers(&name), Vec::<String>::new());
    assert_eq!(shared_memory(&name), Vec::<String>::new());
}
