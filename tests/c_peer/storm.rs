//! Both sides are killed at random moments and replaced, in C and in Rust by turns, and every message is accounted for.

use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ringway::RecvError;
use ringway::map::Namespace;
use ringway::spsc;

use crate::log::Log;
use crate::testing::{Child, Role, TempNamespace, WATCHDOG};
use crate::{NAME, Numbered, Tick, channel, compiled, keeper};

const DIR: &str = "RINGWAY_TEST_DIR";
const SCRIPT: &str = "RINGWAY_TEST_SCRIPT";
/// So many deaths.
const KILLS: usize = 40;
/// So far each gets, at least, before it is killed.
const SOME: u64 = 200;

#[test]
fn role() {
    let Some(role) = Role::play() else { return };
    let (dir, script) = (PathBuf::from(role.var(DIR)), role.var(SCRIPT));
    let (kind, log) = script.split_once(' ').expect("two words");
    match kind {
        "tick-send" => sends::<Tick>(&dir, Path::new(log)),
        "frame-send" => sends::<[u64; 16]>(&dir, Path::new(log)),
        "tick-receive" => receives::<Tick>(&dir, Path::new(log)),
        "frame-receive" => receives::<[u64; 16]>(&dir, Path::new(log)),
        _ => panic!("no such script: {script}"),
    }
}

fn open<M: Numbered>(dir: &Path) -> spsc::Channel<M> {
    let channel = spsc::channel(NAME).namespace(Namespace::Dir(dir.to_owned())).open_existing();
    channel.liveness_interval(Duration::from_millis(1))
}

fn sends<M: Numbered>(dir: &Path, log: &Path) {
    let mut tx = open::<M>(dir).sender().expect("the role is free");
    let log = Log::start(log, tx.position());
    loop {
        if tx.send(M::of(tx.position())).is_err() {
            thread::yield_now();
        }
        log.at(tx.position());
    }
}

fn receives<M: Numbered>(dir: &Path, log: &Path) {
    let mut rx = open::<M>(dir).receiver().expect("the role is free");
    let log = Log::start(log, rx.position());
    loop {
        let number = rx.position();
        match rx.lease() {
            Ok(message) => {
                assert_eq!(*message, M::of(number), "lost, repeated, out of order or torn");
                log.at(number + 1);
            }
            Err(RecvError::Disconnected(_)) => thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

enum Process {
    Rust(Child),
    C(process::Child),
}

impl Process {
    #[track_caller]
    fn kill_running(&mut self) {
        match self {
            Self::Rust(child) => child.kill_running(),
            Self::C(child) => {
                assert_eq!(child.try_wait().unwrap(), None, "the peer in C ended by itself");
                child.kill().unwrap();
                child.wait().unwrap();
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Self::C(child) = self {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// One side of the channel: the process that has it now, and how many there have been.
struct Side<'a> {
    space: &'a TempNamespace,
    logs: &'a Path,
    role: &'static str,
    count: usize,
    process: Option<Process>,
}

impl Side<'_> {
    fn log(&self, number: usize) -> PathBuf {
        self.logs.join(format!("{}-{number}", self.role))
    }

    fn start<M: Numbered>(&mut self, in_c: bool) {
        let log = self.log(self.count);
        self.count += 1;
        self.process = Some(if in_c {
            let mut command = Command::new(compiled().expect("whoever asks has one"));
            command.arg(self.space.path()).args([NAME, M::NAME, self.role, &u64::MAX.to_string(), "stay"]);
            command.arg(format!("log={}", log.display())).stdout(Stdio::null());
            Process::C(command.spawn().expect("the peer starts"))
        } else {
            let script = format!("{}-{} {}", M::NAME, self.role, log.display());
            Process::Rust(Child::spawn(
                "storm::role",
                &[(DIR, self.space.path().as_os_str()), (SCRIPT, script.as_ref())],
            ))
        });
    }

    fn until_it_gets_on(&self) {
        let (log, deadline) = (self.log(self.count - 1), Instant::now() + WATCHDOG);
        while Log::read(&log).is_none_or(|(start, at)| at < start + SOME) {
            assert!(Instant::now() < deadline, "{} does not get on", log.display());
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn kill(&mut self) {
        self.process.take().expect("one is running").kill_running();
    }

    /// Start and end of each.
    fn spans(&self) -> Vec<(u64, u64)> {
        (0..self.count).map(|number| Log::read(&self.log(number)).expect("each got on")).collect()
    }
}

fn storm<M: Numbered>() {
    let (space, logs) = (TempNamespace::new(), TempNamespace::new());
    drop(channel::<M>(&space).sender().unwrap());
    let tx = channel::<M>(&space).sender().unwrap();
    let keeper = keeper(&space);
    drop(tx);
    let side = |role| Side { space: &space, logs: logs.path(), role, count: 0, process: None };
    let mut sides = [side("send"), side("receive")];
    sides.iter_mut().for_each(|side| side.start::<M>(true));
    // Any sequence will do that is not regular.
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..KILLS {
        sides.iter().for_each(Side::until_it_gets_on);
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        thread::sleep(Duration::from_micros(random % 3000));
        let side = &mut sides[(random >> 20) as usize % 2];
        side.kill();
        side.start::<M>((random >> 30) % 3 != 0);
    }
    sides.iter().for_each(Side::until_it_gets_on);
    sides.iter_mut().for_each(Side::kill);

    // What is left is received here, up to the last published message.
    let mut rx = channel::<M>(&space).receiver().unwrap();
    let start = rx.position();
    let end = loop {
        let number = rx.position();
        match rx.recv() {
            Ok(message) => assert_eq!(message, M::of(number)),
            Err(RecvError::Disconnected(_)) => break number,
            Err(error) => panic!("{error}"),
        }
    };
    // Between two steps of a dead one lies one message at the most.
    let (sent, received) = (sides[0].spans(), sides[1].spans());
    let starts = sent.iter().skip(1).map(|span| span.0).chain([end]);
    for ((_, at), next) in sent.iter().zip(starts) {
        assert!((*at..=at + 1).contains(&next), "sent {at}, and the next went on at {next}: {sent:?}");
    }
    let starts = received.iter().skip(1).map(|span| span.0).chain([start]);
    for ((_, at), next) in received.iter().zip(starts) {
        assert!(
            next == *at || next + 1 == *at,
            "received {at}, and the next went on at {next}: {received:?}"
        );
    }
    drop((rx, keeper));
    space.assert_empty();
}

#[test]
fn nothing_is_lost_or_repeated_when_peers_in_c_and_in_rust_are_killed_again_and_again() {
    if compiled().is_some() {
        storm::<Tick>();
        storm::<[u64; 16]>();
    }
}

/// A side in C goes on through every death of the other side, in Rust.
#[test]
fn a_peer_in_c_goes_on_when_the_other_side_in_rust_is_killed() {
    if compiled().is_none() {
        return;
    }
    for (steady, other) in [("send", "receive"), ("receive", "send")] {
        let (space, logs) = (TempNamespace::new(), TempNamespace::new());
        let tx = channel::<Tick>(&space).sender().unwrap();
        let keeper = keeper(&space);
        drop(tx);
        let side = |role| Side { space: &space, logs: logs.path(), role, count: 0, process: None };
        let (mut steady, mut other) = (side(steady), side(other));
        steady.start::<Tick>(true);
        for _ in 0..10 {
            other.start::<Tick>(false);
            other.until_it_gets_on();
            other.kill();
        }
        steady.kill();
        assert!(steady.spans()[0].1 >= 10 * SOME);
        drop(keeper);
        space.assert_empty();
    }
}
