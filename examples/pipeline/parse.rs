//! The parser: takes the records of the stream, checks that none is lost or repeated, and has them cut into
//! blocks.

use std::error::Error;
use std::time::Duration;

use hdrhistogram::Histogram;
use ringway::seqlock;
use ringway::spsc::{self, Sender};
use ringway::{RecvError, SendError, TrySendError, mpmc};

use crate::arguments::Task;
use crate::cutter::Cutter;
use crate::messages::{END, Event, Intake, Latency, Record, now_ns};
use crate::plot;
use crate::published::{self, Latencies};

/// Records that are taken from the channel at once.
const BATCH: usize = 256;

/// Records from one report of progress to the next.
const STRIDE: u64 = 4_096;

/// How long to wait for a successor of a dead feed.
const PATIENCE: Duration = Duration::from_secs(10);

/// How soon to ask the kernel whether the feed lives, when no record comes, and the workers, when none takes
/// a block.
const ATTENTION: Duration = Duration::from_millis(1);

/// Receives records until their end.
///
/// What has been received and not yet passed on is in this process only. So the parser, unlike the feed and the
/// workers, has no successor: its death ends the run.
pub(crate) fn run(task: &Task) -> Result<(), Box<dyn Error>> {
    let mut reports = spsc::channel(&task.intake_channel()).open_existing().sender()?;
    let work = mpmc::channel(&task.work_channel()).open_existing().liveness_interval(ATTENTION).sender()?;
    let records = spsc::channel::<Record>(&task.records_channel()).capacity(task.capacity);
    let mut records = records.liveness_interval(ATTENTION).receiver()?;
    let mut latencies = seqlock::cell(&published::latencies(&task.run)).open_existing().writer()?;
    let mut parser = Parser::new(Cutter::new(work));
    let mut batch = Vec::with_capacity(BATCH);
    while !parser.ended {
        batch.clear();
        match records.recv_batch(&mut batch, BATCH) {
            Ok(_) => parser.take(&batch, now_ns(), &mut reports)?,
            Err(RecvError::Disconnected(departure)) => {
                reports.send(parser.report(Event::FeedDied))?;
                if !records.wait_for_peer(PATIENCE) {
                    return Err(format!("the feed {departure}, and no other came").into());
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    // Before the end is told: whoever hears of it finds them there.
    latencies.store(parser.latencies());
    reports.send(parser.report(Event::Finished))?;
    Ok(())
}

struct Parser {
    cutter: Cutter,
    ended: bool,
    /// Number of the next sample, if none is lost or repeated.
    next: u64,
    received: u64,
    lost: u64,
    repeated: u64,
    feed: u32,
    latencies: Histogram<u64>,
    first_ns: u64,
    latest_ns: u64,
    gap_ns: u64,
    /// When the next report of progress is due.
    report_at: u64,
}

impl Parser {
    fn new(cutter: Cutter) -> Self {
        Self {
            cutter,
            ended: false,
            next: 0,
            received: 0,
            lost: 0,
            repeated: 0,
            feed: 0,
            // Up to a minute, to three digits.
            latencies: Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are in order"),
            first_ns: 0,
            latest_ns: 0,
            gap_ns: 0,
            report_at: STRIDE,
        }
    }

    /// Takes records that were received at the time `now`.
    fn take(
        &mut self,
        batch: &[Record],
        now: u64,
        reports: &mut Sender<Intake>,
    ) -> Result<(), Box<dyn Error>> {
        for records in batch.chunk_by(|one, next| (one.feed, one.sent_ns) == (next.feed, next.sent_ns)) {
            let Some(&Record { feed, sent_ns, .. }) = records.first() else { continue };
            if feed != self.feed {
                let predecessor = std::mem::replace(&mut self.feed, feed);
                if predecessor == 0 {
                    self.first_ns = now;
                } else {
                    self.gap_ns = now - self.latest_ns;
                    reports.send(self.report(Event::Resumed))?;
                }
            }
            let samples = records.iter().filter(|record| record.kind != END).count() as u64;
            self.latencies.saturating_record_n(now.saturating_sub(sent_ns), samples);
            for record in records {
                match record.kind {
                    END => self.end(record.number)?,
                    _ => self.sample(record.number, record.sample)?,
                }
            }
        }
        self.latest_ns = now;
        if self.received >= self.report_at {
            self.report_at = self.received + STRIDE;
            // The next one will do as well.
            match reports.try_send(self.report(Event::Progress)) {
                Ok(()) | Err(TrySendError::Full(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    #[inline]
    fn sample(&mut self, number: u64, sample: u16) -> Result<(), SendError<()>> {
        self.received += 1;
        if number != self.next {
            if number < self.next {
                self.repeated += 1;
                return Ok(());
            }
            self.lost += number - self.next;
        }
        self.next = number + 1;
        self.cutter.sample(number, sample)
    }

    fn end(&mut self, sent: u64) -> Result<(), SendError<()>> {
        self.ended = true;
        self.lost += sent.saturating_sub(self.next);
        self.cutter.end(sent)
    }

    fn latencies(&self) -> Latencies {
        let mut counts = [0; plot::BARS];
        for step in self.latencies.iter_recorded() {
            counts[plot::bar(step.value_iterated_to())] += step.count_at_value();
        }
        Latencies { counts }
    }

    fn report(&self, event: Event) -> Intake {
        let at = |quantile| self.latencies.value_at_quantile(quantile);
        let latency = match event {
            Event::Finished => {
                Latency { p50: at(0.5), p99: at(0.99), p999: at(0.999), highest: self.latencies.max() }
            }
            _ => Latency::default(),
        };
        Intake {
            event,
            feed: self.feed,
            received: self.received,
            lost: self.lost,
            repeated: self.repeated,
            blocks: self.cutter.blocks,
            first_ns: self.first_ns,
            gap_ns: self.gap_ns,
            latency,
        }
    }
}
