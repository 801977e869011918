//! ringway beside other crates that do the same, on the same cores in the same run.
//!
//! `cargo run --release --manifest-path benches/peers/Cargo.toml -- --help`
//!
//! Each scenario is a module with its contestants in files beneath it. What holds the processes in step, the yardsticks
//! and the tables are those of ringway's own benchmarks.

#[path = "../../support/crew.rs"]
mod crew;
mod latest;
#[path = "../../support/place.rs"]
mod place;
#[path = "../../support/progress.rs"]
mod progress;
#[path = "../../support/report.rs"]
#[allow(dead_code, reason = "other benchmarks use the rest")]
mod report;
mod versions;

use std::path::PathBuf;
use std::process;

use serde_json::json;

const HELP: &str = "\
cargo run --release --manifest-path benches/peers/Cargo.toml -- [OPTIONS] [SCENARIO]
Scenarios:
  latest         the latest value of one writer, read by another process or thread [all]
Options:
  --quick        fewer rounds: ends within 10 seconds
  --rounds N     rounds of slices, one of each contestant [100]
  --json FILE    write the figures to FILE as well
  --help         this text";

/// What the command line says.
struct Arguments {
    rounds: usize,
    json: Option<PathBuf>,
}

fn parse() -> Result<Arguments, lexopt::Error> {
    use lexopt::prelude::*;
    let mut arguments = Arguments { rounds: 100, json: None };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("quick") => arguments.rounds = 15,
            Long("rounds") => arguments.rounds = parser.value()?.parse()?,
            Long("json") => arguments.json = Some(parser.value()?.into()),
            Long("help") => {
                println!("{HELP}");
                process::exit(0);
            }
            Value(scenario) if scenario == "latest" => {}
            other => return Err(other.unexpected()),
        }
    }
    Ok(arguments)
}

fn main() {
    if crew::is_member(latest::jobs) {
        return;
    }
    let arguments = parse().unwrap_or_else(|error| {
        eprintln!("peers: {error}\n{HELP}");
        process::exit(2);
    });
    // Asked before this thread is pinned.
    crew::cores();
    versions::print();
    let rows = latest::run(arguments.rounds);
    if let Some(file) = &arguments.json {
        let report = json!({ "versions": versions::json(), "latest": rows });
        std::fs::write(file, format!("{report:#}\n")).expect("the JSON file");
    }
}
