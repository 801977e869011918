//! What it takes until two sides have a channel: one makes it, the other attaches, detaches, and the first one removes it.
//! All in one process, one side after the other.

mod iceoryx;
mod raw;

use std::time::Instant;

use serde_json::Value;

use crate::Scope;
use crate::contest::{self, Figures, Report, Row, Sample, Spot, Unit};
use crate::links::{self, At, Link, Mode, Visit};
use crate::progress::Progress;

/// 64 bytes.
pub(crate) const WORDS: usize = 8;
const YARDSTICK: &str = "raw shm_open and mmap";
/// What is timed, in this order.
const DEEDS: [&str; 4] = ["create", "attach", "detach", "remove"];
/// Channels of a slice.
const CHANNELS: usize = 4;

/// Makes a channel of 1024 messages of 64 bytes under a name that is new, and calls `done` after each deed.
type Life = Box<dyn FnMut(&str, &mut dyn FnMut())>;

/// Every way between processes, one message at a time.
struct Lives<'a> {
    run: &'a str,
    all: Vec<(&'static str, Life)>,
}

impl<const N: usize> Visit<N> for Lives<'_> {
    fn link<L: Link<N>>(&mut self) {
        if L::MODE != Mode::Single || L::BROKEN.is_some() {
            return;
        }
        let run = self.run.to_owned();
        let life = move |channel: &str, done: &mut dyn FnMut()| {
            let at = |first| At { run: run.clone(), channel: channel.to_owned(), first, polling: true };
            let outlet = L::outlet(&at(true));
            done();
            let inlet = L::inlet(&at(false));
            done();
            drop(inlet);
            done();
            drop(outlet);
            done();
        };
        self.all.push((L::NAME, Box::new(life)));
    }
}

/// Nanoseconds for each deed.
fn slice(life: &mut Life, number: &mut u64) -> [f64; DEEDS.len()] {
    let mut sums = [0.0; DEEDS.len()];
    for _ in 0..CHANNELS {
        *number += 1;
        let mut deeds = sums.iter_mut();
        let channel = format!("channel-{number}");
        let mut clock = Instant::now();
        life(&channel, &mut || {
            let now = Instant::now();
            *deeds.next().expect("one of them") += (now - clock).as_nanos() as f64 / CHANNELS as f64;
            clock = Instant::now();
        });
    }
    sums
}

/// Measures, prints, and returns the figures.
pub(crate) fn run(scope: &Scope) -> Value {
    let run = scope.run("attach");
    links::prepare(&run);
    let mut lives = Lives { run: &run, all: Vec::new() };
    links::each::<WORDS>(&mut lives);
    let mut lives = lives.all;
    lives.push(("iceoryx2, node at hand", iceoryx::life(&run)));
    lives.push((YARDSTICK, raw::life(&run)));
    let row = |deed: &str, name: &'static str| Row {
        label: deed.to_owned(),
        name,
        between: "processes",
        ours: Mode::Single.ours(),
        yardstick: name == YARDSTICK,
        broken: None,
    };
    let figures = |(name, _): &(&'static str, Life)| DEEDS.map(|deed| Figures::new(row(deed, name)));
    let mut all: Vec<[Figures; DEEDS.len()]> = lives.iter().map(figures).collect();
    let progress = Progress::new(scope.rounds + 1);
    let mut number = 0;
    // The first round warms up.
    for round in 0..=scope.rounds {
        for turn in 0..lives.len() {
            // Every other round goes backwards.
            let at = if round % 2 == 0 { turn } else { lives.len() - 1 - turn };
            let nanos = slice(&mut lives[at].1, &mut number);
            for (figures, nanos) in all[at].iter_mut().zip(nanos) {
                if round > 0 {
                    figures.samples.push(Sample { spot: Spot::Anywhere, nanos });
                }
            }
        }
        progress.step();
    }
    drop((progress, lives));
    links::clean(&run);
    // By deed.
    let mut all: Vec<Figures> = all.into_iter().flatten().collect();
    all.sort_by_key(|figures| DEEDS.iter().position(|deed| *deed == figures.row.label));
    let report = Report {
        scenario: "attach",
        title: "from nothing to a channel of 1024 x 64 bytes with two sides, and back, in one process",
        label: "what",
        unit: Unit::Micros,
        yardstick: "the bare system calls, for memory that nobody has touched",
    };
    contest::print(&report, &all);
    scope.draw(contest::plot(&report, &all));
    contest::json(&report, &all)
}
