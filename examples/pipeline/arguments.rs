//! What the user may say, and what the supervisor says to the processes that it starts.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt};

use crate::detector::recording;

pub(crate) const HELP: &str = "\
Streams a real ECG through ringway channels between real processes, and checks every heartbeat.

    feed --(records)--> parse --(work)--> workers --(results)--> sink --(reports)--> supervisor

The supervisor starts them all. Again and again it kills one of the workers with SIGKILL, at random, and starts
another: the block that it was filtering goes to a living one. Half-way it kills the feed, whose successor resumes
where the last published record ended. Nothing may be lost, and the result must be that of one thread without
channels. (Parse and sink hold a part of the stream that is nowhere else: if one of them dies, the run has failed.)

Usage: cargo run --release --example pipeline -- [OPTIONS]

  --repeat N      passes over the recording of 108000 records [600; 1 with --rate]
  --rate HZ       records a second [as fast as they go]
  --paced N       records of the second, slower run that shows the latency without a queue; 0: none
                  [20000 at 40000 a second; none with --rate]
  --capacity N    records that the channel holds [4096]
  --data FILE     the recording, if it is not where it was when this was built
  --workers N     processes that filter blocks, 1 to 32 [4]
  --kill-every MS milliseconds from one kill of a worker to the next, 10 to 60000 [100]
  --no-kill       let all of them live
  --plot DIR      draw latency.svg, how many messages took how long, and throughput.svg, how many there were a second and
                  who was killed when; DIR is made if it is not there
  --watch[=PID]   in another terminal, before or meanwhile: shows how the pipeline goes on, without any effect on it,
                  until it ends; if there are several, the one whose first process is PID. Goes with no other option
  -h, --help      this text

Exit status: 0 if everything arrived and the result matches the reference, 1 if not, 2 for wrong arguments,
128 + N after signal N (Ctrl-C, SIGTERM, SIGHUP), which leaves no process and no shared memory behind. With --watch it
is 0 if the pipeline ended well or the watching was ended, 1 if the pipeline failed or is gone.
";

/// What is to be done.
pub(crate) enum Command {
    Help,
    /// The pipeline that this process supervises, or the one that runs.
    Watch(Option<u32>),
    Supervise(Settings),
    Work(Role, Task),
}

/// What the user asked for.
pub(crate) struct Settings {
    pub(crate) repeat: u64,
    pub(crate) rate: Option<u64>,
    pub(crate) paced: u64,
    pub(crate) capacity: usize,
    pub(crate) data: PathBuf,
    pub(crate) workers: usize,
    /// From one kill of a worker to the next; none: nobody is killed, the feed neither.
    pub(crate) kill_every: Option<Duration>,
    /// The directory for the pictures.
    pub(crate) plot: Option<PathBuf>,
}

/// What a process of this program is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Feed,
    Parse,
    /// In the slot of that number.
    Worker(usize),
    Sink,
}

impl Role {
    fn named(name: &str, slot: Option<usize>) -> Result<Self, lexopt::Error> {
        match name {
            "feed" => Ok(Self::Feed),
            "parse" => Ok(Self::Parse),
            "worker" => slot.map(Self::Worker).ok_or_else(|| "--role worker needs --slot".into()),
            "sink" => Ok(Self::Sink),
            _ => Err(format!("there is no role `{name}`").into()),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Parse => "parse",
            Self::Worker(_) => "worker",
            Self::Sink => "sink",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a process in a role has to know.
#[derive(Clone)]
pub(crate) struct Task {
    /// Begins the names of the channels.
    pub(crate) run: String,
    /// The supervisor's process.
    pub(crate) parent: u32,
    /// Samples to send.
    pub(crate) records: u64,
    /// Samples a second; none: as fast as they go.
    pub(crate) rate: Option<u64>,
    /// Of the channel of records.
    pub(crate) capacity: usize,
    /// The recording.
    pub(crate) data: PathBuf,
}

const DEFAULT_REPEAT: u64 = 600;
const DEFAULT_PACED: u64 = 20_000;
const DEFAULT_CAPACITY: usize = 4_096;
const HIGHEST_RATE: u64 = 1_000_000;
const DEFAULT_WORKERS: usize = 4;
const MOST_WORKERS: u64 = 32;
const MOST_PID: u32 = i32::MAX as u32;
const DEFAULT_KILL_EVERY: u64 = 100;

impl Task {
    /// The channel from the feed to the parser.
    pub(crate) fn records_channel(&self) -> String {
        format!("{}-records", self.run)
    }

    /// The channel from the parser to the workers.
    pub(crate) fn work_channel(&self) -> String {
        format!("{}-work", self.run)
    }

    /// The channel from the workers to the sink.
    pub(crate) fn results_channel(&self) -> String {
        format!("{}-results", self.run)
    }

    /// The channel from the parser to the supervisor.
    pub(crate) fn intake_channel(&self) -> String {
        format!("{}-intake", self.run)
    }

    /// The channel from the sink to the supervisor.
    pub(crate) fn reports_channel(&self) -> String {
        format!("{}-reports", self.run)
    }

    /// The arguments that [`parse`] makes this task of.
    pub(crate) fn arguments(&self, role: Role) -> Vec<OsString> {
        let rate = self.rate.map(|rate| ["--rate".into(), rate.to_string().into()]);
        let slot = match role {
            Role::Worker(slot) => Some(["--slot".into(), slot.to_string().into()]),
            _ => None,
        };
        let others: [OsString; 12] = [
            "--role".into(),
            role.name().into(),
            "--run".into(),
            self.run.clone().into(),
            "--parent".into(),
            self.parent.to_string().into(),
            "--records".into(),
            self.records.to_string().into(),
            "--capacity".into(),
            self.capacity.to_string().into(),
            "--data".into(),
            self.data.clone().into(),
        ];
        others.into_iter().chain(rate.into_iter().chain(slot).flatten()).collect()
    }
}

/// Reads the arguments, the program's name left out.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let (mut repeat, mut rate, mut paced, mut capacity) = (None, None, None, DEFAULT_CAPACITY);
    let (mut workers, mut kill, mut kill_every) = (DEFAULT_WORKERS, true, DEFAULT_KILL_EVERY);
    let mut data = PathBuf::from(recording::PATH);
    let (mut role, mut run, mut parent, mut records) = (None, None, None, None);
    let (mut slot, mut watch, mut other, mut plot) = (None, None, None, None);
    let mut parser = Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        if let Arg::Long(name) = argument {
            if name != "watch" {
                other.get_or_insert(format!("--{name}"));
            }
        }
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            Arg::Long("repeat") => repeat = Some(number(&mut parser, "--repeat", 1, LONGEST_REPEAT)?),
            Arg::Long("rate") => rate = Some(number(&mut parser, "--rate", 1, HIGHEST_RATE)?),
            Arg::Long("paced") => paced = Some(number(&mut parser, "--paced", 0, LONGEST_PACED)?),
            Arg::Long("capacity") => capacity = number(&mut parser, "--capacity", 1, 1 << 31)? as usize,
            Arg::Long("data") => data = parser.value()?.into(),
            Arg::Long("workers") => workers = number(&mut parser, "--workers", 1, MOST_WORKERS)? as usize,
            Arg::Long("kill-every") => kill_every = number(&mut parser, "--kill-every", 10, 60_000)?,
            Arg::Long("no-kill") => kill = false,
            Arg::Long("plot") => plot = Some(PathBuf::from(parser.value()?)),
            Arg::Long("watch") => watch = Some(parser.optional_value().map(process).transpose()?),
            Arg::Value(value) if watch == Some(None) => watch = Some(Some(process(value)?)),
            // Between the supervisor and the others only.
            Arg::Long("role") => role = Some(parser.value()?.string()?),
            Arg::Long("run") => run = Some(parser.value()?.string()?),
            Arg::Long("parent") => parent = Some(parser.value()?.parse()?),
            Arg::Long("slot") => slot = Some(parser.value()?.parse()?),
            Arg::Long("records") => records = Some(parser.value()?.parse()?),
            _ => return Err(argument.unexpected()),
        }
    }
    if let Some(pipeline) = watch {
        return match other {
            Some(other) => Err(format!("{other} does not go with --watch, which only looks on").into()),
            None => Ok(Command::Watch(pipeline)),
        };
    }
    let Some(role) = role else {
        if run.is_some() || parent.is_some() || records.is_some() || slot.is_some() {
            return Err("--run, --parent, --records and --slot go with --role".into());
        }
        let repeat = repeat.unwrap_or(if rate.is_some() { 1 } else { DEFAULT_REPEAT });
        let paced = paced.unwrap_or(if rate.is_some() { 0 } else { DEFAULT_PACED });
        let kill_every = kill.then(|| Duration::from_millis(kill_every));
        return Ok(Command::Supervise(Settings {
            repeat,
            rate,
            paced,
            capacity,
            data,
            workers,
            kill_every,
            plot,
        }));
    };
    let (Some(run), Some(parent), Some(records)) = (run, parent, records) else {
        return Err("--role needs --run, --parent and --records".into());
    };
    let task = Task { run, parent, records, rate, capacity, data };
    Ok(Command::Work(Role::named(&role, slot)?, task))
}

fn process(text: OsString) -> Result<u32, lexopt::Error> {
    let text = text.string()?;
    match text.parse() {
        Ok(pid @ 1..=MOST_PID) => Ok(pid),
        _ => Err(format!("--watch is `{text}`, expected the process number of a pipeline").into()),
    }
}

/// So that the numbers of the records are numbers.
const LONGEST_REPEAT: u64 = 100_000_000;
const LONGEST_PACED: u64 = 1_000_000_000;

fn number(parser: &mut Parser, option: &str, least: u64, most: u64) -> Result<u64, lexopt::Error> {
    let text = parser.value()?.string()?;
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("{option} is `{text}`, expected a whole number from {least} to {most}").into()),
    }
}
