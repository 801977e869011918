//! Cells in a storm: a writer that never pauses, or that is killed again and again, and readers that check every value.
#![cfg(not(loom))]

#[allow(dead_code, reason = "other tests need the rest")]
#[path = "../src/testing.rs"]
mod testing;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ringway::map;
use ringway::seqlock::{self, Cells, LoadError, One, Reader};
use ringway::{Message, Predecessor};

use testing::{Child, Role, TempNamespace};

const DIR: &str = "RINGWAY_TEST_DIR";
const SCRIPT: &str = "RINGWAY_TEST_SCRIPT";
/// Reads of each size in the long run, with and without kills.
const READS: u64 = 100_000_000;
/// A reader says how far it is once in so many reads.
const STRIDE: u64 = if cfg!(debug_assertions) { 1 << 9 } else { 1 << 16 };

/// A value that is made of its number, so that no mixture of two passes for one.
trait Sealed: Message + PartialEq {
    fn of(number: u64) -> Self;
    /// Its number, if it is whole.
    fn number(&self) -> Option<u64>;
}

/// Different numbers have different words, at every place.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
/// Numbers are below 2^40 here, so a word that nobody wrote is no number.
const BITS: u32 = 40;

impl<const WORDS: usize> Sealed for [u64; WORDS] {
    fn of(number: u64) -> Self {
        let first = number | number.wrapping_mul(MIX) >> BITS << BITS;
        std::array::from_fn(|at| first.wrapping_add((at as u64).wrapping_mul(MIX)))
    }

    fn number(&self) -> Option<u64> {
        let number = self[0] & ((1 << BITS) - 1);
        (*self == Self::of(number)).then_some(number)
    }
}

fn cell<V: Message>(dir: &Path) -> Cells<V, One> {
    seqlock::cell("storm").namespace(map::Namespace::Dir(dir.to_owned()))
}

#[test]
fn role() {
    let Some(mut role) = Role::play() else { return };
    let (dir, script) = (role.var(DIR), role.var(SCRIPT));
    let (dir, words) = (Path::new(&dir), script.split(' ').collect::<Vec<_>>());
    let [words @ .., core] = &words[..] else { panic!("no such script: {script}") };
    stay_on(core.parse().ok());
    match *words {
        ["writer", "8"] => play_writer::<[u64; 1]>(&mut role, dir),
        ["writer", "64"] => play_writer::<[u64; 8]>(&mut role, dir),
        ["writer", "1024"] => play_writer::<[u64; 128]>(&mut role, dir),
        ["writer", "4096"] => play_writer::<[u64; 512]>(&mut role, dir),
        ["reader", "8"] => play_reader::<[u64; 1]>(&mut role, dir),
        ["reader", "64"] => play_reader::<[u64; 8]>(&mut role, dir),
        ["reader", "1024"] => play_reader::<[u64; 128]>(&mut role, dir),
        ["reader", "4096"] => play_reader::<[u64; 512]>(&mut role, dir),
        _ => panic!("no such script: {script}"),
    }
}

/// Keeps this process on one of the cores that it may use, if there are several.
fn stay_on(core: Option<usize>) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let Some(core) = core else { return };
    let allowed = sched_getaffinity(None).expect("a process may ask");
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
    let mut one = CpuSet::new();
    one.set(cores[core % cores.len()]);
    sched_setaffinity(None, &one).expect("a process may restrict itself");
}

/// Stores for ever, whole and in place. The latest value is the one that the version says, whoever stored it.
fn play_writer<V: Sealed>(role: &mut Role, dir: &Path) {
    let mut writer = cell::<V>(dir).open_existing().writer().expect("the role is free");
    match writer.load() {
        Ok(value) => assert_eq!(value.number(), Some(writer.version()), "the one before left another value"),
        Err(error) => assert_eq!((error, writer.version()), (LoadError::Empty, 0)),
    }
    role.say("attached");
    for round in 0u64.. {
        let next = V::of(writer.version() + 1);
        if round % 64 == 63 {
            let mut draft = writer.draft();
            draft.write(&next);
            draft.publish();
        } else {
            writer.store_ref(&next);
        }
    }
}

/// Reads until the parent has heard enough: every value is whole, and none is older than the one before.
fn play_reader<V: Sealed>(role: &mut Role, dir: &Path) {
    let reader: Reader<V> = cell(dir).open_existing().reader().expect("anybody may read");
    let over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&over);
    role.say("attached");
    thread::spawn(move || {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).expect("the parent can be read");
        told.store(true, Ordering::Relaxed);
    });
    let (mut reads, mut values, mut last) = (0u64, 0u64, 0);
    loop {
        // Once more after the end: by then the last value has been stored.
        let is_last = over.load(Ordering::Relaxed);
        for _ in 0..STRIDE {
            match reader.load() {
                Ok(value) => {
                    let number = value.number().expect("a torn value");
                    assert!(number >= last, "{last}, then {number}");
                    values += u64::from(number > last);
                    last = number;
                    reads += 1;
                }
                Err(error) => assert_eq!((error, last), (LoadError::Empty, 0), "it had a value"),
            }
        }
        assert!(reader.version() >= last);
        role.say(&format!("read {reads} {values} {last}"));
        if is_last {
            return role.say("over");
        }
    }
}

/// What a run has come to.
#[derive(Debug)]
struct Tally {
    reads: u64,
    values: u64,
    stored: u64,
    killed: u64,
}

/// What one reader has said last.
struct Watcher {
    child: Child,
    reads: u64,
    values: u64,
    last: u64,
}

impl Watcher {
    #[track_caller]
    fn hear(&mut self) -> bool {
        let said = self.child.hear();
        let Some(numbers) = said.strip_prefix("read ") else { return false };
        let mut numbers = numbers.split(' ').map(|number| number.parse().expect("a number"));
        let mut next = || numbers.next().expect("three of them");
        (self.reads, self.values, self.last) = (next(), next(), next());
        true
    }
}

/// Until each reader has read so often, and for at least as long: one writer after another is killed, or one goes on all
/// the time.
fn storm<V: Sealed>(readers: usize, reads: u64, length: Duration, kills: bool) -> Tally {
    // A storm of processes that share cores as chance has it; or a reader and a writer, each on a core of its own.
    let is_proof = reads > 1;
    let space = TempNamespace::new();
    let spawn = |role: &str| {
        let core = if !is_proof {
            "any"
        } else if role == "writer" {
            "0"
        } else {
            "1"
        };
        let script = format!("{role} {} {core}", size_of::<V>());
        let mut child = Child::spawn("role", &[(DIR, space.path().as_os_str()), (SCRIPT, script.as_ref())]);
        assert_eq!(child.hear(), "attached");
        child
    };
    let reader = cell::<V>(space.path()).create_new().reader().expect("the name is free");
    let mut watchers: Vec<Watcher> =
        (0..readers).map(|_| Watcher { child: spawn("reader"), reads: 0, values: 0, last: 0 }).collect();
    let mut random = MIX ^ size_of::<V>() as u64;
    let mut below = |end: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % end
    };
    let (start, mut killed, mut version) = (Instant::now(), 0, 0);
    let mut writer = spawn("writer");
    while start.elapsed() < length || watchers.iter().any(|watcher| watcher.reads < reads) {
        if kills {
            thread::sleep(Duration::from_micros(below(4000)));
            writer.kill_running();
            killed += 1;
            // What it stored last stays for ever, and is the value that the version says.
            let number = reader.load().map(|value| value.number().expect("a torn value"));
            assert_eq!(number.unwrap_or(0), reader.version());
            assert!(reader.version() >= version, "{version}, then {}", reader.version());
            version = reader.version();
            assert!(!reader.freshness().is_fresh());
            writer = spawn("writer");
        }
        // Each says it ten times a second or more often, and more often than it is asked.
        watchers.iter_mut().for_each(|watcher| assert!(watcher.hear()));
    }
    writer.kill_running();
    let last = reader.version();
    for watcher in &mut watchers {
        watcher.child.tell("over");
        while watcher.hear() {}
        watcher.child.wait_success();
        assert_eq!(watcher.last, last, "the last value is there for whoever reads");
    }
    let writer = cell::<V>(space.path()).writer().expect("the role is free");
    assert_eq!((writer.version(), writer.predecessor()), (last, Predecessor::Died));
    drop((writer, reader));
    space.assert_empty();
    let [reads, values] = [|watcher: &Watcher| watcher.reads, |watcher: &Watcher| watcher.values]
        .map(|of| watchers.iter().map(of).sum());
    Tally { reads, values, stored: last, killed }
}

fn report<V: Sealed>(readers: usize, reads: u64, length: Duration, kills: bool) {
    let start = Instant::now();
    let Tally { reads, values, stored, killed } = storm::<V>(readers, reads, length, kills);
    println!(
        "cells: {} bytes, {readers} reader(s), {:.0} s: {reads} reads of {values} different values, of {stored} stored by \
         {} writer(s), {killed} killed at random, 0 torn, 0 older than the one before",
        size_of::<V>(),
        start.elapsed().as_secs_f64(),
        killed + 1
    );
}

/// One run at a time: they are about processes that run beside each other.
static ONE: Mutex<()> = Mutex::new(());

fn of_every_size(readers: usize, reads: u64, length: Duration, kills: bool) {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    report::<[u64; 1]>(readers, reads, length, kills);
    report::<[u64; 8]>(readers, reads, length, kills);
    report::<[u64; 128]>(readers, reads, length, kills);
    report::<[u64; 512]>(readers, reads, length, kills);
}

#[test]
fn a_short_storm_of_kills_tears_no_value_and_takes_none_back() {
    of_every_size(2, 1, Duration::from_millis(600), true);
}

#[test]
#[ignore = "takes a minute"]
fn a_long_storm_of_kills_tears_no_value_and_takes_none_back() {
    let seconds = std::env::var("RINGWAY_STORM_SECONDS").ok();
    let seconds = seconds.map_or(60, |seconds| seconds.parse().expect("a number of seconds"));
    of_every_size(3, 1, Duration::from_secs(seconds) / 4, true);
}

#[test]
#[ignore = "takes minutes"]
fn a_hundred_million_reads_of_each_size_see_no_torn_value() {
    of_every_size(1, READS, Duration::ZERO, false);
}

#[test]
#[ignore = "takes minutes"]
fn a_hundred_million_reads_of_each_size_under_kills_see_no_torn_value() {
    of_every_size(1, READS, Duration::ZERO, true);
}

/// The seal is what tells a mixture from a value.
#[test]
fn a_mixture_of_two_values_is_none() {
    let (one, two) = (<[u64; 8]>::of(41), <[u64; 8]>::of(42));
    assert_eq!((one.number(), two.number()), (Some(41), Some(42)));
    for at in 1..8 {
        for (front, back) in [(one, two), (two, one)] {
            let mut mixed = front;
            mixed[at..].copy_from_slice(&back[at..]);
            assert_eq!(mixed.number(), None);
        }
    }
    assert_eq!([0; 8].number(), None, "what nobody wrote is no value");
}
