//! A storm: senders and receivers on one channel, killed at random moments and replaced at once, and every message
//! accounted for.
//!
//! ```text
//! cargo run --release --example storm -- --seconds 300
//! ```
//!
//! The program is all of them: the supervisor starts itself again as senders, receivers and an observer. How the
//! accounts are kept, what of them is exact and what is bounded is told in `ledger`.

mod arguments;
mod channel;
mod deaths;
mod guest;
mod ledger;
mod message;
mod observer;
mod process;
mod receiver;
mod report;
mod sender;
mod stalls;
mod supervisor;
mod troupe;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use arguments::{Command, HELP, Task};

fn main() -> ExitCode {
    match arguments::parse(std::env::args_os().skip(1)) {
        Ok(Command::Help) => end(0, HELP),
        Ok(Command::Supervise(settings)) => match supervisor::run(&settings, &mut io::stdout()) {
            Ok(verdict) => end(verdict.status, &verdict.line),
            Err(error) => {
                eprintln!("storm: {error}");
                ExitCode::FAILURE
            }
        },
        Ok(Command::Work(task)) => work(&task),
        Err(error) => {
            eprintln!("storm: {error}; --help says what there is");
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

/// Plays a worker's part, in its process.
fn work(task: &Task) -> ExitCode {
    let result: Result<(), Box<dyn Error>> = match process::die_with(task.parent) {
        Ok(true) => channel::visit(task, channel::Play(task)),
        Ok(false) => Err("the supervisor is gone".into()),
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("storm: {} {}: {error}", task.role, task.number);
            ExitCode::FAILURE
        }
    }
}
