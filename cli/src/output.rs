//! What every command has in common: how it ends, and how things are written for people.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use ringway::Departure;
use ringway::channel::{Peer, untyped};
use ringway::inspect::{Observer, Participant};
use ringway::map::{ErrorKind, Namespace};
use serde::Serialize;

use crate::value::{is_visible, json_escape, visible};

/// How a command ended that did what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is well.
    Fine,
    /// Something is damaged, or was left: what and why has been said.
    Bad,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Fine => ExitCode::SUCCESS,
            Outcome::Bad => ExitCode::from(1),
        }
    }
}

/// Why a command could not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The channel cannot be looked into.
    Channel(ringway::Error),
    /// A namespace cannot be read.
    Namespace(ringway::map::Error),
    /// Not all was done: why.
    Message(String),
    /// Nothing can be read.
    Input(io::Error),
    /// Nothing can be written.
    Output(io::Error),
}

/// Says it to whoever started the tool, if anybody listens.
pub(crate) fn tell(what: &impl fmt::Display) {
    let _ = writeln!(io::stderr(), "ringway: {what}");
}

impl From<Failure> for ExitCode {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Channel(_) | Failure::Namespace(_) => ExitCode::from(3),
            Failure::Message(_) => ExitCode::from(1),
            Failure::Input(_) | Failure::Output(_) => ExitCode::from(4),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Channel(error) => write!(f, "{error}"),
            Failure::Namespace(error) => write!(f, "{error}"),
            Failure::Message(what) => f.write_str(what),
            Failure::Input(error) => write!(f, "the input cannot be read: {error}"),
            Failure::Output(error) => write!(f, "the output cannot be written: {error}"),
        }
    }
}

/// Looks into the channel of that name.
pub(crate) fn observe(namespaces: &[Namespace], name: &str) -> Result<Observer, Failure> {
    find(namespaces, |namespace| Observer::open_in(namespace, name))
}

/// Opens the channel of that name, to take part in it.
pub(crate) fn open(namespaces: &[Namespace], name: &str) -> Result<untyped::Channel, Failure> {
    find(namespaces, |namespace| untyped::Channel::open_in(namespace, name))
}

/// In the first of the namespaces that has it.
fn find<T>(
    namespaces: &[Namespace],
    open: impl Fn(&Namespace) -> Result<T, ringway::Error>,
) -> Result<T, Failure> {
    let mut missing = None;
    for namespace in namespaces {
        match open(namespace) {
            Err(ringway::Error::Map(error)) if matches!(error.kind(), ErrorKind::NotFound) => {
                // The first one says where it was expected.
                missing.get_or_insert(ringway::Error::Map(error));
            }
            opened => return opened.map_err(Failure::Channel),
        }
    }
    Err(Failure::Channel(missing.expect("there is a namespace")))
}

/// How many of a side are there.
pub(crate) fn alive(side: &[Participant]) -> usize {
    side.iter().filter(|one| matches!(one.peer, Peer::Attached { .. })).count()
}

/// How many of a side were killed, and have no successor yet.
pub(crate) fn dead(side: &[Participant]) -> usize {
    let is_dead = |one: &&Participant| matches!(one.peer, Peer::Gone { departure: Departure::Died, .. });
    side.iter().filter(is_dead).count()
}

/// Writes one value as JSON, for programs.
pub(crate) fn write_json(out: &mut impl Write, value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    Ok(writeln!(out, "{}", escaped(&text))?)
}

/// JSON in which nothing controls a terminal: what JSON lets stand, and is not visible, can only be within a string.
pub(crate) fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for char in json.chars() {
        if char == '\n' || is_visible(char) {
            text.push(char);
        } else {
            text.push_str(&json_escape(char));
        }
    }
    text
}

/// A name or a path as it is shown: what would control the terminal is escaped, and what is very long cut.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 120;
    let start: String = text.chars().take(LONGEST).collect();
    visible(&start) + if start.len() < text.len() { "…" } else { "" }
}

/// How long ago that was, to two digits or so.
pub(crate) fn age(at: SystemTime) -> String {
    span(at.elapsed().unwrap_or_default())
}

fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        seconds @ 7200..=172_799 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// Bytes, with a unit that leaves few digits.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let (mut size, mut unit) = (bytes as f64 / 1024.0, 0);
    while size >= 1023.95 && unit + 1 < UNITS.len() {
        (size, unit) = (size / 1024.0, unit + 1);
    }
    format!("{size:.1} {}", UNITS[unit])
}

/// A number in groups of three digits; from ten million on with a unit, so that it has at most nine characters.
pub(crate) fn grouped(number: u64) -> String {
    const UNITS: [&str; 5] = ["M", "G", "T", "P", "E"];
    if number < 10_000_000 {
        let digits = number.to_string();
        let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
        return groups.join(",");
    }
    let (mut number, mut unit) = (number as f64 / 1e6, 0);
    while number >= 999.95 && unit + 1 < UNITS.len() {
        (number, unit) = (number / 1000.0, unit + 1);
    }
    format!("{number:.1} {}", UNITS[unit])
}

/// Seconds since the Unix epoch, for programs.
pub(crate) fn epoch(at: SystemTime) -> f64 {
    at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// So many of something, in words.
pub(crate) fn count(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_the_unit_that_leaves_few_digits() {
        let said =
            [0, 119, 120, 7199, 7200, 172_799, 172_800].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(said, ["0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 d"]);
    }

    #[test]
    fn large_numbers_are_grouped_and_larger_ones_have_a_unit() {
        let said = [0, 999, 1000, 9_999_999, 10_000_000, 999_949_999, 999_950_000, u64::MAX].map(grouped);
        assert_eq!(said, ["0", "999", "1,000", "9,999,999", "10.0 M", "999.9 M", "1.0 G", "18.4 E"]);
    }

    #[test]
    fn sizes_are_written_in_the_unit_that_leaves_few_digits() {
        let said = [0, 1023, 1024, 1536, (1 << 20) - 1, 1 << 20, u64::MAX].map(bytes);
        assert_eq!(said, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "1.0 MiB", "16.0 EiB"]);
    }
}
