//! The example `three_processes` as its user runs it: what it prints, its exit status, and what it leaves behind.
#![cfg(not(loom))]

#[allow(dead_code, reason = "the tests of other examples need the rest")]
#[path = "support/example.rs"]
mod example;

use std::process::{Command, Stdio};

#[test]
fn it_prints_exactly_the_three_lines_of_the_article() {
    let mut command = Command::new(example::path("three_processes"));
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let names = [format!("testmap-{}", run.id()), format!("testmapmutex-{}", run.id())];
    let output = run.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    let lines = "Process A says: True\nProcess B says: False\nProcess C says: True\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), lines);
    assert!(output.stderr.is_empty(), "{output:?}");
    let namespace = ringway::map::Namespace::User.path();
    assert!(names.iter().all(|name| !namespace.join(name).exists()), "it leaves a map");
}

#[test]
fn it_says_how_it_is_run() {
    let output = Command::new(example::path("three_processes")).arg("one").output().expect("it starts");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("run it without arguments"), "{output:?}");
}
