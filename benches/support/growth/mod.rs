//! What the benchmark of growth consists of: contestants that are measured beside a yardstick, point by point of a curve.

mod capacity;
mod channels;
mod crowd;
mod found;
mod opening;
mod plot;
mod raw;
mod size;

use std::collections::VecDeque;
use std::time::Duration;

use ringway::map::Namespace;

use crate::support::{Child, Parent, Progress};

pub(crate) use crowd::job;
pub(crate) use found::{Found, Needs, Quantity, Report};

/// Which of the two processes this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Parent,
    Child,
}

/// What one process does as a contestant with so many messages.
type Job = Box<dyn FnMut(u64)>;

/// Contestants at one point that are measured beside each other; the first is the yardstick.
struct Contest {
    quantity: Quantity,
    /// Messages of a slice.
    count: u64,
    /// And of the first one, which is not counted.
    warm: u64,
    entries: Vec<(&'static str, Job)>,
}

impl Contest {
    fn new(quantity: Quantity, count: u64, entries: Vec<(&'static str, Job)>) -> Self {
        Self { quantity, count, warm: count, entries }
    }

    /// Slices of everybody in turning order. `slice` runs one of an entry and says how long it took.
    fn measure(
        &mut self,
        x: u64,
        (pairs, progress): (usize, &Progress),
        mut slice: impl FnMut(usize, &mut Job, u64) -> Duration,
    ) -> Vec<Found> {
        let len = self.entries.len();
        let mut figures = vec![Vec::new(); len];
        // The first round warms up and is not counted.
        for round in 0..=pairs {
            let count = if round == 0 { self.warm } else { self.count };
            for turn in 0..len {
                let at = (turn + round) % len;
                let elapsed = slice(at, &mut self.entries[at].1, count);
                if round > 0 {
                    figures[at].push(self.quantity.of(elapsed, count));
                }
            }
            progress.step();
        }
        let (quantity, yard) = (self.quantity, self.entries[0].0);
        let yardstick = figures[0].clone();
        let names = self.entries.iter().map(|(name, _)| *name);
        let found = names.zip(figures).skip(1).map(|(contestant, figures)| {
            let yardstick = yardstick.clone();
            Found { x, contestant, quantity, yard, figures, yardstick }
        });
        found.collect()
    }
}

/// Environment variable: the curve and the point of the second process.
const POINT: &str = "RINGWAY_BENCH_POINT";

/// How the contestants of a point are made, on either side; the name is unique to it.
type Make = fn(u64, &str, Part) -> Vec<Contest>;

/// Where the contestants of a curve are.
enum Where {
    /// In this process and another one.
    TwoProcesses(Make),
    /// In this one, or in as many as each of them has.
    Here(fn(u64, &str) -> Vec<Contest>),
}

/// What a point needs, where that is to be told, or how far it went and why no further.
type Need = fn(u64, &str) -> Result<Option<Needs>, (u64, String)>;

/// What is measured against what.
pub(crate) struct Curve {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What the points are of.
    pub(crate) axis: &'static str,
    /// Whether each point is a multiple of the one before.
    pub(crate) is_logarithmic: bool,
    points: fn(quick: bool) -> Vec<u64>,
    contests: u64,
    place: Where,
    /// Where a point may not be had.
    needs: Option<Need>,
}

pub(crate) const CURVES: [Curve; 5] =
    [size::CURVE, capacity::CURVE, crowd::CURVE, channels::CURVE, opening::CURVE];

/// What a curve came to.
pub(crate) struct Points {
    pub(crate) found: Vec<Found>,
    pub(crate) needs: Vec<Needs>,
    /// Why it ended before its last point.
    pub(crate) ended: Option<String>,
}

impl Curve {
    /// Steps of the progress.
    pub(crate) fn steps(&self, quick: bool, pairs: usize) -> usize {
        (self.points)(quick).len() * self.contests as usize * (pairs + 1)
    }

    /// Point by point. `afresh` is called before each: it gives this process back the cores that it may use.
    pub(crate) fn measure(
        &self,
        (quick, pairs): (bool, usize),
        progress: &Progress,
        afresh: impl Fn(),
    ) -> Points {
        let mut points = Points { found: Vec::new(), needs: Vec::new(), ended: None };
        let mut left: VecDeque<_> = (self.points)(quick).into();
        let mut before = 0;
        while let Some(x) = left.pop_front() {
            afresh();
            let run = format!("growth-{}-{}-{x}", self.name, std::process::id());
            if let Some(needs) = self.needs {
                match needs(x, &run) {
                    Ok(needs) => points.needs.extend(needs),
                    Err((most, why)) => {
                        let (name, axis) = (self.name, self.axis);
                        points.ended =
                            Some(format!("{name}: ended before {x} {axis}: after {most} of them: {why}"));
                        // As many as there is room for, and for whatever else is needed.
                        left = [most / 10 * 9].into_iter().filter(|most| *most > before).collect();
                        continue;
                    }
                }
            }
            before = x;
            points.found.extend(match self.place {
                Where::TwoProcesses(make) => self.between_two(make, x, (pairs, progress)),
                Where::Here(make) => {
                    let mut found = Vec::new();
                    for contest in &mut make(x, &run) {
                        found.extend(contest.measure(x, (pairs, progress), |_, job, count| {
                            let start = std::time::Instant::now();
                            job(count);
                            start.elapsed()
                        }));
                    }
                    found
                }
            });
        }
        points
    }

    fn between_two(&self, make: Make, x: u64, pairs: (usize, &Progress)) -> Vec<Found> {
        let mut parent = Parent::start("growth", |command| {
            command.env(POINT, format!("{} {x}", self.name));
        });
        let mut contests = make(x, &parent.side.run, Part::Parent);
        let mut found = Vec::new();
        for (number, contest) in contests.iter_mut().enumerate() {
            found.extend(contest.measure(x, pairs, |at, job, count| {
                parent.slice((number << 8 | at) as u64, count, || job(count))
            }));
        }
        parent.finish();
        found
    }
}

/// In the second process: the contestants do their part.
pub(crate) fn answer(child: Child) {
    let point = std::env::var(POINT).expect("a point");
    let (name, x) = point.split_once(' ').expect("two words");
    let curve = CURVES.into_iter().find(|curve| curve.name == name).expect("a curve of this name");
    let Where::TwoProcesses(make) = curve.place else { panic!("{name} has no second process") };
    let mut contests = make(x.parse().expect("a number"), &child.side.run, Part::Child);
    child.serve(|_, what, count| contests[what as usize >> 8].entries[what as usize & 0xff].1(count));
}

/// A directory of names for one point, removed with all that it holds.
struct Place(std::path::PathBuf);

impl Place {
    /// For the point of that name; the same for both processes.
    fn of(run: &str) -> Namespace {
        Namespace::Dir(format!("/dev/shm/ringway-{run}").into())
    }

    fn create(run: &str) -> Self {
        let path = Self::of(run).path();
        std::fs::create_dir_all(&path).expect("a directory in shared memory");
        Self(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Powers of a number, from one to another.
fn powers(base: u64, from: u64, to: u64) -> Vec<u64> {
    std::iter::successors(Some(from), |x| Some(x * base)).take_while(|x| *x <= to).collect()
}
