//! Threads or processes that use one channel, and the rounds in which all such crowds take turns.

use std::any::Any;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::{Message, Receiving, Sending, WORDS};
use crate::contest::{Figures, Row, Sample, Spot};
use crate::links::Patience;
use crate::progress::Progress;
use crate::worker::{Job, Slice, Tally, Worker};

/// How long a slice is to be for each pair, lest not everybody has several turns on the cores.
const SLICE: Duration = Duration::from_millis(8);
/// Messages of each sender in the first slice, and how many times more, at most, in the one after it: some come to a
/// standstill when there are more of them than cores.
const FIRST: u64 = 256;
const GROWTH: u64 = 8;
const LEAST: u64 = 16;
const MOST: u64 = 200_000;
/// Rounds that do not count.
pub(super) const WARM_UP: usize = 4;

/// So much of a core is more than any slice takes; asked each time after so many messages.
const TOO_LONG: Duration = Duration::from_millis(500);
const ASK: u64 = 32;

fn core_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn patience(patient: bool) -> Patience {
    if patient { Patience::new() } else { Patience::short() }
}

/// Sends the numbers from 1 on, and gives what they come to. It ends early if it takes too long.
pub(super) fn sending(mut out: impl Sending, patient: bool) -> Job {
    Box::new(move |Slice { count, .. }| {
        let start = core_time();
        let mut patience = patience(patient);
        for number in 1..=count {
            while !out.send(&[number; WORDS]) {
                if patience.is_over_yielding() {
                    return Tally::up_to(number - 1);
                }
            }
            patience.renew();
            if number % ASK == 0 && core_time() - start > TOO_LONG {
                return Tally::up_to(number);
            }
        }
        Tally::up_to(count)
    })
}

/// Receives so many, reads every word, and gives what the numbers come to.
pub(super) fn receiving(mut inlet: impl Receiving, patient: bool) -> Job {
    Box::new(move |Slice { count, .. }| {
        let mut tally = Tally::default();
        let mut patience = patience(patient);
        for _ in 0..count {
            let message = loop {
                match inlet.recv() {
                    Some(message) => break message,
                    None if patience.is_over_yielding() => return tally,
                    None => {}
                }
            };
            patience.renew();
            tally.add(checked(&message));
        }
        tally
    })
}

/// The number of a message, and one that nobody sent for a torn one.
#[inline]
fn checked(message: &Message) -> u64 {
    let sum = message.iter().fold(0_u64, |sum, word| sum.wrapping_add(*word));
    if sum == message[0].wrapping_mul(WORDS as u64) { message[0] } else { u64::MAX / 2 }
}

pub(super) fn row(
    pairs: usize,
    name: &'static str,
    between: &'static str,
    broken: Option<&'static str>,
) -> Row {
    let yardstick = name == super::threads::YARDSTICK;
    Row { label: format!("{pairs}x{pairs}"), name, between, ours: super::ours::NAME, yardstick, broken }
}

/// Everybody who uses one channel.
pub(super) struct Crowd {
    row: Row,
    workers: Vec<Worker>,
    pairs: u64,
    guest: Option<Box<dyn Any>>,
}

impl Crowd {
    /// Senders and receivers by turns, each in a process of its own; `guest` is kept until all have come.
    pub(super) fn processes(
        row: Row,
        pairs: usize,
        task: impl Fn(&str) -> String,
        guest: Box<dyn Any>,
    ) -> Self {
        let workers = (0..pairs).flat_map(|_| ["sender", "receiver"]);
        let workers = workers.map(|side| Worker::process(&task(side))).collect();
        Self { row, workers, pairs: pairs as u64, guest: Some(guest) }
    }

    /// The same in threads.
    pub(super) fn threads(row: Row, pairs: usize, jobs: Vec<Job>) -> Self {
        let workers = jobs.into_iter().map(Worker::thread).collect();
        Self { row, workers, pairs: pairs as u64, guest: None }
    }

    /// So many messages of each sender: how long they took, how many came, and whether those were all that were sent.
    fn slice(&mut self, each: u64) -> (Duration, u64, bool) {
        let start = Instant::now();
        self.workers.iter_mut().for_each(|worker| worker.start(Slice { count: each, batches: false }));
        let found: Vec<Tally> = self.workers.iter_mut().map(Worker::finish).collect();
        let elapsed = start.elapsed();
        let sum =
            |side| found.iter().skip(side).step_by(2).fold(Tally::default(), |sum, tally| sum.and(*tally));
        let (sent, received) = (sum(0), sum(1));
        (elapsed, received.count(), sent == received)
    }
}

/// So many rounds of all.
pub(super) fn measure(mut crowds: Vec<Crowd>, rounds: usize, progress: &Progress) -> Vec<Figures> {
    let mut all: Vec<Figures> = crowds.iter().map(|crowd| Figures::new(crowd.row.clone())).collect();
    let mut counts: Vec<u64> = vec![FIRST; crowds.len()];
    // The first ones warm up, and find how many messages make a slice.
    for round in 0..rounds + WARM_UP {
        for turn in 0..crowds.len() {
            // Every other round goes backwards.
            let at = if round % 2 == 0 { turn } else { crowds.len() - 1 - turn };
            let (crowd, figures) = (&mut crowds[at], &mut all[at]);
            let mut sample = Sample { spot: Spot::Anywhere, nanos: f64::NAN };
            if !figures.stuck && !figures.slow {
                let (elapsed, came, whole) = crowd.slice(counts[at]);
                drop(crowd.guest.take());
                let count = counts[at] * crowd.pairs;
                figures.seen += came;
                figures.wrong += u64::from(!whole);
                // What is left of the messages belongs to no later slice.
                figures.stuck |= !whole;
                figures.slow |= whole && came < count;
                let nanos = elapsed.as_nanos() as f64 / count as f64;
                if whole && came == count {
                    sample.nanos = nanos;
                }
                let next = (SLICE.as_nanos() as f64 / nanos) as u64;
                counts[at] = next.min(counts[at] * GROWTH).clamp(LEAST, MOST);
            }
            if round >= WARM_UP {
                figures.samples.push(sample);
            }
        }
        progress.step();
    }
    all
}
