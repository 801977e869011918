//! Unit tests of the channels with a shared side: deaths and stops at every crash point.
//!
//! Messages are numbered by the test, each number sent once, so that it can say which ones arrive, how often, and
//! what `redelivered` says of each.

mod corrupt;
mod ends;
mod overtaken;
mod places;
mod receiver_deaths;
mod repair_deaths;
mod roles;
mod sender_deaths;
mod stopped;

use std::fmt::Debug;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::{DIR, NAME, Numbered, SCRIPT};
use crate::channel::{Channel, ChoosesOnReceiverDeath, Health, Kind, Mpmc, Mpsc, Receiver, Sender, Spmc};
use crate::testing::{CRASH_POINT, CRASH_STOP, Child, WATCHDOG};
use crate::{Departure, Message, Peer, RecvTimeoutError, SendTimeoutError};

/// Two lines long, so that a torn one shows.
type Wide = [u64; 16];

type Bench<K> = super::Bench<Wide, K>;

const CAPACITIES: [usize; 2] = [1, 3];

/// Many liveness intervals of these channels.
const A_WHILE: Duration = Duration::from_millis(40);

/// Some ticks of the clock by which others are found to be in the way.
const A_MOMENT: Duration = Duration::from_millis(15);

/// A kind with a shared side.
pub(super) trait Many: ChoosesOnReceiverDeath {
    /// With room for so many on each shared side.
    fn with_room<M: Message>(channel: Channel<M, Self>, room: usize) -> Channel<M, Self>
    where
        Self: Sized;
}

impl Many for Mpmc {
    fn with_room<M: Message>(channel: Channel<M, Self>, room: usize) -> Channel<M, Self> {
        channel.max_senders(room).max_receivers(room)
    }
}

impl Many for Mpsc {
    fn with_room<M: Message>(channel: Channel<M, Self>, room: usize) -> Channel<M, Self> {
        channel.max_senders(room)
    }
}

impl Many for Spmc {
    fn with_room<M: Message>(channel: Channel<M, Self>, room: usize) -> Channel<M, Self> {
        channel.max_receivers(room)
    }
}

/// What another process is to do.
#[derive(Clone, Debug)]
pub(super) struct Part<'a> {
    role: &'a str,
    verb: &'a str,
    /// The numbers that a sender sends; of a receiver only how many matters.
    numbers: Range<u64>,
    /// Whether it waits to be told to begin, once it is attached.
    waits: bool,
    stop: String,
    kill: String,
}

impl<'a> Part<'a> {
    fn sender(verb: &'a str, numbers: Range<u64>) -> Self {
        Self { role: "sender", verb, numbers, waits: false, stop: String::new(), kill: String::new() }
    }

    fn receiver(verb: &'a str, count: u64) -> Self {
        Self { role: "receiver", ..Part::sender(verb, 0..count) }
    }

    /// Waits to be told to begin.
    fn waits(self) -> Self {
        Self { waits: true, ..self }
    }

    /// Stops itself at the crash point.
    fn stop_at(self, point: &str) -> Self {
        Self { stop: point.to_owned(), ..self }
    }

    /// Kills itself at the crash point.
    fn kill_at(self, point: &str) -> Self {
        Self { kill: point.to_owned(), ..self }
    }
}

impl<K: Many> Bench<K> {
    /// With room for so many on each shared side.
    fn with_room(capacity: usize, room: usize) -> Self {
        Self::with(capacity, move |channel| K::with_room(channel, room))
    }

    /// Starts another process; it has to find the channel.
    fn start(&self, part: &Part<'_>) -> Child {
        let Part { role, verb, numbers, waits, stop, kill } = part;
        let script = format!("{} {verb} {} {} {waits}", K::NAME, numbers.start, numbers.end);
        let envs = [
            (DIR, self.space.path().as_os_str()),
            (SCRIPT, script.as_ref()),
            (CRASH_STOP, stop.as_ref()),
            (CRASH_POINT, kill.as_ref()),
        ];
        Child::spawn(&format!("channel::tests::many::roles::{role}"), &envs)
    }

    /// Starts another process, and returns when it is attached.
    #[track_caller]
    fn attach(&self, part: &Part<'_>) -> Child {
        let mut child = self.start(part);
        assert_eq!(child.hear(), "attached");
        child
    }

    /// Starts another process, and returns when it has stopped itself.
    #[track_caller]
    fn stop(&self, part: &Part<'_>) -> Child {
        let mut child = self.start(part);
        child.wait_stopped();
        child
    }

    /// Runs another process until it kills itself, and says which one it was.
    #[track_caller]
    fn die(&self, part: &Part<'_>) -> u64 {
        let mut child = self.start(part);
        child.wait_killed();
        child.pid()
    }

    /// Runs another process to its end.
    #[track_caller]
    fn run(&self, part: &Part<'_>) {
        self.start(part).wait_success();
    }

    /// Passes messages through the channel so that what follows starts in the middle of a lap.
    #[track_caller]
    fn warm_up(&self, tx: &mut Sender<Wide, K>, rx: &mut Receiver<Wide, K>, count: usize) {
        for number in 0..count as u64 {
            send(tx, number);
            assert_eq!(receive(rx, count), Ok((number, 0)));
        }
    }
}

#[track_caller]
fn send<K: Kind>(tx: &mut Sender<Wide, K>, number: u64) {
    tx.send_timeout(Wide::of(number), WATCHDOG).expect("there is room");
}

#[track_caller]
fn send_all<K: Kind>(tx: &mut Sender<Wide, K>, numbers: Range<u64>) {
    numbers.for_each(|number| send(tx, number));
}

/// A message's number, and how often it may have been received before.
type Received = (u64, u32);

/// The next message, by one of the three ways there are.
fn receive<K: Kind>(rx: &mut Receiver<Wide, K>, way: usize) -> Result<Received, RecvTimeoutError> {
    receive_for(rx, way, WATCHDOG)
}

fn receive_for<K: Kind>(
    rx: &mut Receiver<Wide, K>,
    way: usize,
    timeout: Duration,
) -> Result<Received, RecvTimeoutError> {
    match way % 3 {
        0 => {
            let message = rx.recv_timeout(timeout)?;
            Ok((message.number(), rx.redelivered()))
        }
        1 => {
            let mut messages = Vec::new();
            assert_eq!(rx.recv_batch_timeout(&mut messages, 1, timeout)?, 1);
            Ok((messages[0].number(), rx.redelivered()))
        }
        _ => {
            let lease = rx.lease_timeout(timeout)?;
            Ok((lease.number(), lease.redelivered()))
        }
    }
}

/// Receives until everybody on the other side is gone: all messages, and how they went.
#[track_caller]
fn gather<K: Kind>(rx: &mut Receiver<Wide, K>) -> (Vec<Received>, Departure) {
    let mut received = Vec::new();
    loop {
        match receive(rx, received.len()) {
            Ok(message) => received.push(message),
            Err(RecvTimeoutError::Disconnected(departure)) => return (received, departure),
            Err(error) => panic!("{error:?} after {received:?}"),
        }
    }
}

/// These numbers, each of them received so often before.
fn each(numbers: Range<u64>, redelivered: u32) -> Vec<Received> {
    numbers.map(|number| (number, redelivered)).collect()
}

fn sorted(mut received: Vec<Received>) -> Vec<Received> {
    received.sort();
    received
}

/// Sends messages from `first` on until the ring is full and nobody will make room; how many went.
#[track_caller]
fn fill<K: Kind>(tx: &mut Sender<Wide, K>, first: u64, departure: Departure) -> u64 {
    for number in first.. {
        match tx.send_timeout(Wide::of(number), WATCHDOG) {
            Ok(()) => {}
            Err(error) => {
                assert_eq!(error, SendTimeoutError::Disconnected(Wide::of(number), departure));
                return number - first;
            }
        }
    }
    unreachable!()
}

/// An empty ring takes all that it can hold, lap for lap, in order.
#[track_caller]
fn assert_works<K: Kind>(tx: &mut Sender<Wide, K>, rx: &mut Receiver<Wide, K>) {
    assert_eq!(rx.try_recv(), Err(crate::TryRecvError::Empty));
    let capacity = tx.capacity() as u64;
    for lap in 0..3 {
        let numbers = 5000 + lap * capacity..5000 + (lap + 1) * capacity;
        send_all(tx, numbers.clone());
        assert!(matches!(tx.try_send(Wide::of(0)), Err(crate::TrySendError::Full(_))));
        for number in numbers {
            assert_eq!(receive(rx, number as usize), Ok((number, 0)));
        }
    }
    assert_eq!(rx.try_recv(), Err(crate::TryRecvError::Empty));
}

fn is_gone(peer: &Peer, wanted: Departure, wanted_pid: u64) -> bool {
    matches!(*peer, Peer::Gone { departure, pid, .. } if (departure, pid) == (wanted, wanted_pid))
}

fn is_attached(peer: &Peer, wanted: u64) -> bool {
    matches!(*peer, Peer::Attached { pid, .. } if pid == wanted)
}

fn own_pid() -> u64 {
    std::process::id().into()
}

/// The receiver hears, as soon as it has been in the way for a moment, whose claim it is, by every call with a timeout.
#[track_caller]
fn assert_receiver_stalled<K: Kind>(rx: &mut Receiver<Wide, K>, pid: u64) {
    let deadline = Instant::now() + WATCHDOG;
    let mut stalled = receive_for(rx, 0, A_MOMENT);
    while stalled == Err(RecvTimeoutError::Timeout) && Instant::now() < deadline {
        stalled = receive_for(rx, 0, A_MOMENT);
    }
    // It is known by now.
    for stalled in [stalled, receive_for(rx, 1, Duration::ZERO), receive_for(rx, 2, Duration::ZERO)] {
        let named = matches!(stalled, Err(RecvTimeoutError::Stalled(peer)) if is_attached(&peer, pid));
        assert!(named, "{stalled:?}");
    }
}

/// As [`assert_receiver_stalled`].
#[track_caller]
fn assert_sender_stalled<K: Kind>(tx: &mut Sender<Wide, K>, pid: u64) {
    let deadline = Instant::now() + WATCHDOG;
    let message = Wide::of(0);
    let mut stalled = tx.send_timeout(message, A_MOMENT);
    while stalled == Err(SendTimeoutError::Timeout(message)) && Instant::now() < deadline {
        stalled = tx.send_timeout(message, A_MOMENT);
    }
    let batch = tx.send_batch_timeout(&[message; 2], Duration::ZERO);
    let batch = batch.map_err(|error| match error {
        SendTimeoutError::Stalled(0, peer) => SendTimeoutError::Stalled(message, peer),
        other => panic!("{other:?}"),
    });
    let loan = tx.loan_timeout(Duration::ZERO).map(drop);
    let loan = loan.map_err(|error| match error {
        SendTimeoutError::Stalled((), peer) => SendTimeoutError::Stalled(message, peer),
        other => panic!("{other:?}"),
    });
    for stalled in [stalled, batch, loan] {
        let named = matches!(stalled, Err(SendTimeoutError::Stalled(_, peer)) if is_attached(&peer, pid));
        assert!(named, "{stalled:?}");
    }
}

/// There is no message and no end, whoever is in the way.
#[track_caller]
fn assert_waits<K: Kind>(rx: &mut Receiver<Wide, K>) {
    let waited = receive_for(rx, 0, A_WHILE);
    assert!(matches!(waited, Err(RecvTimeoutError::Timeout | RecvTimeoutError::Stalled(_))), "{waited:?}");
}

/// The health says who is in the way, and it is that process.
#[track_caller]
fn assert_names(health: impl Fn() -> Health, pid: u64) {
    let stalled = health().stalled;
    assert!(stalled.as_ref().is_some_and(|peer| is_attached(peer, pid)), "{stalled:?}");
}

/// What a role that receives has said until it was done.
#[track_caller]
fn heard(child: &mut Child) -> Vec<Received> {
    let mut received = Vec::new();
    loop {
        let line = child.hear();
        match line.split_once(' ') {
            Some((number, redelivered)) => {
                received.push((number.parse().expect("a number"), redelivered.parse().expect("a number")));
            }
            None if line == "done" => return received,
            None => assert_eq!(line, "attached"),
        }
    }
}
