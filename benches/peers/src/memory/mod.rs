//! What a channel of 1024 messages of 64 bytes takes, after all of it was used once: in shared memory, and of each process
//! alone. Each contestant has a process of its own, lest what one leaves is counted for another.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use serde_json::{Value, json};

use crate::contest::{Plot, Series};
use crate::links::{self, At, Inlet, Link, Mode, Outlet, Visit};
use crate::progress::Progress;
use crate::{CAPACITY, Scope};

/// 64 bytes.
const WORDS: usize = 8;
/// Channels over which the figures are means.
const CHANNELS: usize = 16;

/// Environment variable: the contestant, and the run.
const TASK: &str = "RINGWAY_BENCH_MEMORY";

/// Of all channels of a run.
#[derive(Clone, Copy, Default)]
struct Bytes {
    /// The lengths of its files.
    length: u64,
    /// What the kernel has set aside for them.
    blocks: u64,
    /// Of the process, without what it shares.
    private: u64,
}

impl Bytes {
    fn now(run: &str) -> Self {
        let mut bytes = Self { private: private(), ..Self::default() };
        bytes.add(Path::new("/dev/shm"), run, false);
        bytes.add(&env::temp_dir(), run, false);
        bytes
    }

    /// All files whose path names the run.
    fn add(&mut self, directory: &Path, run: &str, inside: bool) {
        use std::os::unix::fs::MetadataExt;
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let Ok(status) = entry.metadata() else { continue };
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let inside = inside || name.contains(run);
            if status.is_dir() {
                // ringway's files have a directory for all of a user's.
                if inside || name.starts_with("ringway") {
                    self.add(&entry.path(), run, inside);
                }
            } else if inside {
                self.length += status.len();
                self.blocks += status.blocks() * 512;
            }
        }
    }

    /// For each of the channels that have come since.
    fn since(self, before: Self) -> Self {
        let each = |now: u64, before: u64| now.saturating_sub(before) / CHANNELS as u64;
        Self {
            length: each(self.length, before.length),
            blocks: each(self.blocks, before.blocks),
            private: each(self.private, before.private),
        }
    }
}

/// What of this process is neither a file's nor shared.
fn private() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("a status");
    let line =
        status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a kernel of this decade");
    let kilobytes = line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number");
    kilobytes * 1024
}

/// Both sides of a channel.
type Sides<O, I> = (O, I);

fn open<const N: usize, L: Link<N>>(run: &str, channel: usize) -> Sides<L::Out, L::In> {
    let at = |first| At { run: run.to_owned(), channel: format!("channel-{channel}"), first, polling: true };
    (L::outlet(&at(true)), L::inlet(&at(false)))
}

/// Fills it once and empties it.
fn touch<const N: usize>((out, inlet): &mut Sides<impl Outlet<N>, impl Inlet<N>>) {
    let mut sent = 0;
    while sent < CAPACITY as u64 {
        match out.send(sent + 1, 1) {
            0 => break,
            count => sent += count,
        }
    }
    let mut next = 1;
    while next <= sent {
        inlet.recv(|message| {
            assert_eq!(*message, [next; N], "a message was lost or torn");
            next += 1;
        });
    }
}

/// Measures the one of that name.
struct Measure<'a> {
    name: &'a str,
    run: &'a str,
    found: Option<Bytes>,
}

impl<const N: usize> Visit<N> for Measure<'_> {
    fn link<L: Link<N>>(&mut self) {
        if L::NAME != self.name {
            return;
        }
        // What a process needs but once.
        let mut once = open::<N, L>(self.run, CHANNELS);
        touch(&mut once);
        let before = Bytes::now(self.run);
        let mut all: Vec<_> = (0..CHANNELS).map(|channel| open::<N, L>(self.run, channel)).collect();
        all.iter_mut().for_each(touch);
        self.found = Some(Bytes::now(self.run).since(before));
    }
}

/// If this is the process of a contestant: prints what it takes, and says so.
pub(crate) fn is_subject() -> bool {
    let Ok(task) = env::var(TASK) else { return false };
    let (name, run) = task.split_once('/').expect("two words");
    let mut measure = Measure { name, run, found: None };
    links::each::<WORDS>(&mut measure);
    let Bytes { length, blocks, private } = measure.found.expect("a contestant of this name");
    println!("{length} {blocks} {private}");
    true
}

/// Those that have one message at a time, and whatever may be right.
struct Names(Vec<&'static str>);

impl<const N: usize> Visit<N> for Names {
    fn link<L: Link<N>>(&mut self) {
        if L::MODE == Mode::Single && L::BROKEN.is_none() {
            self.0.push(L::NAME);
        }
    }
}

fn measure(name: &str, run: &str) -> Bytes {
    links::prepare(run);
    let program = env::current_exe().expect("this program");
    let output = Command::new(program).env(TASK, format!("{name}/{run}")).output().expect("another process");
    links::clean(run);
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let words = String::from_utf8_lossy(&output.stdout);
    let mut numbers = words.split_whitespace().map(|word| word.parse().expect("a number"));
    let [length, blocks, private] = std::array::from_fn(|_| numbers.next().expect("three numbers"));
    Bytes { length, blocks, private }
}

/// Measures, prints, and returns the figures.
pub(crate) fn run(scope: &Scope) -> Value {
    let mut names = Names(Vec::new());
    links::each::<WORDS>(&mut names);
    let progress = Progress::new(names.0.len());
    let run = scope.run("memory");
    let all: Vec<(&str, Bytes)> = names
        .0
        .into_iter()
        .map(|name| {
            let bytes = measure(name, &run);
            progress.step();
            (name, bytes)
        })
        .collect();
    drop(progress);
    print(&all);
    scope.draw(plot(&all));
    let row = |(name, bytes): &(&str, Bytes)| {
        let Bytes { length, blocks, private } = bytes;
        json!({ "contestant": name, "file_bytes": length, "block_bytes": blocks, "private_bytes": private })
    };
    all.iter().map(row).collect()
}

fn print(all: &[(&str, Bytes)]) {
    let messages = CAPACITY * WORDS * 8;
    println!("\nmemory: a channel of {CAPACITY} x {} bytes, which are {messages}, used once\n", WORDS * 8);
    println!(
        "{:<16} {:>12} {:>12} {:>10} {:>20}",
        "bytes", "in files", "set aside", "x messages", "private, both sides"
    );
    for (name, Bytes { length, blocks, private }) in all {
        let share = *blocks as f64 / messages as f64;
        println!("{name:<16} {length:>12} {blocks:>12} {share:>10.2} {private:>20}");
    }
    println!(
        "\nmeans of {CHANNELS} channels, both of whose sides are in one process; pipes and sockets have their bytes in the kernel"
    );
}

fn plot(all: &[(&str, Bytes)]) -> Plot {
    let series = all.iter().map(|(name, bytes)| {
        // There is no logarithm of nothing.
        let points = [(0, bytes.blocks), (1, bytes.private)].into_iter().filter(|point| point.1 > 0);
        let points = points.map(|(at, bytes)| (at, bytes as f64)).collect();
        Series { name: (*name).to_owned(), ours: name.starts_with("ringway"), points }
    });
    Plot {
        scenario: "memory",
        title: format!("memory of a channel of {CAPACITY} x {} bytes", WORDS * 8),
        x: "what",
        y: "bytes, lower is better".to_owned(),
        labels: vec!["in shared memory".to_owned(), "private, both sides".to_owned()],
        series: series.collect(),
    }
}
