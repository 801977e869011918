//! What does it cost to look for sleepers while nobody sleeps, how long does a message take that wakes one, and what does
//! one use that sleeps?
//!
//! `cargo bench --bench waiting -- --help`

mod support;
#[path = "support/waiting/mod.rs"]
mod waiting;

use std::path::PathBuf;
use std::process::{self, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use support::{Child, Parent, Progress, median, quantile};
use waiting::{BURST, Bursts, Group, Idle, Part, Unit};

const HELP: &str = "\
cargo bench --bench waiting -- [OPTIONS]
Options:
  --quick            fewer pairs: ends within 30 seconds
  --pairs N          slices of each contestant [200]; of bursts a fourth
  --idle-seconds N   how long the idle processes wait [10]
  --only PART        only `streams`, `rounds`, `idle` or `bursts`
  --json FILE        write the figures to FILE as well
  --help             this text";

struct Arguments {
    pairs: usize,
    idle: Duration,
    only: Option<String>,
    json: Option<PathBuf>,
}

const PARTS: [&str; 4] = ["streams", "rounds", "bursts", "idle"];

impl Arguments {
    fn parse() -> Result<Self, lexopt::Error> {
        use lexopt::prelude::*;
        let mut arguments = Self { pairs: 200, idle: Duration::from_secs(10), only: None, json: None };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("quick") => arguments.pairs = 50,
                Long("pairs") => arguments.pairs = parser.value()?.parse()?,
                Long("idle-seconds") => arguments.idle = Duration::from_secs(parser.value()?.parse()?),
                Long("only") => {
                    let part = parser.value()?.string()?;
                    if !PARTS.contains(&part.as_str()) {
                        return Err(format!("--only is `{part}`, expected one of {PARTS:?}").into());
                    }
                    arguments.only = Some(part);
                }
                Long("json") => arguments.json = Some(parser.value()?.into()),
                // What `cargo bench` adds.
                Long("bench") => {}
                Long("help") => {
                    println!("{HELP}");
                    process::exit(0);
                }
                other => return Err(other.unexpected()),
            }
        }
        Ok(arguments)
    }

    fn include(&self, part: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == part)
    }
}

const STREAMS: &str = "one-way stream to another process, 1024 slots; nobody sleeps, and all look for sleepers as the \
                       channel has it";
const STORES: &str = "stores of a cell by its writer; no reader sleeps";
const ROUNDS: &str = "round trip between two processes that sleep until there is an answer";

fn main() {
    if waiting::is_idler() {
        return;
    }
    if let Some(child) = Child::of_a_run() {
        return answer(child);
    }
    let arguments = Arguments::parse().unwrap_or_else(|error| {
        eprintln!("waiting: {error}\n{HELP}");
        process::exit(2);
    });
    let mut parent = Parent::start("waiting", |command| {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
    });
    let tables = measure(&mut parent, &arguments);
    parent.finish();
    let mut found: Vec<Value> = tables;
    if arguments.include("idle") {
        let idlers = waiting::idle(arguments.idle);
        print_idle(&idlers);
        found.extend(idlers.iter().map(|idler| {
            json!({
                "title": "idle", "who": idler.name, "seconds": idler.elapsed.as_secs_f64(),
                "cpu_seconds": idler.cpu.as_secs_f64(), "voluntary_switches": idler.switches,
            })
        }));
    }
    if let Some(file) = &arguments.json {
        std::fs::write(file, format!("{:#}\n", Value::from(found))).expect("the JSON file");
    }
}

/// The number of the first job that receives bursts: above those of all groups.
const FIRST_BURST: u64 = 1 << 32;

fn answer(child: Child) {
    let (run, part) = (&child.side.run, Part::Child);
    let mut groups = waiting::streams(run, part);
    groups.extend(waiting::stores(run, part));
    groups.extend(waiting::rounds(&child.side, part, None));
    let (_, mut bursts) = waiting::bursts(run, part);
    child.serve(|_, what, count| match what.checked_sub(FIRST_BURST) {
        Some(burst) => bursts[burst as usize](count),
        None => Group::answer(&mut groups, what, count),
    });
}

/// What is measured between this process and its child.
fn measure(parent: &mut Parent, arguments: &Arguments) -> Vec<Value> {
    let pipes = parent.pipes();
    let pipes = pipes.0.zip(pipes.1);
    let (side, part) = (&parent.side, Part::Parent);
    let tables = [
        ("streams", STREAMS, Unit::Rate, 1, waiting::streams(&side.run, part)),
        ("streams", STORES, Unit::Rate, 1, waiting::stores(&side.run, part)),
        ("rounds", ROUNDS, Unit::Time, 1, waiting::rounds(side, part, pipes)),
    ];
    let (mut bursts, _) = waiting::bursts(&side.run, part);
    let (mut found, mut first) = (Vec::new(), 0);
    for (name, title, unit, share, mut groups) in tables {
        if arguments.include(name) {
            let pairs = (arguments.pairs / share).max(1);
            let progress = Progress::new(groups.iter().map(|group| group.steps(pairs)).sum());
            for (at, group) in groups.iter_mut().enumerate() {
                group.measure(parent, first + at, (pairs, &progress), name == "streams");
            }
            drop(progress);
            waiting::print(title, unit, &groups);
            found.push(waiting::to_json(title, unit, &groups));
        }
        first += groups.len();
    }
    println!("\nratio: to the first of its kind, the median of the ratios of slices of the same round");
    if arguments.include("bursts") {
        found.push(measure_bursts(parent, &mut bursts, (arguments.pairs / 4).max(1)));
    }
    found
}

fn measure_bursts(parent: &mut Parent, bursts: &mut [Bursts], count: usize) -> Value {
    println!(
        "\nhow often a receiver sleeps for a burst of {BURST} messages, the sleep that it ends among them"
    );
    println!(
        "(voluntary context switches of the receiver: a wake that comes before it has fallen asleep is none)\n"
    );
    println!("{:<14} {:>7} {:>7} {:>7}", "", "median", "90 %", "bursts");
    let mut rows = Vec::new();
    let progress = Progress::new(bursts.len() * (count + 1));
    for (at, burst) in bursts.iter_mut().enumerate() {
        let mut sleeps = Vec::new();
        // One more, to begin with.
        let rounds = count as u64 + 1;
        parent.slice(FIRST_BURST + at as u64, rounds, || sleeps = burst.run(count, &progress));
        let (middle, most) = (median(&sleeps), quantile(&sleeps, 0.9));
        progress.aside(|| println!("{:<14} {middle:>7} {most:>7} {:>7}", burst.name, sleeps.len()));
        rows.push(json!({ "wait": burst.name, "sleeps": middle, "sleeps_90": most, "bursts": sleeps.len() }));
    }
    json!({ "title": "bursts", "messages": BURST, "rows": rows })
}

fn print_idle(idlers: &[Idle]) {
    println!("\nidle processes with default options, by the kernel's accounts\n");
    println!("{:<18} {:>8} {:>8} {:>7} {:>12}", "", "s", "CPU ms", "%", "switches / s");
    for Idle { name, elapsed, cpu, switches } in idlers {
        let (elapsed, cpu) = (elapsed.as_secs_f64(), cpu.as_secs_f64());
        println!(
            "{name:<18} {elapsed:>8.1} {:>8.2} {:>7.2} {:>12.1}",
            cpu * 1e3,
            cpu / elapsed * 100.0,
            *switches as f64 / elapsed
        );
    }
}
