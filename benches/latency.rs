//! How long does a message take to another process and back, beside a bare cache line on the same cores?
//!
//! `cargo bench --bench latency -- --help`

mod support;

use std::time::Instant;

use ringway::spsc::{self, Receiver, Sender};
use ringway::{Message, Wait};
use support::{BATCH, CAPACITY, Child, Parent, PingPong, Progress, Report, Role, Row, Side, median, start};

/// Round trips of a slice; of a batch, a quarter.
const ROUNDS: u64 = 1000;
/// Every so many pairs, the single rounds are timed instead of the slice.
const TIMED: usize = 4;

const YARDSTICK: u64 = 0;

/// A channel each way.
struct Both<const N: usize> {
    tx: Sender<[u64; N]>,
    rx: Receiver<[u64; N]>,
}

impl<const N: usize> Both<N>
where
    [u64; N]: Message,
{
    fn open(run: &str, parent: bool) -> Self {
        let channel = |direction| {
            spsc::channel::<[u64; N]>(&format!("{run}-{direction}-{N}")).capacity(CAPACITY).wait(Wait::Spin)
        };
        let (out, back) = if parent { ("ping", "pong") } else { ("pong", "ping") };
        Self {
            tx: channel(out).sender().expect("a channel out"),
            rx: channel(back).receiver().expect("a channel back"),
        }
    }

    fn round(&mut self, n: u64) {
        self.tx.send([n; N]).expect("the other process");
        let back = self.rx.recv().expect("the other process");
        assert!(back[0] == n && back[N - 1] == n, "a message was lost or torn");
    }

    fn answer(&mut self, count: u64) {
        for _ in 0..count {
            let message = self.rx.recv().expect("the other process");
            self.tx.send(message).expect("the other process");
        }
    }

    fn round_of_batch(&mut self, messages: &mut Vec<[u64; N]>, n: u64) {
        messages.clear();
        messages.resize(BATCH, [n; N]);
        self.tx.send_batch(messages).expect("the other process");
        self.collect(messages);
        assert!(messages.iter().all(|message| message[0] == n), "a message was lost or torn");
    }

    fn answer_batches(&mut self, count: u64) {
        let mut messages = Vec::with_capacity(BATCH);
        for _ in 0..count {
            self.collect(&mut messages);
            self.tx.send_batch(&messages).expect("the other process");
        }
    }

    fn collect(&mut self, messages: &mut Vec<[u64; N]>) {
        messages.clear();
        while messages.len() < BATCH {
            self.rx.recv_batch(messages, BATCH - messages.len()).expect("the other process");
        }
    }
}

fn main() {
    match start("latency", 1000, 200, &SIZES) {
        Role::Parent(parent, arguments) => measure(parent, arguments),
        Role::Child(child) => answer(child),
    }
}

/// Numbers of the contestants: the yardstick is 0, a size and form each a number of their own.
fn number(words: usize, batch: bool) -> u64 {
    (words as u64) << 1 | u64::from(batch)
}

/// In words.
const SIZES: [usize; 6] = [1, 7, 8, 32, 128, 512];

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

/// What the child does with so many rounds.
type Answer = Box<dyn FnMut(u64)>;

fn answer(child: Child) {
    let Side { memory, run, .. } = &child.side;
    let mut yardstick = PingPong::new(*memory);
    let mut contestants: Vec<(u64, Answer)> = Vec::new();
    macro_rules! add {
        ($n:literal) => {{
            let both = std::rc::Rc::new(std::cell::RefCell::new(Both::<$n>::open(run, false)));
            let batches = both.clone();
            contestants.push((number($n, false), Box::new(move |count| both.borrow_mut().answer(count))));
            contestants
                .push((number($n, true), Box::new(move |count| batches.borrow_mut().answer_batches(count))));
        }};
    }
    each_size!(add);
    child.serve(|_, what, count| match what {
        YARDSTICK => yardstick.answer(count),
        _ => {
            let contestant = contestants.iter_mut().find(|(number, _)| *number == what);
            contestant.expect("a contestant of this number").1(count);
        }
    });
}

fn measure(mut parent: Parent, arguments: support::Arguments) {
    let mut yardstick = PingPong::new(parent.side.memory);
    let run = parent.side.run.clone();
    let mut rows = Vec::new();
    let progress = Progress::new(arguments.count() * 2 * (arguments.pairs + 1));
    macro_rules! measure {
        ($n:literal) => {
            if arguments.include($n) {
                let mut both = Both::<$n>::open(&run, true);
                let single = pairs(
                    &mut parent,
                    (arguments.pairs, &progress),
                    &mut yardstick,
                    number($n, false),
                    ROUNDS,
                    |n| both.round(n),
                );
                rows.push(Row { size: $n * 8, contestant: "single", ..single });
                let mut messages = Vec::with_capacity(BATCH);
                let rounds = ROUNDS / 4;
                let batch = pairs(
                    &mut parent,
                    (arguments.pairs, &progress),
                    &mut yardstick,
                    number($n, true),
                    rounds,
                    |n| both.round_of_batch(&mut messages, n),
                );
                rows.push(Row { size: $n * 8, contestant: "batch of 32", ..batch });
            }
        };
    }
    each_size!(measure);
    drop(progress);
    let attach = attach(&run);
    parent.finish();
    let report = Report {
        title: "round trip between two processes, polling",
        unit: "ns",
        ratio: "round trip / round trip of a bare cache line, same run and cores (lower is better); \
                single rounds: p50/p99/p99.9 in ns",
        rows,
        notes: vec![("attach to an existing channel of 1 MiB, median", attach, "µs")],
    };
    report.print();
    if let Some(file) = &arguments.json {
        report.write(file).expect("the JSON file");
    }
}

/// Pairs of slices, contestant and yardstick, in turning order.
fn pairs(
    parent: &mut Parent,
    (pairs, progress): (usize, &Progress),
    yardstick: &mut PingPong,
    what: u64,
    rounds: u64,
    mut round: impl FnMut(u64),
) -> Row {
    let mut row = Row {
        size: 0,
        contestant: "",
        figures: Vec::new(),
        yardstick: Vec::new(),
        rounds: Some((Vec::new(), Vec::new())),
    };
    let (own, yard) = row.rounds.as_mut().expect("both");
    // The first pair warms up and is not counted.
    for pair in 0..=pairs {
        let mut one = |parent: &mut Parent, contestant: bool, timed: Option<&mut Vec<f64>>| -> f64 {
            let (what, count) = if contestant { (what, rounds) } else { (YARDSTICK, ROUNDS) };
            let elapsed = parent.slice(what, count, || {
                let mut clock = Instant::now();
                let mut single = |timed: &mut Vec<f64>| {
                    let now = Instant::now();
                    timed.push((now - clock).as_nanos() as f64);
                    clock = now;
                };
                match (contestant, timed) {
                    (true, None) => (0..count).for_each(&mut round),
                    (false, None) => yardstick.rounds(count, || {}),
                    (true, Some(timed)) => (0..count).for_each(|n| {
                        round(n);
                        single(timed);
                    }),
                    (false, Some(timed)) => yardstick.rounds(count, || single(timed)),
                }
            });
            elapsed.as_nanos() as f64 / count as f64
        };
        let first = pair % 2 == 0;
        if pair % TIMED == TIMED - 1 {
            for contestant in [first, !first] {
                one(parent, contestant, Some(if contestant { &mut *own } else { &mut *yard }));
            }
        }
        let a = one(parent, first, None);
        let b = one(parent, !first, None);
        if pair > 0 {
            row.figures.push(if first { a } else { b });
            row.yardstick.push(if first { b } else { a });
        }
        progress.step();
    }
    row
}

/// Microseconds from nothing to a receiver of an existing channel of 1 MiB.
fn attach(run: &str) -> f64 {
    let name = format!("{run}-attach");
    let channel = || spsc::channel::<[u64; 8]>(&name).capacity((1 << 20) / 64);
    let _sender = channel().sender().expect("a channel");
    let mut times = Vec::new();
    for _ in 0..200 {
        let start = Instant::now();
        let receiver = channel().open_existing().receiver().expect("the channel");
        times.push(start.elapsed().as_nanos() as f64 / 1000.0);
        drop(receiver);
    }
    median(&times)
}
