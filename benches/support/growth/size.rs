//! How large a message is.

use ringway::spsc::{self, Receiver, Sender};
use ringway::{Message, Wait};

use super::raw::{Memory, Ring, Shape, Trip};
use super::{Contest, Curve, Job, Part, Quantity, Where, powers};

pub(super) const CURVE: Curve = Curve {
    name: "size",
    title: "throughput and round trip between two processes, by the size of a message",
    axis: "bytes",
    is_logarithmic: true,
    points: |quick| if quick { powers(16, 8, 1 << 20) } else { powers(2, 8, 1 << 20) },
    contests: 2,
    place: Where::TwoProcesses(of_size),
    needs: None,
};

/// Bytes that a slice moves, and the most and the least messages.
const SLICE: u64 = 2 << 20;
const MOST: u64 = 40_000;
const LEAST: u64 = 8;
/// Bytes of a ring, more or less, and the most slots.
const RING: u64 = 4 << 20;
const SLOTS: u64 = 1024;
/// Above that a message goes in place only: by value it would be on the stack again and again.
const BY_VALUE: usize = 64 << 10;

fn of_size(x: u64, run: &str, part: Part) -> Vec<Contest> {
    macro_rules! each {
        ($($words:literal)*) => {
            match x / 8 {
                $($words => contests::<$words>(run, part),)*
                _ => panic!("no message has {x} bytes"),
            }
        };
    }
    each!(1 2 4 8 16 32 64 128 256 512 1024 2048 4096 8192 16384 32768 65536 131072)
}

#[inline]
fn check<const N: usize>(message: &[u64; N], number: u64) {
    let sum = message.iter().fold(0_u64, |sum, word| sum.wrapping_add(*word));
    assert_eq!(sum, number.wrapping_mul(N as u64), "a message was lost or torn");
}

fn contests<const N: usize>(run: &str, part: Part) -> Vec<Contest>
where
    [u64; N]: Message,
{
    let bytes = N as u64 * 8;
    let capacity = (RING / bytes).clamp(4, SLOTS);
    let open = |name: &str| {
        spsc::channel::<[u64; N]>(&format!("{run}-{name}")).capacity(capacity as usize).wait(Wait::Spin)
    };
    let mut streams = vec![("bare ring", bare(run, N, capacity, part))];
    if N * 8 <= BY_VALUE {
        streams.push((
            "one at a time",
            match part {
                Part::Parent => by_value(open("single").sender().expect("a channel")),
                Part::Child => taking(open("single").receiver().expect("a channel")),
            },
        ));
    }
    streams.push((
        "in place",
        match part {
            Part::Parent => in_place(open("place").sender().expect("a channel")),
            Part::Child => leasing(open("place").receiver().expect("a channel")),
        },
    ));
    let mut trip = Trip::new(&format!("{run}-trip"), N);
    let bare: Job = match part {
        Part::Parent => Box::new(move |count| trip.rounds(count)),
        Part::Child => Box::new(move |count| trip.answer(count)),
    };
    let (out, back) = if part == Part::Parent { ("there", "back") } else { ("back", "there") };
    let tx = open(out).sender().expect("a channel out");
    let rx = open(back).receiver().expect("a channel back");
    let count = (SLICE / bytes).clamp(LEAST, MOST);
    vec![
        Contest::new(Quantity::Throughput, count, streams),
        Contest::new(
            Quantity::RoundTrip,
            count.clamp(LEAST, 500),
            vec![("bare message", bare), ("in place", trips(tx, rx, part))],
        ),
    ]
}

fn bare(run: &str, words: usize, capacity: u64, part: Part) -> Job {
    let shape = Shape { at: 0, words, capacity, batch: (capacity / 2).min(32) };
    Ring::new(&Memory::of(&format!("{run}-raw"), shape.bytes()), shape).job(part)
}

fn by_value<const N: usize>(mut tx: Sender<[u64; N]>) -> Job
where
    [u64; N]: Message,
{
    Box::new(move |count| {
        let last = tx.position();
        (last + 1..=last + count).for_each(|number| tx.send([number; N]).expect("the other process"));
    })
}

fn taking<const N: usize>(mut rx: Receiver<[u64; N]>) -> Job
where
    [u64; N]: Message,
{
    Box::new(move |count| {
        let last = rx.position();
        (last + 1..=last + count).for_each(|number| check(&rx.recv().expect("the other process"), number));
    })
}

fn say<const N: usize>(tx: &mut Sender<[u64; N]>, number: u64)
where
    [u64; N]: Message,
{
    let mut draft = tx.loan().expect("the other process").recycle();
    draft.fill(number);
    draft.publish();
}

fn in_place<const N: usize>(mut tx: Sender<[u64; N]>) -> Job
where
    [u64; N]: Message,
{
    Box::new(move |count| {
        let last = tx.position();
        (last + 1..=last + count).for_each(|number| say(&mut tx, number));
    })
}

fn leasing<const N: usize>(mut rx: Receiver<[u64; N]>) -> Job
where
    [u64; N]: Message,
{
    Box::new(move |count| {
        let last = rx.position();
        (last + 1..=last + count).for_each(|number| check(&rx.lease().expect("the other process"), number));
    })
}

/// There and back, written and read in place.
fn trips<const N: usize>(mut tx: Sender<[u64; N]>, mut rx: Receiver<[u64; N]>, part: Part) -> Job
where
    [u64; N]: Message,
{
    Box::new(move |count| {
        let last = tx.position();
        for number in last + 1..=last + count {
            if part == Part::Parent {
                say(&mut tx, number);
            }
            check(&rx.lease().expect("the other process"), number);
            if part == Part::Child {
                say(&mut tx, number);
            }
        }
    })
}
