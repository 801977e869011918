//! What the watcher shows: on a terminal the whole, again and again in the same place; elsewhere a line each time.

use std::io::{self, IsTerminal, Stdout, Write};

use ringway::Departure;
use ringway::seqlock::Freshness;

use crate::detector::recording::RATE_HZ;
use crate::published::{Analysis, Progress, Share};
use crate::watch::Sight;

/// More workers than this are shown two in a line, so that all of them fit in 24 lines.
const SINGLE: usize = 15;

/// Characters of the bar.
const BAR: u64 = 40;

/// From here to the end of the line, or of the screen, nothing is left of what was there.
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

pub(crate) struct Screen {
    out: Stdout,
    terminal: bool,
    /// Lines above the one where the cursor is.
    above: usize,
}

impl Screen {
    pub(crate) fn new(out: Stdout) -> Self {
        Self { terminal: out.is_terminal(), out, above: 0 }
    }

    /// A line that stays.
    pub(crate) fn say(&mut self, text: &str) -> io::Result<()> {
        self.write(&format!("watch: {text}\n"))
    }

    pub(crate) fn show(&mut self, sight: &Sight) -> io::Result<()> {
        if !self.terminal {
            return self.write(&format!("{}\n", line(sight)));
        }
        let lines = lines(sight);
        let mut text = match self.above {
            0 => String::new(),
            above => format!("\r\x1b[{above}A"),
        };
        // No line end after the last one: on a screen of just so many lines it would move the first one out of it.
        text += &lines.join(&format!("{CLEAR_LINE}\r\n"));
        text += CLEAR_BELOW;
        self.above = lines.len() - 1;
        self.write(&text)
    }

    /// The whole once more, and the last line.
    pub(crate) fn end(&mut self, sight: &Sight, text: &str) -> io::Result<()> {
        if self.terminal {
            self.show(sight)?;
            self.leave()?;
        } else {
            self.write(&format!("{}\n{}\n", line(sight), lines(sight).join("\n")))?;
        }
        self.say(&format!("the pipeline (process {}) {text}", sight.pid))
    }

    /// What is shown stays.
    pub(crate) fn leave(&mut self) -> io::Result<()> {
        if self.terminal { self.write("\n") } else { Ok(()) }
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

/// All in one line.
fn line(sight: &Sight) -> String {
    let Progress { records, received, lost, killed, died, .. } = sight.progress;
    let Analysis { samples, redelivered, speed, .. } = sight.analysis;
    let mut text = format!("{}: {samples} of {records} samples in order, ", sight.state());
    text += &format!("{received} received, {lost} lost, {} samples/s; ", figure(speed, 0));
    text +=
        &format!("{}; {redelivered} redelivered, {} workers killed", heart(&sight.analysis), killed + died);
    for (slot, (freshness, share)) in sight.workers.iter().enumerate() {
        let Share { restarts, blocks, samples, redelivered, repeated, .. } = share;
        text += &format!("; worker {slot} {}, {restarts} restarts, ", presence(freshness));
        text +=
            &format!("{blocks} blocks, {samples} samples, {redelivered} redelivered, {repeated} repeated");
    }
    text
}

/// The whole: at most 24 lines of at most 80 characters.
fn lines(sight: &Sight) -> Vec<String> {
    let Progress { records, received, lost, repeated, killed, died, feeds, workers, .. } = sight.progress;
    let Analysis { samples, redelivered, again, passes, wrong, speed, .. } = sight.analysis;
    let (pid, state, seconds) = (sight.pid, sight.state(), sight.seconds());
    let filled = (samples * BAR / records.max(1)).min(BAR) as usize;
    let (done, left) = ("#".repeat(filled), ".".repeat(BAR as usize - filled));
    let percent = samples * 100 / records.max(1);
    let (heart, hours) = (heart(&sight.analysis), clock(samples / u64::from(RATE_HZ)));
    let (speed, killed) = (figure(speed, 0), killed + died);
    let mut lines = vec![
        format!("pipeline {pid}: {state}, {seconds:.1} s, {workers} workers"),
        format!("stream   [{done}{left}] {percent} % of {records} samples"),
        format!("samples  {received} received, {samples} in order, {lost} lost, {repeated} repeated"),
        format!("speed    {speed} samples/s; {passes} passes over the recording, {wrong} wrong"),
        format!("heart    {heart}, in {hours} of ECG"),
        format!(
            "killed   workers {killed}, feeds {feeds}; {redelivered} redelivered, {again} results discarded"
        ),
    ];
    let sum = sight.workers.iter().fold(Share::NONE, |sum, (_, share)| sum.plus(share));
    if sight.workers.len() <= SINGLE {
        lines.push(format!(
            "slot  {:13} {:>8} {:>10} {:>13} {:>11} {:>9}",
            "worker", "restarts", "blocks", "samples", "redelivered", "repeated"
        ));
        let slots = sight.workers.iter().enumerate();
        lines.extend(
            slots.map(|(slot, (freshness, share))| row(&slot.to_string(), &presence(freshness), share)),
        );
    } else {
        let heads = format!("slot {:13} {:>5} {:>12}", "worker", "again", "samples");
        lines.push(format!("{heads}  {heads}"));
        let half = |slot: usize, (freshness, share): &(Freshness, Share)| {
            let Share { restarts, samples, .. } = share;
            format!("{slot:4} {:13} {restarts:5} {samples:>12}", presence(freshness))
        };
        let halves: Vec<_> =
            sight.workers.iter().enumerate().map(|(slot, worker)| half(slot, worker)).collect();
        lines.extend(halves.chunks(2).map(|pair| pair.join("  ")));
    }
    lines.push(row("all", "", &sum));
    lines
}

fn row(slot: &str, presence: &str, share: &Share) -> String {
    let Share { restarts, blocks, samples, redelivered, repeated, .. } = share;
    format!("{slot:>4}  {presence:13} {restarts:8} {blocks:10} {samples:13} {redelivered:11} {repeated:9}")
}

/// Whether a worker is there, and which.
fn presence(freshness: &Freshness) -> String {
    match freshness {
        Freshness::Awaited => "awaited".to_owned(),
        Freshness::Fresh { pid, .. } => format!("fresh {pid}"),
        Freshness::Stale { writer: Departure::Died, pid, .. } => format!("died {pid}"),
        Freshness::Stale { writer: Departure::Left, pid, .. } => format!("left {pid}"),
    }
}

fn heart(found: &Analysis) -> String {
    let [now, mean] = [found.rate_now, found.rate_mean].map(|rate| figure(rate, 1));
    format!("{} beats, {now} per minute now, {mean} on average", found.beats)
}

fn figure(value: f64, digits: usize) -> String {
    if value.is_nan() { "-".to_owned() } else { format!("{value:.digits$}") }
}

/// Seconds as hours, minutes and seconds.
fn clock(seconds: u64) -> String {
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
