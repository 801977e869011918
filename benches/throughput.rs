//! How many messages per second go one way to another process, beside memory that is written and announced
//! in batches on the same cores? And how many, if the channel is one that others could share as well? What of that is instructions,
//! which each core can also do alone, and what copies?
//!
//! `cargo bench --bench throughput -- --help`

mod support;

use ringway::{Message, Wait, mpmc, spsc};
use support::{BATCH, BatchRing, CAPACITY, Child, Parent, Progress, Report, Role, Row, Side, start};

/// Bytes that a slice moves, so that all last about as long.
const SLICE: u64 = 2 << 20;
const MOST: u64 = 60_000;

/// Who runs: a size's words times eight, plus one of these.
const YARDSTICK: u64 = 0;
const SINGLE: u64 = 1;
const BATCHES: u64 = 2;
const IN_PLACE: u64 = 3;
const SHARED: u64 = 4;
const SHARED_BATCHES: u64 = 5;
/// Memory as the yardstick's, filled and emptied as batches are.
const COPIES: u64 = 6;
/// Each process sends and receives by itself, so that no line travels.
const ALONE: u64 = 7;
const _: () = assert!(ALONE < 8);

/// Contestants, with their yardsticks.
const CONTESTANTS: [(u64, u64, &str); 10] = [
    (SINGLE, YARDSTICK, "single"),
    (BATCHES, YARDSTICK, "batch of 32"),
    (IN_PLACE, YARDSTICK, "in place"),
    (SINGLE, ALONE, "single / alone"),
    (COPIES, YARDSTICK, "bare copies"),
    (BATCHES, COPIES, "batch / copies"),
    (SHARED, YARDSTICK, "mpmc single"),
    (SHARED_BATCHES, YARDSTICK, "mpmc batch"),
    (SHARED, SINGLE, "mpmc / spsc"),
    (SHARED_BATCHES, BATCHES, "mpmc / spsc, batches"),
];

/// The sizes, in words, in which the channel that others could share runs too.
const SHARED_SIZES: [usize; 4] = [1, 7, 8, 32];
/// And those in which copies are what takes time.
const COPIED_SIZES: [usize; 2] = [128, 512];
/// And those in which instructions are.
const SMALL_SIZES: [usize; 3] = [1, 7, 8];

fn messages(words: usize) -> u64 {
    (SLICE / (words as u64 * 8)).min(MOST) / BATCH as u64 * BATCH as u64
}

/// What the receiver does with a message, and the yardstick's as well: reads every word of it.
#[inline]
fn check<const N: usize>(message: &[u64; N], number: u64) {
    let sum = message.iter().fold(0_u64, |sum, word| sum.wrapping_add(*word));
    assert_eq!(sum, number.wrapping_mul(N as u64), "a message was lost or torn");
}

/// Both ends of a channel, for one process that is alone with it.
struct Both<const N: usize> {
    tx: spsc::Sender<[u64; N]>,
    rx: spsc::Receiver<[u64; N]>,
}

impl<const N: usize> Both<N>
where
    [u64; N]: Message,
{
    fn new() -> Self {
        // Of 64 bytes a third of a first-level cache.
        let (tx, rx) = spsc::in_process(256).expect("a channel");
        Self { tx, rx }
    }

    /// Half as many messages as the channel holds go in, and then out, until so many have.
    fn run(&mut self, count: u64) {
        let some = 128;
        let mut sent = self.tx.position();
        let end = sent + count;
        while sent < end {
            let next = end.min(sent + some);
            for number in sent + 1..=next {
                self.tx.send([number; N]).expect("this process");
            }
            sent = next;
            while self.rx.position() < next {
                let message = self.rx.recv().expect("this process");
                check(&message, self.rx.position());
            }
        }
    }
}

struct Out<const N: usize> {
    tx: spsc::Sender<[u64; N]>,
    shared: mpmc::Sender<[u64; N]>,
    /// Messages that went through `shared`.
    sent: u64,
    raw: BatchRing,
    both: Both<N>,
    batch: Vec<[u64; N]>,
}

struct In<const N: usize> {
    rx: spsc::Receiver<[u64; N]>,
    shared: mpmc::Receiver<[u64; N]>,
    /// Messages that came through `shared`.
    received: u64,
    raw: BatchRing,
    both: Both<N>,
    batch: Vec<[u64; N]>,
}

impl<const N: usize> Out<N>
where
    [u64; N]: Message,
{
    fn run(&mut self, what: u64, count: u64) {
        let next = self.tx.position() + 1;
        match what {
            YARDSTICK => self.raw.send(count),
            ALONE => self.both.run(count),
            SINGLE => {
                for number in next..next + count {
                    self.tx.send([number; N]).expect("the other process");
                }
            }
            BATCHES => {
                for first in (next..next + count).step_by(BATCH) {
                    self.batch.clear();
                    self.batch.extend((first..first + BATCH as u64).map(|number| [number; N]));
                    self.tx.send_batch(&self.batch).expect("the other process");
                }
            }
            COPIES => {
                for _ in 0..count / BATCH as u64 {
                    self.batch.clear();
                    let first = self.raw.position() + 1;
                    self.batch.extend((first..first + BATCH as u64).map(|number| [number; N]));
                    self.raw.send_copies(self.batch.as_slice().try_into().expect("a batch"));
                }
            }
            SHARED => {
                for number in self.sent + 1..=self.sent + count {
                    self.shared.send([number; N]).expect("the other process");
                }
                self.sent += count;
            }
            SHARED_BATCHES => {
                for first in (self.sent + 1..=self.sent + count).step_by(BATCH) {
                    self.batch.clear();
                    self.batch.extend((first..first + BATCH as u64).map(|number| [number; N]));
                    self.shared.send_batch(&self.batch).expect("the other process");
                }
                self.sent += count;
            }
            _ => {
                for number in next..next + count {
                    let mut draft = self.tx.loan().expect("the other process").recycle();
                    draft.fill(number);
                    draft.publish();
                }
            }
        }
    }
}

impl<const N: usize> In<N>
where
    [u64; N]: Message,
{
    fn run(&mut self, what: u64, count: u64) {
        let end = self.rx.position() + count;
        match what {
            YARDSTICK => self.raw.recv(count),
            ALONE => self.both.run(count),
            SINGLE => {
                while self.rx.position() < end {
                    let message = self.rx.recv().expect("the other process");
                    check(&message, self.rx.position());
                }
            }
            BATCHES => {
                while self.rx.position() < end {
                    let first = self.rx.position() + 1;
                    self.batch.clear();
                    self.rx.recv_batch(&mut self.batch, BATCH).expect("the other process");
                    for (number, message) in (first..).zip(&self.batch) {
                        check(message, number);
                    }
                }
            }
            COPIES => {
                self.batch.resize(BATCH, [0; N]);
                for _ in 0..count / BATCH as u64 {
                    let first = self.raw.position() + 1;
                    self.raw.recv_copies(self.batch.as_mut_slice().try_into().expect("a batch"));
                    for (number, message) in (first..).zip(&self.batch) {
                        check(message, number);
                    }
                }
            }
            SHARED => {
                let end = self.received + count;
                while self.received < end {
                    let message = self.shared.recv().expect("the other process");
                    self.received += 1;
                    check(&message, self.received);
                }
            }
            SHARED_BATCHES => {
                let end = self.received + count;
                while self.received < end {
                    self.batch.clear();
                    self.shared.recv_batch(&mut self.batch, BATCH).expect("the other process");
                    for message in &self.batch {
                        self.received += 1;
                        check(message, self.received);
                    }
                }
            }
            _ => {
                while self.rx.position() < end {
                    let number = self.rx.position() + 1;
                    check(&self.rx.lease().expect("the other process"), number);
                }
            }
        }
    }
}

/// In words.
const SIZES: [usize; 6] = [1, 7, 8, 32, 128, 512];

/// Whether these two are compared with messages of so many words.
fn runs(what: u64, yardstick: u64, words: usize) -> bool {
    match (what, yardstick) {
        (SHARED | SHARED_BATCHES, _) => SHARED_SIZES.contains(&words),
        (COPIES, _) | (_, COPIES) => COPIED_SIZES.contains(&words),
        (_, ALONE) => SMALL_SIZES.contains(&words),
        _ => true,
    }
}

macro_rules! each_size {
    ($run:ident) => {
        $run!(1);
        $run!(7);
        $run!(8);
        $run!(32);
        $run!(128);
        $run!(512);
    };
}

fn name(run: &str, words: usize) -> String {
    format!("{run}-stream-{words}")
}

fn shared_name(run: &str, words: usize) -> String {
    format!("{run}-shared-{words}")
}

/// The yardstick of each size has memory of its own.
fn memory(side: &Side, words: usize) -> *mut u8 {
    let before: usize =
        [1, 7, 8, 32, 128, 512].iter().take_while(|n| **n != words).map(|n| BatchRing::bytes(*n)).sum();
    side.memory.wrapping_add(before)
}

fn main() {
    match start("throughput", 400, 60, &SIZES) {
        Role::Parent(parent, arguments) => measure(parent, arguments),
        Role::Child(child) => answer(child),
    }
}

/// What the child does as a contestant with so many messages.
type Receive = Box<dyn FnMut(u64, u64)>;

fn answer(child: Child) {
    let mut contestants: Vec<(u64, Receive)> = Vec::new();
    macro_rules! add {
        ($n:literal) => {{
            let mut receiver = In::<$n> {
                rx: spsc::channel(&name(&child.side.run, $n))
                    .capacity(CAPACITY)
                    .wait(Wait::Spin)
                    .receiver()
                    .expect("a channel"),
                shared: mpmc::channel(&shared_name(&child.side.run, $n))
                    .capacity(CAPACITY)
                    .wait(Wait::Spin)
                    .receiver()
                    .expect("a channel"),
                received: 0,
                raw: BatchRing::new(memory(&child.side, $n), $n),
                both: Both::new(),
                batch: Vec::with_capacity(BATCH),
            };
            contestants.push(($n, Box::new(move |what, count| receiver.run(what, count))));
        }};
    }
    each_size!(add);
    child.serve(|_, what, count| {
        let contestant = contestants.iter_mut().find(|(words, _)| *words == what / 8);
        contestant.expect("a contestant of this number").1(what % 8, count);
    });
}

fn measure(mut parent: Parent, arguments: support::Arguments) {
    let mut rows = Vec::new();
    let rows_of = |words| CONTESTANTS.iter().filter(|(what, than, _)| runs(*what, *than, words)).count();
    let all: usize =
        SIZES.iter().filter(|words| arguments.include(**words)).map(|words| rows_of(*words)).sum();
    let progress = Progress::new(all * (arguments.pairs + 1));
    macro_rules! measure {
        ($n:literal) => {{
            let mut sender = Out::<$n> {
                tx: spsc::channel(&name(&parent.side.run, $n))
                    .capacity(CAPACITY)
                    .wait(Wait::Spin)
                    .sender()
                    .expect("a channel"),
                shared: mpmc::channel(&shared_name(&parent.side.run, $n))
                    .capacity(CAPACITY)
                    .wait(Wait::Spin)
                    .sender()
                    .expect("a channel"),
                sent: 0,
                raw: BatchRing::new(memory(&parent.side, $n), $n),
                both: Both::new(),
                batch: Vec::with_capacity(BATCH),
            };
            for (what, yardstick, contestant) in CONTESTANTS {
                if !runs(what, yardstick, $n) || !arguments.include($n) {
                    continue;
                }
                let both = (what, yardstick);
                let row = pairs(&mut parent, (arguments.pairs, &progress), $n, both, |what, count| {
                    sender.run(what, count)
                });
                rows.push(Row { contestant, ..row });
            }
        }};
    }
    each_size!(measure);
    drop(progress);
    parent.finish();
    let report = Report {
        title: "one-way stream between two processes, polling, 1024 slots",
        unit: "M/s",
        ratio: "messages per second / those of memory announced in batches of 32, same run and cores \
                (higher is better);\n       in rows with a stroke / those of the other contestant: a core that sends and receives by \
                itself, bare memory with\n       a copy in and one out, or spsc",
        rows,
        notes: Vec::new(),
    };
    report.print();
    if let Some(file) = &arguments.json {
        report.write(file).expect("the JSON file");
    }
}

/// Pairs of slices, contestant and yardstick, in turning order; in million messages per second.
fn pairs(
    parent: &mut Parent,
    (pairs, progress): (usize, &Progress),
    words: usize,
    (what, yardstick): (u64, u64),
    mut run: impl FnMut(u64, u64),
) -> Row {
    let count = messages(words);
    let mut row =
        Row { size: words * 8, contestant: "", figures: Vec::new(), yardstick: Vec::new(), rounds: None };
    // The first pair warms up and is not counted.
    for pair in 0..=pairs {
        let mut one = |contestant: bool| {
            let what = if contestant { what } else { yardstick };
            let elapsed = parent.slice(words as u64 * 8 + what, count, || run(what, count));
            count as f64 / elapsed.as_secs_f64() / 1e6
        };
        let first = pair % 2 == 0;
        let a = one(first);
        let b = one(!first);
        if pair > 0 {
            row.figures.push(if first { a } else { b });
            row.yardstick.push(if first { b } else { a });
        }
        progress.step();
    }
    row
}
