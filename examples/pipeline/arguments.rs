//! What the user may say, and what the supervisor says to its workers.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};

use crate::detector::recording;

pub(crate) const HELP: &str = "\
Streams a real ECG through ringway channels between real processes, and checks every heartbeat.

    feed --(records)--> analysis --(reports)--> supervisor

The supervisor starts both, kills the feed with SIGKILL half-way and starts another, which resumes where the
last published record ended. Nothing may be lost, and the result must be that of one thread without channels.

Usage: cargo run --release --example pipeline -- [OPTIONS]

  --repeat N      passes over the recording of 108000 records [300; 1 with --rate]
  --rate HZ       records a second [as fast as they go]
  --paced N       records of the second, slower run that shows the latency without a queue; 0: none
                  [20000 at 40000 a second; none with --rate]
  --capacity N    records that the channel holds [4096]
  --data FILE     the recording, if it is not where it was when this was built
  --no-kill       let the feed live
  -h, --help      this text

Exit status: 0 if everything arrived and the result matches the reference, 1 if not, 2 for wrong arguments,
128 + N after signal N (Ctrl-C, SIGTERM, SIGHUP), which leaves no process and no shared memory behind.
";

/// What is to be done.
pub(crate) enum Command {
    Help,
    Supervise(Settings),
    Feed(Task),
    Analyse(Task),
}

/// What the user asked for.
pub(crate) struct Settings {
    pub(crate) repeat: u64,
    pub(crate) rate: Option<u64>,
    pub(crate) paced: u64,
    pub(crate) capacity: usize,
    pub(crate) data: PathBuf,
    pub(crate) kill: bool,
}

/// What a worker has to do.
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

const DEFAULT_REPEAT: u64 = 300;
const DEFAULT_PACED: u64 = 20_000;
const DEFAULT_CAPACITY: usize = 4_096;
const HIGHEST_RATE: u64 = 1_000_000;

impl Task {
    /// The channel from the feed to the analysis.
    pub(crate) fn records_channel(&self) -> String {
        format!("{}-records", self.run)
    }

    /// The channel from the analysis to the supervisor.
    pub(crate) fn reports_channel(&self) -> String {
        format!("{}-reports", self.run)
    }

    /// The arguments that [`parse`] makes this task of.
    pub(crate) fn arguments(&self, role: &str) -> Vec<OsString> {
        let rate = self.rate.map(|rate| ["--rate".into(), rate.to_string().into()]);
        let others: [OsString; 12] = [
            "--role".into(),
            role.into(),
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
        others.into_iter().chain(rate.into_iter().flatten()).collect()
    }
}

/// Reads the arguments, the program's name left out.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let (mut repeat, mut rate, mut paced, mut capacity, mut kill) =
        (None, None, None, DEFAULT_CAPACITY, true);
    let mut data = PathBuf::from(recording::PATH);
    let (mut role, mut run, mut parent, mut records) = (None, None, None, None);
    let mut parser = Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            Arg::Long("repeat") => repeat = Some(number(&mut parser, "--repeat", 1, LONGEST_REPEAT)?),
            Arg::Long("rate") => rate = Some(number(&mut parser, "--rate", 1, HIGHEST_RATE)?),
            Arg::Long("paced") => paced = Some(number(&mut parser, "--paced", 0, LONGEST_PACED)?),
            Arg::Long("capacity") => capacity = number(&mut parser, "--capacity", 1, 1 << 31)? as usize,
            Arg::Long("data") => data = parser.value()?.into(),
            Arg::Long("no-kill") => kill = false,
            // Between the supervisor and its workers only.
            Arg::Long("role") => role = Some(parser.value()?.string()?),
            Arg::Long("run") => run = Some(parser.value()?.string()?),
            Arg::Long("parent") => parent = Some(parser.value()?.parse()?),
            Arg::Long("records") => records = Some(parser.value()?.parse()?),
            _ => return Err(argument.unexpected()),
        }
    }
    let Some(role) = role else {
        if run.is_some() || parent.is_some() || records.is_some() {
            return Err("--run, --parent and --records are for workers, and need --role".into());
        }
        let repeat = repeat.unwrap_or(if rate.is_some() { 1 } else { DEFAULT_REPEAT });
        let paced = paced.unwrap_or(if rate.is_some() { 0 } else { DEFAULT_PACED });
        return Ok(Command::Supervise(Settings { repeat, rate, paced, capacity, data, kill }));
    };
    let (Some(run), Some(parent), Some(records)) = (run, parent, records) else {
        return Err("--role needs --run, --parent and --records".into());
    };
    let task = Task { run, parent, records, rate, capacity, data };
    match role.as_str() {
        FEED => Ok(Command::Feed(task)),
        ANALYSIS => Ok(Command::Analyse(task)),
        _ => Err(format!("there is no role `{role}`").into()),
    }
}

pub(crate) const FEED: &str = "feed";
pub(crate) const ANALYSIS: &str = "analysis";

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
