//! What the user may say, and what the supervisor of `idle` says to its sleepers.

use std::ffi::OsString;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt};

pub(crate) const HELP: &str = "\
Who waits sleeps: shows that a blocked end of a ringway channel uses no processor, and is woken by a message.

Usage: cargo run --release --example park -- recv [OPTIONS]
       cargo run --release --example park -- send [OPTIONS]
       cargo run --release --example park -- idle [OPTIONS]

recv sleeps on a channel. When a message comes, and once per second, it prints a line: how long it has waited, what it
  has used of the processor until now, and what came.
send sends a message per second, or a line per message with --lines. Start it in another terminal, before or after.
  --name NAME     of the channel [park]
  --messages N    ends after so many [never]
  --lines         send: what is typed, a line per message, until the end of the input

idle starts a receiver of an empty channel, a sender to a full one and a reader of a cell, lets them sleep, and prints
  what each has used of the processor and how often it has gone to sleep. Each wakes once per liveness interval, ten
  times a second, to ask who lives.
  --seconds N     how long they sleep [10]

  -h, --help      this text

Exit status: 0 if all went well, 1 if not, 2 for wrong arguments.
";

/// What is to be done.
pub(crate) enum Command {
    Help,
    Recv(Talk),
    Send(Talk),
    Idle(Duration),
    Sleep(Task),
}

/// Between two terminals.
pub(crate) struct Talk {
    pub(crate) name: String,
    pub(crate) messages: u64,
    pub(crate) lines: bool,
}

/// What one process of `idle` has to know.
pub(crate) struct Task {
    pub(crate) role: Role,
    /// What the names of the run begin with.
    pub(crate) run: String,
    pub(crate) length: Duration,
}

/// Who sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Receiver,
    Sender,
    Reader,
}

impl Role {
    pub(crate) const ALL: [Role; 3] = [Role::Receiver, Role::Sender, Role::Reader];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Role::Receiver => "receiver",
            Role::Sender => "sender",
            Role::Reader => "reader",
        }
    }
}

/// A day.
const LONGEST: u64 = 24 * 3600;

/// Reads the arguments, the program's name left out.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let (mut verb, mut name, mut messages, mut lines, mut seconds) = (None, None, None, false, None);
    let (mut role, mut run) = (None, None);
    let mut parser = Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            Arg::Value(value) if verb.is_none() => verb = Some(value.string()?),
            Arg::Long("name") => name = Some(parser.value()?.string()?),
            Arg::Long("messages") => messages = Some(number(&mut parser, "--messages", u64::MAX)?),
            Arg::Long("lines") => lines = true,
            Arg::Long("seconds") => seconds = Some(number(&mut parser, "--seconds", LONGEST)?),
            // Between the supervisor and its sleepers only.
            Arg::Long("role") => role = Some(parser.value()?.string()?),
            Arg::Long("run") => run = Some(parser.value()?.string()?),
            _ => return Err(argument.unexpected()),
        }
    }
    let verb = verb.ok_or("nothing to do, expected recv, send or idle")?;
    let strange = |option: &str| Err(format!("{option} is not for {verb}").into());
    let is_idle = verb == "idle";
    if is_idle && (name.is_some() || messages.is_some()) {
        return strange(if name.is_some() { "--name" } else { "--messages" });
    }
    if lines && verb != "send" {
        return strange("--lines");
    }
    if seconds.is_some() && !is_idle {
        return strange("--seconds");
    }
    let length = Duration::from_secs(seconds.unwrap_or(10));
    if let (Some(role), Some(run)) = (role, run) {
        let role = Role::ALL.into_iter().find(|known| known.name() == role);
        return Ok(Command::Sleep(Task { role: role.ok_or("there is no such role")?, run, length }));
    }
    let name = name.unwrap_or_else(|| "park".to_owned());
    let talk = Talk { name, messages: messages.unwrap_or(u64::MAX), lines };
    match &verb[..] {
        "recv" => Ok(Command::Recv(talk)),
        "send" => Ok(Command::Send(talk)),
        "idle" => Ok(Command::Idle(length)),
        _ => Err(format!("found `{verb}`, expected recv, send or idle").into()),
    }
}

fn number(parser: &mut Parser, option: &str, most: u64) -> Result<u64, lexopt::Error> {
    let text = parser.value()?.string()?;
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(format!("{option} is `{text}`, expected a whole number from 1 to {most}").into()),
    }
}
