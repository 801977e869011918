//! The latest value of one writer: between processes where the contestant can do that, else between threads.

mod iceoryx;
mod ours;
mod rings;
mod threads;

#[path = "../../../support/latest/mod.rs"]
#[allow(dead_code, reason = "the benchmark of the cell alone uses the rest")]
mod support;

use ringway::Message;
use serde_json::Value;

use crate::crew::{self, Crew, Job, Memory};
use crate::progress::Progress;
use support::{Contest, Contestant, Figures, PROBE, Totals, Writing, YARDSTICKS};

/// Sizes of values, in words, with their numbers.
macro_rules! each_size {
    ($of:ident, $($argument:expr),*) => {
        [$of::<1>($($argument,)* 0), $of::<8>($($argument,)* 1), $of::<128>($($argument,)* 2)]
    };
}

/// Between processes, after the yardsticks.
const PROCESSES: [&str; 3] = ["ringway cell", "iceoryx2 blackboard", "ringfire blackboard"];
/// Between threads.
const THREADS: [&str; 5] = ["seqlock", "arc-swap", "std Mutex", "std RwLock", "parking_lot RwLock"];

/// The crews, by number.
const OF_PROCESSES: usize = 0;
const OF_THREADS: usize = 1;

fn names() -> impl Iterator<Item = &'static str> {
    PROCESSES.into_iter().chain(YARDSTICKS)
}

/// The writer's side of those between processes, in the order of [`names`].
fn writers<const N: usize>(memory: &Memory, size: usize) -> Vec<Contestant>
where
    [u64; N]: Message,
{
    let run = &memory.run;
    let mut all: Vec<Writing> = vec![
        support::writing(ours::Writer::<N>::new(run)),
        support::writing(iceoryx::Writer::<N>::new(run)),
        support::writing(rings::Writer::<N>::new(run)),
    ];
    all.extend(support::yardsticks_writing::<N>(memory, size));
    let first = PROBE as usize + 1 + size * all.len();
    let contestant = |(at, (name, write)): (usize, (&'static str, Writing))| Contestant {
        name,
        crew: OF_PROCESSES,
        job: (first + at) as u32,
        write,
        shared: name != "memcpy",
    };
    names().zip(all).enumerate().map(contestant).collect()
}

fn readers<const N: usize>(memory: &Memory, size: usize) -> Vec<Job>
where
    [u64; N]: Message,
{
    let run = &memory.run;
    let mut all = vec![
        support::reading(ours::Reader::<N>::new(run)),
        support::reading(iceoryx::Reader::<N>::new(run)),
        support::reading(rings::Reader::<N>::new(run)),
    ];
    all.extend(support::yardsticks_reading::<N>(memory, size));
    all
}

/// The jobs of a reader process.
pub(crate) fn jobs(memory: &Memory) -> Vec<Job> {
    let mut all = vec![support::probe(memory).answering()];
    each_size!(readers, memory).into_iter().for_each(|jobs| all.extend(jobs));
    all
}

/// Both sides of those between threads, of one size: the readers are made where they will live.
fn shared<const N: usize>(jobs: &mut Vec<threads::Make>, size: usize) -> Vec<Contestant> {
    let (writes, makes): (Vec<Writing>, Vec<threads::Make>) = threads::all::<N>().into_iter().unzip();
    jobs.extend(makes);
    let contestant = |(at, (name, write)): (usize, (&'static str, Writing))| Contestant {
        name,
        crew: OF_THREADS,
        job: (size * THREADS.len() + at) as u32,
        write,
        shared: true,
    };
    THREADS.into_iter().zip(writes).enumerate().map(contestant).collect()
}

/// Measures, prints, and returns the figures.
pub(crate) fn run(rounds: usize) -> Vec<Value> {
    let run = format!("bench-peers-{}", std::process::id());
    let memory = Memory::create(&run);
    let mut sizes = each_size!(writers, &memory);
    let mut makes = Vec::new();
    let threads = each_size!(shared, &mut makes);
    sizes.iter_mut().zip(threads).for_each(|(all, threads)| all.extend(threads));
    let probe = support::probe(&memory);
    let crews = vec![
        Crew::processes(memory, 1),
        Crew::thread(Memory::create(&format!("{run}-threads")), move || {
            makes.into_iter().map(|make| make()).collect()
        }),
    ];
    crew::pin(0);
    let progress = Progress::new(sizes.len() * Contest::steps(1, rounds));
    let mut contest = Contest::new(crews, probe, progress);
    let mut all: Vec<Figures> = Vec::new();
    for (words, contestants) in [1, 8, 128].iter().zip(&mut sizes) {
        all.extend(contest.measure(contestants, words * 8, 1, rounds));
    }
    let totals = Totals { round_trips: std::mem::take(&mut contest.round_trips) };
    contest.finish();
    drop(sizes);
    iceoryx::clean(&run);
    support::print("latest value: one writer and one reader on two cores", &totals, &all);
    println!("between processes: {}, the yardsticks", PROCESSES.join(", "));
    println!("between threads: {}", THREADS.join(", "));
    support::json(&all)
}
