//! `top` in a real terminal of eighty columns and twenty-four lines, as over ssh: tmux draws it, and its screen is read back.

#[allow(dead_code, reason = "other tests need the rest")]
mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use ringway::mpmc;
use serde_json::Value;

use common::screen::Screen;
use common::{Place, Tick, ended, signal, tick};

const LONG: Duration = Duration::from_secs(60);

fn row<'s>(screen: &'s str, name: &str) -> Option<&'s str> {
    screen.lines().find(|line| line.contains(name))
}

#[test]
fn a_terminal_shows_channels_as_they_change_and_does_what_keys_say() {
    let place = Place::new();
    let namespace = place.namespace();
    let channel = mpmc::channel::<Tick>("trades").namespace(namespace.clone()).capacity(8);
    let (mut tx, mut rx) = (channel.clone().sender().expect("free"), channel.receiver().expect("free"));
    let other = mpmc::channel::<u64>("orders").namespace(namespace).capacity(4).sender().expect("free");
    let Some(screen) = Screen::start(&place, "top --interval 0.1") else { return };

    let text = screen.wait_for(|text| row(text, "trades").is_some());
    assert!(text.starts_with("ringway: 2 channels, by name, every 0.1 s\n"), "{text}");
    assert_eq!(text.lines().count(), 24, "{text}");
    assert!(text.lines().last().is_some_and(|line| line.starts_with("q end  s sort")), "{text}");
    assert!(row(&text, "trades").is_some_and(|row| row.contains("mpmc") && row.contains("  0%")), "{text}");

    (0..4).for_each(|number| tx.send(tick(number)).expect("there is room"));
    screen.wait_for(|text| {
        row(text, "trades").is_some_and(|row| row.contains("████     ") && row.contains(" 50%"))
    });
    // A sender that does not go on keeps the others waiting.
    (0..4).for_each(|number| assert_eq!(rx.recv(), Ok(tick(number))));
    let loan = tx.loan().expect("there is room");
    let text = screen.wait_for(|text| row(text, "trades").is_some_and(|row| row.starts_with('!')));
    assert!(text.contains("1 stalled"), "{text}");
    // Looked into, it says who that is, and what everybody has counted.
    screen.press(&["j", "Enter"]);
    let text = screen.wait_for(|text| text.contains("receivers wait for message 4"));
    assert!(text.starts_with("ringway: trades: mpmc of Tick, every 0.1 s\n1 of 8 messages, 13%"), "{text}");
    let me = std::process::id();
    let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&format!("which sender 0 (process {me}) has claimed and not sent")), "{text}");
    loan.write(tick(4)).publish();
    (5..12).for_each(|number| tx.send(tick(number)).expect("there is room"));
    assert!(tx.try_send(tick(12)).is_err());
    let pid = me.to_string();
    screen.wait_for(|text| {
        let words: Vec<_> = row(text, "sender 0").unwrap_or_default().split_whitespace().collect();
        words.len() == 12 && words[..4] == ["sender", "0", &pid, "alive"] && words[6] == "1"
    });
    screen.press(&["Escape"]);
    screen.wait_for(|text| row(text, "trades").is_some_and(|row| row.starts_with(' ')));

    screen.press(&["s"]);
    let text = screen.wait_for(|text| text.contains("by fill"));
    assert!(text.find("trades") < text.find("orders"), "{text}");
    screen.press(&["/", "o", "r", "d", "Enter"]);
    let text = screen.wait_for(|text| text.contains("1 shown"));
    assert!(row(&text, "trades").is_none(), "{text}");
    screen.press(&["q"]);
    let text = screen.wait_for(|text| text.contains("ended with"));
    assert!(text.contains("ended with 0"), "{text}");
    assert!(!text.contains("RATE/s"), "it leaves the terminal as it was: {text}");
    drop(other);
}

#[test]
fn a_killed_sender_is_marked_and_ctrl_c_ends() {
    let place = Place::new();
    let namespace = place.namespace();
    let mut rx = mpmc::channel::<u64>("trades").namespace(namespace).receiver().expect("free");
    let mut command = place.command(&["send", "trades"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut sender = command.spawn().expect("it runs");
    assert!(rx.wait_for_peer(LONG));
    let Some(screen) = Screen::start(&place, "top --interval 0.1") else {
        sender.kill().expect("killed");
        sender.wait().expect("gone");
        return;
    };
    screen.wait_for(|text| row(text, "trades").is_some_and(|row| row.trim_end().ends_with("1   1")));
    sender.kill().expect("killed");
    sender.wait().expect("gone");
    let text = screen.wait_for(|text| row(text, "trades").is_some_and(|row| row.starts_with('†')));
    assert!(text.contains("1 with dead"), "{text}");
    assert!(rx.try_recv().is_err());
    screen.press(&["C-c"]);
    screen.wait_for(|text| text.contains("ended with 0"));
}

/// Whether a process runs that was told to look there.
fn runs(place: &Place) -> bool {
    let path = place.path().display().to_string();
    let told =
        |entry: std::fs::DirEntry| std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
    let processes = std::fs::read_dir("/proc").expect("readable").filter_map(Result::ok);
    processes.map(told).any(|line| line.starts_with(env!("CARGO_BIN_EXE_ringway")) && line.contains(&path))
}

#[test]
fn it_ends_with_its_terminal_also_if_it_was_told_to_ignore_that() {
    for before in ["", "trap '' HUP; "] {
        let place = Place::new();
        let Some(screen) = Screen::start_after(&place, before, "top --interval 0.1") else { return };
        screen.wait_for(|text| text.contains("0 channels"));
        assert!(runs(&place));
        drop(screen);
        let start = Instant::now();
        while runs(&place) {
            assert!(start.elapsed() < LONG, "it goes on without a terminal");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn without_a_terminal_it_writes_lines_or_says_so() {
    let place = Place::new();
    let mut tx =
        mpmc::channel::<u64>("trades").namespace(place.namespace()).capacity(4).sender().expect("free");
    tx.send(1).expect("there is room");
    let (_, err) = place.run(&["top"], 1);
    assert!(err.contains("`top --json` writes lines"), "{err}");
    let (out, _) = place.run(&["top", "--json", "--count", "2", "--interval", "0.05"], 0);
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 2);
    for line in lines {
        let row = &line[0];
        assert_eq!((&row["name"], &row["fill"], &row["capacity"]), (&"trades".into(), &1.into(), &4.into()));
        assert_eq!((&row["mark"], &row["senders"], &row["rate"]), (&"fine".into(), &1.into(), &0.0.into()));
    }
    // Until it is told to end.
    let mut command = place.command(&["top", "--json", "--interval", "60"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    out.read_line(&mut String::new()).expect("a line");
    signal(&child, "TERM");
    ended(child.wait_with_output().expect("it ends"), 0);
}
