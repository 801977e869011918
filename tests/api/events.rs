//! What a subscriber to `tracing` hears of channels and cells.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringway::channel::seqlock;
use ringway::map::Namespace;
use ringway::{Wait, mpmc, spsc};
use tracing::Level;
use tracing::subscriber::with_default;

use crate::caller::Caller;
use crate::testing::{Child, Role, TempNamespace, watched};

const DIR: &str = "RINGWAY_TEST_EVENTS_DIR";
const INTERVAL: Duration = Duration::from_millis(10);

/// The lines that were written.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test has panicked").write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs it, and returns what it returns with the events of this thread, from that level on, and without their time.
fn heard<R>(level: Level, run: impl FnOnce() -> R) -> (R, Vec<String>) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    let result = with_default(subscriber, run);
    let text = String::from_utf8(log.0.lock().expect("no test has panicked").clone()).expect("text");
    let lines = text.lines().map(|line| line.trim_start().replace("ringway: ", ""));
    (result, lines.collect())
}

fn shared(dir: &std::path::Path) -> mpmc::Channel<u64> {
    mpmc::channel("c").namespace(Namespace::Dir(dir.into())).capacity(8).liveness_interval(INTERVAL)
}

fn alone(dir: &std::path::Path) -> spsc::Channel<u64> {
    spsc::channel("s").namespace(Namespace::Dir(dir.into())).liveness_interval(INTERVAL)
}

fn latest(dir: &std::path::Path) -> seqlock::Cell<u64> {
    seqlock::cell("l").namespace(Namespace::Dir(dir.into()))
}

#[test]
fn who_attaches_and_leaves_is_told_and_messages_without_a_wait_are_not() {
    let space = TempNamespace::new();
    let (_, lines) = heard(Level::TRACE, || {
        let channel = || spsc::channel::<u64>("c").namespace(space.namespace()).wait(Wait::Spin);
        let (mut tx, mut rx) = (channel().sender().expect("free"), channel().receiver().expect("free"));
        for number in 0..1000 {
            tx.send(number).expect("there is room");
            assert_eq!(rx.recv(), Ok(number));
        }
        drop((tx, rx));
        let cells = seqlock::table::<u64>("t").cells(4).namespace(space.namespace());
        drop(cells.writer(3).expect("free"));
    });
    let ends = [("c", "sender", 0), ("c", "receiver", 0)];
    let all = [
        ("attached", &ends[..]),
        ("left", &ends[..]),
        ("attached", &[("t", "writer", 3)]),
        ("left", &[("t", "writer", 3)]),
    ];
    let told = all.iter().flat_map(|(what, whom)| {
        whom.iter().map(move |(channel, role, record)| {
            format!("DEBUG {what} channel=\"{channel}\" role=\"{role}\" record={record}")
        })
    });
    assert_eq!(lines, told.collect::<Vec<_>>());
}

/// Takes a message and holds it until it is killed; or takes a role and does nothing.
#[test]
fn role_victim() {
    let Some(mut role) = Role::play() else { return };
    let dir = std::path::PathBuf::from(role.var(DIR));
    let mut rx = shared(&dir).open_existing().receiver().expect("free");
    let lease = rx.lease().expect("sent");
    let tx = alone(&dir).sender().expect("free");
    let writer = latest(&dir).writer().expect("free");
    role.say("holds");
    role.hear();
    drop((lease, tx, writer));
}

#[test]
fn who_was_killed_is_told_once_and_so_is_what_it_leaves_to_others() {
    watched(|| {
        let space = TempNamespace::new();
        let pair = || alone(space.path());
        let (mut tx, mut rx) =
            (shared(space.path()).sender().expect("free"), shared(space.path()).receiver().expect("free"));
        let mut alone = pair().receiver().expect("free");
        tx.send(7).expect("there is room");
        let mut child = Child::spawn("events::role_victim", &[(DIR, space.path().as_os_str())]);
        assert_eq!(child.hear(), "holds");
        child.kill();
        let (_, lines) = heard(Level::DEBUG, || {
            assert_eq!(rx.recv(), Ok(7));
            assert_eq!(rx.redelivered(), 1);
            (0..3).for_each(|_| drop(rx.health()));
            alone.recv().expect_err("nothing was sent");
            alone.recv().expect_err("nothing was sent");
            drop(pair().sender().expect("free"));
        });
        let pid = child.pid();
        let told = [
            format!("WARN was killed channel=\"c\" role=\"receiver\" record=1 pid={pid}"),
            "INFO repaired what the dead left channel=\"c\" role=\"receiver\" record=0".to_owned(),
            "INFO received a message again channel=\"c\" role=\"receiver\" record=0".to_owned(),
            format!("WARN was killed channel=\"s\" role=\"sender\" record=0 pid={pid}"),
            "INFO attached in the place of one that was killed channel=\"s\" role=\"sender\" record=0"
                .to_owned(),
            "DEBUG left channel=\"s\" role=\"sender\" record=0".to_owned(),
        ];
        assert_eq!(lines, told);
    });
}

#[test]
fn a_place_that_is_taken_after_a_death_tells_of_it() {
    watched(|| {
        let space = TempNamespace::new();
        let mut tx = shared(space.path()).sender().expect("free");
        tx.send(7).expect("there is room");
        // Those who keep the others there, and do not look.
        let beside =
            (alone(space.path()).receiver().expect("free"), latest(space.path()).reader().expect("there"));
        let mut child = Child::spawn("events::role_victim", &[(DIR, space.path().as_os_str())]);
        assert_eq!(child.hear(), "holds");
        child.kill();
        let told = |channel: &str, role: &str| {
            [
                format!("WARN was killed channel=\"{channel}\" role=\"{role}\" record=0 pid={}", child.pid()),
                format!(
                    "INFO attached in the place of one that was killed channel=\"{channel}\" role=\"{role}\" record=0"
                ),
            ]
        };
        // Nobody had noticed before: of a side that is shared, of one that is not, and of a cell.
        let (rx, lines) = heard(Level::DEBUG, || shared(space.path()).receiver().expect("free"));
        assert_eq!(lines, told("c", "receiver"));
        let (tx, lines) = heard(Level::DEBUG, || alone(space.path()).sender().expect("free"));
        assert_eq!(lines, told("s", "sender"));
        let (writer, lines) = heard(Level::DEBUG, || latest(space.path()).writer().expect("free"));
        assert_eq!(lines, told("l", "writer"));
        drop((rx, tx, writer, beside));
        let (rx, lines) = heard(Level::DEBUG, || shared(space.path()).receiver().expect("free"));
        assert_eq!(lines, ["DEBUG attached channel=\"c\" role=\"receiver\" record=0"], "that one left");
        drop(rx);
    });
}

#[test]
fn sleeping_and_waking_are_told_to_whoever_traces() {
    watched(|| {
        let space = TempNamespace::new();
        let channel = || spsc::channel::<u64>("c").namespace(space.namespace()).wait(Wait::ParkAtOnce);
        let (mut tx, mut rx) = (channel().sender().expect("free"), channel().receiver().expect("free"));
        let caller = Caller::asleep(move || {
            let (message, lines) = heard(Level::TRACE, || rx.recv());
            (message, lines, rx)
        });
        let (sent, lines) = heard(Level::TRACE, || tx.send(1));
        sent.expect("there is room");
        assert_eq!(lines, ["TRACE woke others channel=\"c\" role=\"sender\" record=0"]);
        let (message, lines, rx) = caller.answer();
        assert_eq!(message, Ok(1));
        assert!(!lines.is_empty(), "it slept");
        assert!(
            lines.iter().all(|line| line == "TRACE slept channel=\"c\" role=\"receiver\" record=0"),
            "{lines:?}"
        );
        drop((tx, rx));
    });
}
