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

use crate::Scope;
use crate::contest::{Plot, Series};
use crate::crew::{self, Crew, Job, Memory};
use crate::links;
use crate::place::Place;
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

/// In words.
const SIZES: [usize; 3] = [1, 8, 128];
/// Of processes; of the threads, one reads.
const READERS: [usize; 2] = [1, 3];
/// More readers have so many times fewer rounds, whose slices are longer.
const SHARE: usize = 10;

/// Measures, prints, and returns the figures.
pub(crate) fn run(scope: &Scope) -> Value {
    let run = scope.run("latest");
    let memory = Memory::create(&run);
    let mut sizes = each_size!(writers, &memory);
    let mut makes = Vec::new();
    let threads = each_size!(shared, &mut makes);
    let between_processes = PROCESSES.len() + YARDSTICKS.len();
    sizes.iter_mut().zip(threads).for_each(|(all, threads)| all.extend(threads));
    let probe = support::probe(&memory);
    let crews = vec![
        Crew::processes(memory, READERS[1]),
        Crew::thread(Memory::create(&format!("{run}-threads")), move || {
            makes.into_iter().map(|make| make()).collect()
        }),
    ];
    crew::pin(0);
    let rounds = |readers| if readers == 1 { scope.rounds } else { scope.rounds.div_ceil(SHARE) };
    let steps = READERS.map(|readers| sizes.len() * Contest::steps(readers, rounds(readers)));
    let mut contest = Contest::new(crews, probe, Progress::new(steps.iter().sum()));
    let mut all: Vec<Figures> = Vec::new();
    for readers in READERS {
        for (words, contestants) in SIZES.iter().zip(&mut sizes) {
            let count = if readers == 1 { contestants.len() } else { between_processes };
            all.extend(contest.measure(&mut contestants[..count], words * 8, readers, rounds(readers)));
        }
    }
    let totals = Totals { round_trips: std::mem::take(&mut contest.round_trips) };
    contest.finish();
    drop(sizes);
    links::clean(&run);
    support::print("latest: the latest value of one writer, between cores", &totals, &all);
    println!("between processes: {}, the yardsticks", PROCESSES.join(", "));
    println!("between threads: {}", THREADS.join(", "));
    let rows = support::json(&all);
    scope.draw(plot(&rows));
    rows.into()
}

/// The loads against a writer that never pauses, of one reader, in the place where most rounds were.
fn plot(rows: &[Value]) -> Plot {
    let rounds = |place: &Place| -> u64 {
        let here = rows.iter().filter(|row| row["place"] == place.name());
        here.filter_map(|row| row["rounds"].as_u64()).sum()
    };
    let place = Place::ALL.into_iter().max_by_key(rounds).unwrap_or(Place::Near).name();
    let mut series: Vec<Series> = Vec::new();
    for row in rows.iter().filter(|row| row["place"] == place && row["readers"] == 1 && row["wrong"] == 0) {
        let (Some(name), Some(figure)) = (row["contestant"].as_str(), row["loads"]["figure"].as_f64()) else {
            continue;
        };
        let at = SIZES.iter().position(|words| row["bytes"] == words * 8).expect("one of them");
        match series.iter_mut().find(|series| series.name == name) {
            Some(series) => series.points.push((at, figure)),
            None => {
                let ours = name.starts_with("ringway");
                series.push(Series { name: name.to_owned(), ours, points: vec![(at, figure)] });
            }
        }
    }
    Plot {
        scenario: "latest",
        title: format!("loads by one reader while the writer never pauses ({place})"),
        x: "bytes",
        y: "M/s, higher is better".to_owned(),
        labels: SIZES.iter().map(|words| (words * 8).to_string()).collect(),
        series,
    }
}
