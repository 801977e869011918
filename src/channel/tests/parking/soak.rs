//! Millions of sleeps and wakes, at every phase of each other: a wake that is lost shows, since nothing heals it.
//!
//! `cargo test --release --lib soak -- --ignored --nocapture`, for so many seconds as `RINGWAY_SOAK_SECONDS` says.

use std::thread;
use std::time::{Duration, Instant};

use super::{Bench, FOR_EVER, channel};
use crate::channel::{Kind, Mpmc, Spsc};
use crate::testing::{Child, Role, TempNamespace, WATCHDOG};
use crate::{RecvTimeoutError, SendTimeoutError};

/// A cheap source of chance.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Spins for some time up to about twenty microseconds, mostly short.
    fn dawdle(&mut self) {
        let longest = 1_u64 << (self.next() % 10);
        (0..self.next() % longest).for_each(|_| std::hint::spin_loop());
    }
}

/// Answers each message with the next one, for ever.
#[test]
fn role_echo() {
    let Some(mut role) = Role::play() else { return };
    echo::<Spsc>(&mut role);
}

/// The same over channels that others could share.
#[test]
fn role_shared_echo() {
    let Some(mut role) = Role::play() else { return };
    echo::<Mpmc>(&mut role);
}

fn echo<K: Kind>(role: &mut Role) {
    let (there, back) = (role.var("RINGWAY_TEST_THERE"), role.var("RINGWAY_TEST_BACK"));
    let mut rx = channel::<K>(there.as_ref(), 1, FOR_EVER).receiver().expect("there is a place");
    let mut tx = channel::<K>(back.as_ref(), 1, FOR_EVER).sender().expect("there is a place");
    role.say("attached");
    let mut chance = Chance(u64::from(std::process::id()) | 1);
    while let Ok(number) = rx.recv() {
        chance.dawdle();
        if tx.send(number + 1).is_err() {
            return;
        }
        chance.dawdle();
    }
}

/// As many round trips as fit into that time; no answer takes longer than the watchdog.
fn rounds<K: Kind>(role: &str, time: Duration) -> u64 {
    let (there, back) = (TempNamespace::new(), TempNamespace::new());
    let mut tx = channel::<K>(there.path(), 1, FOR_EVER).sender().expect("there is a place");
    let mut rx = channel::<K>(back.path(), 1, FOR_EVER).receiver().expect("there is a place");
    let envs = [("RINGWAY_TEST_THERE", there.path()), ("RINGWAY_TEST_BACK", back.path())];
    let mut child = Child::spawn(&format!("channel::tests::parking::soak::{role}"), &envs);
    assert_eq!(child.hear(), "attached");
    let (start, mut chance, mut rounds) = (Instant::now(), Chance(0x9e37_79b9), 0);
    while rounds % 1024 != 0 || start.elapsed() < time {
        chance.dawdle();
        tx.send_timeout(rounds, WATCHDOG).expect("a slot: a wake was lost");
        chance.dawdle();
        assert_eq!(rx.recv_timeout(WATCHDOG), Ok(rounds + 1), "an answer: a wake was lost");
        rounds += 1;
    }
    rounds
}

/// Sends or receives for ever, sleeping in between, until it is killed.
#[test]
fn role_guest() {
    let Some(mut role) = Role::play() else { return };
    let verb = role.var("RINGWAY_TEST_VERB");
    let channel = channel::<Mpmc>(role.var("RINGWAY_TEST_THERE").as_ref(), 2, Duration::from_millis(5));
    let mut chance = Chance(u64::from(std::process::id()) | 1);
    role.say("attached");
    if verb == "receive" {
        let mut rx = channel.receiver().expect("there is a place");
        loop {
            if let Err(RecvTimeoutError::Broken(broken)) = rx.recv_timeout(WATCHDOG) {
                panic!("{broken}");
            }
            chance.dawdle();
        }
    }
    let mut tx = channel.sender().expect("there is a place");
    loop {
        if let Err(SendTimeoutError::Broken(_, broken)) = tx.send_timeout(0, WATCHDOG) {
            panic!("{broken}");
        }
        chance.dawdle();
    }
}

/// Guests come and are killed at any moment; a sender and a receiver that stay go on all the same. How many guests were
/// killed, and how many messages the two that stayed have sent and received.
fn kills(time: Duration) -> (u64, u64, u64) {
    let bench = Bench::new(2, Duration::from_millis(5));
    let (mut tx, mut rx) = (bench.sender::<Mpmc>(), bench.receiver::<Mpmc>());
    let guest = |verb: &str| {
        let envs =
            [("RINGWAY_TEST_THERE", bench.space.path().as_os_str()), ("RINGWAY_TEST_VERB", verb.as_ref())];
        let mut child = Child::spawn("channel::tests::parking::soak::role_guest", &envs);
        assert_eq!(child.hear(), "attached");
        child
    };
    let start = Instant::now();
    thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let (mut chance, mut sent) = (Chance(3), 0_u64);
            while start.elapsed() < time {
                tx.send_timeout(sent, WATCHDOG).expect("a slot: a wake was lost");
                sent += 1;
                chance.dawdle();
            }
            sent
        });
        let receiver = scope.spawn(|| {
            let (mut chance, mut received) = (Chance(5), 0_u64);
            while start.elapsed() < time {
                rx.recv_timeout(WATCHDOG).expect("a message: a wake was lost");
                received += 1;
                chance.dawdle();
            }
            received
        });
        let (mut chance, mut killed) = (Chance(7), 0);
        while start.elapsed() < time {
            let mut guests = ["receive", "send", "receive"].map(guest);
            thread::sleep(Duration::from_micros(chance.next() % 20_000));
            guests.iter_mut().for_each(Child::kill_running);
            killed += guests.len() as u64;
        }
        // Whoever is left alone at the end is not stuck: it ends with the time.
        let _others = ["receive", "send"].map(guest);
        (killed, sender.join().expect("no panic"), receiver.join().expect("no panic"))
    })
}

fn soak(seconds: u64) {
    let time = Duration::from_secs(seconds);
    let (sole, shared) =
        (rounds::<Spsc>("role_echo", time / 3), rounds::<Mpmc>("role_shared_echo", time / 3));
    let (killed, sent, received) = kills(time / 3);
    println!("{sole} round trips of sleepers over spsc, {shared} over mpmc, no wake lost");
    println!("{killed} killed beside two that stay and sent {sent}, received {received}");
}

#[test]
fn no_wake_is_lost_in_a_few_seconds() {
    soak(3);
}

#[test]
#[ignore = "for minutes, as it is told"]
fn no_wake_is_lost_for_a_long_time() {
    let seconds = std::env::var("RINGWAY_SOAK_SECONDS").ok();
    soak(seconds.map_or(60, |text| text.parse().expect("a number of seconds")));
}
