//! One-way streams, and stores of a cell, in channels that differ in whether those who wait may sleep. Nobody does.

use std::cell::RefCell;
use std::rc::Rc;

use ringway::channel::{Channel, Kind, Parking};
use ringway::{Message, Wait, mpmc, seqlock, spsc};

use super::{End, Group, Job, Part};
use crate::support::{BATCH, CAPACITY};

/// The choices. That without sleepers comes twice: how much two channels that do the same differ.
const CHOICES: [(&str, Parking); 4] = [
    ("never", Parking::Never),
    ("never, another", Parking::Never),
    ("asymmetric", Parking::Asymmetric),
    ("fenced", Parking::Fenced),
];

/// Bytes that a slice moves, and the most messages.
const SLICE: usize = 2 << 20;
const MOST: usize = 60_000;
/// Stores of a slice.
const STORES: u64 = 100_000;
/// The largest message, in words, that goes in batches, too.
const BATCHED: usize = 7;

/// The end of one channel, and how many messages went through it.
struct Stream<const N: usize, K: Kind>
where
    [u64; N]: Message,
{
    end: End<N, K>,
    passed: u64,
    batch: Vec<[u64; N]>,
}

/// Reads every word.
#[inline]
fn check<const N: usize>(message: &[u64; N], number: u64) {
    let sum = message.iter().fold(0_u64, |sum, word| sum.wrapping_add(*word));
    assert_eq!(sum, number.wrapping_mul(N as u64), "a message was lost or torn");
}

impl<const N: usize, K: Kind> Stream<N, K>
where
    [u64; N]: Message,
{
    fn singles(&mut self, count: u64) {
        let numbers = self.passed + 1..=self.passed + count;
        match &mut self.end {
            End::Sending(tx) => numbers.for_each(|number| tx.send([number; N]).expect("the other process")),
            End::Receiving(rx) => {
                numbers.for_each(|number| check(&rx.recv().expect("the other process"), number));
            }
        }
        self.passed += count;
    }

    fn batches(&mut self, count: u64) {
        let Self { end, passed, batch } = self;
        let last = *passed + count;
        while *passed < last {
            batch.clear();
            match end {
                End::Sending(tx) => {
                    batch.extend((1..=BATCH as u64).map(|n| [*passed + n; N]));
                    tx.send_batch(batch).expect("the other process");
                    *passed += BATCH as u64;
                }
                End::Receiving(rx) => {
                    rx.recv_batch(batch, BATCH).expect("the other process");
                    for message in &*batch {
                        *passed += 1;
                        check(message, *passed);
                    }
                }
            }
        }
    }
}

/// The groups of one kind and size.
fn of<const N: usize, K: Kind + 'static>(
    kind: &str,
    part: Part,
    channel: impl Fn(&str) -> Channel<[u64; N], K>,
) -> Vec<Group>
where
    [u64; N]: Message,
{
    let mut singles: Vec<(&str, Job)> = Vec::new();
    let mut batches: Vec<(&str, Job)> = Vec::new();
    for (at, (name, parking)) in CHOICES.into_iter().enumerate() {
        let channel =
            channel(&format!("{kind}-{N}-{at}")).capacity(CAPACITY).wait(Wait::Yield).parking(parking);
        let end = match part {
            Part::Parent => End::Sending(channel.sender().expect("a channel")),
            Part::Child => End::Receiving(channel.receiver().expect("a channel")),
        };
        let stream = Stream { end, passed: 0, batch: Vec::with_capacity(BATCH) };
        let stream = Rc::new(RefCell::new(stream));
        let same = stream.clone();
        singles.push((name, Box::new(move |count| stream.borrow_mut().singles(count))));
        batches.push((name, Box::new(move |count| same.borrow_mut().batches(count))));
    }
    let count = ((SLICE / (N * 8)).min(MOST) / BATCH * BATCH) as u64;
    let mut groups = vec![Group::new(format!("{kind} single"), N * 8, count, singles)];
    if N <= BATCHED {
        groups.push(Group::new(format!("{kind} batch"), N * 8, count, batches));
    }
    groups
}

/// One-way streams to the other process.
pub(crate) fn streams(run: &str, part: Part) -> Vec<Group> {
    let mut groups = Vec::new();
    macro_rules! add {
        ($n:literal) => {
            groups.extend(of("spsc", part, |name| spsc::channel::<[u64; $n]>(&format!("{run}-{name}"))));
            groups.extend(of("mpmc", part, |name| mpmc::channel::<[u64; $n]>(&format!("{run}-{name}"))));
        };
    }
    add!(1);
    add!(7);
    add!(128);
    groups
}

/// Stores of cells that nobody loads meanwhile.
pub(crate) fn stores(run: &str, part: Part) -> Vec<Group> {
    fn of<const N: usize>(run: &str, part: Part) -> Group
    where
        [u64; N]: Message,
    {
        let jobs = CHOICES.into_iter().enumerate().map(|(at, (name, parking))| {
            let cell = seqlock::cell::<[u64; N]>(&format!("{run}-cell-{N}-{at}")).parking(parking);
            let job: Job = match part {
                Part::Parent => {
                    let mut writer = cell.writer().expect("a cell");
                    Box::new(move |count| (0..count).for_each(|number| writer.store([number; N])))
                }
                Part::Child => {
                    let reader = cell.reader().expect("a cell");
                    // It only keeps the cell.
                    Box::new(move |_| drop(reader.clone()))
                }
            };
            (name, job)
        });
        Group::new("store", N * 8, STORES, jobs.collect())
    }
    vec![of::<1>(run, part), of::<7>(run, part)]
}
