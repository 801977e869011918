//! ringway beside other crates that do the same, on the same cores in the same run.
//!
//! `cargo run --release --manifest-path benches/peers/Cargo.toml -- --help`
//!
//! Each scenario is a module with its contestants in files beneath it; those that go one way from one sender to one receiver
//! are in `links`, and what holds slices, rounds and tables together is in `contest`. What holds the processes in step, the
//! yardsticks and the progress bar are those of ringway's own benchmarks.

mod attach;
mod contest;
#[path = "../../support/crew.rs"]
mod crew;
mod latest;
mod links;
mod memory;
mod mpmc;
mod parked;
#[path = "../../support/place.rs"]
mod place;
#[path = "../../support/progress.rs"]
mod progress;
#[path = "../../support/raw.rs"]
#[allow(dead_code, reason = "other benchmarks use the rest")]
mod raw;
#[path = "../../support/report.rs"]
#[allow(dead_code, reason = "other benchmarks use the rest")]
mod report;
mod rounds;
mod stream;
mod versions;
#[path = "../../support/worker.rs"]
mod worker;

use std::path::PathBuf;
use std::process;

use serde_json::Map;

use contest::Plot;
use crew::{Job, Memory};

/// Slots of every ring here, and messages of a batch.
pub(crate) const CAPACITY: usize = 1024;
pub(crate) const BATCH: usize = 32;

const HELP: &str = "\
cargo run --release --manifest-path benches/peers/Cargo.toml -- [OPTIONS] [SCENARIO…]
Scenarios, all of them by default:
  stream         messages one way, one at a time, in batches and in place, by size
  rounds         round trips, both sides polling, by size
  mpmc           one channel for 1, 2 and 4 senders and as many receivers
  latest         the latest value of one writer, read by 1 and by 3 others
  parked         round trips of sides that sleep in between
  attach         time to create a channel, attach to it, detach, and remove it
  memory         bytes that a channel takes
Options:
  --quick        fewer rounds: a first look, in about a minute, and one more for mpmc, where some crowds stand still
                 for seconds when they spin on cores that others need
  --rounds N     rounds of slices, one of each contestant [100]
  --json FILE    write the figures to FILE as well
  --plot DIR     write a picture of each scenario to DIR, as SCENARIO.svg
  --help         this text
Whoever loses, tears, repeats or disorders a message, or waits for one in vain, is marked BAD and not ranked.";

/// A scenario: its name, the jobs of its second process, and what measures it.
struct Scenario {
    name: &'static str,
    jobs: fn(&Memory) -> Vec<Job>,
    run: fn(&Scope) -> serde_json::Value,
}

/// Of those that have no crew.
fn no_jobs(_: &Memory) -> Vec<Job> {
    Vec::new()
}

const SCENARIOS: [Scenario; 7] = [
    Scenario { name: "stream", jobs: stream::jobs, run: stream::run },
    Scenario { name: "rounds", jobs: rounds::jobs, run: rounds::run },
    Scenario { name: "mpmc", jobs: no_jobs, run: mpmc::run },
    Scenario { name: "latest", jobs: latest::jobs, run: latest::run },
    Scenario { name: "parked", jobs: parked::jobs, run: parked::run },
    Scenario { name: "attach", jobs: no_jobs, run: attach::run },
    Scenario { name: "memory", jobs: no_jobs, run: memory::run },
];

/// How much is to be measured, and where pictures go.
pub(crate) struct Scope {
    pub(crate) rounds: usize,
    plots: Option<PathBuf>,
}

/// Of the names of all that a run makes.
const RUN: &str = "bench-peers";

impl Scope {
    /// The name of a scenario's run.
    pub(crate) fn run(&self, scenario: &str) -> String {
        format!("{RUN}-{scenario}-{}", process::id())
    }

    /// Draws it, if that is wanted.
    pub(crate) fn draw(&self, plot: Plot) {
        if let Some(directory) = &self.plots {
            contest::write_plot(directory, &plot).expect("a picture");
        }
    }
}

/// The jobs of a second process, whose run says which scenario it is of.
fn jobs(memory: &Memory) -> Vec<Job> {
    let name = memory.run.strip_prefix(RUN).and_then(|rest| rest.split('-').nth(1)).expect("a scenario");
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name);
    (scenario.expect("one of them").jobs)(memory)
}

/// What the command line says.
struct Arguments {
    scope: Scope,
    scenarios: Vec<&'static Scenario>,
    json: Option<PathBuf>,
}

fn parse() -> Result<Arguments, lexopt::Error> {
    use lexopt::prelude::*;
    let scope = Scope { rounds: 100, plots: None };
    let mut arguments = Arguments { scope, scenarios: Vec::new(), json: None };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("quick") => arguments.scope.rounds = 10,
            Long("rounds") => arguments.scope.rounds = parser.value()?.parse()?,
            Long("json") => arguments.json = Some(parser.value()?.into()),
            Long("plot") => arguments.scope.plots = Some(parser.value()?.into()),
            Long("help") => {
                println!("{HELP}");
                process::exit(0);
            }
            Value(name) => match SCENARIOS.iter().find(|scenario| name == scenario.name) {
                Some(scenario) => arguments.scenarios.push(scenario),
                None => return Err(Value(name).unexpected()),
            },
            other => return Err(other.unexpected()),
        }
    }
    if arguments.scenarios.is_empty() {
        arguments.scenarios = SCENARIOS.iter().collect();
    }
    Ok(arguments)
}

fn main() {
    if crew::is_member(jobs) || mpmc::is_worker() || memory::is_subject() {
        return;
    }
    let arguments = parse().unwrap_or_else(|error| {
        eprintln!("peers: {error}\n{HELP}");
        process::exit(2);
    });
    // Asked before this thread is pinned.
    crew::cores();
    links::sweep(RUN);
    versions::print();
    let mut report = Map::new();
    report.insert("versions".to_owned(), versions::json());
    for scenario in &arguments.scenarios {
        // Whom it starts is to have all cores to choose from.
        crew::unpin();
        report.insert(scenario.name.to_owned(), (scenario.run)(&arguments.scope));
    }
    if let Some(file) = &arguments.json {
        std::fs::write(file, format!("{:#}\n", serde_json::Value::Object(report))).expect("the JSON file");
    }
}
