//! Who is measured beside whom: a yardstick first, and channels.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use ringway::channel::{Channel, Kind};
use ringway::{Message, Wait, mpmc, spsc};

use super::pair::{Part, Shared};
use super::raw::{FUTEX, Futex, LINE, Line, RING, Ring, ring_bytes};
use super::{BATCH, CAPACITY};
use crate::output::Failure;

/// What one side does in a slice: so many messages, or rounds.
type Job = Box<dyn FnMut(u64) -> Result<(), Failure>>;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measured {
    /// There and back, and nobody sleeps.
    RoundTrip,
    /// There and back, and whoever waits sleeps.
    RoundTripAsleep,
    /// One way.
    Stream,
}

impl Measured {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::RoundTrip => "round trip",
            Self::RoundTripAsleep => "round trip, asleep",
            Self::Stream => "one way",
        }
    }
}

/// One that is measured.
pub(super) struct Entry {
    pub(super) name: &'static str,
    /// Of a message.
    pub(super) bytes: usize,
    job: Job,
}

impl Entry {
    pub(super) fn run(&mut self, count: u64) -> Result<(), Failure> {
        (self.job)(count)
    }
}

/// Those that are measured beside each other; the first is the yardstick.
pub(super) struct Contest {
    pub(super) measured: Measured,
    /// Messages or rounds of a slice.
    pub(super) count: u64,
    pub(super) entries: Vec<Entry>,
}

impl Contest {
    /// The number that the other process knows an entry by.
    pub(super) fn number(contest: usize, entry: usize) -> u64 {
        (contest as u64) << 8 | entry as u64
    }

    /// Runs the entry of a number.
    pub(super) fn run(contests: &mut [Self], number: u64, count: u64) -> Result<(), Failure> {
        contests[(number >> 8) as usize].entries[(number & 0xff) as usize].run(count)
    }
}

/// All of them, of this side.
pub(super) fn contests(shared: &Rc<Shared>) -> Result<Vec<Contest>, Failure> {
    let spin = shared.spin();
    let (mut line, mut futex) = (Line::new(shared, LINE), Futex::new(shared, FUTEX));
    let (line, futex): (Job, Job) = match shared.part {
        Part::First => {
            (Box::new(move |count| line.rounds(count)), Box::new(move |count| futex.rounds(count)))
        }
        Part::Second => {
            (Box::new(move |count| line.answer(count)), Box::new(move |count| futex.answer(count)))
        }
    };
    Ok(vec![
        Contest {
            measured: Measured::RoundTrip,
            count: 500,
            entries: vec![
                Entry { name: "bare cache line", bytes: 8, job: line },
                round_trip::<1>(shared, spin)?,
                round_trip::<7>(shared, spin)?,
                round_trip::<8>(shared, spin)?,
            ],
        },
        Contest {
            measured: Measured::RoundTripAsleep,
            count: 50,
            entries: vec![
                Entry { name: "bare futex", bytes: 4, job: futex },
                round_trip::<7>(shared, Wait::ParkAtOnce)?,
            ],
        },
        stream::<8>(shared, RING)?,
        stream::<128>(shared, RING + ring_bytes(128))?,
    ])
}

/// The other process has ended, or what it left cannot be used.
fn gone(error: impl fmt::Display) -> Failure {
    Failure::Message(format!("the other process does not go on: {error}"))
}

#[cold]
fn lost(number: u64, bytes: usize) -> Failure {
    Failure::Message(format!("message {number} of {bytes} bytes was lost or torn"))
}

/// Every word of a message is its number.
#[inline]
fn check<const N: usize>(message: &[u64; N], number: u64) -> Result<(), Failure> {
    let sum = message.iter().fold(0_u64, |sum, word| sum.wrapping_add(*word));
    if sum == number.wrapping_mul(N as u64) { Ok(()) } else { Err(lost(number, N * 8)) }
}

/// A channel each way.
fn round_trip<const N: usize>(shared: &Shared, wait: Wait) -> Result<Entry, Failure>
where
    [u64; N]: Message,
{
    let open = |way| {
        let name = format!("{}-{way}-{N}-{wait:?}", shared.run);
        spsc::channel::<[u64; N]>(&name).namespace(shared.namespace.clone()).capacity(CAPACITY).wait(wait)
    };
    let (out, back) = if shared.part == Part::First { ("there", "back") } else { ("back", "there") };
    let mut tx = open(out).sender().map_err(Failure::Channel)?;
    let mut rx = open(back).receiver().map_err(Failure::Channel)?;
    let mut last = 0;
    let job: Job = match shared.part {
        Part::First => Box::new(move |count| {
            for number in last + 1..=last + count {
                tx.send([number; N]).map_err(gone)?;
                check(&rx.recv().map_err(gone)?, number)?;
            }
            last += count;
            Ok(())
        }),
        Part::Second => Box::new(move |count| {
            for _ in 0..count {
                tx.send(rx.recv().map_err(gone)?).map_err(gone)?;
            }
            Ok(())
        }),
    };
    Ok(Entry { name: "ringway", bytes: N * 8, job })
}

/// How messages are handed over.
#[derive(Clone, Copy)]
enum Form {
    Single,
    Batches,
    InPlace,
}

/// One end of a channel, that several contestants use.
enum End<const N: usize, K: Kind>
where
    [u64; N]: Message,
{
    Sending(ringway::channel::Sender<[u64; N], K>),
    Receiving(ringway::channel::Receiver<[u64; N], K>),
}

/// One side of a stream.
struct Stream<const N: usize, K: Kind>
where
    [u64; N]: Message,
{
    end: End<N, K>,
    /// The number of the last message.
    last: u64,
    batch: Vec<[u64; N]>,
}

impl<const N: usize, K: Kind> Stream<N, K>
where
    [u64; N]: Message,
{
    fn open(shared: &Shared, channel: Channel<[u64; N], K>) -> Result<Rc<RefCell<Self>>, Failure> {
        let channel = channel.namespace(shared.namespace.clone()).capacity(CAPACITY).wait(shared.spin());
        let end = match shared.part {
            Part::First => channel.sender().map(End::Sending),
            Part::Second => channel.receiver().map(End::Receiving),
        };
        let end = end.map_err(Failure::Channel)?;
        Ok(Rc::new(RefCell::new(Self { end, last: 0, batch: Vec::with_capacity(BATCH) })))
    }

    fn entry(this: &Rc<RefCell<Self>>, name: &'static str, form: Form) -> Entry {
        let this = this.clone();
        Entry { name, bytes: N * 8, job: Box::new(move |count| this.borrow_mut().run(form, count)) }
    }

    fn run(&mut self, form: Form, count: u64) -> Result<(), Failure> {
        let Self { end, last, batch } = self;
        let end_at = *last + count;
        match (end, form) {
            (End::Sending(tx), Form::Single) => {
                for number in *last + 1..=end_at {
                    tx.send([number; N]).map_err(gone)?;
                }
            }
            (End::Sending(tx), Form::Batches) => {
                for first in (*last + 1..=end_at).step_by(BATCH) {
                    batch.clear();
                    batch.extend((first..=end_at.min(first + BATCH as u64 - 1)).map(|number| [number; N]));
                    tx.send_batch(batch).map_err(gone)?;
                }
            }
            (End::Sending(tx), Form::InPlace) => {
                for number in *last + 1..=end_at {
                    let mut draft = tx.loan().map_err(gone)?.recycle();
                    draft.fill(number);
                    draft.publish();
                }
            }
            (End::Receiving(rx), Form::Single) => {
                for number in *last + 1..=end_at {
                    check(&rx.recv().map_err(gone)?, number)?;
                }
            }
            (End::Receiving(rx), Form::Batches) => {
                let mut number = *last;
                while number < end_at {
                    batch.clear();
                    rx.recv_batch(batch, BATCH.min((end_at - number) as usize)).map_err(gone)?;
                    for message in &*batch {
                        number += 1;
                        check(message, number)?;
                    }
                }
            }
            (End::Receiving(rx), Form::InPlace) => {
                for number in *last + 1..=end_at {
                    check(&*rx.lease().map_err(gone)?, number)?;
                }
            }
        }
        *last = end_at;
        Ok(())
    }
}

/// Bytes that a slice moves, and the most messages. Each ring is gone round at least four times: the first time its lines come from
/// wherever the rings before it have driven them, which is not what is measured.
const SLICE: usize = 4 << 20;
const MOST: usize = 30_000;

/// One way from the first to the second.
fn stream<const N: usize>(shared: &Rc<Shared>, at: u64) -> Result<Contest, Failure>
where
    [u64; N]: Message,
{
    let mut ring = Ring::new(shared, at, N);
    let job: Job = match shared.part {
        Part::First => Box::new(move |count| ring.send(count)),
        Part::Second => Box::new(move |count| ring.recv(count)),
    };
    let (run, bytes) = (&shared.run, N * 8);
    let sole = Stream::open(shared, spsc::channel(&format!("{run}-stream-{bytes}")))?;
    let many = Stream::open(shared, mpmc::channel(&format!("{run}-shared-{bytes}")))?;
    Ok(Contest {
        measured: Measured::Stream,
        count: (SLICE / bytes).min(MOST) as u64,
        entries: vec![
            Entry { name: "bare memory, batches of 32", bytes, job },
            Stream::entry(&sole, "one at a time", Form::Single),
            Stream::entry(&sole, "batches of 32", Form::Batches),
            Stream::entry(&sole, "in place", Form::InPlace),
            Stream::entry(&many, "mpmc, one at a time", Form::Single),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_with_a_word_of_another_is_noticed() {
        assert!(check(&[7; 8], 7).is_ok());
        let said = |message: [u64; 2], number| match check(&message, number) {
            Err(Failure::Message(what)) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(said([7, 8], 7), "message 7 of 16 bytes was lost or torn");
        assert_eq!(said([8, 8], 7), "message 7 of 16 bytes was lost or torn");
    }

    #[test]
    fn the_other_process_knows_an_entry_by_its_number() {
        let entry =
            |name| Entry { name, bytes: 8, job: Box::new(move |_| Err(Failure::Message(name.into()))) };
        let contest = |names: [&'static str; 2]| Contest {
            measured: Measured::Stream,
            count: 1,
            entries: names.map(entry).into(),
        };
        let mut contests = [contest(["a", "b"]), contest(["c", "d"])];
        for (at, name) in [((0, 0), "a"), ((0, 1), "b"), ((1, 0), "c"), ((1, 1), "d")] {
            let ran = Contest::run(&mut contests, Contest::number(at.0, at.1), 1);
            assert!(matches!(&ran, Err(Failure::Message(what)) if what == name), "{ran:?}");
        }
    }
}
