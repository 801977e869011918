//! Rounds of contestants with one side here and the other in a crew of one.

use std::time::{Duration, Instant};

use super::figures::{Figures, Row, Sample, Spot};
use super::{Board, Side};
use crate::crew::{Counts, Crew, Memory, cores, pass};
use crate::place::{Place, Probe};
use crate::progress::Progress;

/// The job with which every crew of processes begins.
pub(crate) const PROBE: u32 = 0;

/// The crews, by number.
const PROCESSES: usize = 0;
pub(crate) const THREADS: usize = 1;

/// The first slice is short, since the cores may be busy; the next ones are so many times longer, at most.
const FIRST: u64 = 8;
const GROWTH: u64 = 64;
const MOST: u64 = 400_000;

/// Rounds that do not count.
pub(crate) const WARM_UP: usize = 2;

/// The probe's side in this process.
pub(crate) fn probe(memory: &Memory) -> Probe {
    Probe::new(memory.at(0))
}

/// This side's part of a slice: so many messages or rounds, each of which is timed if there is somewhere to put the time.
/// Gives what it did, or nothing if it was in vain.
pub(crate) type Run = Box<dyn FnMut(u64, Option<&mut Vec<f32>>) -> Option<Side>>;

pub(crate) struct Contestant {
    pub(crate) row: Row,
    pub(crate) crew: usize,
    pub(crate) job: u32,
    pub(crate) run: Run,
    /// Whether it gives its core away, so that nobody else need have taken it.
    pub(crate) sleeps: bool,
}

/// The crews, and what is measured between slices.
pub(crate) struct Contest {
    crews: Vec<(Crew, Board)>,
    crew: usize,
    probe: Probe,
    /// How long a slice is to be.
    slice: Duration,
    /// Slices have a multiple of so many messages.
    step: u64,
    /// Every so many rounds, single ones are timed, if they are.
    timed: Option<usize>,
    progress: Progress,
}

impl Contest {
    /// The first crew is one of processes.
    pub(crate) fn new(
        crews: Vec<(Crew, Board)>,
        probe: Probe,
        (slice, step): (Duration, u64),
        timed: Option<usize>,
        steps: usize,
    ) -> Self {
        Self { crews, crew: PROCESSES, probe, slice, step, timed, progress: Progress::new(steps) }
    }

    fn crew(&mut self, crew: usize) -> &mut Crew {
        if self.crew != crew {
            self.crew = crew;
            // The one before goes to sleep.
            pass(Duration::from_micros(150), true);
        }
        &mut self.crews[crew].0
    }

    fn place(&mut self) -> Place {
        let probe = self.probe;
        Place::of(self.crew(PROCESSES).slice(PROBE, false, 1, || probe.measure()).0)
    }

    /// All contestants of one kind, the yardstick among them, for so many rounds.
    pub(crate) fn measure(&mut self, contestants: &mut [Contestant], rounds: usize) -> Vec<Figures> {
        let mut all: Vec<Figures> =
            contestants.iter().map(|contestant| Figures::new(contestant.row.clone())).collect();
        let mut counts = vec![FIRST.next_multiple_of(self.step); all.len()];
        // The first ones warm up, and find how many messages make a slice.
        for round in 0..rounds + WARM_UP {
            let mut before = self.place();
            for turn in 0..contestants.len() {
                // Every other round goes backwards.
                let at = if round % 2 == 0 { turn } else { contestants.len() - 1 - turn };
                let (contestant, figures) = (&mut contestants[at], &mut all[at]);
                if !figures.stuck {
                    if self.timed.is_some_and(|every| round >= WARM_UP && (round - WARM_UP) % every == 0) {
                        let spot = self.singles(contestant, counts[at], figures, before);
                        before = spot;
                    }
                    let nanos = self.slice(contestant, counts[at], None, figures);
                    let after = self.place();
                    let spot = if before == after { Spot::At(after) } else { Spot::Moved };
                    before = after;
                    if round >= WARM_UP {
                        figures.samples.push(Sample { spot, nanos: nanos.1 });
                    }
                    let count = (self.slice.as_nanos() as f64 / nanos.0) as u64;
                    let count = count.min(counts[at] * GROWTH).clamp(self.step, MOST);
                    counts[at] = count / self.step * self.step;
                } else if round >= WARM_UP {
                    figures.samples.push(Sample { spot: Spot::Moved, nanos: f64::NAN });
                }
            }
            self.progress.step();
        }
        all
    }

    /// Times single rounds, and says where the cores were afterwards.
    fn singles(
        &mut self,
        contestant: &mut Contestant,
        count: u64,
        figures: &mut Figures,
        before: Place,
    ) -> Place {
        let mut singles = Vec::with_capacity(count as usize);
        let (_, valid) = self.slice(contestant, count, Some(&mut singles), figures);
        let after = self.place();
        if before == after && !valid.is_nan() {
            figures.singles.extend(singles.into_iter().map(|nanos| (Spot::At(after), nanos)));
        }
        after
    }

    /// Nanoseconds for each message or round, whatever happened, and again if it is a valid figure.
    fn slice(
        &mut self,
        contestant: &mut Contestant,
        count: u64,
        singles: Option<&mut Vec<f32>>,
        figures: &mut Figures,
    ) -> (f64, f64) {
        let Contestant { crew, job, run, sleeps, .. } = contestant;
        self.crews[*crew].1.announce(count);
        let (here, there) = self.crew(*crew).slice(*job, true, 1, || {
            let mut side = None;
            let counts = Counts::watched(|| {
                let start = Instant::now();
                side = run(count, singles);
                Counts { nanos: start.elapsed().as_nanos() as u64, ..Counts::default() }
            });
            (side, counts)
        });
        let (side, here) = here;
        figures.stuck |= side.is_none();
        let side = side.unwrap_or(Side { done: there[0].operations, wrong: there[0].wrong });
        figures.seen += side.done;
        figures.wrong += side.wrong;
        let nanos = here.nanos as f64 / count as f64;
        let alone = cores().len() > 1 && !*sleeps;
        let disturbed = alone && (here.disturbed() || there.iter().any(|counts| counts.disturbed()));
        (nanos, if disturbed || figures.stuck { f64::NAN } else { nanos })
    }

    pub(crate) fn finish(self) {
        self.crews.into_iter().for_each(|(crew, _)| crew.finish());
    }
}
