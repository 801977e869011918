//! Round trips between two processes that sleep until the other one has written, and bursts to one that sleeps.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process::{ChildStdin, ChildStdout};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use ringway::channel::Parking;
use ringway::{Wait, spsc};

use super::idle::voluntary_switches;
use super::{Group, Job, Part};
use crate::support::{FutexPingPong, Progress, Side, pin};

/// Round trips of a slice.
const ROUNDS: u64 = 50;

/// What the channels bound their sleeps to, lest somebody died who was to wake them.
const BOUND: Duration = Duration::from_millis(100);

type Message = [u64; 7];
const BYTES: usize = size_of::<Message>();

/// The parent's ends of the pipes to the child's standard input and from its standard output.
pub(crate) type Pipes = Option<(ChildStdin, ChildStdout)>;

/// One way there and one way back.
trait Pair {
    fn say(&mut self, message: &Message);
    fn hear(&mut self) -> Message;
}

fn job(part: Part, mut pair: impl Pair + 'static) -> Job {
    match part {
        Part::Parent => Box::new(move |count| {
            for number in 0..count {
                pair.say(&[number; 7]);
                assert_eq!(pair.hear(), [number; 7], "a message was lost or torn");
            }
        }),
        Part::Child => Box::new(move |count| {
            for _ in 0..count {
                let message = pair.hear();
                pair.say(&message);
            }
        }),
    }
}

/// Whatever moves bytes.
struct Bytes<W, R>(W, R);

impl<W: Write, R: Read> Pair for Bytes<W, R> {
    fn say(&mut self, message: &Message) {
        let mut bytes = [0; BYTES];
        for (to, word) in bytes.chunks_exact_mut(8).zip(message) {
            to.copy_from_slice(&word.to_ne_bytes());
        }
        self.0.write_all(&bytes).expect("the other process");
    }

    fn hear(&mut self) -> Message {
        let mut bytes = [0; BYTES];
        self.1.read_exact(&mut bytes).expect("the other process");
        std::array::from_fn(|at| u64::from_ne_bytes(bytes[at * 8..][..8].try_into().expect("a word")))
    }
}

/// Standard input and output, without a buffer and without a lock.
struct Standard;

impl Read for Standard {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(io::stdin(), bytes)?)
    }
}

impl Write for Standard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(io::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Channels(spsc::Sender<Message>, spsc::Receiver<Message>);

impl Pair for Channels {
    fn say(&mut self, message: &Message) {
        self.0.send(*message).expect("the other process");
    }

    fn hear(&mut self) -> Message {
        self.1.recv().expect("the other process")
    }
}

impl Channels {
    fn open(run: &str, part: Part, parking: Parking, wait: Wait) -> Self {
        let channel = |way: &str| {
            spsc::channel(&format!("{run}-{way}-{parking:?}-{wait:?}")).parking(parking).wait(wait)
        };
        let (out, back) = if part == Part::Parent { ("ping", "pong") } else { ("pong", "ping") };
        Self(channel(out).sender().expect("a channel out"), channel(back).receiver().expect("a channel back"))
    }
}

/// A stream of the parent's to the child.
fn socket(run: &str, part: Part) -> UnixStream {
    let address = SocketAddr::from_abstract_name(run).expect("a short name");
    match part {
        Part::Parent => {
            let listener = UnixListener::bind_addr(&address).expect("a socket");
            listener.accept().expect("the child").0
        }
        Part::Child => {
            let start = Instant::now();
            loop {
                match UnixStream::connect_addr(&address) {
                    Ok(stream) => return stream,
                    Err(error) if start.elapsed() > Duration::from_secs(10) => panic!("the parent: {error}"),
                    Err(_) => thread::sleep(Duration::from_millis(1)),
                }
            }
        }
    }
}

/// Round trips of sleepers. `pipes` are the parent's.
pub(crate) fn rounds(side: &Side, part: Part, pipes: Pipes) -> Vec<Group> {
    let (run, memory) = (&side.run, side.memory);
    let bare = |memory, bound| -> Job {
        let mut futex = FutexPingPong::new(memory, bound);
        match part {
            Part::Parent => Box::new(move |count| futex.rounds(count)),
            Part::Child => Box::new(move |count| futex.answer(count)),
        }
    };
    let channels = |parking, wait| job(part, Channels::open(run, part, parking, wait));
    let stream = socket(run, part);
    let other = stream.try_clone().expect("a descriptor");
    let contestants = vec![
        ("bare futex", bare(memory, None)),
        ("bare futex, bounded", bare(memory.wrapping_add(1 << 14), Some(BOUND))),
        ("asymmetric, park at once", channels(Parking::Asymmetric, Wait::ParkAtOnce)),
        ("fenced, park at once", channels(Parking::Fenced, Wait::ParkAtOnce)),
        ("asymmetric, park", channels(Parking::Asymmetric, Wait::Park)),
        (
            "pipes",
            match pipes {
                Some((out, back)) => job(part, Bytes(out, back)),
                None => job(part, Bytes(Standard, Standard)),
            },
        ),
        ("Unix socket", job(part, Bytes(stream, other))),
    ];
    let (mut apart, mut together) = (Vec::new(), Vec::new());
    for (name, job) in contestants {
        let job = Rc::new(RefCell::new(job));
        let same = job.clone();
        apart.push((name, Box::new(move |count| job.borrow_mut()(count)) as Job));
        let visiting: Job = Box::new(move |count| {
            // The parent's core. It is where the parent is anyway.
            pin(0);
            same.borrow_mut()(count);
            pin(usize::from(part == Part::Child));
        });
        together.push((name, visiting));
    }
    let groups = [
        Group::new("on two cores", BYTES, ROUNDS, apart),
        Group::new("on one core", BYTES, ROUNDS, together),
    ];
    groups.map(Group::ending_here).into()
}

/// Messages of a burst: as many as the channel holds, nearly.
pub(crate) const BURST: u64 = 1000;

/// A channel to a receiver that sleeps, and one that brings back how often it slept in a burst.
pub(crate) struct Bursts {
    pub(crate) name: &'static str,
    tx: spsc::Sender<u64>,
    counts: spsc::Receiver<u64>,
}

/// How long the sender is quiet between two bursts: the receiver sleeps by then, and is not woken by its own clock.
const QUIET: Duration = Duration::from_millis(5);

impl Bursts {
    /// Of so many bursts, how often the receiver slept in each, the sleep that the burst ended among them.
    pub(crate) fn run(&mut self, bursts: usize, progress: &Progress) -> Vec<f64> {
        let mut burst = || {
            thread::sleep(QUIET);
            (0..BURST).for_each(|number| self.tx.send(number).expect("the other process"));
            let count = self.counts.recv().expect("the other process") as f64;
            progress.step();
            count
        };
        burst();
        (0..bursts).map(|_| burst()).collect()
    }
}

/// The two ways to sleep.
const WAYS: [(&str, Wait); 2] = [("park", Wait::Park), ("park at once", Wait::ParkAtOnce)];

/// In the parent, what sends bursts; in the child, what receives so many of them.
pub(crate) fn bursts(run: &str, part: Part) -> (Vec<Bursts>, Vec<Job>) {
    let (mut sending, mut receiving) = (Vec::new(), Vec::<Job>::new());
    for (name, wait) in WAYS {
        let numbers = spsc::channel::<u64>(&format!("{run}-burst-{wait:?}")).wait(wait);
        let counts = spsc::channel::<u64>(&format!("{run}-sleeps-{wait:?}"));
        match part {
            Part::Parent => {
                let tx = numbers.sender().expect("a channel");
                sending.push(Bursts { name, tx, counts: counts.receiver().expect("a channel back") });
            }
            Part::Child => {
                let mut rx = numbers.receiver().expect("a channel");
                let mut counts = counts.sender().expect("a channel back");
                receiving.push(Box::new(move |bursts| {
                    for _ in 0..bursts {
                        let before = voluntary_switches();
                        for number in 0..BURST {
                            assert_eq!(rx.recv().expect("the other process"), number, "a message was lost");
                        }
                        counts.send(voluntary_switches() - before).expect("the other process");
                    }
                }));
            }
        }
    }
    (sending, receiving)
}
