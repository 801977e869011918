//! Processes that wait, for a long time, for what does not come.
#![allow(unsafe_code, reason = "asks the kernel for its accounts of this process")]

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::mem::MaybeUninit;
use std::process::{ChildStdout, Command, Stdio, id};
use std::thread;
use std::time::{Duration, Instant};

use ringway::{seqlock, spsc};
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::support::Progress;

/// Environment variable: what a process waits for.
const IDLER: &str = "RINGWAY_BENCH_IDLER";

/// Longer than anybody idles here.
const LONG: Duration = Duration::from_secs(3600);

/// The kernel's accounts of this process.
fn usage() -> libc::rusage {
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: room for what it writes.
    let answer = unsafe { libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) };
    assert_eq!(answer, 0, "the accounts of this process");
    // SAFETY: written by the call, which succeeded.
    unsafe { usage.assume_init() }
}

fn micros(time: libc::timeval) -> i64 {
    time.tv_sec * 1_000_000 + time.tv_usec
}

/// How often this process went to sleep by itself.
pub(crate) fn voluntary_switches() -> u64 {
    usage().ru_nvcsw as u64
}

/// What an idle process used.
pub(crate) struct Idle {
    pub(crate) name: &'static str,
    pub(crate) elapsed: Duration,
    /// User and system time.
    pub(crate) cpu: Duration,
    pub(crate) switches: u64,
}

/// If this is an idle process: waits once, and says what that took.
pub(crate) fn is_idler() -> bool {
    let Ok(task) = env::var(IDLER) else { return false };
    set_parent_process_death_signal(Some(Signal::KILL)).expect("a death signal");
    let (what, name) = task.split_once(' ').expect("two words");
    let mut wait: Box<dyn FnMut()> = match what {
        "receiver" => {
            let mut rx = spsc::channel::<u64>(name).receiver().expect("a channel");
            Box::new(move || assert_eq!(rx.recv().expect("the sender"), 1))
        }
        "sender" => {
            let mut tx = spsc::channel::<u64>(name).sender().expect("a channel");
            (0..tx.capacity()).for_each(|_| tx.send(0).expect("the receiver"));
            Box::new(move || tx.send(1).expect("the receiver"))
        }
        _ => {
            let reader = seqlock::cell::<u64>(name).reader().expect("a cell");
            let mut seen = 0;
            Box::new(move || {
                reader.wait_newer(&mut seen, LONG).expect("the writer");
            })
        }
    };
    println!("waits");
    let (before, start) = (usage(), Instant::now());
    wait();
    let (elapsed, after) = (start.elapsed(), usage());
    let cpu = [(after.ru_utime, before.ru_utime), (after.ru_stime, before.ru_stime)];
    let cpu: i64 = cpu.into_iter().map(|(after, before)| micros(after) - micros(before)).sum();
    println!("{} {cpu} {}", elapsed.as_micros(), after.ru_nvcsw - before.ru_nvcsw);
    true
}

/// A receiver of an empty channel, a sender of a full one and a reader of a cell, for so long, all at the same time. Their
/// peers live.
pub(crate) fn idle(time: Duration) -> Vec<Idle> {
    let run = format!("bench-idle-{}", id());
    let name = |what: &str| format!("{run}-{what}");
    let mut tx = spsc::channel::<u64>(&name("receiver")).sender().expect("a channel");
    let mut rx = spsc::channel::<u64>(&name("sender")).receiver().expect("a channel");
    let mut writer = seqlock::cell::<u64>(&name("reader")).writer().expect("a cell");
    let all = [("receiver", "receiver"), ("sender", "sender, full"), ("reader", "reader of a cell")];
    let mut idlers = all.map(|(what, title)| {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.env(IDLER, format!("{what} {}", name(what))).stdout(Stdio::piped());
        let mut child = command.spawn().expect("another process");
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        assert_eq!(line(&mut output), "waits\n");
        (title, child, output)
    });
    // Whole seconds: what this process does in between is in no account.
    let progress = Progress::new(time.as_secs() as usize);
    (0..time.as_secs()).for_each(|_| {
        thread::sleep(Duration::from_secs(1));
        progress.step();
    });
    drop(progress);
    tx.send(1).expect("the receiver");
    rx.recv().expect("the sender");
    writer.store(1);
    let found = idlers.each_mut().map(|(name, child, output)| {
        let line = line(output);
        let mut numbers = line.split_whitespace().map(|number| number.parse::<u64>().expect("a number"));
        let mut next = || numbers.next().expect("three numbers");
        let (elapsed, cpu) = (Duration::from_micros(next()), Duration::from_micros(next()));
        assert!(child.wait().expect("the process").success());
        Idle { name, elapsed, cpu, switches: next() }
    });
    found.into()
}

fn line(output: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    output.by_ref().read_line(&mut line).expect("the process");
    line
}
