//! The example `park` as its user runs it: what it prints, its exit status, and what it leaves behind.
#![cfg(not(loom))]

#[allow(dead_code, reason = "the tests of other examples need the rest")]
#[path = "support/example.rs"]
mod example;

use std::io::Write;
use std::process::{Command, Stdio};

use example::{Run, assert_refused, contains, eventually, shared_memory};

const EXAMPLE: &str = "park";

/// A channel that no other test has, in this or another process.
fn name(what: &str) -> String {
    format!("park-test-{}-{what}", std::process::id())
}

/// The beginning of a line of somebody who waits: `   1.0 s, CPU 0.2 ms, 0.0 %: `.
#[track_caller]
fn assert_account(line: &str) {
    let numbers = line.split_once(" %: ").and_then(|(numbers, _)| {
        let (seconds, rest) = numbers.trim_start().split_once(" s, CPU ")?;
        let (cpu, percent) = rest.split_once(" ms, ")?;
        Some([seconds, cpu, percent].map(|number| number.parse::<f64>().is_ok()))
    });
    assert_eq!(numbers, Some([true; 3]), "no account of the processor: {line}");
}

#[test]
fn lines_that_are_typed_in_one_terminal_wake_the_other_one() {
    let name = name("lines");
    let mut recv = Run::start(EXAMPLE, &["recv", "--name", &name, "--messages", "4"]);
    recv.wait_for("receiving from");
    let mut command = Command::new(example::path(EXAMPLE));
    command.args(["send", "--lines", "--name", &name]).stdin(Stdio::piped());
    let mut send = Run::spawn(EXAMPLE, &mut command);
    let mut typed = send.child.stdin.take().expect("it is piped");
    let long = "ä".repeat(100);
    for line in ["one", "", &long] {
        writeln!(typed, "{line}").expect("it reads");
        send.wait_for("message");
    }
    drop(typed);
    let (status, lines) = send.end();
    assert!(status.success(), "{lines:#?}");

    // The next sender goes on where that one stopped.
    recv.wait_for_text("the sender left; waiting for the next one");
    let (status, lines) = Run::start(EXAMPLE, &["send", "--name", &name, "--messages", "1"]).end();
    assert!(status.success() && contains(&lines, "message 3: wake up"), "{lines:#?}");
    let (status, lines) = recv.end();
    assert!(status.success(), "{lines:#?}");
    assert_eq!(lines[0], format!("receiving from `{name}`; Ctrl-C stops"));
    lines[1..].iter().for_each(|line| assert_account(line));
    let messages: Vec<_> = lines.iter().filter_map(|line| line.split_once(" %: message ")).collect();
    let cut = format!("2: {}", "ä".repeat(56));
    assert_eq!(
        messages.iter().map(|(_, text)| *text).collect::<Vec<_>>(),
        ["0: one", "1: ", &cut, "3: wake up"]
    );
    assert_eq!(shared_memory(&name), Vec::<String>::new());
}

#[test]
fn a_receiver_says_once_per_second_that_it_sleeps_until_a_sender_comes() {
    let name = name("alone");
    let mut recv = Run::start(EXAMPLE, &["recv", "--name", &name, "--messages", "1"]);
    recv.wait_for_text("nothing came");
    let (status, lines) = Run::start(EXAMPLE, &["send", "--name", &name, "--messages", "1"]).end();
    assert!(status.success(), "{lines:#?}");
    let (status, lines) = recv.end();
    assert!(status.success() && contains(&lines, "message 0: wake up"), "{lines:#?}");
    eventually("the channel is gone", || shared_memory(&name).is_empty());
}

#[test]
fn the_idle_ones_say_what_they_used_and_how_often_they_slept() {
    let (status, lines) = Run::start(EXAMPLE, &["idle", "--seconds", "1"]).end();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    assert_eq!(lines[0], "idle for 1 s, each in a process of its own:");
    assert_eq!(lines.len(), 4, "{lines:#?}");
    let who = ["receiver of an empty channel", "sender to a full channel", "reader of a cell"];
    for (line, who) in lines[1..].iter().zip(who) {
        let rest = line.trim_start().strip_prefix(who).unwrap_or_else(|| panic!("no {who}: {lines:#?}"));
        let (percent, rest) = rest.trim_start().split_once(" % CPU, ").expect("a share of the processor");
        assert!(percent.parse::<f64>().is_ok(), "{lines:#?}");
        assert_eq!(percent.split_once('.').map(|(_, decimals)| decimals.len()), Some(2), "{lines:#?}");
        let slept = rest.strip_suffix(" voluntary context switches").expect("how often it slept");
        assert!(slept.parse::<u64>().expect("a number") > 0, "nobody slept: {lines:#?}");
    }
}

#[test]
fn wrong_arguments_are_refused() {
    let refused = |arguments: &[&str], texts: &[&str]| assert_refused(EXAMPLE, arguments, 2, texts);
    refused(&[], &["expected recv, send or idle", "--help"]);
    refused(&["receive"], &["`receive`", "expected recv, send or idle", "--help"]);
    refused(&["recv", "surplus"], &["surplus", "--help"]);
    refused(&["recv", "--lines"], &["--lines is not for recv", "--help"]);
    refused(&["send", "--seconds", "3"], &["--seconds is not for send", "--help"]);
    refused(&["idle", "--name", "a"], &["--name is not for idle", "--help"]);
    refused(&["idle", "--seconds", "0"], &["--seconds is `0`", "from 1 to", "--help"]);
    refused(&["send", "--messages", "few"], &["--messages is `few`", "whole number", "--help"]);
}

#[test]
fn help_names_every_option() {
    for flag in ["--help", "-h"] {
        let (status, lines) = Run::start(EXAMPLE, &[flag]).end();
        assert_eq!(status.code(), Some(0));
        for option in ["recv", "send", "idle", "--name", "--messages", "--lines", "--seconds", "--help"] {
            assert!(contains(&lines, option), "no `{option}` in {lines:#?}");
        }
    }
}
