//! A real ECG, streamed between real processes, which are killed again and again.
//!
//! ```text
//! cargo run --release --example pipeline
//! ```
//!
//! ```text
//! feed ──(records)──▶ parse ──(work)──▶ workers ──(results)──▶ sink ──(reports)──▶ supervisor
//!        spsc                 mpmc               mpsc               spsc
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | `feed` | streams the recording, a record a message |
//! | `parse`, `cutter` | checks the stream, and cuts it into blocks |
//! | `worker` | filters a block: it needs no other one, so any worker will do, also twice |
//! | `sink`, `merge` | puts the filtered blocks in order, each once, and finds the heartbeats in them |
//! | `supervisor`, `run`, `crew` | starts all of them, kills some, and says what came of it |
//! | `published`, `board`, `live`, `share` | the cells in which they say how they stand while they run |
//! | `watch`, `screen` | shows the cells, in a process that only reads |
//! | `meter` | looks into the channels while they are used, and shows a bar on a terminal |
//! | `pictures`, `plot`, `timeline` | what `--plot` draws |
//! | `detector` | the algorithm, which knows of no process |
//!
//! The program is all of them: it starts itself again in the other roles. What it streams and what has to come
//! out is in `examples/data`.
//!
//! Why the result is that of one thread: the filters look back over a fixed number of samples, on integers, and a
//! block brings so many earlier ones along (`detector/filters.rs`); what remembers more sees the blocks in order.

mod arguments;
mod board;
mod crew;
mod cutter;
mod detector;
mod feed;
mod live;
mod merge;
mod messages;
mod meter;
mod parse;
mod pictures;
mod plot;
mod process;
mod published;
mod reference;
mod report;
mod run;
mod screen;
mod share;
mod sink;
mod supervisor;
mod timeline;
mod watch;
mod worker;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use arguments::{Command, HELP, Role, Task};
use supervisor::Failure;

fn main() -> ExitCode {
    match arguments::parse(std::env::args_os().skip(1)) {
        Ok(Command::Help) => end(0, HELP),
        Ok(Command::Watch(pipeline)) => match watch::run(pipeline) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("pipeline: watch: {error}");
                ExitCode::FAILURE
            }
        },
        Ok(Command::Supervise(settings)) => match supervisor::run(&settings, &mut io::stdout()) {
            Ok(line) => end(0, &format!("pipeline: {line}\n")),
            Err(failure @ (Failure::Recording(_) | Failure::Pictures(_))) => {
                eprintln!("pipeline: {failure}");
                ExitCode::FAILURE
            }
            Err(failure @ Failure::Failed(_)) => end(1, &format!("pipeline: {failure}\n")),
            Err(failure @ Failure::Interrupted(signal)) => {
                end(128 + signal as u8, &format!("pipeline: {failure}\n"))
            }
        },
        Ok(Command::Work(Role::Feed, task)) => work(Role::Feed, &task, feed::run),
        Ok(Command::Work(Role::Parse, task)) => work(Role::Parse, &task, parse::run),
        Ok(Command::Work(role @ Role::Worker(slot), task)) => {
            work(role, &task, |task| worker::run(task, slot))
        }
        Ok(Command::Work(Role::Sink, task)) => work(Role::Sink, &task, sink::run),
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

/// Does a task in a role, in a process of its own.
fn work(role: Role, task: &Task, run: impl FnOnce(&Task) -> Result<(), Box<dyn Error>>) -> ExitCode {
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
