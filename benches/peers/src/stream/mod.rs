//! One-way throughput: one sends as fast as it can, the other reads every word.

mod sides;

use std::time::Duration;

use ringway::Message;
use serde_json::Value;

use crate::contest::{
    self, Board, Contest, Contestant, Figures, Report, Row, Run, THREADS, Unit, WARM_UP, YARDSTICKS, probe,
};
use crate::crew::{self, Crew, Job, Memory};
use crate::links::{self, At, Link, Mode, Pair, Visit, VisitPairs};
use crate::raw::BatchRing;
use crate::{BATCH, Scope};

const YARDSTICK: &str = "raw-batch";
const SLICE: Duration = Duration::from_millis(2);

/// In words, with what comes before each in the yardsticks' memory.
const SIZES: [usize; 6] = [1, 7, 8, 32, 128, 512];

macro_rules! each_size {
    ($of:ident, $argument:expr) => {
        [
            $of::<1>($argument),
            $of::<7>($argument),
            $of::<8>($argument),
            $of::<32>($argument),
            $of::<128>($argument),
            $of::<512>($argument),
        ]
    };
}

fn ring(memory: &Memory, words: usize) -> BatchRing {
    let before: usize =
        SIZES.iter().take_while(|size| **size < words).map(|size| BatchRing::bytes(*size)).sum();
    BatchRing::new(memory.at(YARDSTICKS + before), words)
}

fn at(memory: &Memory, words: usize, first: bool) -> At {
    At { run: memory.run.clone(), channel: format!("stream-{words}"), first, polling: false }
}

fn label(words: usize) -> String {
    (words * 8).to_string()
}

/// The senders' sides of those between processes.
struct Senders<'a> {
    memory: &'a Memory,
    jobs: &'a mut u32,
    all: Vec<Contestant>,
}

impl Senders<'_> {
    fn push(&mut self, row: Row, sleeps: bool, run: Run) {
        *self.jobs += 1;
        self.all.push(Contestant { row, crew: 0, job: *self.jobs, run, sleeps });
    }
}

impl<const N: usize> Visit<N> for Senders<'_> {
    fn link<L: Link<N>>(&mut self) {
        let row = Row {
            label: label(N),
            name: L::NAME,
            between: "processes",
            ours: L::MODE.ours(),
            yardstick: false,
            broken: L::BROKEN,
        };
        let run = sides::sending::<N>(L::outlet(&at(self.memory, N, true)), Board::new(self.memory));
        self.push(row, L::SLEEPS, run);
    }
}

fn senders<const N: usize>((memory, jobs): (&Memory, &mut u32)) -> Vec<Contestant>
where
    [u64; N]: Message,
{
    let mut senders = Senders { memory, jobs, all: Vec::new() };
    links::each::<N>(&mut senders);
    let row = Row {
        label: label(N),
        name: YARDSTICK,
        between: "processes",
        ours: Mode::Batch.ours(),
        yardstick: true,
        broken: None,
    };
    senders.push(row, false, sides::sending_bare(ring(memory, N), Board::new(memory)));
    senders.all
}

/// The receivers' sides.
struct Receivers<'a> {
    memory: &'a Memory,
    all: Vec<Job>,
}

impl<const N: usize> Visit<N> for Receivers<'_> {
    fn link<L: Link<N>>(&mut self) {
        let inlet = L::inlet(&at(self.memory, N, false));
        self.all.push(sides::receiving::<N>(inlet, Board::new(self.memory)));
    }
}

fn receivers<const N: usize>(memory: &Memory) -> Vec<Job>
where
    [u64; N]: Message,
{
    let mut receivers = Receivers { memory, all: Vec::new() };
    links::each::<N>(&mut receivers);
    receivers.all.push(sides::receiving_bare(ring(memory, N), Board::new(memory)));
    receivers.all
}

/// The jobs of the receivers' process.
pub(crate) fn jobs(memory: &Memory) -> Vec<Job> {
    let mut all = vec![probe(memory).answering()];
    each_size!(receivers, memory).into_iter().for_each(|jobs| all.extend(jobs));
    all
}

type Make = Box<dyn FnOnce() -> Job + Send>;

/// Both sides of those between threads: the receivers are made where they will live.
struct Pairs<'a> {
    memory: &'a Memory,
    makes: &'a mut Vec<Make>,
    all: Vec<Contestant>,
}

impl<const N: usize> VisitPairs<N> for Pairs<'_> {
    fn pair<P: Pair<N>>(&mut self) {
        let (out, inlet) = P::pair();
        let row = Row {
            label: label(N),
            name: P::NAME,
            between: "threads",
            ours: P::MODE.ours(),
            yardstick: false,
            broken: None,
        };
        let run = sides::sending::<N>(out, Board::new(self.memory));
        let job = self.makes.len() as u32;
        let board = Board::new(self.memory);
        self.makes.push(Box::new(move || sides::receiving::<N>(inlet, board)));
        self.all.push(Contestant { row, crew: THREADS, job, run, sleeps: false });
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
    let run = scope.run("stream");
    links::prepare(&run);
    let memory = Memory::create(&run);
    let between = Memory::create(&format!("{run}-threads"));
    let mut job = 0;
    let sizes = each_size!(senders, (&memory, &mut job));
    let mut makes = Vec::new();
    let threads = each_size!(pairs, (&between, &mut makes));
    let (probe, boards) = (probe(&memory), [Board::new(&memory), Board::new(&between)]);
    let crews = [
        Crew::processes(memory, 1),
        Crew::thread(between, move || makes.into_iter().map(|make| make()).collect()),
    ];
    crew::pin(0);
    let steps = SIZES.len() * (scope.rounds + WARM_UP);
    let crews = crews.into_iter().zip(boards).collect();
    let mut contest = Contest::new(crews, probe, (SLICE, BATCH as u64), None, steps);
    let mut all: Vec<Figures> = Vec::new();
    for (mut processes, threads) in sizes.into_iter().zip(threads) {
        processes.extend(threads);
        all.extend(contest.measure(&mut processes, scope.rounds));
    }
    contest.finish();
    links::clean(&run);
    let report = Report {
        scenario: "stream",
        title: "one-way stream on two cores, 1024 slots, polling",
        label: "bytes",
        unit: Unit::Rate,
        yardstick: "memory announced in batches of 32, with no protocol round it, between processes",
    };
    contest::print(&report, &all);
    scope.draw(contest::plot(&report, &all));
    contest::json(&report, &all)
}
