//! What the README shows of the tool is what the tool shows. `RINGWAY_WRITE_README=1` writes it anew.

#[allow(dead_code, reason = "other tests need the rest")]
mod common;

use std::path::PathBuf;

use ringway::{Message, Parking, mpmc, seqlock, spsc};

use common::screen::Screen;
use common::{Place, Tick, ended, tick};

/// Bytes of text, so that a key reads well.
type Symbol = [u8; 8];

#[derive(Message, Clone, Copy)]
#[repr(C)]
struct Quote {
    bid: f64,
    ask: f64,
}

/// What stands between the lines that begin and end it.
fn block(readme: &str) -> (usize, usize) {
    let start = readme.find("```text\n$ ringway list\n").expect("it begins so") + "```text\n".len();
    (start, start + readme[start..].find("```").expect("it ends"))
}

/// Without what differs from run to run: blanks in a row, and how many seconds ago it was.
fn essence(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    let is_age = |at: usize| matches!(words.get(at + 1), Some(&("s" | "s,")));
    let kept = words.iter().enumerate().map(|(at, word)| if is_age(at) { "#" } else { word });
    kept.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_readme_shows_what_the_tool_shows() {
    let place = Place::new();
    let trades =
        mpmc::channel::<Tick>("trades").namespace(place.namespace()).capacity(4096).parking(Parking::Fenced);
    let (mut tx, mut rx) = (trades.clone().sender().expect("free"), trades.receiver().expect("free"));
    let others = [rx.clone(), rx.clone()];
    (0..2048).for_each(|number| tx.send(tick(number)).expect("there is room"));
    (0..1024).for_each(|number| assert_eq!(rx.recv(), Ok(tick(number))));
    let lease = rx.lease().expect("a message");
    let orders = spsc::channel::<[u64; 4]>("orders").namespace(place.namespace()).parking(Parking::Fenced);
    let orders = orders.sender().expect("free");
    let quotes = seqlock::keyed_table::<Symbol, Quote>("quotes").namespace(place.namespace()).cells(16);
    let mut quotes = quotes.parking(Parking::Fenced).writer().expect("free");
    quotes.store(b"BTCUSD\0\0", Quote { bid: 101.5, ask: 101.75 }).expect("a cell is free");

    let mut shown = String::new();
    for args in [&["list"][..], &["show", "trades"]] {
        let mut command = place.command(args);
        let (out, _) = ended(command.env("COLUMNS", "110").output().expect("it runs"), 0);
        shown.push_str(&format!("$ ringway {}\n{out}\n", args.join(" ")));
    }
    // As many looks as there is room for, of a channel in which nothing happens.
    let Some(screen) = Screen::start(&place, "top --interval 0.1") else { return };
    let settled = |text: &str| text.lines().any(|line| line.contains("trades") && line.contains("▂▂▂▂▂▂▂▂▂"));
    let text = screen.wait_for(settled).replace("every 0.1 s", "every 1 s");
    let (rows, keys) = text.split_once("\n\n").expect("there is room below");
    shown.push_str(&format!("$ ringway top\n{rows}\n\n{}\n", keys.trim_start()));
    let file = place.path().join("trades").display().to_string();
    let shown = shown.trim_end().replace(&file, "/dev/shm/ringway-1000/trades") + "\n";
    // As wide, where it can be.
    let pid = std::process::id().to_string();
    let shown = shown.replace(&pid, &format!("{:<1$}", "4242", pid.len())).replace("4242 \n", "4242\n");

    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(&path).expect("it is there");
    let (start, end) = block(&readme);
    if std::env::var_os("RINGWAY_WRITE_README").is_some() {
        let lines: Vec<_> = shown.lines().map(str::trim_end).collect();
        let written = format!("{}{}\n{}", &readme[..start], lines.join("\n"), &readme[end..]);
        std::fs::write(&path, written).expect("written");
    } else {
        assert_eq!(
            essence(&readme[start..end]),
            essence(&shown),
            "the README shows:\n{}\nand the tool:\n{shown}",
            &readme[start..end]
        );
    }
    drop((lease, others, orders));
}
