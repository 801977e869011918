//! Rounds, in which each contestant has its slices.

use std::time::Duration;

use super::PROBE;
use super::cells::Writing;
use crate::crew::{Counts, Crew, cores, pass};
use crate::place::{Place, Probe};
use crate::progress::Progress;

/// One that holds values of one size.
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    /// Which crew reads, and the job that this is.
    pub(crate) crew: usize,
    pub(crate) job: u32,
    pub(crate) write: Writing,
    /// Whether it can be read while it is written.
    pub(crate) shared: bool,
}

/// How long slices are.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) alone: Duration,
    pub(crate) both: Duration,
    /// Of the slice in which every word is checked.
    pub(crate) checked: Duration,
}

impl Times {
    /// Fit for so many readers: where they share cores, each has several turns.
    pub(crate) fn of(readers: usize) -> Self {
        let millis = |alone, both| Self {
            alone: Duration::from_millis(alone),
            both: Duration::from_millis(both),
            checked: Duration::from_millis(20),
        };
        match readers < cores().len() {
            true => millis(2, 2),
            false => millis(8 * readers as u64, 40),
        }
    }
}

/// What a contestant came to in one round. Times in nanoseconds for each reader or the writer, rates in millions per
/// second for all readers together; not a number if it was not measured, or others had the cores.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    /// Where the cores were, if they stayed there.
    pub(crate) place: Option<Place>,
    pub(crate) load: f64,
    /// Only measured with one reader.
    pub(crate) store: f64,
    /// With both at it, if that is allowed.
    pub(crate) loads: f64,
    pub(crate) stores: f64,
    /// The share of loads that brought something new.
    pub(crate) fresh: f64,
}

/// What a contestant came to.
pub(crate) struct Figures {
    pub(crate) name: &'static str,
    pub(crate) bytes: usize,
    pub(crate) readers: usize,
    /// One for each round.
    pub(crate) samples: Vec<Sample>,
    /// Loads, and how many of them were torn or went back in time.
    pub(crate) loads: u64,
    pub(crate) wrong: u64,
    /// Loads of which every word was checked.
    pub(crate) checked: u64,
}

/// The crews and what is measured between rounds.
pub(crate) struct Contest {
    pub(crate) crews: Vec<Crew>,
    pub(crate) probe: Probe,
    /// Round trips of a bare line, in nanoseconds.
    pub(crate) round_trips: Vec<f64>,
    crew: usize,
    progress: Progress,
}

impl Contest {
    /// The first crew is one of processes.
    pub(crate) fn new(crews: Vec<Crew>, probe: Probe, progress: Progress) -> Self {
        Self { crews, probe, round_trips: Vec::new(), crew: 0, progress }
    }

    /// Of the progress, for contestants of one size: about as many as it takes milliseconds for each of them.
    pub(crate) fn steps(readers: usize, rounds: usize) -> usize {
        Self::weight(readers) * (rounds + 1)
    }

    fn weight(readers: usize) -> usize {
        let Times { alone, both, .. } = Times::of(readers);
        (alone + both).as_millis() as usize
    }

    /// The crew, after the one before has gone to sleep.
    fn crew(&mut self, crew: usize) -> &mut Crew {
        if self.crew != crew {
            self.crew = crew;
            pass(Duration::from_micros(150), true);
        }
        &mut self.crews[crew]
    }

    fn place(&mut self) -> Place {
        let probe = self.probe;
        let (nanos, _) = self.crew(0).slice(PROBE, false, 1, || probe.measure());
        self.round_trips.push(nanos);
        Place::of(nanos)
    }

    /// All contestants of one size, the yardsticks among them, for so many rounds.
    pub(crate) fn measure(
        &mut self,
        contestants: &mut [Contestant],
        bytes: usize,
        readers: usize,
        rounds: usize,
    ) -> Vec<Figures> {
        let times = Times::of(readers);
        let mut all: Vec<Figures> = contestants
            .iter_mut()
            .map(|contestant| {
                let name = contestant.name;
                let mut figures =
                    Figures { name, bytes, readers, samples: Vec::new(), loads: 0, wrong: 0, checked: 0 };
                if contestant.shared {
                    let counts = self.both(contestant, readers, times.checked, true).1;
                    figures.count(&counts);
                    figures.checked = figures.loads;
                }
                figures
            })
            .collect();
        // The first round warms up and is not counted.
        for round in 0..=rounds {
            let mut before = self.place();
            for turn in 0..contestants.len() {
                // Every other round goes backwards.
                let at = if round % 2 == 0 { turn } else { contestants.len() - 1 - turn };
                let (sample, counts) = self.slices(&mut contestants[at], readers, times);
                let after = self.place();
                let place = (before == after).then_some(after);
                before = after;
                all[at].count(&counts);
                if round > 0 {
                    all[at].samples.push(Sample { place, ..sample });
                }
            }
            self.progress.steps(Self::weight(readers));
        }
        all
    }

    /// Both sides at it.
    fn both(
        &mut self,
        contestant: &mut Contestant,
        readers: usize,
        time: Duration,
        checked: bool,
    ) -> (Counts, Vec<Counts>) {
        let write = &mut contestant.write;
        self.crew(contestant.crew)
            .slice(contestant.job, checked, readers, || Counts::watched(|| write(time, checked)))
    }

    fn slices(&mut self, contestant: &mut Contestant, readers: usize, times: Times) -> (Sample, Vec<Counts>) {
        let asleep = readers >= cores().len();
        let job = contestant.job;
        let wait = || pass(times.alone, asleep);
        let (_, mut all) = self.crew(contestant.crew).slice(job, false, readers, wait);
        // Those who have a core each must have had it.
        let spoilt = |counts: &[Counts]| !asleep && counts.iter().any(|counts| counts.disturbed());
        let valid = |figure: f64, counts: &[Counts]| if spoilt(counts) { f64::NAN } else { figure };
        let load = valid(readers as f64 / rate(&all) * 1e3, &all);
        let alone = (readers == 1).then(|| Counts::watched(|| (contestant.write)(times.alone, false)));
        let store = alone.map_or(f64::NAN, |counts| valid(1e3 / counts.rate(), &[counts]));
        let mut sample =
            Sample { place: None, load, store, loads: f64::NAN, stores: f64::NAN, fresh: f64::NAN };
        if contestant.shared {
            let (stores, loads) = self.both(contestant, readers, times.both, false);
            let of = |count: fn(&Counts) -> u64| loads.iter().map(count).sum::<u64>() as f64;
            let fresh = of(|counts| counts.fresh) / of(|counts| counts.operations);
            sample.fresh = valid(valid(fresh, &loads), &[stores]);
            sample.loads = valid(valid(rate(&loads), &loads), &[stores]);
            sample.stores = valid(valid(stores.rate(), &loads), &[stores]);
            all.extend(loads);
        }
        (sample, all)
    }

    pub(crate) fn finish(self) {
        self.crews.into_iter().for_each(Crew::finish);
    }
}

/// Of all together.
fn rate(counts: &[Counts]) -> f64 {
    counts.iter().map(|counts| counts.rate()).sum()
}

impl Figures {
    fn count(&mut self, counts: &[Counts]) {
        self.loads += counts.iter().map(|counts| counts.operations).sum::<u64>();
        self.wrong += counts.iter().map(|counts| counts.wrong).sum::<u64>();
    }
}
