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
use std::io::{self, Write};
use std::process::ExitCode;

use arguments::{Command, HELP, Task};
use supervisor::Failure;

fn main() -> ExitCode {
    match arguments::parse(std::env::args_os().skip(1)) {
        Ok(Command::Help) => end(0, HELP),
        Ok(Command::Supervise(settings)) => match supervisor::run(&settings, &mut io::stdout()) {
            Ok(line) => end(0, &format!("pipeline: {line}\n")),
            Err(Failure::Recording(unusable)) => {
                eprintln!("pipeline: {unusable}");
                ExitCode::FAILURE
            }
            Err(failure @ Failure::Failed(_)) => end(1, &format!("pipeline: {failure}\n")),
            Err(failure @ Failure::Interrupted(signal)) => {
                end(128 + signal as u8, &format!("pipeline: {failure}\n"))
            }
        },
        Ok(Command::Feed(task)) => work("feed", &task, feed::run),
        Ok(Command::Analyse(task)) => work("analysis", &task, analysis::run),
        Err(error) => {
            eprintln!("pipeline: {error}; --help says what there is");
            ExitCode::from(2)
        }
    }
}

/// Says the last thing there is to say; 1 where nobody listens.
fn end(status: u8, text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::from(status),
        Err(_) => ExitCode::FAILURE,
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
