//! How many messages per second go through one channel that several senders and receivers share, more of them than
//! there are cores, beside a well-known queue for threads and a channel of one sender and one receiver?
//!
//! `cargo bench --bench crowd -- --help`
//!
//! Everybody runs where the kernel puts it and waits as by default: some tens of microseconds, before it gives the core
//! away. The queue's users give it away at once, and so do those of the channel in the rows called `try`.

#[path = "support/array_queue.rs"]
mod array_queue;
#[path = "support/progress.rs"]
mod progress;
#[path = "support/report.rs"]
#[allow(dead_code, reason = "the other benchmarks use the rest")]
mod report;
#[path = "support/sizes.rs"]
mod sizes;
#[path = "support/worker.rs"]
mod worker;

use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use crossbeam_queue::ArrayQueue;
use ringway::channel::{Channel, Kind, Receiver, Sender};
use ringway::{Message, TryRecvError, TrySendError, mpmc, spsc};
use serde_json::json;

use array_queue::{checked, popping, pushing};
use progress::Progress;
use report::{median, quantile, ratios};
use worker::{Job, Slice, Tally, Worker};

/// Slots of every ring here, and messages of a batch.
const CAPACITY: usize = 1024;
const BATCH: usize = 32;
/// Bytes that a slice moves, and the most messages: several turns of everybody on the cores.
const SLICE: usize = 8 << 20;
const MOST: usize = 200_000;

/// In words.
const SIZES: [usize; 4] = [1, 7, 8, 32];
const CROWDS: [usize; 3] = [1, 2, 4];

const HELP: &str = "\
cargo bench --bench crowd -- [OPTIONS]
Options:
  --quick        fewer rounds: ends within 30 seconds
  --pairs N      rounds of slices, one of each contestant [60]
  --crowd N      only N senders and N receivers: 1, 2 or 4 [all]
  --bytes N,…    only messages of so many bytes: 8, 56, 64 or 256 [all]
  --json FILE    write the figures to FILE as well
  --help         this text";

struct Arguments {
    rounds: usize,
    crowds: Vec<usize>,
    sizes: Vec<usize>,
    json: Option<PathBuf>,
}

fn parse() -> Result<Arguments, lexopt::Error> {
    use lexopt::prelude::*;
    let mut arguments = Arguments { rounds: 60, crowds: CROWDS.to_vec(), sizes: SIZES.to_vec(), json: None };
    let mut parser = lexopt::Parser::from_env();
    let wrong = |asked| format!("--crowd is {asked}, expected one of {CROWDS:?}");
    let crowd = |asked| if CROWDS.contains(&asked) { Ok(vec![asked]) } else { Err(wrong(asked)) };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("quick") => arguments.rounds = 10,
            Long("pairs") => arguments.rounds = parser.value()?.parse()?,
            Long("crowd") => arguments.crowds = crowd(parser.value()?.parse()?)?,
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

/// Sends the numbers from 1 on.
fn sending<const N: usize, K: Kind>(mut tx: Sender<[u64; N], K>) -> Job
where
    [u64; N]: Message,
{
    let mut batch = Vec::with_capacity(BATCH);
    Box::new(move |Slice { count, batches }| {
        if batches {
            for first in (1..=count).step_by(BATCH) {
                batch.clear();
                batch.extend((first..=count.min(first + BATCH as u64 - 1)).map(|number| [number; N]));
                tx.send_batch(&batch).expect("the receivers");
            }
        } else {
            (1..=count).for_each(|number| tx.send([number; N]).expect("the receivers"));
        }
        Tally::default()
    })
}

/// Receives so many, reads every word, and gives what the numbers come to.
fn receiving<const N: usize, K: Kind>(mut rx: Receiver<[u64; N], K>) -> Job
where
    [u64; N]: Message,
{
    let mut batch = Vec::with_capacity(BATCH);
    Box::new(move |Slice { mut count, batches }| {
        let mut tally = Tally::default();
        while count > 0 {
            if batches {
                batch.clear();
                rx.recv_batch(&mut batch, BATCH.min(count as usize)).expect("the senders");
                batch.iter().for_each(|message| tally.add(checked(message)));
                count -= batch.len() as u64;
            } else {
                tally.add(checked(&rx.recv().expect("the senders")));
                count -= 1;
            }
        }
        tally
    })
}

/// As [`sending`], one by one, but gives the core away as soon as the channel is full: as the queue's users do.
fn sending_or_yielding<const N: usize>(mut tx: mpmc::Sender<[u64; N]>) -> Job
where
    [u64; N]: Message,
{
    Box::new(move |Slice { count, .. }| {
        for number in 1..=count {
            while let Err(error) = tx.try_send([number; N]) {
                assert!(matches!(error, TrySendError::Full(_)), "{error}");
                thread::yield_now();
            }
        }
        Tally::default()
    })
}

/// As [`receiving`], one by one, but gives the core away as soon as the channel is empty.
fn receiving_or_yielding<const N: usize>(mut rx: mpmc::Receiver<[u64; N]>) -> Job
where
    [u64; N]: Message,
{
    Box::new(move |Slice { count, .. }| {
        let mut tally = Tally::default();
        for _ in 0..count {
            let message = loop {
                match rx.try_recv() {
                    Ok(message) => break message,
                    Err(TryRecvError::Empty) => thread::yield_now(),
                    Err(error) => panic!("{error}"),
                }
            };
            tally.add(checked(&message));
        }
        tally
    })
}

/// Senders and receivers of one ring, as many of one as of the other.
struct Crowd {
    workers: Vec<Worker>,
    pairs: u64,
}

impl Crowd {
    fn threads(jobs: Vec<Job>) -> Self {
        let pairs = jobs.len() as u64 / 2;
        Self { workers: jobs.into_iter().map(Worker::thread).collect(), pairs }
    }

    fn processes(pairs: usize, task: &str) -> Self {
        let workers = (0..2 * pairs).map(|at| {
            let side = if at % 2 == 0 { "sender" } else { "receiver" };
            Worker::process(&format!("{side} {task}"))
        });
        Self { workers: workers.collect(), pairs: pairs as u64 }
    }

    /// So many messages in all; million messages per second.
    fn slice(&mut self, count: u64, batches: bool) -> f64 {
        let each = count / self.pairs;
        let start = Instant::now();
        self.workers.iter_mut().for_each(|worker| worker.start(Slice { count: each, batches }));
        let found = self.workers.iter_mut().map(Worker::finish).fold(Tally::default(), Tally::and);
        let elapsed = start.elapsed();
        let sent = (0..self.pairs).map(|_| Tally::up_to(each)).fold(Tally::default(), Tally::and);
        assert_eq!(found, sent, "messages were lost, or came twice");
        (each * self.pairs) as f64 / elapsed.as_secs_f64() / 1e6
    }
}

fn named<const N: usize>(run: &str) -> Channel<[u64; N], ringway::channel::Mpmc>
where
    [u64; N]: Message,
{
    mpmc::channel(run).capacity(CAPACITY)
}

/// What a worker process does.
fn job(task: &str) -> Job {
    fn of<const N: usize>(side: &str, run: &str) -> Job
    where
        [u64; N]: Message,
    {
        match side {
            "sender" => sending(named::<N>(run).sender().expect("a channel")),
            _ => receiving(named::<N>(run).receiver().expect("a channel")),
        }
    }
    match task.split(' ').collect::<Vec<_>>()[..] {
        [side, "1", run] => of::<1>(side, run),
        [side, "7", run] => of::<7>(side, run),
        [side, "8", run] => of::<8>(side, run),
        [side, "32", run] => of::<32>(side, run),
        _ => panic!("there is no task `{task}`"),
    }
}

const CONTESTANTS: [&str; 5] =
    ["threads", "threads, batches", "threads, try", "processes", "processes, batches"];

/// Whether there is nothing here like it to compare it with: the queue and the channel of two go one by one.
fn in_batches(contestant: &str) -> bool {
    contestant.ends_with("batches")
}

/// Of one size and one crowd: million messages per second, one figure for each round.
struct Figures {
    bytes: usize,
    pairs: usize,
    contestants: [Vec<f64>; 5],
    queue: Vec<f64>,
    spsc: Vec<f64>,
}

fn measure<const N: usize>(pairs: usize, rounds: usize, progress: &Progress) -> Figures
where
    [u64; N]: Message,
{
    let (tx, rx) = mpmc::in_process::<[u64; N]>(CAPACITY).expect("memory");
    let jobs = (0..pairs).flat_map(|_| [sending(tx.clone()), receiving(rx.clone())]).collect();
    drop((tx, rx));
    let mut threads = Crowd::threads(jobs);
    let (tx, rx) = mpmc::in_process::<[u64; N]>(CAPACITY).expect("memory");
    let jobs = (0..pairs).flat_map(|_| [sending_or_yielding(tx.clone()), receiving_or_yielding(rx.clone())]);
    let mut tries = Crowd::threads(jobs.collect());
    drop((tx, rx));
    let run = format!("bench-crowd-{}-{N}-{pairs}", process::id());
    // Holds the channel until all have come.
    let guest = named::<N>(&run).create_new().sender().expect("a new channel");
    let mut processes = Crowd::processes(pairs, &format!("{N} {run}"));
    processes.slice((pairs * BATCH) as u64, false);
    drop(guest);
    let shared = Arc::new(ArrayQueue::new(CAPACITY));
    let jobs = (0..pairs).flat_map(|_| [pushing::<N>(shared.clone()), popping(shared.clone())]);
    let mut queue = Crowd::threads(jobs.collect());
    let (tx, rx) = spsc::in_process::<[u64; N]>(CAPACITY).expect("memory");
    let mut sole = Crowd::threads(vec![sending(tx), receiving(rx)]);

    let count = (SLICE / (N * 8)).min(MOST) as u64;
    let mut figures: [Vec<f64>; 7] = Default::default();
    // The first round warms up and is not counted.
    for round in 0..=rounds {
        for turn in 0..7 {
            let at = (turn + round) % 7;
            let figure = match at {
                0 => threads.slice(count, false),
                1 => threads.slice(count, true),
                2 => tries.slice(count, false),
                3 => processes.slice(count, false),
                4 => processes.slice(count, true),
                5 => queue.slice(count, false),
                _ => sole.slice(count, false),
            };
            if round > 0 {
                figures[at].push(figure);
            }
        }
        progress.step();
    }
    let [a, b, c, d, e, queue, spsc] = figures;
    Figures { bytes: N * 8, pairs, contestants: [a, b, c, d, e], queue, spsc }
}

fn print(all: &[Figures]) {
    println!("\nmpmc with {CAPACITY} slots, unpinned, in M/s\n");
    println!(
        "{:>6} {:>6}  {:<19} {:>7} {:>11} {:>13}  {:>13} {:>7} {:>7}",
        "bytes", "crowd", "mpmc", "M/s", "ArrayQueue", "ratio to it", "10 % to 90 %", "spsc", "ratio"
    );
    for figures in all {
        for (name, own) in CONTESTANTS.into_iter().zip(&figures.contestants) {
            let crowd = format!("{0}x{0}", figures.pairs);
            print!("{:>6} {crowd:>6}  {name:<19} {:>7.1}", figures.bytes, median(own));
            if in_batches(name) {
                println!();
                continue;
            }
            let (queue, spsc) = (ratios(own, &figures.queue), ratios(own, &figures.spsc));
            println!(
                " {:>11.1} {:>13.2}  {:>5.2} .. {:>4.2} {:>7.1} {:>7.2}",
                median(&figures.queue),
                median(&queue),
                quantile(&queue, 0.1),
                quantile(&queue, 0.9),
                median(&figures.spsc),
                median(&spsc),
            );
        }
    }
    println!("\nArrayQueue: crossbeam's, between as many threads; spsc: 1x1 between threads;");
    println!("both one by one, so that batches are beside neither");
    println!("ratio: the median of the ratios of slices of the same round (higher is better)");
}

fn write(all: &[Figures], file: &PathBuf) -> std::io::Result<()> {
    let row = |figures: &Figures, at: usize| {
        let own = &figures.contestants[at];
        let beside = |yard: &[f64]| (!in_batches(CONTESTANTS[at])).then(|| median(&ratios(own, yard)));
        json!({
            "bytes": figures.bytes, "crowd": figures.pairs, "contestant": CONTESTANTS[at], "figure": median(own),
            "queue": median(&figures.queue), "spsc": median(&figures.spsc), "rounds": own.len(),
            "ratio_to_queue": beside(&figures.queue),
            "ratio_to_spsc": beside(&figures.spsc),
        })
    };
    let rows: Vec<_> =
        all.iter().flat_map(|figures| (0..CONTESTANTS.len()).map(move |at| row(figures, at))).collect();
    std::fs::write(file, format!("{:#}\n", json!({ "title": "crowd", "unit": "M/s", "rows": rows })))
}

fn main() {
    if worker::serve(job) {
        return;
    }
    let arguments = parse().unwrap_or_else(|error| {
        eprintln!("crowd: {error}\n{HELP}");
        process::exit(2);
    });
    let mut all = Vec::new();
    let progress = Progress::new(arguments.sizes.len() * arguments.crowds.len() * (arguments.rounds + 1));
    for words in &arguments.sizes {
        for pairs in &arguments.crowds {
            all.push(match words {
                1 => measure::<1>(*pairs, arguments.rounds, &progress),
                7 => measure::<7>(*pairs, arguments.rounds, &progress),
                8 => measure::<8>(*pairs, arguments.rounds, &progress),
                _ => measure::<32>(*pairs, arguments.rounds, &progress),
            });
        }
    }
    drop(progress);
    print(&all);
    if let Some(file) = &arguments.json {
        write(&all, file).expect("the JSON file");
    }
}
