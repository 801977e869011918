//! What the user may say, and what the supervisor says to its workers.

use std::ffi::OsString;
use std::fmt;
use std::time::{Duration, SystemTime};

use lexopt::{Arg, Parser, ValueExt};

pub(crate) const HELP: &str = "\
A storm on one ringway channel: senders and receivers, each a process, are killed with SIGKILL at random moments and
replaced at once. At the end every message is accounted for.

Usage: cargo run --release --example storm -- [OPTIONS]

  --seconds N     how long it lasts [20]
  --kind KIND     mpsc, spmc or mpmc [mpmc]; where there may be one only, its successor takes over
  --senders N     processes that send [4; 1 with spmc]
  --receivers N   processes that receive [4; 1 with mpsc]
  --kill-every MS somewhere in every span of so many milliseconds some are killed [50]
  --kills N       how many at once; 0: none [2]
  --capacity N    messages that the channel holds [1024]
  --no-batches    no receiver takes batches, and none is stopped before it is killed [every second one]
  --seed N        of the random numbers, which do not decide how the processes interleave [from the clock]
  -h, --help      this text

The account is exact: a message must be received, and it may be received again only if the receiver that had it was
killed before it gave it back. Receivers say what they have before they give it back. Of a batch they cannot: a
receiver that takes batches is stopped, what it has copied is read in its memory, and then it is killed where it
stands. What it had copied and given back and not said has `vanished`: it counts as received, and may be no more than
the first so many of one batch. That is the one thing that is bounded: a message that had been copied and not been
given back may have been lost there. With --no-batches nothing may vanish.

The line before the last says how many vanished, and the last line is
storm: N published, N received, R redelivered, K killed, 0 lost, 0 duplicated, 0 hung

Exit status: 0 if nothing was lost or duplicated and nobody hung, 1 if not, 2 for wrong arguments, 128 + N after
signal N (Ctrl-C, SIGTERM, SIGHUP), which ends the storm early, with its report; a second one leaves that out.
";

/// What is to be done.
pub(crate) enum Command {
    Help,
    Supervise(Settings),
    Work(Task),
}

/// What the user asked for.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) length: Duration,
    pub(crate) kind: Kind,
    pub(crate) senders: usize,
    pub(crate) receivers: usize,
    pub(crate) kill_every: Duration,
    pub(crate) kills: usize,
    pub(crate) capacity: usize,
    /// Whether every second receiver takes batches.
    pub(crate) batches: bool,
    pub(crate) seed: u64,
}

/// A kind of channel with a shared side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Mpsc,
    Spmc,
    Mpmc,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Mpsc, Kind::Spmc, Kind::Mpmc];

    fn named(name: &str) -> Result<Kind, String> {
        let found = Kind::ALL.into_iter().find(|kind| kind.to_string() == name);
        found.ok_or_else(|| format!("--kind is `{name}`, expected mpsc, spmc or mpmc"))
    }

    pub(crate) fn shared_senders(self) -> bool {
        self != Kind::Spmc
    }

    pub(crate) fn shared_receivers(self) -> bool {
        self != Kind::Mpsc
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Mpsc => "mpsc",
            Kind::Spmc => "spmc",
            Kind::Mpmc => "mpmc",
        })
    }
}

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Sender,
    Receiver,
    Observer,
}

impl Role {
    const ALL: [Role; 3] = [Role::Sender, Role::Receiver, Role::Observer];
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Sender => "sender",
            Role::Receiver => "receiver",
            Role::Observer => "observer",
        })
    }
}

/// What a worker has to know.
#[derive(Clone)]
pub(crate) struct Task {
    pub(crate) role: Role,
    /// The channel's name.
    pub(crate) run: String,
    /// The supervisor's process.
    pub(crate) parent: u32,
    /// No other worker of the storm has the same.
    pub(crate) number: u32,
    pub(crate) kind: Kind,
    pub(crate) capacity: usize,
    /// Of a receiver: whether it takes batches.
    pub(crate) batches: bool,
}

impl Task {
    /// The arguments that [`parse`] makes this task of.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let pairs = [
            ("--role", self.role.to_string()),
            ("--run", self.run.clone()),
            ("--parent", self.parent.to_string()),
            ("--number", self.number.to_string()),
            ("--kind", self.kind.to_string()),
            ("--capacity", self.capacity.to_string()),
        ];
        let pairs = pairs.into_iter().flat_map(|(option, value)| [option.into(), value.into()]);
        pairs.chain((!self.batches).then(|| "--no-batches".into())).collect()
    }
}

/// Reads the arguments, the program's name left out.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let (mut seconds, mut kind, mut capacity) = (20, Kind::Mpmc, 1024);
    let (mut senders, mut receivers, mut kill_every, mut kills) = (None, None, 50, None);
    let (mut seed, mut batches) = (None, true);
    let (mut role, mut run, mut parent, mut worker) = (None, None, None, None);
    let mut parser = Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            Arg::Long("seconds") => seconds = number(&mut parser, "--seconds", 1, LONGEST)?,
            Arg::Long("kind") => kind = Kind::named(&parser.value()?.string()?)?,
            Arg::Long("senders") => senders = Some(number(&mut parser, "--senders", 1, MOST)? as usize),
            Arg::Long("receivers") => receivers = Some(number(&mut parser, "--receivers", 1, MOST)? as usize),
            Arg::Long("kill-every") => kill_every = number(&mut parser, "--kill-every", 1, 1_000_000)?,
            Arg::Long("kills") => kills = Some(number(&mut parser, "--kills", 0, 2 * MOST)? as usize),
            Arg::Long("capacity") => capacity = number(&mut parser, "--capacity", 1, 1 << 24)? as usize,
            Arg::Long("seed") => seed = Some(number(&mut parser, "--seed", 0, u64::MAX)?),
            Arg::Long("no-batches") => batches = false,
            // Between the supervisor and its workers only.
            Arg::Long("role") => role = Some(parser.value()?.string()?),
            Arg::Long("run") => run = Some(parser.value()?.string()?),
            Arg::Long("parent") => parent = Some(parser.value()?.parse()?),
            Arg::Long("number") => worker = Some(parser.value()?.parse()?),
            _ => return Err(argument.unexpected()),
        }
    }
    if let Some(role) = role {
        let (Some(run), Some(parent), Some(number)) = (run, parent, worker) else {
            return Err("--role needs --run, --parent and --number".into());
        };
        let Some(role) = Role::ALL.into_iter().find(|known| known.to_string() == role) else {
            return Err(format!("there is no role `{role}`").into());
        };
        return Ok(Command::Work(Task { role, run, parent, number, kind, capacity, batches }));
    }
    if run.is_some() || parent.is_some() || worker.is_some() {
        return Err("--run, --parent and --number are for workers, and need --role".into());
    }
    let side = |option, asked: Option<usize>, shared| match (asked, shared) {
        (Some(2..), false) => Err(format!("{option} is more than 1, but {kind} has one at a time")),
        (asked, shared) => Ok(asked.unwrap_or(if shared { 4 } else { 1 })),
    };
    let senders = side("--senders", senders, kind.shared_senders())?;
    let receivers = side("--receivers", receivers, kind.shared_receivers())?;
    let workers = senders + receivers;
    let kills = match kills {
        Some(kills) if kills > workers => {
            return Err(
                format!("--kills is {kills}, expected at most {workers}, as many as there are").into()
            );
        }
        kills => kills.unwrap_or(2),
    };
    let kill_every = Duration::from_millis(kill_every);
    let length = Duration::from_secs(seconds);
    let seed = seed.unwrap_or_else(seed_of_the_clock);
    Ok(Command::Supervise(Settings {
        length,
        kind,
        senders,
        receivers,
        kill_every,
        kills,
        capacity,
        batches,
        seed,
    }))
}

fn seed_of_the_clock() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // Not longer than one likes to type again.
    now.subsec_nanos().into()
}

/// Processes on a side: the records that a side has by default, less some for those who come to look.
const MOST: u64 = 24;
/// About a month.
const LONGEST: u64 = 30 * 24 * 3600;

fn number(parser: &mut Parser, option: &str, least: u64, most: u64) -> Result<u64, lexopt::Error> {
    let text = parser.value()?.string()?;
    match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("{option} is `{text}`, expected a whole number from {least} to {most}").into()),
    }
}
