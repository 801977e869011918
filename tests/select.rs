//! The example `select` as its user runs it: what it prints, its exit status, and what it leaves behind.
#![cfg(not(loom))]

#[allow(dead_code, reason = "the tests of other examples need the rest")]
#[path = "support/example.rs"]
mod example;

use example::{Run, assert_refused, contains};

const EXAMPLE: &str = "select";

/// What was chosen after the line `title:`, by its first word, until the next title.
fn round(lines: &[String], title: &str) -> Vec<String> {
    let start = lines.iter().position(|line| *line == format!("{title}:"));
    let start = start.unwrap_or_else(|| panic!("no round {title}: {lines:#?}"));
    let chosen = lines[start + 1..].iter().map_while(|line| line.strip_prefix("  "));
    chosen.map(|line| line.split(' ').next().expect("a word").to_owned()).collect()
}

#[test]
fn it_chooses_in_turn_and_by_priority_and_ends_when_everybody_has_left() {
    let (status, lines) = Run::start(EXAMPLE, &["--pause", "2"]).end();
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    let in_turn = ["control", "order", "tick", "order", "tick", "order", "tick", "order", "tick"];
    assert_eq!(round(&lines, "in turn"), in_turn);
    let by_priority = ["control", "order", "order", "order", "order", "tick", "tick", "tick", "tick"];
    assert_eq!(round(&lines, "by priority"), by_priority);
    let last = round(&lines, "as it comes");
    let count = |what: &str| last.iter().filter(|word| *word == what).count();
    assert_eq!((count("order"), count("tick")), (4, 4), "{lines:#?}");
    for who in ["the market left", "the trader left", "the control left"] {
        assert!(contains(&lines, who), "no `{who}` in {lines:#?}");
    }
    // In order, each of them.
    for what in ["order", "tick"] {
        let of = lines.iter().filter_map(|line| line.trim_start().strip_prefix(what));
        let numbers: Vec<_> = of.map(|rest| rest.trim_start().split(',').next().expect("a part")).collect();
        assert_eq!(numbers, (0..12).map(|number| format!("number {number}")).collect::<Vec<_>>());
    }
    let last = lines.last().expect("a last line");
    assert!(last.starts_with("select: 12 ticks, 12 orders and "), "{lines:#?}");
}

#[test]
fn wrong_arguments_are_refused_and_help_names_every_option() {
    assert_refused(EXAMPLE, &["--frequency"], 2, &["--frequency", "--help"]);
    assert_refused(EXAMPLE, &["surplus"], 2, &["surplus", "--help"]);
    assert_refused(EXAMPLE, &["--pause", "long"], 2, &["long", "--help"]);
    let (status, lines) = Run::start(EXAMPLE, &["--help"]).end();
    assert_eq!(status.code(), Some(0));
    assert!(contains(&lines, "--pause") && contains(&lines, "--help"), "{lines:#?}");
}
