//! Threads and processes that do a slice of work when they are told to, and sleep in between.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use rustix::process::{Signal, set_parent_process_death_signal};

/// So many messages, one by one or in batches.
#[derive(Clone, Copy)]
pub(crate) struct Slice {
    pub(crate) count: u64,
    pub(crate) batches: bool,
}

/// What numbers come to: how many, their sum, and the sum of their squares, without carry. One that is lost does not
/// make up for another that came twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally([u64; 3]);

impl Tally {
    #[inline]
    pub(crate) fn add(&mut self, number: u64) {
        *self = self.and(Self([1, number, number.wrapping_mul(number)]));
    }

    #[inline]
    pub(crate) fn and(self, other: Self) -> Self {
        let [a, b, c] = self.0;
        let [d, e, f] = other.0;
        Self([a.wrapping_add(d), b.wrapping_add(e), c.wrapping_add(f)])
    }

    /// How many.
    #[allow(dead_code, reason = "not everybody asks")]
    pub(crate) fn count(self) -> u64 {
        self.0[0]
    }

    /// Of the numbers from 1 to `last`.
    pub(crate) fn up_to(last: u64) -> Self {
        let mut tally = Self::default();
        (1..=last).for_each(|number| tally.add(number));
        tally
    }
}

/// Does a slice, and gives what it received.
pub(crate) type Job = Box<dyn FnMut(Slice) -> Tally + Send>;

/// A thread or a process. A process ends when this is dropped, and a thread of itself.
pub(crate) enum Worker {
    Thread(mpsc::Sender<Slice>, mpsc::Receiver<Tally>),
    Process { input: Option<ChildStdin>, output: BufReader<ChildStdout>, child: Child },
}

/// Environment variable: the task of a worker process.
const TASK: &str = "RINGWAY_BENCH_TASK";

impl Worker {
    pub(crate) fn thread(mut job: Job) -> Self {
        let (command, commands) = mpsc::channel();
        let (answer, answers) = mpsc::channel();
        thread::spawn(move || {
            for slice in commands {
                if answer.send(job(slice)).is_err() {
                    return;
                }
            }
        });
        Self::Thread(command, answers)
    }

    pub(crate) fn process(task: &str) -> Self {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.env(TASK, task).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("another process");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        Self::Process { input: child.stdin.take(), output, child }
    }

    pub(crate) fn start(&mut self, slice: Slice) {
        match self {
            Self::Thread(command, _) => command.send(slice).expect("the thread"),
            Self::Process { input, .. } => {
                let line = format!("{} {}\n", slice.count, slice.batches);
                let input = input.as_mut().expect("its input");
                input.write_all(line.as_bytes()).expect("the process");
            }
        }
    }

    pub(crate) fn finish(&mut self) -> Tally {
        match self {
            Self::Thread(_, answers) => answers.recv().expect("the thread"),
            Self::Process { output, .. } => {
                let mut line = String::new();
                output.read_line(&mut line).expect("the process");
                let mut numbers = line.split_whitespace().map(|number| number.parse().expect("a number"));
                Tally(std::array::from_fn(|_| numbers.next().expect("three numbers")))
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Self::Process { input, child, .. } = self {
            drop(input.take());
            let _ = child.wait();
        }
    }
}

/// If this is a worker process: does its job until there is no more to do, and says so.
pub(crate) fn serve(job: impl FnOnce(&str) -> Job) -> bool {
    let Ok(task) = env::var(TASK) else { return false };
    set_parent_process_death_signal(Some(Signal::KILL)).expect("a death signal");
    let mut job = job(&task);
    for line in io::stdin().lines() {
        let line = line.expect("a line");
        let (count, batches) = line.split_once(' ').expect("two words");
        let slice = Slice { count: count.parse().expect("a number"), batches: batches == "true" };
        let Tally([count, sum, squares]) = job(slice);
        println!("{count} {sum} {squares}");
    }
    true
}
