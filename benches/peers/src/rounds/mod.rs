//! Round trips: a message goes to the other side and comes back, both sides polling.

mod sides;

use std::time::Duration;

use ringway::Message;
use serde_json::Value;

use crate::Scope;
use crate::contest::{
    self, Board, Contest, Contestant, Figures, Report, Row, Run, THREADS, Unit, WARM_UP, YARDSTICKS, probe,
};
use crate::crew::{self, Crew, Job, Memory};
use crate::links::{self, At, Link, Mode, Pair, Visit, VisitPairs};
use crate::raw::PingPong;

const YARDSTICK: &str = "raw-pingpong";
const SLICE: Duration = Duration::from_micros(1500);
/// Every so many rounds, single round trips are timed.
const TIMED: usize = 4;

/// In words.
const SIZES: [usize; 4] = [1, 7, 8, 32];

macro_rules! each_size {
    ($of:ident, $argument:expr) => {
        [$of::<1>($argument), $of::<7>($argument), $of::<8>($argument), $of::<32>($argument)]
    };
}

/// The yardstick of each size has lines of its own.
fn lines(memory: &Memory, words: usize) -> PingPong {
    let at = SIZES.iter().position(|size| *size == words).expect("one of them");
    PingPong::new(memory.at(YARDSTICKS + at * 16384))
}

/// Both ways of a contestant, as one side sees them.
fn ways<const N: usize, L: Link<N>>(memory: &Memory, first: bool) -> (L::Out, L::In) {
    let at = |way| At { run: memory.run.clone(), channel: format!("{way}-{N}"), first, polling: true };
    let (out, back) = if first { ("ping", "pong") } else { ("pong", "ping") };
    (L::outlet(&at(out)), L::inlet(&at(back)))
}

fn row(words: usize, name: &'static str, between: &'static str) -> Row {
    let ours = Mode::Single.ours();
    Row { label: (words * 8).to_string(), name, between, ours, yardstick: false, broken: None }
}

/// The side that asks, of those between processes.
struct Asking<'a> {
    memory: &'a Memory,
    jobs: &'a mut u32,
    all: Vec<Contestant>,
}

impl Asking<'_> {
    fn push(&mut self, row: Row, run: Run) {
        *self.jobs += 1;
        self.all.push(Contestant { row, crew: 0, job: *self.jobs, run, sleeps: false });
    }
}

impl<const N: usize> Visit<N> for Asking<'_> {
    fn link<L: Link<N>>(&mut self) {
        if L::MODE == Mode::Single {
            let (out, inlet) = ways::<N, L>(self.memory, true);
            let row = Row { broken: L::BROKEN, ..row(N, L::NAME, "processes") };
            self.push(row, sides::asking::<N>(out, inlet));
        }
    }
}

fn asking<const N: usize>((memory, jobs): (&Memory, &mut u32)) -> Vec<Contestant>
where
    [u64; N]: Message,
{
    let mut asking = Asking { memory, jobs, all: Vec::new() };
    links::each::<N>(&mut asking);
    let row = Row { yardstick: true, ..row(N, YARDSTICK, "processes") };
    asking.push(row, sides::asking_bare(lines(memory, N)));
    asking.all
}

/// The side that answers.
struct Answering<'a> {
    memory: &'a Memory,
    all: Vec<Job>,
}

impl<const N: usize> Visit<N> for Answering<'_> {
    fn link<L: Link<N>>(&mut self) {
        if L::MODE == Mode::Single {
            let (out, inlet) = ways::<N, L>(self.memory, false);
            self.all.push(sides::answering::<N>(out, inlet, Board::new(self.memory)));
        }
    }
}

fn answering<const N: usize>(memory: &Memory) -> Vec<Job>
where
    [u64; N]: Message,
{
    let mut answering = Answering { memory, all: Vec::new() };
    links::each::<N>(&mut answering);
    answering.all.push(sides::answering_bare(lines(memory, N), Board::new(memory)));
    answering.all
}

/// The jobs of the process that answers.
pub(crate) fn jobs(memory: &Memory) -> Vec<Job> {
    let mut all = vec![probe(memory).answering()];
    each_size!(answering, memory).into_iter().for_each(|jobs| all.extend(jobs));
    all
}

type Make = Box<dyn FnOnce() -> Job + Send>;

/// Both sides of those between threads: those that answer are made where they will live.
struct Pairs<'a> {
    memory: &'a Memory,
    makes: &'a mut Vec<Make>,
    all: Vec<Contestant>,
}

impl<const N: usize> VisitPairs<N> for Pairs<'_> {
    fn pair<P: Pair<N>>(&mut self) {
        if P::MODE != Mode::Single {
            return;
        }
        let ((out, there), (back, here)) = (P::pair(), P::pair());
        let (job, board) = (self.makes.len() as u32, Board::new(self.memory));
        self.makes.push(Box::new(move || sides::answering::<N>(back, there, board)));
        let run = sides::asking::<N>(out, here);
        self.all.push(Contestant { row: row(N, P::NAME, "threads"), crew: THREADS, job, run, sleeps: false });
    }
}

fn pairs<const N: usize>((memory, makes): (&Memory, &mut Vec<Make>)) -> Vec<Contestant>
where
    [u64; N]: Message,
{
    let mut pairs = Pairs { memory, makes, all: Vec::new() };
    links::each_pair::<N>(&mut pairs);
    pairs.all
}

/// Measures, prints, and returns the figures.
pub(crate) fn run(scope: &Scope) -> Value {
    let run = scope.run("rounds");
    links::prepare(&run);
    let memory = Memory::create(&run);
    let between = Memory::create(&format!("{run}-threads"));
    let mut job = 0;
    let sizes = each_size!(asking, (&memory, &mut job));
    let mut makes = Vec::new();
    let threads = each_size!(pairs, (&between, &mut makes));
    let (probe, boards) = (probe(&memory), [Board::new(&memory), Board::new(&between)]);
    let crews = [
        Crew::processes(memory, 1),
        Crew::thread(between, move || makes.into_iter().map(|make| make()).collect()),
    ];
    crew::pin(0);
    let crews = crews.into_iter().zip(boards).collect();
    let steps = SIZES.len() * (scope.rounds + WARM_UP);
    let mut contest = Contest::new(crews, probe, (SLICE, 1), Some(TIMED), steps);
    let mut all: Vec<Figures> = Vec::new();
    for (mut processes, threads) in sizes.into_iter().zip(threads) {
        processes.extend(threads);
        all.extend(contest.measure(&mut processes, scope.rounds));
    }
    contest.finish();
    links::clean(&run);
    let report = Report {
        scenario: "rounds",
        title: "round trip on two cores, polling",
        label: "bytes",
        unit: Unit::Nanos,
        yardstick: "a bare line each way between processes, whatever the size",
    };
    contest::print(&report, &all);
    scope.draw(contest::plot(&report, &all));
    contest::json(&report, &all)
}
