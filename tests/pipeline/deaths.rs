//! Processes of a run that are killed or stopped, by the run itself or by somebody else.

use std::thread;
use std::time::Duration;

use rustix::process::{Signal, kill_process};

use crate::PASS;
use crate::example::contains;
use crate::run::{assert_matches, named, run, start};

#[test]
fn the_result_matches_the_reference_although_the_feed_is_killed() {
    let end = run(&["--repeat", "30", "--paced", "0"]);
    assert_matches(&end, 30 * PASS);
    for text in ["the feed, with SIGKILL", "resumed", "30, of which 30 equal"] {
        assert!(contains(&end.1, text), "no `{text}` in {:#?}", end.1);
    }
}

#[test]
fn the_result_matches_the_reference_although_workers_are_killed_again_and_again() {
    let end = run(&["--repeat", "30", "--workers", "3", "--kill-every", "20", "--paced", "0"]);
    let full_speed = assert_matches(&end, 30 * PASS);
    // Over two seconds of it.
    let end = run(&["--repeat", "8", "--rate", "400000", "--workers", "3", "--kill-every", "20"]);
    let at_a_rate = assert_matches(&end, 8 * PASS);
    assert!(full_speed.killed > 0 && at_a_rate.killed > 10, "{} and {}", full_speed.killed, at_a_rate.killed);
    assert!(contains(&end.1, "8, of which 8 equal"), "{:#?}", end.1);
}

#[test]
fn the_only_worker_may_be_killed_again_and_again() {
    let end = run(&["--repeat", "4", "--rate", "200000", "--workers", "1", "--kill-every", "50"]);
    assert!(assert_matches(&end, 4 * PASS).killed > 0);
}

#[test]
fn all_workers_may_be_killed_at_once() {
    let mut run = start(&["--repeat", "4", "--rate", "200000", "--workers", "3", "--no-kill"]);
    let workers = named(&mut run, "workers");
    assert_eq!(workers.len(), 3, "{:#?}", run.seen);
    thread::sleep(Duration::from_millis(300));
    for &worker in &workers {
        kill_process(worker, Signal::KILL).expect("the worker is running");
    }
    let end = run.end();
    assert_eq!(assert_matches(&end, 4 * PASS).killed, 0);
    for worker in workers {
        let text = format!("died          process {}, a worker", worker.as_raw_nonzero());
        assert!(contains(&end.1, &text), "no `{text}` in {:#?}", end.1);
    }
}

#[test]
fn a_worker_that_is_stopped_for_a_while_loses_nothing_and_doubles_nothing() {
    let arguments = ["--repeat", "20", "--rate", "1000000", "--workers", "2", "--no-kill"];
    let mut run = start(&arguments);
    let workers = named(&mut run, "workers");
    thread::sleep(Duration::from_millis(300));
    kill_process(workers[0], Signal::STOP).expect("the worker is running");
    thread::sleep(Duration::from_secs(1));
    kill_process(workers[0], Signal::CONT).expect("the worker is stopped");
    let end = run.end();
    assert_eq!(assert_matches(&end, 20 * PASS).redelivered, 0);
    assert!(contains(&end.1, "0 results discarded"), "{:#?}", end.1);
}

#[test]
fn a_feed_that_somebody_kills_is_replaced() {
    let mut run = start(&["--rate", "20000", "--no-kill"]);
    for beginning in ["feed", "resumed", "resumed"] {
        let feed = named(&mut run, beginning)[0];
        thread::sleep(Duration::from_millis(100));
        kill_process(feed, Signal::KILL).expect("the feed is running");
    }
    let end = run.end();
    assert_matches(&end, PASS);
    assert!(contains(&end.1, "the feed, at"), "{:#?}", end.1);
}

#[test]
fn a_supervisor_that_is_stopped_for_a_while_misses_nothing_but_the_kills() {
    let mut run = start(&["--repeat", "40", "--paced", "0"]);
    run.wait_for("workers");
    run.send(Signal::STOP);
    // Long enough for the others to get to the end, or nearly so.
    thread::sleep(Duration::from_secs(2));
    run.send(Signal::CONT);
    let end = run.end();
    assert_matches(&end, 40 * PASS);
    let told = contains(&end.1, "the feed, with SIGKILL") || contains(&end.1, "had already sent everything");
    assert!(told, "{:#?}", end.1);
}

#[test]
fn a_parser_or_a_sink_that_is_killed_is_a_failure_and_leaves_nothing() {
    for role in ["parse", "sink"] {
        // Both when everybody waits for it soon, and while nearly nothing happens.
        for arguments in [["--repeat", "100000"], ["--rate", "1000"]] {
            let mut run = start(&arguments);
            let pid = named(&mut run, role)[0];
            run.wait_for("workers");
            thread::sleep(Duration::from_millis(100));
            kill_process(pid, Signal::KILL).expect("it is running");
            let (status, lines) = run.end();
            assert_eq!(status.code(), Some(1), "{lines:#?}");
            let failure =
                format!("pipeline: the {role} (process {}) ended early: signal: 9", pid.as_raw_nonzero());
            assert!(lines.iter().any(|line| line.starts_with(&failure)), "no `{failure}` in {lines:#?}");
        }
    }
}
