//! The example `three_processes` as its user runs it: what it prints, its exit status, and what it leaves behind.
#![cfg(not(loom))]

#[allow(dead_code, reason = "the tests of other examples need the rest")]
#[path = "support/example.rs"]
mod example;

use std::process::Command;

#[test]
fn it_prints_exactly_the_three_lines_of_the_article() {
    let output = Command::new(example::path("three_processes")).output().expect("it starts");
    assert!(output.status.success(), "{output:?}");
    let lines = "Process A says: True\nProcess B says: False\nProcess C says: True\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), lines);
    assert!(output.stderr.is_empty(), "{output:?}");
    let left = ringway::map::Namespace::User.list().expect("listed");
    let ours =
        |entry: &&ringway::map::MapEntry| entry.name.as_ref().is_some_and(|name| name.starts_with("testmap"));
    let dead = left.iter().filter(ours).filter(|entry| entry.state != ringway::map::MapState::Live).count();
    assert_eq!(dead, 0, "{left:?}");
}

#[test]
fn it_says_how_it_is_run() {
    let output = Command::new(example::path("three_processes")).arg("one").output().expect("it starts");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("run it without arguments"), "{output:?}");
}
