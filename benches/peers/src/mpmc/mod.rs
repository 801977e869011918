//! Several senders and as many receivers share one channel. Everybody runs where the kernel puts it.

mod cloudtoid;
mod crowd;
mod ours;
mod ringfire;
mod shaq_four;
mod shaq_three;
mod threads;

use serde_json::Value;

use crate::Scope;
use crate::contest::{self, Figures, Report, Unit};
use crate::links;
use crate::progress::Progress;
use crate::worker::{self, Job};
use crowd::Crowd;

/// 64 bytes.
pub(crate) const WORDS: usize = 8;
pub(crate) type Message = [u64; WORDS];

const CROWDS: [usize; 3] = [1, 2, 4];

/// Gives the core away as soon as the channel is full or empty, unless it has a way of its own to wait.
trait Sending: Send + 'static {
    /// Whether there was room.
    fn send(&mut self, message: &Message) -> bool;
}

trait Receiving: Send + 'static {
    fn recv(&mut self) -> Option<Message>;
}

/// A channel of one run and crowd, between processes.
trait Shared {
    const NAME: &'static str;
    /// Why it can not be ranked.
    const BROKEN: Option<&'static str> = None;
    type Out: Sending;
    type In: Receiving;
    /// What the first process keeps until all others have come.
    type Guest: 'static;

    fn create(run: &str, channel: &str) -> Self::Guest;
    fn sender(run: &str, channel: &str) -> Self::Out;
    fn receiver(run: &str, channel: &str) -> Self::In;
}

/// Sees each of them.
trait Visit {
    fn shared<S: Shared>(&mut self);
}

fn each(visit: &mut impl Visit) {
    visit.shared::<ours::Waiting>();
    visit.shared::<ours::Trying>();
    visit.shared::<shaq_three::Queue>();
    visit.shared::<shaq_four::Queue>();
    visit.shared::<cloudtoid::Queue>();
    visit.shared::<ringfire::Ring>();
}

/// Finds the job of a worker process by its task: a name, a side, a run, and a channel.
struct Find<'a> {
    task: [&'a str; 4],
    job: Option<Job>,
}

impl Visit for Find<'_> {
    fn shared<S: Shared>(&mut self) {
        let [name, side, run, channel] = self.task;
        if name == S::NAME {
            let patient = S::BROKEN.is_none();
            self.job = Some(match side {
                "sender" => crowd::sending(S::sender(run, channel), patient),
                _ => crowd::receiving(S::receiver(run, channel), patient),
            });
        }
    }
}

/// If this is a worker process: does its job until there is no more to do, and says so.
pub(crate) fn is_worker() -> bool {
    worker::serve(|task| {
        let task: Vec<&str> = task.split('/').collect();
        let mut find = Find { task: task.try_into().expect("four parts"), job: None };
        each(&mut find);
        find.job.expect("the task of a contestant")
    })
}

/// Measures, prints, and returns the figures.
pub(crate) fn run(scope: &Scope) -> Value {
    let run = scope.run("mpmc");
    links::prepare(&run);
    let progress = Progress::new(CROWDS.len() * (scope.rounds + crowd::WARM_UP));
    let mut all: Vec<Figures> = Vec::new();
    for pairs in CROWDS {
        let mut crowds = Crowds { run: &run, pairs, all: Vec::new() };
        each(&mut crowds);
        crowds.all.extend(threads::all(pairs));
        all.extend(crowd::measure(crowds.all, scope.rounds, &progress));
    }
    drop(progress);
    links::clean(&run);
    let report = Report {
        scenario: "mpmc",
        title: "one channel of 1024 slots for all, 64 bytes, unpinned",
        label: "crowd",
        unit: Unit::Rate,
        yardstick: "crossbeam's ArrayQueue between as many threads",
    };
    contest::print(&report, &all);
    scope.draw(contest::plot(&report, &all));
    contest::json(&report, &all)
}

/// Starts the processes of all.
struct Crowds<'a> {
    run: &'a str,
    pairs: usize,
    all: Vec<Crowd>,
}

impl Visit for Crowds<'_> {
    fn shared<S: Shared>(&mut self) {
        let channel = format!("crowd-{}", self.pairs);
        let guest = S::create(self.run, &channel);
        let task = |side: &str| format!("{}/{side}/{}/{channel}", S::NAME, self.run);
        let row = crowd::row(self.pairs, S::NAME, "processes", S::BROKEN);
        self.all.push(Crowd::processes(row, self.pairs, task, Box::new(guest)));
    }
}
