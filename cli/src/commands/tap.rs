//! `ringway tap`.

use std::io::{BufWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ringway::inspect::{CellKey, ChannelKind, Observer, Passed, Tap};
use ringway::map::MapState;
use ringway::message::SchemaTree;

use super::recv::{write_message, write_row};
use crate::args::{self, Args, Format};
use crate::output::{Failure, Outcome, count, observe, tell};
use crate::value::{Value, columns};

/// From one look to the next, if there is nothing more.
const PAUSE: Duration = Duration::from_millis(10);
/// So often it is asked whether anybody is there, while nothing passes.
const MOMENT: Duration = Duration::from_millis(100);
/// At most so often it is told what was missed.
const TELLING: Duration = Duration::from_secs(1);
/// After so many messages they are written out.
const MOST: u64 = 1000;

/// What to show, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) messages: args::Wanted,
    /// Whether each has its number with it.
    pub(crate) positions: bool,
    pub(crate) from_oldest: bool,
    /// Messages in a second; 0 is no limit.
    pub(crate) rate: u64,
}

/// Shows messages until there were enough, everybody is gone, or somebody says stop.
pub(crate) fn run(
    args: &Args,
    name: &str,
    wanted: Wanted,
    stop: &AtomicBool,
    out: &mut impl Write,
) -> Result<Outcome, Failure> {
    let observer = observe(&args.namespaces(), name)?;
    // Written once for each look, and not for each message.
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let lines = Lines::of(&observer, wanted);
    lines.write_header(&mut out)?;
    let tap = if wanted.from_oldest { Tap::from_oldest(observer) } else { Tap::new(observer) };
    let budget = Budget::new(wanted.rate);
    let mut showing = Showing { came: has_sender(&tap), tap, lines, wanted, shown: 0, budget };
    let mut told = Told { missed: 0, at: Instant::now() };
    let ended = showing.until_the_end(stop, &mut told, &mut out);
    let written = out.flush();
    told.finish(&showing.tap);
    if let Some(why) = ended? {
        tell(&why);
    }
    written?;
    Ok(wanted.messages.outcome(showing.shown))
}

struct Showing {
    tap: Tap,
    lines: Lines,
    wanted: Wanted,
    shown: u64,
    /// Whether there was anybody to wait for the end of.
    came: bool,
    budget: Budget,
}

impl Showing {
    /// Why it ended, where that has to be said.
    fn until_the_end(
        &mut self,
        stop: &AtomicBool,
        told: &mut Told,
        out: &mut impl Write,
    ) -> Result<Option<&'static str>, Failure> {
        let (mut waiting, mut asked) = (Instant::now(), Instant::now());
        let mut is_idle = true;
        loop {
            // Asked before it looks: what was sent before an end is seen after it.
            let mut end = None;
            if is_idle && asked.elapsed() >= MOMENT {
                (end, asked) = (self.end(), Instant::now());
            }
            let shown = self.shown;
            let is_drained = self.look(stop, out)?;
            out.flush()?;
            is_idle = is_drained && shown == self.shown;
            told.tell(&self.tap);
            if self.is_enough() || stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            if !is_idle {
                waiting = Instant::now();
            } else if end.is_some() && !self.pass_holes() {
                return Ok(end);
            } else if self.wanted.messages.timeout.is_some_and(|timeout| waiting.elapsed() >= timeout) {
                return Err(Failure::Message("there was no message, and the time is up".to_owned()));
            }
            if is_drained || self.budget.is_spent() {
                let left = self
                    .wanted
                    .messages
                    .timeout
                    .map_or(PAUSE, |timeout| timeout.saturating_sub(waiting.elapsed()));
                std::thread::sleep(PAUSE.min(left));
            }
        }
    }

    /// Passes over what dead senders had claimed; whether there was anything.
    fn pass_holes(&mut self) -> bool {
        let mut any = false;
        while self.tap.pass_hole() {
            any = true;
        }
        any
    }

    fn is_enough(&self) -> bool {
        self.wanted.messages.is_enough(self.shown)
    }

    /// Why nothing more will come, if so.
    fn end(&mut self) -> Option<&'static str> {
        if self.tap.observer().state().is_ok_and(|state| state == MapState::Leftover) {
            return Some("no process has it any more");
        }
        let is_there = has_sender(&self.tap);
        self.came |= is_there || self.shown > 0 || self.tap.missed() > 0;
        (self.came && !is_there).then_some("every sender is gone")
    }

    /// Shows what there is, as far as it may; whether that was all.
    fn look(&mut self, stop: &AtomicBool, out: &mut impl Write) -> Result<bool, Failure> {
        self.budget.refill();
        let before = self.shown;
        while self.shown - before < MOST {
            if self.is_enough() || stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            if !self.budget.take() {
                // Not too far behind, or it shows what was long ago.
                self.tap.catch_up(self.wanted.rate);
                return Ok(false);
            }
            match self.tap.look() {
                Ok(Some(Passed { cell: Some(cell), number, bytes, .. })) => {
                    let value = bytes.to_vec();
                    let key = self.lines.key.is_some().then(|| self.tap.observer().key(cell));
                    self.lines.write_value(out, (cell, key), number, &value)?;
                }
                Ok(Some(passed)) => self.lines.write_message(out, passed)?,
                Ok(None) => {
                    self.budget.give_back();
                    if self.tap.has_come_round() {
                        return Ok(true);
                    }
                    continue;
                }
                Err(finding) => return Err(Failure::Message(finding.to_string())),
            }
            self.shown += 1;
        }
        Ok(false)
    }
}

/// Whether a sender or writer is there. Of many writers nobody is asked: they come and go.
fn has_sender(tap: &Tap) -> bool {
    matches!(tap.observer().kind(), ChannelKind::Table | ChannelKind::KeyedTable) || tap.has_sender()
}

/// How messages and values are written.
struct Lines {
    schema: SchemaTree,
    key: Option<SchemaTree>,
    /// Columns of a key.
    key_columns: usize,
    is_ring: bool,
    format: Format,
    positions: bool,
}

impl Lines {
    fn of(observer: &Observer, wanted: Wanted) -> Self {
        Self {
            schema: observer.schema().clone(),
            key: observer.key_schema().cloned(),
            key_columns: observer
                .key_schema()
                .and_then(|key| columns(key).ok())
                .map_or(0, |names| names.len()),
            is_ring: observer.kind().is_ring(),
            format: wanted.messages.format,
            positions: wanted.positions,
        }
    }

    fn write_header(&self, out: &mut impl Write) -> Result<(), Failure> {
        if self.format != Format::Csv {
            return Ok(());
        }
        let columns_of = |schema| columns(schema).map_err(|error| Failure::Message(error.to_string()));
        let mut names = Vec::new();
        if !self.is_ring {
            names.extend(["cell", "number"].map(str::to_owned));
        } else if self.positions {
            names.push("position".to_owned());
        }
        if let Some(key) = &self.key {
            names.extend(columns_of(key)?.iter().map(|name| format!("key.{name}")));
        }
        names.extend(columns_of(&self.schema)?);
        write_row(out, &names)
    }

    fn write_message(&self, out: &mut impl Write, passed: Passed<'_>) -> Result<(), Failure> {
        let Passed { number, missed, bytes, .. } = passed;
        if !self.positions {
            return write_message(out, &self.schema, bytes, self.format);
        }
        let value = Value::new(&self.schema, bytes);
        match self.format {
            Format::Text => {
                if missed > 0 {
                    writeln!(out, "({} missed)", count(missed, "message"))?;
                }
                writeln!(out, "{number}: {value}")?;
            }
            Format::Json => {
                if missed > 0 {
                    writeln!(out, "{{\"missed\":{missed}}}")?;
                }
                writeln!(out, "{{\"position\":{number},\"message\":{}}}", value.json())?;
            }
            Format::Csv => write_row(out, &[vec![number.to_string()], value.cells()].concat())?,
        }
        Ok(())
    }

    fn write_value(
        &self,
        out: &mut impl Write,
        (cell, key): (u32, Option<CellKey>),
        number: u64,
        value: &[u8],
    ) -> Result<(), Failure> {
        let value = Value::new(&self.schema, value);
        let key = match (&self.key, &key) {
            (Some(schema), Some(CellKey::Set(key))) => Some(Value::new(schema, key)),
            _ => None,
        };
        match self.format {
            Format::Text => {
                let key = key.map(|key| format!(" {key}")).unwrap_or_default();
                writeln!(out, "{cell}{key}: {value} (number {number})")?;
            }
            Format::Json => {
                let key = key.map(|key| format!("\"key\":{},", key.json())).unwrap_or_default();
                writeln!(out, "{{\"cell\":{cell},{key}\"number\":{number},\"value\":{}}}", value.json())?;
            }
            Format::Csv => {
                let key = key.map_or_else(|| vec![String::new(); self.key_columns], |key| key.cells());
                write_row(out, &[vec![cell.to_string(), number.to_string()], key, value.cells()].concat())?;
            }
        }
        Ok(())
    }
}

/// How many messages may be copied: so many in a second, and as many at once if there were none before.
#[derive(Debug)]
struct Budget {
    /// 0: any number.
    rate: u64,
    left: f64,
    at: Instant,
}

impl Budget {
    fn new(rate: u64) -> Self {
        Self { rate, left: rate as f64, at: Instant::now() }
    }

    fn refill(&mut self) {
        let rate = self.rate as f64;
        self.left = (self.left + rate * self.at.elapsed().as_secs_f64()).min(rate);
        self.at = Instant::now();
    }

    fn is_spent(&self) -> bool {
        self.rate > 0 && self.left < 1.0
    }

    fn take(&mut self) -> bool {
        let may = !self.is_spent();
        if may {
            self.left -= 1.0;
        }
        may
    }

    /// What was taken was not used.
    fn give_back(&mut self) {
        self.left += 1.0;
    }
}

/// What has been said of what was missed.
struct Told {
    missed: u64,
    at: Instant,
}

impl Told {
    /// Says it now and then, while there is more.
    fn tell(&mut self, tap: &Tap) {
        if tap.missed() > self.missed && self.at.elapsed() >= TELLING {
            (self.missed, self.at) = (tap.missed(), Instant::now());
            tell(&format_args!("{} missed so far", what(tap)));
        }
    }

    /// Says it in the end.
    fn finish(&self, tap: &Tap) {
        if tap.missed() > 0 {
            tell(&format_args!("{} missed in all", what(tap)));
        }
    }
}

fn what(tap: &Tap) -> String {
    count(tap.missed(), if tap.observer().kind().is_ring() { "message" } else { "value" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_taken_than_the_rate_allows() {
        let mut budget = Budget::new(3);
        assert_eq!((0..5).filter(|_| budget.take()).count(), 3);
        budget.give_back();
        assert!(budget.take() && budget.is_spent());
        budget.at -= Duration::from_secs(100);
        budget.refill();
        assert_eq!((0..5).filter(|_| budget.take()).count(), 3);
        assert!((0..10_000).all(|_| Budget::new(0).take()));
    }
}
