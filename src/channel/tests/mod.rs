//! Unit tests of the channels: what only a crash point or a private part can show.
//!
//! Messages are numbered from 0 by their position in the channel, so that each test can say exactly which
//! ones arrived.

mod attach_race;
mod cells;
mod corrupt;
mod damage;
mod errors;
mod forks;
mod kinds;
mod many;
mod map_deaths;
mod operations;
mod parking;
mod receiver_deaths;
mod roles;
mod roster_deaths;
mod sender_deaths;
mod stopped;

use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

use crate::channel::{Channel, Kind, Spsc};
use crate::map::{MapOptions, Namespace, SharedMap};
use crate::spsc::{Receiver, Sender};
use crate::testing::{CRASH_POINT, Child, TempNamespace, WATCHDOG};
use crate::{Departure, Message, Peer, RecvTimeoutError, SendTimeoutError};

/// The variable that tells a role its namespace.
const DIR: &str = "RINGWAY_TEST_DIR";
/// The variable that tells a role what to do: form, capacity, verb, count.
const SCRIPT: &str = "RINGWAY_TEST_SCRIPT";

const NAME: &str = "c";
const CAPACITIES: [usize; 4] = [1, 2, 3, 8];

/// A message that is its number, all over.
trait Numbered: Message + PartialEq + Debug {
    /// How scripts call it, which is how it becomes visible.
    const FORM: &'static str;

    fn of(number: u64) -> Self;

    /// The number; fails the test if the message is torn.
    #[track_caller]
    fn number(&self) -> u64;
}

impl Numbered for u64 {
    const FORM: &'static str = "stamped";

    fn of(number: u64) -> Self {
        number
    }

    fn number(&self) -> u64 {
        *self
    }
}

impl Numbered for [u64; 16] {
    const FORM: &'static str = "indexed";

    fn of(number: u64) -> Self {
        [number; 16]
    }

    fn number(&self) -> u64 {
        assert_eq!(*self, [self[0]; 16], "torn");
        self[0]
    }
}

/// The channel of all these tests.
fn channel<M: Numbered, K: Kind>(dir: &Path) -> Channel<M, K> {
    Channel::new(NAME).namespace(Namespace::Dir(dir.to_owned())).liveness_interval(Duration::from_millis(1))
}

type Options<M, K> = dyn Fn(Channel<M, K>) -> Channel<M, K>;

/// The channel of a test in its namespace.
struct Bench<M, K = Spsc> {
    space: TempNamespace,
    capacity: usize,
    /// What else the channel is asked to be.
    options: Box<Options<M, K>>,
}

impl<M: Numbered, K: Kind> Bench<M, K> {
    fn new(capacity: usize) -> Self {
        Self::with(capacity, |channel| channel)
    }

    fn with(capacity: usize, options: impl Fn(Channel<M, K>) -> Channel<M, K> + 'static) -> Self {
        Self { space: TempNamespace::new(), capacity, options: Box::new(options) }
    }

    fn channel(&self) -> Channel<M, K> {
        (self.options)(channel(self.space.path()).capacity(self.capacity))
    }

    #[track_caller]
    fn sender(&self) -> super::Sender<M, K> {
        self.channel().sender().expect("there is a sender's place")
    }

    #[track_caller]
    fn receiver(&self) -> super::Receiver<M, K> {
        self.channel().receiver().expect("there is a receiver's place")
    }

    /// The segment's map: it stays for as long as this does, whoever leaves the channel.
    #[track_caller]
    fn map(&self) -> SharedMap {
        MapOptions::new().namespace(self.space.namespace()).open(NAME).expect("the segment is there")
    }

    /// Fails the test unless the segment went with the last of its holders.
    #[track_caller]
    fn assert_gone(&self) {
        self.space.assert_empty();
    }
}

impl<M: Numbered> Bench<M> {
    /// Starts a role of `roles`.
    fn spawn(&self, role: &str, verb: &str, count: usize) -> Child {
        self.spawn_to_die(role, verb, count, "")
    }

    fn spawn_to_die(&self, role: &str, verb: &str, count: usize, point: &str) -> Child {
        let script = format!("{} {} {verb} {count}", M::FORM, self.capacity);
        let envs =
            [(DIR, self.space.path().as_os_str()), (SCRIPT, script.as_ref()), (CRASH_POINT, point.as_ref())];
        Child::spawn(&format!("channel::tests::roles::{role}"), &envs)
    }

    /// Runs a role until it kills itself at the crash point, and says which process it was.
    #[track_caller]
    fn die(&self, role: &str, verb: &str, count: usize, point: &str) -> u64 {
        let mut child = self.spawn_to_die(role, verb, count, point);
        child.wait_killed();
        child.pid()
    }

    /// Passes messages through the channel, so that what follows starts at `position`, in the middle of a
    /// lap.
    #[track_caller]
    fn warm_up(&self, tx: &mut Sender<M>, rx: &mut Receiver<M>, position: u64) {
        for number in tx.position()..position {
            send(tx, number);
            assert_eq!(receive(rx), Ok(number));
        }
    }
}

#[track_caller]
fn send<M: Numbered>(tx: &mut Sender<M>, number: u64) {
    assert_eq!(tx.position(), number);
    tx.send_timeout(M::of(number), WATCHDOG).expect("there is room");
}

/// The number of the next message.
#[track_caller]
fn receive<M: Numbered>(rx: &mut Receiver<M>) -> Result<u64, RecvTimeoutError> {
    rx.recv_timeout(WATCHDOG).map(|message| message.number())
}

/// Receives exactly the messages of that range, and then hears why there are no more.
#[track_caller]
fn drain<M: Numbered>(rx: &mut Receiver<M>, numbers: std::ops::Range<u64>, departure: Departure) {
    for number in numbers {
        assert_eq!(rx.position(), number);
        assert_eq!(receive(rx), Ok(number));
    }
    assert_eq!(receive(rx), Err(RecvTimeoutError::Disconnected(departure)));
}

/// Sends messages until the ring is full, and then hears that nobody will make room; says how many went.
#[track_caller]
fn fill<M: Numbered>(tx: &mut Sender<M>, departure: Departure) -> u64 {
    let start = tx.position();
    loop {
        let number = tx.position();
        match tx.send_timeout(M::of(number), WATCHDOG) {
            Ok(()) => {}
            Err(error) => {
                assert_eq!(error, SendTimeoutError::Disconnected(M::of(number), departure));
                return number - start;
            }
        }
    }
}

/// A fresh pair of ends works: the ring takes all it can hold, in order, and is empty again.
#[track_caller]
fn assert_works<M: Numbered>(tx: &mut Sender<M>, rx: &mut Receiver<M>) {
    let start = tx.position();
    assert_eq!(rx.position(), start, "both sides agree where they are");
    for lap in 0..3 {
        let first = start + lap * tx.capacity() as u64;
        for number in first..first + tx.capacity() as u64 {
            send(tx, number);
        }
        assert!(matches!(tx.try_send(M::of(0)), Err(crate::TrySendError::Full(_))));
        for number in first..first + tx.capacity() as u64 {
            assert_eq!(receive(rx), Ok(number));
        }
    }
    assert!(matches!(rx.try_recv(), Err(crate::TryRecvError::Empty)));
}

/// Runs a test for both forms and all capacities.
fn everywhere(stamped: fn(usize), indexed: fn(usize)) {
    for capacity in CAPACITIES {
        stamped(capacity);
        indexed(capacity);
    }
}

#[track_caller]
fn assert_gone_by(peer: Peer, wanted: Departure, wanted_pid: u64) {
    assert!(matches!(peer, Peer::Gone { departure, pid, .. } if (departure, pid) == (wanted, wanted_pid)));
}
