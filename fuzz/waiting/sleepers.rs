//! Threads that wait until they are woken.

use std::collections::VecDeque;
use std::task::Waker;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use ringway::channel::Source;
use ringway::seqlock::Newer;
use ringway::{Parking, Wait};

use super::super::input::Input;
use super::super::segment::Damage;
use super::Bench;
use super::line::{Line, Ring, Tx, What, cell_gate, receivers_gate, senders_gate};
use super::sides::{LONG, Receives, Why};

/// A sleep during which words are hit is not to be ended by anybody.
const SHORT: Duration = Duration::from_millis(2);

/// Until it sleeps at that word, or is about to; or has gone on without.
fn until_asleep<T>(sleeper: &ScopedJoinHandle<'_, T>, damage: &Damage, gate: u64, sleeps: bool) {
    while sleeps && damage.word(gate) & 1 == 0 && !sleeper.is_finished() {
        thread::yield_now();
    }
}

/// What it says, or its panic.
fn joined<T>(sleeper: ScopedJoinHandle<'_, T>) -> T {
    sleeper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn may_sleep(parking: Parking, wait: Wait) -> bool {
    parking != Parking::Never && matches!(wait, Wait::Park | Wait::ParkAtOnce)
}

impl Line {
    /// Somebody sleeps until the other side has news for it, or leaves.
    pub(super) fn sleep(&mut self, input: &mut Input<'_>) {
        let (how, leaves) = (input.byte(), input.byte() % 4 == 0);
        if !self.is_known() {
            return;
        }
        let Self { what, damage, next, parking, wait, .. } = self;
        let (sleeps, number) = (may_sleep(*parking, *wait), *next);
        *next += 1;
        let ring = match what {
            What::Ring(ring) => ring,
            What::Cell(cell) => {
                if cell.writer.is_none() || cell.seen != cell.version {
                    return;
                }
                let (reader, seen, gate) =
                    (cell.newer.end.reader(), &mut cell.seen, cell_gate(&damage.parts));
                let answer = thread::scope(|scope| {
                    let sleeper = scope.spawn(move || reader.wait_newer(seen, LONG));
                    until_asleep(&sleeper, damage, gate, sleeps);
                    match &mut cell.writer {
                        Some(writer) if !leaves => writer.store(number),
                        writer => drop(writer.take()),
                    }
                    joined(sleeper)
                });
                if leaves {
                    return assert!(answer.is_err(), "{answer:?}");
                }
                assert_eq!(answer, Ok(number));
                (cell.latest, cell.version) = (number, cell.version + 1);
                return cell.newer.end.set_seen(cell.seen);
            }
        };
        if ring.senders.is_empty() || ring.receivers.is_empty() {
            return;
        }
        let noop = Waker::noop();
        if how % 2 == 0 && ring.queue.is_empty() {
            let receiver = &mut ring.receivers[0].end;
            let (got, why) = thread::scope(|scope| {
                let sleeper = scope.spawn(move || receiver.receive_long(how / 2, None));
                until_asleep(&sleeper, damage, receivers_gate(&damage.parts), sleeps);
                if leaves {
                    ring.senders.clear();
                } else {
                    assert_eq!(ring.senders[0].end.send(0, number, noop), (1, Why::Done));
                }
                joined(sleeper)
            });
            let expected = if leaves { (vec![], Why::Gone) } else { (vec![Some(number)], Why::Done) };
            assert_eq!((got, why), expected);
        } else if how % 2 == 1 && ring.queue.len() == ring.capacity {
            let sender = &mut ring.senders[0].end;
            let why = thread::scope(|scope| {
                let sleeper = scope.spawn(move || sender.send_long(how / 2, number, None));
                until_asleep(&sleeper, damage, senders_gate(&damage.parts), sleeps);
                if leaves {
                    ring.receivers.clear();
                } else {
                    let (got, _) = ring.receivers[0].end.receive(0, noop);
                    assert_eq!(got, [ring.queue.pop_front()]);
                }
                joined(sleeper)
            });
            assert_eq!(why, if leaves { Why::Gone } else { Why::Done });
            ring.queue.extend((!leaves).then_some(number));
        }
    }

    /// Somebody sleeps for a while, and meanwhile words are hit.
    pub(super) fn sleep_while_hit(&mut self, input: &mut Input<'_>) {
        let (how, words, number) = (input.byte(), input.below(8), self.next);
        self.next += 1;
        let Self { what, damage, .. } = self;
        thread::scope(|scope| {
            let sleeper = match what {
                What::Ring(Ring { senders, receivers, .. }) => {
                    let receiver = receivers.first_mut().filter(|_| how % 2 == 0);
                    match (receiver, senders.first_mut()) {
                        (Some(receiver), _) => Some(scope.spawn(move || {
                            receiver.end.receive_long(how / 2, Some(SHORT));
                        })),
                        (None, Some(sender)) => Some(scope.spawn(move || {
                            sender.end.send_long(how / 2, number, Some(SHORT));
                        })),
                        (None, None) => None,
                    }
                }
                What::Cell(cell) => {
                    let (reader, seen) = (cell.newer.end.reader(), &mut cell.seen);
                    Some(scope.spawn(move || {
                        let _ = reader.wait_newer(seen, SHORT);
                    }))
                }
            };
            for _ in 0..=words {
                damage.strike(input);
                thread::yield_now();
            }
            sleeper.map(joined);
        });
        if let What::Cell(cell) = what {
            cell.newer.end.set_seen(cell.seen);
        }
    }
}

/// A source for a thread to select from.
enum Spot<'a> {
    Ring(&'a mut dyn Receives),
    Cell(&'a mut Newer<u64>),
}

/// Who makes it ready.
enum Maker<'a> {
    Ring(&'a mut Tx, &'a mut VecDeque<u64>),
    Cell(&'a mut ringway::seqlock::Writer<u64>, &'a mut u64, &'a mut u64),
}

impl Maker<'_> {
    fn make_ready(&mut self, number: u64) {
        match self {
            Self::Ring(sender, queue) => {
                assert_eq!(sender.end.send(0, number, Waker::noop()), (1, Why::Done));
                queue.push_back(number);
            }
            Self::Cell(writer, latest, version) => {
                writer.store(number);
                (**latest, **version) = (number, **version + 1);
            }
        }
    }
}

impl Bench {
    /// Somebody sleeps until one of several channels has something.
    pub(super) fn sleep_at_all(&mut self, input: &mut Input<'_>) {
        let (mut spots, mut makers, mut gates) = (Vec::new(), Vec::new(), Vec::new());
        for line in self.lines.iter_mut().filter(|line| line.is_known()) {
            let parts = line.damage.parts;
            let gate = match &mut line.what {
                What::Ring(ring) if ring.queue.is_empty() => {
                    let ends = (ring.senders.first_mut(), ring.receivers.first_mut());
                    let (Some(sender), Some(receiver)) = ends else { continue };
                    spots.push(Spot::Ring(&mut *receiver.end));
                    makers.push((Maker::Ring(sender, &mut ring.queue), &mut line.next));
                    receivers_gate(&parts)
                }
                What::Cell(cell) if cell.seen == cell.version => {
                    let Some(writer) = &mut cell.writer else { continue };
                    spots.push(Spot::Cell(&mut cell.newer.end));
                    let maker = Maker::Cell(writer, &mut cell.latest, &mut cell.version);
                    makers.push((maker, &mut line.next));
                    cell_gate(&parts)
                }
                _ => continue,
            };
            if line.parking != Parking::Never {
                gates.push((&line.damage, gate));
            }
        }
        let count = spots.len();
        if count == 0 {
            return;
        }
        let chosen = input.below(count);
        let (select, next, wait) = &mut self.select;
        let sleeps = matches!(wait, Wait::Park | Wait::ParkAtOnce);
        let found = thread::scope(|scope| {
            let sleeper = scope.spawn(move || {
                let source = |spot| -> &mut dyn Source {
                    match spot {
                        Spot::Ring(receiver) => receiver.source(),
                        Spot::Cell(newer) => newer,
                    }
                };
                select.wait(&mut spots.into_iter().map(source).collect::<Vec<_>>())
            });
            for (damage, gate) in gates {
                until_asleep(&sleeper, damage, gate, sleeps);
            }
            let (maker, number) = &mut makers[chosen];
            maker.make_ready(**number);
            **number += 1;
            joined(sleeper)
        });
        assert_eq!(found, chosen);
        if let Some(next) = next {
            *next = (found + 1) % count;
        }
    }
}
