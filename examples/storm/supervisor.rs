//! The supervisor: starts everybody, kills some all the time, and closes the accounts.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use ringway::channel::Health;
use ringway::map::{MapOptions, Namespace};

use crate::arguments::{Role, Settings, Task};
use crate::guest;
use crate::message::{Random, now_ns};
use crate::process::{Signals, Sweeper, resident};
use crate::report;
use crate::troupe::Troupe;

/// Between two passes over what the receivers say.
const PAUSE: Duration = Duration::from_micros(500);

/// Who does not get on for so long hangs.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same, once somebody does.
const IMPATIENCE: Duration = Duration::from_millis(500);

/// By then everything has its size.
const WARM: Duration = Duration::from_secs(2);

/// Records on a shared side of the channel: the default.
const RECORDS: usize = 32;

/// The last line, and the exit status.
pub(crate) struct Verdict {
    pub(crate) line: String,
    pub(crate) status: u8,
}

/// How much memory is in use, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) at: Duration,
    pub(crate) supervisor: u64,
    pub(crate) observer: u64,
    /// Of the files of this run.
    pub(crate) shared: u64,
}

/// What came of the storm, besides the accounts.
pub(crate) struct Outcome {
    pub(crate) elapsed: Duration,
    pub(crate) memory: [Memory; 2],
    /// Who did not get on, or could not come in.
    pub(crate) hung: Vec<String>,
    /// Messages that were in the channel when every receiver had gone.
    pub(crate) stranded: usize,
    /// What the channel said of itself when the kills were over.
    pub(crate) health: Option<Health>,
    pub(crate) signal: Option<i32>,
}

/// Raises a storm, and tells what came of it.
pub(crate) fn run(settings: &Settings, out: &mut dyn Write) -> Result<Verdict, Box<dyn Error>> {
    let signals = Signals::note()?;
    let run = format!("storm-{}", std::process::id());
    let _sweeper = Sweeper;
    let Settings { kind, capacity, .. } = *settings;
    let parent = std::process::id();
    let task = Task { role: Role::Observer, run, parent, number: 0, kind, capacity, batches: false };
    // Keeps the channel, when all the others are dead at a time.
    let map = guest::create(&task, || MapOptions::new().open(&task.run))?;
    let mut storm = Storm {
        troupe: Troupe::start(settings, &task)?,
        settings,
        signals: &signals,
        task: &task,
        start: Instant::now(),
        hung: Vec::new(),
    };
    report::start(settings, out)?;
    let outcome = storm.blow()?;
    drop(map);
    report::result(&storm.troupe, &outcome, out)?;
    Ok(report::verdict(&storm.troupe, &outcome))
}

struct Storm<'a> {
    troupe: Troupe,
    settings: &'a Settings,
    signals: &'a Signals,
    task: &'a Task,
    start: Instant,
    hung: Vec<String>,
}

impl Storm<'_> {
    fn blow(&mut self) -> Result<Outcome, Box<dyn Error>> {
        let mut memory = None;
        let mut signal = None;
        let mut random = Random::new(self.settings.seed);
        let (mut span, mut due) = (Instant::now(), Instant::now());
        let mut killed = true;
        while self.start.elapsed() < self.settings.length && signal.is_none() && self.gets_on() {
            // Not while a kill is due: where one look takes longer than a span none would ever come to it.
            if killed && span.elapsed() >= self.settings.kill_every {
                span = span.max(Instant::now() - self.settings.kill_every) + self.settings.kill_every;
                let within = random.below(self.settings.kill_every.as_micros() as u64);
                due = span + Duration::from_micros(within);
                killed = false;
            }
            if !killed && Instant::now() >= due && self.settings.kills > 0 {
                killed = true;
                let victims = choose(&mut random, self.settings.kills, self.troupe.len());
                self.attempt(|troupe| troupe.kill(&victims));
            }
            self.attempt(Troupe::listen);
            self.attempt(Troupe::check);
            if memory.is_none() && self.start.elapsed() >= WARM.min(self.settings.length / 2) {
                memory = Some(self.memory());
            }
            signal = self.signals.take();
            thread::sleep(PAUSE);
        }
        let elapsed = self.start.elapsed();
        let last = self.memory();
        let (task, health) = (self.task, self.wind_up());
        self.troupe.end()?;
        let mut stranded = 0;
        self.attempt(|troupe| guest::drain(task, troupe).map(|count| stranded = count));
        self.troupe.ledger.close();
        let hung = std::mem::take(&mut self.hung);
        Ok(Outcome { elapsed, memory: [memory.unwrap_or(last), last], hung, stranded, health, signal })
    }

    /// Does something with the workers; that it fails means that one does not do what it should.
    fn attempt(&mut self, action: impl FnOnce(&mut Troupe) -> io::Result<()>) {
        if let Err(error) = action(&mut self.troupe) {
            self.hung.push(error.to_string());
        }
    }

    /// Whether nobody hangs, as far as is known.
    fn gets_on(&mut self) -> bool {
        let waited = Duration::from_nanos(now_ns().saturating_sub(self.troupe.stalls.latest));
        if self.hung.is_empty() && waited > PATIENCE {
            self.stuck(&format!("nobody has received anything for {waited:.1?}"));
        }
        self.hung.is_empty()
    }

    fn stuck(&mut self, what: &str) {
        let stalled = guest::look(self.task).map(|(_, _, health)| health.stalled);
        let mut text = format!("{what}; in the way, says the channel: {stalled:?}");
        for state in self.troupe.states() {
            text += &format!("\n                {state}");
        }
        self.hung.push(text);
    }

    /// Without any more kills: those are there who should be, there is room for as many as there should be, and
    /// everything arrives.
    fn wind_up(&mut self) -> Option<Health> {
        self.tell_to_end(Role::Observer);
        let (task, kind) = (self.task, self.settings.kind);
        let living = [Role::Sender, Role::Receiver].map(|role| self.troupe.count(role));
        let (mut found, mut last) = ([0; 2], None);
        if !self.until(|_| {
            let (senders, receivers, health) = guest::look(task)?;
            (found, last) = ([senders, receivers], Some(health));
            Ok(found == living)
        }) {
            self.hung
                .push(format!("senders and receivers attached: {found:?}, expected {living:?}, who live"));
        }
        let sides = [(Role::Sender, kind.shared_senders()), (Role::Receiver, kind.shared_receivers())];
        for ((role, shared), living) in sides.into_iter().zip(living) {
            let mut room = Ok(());
            let mut has_room = || {
                room = guest::room(task, role, living, RECORDS);
                Ok(room.is_ok())
            };
            if shared && !self.until(|_| has_room()) {
                self.hung.extend(room.err());
            }
        }
        self.tell_to_end(Role::Sender);
        self.tell_to_end(Role::Receiver);
        last
    }

    fn tell_to_end(&mut self, role: Role) {
        self.attempt(|troupe| troupe.tell_to_end(role));
        if !self.until(|troupe| troupe.ended(role)) {
            self.stuck(&format!("a {role} does not end"));
        }
    }

    /// Goes on listening until it is so; false if it is not for too long, or nobody wants to wait.
    fn until(&mut self, mut condition: impl FnMut(&mut Troupe) -> io::Result<bool>) -> bool {
        let patience = if self.hung.is_empty() { PATIENCE } else { IMPATIENCE };
        let deadline = Instant::now() + patience;
        loop {
            self.attempt(Troupe::listen);
            match condition(&mut self.troupe) {
                Ok(true) => return true,
                Ok(false) => {}
                Err(error) => self.hung.push(error.to_string()),
            }
            if Instant::now() >= deadline || self.signals.take().is_some() {
                return false;
            }
            thread::sleep(PAUSE);
        }
    }

    fn memory(&self) -> Memory {
        Memory {
            at: self.start.elapsed(),
            supervisor: resident("self"),
            observer: self.troupe.observer_resident(),
            shared: shared_memory(&self.task.run),
        }
    }
}

/// So many different numbers below `end`.
fn choose(random: &mut Random, count: usize, end: usize) -> Vec<usize> {
    let mut all: Vec<usize> = (0..end).collect();
    (0..count.min(end)).map(|_| all.swap_remove(random.below(all.len() as u64) as usize)).collect()
}

/// Bytes of the run's files in shared memory.
fn shared_memory(run: &str) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = fs::read_dir(Namespace::User.path()).into_iter().flatten().flatten();
    let own = entries.filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(run)));
    own.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.blocks() * 512).sum()
}
