//! How do throughput, latency and cost grow with the size of a message, the capacity of a channel, how many share one, how
//! many channels one thread serves, and how many segments there are, beside bare memory in the same run?
//!
//! Each point of a curve has a yardstick of its own: slices of it and of the contestants take turns, and what is reported
//! is the median of the ratios of slices of the same round. Points are measured one after the other, so that between two of
//! them only ratios can be compared, wherever the machine does not stay as it is.
//!
//! `cargo bench --bench growth -- --help`

#[path = "support/array_queue.rs"]
mod array_queue;
#[path = "support/growth/mod.rs"]
mod growth;
mod support;
#[path = "support/worker.rs"]
mod worker;

use std::path::PathBuf;
use std::process;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{sched_getaffinity, sched_setaffinity};
use serde_json::json;

use growth::{CURVES, Curve, Report};
use support::{Child, Progress};

const HELP: &str = "\
cargo bench --bench growth -- [OPTIONS]

Curves, each point beside a yardstick of the same size in slices that take turns:
  size          messages of 8 B to 1 MiB: throughput one by one (to 64 KiB) and in place, round trip in place
  capacity      2 to 2^20 messages of 64 B: throughput one by one and in batches
  participants  1 to 8 sending, receiving, or both, processes of one mpmc channel, unpinned, waiting as by default
  channels      1 to 10,000 channels that one thread serves in turn: time for a message; and what a process needs for each
  open          1 to 10,000 segments in the namespace: time to create a channel, or to attach to one, and to leave it

Options:
  --quick        fewer pairs and fewer points: ends within 30 seconds
  --pairs N      rounds of slices at each point, one of each contestant [40; with --quick 5]
  --curve NAME   only that curve; may be given more than once
  --json FILE    write the figures to FILE as well
  --plot DIR     draw each curve into DIR, as SVG
  --help         this text";

#[derive(Default)]
struct Arguments {
    quick: bool,
    pairs: Option<usize>,
    curves: Vec<String>,
    json: Option<PathBuf>,
    plot: Option<PathBuf>,
}

impl Arguments {
    fn parse() -> Result<Self, lexopt::Error> {
        use lexopt::prelude::*;
        let mut arguments = Self::default();
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("quick") => arguments.quick = true,
                Long("pairs") => arguments.pairs = Some(parser.value()?.parse()?),
                Long("curve") => {
                    let name = parser.value()?.string()?;
                    let known = CURVES.map(|curve| curve.name);
                    if !known.contains(&name.as_str()) {
                        return Err(format!("--curve is `{name}`, expected one of {known:?}").into());
                    }
                    arguments.curves.push(name);
                }
                Long("json") => arguments.json = Some(parser.value()?.into()),
                Long("plot") => arguments.plot = Some(parser.value()?.into()),
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

    fn include(&self, curve: &Curve) -> bool {
        self.curves.is_empty() || self.curves.iter().any(|name| name == curve.name)
    }
}

/// As many descriptors as this process may have without being told otherwise by root; also those that it starts.
fn raise_the_limit_of_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be raised the curves end sooner, and say why.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

fn main() {
    if worker::serve(growth::job) {
        return;
    }
    if let Some(child) = Child::of_a_run() {
        return growth::answer(child);
    }
    let arguments = Arguments::parse().unwrap_or_else(|error| {
        eprintln!("growth: {error}\n{HELP}");
        process::exit(2);
    });
    raise_the_limit_of_descriptors();
    let pairs = arguments.pairs.unwrap_or(if arguments.quick { 5 } else { 40 }).max(1);
    let curves: Vec<_> = CURVES.iter().filter(|curve| arguments.include(curve)).collect();
    let progress = Progress::new(curves.iter().map(|curve| curve.steps(arguments.quick, pairs)).sum());
    let cores = sched_getaffinity(None).expect("the allowed cores");
    let mut reports = Vec::new();
    for curve in curves {
        let points = curve.measure((arguments.quick, pairs), &progress, || {
            sched_setaffinity(None, &cores).expect("the cores of before");
        });
        let report = Report { curve, points };
        progress.aside(|| report.print());
        reports.push(report);
    }
    drop(progress);
    println!(
        "\nratio: the median of the ratios of slices of the same round ({pairs} of them); of M/s more is better, of ns less"
    );
    if let Some(file) = &arguments.json {
        let all: Vec<_> = reports.iter().map(Report::to_json).collect();
        let all = json!({ "title": "growth", "pairs": pairs, "curves": all });
        std::fs::write(file, format!("{all:#}\n")).expect("the JSON file");
    }
    if let Some(dir) = &arguments.plot {
        std::fs::create_dir_all(dir).expect("the directory of pictures");
        for report in &reports {
            report.plot(dir).expect("the pictures");
        }
    }
}
