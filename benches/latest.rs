//! How many times per second can a process read the latest value of another, and how many times can that be
//! stored, alone and against each other, beside sequence locks on bare shared memory and a plain copy?
//!
//! `cargo bench --bench latest -- --help`

#[path = "support/crew.rs"]
mod crew;
#[path = "support/latest/mod.rs"]
mod latest;
#[path = "support/place.rs"]
mod place;
#[path = "support/progress.rs"]
mod progress;
#[path = "support/report.rs"]
#[allow(dead_code, reason = "the other benchmarks use the rest")]
mod report;
#[path = "support/sizes.rs"]
mod sizes;

use std::path::PathBuf;
use std::process;

use ringway::{Message, seqlock};
use serde_json::json;

use crew::{Crew, Job, MOST, Memory};
use latest::{Contest, Contestant, Figures, Load, PROBE, Store, Totals, YARDSTICKS, reading, writing};
use progress::Progress;

/// In words.
const SIZES: [usize; 7] = [1, 2, 7, 8, 32, 128, 512];
const READERS: [usize; 3] = [1, 2, 4];
/// So many rounds with one reader for each with several: those take longer and wander less.
const SHARE: usize = 8;

const HELP: &str = "\
cargo bench --bench latest -- [OPTIONS]
Options:
  --quick        fewer rounds: ends within 30 seconds
  --pairs N      rounds of slices, one of each contestant, with one reader; an eighth of it with several [100]
  --readers N    only N reader processes: 1, 2 or 4 [all]
  --bytes N,…    only values of so many bytes: 8, 16, 56, 64, 256, 1024 or 4096 [all]
  --json FILE    write the figures to FILE as well
  --help         this text";

struct Arguments {
    rounds: usize,
    readers: Vec<usize>,
    sizes: Vec<usize>,
    json: Option<PathBuf>,
}

fn parse() -> Result<Arguments, lexopt::Error> {
    use lexopt::prelude::*;
    let mut arguments =
        Arguments { rounds: 100, readers: READERS.to_vec(), sizes: SIZES.to_vec(), json: None };
    let mut parser = lexopt::Parser::from_env();
    let wrong = |asked| format!("--readers is {asked}, expected one of {READERS:?}");
    let readers = |asked| if READERS.contains(&asked) { Ok(vec![asked]) } else { Err(wrong(asked)) };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("quick") => arguments.rounds = 30,
            Long("pairs") => arguments.rounds = parser.value()?.parse()?,
            Long("readers") => arguments.readers = readers(parser.value()?.parse()?)?,
            Long("bytes") => arguments.sizes = sizes::parse(&mut parser, &SIZES)?,
            Long("json") => arguments.json = Some(parser.value()?.into()),
            // What `cargo bench` adds.
            Long("bench") => {}
            Long("help") => {
                println!("{HELP}");
                process::exit(0);
            }
            other => return Err(other.unexpected()),
        }
    }
    Ok(arguments)
}

struct Writer<const N: usize>(seqlock::Writer<[u64; N]>)
where
    [u64; N]: Message;

impl<const N: usize> Store<N> for Writer<N>
where
    [u64; N]: Message,
{
    #[inline]
    fn store(&mut self, value: &[u64; N]) {
        self.0.store_ref(value);
    }
}

/// With a value to load over.
struct Reader<const N: usize>(seqlock::Reader<[u64; N]>, [u64; N])
where
    [u64; N]: Message;

impl<const N: usize> Load<N> for Reader<N>
where
    [u64; N]: Message,
{
    #[inline]
    fn load(&mut self, mut look: impl FnMut(&[u64; N])) {
        // A large value as whoever cares loads it: over one that is there.
        if N < 64 {
            look(&self.0.load().expect("a value"));
        } else {
            self.0.load_into(&mut self.1).expect("a value");
            look(&self.1);
        }
    }
}

fn name(memory: &Memory, words: usize) -> String {
    format!("{}-{words}", memory.run)
}

/// Contestants of each size: the cell, and the yardsticks.
const EACH: usize = 1 + YARDSTICKS.len();

fn writers<const N: usize>(memory: &Memory, size: usize) -> Vec<Contestant>
where
    [u64; N]: Message,
{
    let cell = seqlock::cell::<[u64; N]>(&name(memory, N)).create_new().writer().expect("a new cell");
    let yardsticks = YARDSTICKS.into_iter().zip(latest::yardsticks_writing::<N>(memory, size));
    let all = std::iter::once(("seqlock::cell", writing(Writer(cell)))).chain(yardsticks);
    let contestant = |(at, (name, write)): (usize, (&'static str, _))| Contestant {
        name,
        crew: 0,
        job: PROBE + 1 + (size * EACH + at) as u32,
        write,
        shared: name != "memcpy",
    };
    all.enumerate().map(contestant).collect()
}

fn readers<const N: usize>(memory: &Memory, size: usize) -> Vec<Job>
where
    [u64; N]: Message,
{
    let cell = seqlock::cell::<[u64; N]>(&name(memory, N)).open_existing().reader().expect("the cell");
    let mut all = vec![reading(Reader(cell, [0; N]))];
    all.extend(latest::yardsticks_reading::<N>(memory, size));
    all
}

/// Calls the function for each size of [`SIZES`], with its number.
macro_rules! each_size {
    ($of:ident, $memory:expr) => {
        [
            $of::<1>($memory, 0),
            $of::<2>($memory, 1),
            $of::<7>($memory, 2),
            $of::<8>($memory, 3),
            $of::<32>($memory, 4),
            $of::<128>($memory, 5),
            $of::<512>($memory, 6),
        ]
    };
}

/// In the order of the jobs' numbers.
fn jobs(memory: &Memory) -> Vec<Job> {
    let mut all = vec![latest::probe(memory).answering()];
    each_size!(readers, memory).into_iter().for_each(|jobs| all.extend(jobs));
    all
}

fn main() {
    if crew::is_member(jobs) {
        return;
    }
    let arguments = parse().unwrap_or_else(|error| {
        eprintln!("latest: {error}\n{HELP}");
        process::exit(2);
    });
    // Asked before this thread is pinned.
    crew::cores();
    let memory = Memory::create(&format!("bench-latest-{}", process::id()));
    let mut sizes = each_size!(writers, &memory);
    let probe = latest::probe(&memory);
    let crew = Crew::processes(memory, MOST);
    crew::pin(0);
    let rounds = |readers| if readers == 1 { arguments.rounds } else { arguments.rounds.div_ceil(SHARE) };
    let steps = |readers: &usize| Contest::steps(*readers, rounds(*readers)) * arguments.sizes.len();
    let progress = Progress::new(arguments.readers.iter().map(steps).sum());
    let mut contest = Contest::new(vec![crew], probe, progress);
    let mut all: Vec<Figures> = Vec::new();
    for &readers in &arguments.readers {
        for (words, contestants) in SIZES.iter().zip(&mut sizes) {
            if arguments.sizes.contains(words) {
                all.extend(contest.measure(contestants, words * 8, readers, rounds(readers)));
            }
        }
    }
    let totals = Totals { round_trips: std::mem::take(&mut contest.round_trips) };
    contest.finish();
    let title = "the latest value of one process, read by others, without a pause";
    latest::print(title, &totals, &all);
    if let Some(file) = &arguments.json {
        let report = json!({ "title": title, "round_trip": report::median(&totals.round_trips), "rows": latest::json(&all) });
        std::fs::write(file, format!("{report:#}\n")).expect("the JSON file");
    }
    let wrong: Vec<_> = all.iter().filter(|figures| figures.wrong > 0).map(|figures| figures.name).collect();
    assert!(wrong.is_empty(), "these lost or tore values: {wrong:?}");
}
