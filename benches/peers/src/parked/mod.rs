//! Round trips of sides that sleep until there is something for them.

mod cloudtoid;
mod iceoryx;
mod kernel;
mod ours;
mod ringfire;
mod shaq_four;
mod sides;
mod threads;

use std::time::Duration;

use serde_json::Value;

use crate::Scope;
use crate::contest::{
    self, Board, Contest, Contestant, Report, Row, Run, THREADS, Unit, WARM_UP, YARDSTICKS, probe,
};
use crate::crew::{self, Crew, Job, Memory};
use crate::links;
use crate::raw::FutexPingPong;

const WORDS: usize = 7;
type Message = [u64; WORDS];

const YARDSTICK: &str = "raw futex";
const SLICE: Duration = Duration::from_micros(1500);
/// Nobody sleeps longer at once, where it has a choice.
const LONGEST: Duration = Duration::from_secs(1);

/// One way there and one way back, as one side sees them.
trait Sleeper: 'static {
    fn say(&mut self, message: &Message);
    /// Sleeps until there is a message, and shows it. Whether there was one.
    fn hear(&mut self, look: impl FnMut(&Message)) -> bool;
}

/// A contestant between processes.
trait Bed {
    const NAME: &'static str;
    type Sleeper: Sleeper;

    /// The first process makes what has to be made.
    fn open(run: &str, first: bool) -> Self::Sleeper;
}

/// Sees each of them.
trait Visit {
    fn bed<B: Bed>(&mut self);
}

fn each(visit: &mut impl Visit) {
    visit.bed::<ours::Waiting>();
    visit.bed::<ours::AtOnce>();
    visit.bed::<shaq_four::Queues>();
    visit.bed::<ringfire::Rings>();
    visit.bed::<cloudtoid::Queues>();
    visit.bed::<iceoryx::Services>();
    visit.bed::<kernel::Pipes>();
    visit.bed::<kernel::Sockets>();
}

/// The names of a way out and of a way back.
fn ways(first: bool) -> [&'static str; 2] {
    if first { ["ping", "pong"] } else { ["pong", "ping"] }
}

fn futexes(memory: &Memory) -> FutexPingPong {
    FutexPingPong::new(memory.at(YARDSTICKS), None)
}

fn row(name: &'static str, between: &'static str) -> Row {
    let label = (WORDS * 8).to_string();
    // Between threads there is but the one.
    let ours = if between == "threads" { ours::NAME } else { ours::AT_ONCE };
    Row { label, name, between, ours, yardstick: name == YARDSTICK, broken: None }
}

/// The side that asks, of those between processes.
struct Asking<'a> {
    run: &'a str,
    all: Vec<Contestant>,
}

impl Asking<'_> {
    fn push(&mut self, row: Row, run: Run) {
        // The probe comes first.
        let job = self.all.len() as u32 + 1;
        self.all.push(Contestant { row, crew: 0, job, run, sleeps: true });
    }
}

impl Visit for Asking<'_> {
    fn bed<B: Bed>(&mut self) {
        let sleeper = B::open(self.run, true);
        self.push(row(B::NAME, "processes"), sides::asking(sleeper));
    }
}

/// The side that answers.
struct Answering<'a> {
    memory: &'a Memory,
    all: Vec<Job>,
}

impl Visit for Answering<'_> {
    fn bed<B: Bed>(&mut self) {
        let sleeper = B::open(&self.memory.run, false);
        self.all.push(sides::answering(sleeper, Board::new(self.memory)));
    }
}

/// The jobs of the process that answers.
pub(crate) fn jobs(memory: &Memory) -> Vec<Job> {
    let mut answering = Answering { memory, all: vec![probe(memory).answering()] };
    each(&mut answering);
    answering.all.push(sides::answering_bare(futexes(memory), Board::new(memory)));
    answering.all
}

/// Measures, prints, and returns the figures.
pub(crate) fn run(scope: &Scope) -> Value {
    let run = scope.run("parked");
    links::prepare(&run);
    let memory = Memory::create(&run);
    let between = Memory::create(&format!("{run}-threads"));
    let mut asking = Asking { run: &run, all: Vec::new() };
    each(&mut asking);
    asking.push(row(YARDSTICK, "processes"), sides::asking_bare(futexes(&memory)));
    let mut contestants = asking.all;
    let mut makes = Vec::new();
    for (name, run, make) in threads::all(Board::new(&between)) {
        let job = makes.len() as u32;
        makes.push(make);
        contestants.push(Contestant { row: row(name, "threads"), crew: THREADS, job, run, sleeps: true });
    }
    let (probe, boards) = (probe(&memory), [Board::new(&memory), Board::new(&between)]);
    let crews = [
        Crew::processes(memory, 1),
        Crew::thread(between, move || makes.into_iter().map(|make| make()).collect()),
    ];
    crew::pin(0);
    let crews = crews.into_iter().zip(boards).collect();
    let mut contest = Contest::new(crews, probe, (SLICE, 1), None, scope.rounds + WARM_UP);
    let all = contest.measure(&mut contestants, scope.rounds);
    contest.finish();
    drop(contestants);
    links::clean(&run);
    let report = Report {
        scenario: "parked",
        title: "round trip on two cores, of sides that sleep",
        label: "bytes",
        unit: Unit::Micros,
        yardstick: "a bare futex each way",
    };
    contest::print(&report, &all);
    println!(
        "{} looks for some tens of microseconds before it sleeps; who answers sooner finds it awake",
        ours::NAME
    );
    scope.draw(contest::plot(&report, &all));
    contest::json(&report, &all)
}
