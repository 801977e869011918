//! What can be asked for.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use ringway::map::Namespace;

use crate::bench::Cores;
use crate::output::Outcome;

const EXIT_STATUS: &str = "Exit status: 0, done; 1, something is damaged, was not sent, received or removed; \
    2, wrong arguments; 3, there is no such channel, or it cannot be used; 4, what was found cannot be written.";

/// Looks into the channels of this machine.
///
/// Who looks, or taps, only reads, and takes no part in a channel: nobody who uses it notices. `send` and `recv` take part like anybody
/// else, and `sweep` removes what no process has any more.
#[derive(Debug, Parser)]
#[command(name = "ringway", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = EXIT_STATUS)]
pub(crate) struct Args {
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Writes JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Where the names are: `user`, `system`, or a directory with a `/` in it
    ///
    /// Without it `list` and `sweep` take the user's and the system's, and the others look for the name in the user's,
    /// and then in the system's.
    #[arg(long, global = true, value_name = "PLACE", value_parser = namespace)]
    pub(crate) namespace: Option<Namespace>,
}

/// One for each question.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lists every channel: kind, type, how full, who is there
    #[command(after_help = "Example: ringway list --json | jq '.[] | select(.state == \"leftover\").name'")]
    List,
    /// Shows one channel: its type as Rust, its options, every participant and what it has claimed
    #[command(after_help = "Example: ringway show trades")]
    Show {
        /// The channel
        name: String,
    },
    /// Says whether channels are whole
    #[command(after_help = "Example: ringway check trades quotes || echo damaged")]
    Check {
        /// The channels
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Shows every channel as it changes: how full, how fast, who is there, stalled or dead
    ///
    /// Each row has a bar and a line of how full the channel is, and a line of how fast. In front of it stands `†` where
    /// somebody was killed whose place nobody has taken, `!` where a sender that lives keeps the others waiting, `x` if it is
    /// left over, `?` if it is damaged. Keys are at the bottom of the screen.
    #[command(after_help = "Example: ringway top --interval 0.5")]
    Top {
        /// How long from one look to the next
        #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "1")]
        interval: Duration,
        /// How many looks; without it, until it is told to end
        #[arg(long, value_name = "LOOKS")]
        count: Option<u64>,
    },
    /// Writes the state and the counters of channels in the text format of Prometheus
    ///
    /// Once, to the output, or into a file for the textfile collector of its node_exporter; or, with `--listen`, to whoever
    /// asks for `/metrics` by HTTP, until it is told to end.
    #[command(after_help = "Example: ringway metrics --output /var/lib/node_exporter/ringway.prom")]
    Metrics {
        /// The channels; without them, all
        names: Vec<String>,
        /// Puts it into a file: whoever reads that has all of it, or what was there before
        #[arg(long, value_name = "FILE", conflicts_with = "listen")]
        output: Option<PathBuf>,
        /// Answers HTTP clients there, such as 127.0.0.1:9464; whoever can reach that address can read it
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
    },
    /// Sends messages: a line of JSON each, from the input
    ///
    /// Each line is checked against the type of the channel before it is sent; what came before a wrong line is sent. It is
    /// a sender like any other: of a channel with one sender it takes that place, if it is free.
    #[command(after_help = "Example: echo '{\"price\":101.5,\"size\":10}' | ringway send trades")]
    Send {
        /// The channel, which exists
        name: String,
        /// How long to wait for room, for each message; without it, for as long as there is a receiver or none has come yet
        #[arg(long, value_name = "SECONDS", value_parser = seconds)]
        timeout: Option<Duration>,
    },
    /// Receives messages, and writes a line for each
    ///
    /// It takes them: no other receiver gets them. It is a receiver like any other: of a channel with one receiver it takes
    /// that place, if it is free. It ends when every sender is gone, and when it is interrupted.
    #[command(after_help = "Example: ringway recv trades --count 10 --format csv > trades.csv")]
    Recv {
        /// The channel, which exists
        name: String,
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Shows messages as they pass, and takes none
    ///
    /// It takes no part and nobody notices it. So it may miss some, and says how many. Of a cell or a table it shows the values as
    /// they change. It ends when every sender is gone, of a table when no process has it, and when it is interrupted. Without
    /// `--positions` `ringway send` reads what it writes as JSON.
    #[command(after_help = "Example: ringway tap trades --json --count 100 | jq .price")]
    Tap {
        /// The channel, cell or table, which exists
        name: String,
        #[command(flatten)]
        wanted: Wanted,
        /// Writes the position of each message with it, and where some were missed
        #[arg(long)]
        positions: bool,
        /// Begins with what is there still, received or not; of cells with their values
        #[arg(long)]
        from_oldest: bool,
        /// How many to show in a second, so that the channel is not slowed down: what passes beyond that is missed; `all` is no
        /// limit
        #[arg(long, value_name = "MESSAGES", value_parser = rate, default_value = "5000")]
        rate: u64,
    },
    /// Measures what channels cost on this machine, beside the least that they could cost
    ///
    /// Two processes, each on a core, send messages there and back, and one way, and next to each channel bare memory, or a bare
    /// futex, so that the ratio says what the channel adds, and the rest is the machine. Every message is checked. Meanwhile there are
    /// some channels more, whose names begin with `ringway-bench`.
    #[command(
        after_help = "Example: ringway bench --cores 2,3 --json | jq '.contests[].channels[] | {name, bytes, median}'"
    )]
    Bench {
        /// How long it takes
        #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
        seconds: Duration,
        /// The cores of the two processes, by number; without it, two that are near each other, and no halves of one if there are
        /// others
        #[arg(long, value_name = "A,B")]
        cores: Option<Cores>,
    },
    /// Removes what killed processes have left, and says what and why
    #[command(after_help = "Example: ringway sweep --dry-run")]
    Sweep {
        /// Says what it would remove, and removes nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Writes what makes a shell complete commands and options
    #[command(
        after_help = "Example: ringway completions bash > ~/.local/share/bash-completion/completions/ringway"
    )]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Writes manual pages into a directory
    #[command(after_help = "Example: ringway man ~/.local/share/man/man1")]
    Man {
        /// The directory
        dir: PathBuf,
    },
}

/// Which messages to take or to show, and how.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Wanted {
    /// How many
    #[arg(long, value_name = "MESSAGES")]
    pub(crate) count: Option<u64>,
    /// How long to wait for each message; without it, for as long as there is a sender or none has come yet
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
    /// How to write them; `--json` is short for `--format json`
    #[arg(long, value_enum, default_value_t = Format::Text, conflicts_with = "json")]
    pub(crate) format: Format,
}

impl Wanted {
    /// Whether so many are enough.
    pub(crate) fn is_enough(&self, messages: u64) -> bool {
        self.count.is_some_and(|count| messages >= count)
    }

    /// What it is to end as, after so many.
    pub(crate) fn outcome(&self, messages: u64) -> Outcome {
        if self.count.is_none_or(|count| messages == count) { Outcome::Fine } else { Outcome::Bad }
    }
}

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// As Rust would
    Text,
    /// A line of JSON, as `send` reads it
    Json,
    /// Comma-separated values, with a header
    Csv,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().map_err(|error| error.to_string())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// 0 is no limit, and has another name: who asks for none in a second does not ask for all.
fn rate(text: &str) -> Result<u64, String> {
    match text {
        "all" => Ok(0),
        _ => match text.parse::<u64>() {
            Ok(0) => Err("it would show nothing; `all` is no limit".to_owned()),
            Ok(rate) => Ok(rate),
            Err(error) => Err(format!("{error}; or `all`")),
        },
    }
}

fn namespace(text: &str) -> Result<Namespace, String> {
    match text {
        "user" => Ok(Namespace::User),
        "system" => Ok(Namespace::System),
        directory if directory.contains('/') => Ok(Namespace::Dir(PathBuf::from(directory))),
        _ => Err("expected `user`, `system`, or a directory with a `/` in it, such as ./maps".to_owned()),
    }
}

/// Says that arguments do not go together, and ends.
pub(crate) fn conflict(why: &str) -> ! {
    Args::command().error(ErrorKind::ArgumentConflict, why).exit()
}

/// Says that an argument cannot be, and ends.
pub(crate) fn refuse(why: &str) -> ! {
    Args::command().error(ErrorKind::ValueValidation, why).exit()
}

impl Args {
    /// Whether all that it does is to write something.
    pub(crate) fn only_shows(&self) -> bool {
        !matches!(self.command, Command::Recv { .. } | Command::Check { .. })
    }

    /// The places to look at, in order.
    pub(crate) fn namespaces(&self) -> Vec<Namespace> {
        match &self.namespace {
            Some(namespace) => vec![namespace.clone()],
            None => vec![Namespace::User, Namespace::System],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Args::command().debug_assert();
    }
}
