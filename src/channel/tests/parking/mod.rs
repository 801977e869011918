//! Sleeping at gates: who dies there, who dies before it has woken others, and who is stopped.
//!
//! In most of these tests nobody asks who lives for an hour, and a sleep may last as long: so a wake that is lost is not
//! healed, and the test hangs.

mod cells;
mod sleepers;
mod soak;
mod unheard;
mod wakers;

use std::path::{Path, PathBuf};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

use super::{DIR, NAME, SCRIPT};
use crate::Wait;
use crate::channel::{Channel, Kind, Mpmc, Mpsc, Receiver, Sender, Spmc, Spsc};
use crate::map::Namespace;
use crate::protocol::gate::Gate;
use crate::protocol::roster::Side;
use crate::testing::{CRASH_POINT, Child, Role, TempNamespace, WATCHDOG};

/// Longer than any test.
const FOR_EVER: Duration = Duration::from_secs(3600);
/// Where a sleeper may die.
const PARK: [&str; 3] = ["park.after-enlist", "park.before-sleep", "park.after-sleep"];
/// Where somebody may die who has news for sleepers.
const WAKE: [&str; 2] = ["wake.before-event", "wake.after-event"];

fn channel<K: Kind>(dir: &Path, capacity: usize, interval: Duration) -> Channel<u64, K> {
    let channel = Channel::new(NAME).namespace(Namespace::Dir(dir.to_owned())).capacity(capacity);
    channel.liveness_interval(interval).wait(Wait::ParkAtOnce)
}

/// What a role is to do: kind, verb, capacity, interval in milliseconds, count.
struct Script {
    dir: PathBuf,
    verb: String,
    capacity: usize,
    interval: Duration,
    count: u64,
}

/// Receives or sends so many messages, one by one, and says each.
#[test]
fn role() {
    let Some(mut role) = Role::play() else { return };
    let text = role.var(SCRIPT);
    let words: Vec<&str> = text.split(' ').collect();
    let number = |at: usize| words[at].parse::<u64>().expect("a number");
    let script = Script {
        dir: role.var(DIR).into(),
        verb: words[1].to_owned(),
        capacity: number(2) as usize,
        interval: Duration::from_millis(number(3)),
        count: number(4),
    };
    match words[0] {
        "spsc" => play::<Spsc>(&mut role, &script),
        "mpsc" => play::<Mpsc>(&mut role, &script),
        "spmc" => play::<Spmc>(&mut role, &script),
        _ => play::<Mpmc>(&mut role, &script),
    }
}

fn play<K: Kind>(role: &mut Role, script: &Script) {
    let channel = channel::<K>(&script.dir, script.capacity, script.interval);
    if script.verb == "receive" {
        let mut rx = channel.receiver().expect("there is a place");
        role.say("attached");
        role.hear();
        for _ in 0..script.count {
            match rx.recv() {
                Ok(number) => role.say(&number.to_string()),
                Err(error) => role.say(&error.to_string()),
            }
        }
    } else {
        let mut tx = channel.sender().expect("there is a place");
        role.say("attached");
        role.hear();
        for number in 0..script.count {
            tx.send(1000 + number).expect("a slot");
            role.say("sent");
        }
    }
    // Until it may leave.
    role.hear();
}

/// The channel of a test.
struct Bench {
    space: TempNamespace,
    capacity: usize,
    interval: Duration,
}

impl Bench {
    fn new(capacity: usize, interval: Duration) -> Self {
        Self { space: TempNamespace::new(), capacity, interval }
    }

    fn channel<K: Kind>(&self) -> Channel<u64, K> {
        channel(self.space.path(), self.capacity, self.interval)
    }

    fn sender<K: Kind>(&self) -> Sender<u64, K> {
        self.channel::<K>().sender().expect("there is a place")
    }

    fn receiver<K: Kind>(&self) -> Receiver<u64, K> {
        self.channel::<K>().receiver().expect("there is a place")
    }

    /// Starts a role, which has attached and is told to begin.
    fn begin<K: Kind>(&self, verb: &str, count: u64, point: &str) -> Child {
        let mut child = self.attach::<K>(verb, count, point);
        child.tell("go");
        child
    }

    /// Starts a role, which has attached.
    fn attach<K: Kind>(&self, verb: &str, count: u64, point: &str) -> Child {
        let interval = self.interval.as_millis();
        let script = format!("{} {verb} {} {interval} {count}", K::NAME, self.capacity);
        let envs =
            [(DIR, self.space.path().as_os_str()), (SCRIPT, script.as_ref()), (CRASH_POINT, point.as_ref())];
        let mut child = Child::spawn("channel::tests::parking::role", &envs);
        assert_eq!(child.hear(), "attached");
        child
    }
}

/// The gate of that side, as a member sees it.
fn gate(member: &crate::channel::member::Member, side: Side) -> &Gate {
    member.segment().any_ring().control.gate(side)
}

fn word(gate: &Gate) -> u32 {
    gate.word().load(std::sync::atomic::Ordering::SeqCst)
}

/// Whether somebody may sleep there.
fn is_watched(gate: &Gate) -> bool {
    word(gate) % 2 == 1
}

#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < WATCHDOG, "it never came to this: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until a thread of that process sleeps at a word.
#[track_caller]
fn wait_asleep(pid: u64) {
    wait_until("a thread sleeps at a word", || {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("a process");
        tasks.filter_map(|task| Some(task.ok()?.path())).any(|task| {
            let read = |file| std::fs::read_to_string(task.join(file)).unwrap_or_default();
            // The other threads of a test binary wait at words of their own.
            read("comm").starts_with("channel::tests") && read("syscall").starts_with(sleeping())
        })
    });
}

/// How the kernel's word on a thread begins that sleeps at a word: with the number of that call, of this machine and not of
/// one that it plays.
fn sleeping() -> &'static str {
    static SLEEPING: OnceLock<String> = OnceLock::new();
    SLEEPING.get_or_init(|| {
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            tell.send(rustix::thread::gettid().as_raw_nonzero()).expect("somebody listens");
            std::thread::park();
        });
        let task = format!("/proc/self/task/{}", told.recv().expect("it says who it is"));
        let read = |file| std::fs::read_to_string(format!("{task}/{file}")).expect("it is there");
        wait_until("a thread sleeps", || {
            read("stat").rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'))
        });
        let number = read("syscall").split(' ').next().expect("a number").to_owned() + " ";
        thread.thread().unpark();
        thread.join().expect("it does nothing");
        number
    })
}
