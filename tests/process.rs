//! A storm: the two processes of a channel are killed at random moments and replaced at once, and every
//! message is accounted for.
#![cfg(not(loom))]

#[path = "support/log.rs"]
mod log;
#[allow(dead_code, reason = "other tests need the rest")]
#[path = "../src/testing.rs"]
mod testing;

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use ringway::map::{self, MapOptions, Namespace};
use ringway::spsc::{self, Channel, Receiver, Sender};
use ringway::{Departure, Message, Predecessor, RecvError, SendError};

use log::Log;
use testing::{Child, Role, TempNamespace};

const DIR: &str = "RINGWAY_TEST_DIR";
const SCRIPT: &str = "RINGWAY_TEST_SCRIPT";
const CAPACITY: usize = 100;
/// A sender's largest batch.
const BATCH: u64 = 32;
/// After so many messages a role says that it gets on.
const SOME: u64 = 500;

/// A message that is its number, all over.
trait Numbered: Message + PartialEq + Debug {
    const FORM: &'static str;
    fn of(number: u64) -> Self;
}

impl Numbered for u64 {
    const FORM: &'static str = "stamped";

    fn of(number: u64) -> Self {
        number
    }
}

impl Numbered for [u64; 16] {
    const FORM: &'static str = "indexed";

    fn of(number: u64) -> Self {
        [number; 16]
    }
}

fn channel<M: Message>(dir: &Path) -> Channel<M> {
    spsc::channel("storm")
        .namespace(Namespace::Dir(dir.to_owned()))
        .capacity(CAPACITY)
        .liveness_interval(Duration::from_millis(1))
}

#[test]
fn role() {
    let Some(mut role) = Role::play() else { return };
    let (dir, script) = (PathBuf::from(role.var(DIR)), role.var(SCRIPT));
    let words: Vec<&str> = script.split(' ').collect();
    let log = Log::path(&dir.join("logs"), words[1], words[2].parse().expect("a number"));
    match words[..2] {
        ["stamped", "sender"] => play_sender::<u64>(&mut role, &dir, &log),
        ["indexed", "sender"] => play_sender::<[u64; 16]>(&mut role, &dir, &log),
        ["stamped", "receiver"] => play_receiver::<u64>(&mut role, &dir, &log),
        ["indexed", "receiver"] => play_receiver::<[u64; 16]>(&mut role, &dir, &log),
        _ => panic!("no such script: {script}"),
    }
}

/// Sends for ever, one by one, in batches and in place.
fn play_sender<M: Numbered>(role: &mut Role, dir: &Path, log: &Path) {
    let mut tx: Sender<M> = channel(dir).sender().expect("the role is free");
    let start = tx.position();
    let log = Log::start(log, start);
    let mut told = false;
    for round in 0u64.. {
        let first = tx.position();
        let sent = match round % 3 {
            0 => tx.send(M::of(first)).map_err(|error| error_without(&error)),
            1 => {
                let batch: Vec<M> = (first..first + 1 + round % BATCH).map(M::of).collect();
                tx.send_batch(&batch).map_err(|error| error_without(&error))
            }
            _ => tx.loan().map(|loan| loan.write(M::of(first)).publish()).map_err(|e| error_without(&e)),
        };
        if sent.is_err() {
            thread::yield_now();
        }
        log.at(tx.position());
        if !told && tx.position() > start + SOME {
            role.say("getting on");
            told = true;
        }
    }
}

/// The channel may only say that the receiver is gone.
fn error_without<T>(error: &SendError<T>) -> Departure {
    match error {
        SendError::Disconnected(_, departure) => *departure,
        SendError::Broken(_, broken) => panic!("{broken}"),
    }
}

/// Receives, and writes down each message before it gives it back, until the storm is over.
fn play_receiver<M: Numbered>(role: &mut Role, dir: &Path, log: &Path) {
    let mut rx: Receiver<M> = channel(dir).receiver().expect("the role is free");
    let start = rx.position();
    let log = Log::start(log, start);
    let mut told = false;
    loop {
        let number = rx.position();
        match rx.lease() {
            Ok(message) => {
                assert_eq!(*message, M::of(number), "lost, repeated, out of order or torn");
                log.at(number + 1);
            }
            Err(RecvError::Disconnected(departure)) => {
                if departure == Departure::Left && dir.join("logs/over").exists() {
                    return;
                }
                thread::yield_now();
            }
            Err(error) => panic!("{error}"),
        }
        if !told && number > start + SOME {
            role.say("getting on");
            told = true;
        }
    }
}

/// One side of the channel: the process that has it now, and how many there have been.
struct Side {
    space: PathBuf,
    form: &'static str,
    role: &'static str,
    count: usize,
    child: Option<Child>,
}

impl Side {
    fn new(space: &TempNamespace, form: &'static str, role: &'static str) -> Side {
        let mut side = Side { space: space.path().to_owned(), form, role, count: 0, child: None };
        side.start();
        side
    }

    fn start(&mut self) {
        let script = format!("{} {} {}", self.form, self.role, self.count);
        self.count += 1;
        self.child = Some(Child::spawn("role", &[(DIR, self.space.as_os_str()), (SCRIPT, script.as_ref())]));
    }

    #[track_caller]
    fn kill(&mut self) {
        self.child.take().expect("one is running").kill_running();
    }

    #[track_caller]
    fn hear(&mut self) {
        assert_eq!(self.child.as_mut().expect("one is running").hear(), "getting on");
    }

    /// Start and end of each that got to the role.
    fn logs(&self) -> Vec<(u64, u64)> {
        let dir = self.space.join("logs");
        (0..self.count).filter_map(|number| Log::read(&Log::path(&dir, self.role, number))).collect()
    }
}

/// What a storm came to.
#[derive(Debug, Default)]
struct Tally {
    sent: u64,
    received: u64,
    redelivered: u64,
    killed: u64,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.sent += other.sent;
        self.received += other.received;
        self.redelivered += other.redelivered;
        self.killed += other.killed;
    }
}

fn storm<M: Numbered>(length: Duration, seed: u64) -> Tally {
    let space = TempNamespace::new();
    std::fs::create_dir(space.path().join("logs")).expect("the directory is new");
    // Holds the segment, so that both may be dead at one time.
    let first = channel::<M>(space.path()).create_new().sender().expect("the name is free");
    let map = MapOptions::new().namespace(Namespace::Dir(space.path().to_owned())).open("storm");
    let map: map::SharedMap = map.expect("the channel is there");
    drop(first);

    let mut tally = Tally::default();
    let mut random = seed;
    let mut next = |end: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % end
    };
    let mut sender = Side::new(&space, M::FORM, "sender");
    let mut receiver = Side::new(&space, M::FORM, "receiver");
    let start = Instant::now();
    while start.elapsed() < length {
        let side = if next(2) == 0 { &mut sender } else { &mut receiver };
        // Most of them when they have got somewhere, some on their way.
        if next(4) > 0 {
            side.hear();
        }
        thread::sleep(Duration::from_micros(next(8000)));
        side.kill();
        side.start();
        tally.killed += 1;
    }

    // The end: all that was sent has to come out.
    receiver.hear();
    sender.kill();
    tally.killed += 1;
    let tx = channel::<M>(space.path()).sender().expect("the role is free");
    assert_ne!(tx.predecessor(), Predecessor::None);
    tally.sent = tx.position();
    std::fs::write(space.path().join("logs/over"), "").expect("there is room");
    drop(tx);
    receiver.child.as_mut().expect("it is running").wait_success();

    // A sender takes over where the last one is known to have got to, or further by what it was sending.
    let mut end = 0;
    for (start, until) in sender.logs() {
        assert!((end..=end + BATCH).contains(&start), "sender: {end}, then {start}");
        end = until;
    }
    assert!((end..=end + BATCH).contains(&tally.sent));
    // A receiver takes over where the last one got to, or at the one message that it held.
    let mut end = 0;
    for (start, until) in receiver.logs() {
        assert!(start == end || start + 1 == end, "receiver: {end}, then {start}");
        tally.redelivered += end - start;
        tally.received += until - start;
        end = until;
    }
    assert_eq!(end, tally.sent, "lost");
    assert_eq!(tally.received, tally.sent + tally.redelivered);
    drop(map);
    std::fs::remove_dir_all(space.path().join("logs")).expect("it is there");
    space.assert_empty();
    tally
}

fn storms(length: Duration) {
    let mut tally = storm::<u64>(length / 2, 0x2545_f491_4f6c_dd1d);
    tally.add(&storm::<[u64; 16]>(length / 2, 0x9e37_79b9_7f4a_7c15));
    let Tally { sent, received, redelivered, killed } = tally;
    println!("storm: {sent} sent, {received} received, {redelivered} redelivered, {killed} killed, 0 lost");
}

#[test]
fn a_short_storm_of_kills_loses_nothing() {
    storms(Duration::from_secs(3));
}

#[test]
#[ignore = "takes a minute"]
fn a_long_storm_of_kills_loses_nothing() {
    let seconds = std::env::var("RINGWAY_STORM_SECONDS").ok();
    let seconds = seconds.map_or(60, |seconds| seconds.parse().expect("a number of seconds"));
    storms(Duration::from_secs(seconds));
}
