//! The analysis: finds the heartbeats in the stream, and checks that nothing is lost, repeated or changed.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use hdrhistogram::Histogram;
use ringway::spsc::{self, Sender};
use ringway::{RecvError, TrySendError};

use crate::arguments::Task;
use crate::detector::recording::{self, RATE_HZ, SAMPLES};
use crate::detector::{Beat, Detector, Found, Summary};
use crate::messages::{END, Event, Figures, Latency, Record, Report, now_ns};

/// Records that are taken from the channel at once.
const BATCH: usize = 256;

/// Records from one report of progress to the next.
const STRIDE: u64 = 4_096;

/// How long to wait for a successor of a dead feed.
const PATIENCE: Duration = Duration::from_secs(10);

/// How soon to ask the kernel whether the feed lives, when no record comes.
const ATTENTION: Duration = Duration::from_millis(1);

/// Receives records until their end.
pub(crate) fn run(task: &Task) -> Result<(), Box<dyn Error>> {
    let reference = Reference::read(&task.data)?;
    let mut reports = spsc::channel(&task.reports_channel()).open_existing().sender()?;
    let mut records = spsc::channel::<Record>(&task.records_channel())
        .capacity(task.capacity)
        .liveness_interval(ATTENTION)
        .receiver()?;
    let mut analysis = Analysis::new(&reference);
    let mut batch = Vec::with_capacity(BATCH);
    while analysis.sent.is_none() {
        batch.clear();
        match records.recv_batch(&mut batch, BATCH) {
            Ok(_) => analysis.take(&batch, now_ns(), &mut reports)?,
            Err(RecvError::Disconnected(departure)) => {
                reports.send(analysis.report(Event::FeedDied))?;
                if !records.wait_for_peer(PATIENCE) {
                    return Err(format!("the feed {departure}, and no other came").into());
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    analysis.finish();
    reports.send(analysis.report(Event::Finished))?;
    Ok(())
}

/// What one thread without any channel finds in one pass.
pub(crate) struct Reference {
    beats: Vec<u64>,
    summary: Summary,
}

impl Reference {
    pub(crate) fn read(data: &Path) -> Result<Self, recording::Unusable> {
        let beats = recording::reference_beats();
        let mut summary = Summary::new(RATE_HZ);
        recording::read(data)?.into_iter().for_each(|sample| summary.sample(sample));
        for &sample in &beats {
            summary.beat(Beat { sample, found: Found::InTime });
        }
        Ok(Self { beats, summary })
    }

    pub(crate) fn figures(&self) -> Figures {
        Figures::from(&self.summary)
    }
}

/// One pass over the recording.
struct Pass {
    detector: Detector,
    findings: Findings,
}

struct Findings {
    summary: Summary,
    /// Whether every beat so far is that of the reference.
    right: bool,
}

impl Pass {
    fn new() -> Self {
        let findings = Findings { summary: Summary::new(RATE_HZ), right: true };
        Self { detector: Detector::new(RATE_HZ), findings }
    }
}

impl Findings {
    fn beat(&mut self, beat: Beat, reference: &Reference) {
        self.right &= reference.beats.get(self.summary.beats() as usize) == Some(&beat.sample);
        self.summary.beat(beat);
    }
}

struct Analysis<'a> {
    reference: &'a Reference,
    pass: Option<Pass>,
    /// Number of the next sample, if none is lost or repeated.
    next: u64,
    /// As the end says, once it is there.
    sent: Option<u64>,
    received: u64,
    lost: u64,
    repeated: u64,
    passes: u64,
    wrong: u64,
    first_wrong: u64,
    figures: Figures,
    feed: u32,
    latencies: Histogram<u64>,
    first_ns: u64,
    latest_ns: u64,
    gap_ns: u64,
    /// When the next report of progress is due.
    report_at: u64,
}

impl<'a> Analysis<'a> {
    fn new(reference: &'a Reference) -> Self {
        Self {
            reference,
            pass: None,
            next: 0,
            sent: None,
            received: 0,
            lost: 0,
            repeated: 0,
            passes: 0,
            wrong: 0,
            first_wrong: 0,
            figures: Figures::from(&Summary::new(RATE_HZ)),
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
        reports: &mut Sender<Report>,
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
                    END => self.end(record.number),
                    _ => self.sample(record.number, record.sample),
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
    fn sample(&mut self, number: u64, sample: u16) {
        self.received += 1;
        if number != self.next {
            if number < self.next {
                self.repeated += 1;
                return;
            }
            self.lost += number - self.next;
        }
        self.next = number + 1;
        if number % SAMPLES == 0 {
            self.finish_pass();
        }
        let pass = self.pass.get_or_insert_with(Pass::new);
        pass.findings.summary.sample(sample);
        if let Some(beat) = pass.detector.push(sample) {
            pass.findings.beat(beat, self.reference);
        }
    }

    fn end(&mut self, sent: u64) {
        self.sent = Some(sent);
        self.lost += sent.saturating_sub(self.next);
    }

    /// Judges the pass under way, and ends it.
    fn finish_pass(&mut self) {
        let Some(Pass { detector, mut findings }) = self.pass.take() else { return };
        detector.finish().for_each(|beat| findings.beat(beat, self.reference));
        self.figures = Figures::from(&findings.summary);
        self.judge(findings.right && findings.summary == self.reference.summary);
    }

    /// Judges what is left at the end of the stream.
    fn finish(&mut self) {
        if self.next % SAMPLES == 0 {
            self.finish_pass();
        } else if let Some(pass) = self.pass.take() {
            // Of a part, the beats so far can be compared, and no figures.
            self.judge(pass.findings.right);
        }
    }

    fn judge(&mut self, right: bool) {
        self.passes += 1;
        if !right {
            self.wrong += 1;
            if self.first_wrong == 0 {
                self.first_wrong = self.passes;
            }
        }
    }

    fn report(&self, event: Event) -> Report {
        let at = |quantile| self.latencies.value_at_quantile(quantile);
        let latency = match event {
            Event::Finished => {
                Latency { p50: at(0.5), p99: at(0.99), p999: at(0.999), highest: self.latencies.max() }
            }
            _ => Latency::default(),
        };
        Report {
            event,
            feed: self.feed,
            received: self.received,
            lost: self.lost,
            repeated: self.repeated,
            sent: self.sent.unwrap_or(0),
            passes: self.passes + u64::from(self.pass.is_some()),
            wrong: self.wrong,
            first_wrong: self.first_wrong,
            elapsed_ns: self.latest_ns - self.first_ns,
            gap_ns: self.gap_ns,
            latency,
            figures: self.figures,
        }
    }
}
