//! What a watcher says, line by line.

use std::process::ExitStatus;

use crate::example::Run;
use crate::run::start;

/// A line of a watcher whose output is no terminal.
#[derive(Debug)]
pub(crate) struct Sight {
    pub(crate) state: String,
    /// Received and in order.
    pub(crate) samples: u64,
    /// To be sent.
    pub(crate) records: u64,
    pub(crate) received: u64,
    pub(crate) lost: u64,
    /// Samples a second, and heartbeats a minute: now, and over all; none at first.
    pub(crate) speed: Option<f64>,
    pub(crate) rates: [Option<f64>; 2],
    pub(crate) beats: u64,
    pub(crate) redelivered: u64,
    pub(crate) killed: u64,
    pub(crate) workers: Vec<Worker>,
}

#[derive(Debug)]
pub(crate) struct Worker {
    /// `fresh`, `died`, `left` or `awaited`.
    pub(crate) presence: String,
    pub(crate) restarts: u64,
    pub(crate) blocks: u64,
    pub(crate) samples: u64,
    pub(crate) redelivered: u64,
    pub(crate) repeated: u64,
}

/// The word before this text.
fn before<'a>(line: &'a str, text: &str) -> &'a str {
    let (start, _) = line.split_once(text).unwrap_or_else(|| panic!("no `{text}` in `{line}`"));
    start.rsplit(' ').next().expect("a part")
}

fn number(line: &str, text: &str) -> u64 {
    let word = before(line, text);
    word.parse().unwrap_or_else(|_| panic!("`{word}` before `{text}` in `{line}`"))
}

fn figure(line: &str, text: &str) -> Option<f64> {
    before(line, text).parse().ok()
}

impl Sight {
    /// None if the line is another one.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let (state, rest) = line.split_once(": ")?;
        let (run, workers) = rest.split_once("; worker ")?;
        Some(Self {
            state: state.to_owned(),
            samples: number(run, " of "),
            records: number(run, " samples in order"),
            received: number(run, " received"),
            lost: number(run, " lost"),
            speed: figure(run, " samples/s"),
            rates: [figure(run, " per minute now"), figure(run, " on average")],
            beats: number(run, " beats"),
            redelivered: number(run, " redelivered"),
            killed: number(run, " workers killed"),
            workers: workers.split("; worker ").enumerate().map(Worker::read).collect(),
        })
    }

    /// Over all workers.
    pub(crate) fn sum(&self, of: impl Fn(&Worker) -> u64) -> u64 {
        self.workers.iter().map(of).sum()
    }
}

impl Worker {
    fn read((slot, text): (usize, &str)) -> Self {
        let mut words = text.split([' ', ',']);
        assert_eq!(words.next(), Some(slot.to_string().as_str()), "{text}");
        Self {
            presence: words.next().expect("a word").to_owned(),
            restarts: number(text, " restarts"),
            blocks: number(text, " blocks"),
            samples: number(text, " samples"),
            redelivered: number(text, " redelivered"),
            repeated: number(text, " repeated"),
        }
    }
}

/// Starts a watcher of that pipeline.
pub(crate) fn watch(pipeline: u32) -> Run {
    start(&[&format!("--watch={pipeline}")])
}

/// Waits until the watcher has seen that.
pub(crate) fn see(watcher: &mut Run, wanted: impl Fn(&Sight) -> bool) {
    // A minute of them.
    for _ in 0..600 {
        watcher.wait_for("");
        if watcher.seen.last().and_then(|line| Sight::read(line)).is_some_and(|sight| wanted(&sight)) {
            return;
        }
    }
    panic!("not in time: {:#?}", watcher.seen.last());
}

pub(crate) fn sights(lines: &[String]) -> Vec<Sight> {
    lines.iter().filter_map(|line| Sight::read(line)).collect()
}

/// A watcher's exit status, all that it saw, and its last line. Nothing that is counted ever becomes less, in the share of
/// any worker either, whoever was killed.
pub(crate) fn ended((status, lines): (ExitStatus, Vec<String>)) -> (Option<i32>, Vec<Sight>, String) {
    let sights = sights(&lines);
    for pair in sights.windows(2) {
        let counts = |sight: &Sight| {
            let Sight { samples, received, beats, redelivered, killed, .. } = *sight;
            let run = [samples, received, beats, redelivered, killed];
            let workers = sight.workers.iter();
            let shares = workers.flat_map(|w| [w.restarts, w.blocks, w.samples, w.redelivered, w.repeated]);
            run.into_iter().chain(shares).collect::<Vec<_>>()
        };
        let (then, now) = (counts(&pair[0]), counts(&pair[1]));
        assert!(then.iter().zip(&now).all(|(then, now)| then <= now), "{pair:#?}");
    }
    (status.code(), sights, lines.last().cloned().unwrap_or_default())
}
