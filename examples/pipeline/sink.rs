//! The sink: puts the results in order, finds the heartbeats in them, and compares them with the reference.

use std::error::Error;
use std::time::Duration;

use ringway::{TrySendError, mpsc, spsc};

use crate::arguments::Task;
use crate::detector::recording::{RATE_HZ, SAMPLES};
use crate::detector::{Beat, Finder, Summary};
use crate::live::{Live, Pulse};
use crate::merge::Merge;
use crate::messages::{END, Figures, Filtered, HELD, Report, now_ns};
use crate::reference::Reference;

/// How soon to look for what a killed worker left in the way of other results.
const ATTENTION: Duration = Duration::from_millis(1);

/// Receives results until the end of the stream is merged.
pub(crate) fn run(task: &Task) -> Result<(), Box<dyn Error>> {
    let reference = Reference::read(&task.data)?;
    let mut reports = spsc::channel(&task.reports_channel()).open_existing().sender()?;
    let mut live = Live::new(task)?;
    let results = mpsc::channel::<Filtered>(&task.results_channel());
    let mut results = results.open_existing().liveness_interval(ATTENTION).receiver()?;
    let mut merge = Merge::new();
    let mut sink = Sink::new(&reference);
    loop {
        // Not disconnected when all workers are dead at once: the supervisor has a sender too.
        let result = results.lease()?;
        sink.redelivered += u64::from(result.label.redelivered > 0);
        merge.take(result.label.number, result.digest(), &*result, |result| sink.take(result));
        result.release();
        sink.latest_ns = now_ns();
        let report = sink.report(&merge);
        live.publish(&report, &sink.pulse);
        if sink.finished {
            return Ok(reports.send(report)?);
        }
        // The next one will do as well.
        match reports.try_send(report) {
            Ok(()) | Err(TrySendError::Full(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// One pass over the recording.
struct Pass {
    finder: Finder,
    findings: Findings,
}

struct Findings {
    summary: Summary,
    /// Whether every beat so far is that of the reference, and at the end every signal.
    right: bool,
}

impl Pass {
    fn new() -> Self {
        let findings = Findings { summary: Summary::new(RATE_HZ), right: true };
        Self { finder: Finder::new(RATE_HZ), findings }
    }
}

impl Findings {
    fn beat(&mut self, beat: Beat, reference: &Reference, pulse: &mut Pulse) {
        self.right &= reference.beats.get(self.summary.beats() as usize) == Some(&beat.sample);
        self.summary.beat(beat);
        pulse.beat(beat.sample);
    }
}

struct Sink<'a> {
    reference: &'a Reference,
    pass: Option<Pass>,
    pulse: Pulse,
    finished: bool,
    sent: u64,
    received: u64,
    blocks: u64,
    redelivered: u64,
    passes: u64,
    wrong: u64,
    first_wrong: u64,
    latest_ns: u64,
    figures: Figures,
}

impl<'a> Sink<'a> {
    fn new(reference: &'a Reference) -> Self {
        Self {
            reference,
            pass: None,
            pulse: Pulse::default(),
            finished: false,
            sent: 0,
            received: 0,
            blocks: 0,
            redelivered: 0,
            passes: 0,
            wrong: 0,
            first_wrong: 0,
            latest_ns: 0,
            figures: Figures::from(&Summary::new(RATE_HZ)),
        }
    }

    /// Takes the next result in order.
    fn take(&mut self, result: &Filtered) {
        self.blocks += 1;
        let len = usize::from(result.label.len);
        let signals = result.samples[..len].iter().zip(&result.signals[..len]);
        match result.label.kind {
            END => self.end(result.label.sent),
            HELD => {
                let Some(mut pass) = self.pass.take() else { return };
                pass.findings.right &= pass.finder.digest() == self.reference.digest(SAMPLES);
                signals.for_each(|(&sample, &signals)| pass.finder.hold_on(sample, signals));
                self.finish_pass(pass);
            }
            _ => {
                self.received += len as u64;
                let Pass { finder, findings } = self.pass.get_or_insert_with(Pass::new);
                for (&sample, &signals) in signals {
                    findings.summary.sample(sample);
                    if let Some(beat) = finder.push(sample, signals) {
                        findings.beat(beat, self.reference, &mut self.pulse);
                    }
                }
            }
        }
    }

    fn finish_pass(&mut self, Pass { finder, mut findings }: Pass) {
        finder.finish().for_each(|beat| findings.beat(beat, self.reference, &mut self.pulse));
        self.pulse.end_pass();
        self.figures = Figures::from(&findings.summary);
        self.judge(findings.right && findings.summary == self.reference.summary);
    }

    fn end(&mut self, sent: u64) {
        self.sent = sent;
        self.finished = true;
        if let Some(pass) = self.pass.take() {
            // Of a part, the signals and the beats so far can be compared, and no figures.
            let digest = self.reference.digest(self.received % SAMPLES);
            self.judge(pass.findings.right && pass.finder.digest() == digest);
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

    fn report(&self, merge: &Merge<Filtered>) -> Report {
        Report {
            finished: self.finished.into(),
            sent: self.sent,
            received: self.received,
            blocks: self.blocks,
            redelivered: self.redelivered,
            again: merge.again,
            different: merge.different,
            passes: self.passes + u64::from(self.pass.is_some()),
            wrong: self.wrong,
            first_wrong: self.first_wrong,
            latest_ns: self.latest_ns,
            figures: self.figures,
        }
    }
}
