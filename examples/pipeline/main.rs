//! A real ECG, streamed between real processes, one of which is killed half-way.
//!
//! ```text
//! cargo run --release --example pipeline
//! ```
//!
//! ```text
//! feed ──(records)──▶ analysis ──(reports)──▶ supervisor
//! ```
//!
//! The program is all three: it starts itself again in the other roles. What it streams and what has to come
//! out is in `examples/data`.

mod analysis;
mod arguments;
mod detector;
mod feed;
mod messages;
mod process;
mod report;
mod supervisor;

use std::error::Error;
use std::io;
use std::process::ExitCode;

use arguments::{Command, HELP, Task};
use supervisor::Failure;

fn main() -> ExitCode {
    match arguments::parse(std::env::args_os().skip(1)) {
        Ok(Command::Help) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Ok(Command::Supervise(settings)) => {
            let (line, status) = match supervisor::run(&settings, &mut io::stdout()) {
                Ok(line) => (line, 0),
                Err(failure @ Failure::Failed(_)) => (failure.to_string(), 1),
                Err(failure @ Failure::Interrupted(signal)) => (failure.to_string(), 128 + signal as u8),
            };
            println!("pipeline: {line}");
            ExitCode::from(status)
        }
        Ok(Command::Feed(task)) => work("feed", &task, feed::run),
        Ok(Command::Analyse(task)) => work("analysis", &task, analysis::run),
        Err(error) => {
            eprintln!("pipeline: {error}; --help says what there is");
            ExitCode::from(2)
        }
    }
}

/// Does a worker's task, in its process.
fn work(role: &str, task: &Task, run: fn(&Task) -> Result<(), Box<dyn Error>>) -> ExitCode {
    let result = match process::die_with(task.parent) {
        Ok(true) => run(task),
        Ok(false) => Err("the supervisor is gone".into()),
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pipeline: {role}: {error}");
            ExitCode::FAILURE
        }
    }
}
