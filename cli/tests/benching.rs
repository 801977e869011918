//! `bench`: two processes measure, and leave nothing behind, however they end. Nothing here asks how fast they are.

#[allow(dead_code, reason = "other tests need the rest")]
mod common;

use std::fs;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use common::{Place, ended, signal, tool};

const LONG: Duration = Duration::from_secs(300);
/// One map, and the channels: two of each round trip, and two of each stream.
const NAMES: usize = 1 + 4 * 2 + 2 * 2;

#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn names(place: &Place) -> usize {
    fs::read_dir(place.path()).expect("readable").count()
}

#[track_caller]
fn assert_nothing_is_left(place: &Place) {
    let left: Vec<_> =
        fs::read_dir(place.path()).expect("readable").map(|entry| entry.expect("one").path()).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(processes(place), Vec::<u32>::new());
}

/// The processes that work there.
fn processes(place: &Place) -> Vec<u32> {
    let path = place.path().display().to_string();
    let pids = fs::read_dir("/proc").expect("readable");
    let pids = pids.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let works = |pid: &u32| {
        let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split('\0').any(|word| word == path)
    };
    pids.filter(works).collect()
}

/// One that measures for long, and the process that it has started: both have all channels.
fn start(place: &Place) -> (Child, u32) {
    let mut command = place.command(&["bench", "--seconds", "3600"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let first = command.spawn().expect("it runs");
    // Looked for once: between its fork and its own program it has the words of the first, and for a moment none.
    let mut second = None;
    wait_until("the second process comes", || {
        second = processes(place).into_iter().find(|pid| *pid != first.id());
        second.is_some()
    });
    let second = second.expect("it has come");
    let path = place.path().display().to_string();
    let has_all = |pid: u32| {
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
        let mut names: Vec<_> = maps.lines().filter_map(|line| line.split(&path).nth(1)).collect();
        names.sort_unstable();
        names.dedup();
        names.len() == NAMES
    };
    wait_until("both have all channels", || has_all(first.id()) && has_all(second));
    (first, second)
}

fn end(first: Child) -> Output {
    first.wait_with_output().expect("it ends")
}

#[test]
fn channels_are_measured_beside_their_yardsticks() {
    let place = Place::new();
    let report = place.json(&["bench", "--seconds", "1"], 0);
    assert_nothing_is_left(&place);
    assert_eq!(report["cores"].as_array().map(Vec::len), Some(2), "{report}");
    assert!(report["rounds"].as_u64() >= Some(3) && report["seconds"].as_f64() > Some(0.0), "{report}");
    let contests = report["contests"].as_array().expect("a list");
    let measured: Vec<_> =
        contests.iter().map(|contest| contest["measured"].as_str().expect("a name")).collect();
    assert_eq!(measured, ["round trip", "round trip, asleep", "one way", "one way"]);
    let is_positive = |value: &Value| value.as_f64().is_some_and(|value| value > 0.0);
    for contest in contests {
        let channels = contest["channels"].as_array().expect("a list");
        assert!(!channels.is_empty() && contest["yardstick"]["ratio"]["median"] == 1.0, "{contest}");
        for entry in channels.iter().chain([&contest["yardstick"]]) {
            for figures in [entry, &entry["ratio"]] {
                assert!(["median", "p10", "p90"].iter().all(|part| is_positive(&figures[part])), "{entry}");
            }
        }
    }
}

#[test]
fn two_processes_on_one_core_take_turns_and_are_told_what_that_means() {
    let place = Place::new();
    let status = fs::read_to_string("/proc/self/status").expect("readable");
    let allowed =
        status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).expect("a line").trim();
    let core = allowed.split(['-', ',']).next().expect("a number");
    let (out, err) = place.run(&["bench", "--seconds", "0", "--cores", &format!("{core},{core}")], 0);
    assert_nothing_is_left(&place);
    assert!(err.contains(&format!("ringway: both processes share core {core}, ")), "{err}");
    let first = format!("core {core} and core {core}: one core, that both processes share");
    assert!(out.starts_with(&first) && out.contains("\n3 rounds in "), "{out}");
    for name in
        ["bare cache line", "bare futex", "bare memory, batches of 32", "in place", "mpmc, one at a time"]
    {
        assert!(out.contains(name), "{name}: {out}");
    }
}

#[test]
fn wrong_cores_are_refused_with_what_would_be_right() {
    let refused = |args: &[&str]| ended(tool().arg("bench").args(args).output().expect("it runs"), 2).1;
    for cores in ["0", "0,x", "one,two"] {
        let error = refused(&["--cores", cores]);
        assert!(
            error.contains("expected the numbers of two cores with a comma between them, such as 0,1"),
            "{error}"
        );
    }
    let error = refused(&["--cores", "99999,0"]);
    assert!(error.contains("core 99999 is none that this process may use, which are "), "{error}");
    assert!(refused(&["--seconds", "soon"]).contains("invalid float literal"));
}

#[test]
fn one_that_is_told_to_end_shows_what_it_has_and_leaves_nothing() {
    let place = Place::new();
    let (first, _) = start(&place);
    // A round and a half, surely: but the test does not depend on it.
    std::thread::sleep(Duration::from_millis(500));
    signal(&first, "INT");
    let output = end(first);
    assert_nothing_is_left(&place);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    match output.status.code() {
        Some(0) => assert!(out.contains("bare cache line"), "{out}{err}"),
        code => assert!(code == Some(1) && err.contains("before anything was measured"), "{code:?} {err}"),
    }
}

#[test]
fn one_whose_second_process_is_killed_says_so_and_leaves_nothing() {
    let place = Place::new();
    let (first, second) = start(&place);
    let killed = std::process::Command::new("kill").args(["-s", "KILL", &second.to_string()]).status();
    assert!(killed.expect("it runs").success());
    let (out, err) = ended(end(first), 1);
    assert!(out.is_empty() && err.contains("process"), "{out}{err}");
    assert_nothing_is_left(&place);
}

#[test]
fn the_second_process_of_one_that_is_killed_ends_and_leaves_nothing() {
    let place = Place::new();
    let (mut first, _) = start(&place);
    first.kill().expect("killed");
    drop(end(first));
    wait_until("the second process ends", || processes(&place).is_empty());
    assert_eq!(names(&place), 0);
    assert_nothing_is_left(&place);
}
