//! What helps to use the tool.

#[allow(dead_code, reason = "other tests need the rest")]
mod common;

use common::{Place, ended, tool};

const COMMANDS: [&str; 12] = [
    "list",
    "show",
    "check",
    "top",
    "metrics",
    "send",
    "recv",
    "tap",
    "bench",
    "sweep",
    "completions",
    "man",
];

#[test]
fn every_command_has_help_with_an_example() {
    let (all, _) = ended(tool().arg("--help").output().expect("it runs"), 0);
    assert!(all.contains("Exit status: 0, done;"), "{all}");
    for command in COMMANDS {
        assert!(all.contains(&format!("\n  {command} ")), "{command}: {all}");
        let (help, _) = ended(tool().args([command, "--help"]).output().expect("it runs"), 0);
        assert!(help.contains("\nExample: ") && help.contains(&format!("ringway {command}")), "{help}");
    }
}

#[test]
fn wrong_arguments_are_refused_with_what_would_be_right() {
    let refused = |args: &[&str]| ended(tool().args(args).output().expect("it runs"), 2).1;
    assert!(refused(&["lsit"]).contains("a similar subcommand exists: 'list'"));
    assert!(refused(&["show"]).contains("<NAME>"));
    assert!(refused(&["recv", "x", "--timeout", "soon"]).contains("invalid float literal"));
    assert!(refused(&["tap", "x", "--rate", "fast"]).contains("invalid digit found in string; or `all`"));
    assert!(refused(&["tap", "x", "--rate", "0"]).contains("it would show nothing; `all` is no limit"));
    let error = refused(&["list", "--namespace", "here"]);
    assert!(
        error.contains("expected `user`, `system`, or a directory with a `/` in it, such as ./maps"),
        "{error}"
    );
}

#[test]
fn shells_complete_and_pages_are_made() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (script, _) = ended(tool().args(["completions", shell]).output().expect("it runs"), 0);
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: no {command}");
        }
    }
    let place = Place::new();
    let dir = place.path().join("man1");
    let (out, _) = ended(tool().arg("man").arg(&dir).output().expect("it runs"), 0);
    assert!(out.contains(&dir.display().to_string()), "{out}");
    for page in ["ringway.1", "ringway-list.1", "ringway-recv.1"] {
        let page = std::fs::read_to_string(dir.join(page)).expect("it is there");
        assert!(page.contains(".SH NAME"), "{page}");
    }
}
