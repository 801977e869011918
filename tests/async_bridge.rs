//! The example `async_bridge` as its user runs it: what it prints, its exit status, and what it leaves behind.
#![cfg(not(loom))]

#[allow(dead_code, reason = "the tests of other examples need the rest")]
#[path = "support/example.rs"]
mod example;

use example::{Run, assert_refused, contains, workers};
use rustix::process::{Pid, Signal, kill_process};

const EXAMPLE: &str = "async_bridge";

#[test]
fn every_message_comes_through_and_back_in_order() {
    for messages in ["1", "255", "20000"] {
        let (status, lines) = Run::start(EXAMPLE, &["--messages", messages]).end();
        assert_eq!(status.code(), Some(0), "{lines:#?}");
        let last =
            format!("async_bridge: {messages} messages came through the bridge and back, all in order");
        assert_eq!(lines.last(), Some(&last), "{lines:#?}");
    }
}

#[test]
fn a_bridge_that_is_killed_ends_the_run_with_an_error_and_leaves_nobody() {
    // More than there is time for.
    let mut run = Run::start(EXAMPLE, &["--messages", "1000000000"]);
    run.wait_for("a feed, a bridge at");
    let bridge = workers(&run.name()).into_iter().find(|line| line.contains("--role bridge"));
    let bridge = bridge.expect("it is running");
    let pid = bridge.split(' ').next().and_then(|pid| Pid::from_raw(pid.parse().ok()?)).expect("a process");
    kill_process(pid, Signal::KILL).expect("it is running");
    let (status, lines) = run.end();
    assert_eq!(status.code(), Some(1), "{lines:#?}");
    assert!(contains(&lines, "async_bridge: the "), "{lines:#?}");
}

#[test]
fn wrong_arguments_are_refused_and_help_names_every_option() {
    assert_refused(EXAMPLE, &["--frequency"], 2, &["--frequency", "--help"]);
    assert_refused(EXAMPLE, &["surplus"], 2, &["surplus", "--help"]);
    assert_refused(EXAMPLE, &["--messages", "few"], 2, &["few", "--help"]);
    let (status, lines) = Run::start(EXAMPLE, &["--help"]).end();
    assert_eq!(status.code(), Some(0));
    assert!(contains(&lines, "--messages") && contains(&lines, "--help"), "{lines:#?}");
}
