//! The verbs of channels, ten thousand times each, under the filter and the count: for each kind, in the default
//! ways to wait and to park.

use std::hint::black_box;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use ringway::channel::{Channel, Kind, Loan, Mpmc, Receiver, Sender};
use ringway::map::Namespace;
use ringway::{Select, TryRecvError, TrySendError};

use crate::testing::TempNamespace;
use crate::{ALLOCATED, BATCH, CALLS, FINE, Numbered, WRONG_MESSAGE};
use crate::{assert_quiet, check, end, forbid_system_calls, spawn};

const CALLS_OF_EACH: u64 = 10_000;
const CAPACITY: usize = 2 * BATCH;

/// Both ends of a channel, in this process, and room for a batch.
struct Ends<M: Numbered, K: Kind> {
    tx: Sender<M, K>,
    rx: Receiver<M, K>,
    batch: Vec<M>,
    until: Instant,
}

impl<M: Numbered, K: Kind> Ends<M, K> {
    fn new(channel: Channel<M, K>, dir: &str) -> Self {
        let channel = channel.namespace(Namespace::Dir(dir.into())).capacity(CAPACITY);
        let channel = channel.liveness_interval(Duration::from_secs(3600));
        let (tx, rx) = (channel.clone().sender(), channel.receiver());
        let until = Instant::now() + Duration::from_secs(3600);
        Self { tx: fine(tx), rx: fine(rx), batch: Vec::with_capacity(CAPACITY), until }
    }

    /// Sends a message as anybody would, for a verb of the receiver.
    fn sent(&mut self, number: u64) -> &mut Receiver<M, K> {
        fine(self.tx.try_send(M::of(number)));
        &mut self.rx
    }

    /// Receives what a verb of the sender has sent.
    fn receive(&mut self, number: u64) {
        check(&fine(self.rx.try_recv()), number);
    }

    /// A batch of that number, again and again.
    fn batch_of(&mut self, number: u64) -> (&mut Sender<M, K>, &[M]) {
        self.batch.clear();
        self.batch.extend((0..BATCH).map(|_| M::of(number)));
        (&mut self.tx, &self.batch)
    }

    fn receive_batch(&mut self, number: u64) {
        (0..BATCH).for_each(|_| self.receive(number));
    }

    /// Sends a batch for a verb of the receiver, which finds room for it.
    fn sent_batch(&mut self, number: u64) -> (&mut Receiver<M, K>, &mut Vec<M>) {
        let (tx, batch) = self.batch_of(number);
        fine(tx.send_batch(batch));
        self.batch.clear();
        (&mut self.rx, &mut self.batch)
    }

    fn received_batch(&mut self, len: usize, number: u64) {
        if (len, self.batch.len()) != (BATCH, BATCH) {
            end(WRONG_MESSAGE);
        }
        self.batch.iter().for_each(|message| check(message, number));
    }
}

/// Ends the process unless the call succeeded.
fn fine<V, E>(result: Result<V, E>) -> V {
    match result {
        Ok(value) => value,
        Err(_) => end(WRONG_MESSAGE),
    }
}

/// Each way to fill a slot in turn.
fn fill<M: Numbered, K: Kind>(mut loan: Loan<'_, M, K>, number: u64) {
    if number % 2 == 0 {
        loan.as_bytes_mut().fill(0);
    }
    loan.write(M::of(number)).publish();
}

type Verb<M, K> = fn(&mut Ends<M, K>, u64);

const HOUR: Duration = Duration::from_secs(3600);

/// Every verb, by name. It leaves the channel empty, as it found it.
#[rustfmt::skip]
fn verbs<M: Numbered, K: Kind>() -> Vec<(&'static str, Verb<M, K>)> {
    vec![
        ("try_send", |e, n| { fine(e.tx.try_send(M::of(n))); e.receive(n) }),
        ("send", |e, n| { fine(e.tx.send(M::of(n))); e.receive(n) }),
        ("send_timeout", |e, n| { fine(e.tx.send_timeout(M::of(n), HOUR)); e.receive(n) }),
        ("send_deadline", |e, n| { fine(e.tx.send_deadline(M::of(n), e.until)); e.receive(n) }),
        ("try_send_batch", |e, n| {
            let (tx, batch) = e.batch_of(n);
            if fine(tx.try_send_batch(batch)) != BATCH { end(WRONG_MESSAGE) }
            e.receive_batch(n)
        }),
        ("send_batch", |e, n| { let (tx, batch) = e.batch_of(n); fine(tx.send_batch(batch)); e.receive_batch(n) }),
        ("send_batch_timeout", |e, n| {
            let (tx, batch) = e.batch_of(n);
            fine(tx.send_batch_timeout(batch, HOUR));
            e.receive_batch(n)
        }),
        ("try_loan", |e, n| { fill(fine(e.tx.try_loan()), n); e.receive(n) }),
        ("loan", |e, n| { fill(fine(e.tx.loan()), n); e.receive(n) }),
        ("loan_timeout", |e, n| { fill(fine(e.tx.loan_timeout(HOUR)), n); e.receive(n) }),
        ("try_send, full", |e, n| {
            let (tx, batch) = e.batch_of(n);
            fine(tx.send_batch(batch));
            fine(tx.send_batch(batch));
            if !matches!(tx.try_send(M::of(n)), Err(TrySendError::Full(_))) { end(WRONG_MESSAGE) }
            e.receive_batch(n);
            e.receive_batch(n)
        }),
        ("try_recv", |e, n| check(&fine(e.sent(n).try_recv()), n)),
        ("recv", |e, n| check(&fine(e.sent(n).recv()), n)),
        ("recv_timeout", |e, n| check(&fine(e.sent(n).recv_timeout(HOUR)), n)),
        ("recv_deadline", |e, n| { let until = e.until; check(&fine(e.sent(n).recv_deadline(until)), n) }),
        ("try_recv_batch", |e, n| {
            let (rx, batch) = e.sent_batch(n);
            let len = fine(rx.try_recv_batch(batch, BATCH));
            e.received_batch(len, n)
        }),
        ("recv_batch", |e, n| {
            let (rx, batch) = e.sent_batch(n);
            let len = fine(rx.recv_batch(batch, BATCH));
            e.received_batch(len, n)
        }),
        ("recv_batch_timeout", |e, n| {
            let (rx, batch) = e.sent_batch(n);
            let len = fine(rx.recv_batch_timeout(batch, BATCH, HOUR));
            e.received_batch(len, n)
        }),
        ("try_lease", |e, n| check(&*fine(e.sent(n).try_lease()), n)),
        ("lease", |e, n| fine(e.sent(n).lease()).release()),
        ("lease_timeout", |e, n| check(&*fine(e.sent(n).lease_timeout(HOUR)), n)),
        ("iter", |e, n| e.sent(n).iter().take(1).for_each(|message| check(&message, n))),
        ("try_iter", |e, n| e.sent(n).try_iter().for_each(|message| check(&message, n))),
        ("try_recv, empty", |e, _| {
            if !matches!(e.rx.try_recv(), Err(TryRecvError::Empty)) { end(WRONG_MESSAGE) }
        }),
        ("Select::poll", |e, n| {
            let rx = e.sent(n);
            if Select::fair().poll(&mut [rx]) != Some(0) { end(WRONG_MESSAGE) }
            e.receive(n)
        }),
        ("Select::wait", |e, n| {
            let rx = e.sent(n);
            if Select::by_priority().wait(&mut [rx]) != 0 { end(WRONG_MESSAGE) }
            e.receive(n)
        }),
        ("len, is_empty, is_full, capacity", |e, _| {
            black_box((e.tx.len(), e.tx.is_empty(), e.tx.is_full(), e.tx.capacity()));
            black_box((e.rx.len(), e.rx.is_empty(), e.rx.is_full(), e.rx.capacity()));
        }),
        ("redelivered", |e, _| _ = black_box(e.rx.redelivered())),
    ]
}

/// Plays the role: one verb of a kind with one size of messages, or all in turn.
pub(crate) fn play(dir: &str, kind: &str, size: &str, verb: &str) -> ! {
    match (kind, size) {
        ("spsc", "small") => play_of(ringway::spsc::channel::<u64>("c"), dir, verb),
        ("spsc", _) => play_of(ringway::spsc::channel::<[u64; 16]>("c"), dir, verb),
        ("mpsc", "small") => play_of(ringway::mpsc::channel::<u64>("c"), dir, verb),
        ("mpsc", _) => play_of(ringway::mpsc::channel::<[u64; 16]>("c"), dir, verb),
        ("spmc", "small") => play_of(ringway::spmc::channel::<u64>("c"), dir, verb),
        ("spmc", _) => play_of(ringway::spmc::channel::<[u64; 16]>("c"), dir, verb),
        (_, "small") => play_of(ringway::mpmc::channel::<u64>("c"), dir, verb),
        _ => play_of(ringway::mpmc::channel::<[u64; 16]>("c"), dir, verb),
    }
}

fn play_of<M: Numbered, K: Kind>(channel: Channel<M, K>, dir: &str, verb: &str) -> ! {
    let mut ends = Ends::new(channel, dir);
    let verbs: Vec<_> =
        verbs::<M, K>().into_iter().filter(|(name, _)| verb == ALL || verb == *name).collect();
    assert!(!verbs.is_empty(), "no such verb: {verb}");
    // What the first call of all has to do once is over: it reads the clock, whose code the loader looks up.
    verbs.iter().for_each(|(_, call)| call(&mut ends, 0));
    forbid_system_calls();
    CALLS.set(0);
    for (_, call) in &verbs {
        (0..CALLS_OF_EACH).for_each(|number| call(&mut ends, number));
    }
    end(if CALLS.get() == 0 { FINE } else { ALLOCATED })
}

/// Stands for every verb.
const ALL: &str = "all";

fn end_of(kind: &str, size: &str, verb: &str) -> ExitStatus {
    let space = TempNamespace::new();
    spawn(&space, &format!("channels {kind} {size} {verb}")).wait()
}

#[test]
fn ten_thousand_calls_of_each_verb_of_each_kind_of_channel_need_no_system_call_and_no_allocation() {
    let _one = crate::PAIR.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for kind in ["spsc", "mpsc", "spmc", "mpmc"] {
        for size in ["small", "large"] {
            if end_of(kind, size, ALL).code() == Some(FINE) {
                continue;
            }
            // Which one was it?
            for (verb, _) in verbs::<u64, Mpmc>() {
                assert_quiet(end_of(kind, size, verb), &format!("{kind}, {size}, {verb}"));
            }
            panic!("{kind}, {size}: the verbs together, and none of them alone");
        }
    }
}

#[test]
fn the_table_of_what_needs_no_system_call_names_each_verb_that_is_tried() {
    let (text, _) = include_str!("../../docs/hot-path.md").split_once("What does cost").expect("both parts");
    let named: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split_once("` |"))
        .map(|(verb, _)| verb)
        .collect();
    let channels = verbs::<u64, Mpmc>().into_iter().map(|(name, _)| name);
    let tried: Vec<&str> = channels.chain(crate::cells::verbs::<u64>().map(|(name, _)| name)).collect();
    assert_eq!(named, tried);
}
