//! The feed: streams the recording, again and again, one record a message.

use std::error::Error;
use std::thread;
use std::time::Duration;

use ringway::SendError;
use ringway::spsc::{self, Sender};

use crate::arguments::Task;
use crate::detector::recording;
use crate::messages::{END, Record, SAMPLE, now_ns};

/// Records that are handed to the channel at once, under one reading of the clock.
const BATCH: u64 = 32;

/// How long to wait for the parser.
const PATIENCE: Duration = Duration::from_secs(10);

/// Below this the clock is watched, above it the core is given away.
const SHORT_NS: u64 = 200_000;

/// Sends what its predecessors have not sent.
pub(crate) fn run(task: &Task) -> Result<(), Box<dyn Error>> {
    let samples = recording::read(&task.data)?;
    let sender = spsc::channel(&task.records_channel()).capacity(task.capacity).sender()?;
    // The number of the next message is that of the next record: also for one who takes over.
    let next = sender.position();
    if next > task.records {
        return Ok(());
    }
    // Without a receiver the channel would disappear with this process, and all records with it.
    if !sender.wait_for_peer(PATIENCE) {
        return Err(format!("no parser came within {} s", PATIENCE.as_secs()).into());
    }
    let samples = samples.iter().copied().cycle().skip((next % recording::SAMPLES) as usize);
    let mut feed = Feed { sender, samples, records: task.records, pid: std::process::id() };
    match task.rate {
        None => feed.stream()?,
        Some(rate) => feed.pace(1_000_000_000 / rate)?,
    }
    let end = feed.record(task.records, 0, END, now_ns());
    feed.sender.send(end)?;
    Ok(())
}

struct Feed<I> {
    sender: Sender<Record>,
    /// From the next one on.
    samples: I,
    records: u64,
    pid: u32,
}

impl<I: Iterator<Item = u16>> Feed<I> {
    fn record(&self, number: u64, sample: u16, kind: u16, sent_ns: u64) -> Record {
        Record { sent_ns, number, feed: self.pid, sample, kind }
    }

    /// As fast as they go.
    fn stream(&mut self) -> Result<(), SendError<usize>> {
        let mut batch = Vec::with_capacity(BATCH as usize);
        loop {
            let next = self.sender.position();
            let now = now_ns();
            batch.clear();
            for number in next..self.records.min(next + BATCH) {
                let Some(sample) = self.samples.next() else { break };
                batch.push(self.record(number, sample, SAMPLE, now));
            }
            if batch.is_empty() {
                return Ok(());
            }
            self.sender.send_batch(&batch)?;
        }
    }

    /// One every `interval` nanoseconds. After a delay those that are late are not hurried.
    fn pace(&mut self, interval: u64) -> Result<(), SendError<Record>> {
        let mut due = now_ns();
        while self.sender.position() < self.records {
            let Some(sample) = self.samples.next() else { break };
            let now = wait_until(due);
            due = due.max(now.saturating_sub(interval)) + interval;
            self.sender.send(self.record(self.sender.position(), sample, SAMPLE, now))?;
        }
        Ok(())
    }
}

/// Waits, and gives the time at the end of it.
fn wait_until(due: u64) -> u64 {
    loop {
        let now = now_ns();
        match due.saturating_sub(now) {
            0 => return now,
            left @ SHORT_NS.. => thread::sleep(Duration::from_nanos(left - SHORT_NS / 2)),
            _ => std::hint::spin_loop(),
        }
    }
}
