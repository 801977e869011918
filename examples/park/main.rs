//! Who waits sleeps: a receiver in one terminal, a sender in another one, and what the waiting costs.
//!
//! ```text
//! cargo run --release --example park -- recv
//! cargo run --release --example park -- send
//! cargo run --release --example park -- idle --seconds 10
//! ```

mod arguments;
mod idle;
mod talk;
mod usage;

use std::error::Error;
use std::process::ExitCode;

use arguments::{Command, HELP};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let command = match arguments::parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("park: {error}; --help says what there is");
            return ExitCode::from(2);
        }
    };
    let answer = match command {
        Command::Help => {
            print!("{HELP}");
            Ok(())
        }
        Command::Recv(talk) => talk::recv(&talk),
        Command::Send(talk) => talk::send(&talk),
        Command::Idle(length) => idle::supervise(length),
        Command::Sleep(task) => idle::sleep(&task),
    };
    match answer {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("park: {error}");
            ExitCode::FAILURE
        }
    }
}
