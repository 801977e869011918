//! The shared bytes: whole channels against dumps, the document's example, and a peer in C that was written from
//! `docs/format.md` alone.
#![cfg(not(loom))]

#[allow(dead_code, reason = "other tests need the rest")]
#[path = "../../src/documents.rs"]
mod documents;
#[allow(dead_code, reason = "other tests need the rest")]
#[path = "../../src/testing.rs"]
mod testing;

use std::fmt::Write;
use std::ops::Range;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use ringway::spsc::{self, Receiver, Sender};
use ringway::{
    Departure, Message, OnReceiverDeath, Parking, Predecessor, RecvTimeoutError, SendTimeoutError, map, mpmc,
    seqlock,
};

use testing::TempNamespace;

/// Nothing here takes as long.
const WATCHDOG: Duration = Duration::from_secs(60);

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Tick {
    time_ns: u64,
    price: f64,
    size: u32,
    venue: u32,
}

/// A message that is its number, all over, as the peer in C has it.
trait Numbered: Message + PartialEq + std::fmt::Debug {
    const NAME: &'static str;
    fn of(number: u64) -> Self;
}

impl Numbered for Tick {
    const NAME: &'static str = "tick";

    fn of(number: u64) -> Self {
        Self {
            time_ns: number,
            price: f64::from_bits(number),
            size: number as u32,
            venue: (number >> 32) as u32,
        }
    }
}

impl Numbered for [u64; 16] {
    const NAME: &'static str = "frame";

    fn of(number: u64) -> Self {
        [number; 16]
    }
}

const CHANNEL: &str = "golden";

fn channel<M: Message>(space: &TempNamespace) -> spsc::Channel<M> {
    spsc::channel(CHANNEL)
        .namespace(space.namespace())
        .capacity(4)
        .liveness_interval(Duration::from_millis(1))
        .parking(Parking::Fenced)
}

#[test]
fn the_example_of_a_schema_is_the_schema() {
    let text = documents::read("docs/format.md");
    let (_, example) = text.split_once("### Schema by example").expect("the heading");
    let lines = example.split("```").nth(1).expect("a block").lines().skip(1);
    let digits = |token: &&str| token.len() % 2 == 0 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hex: String = lines.flat_map(|line| line.split_whitespace().take_while(digits)).collect();
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("digits");
    let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
    assert_eq!(bytes, Tick::SCHEMA.encode());
    assert!(example.contains(&format!("these {} bytes", bytes.len())));
}

/// What differs from run to run, as bytes of the file: written as dots.
fn varying(file: &[u8]) -> Vec<Range<usize>> {
    let header = |at: usize| u32::from_le_bytes(file[4096 + at..][..4].try_into().expect("4 bytes")) as usize;
    let (records, roster) = (header(48) + header(52), 4096 + header(112));
    // Of the registry page its checksum, id, creation time and creator.
    let mut varying = vec![8..16, 48..64, 64..72, 72..76];
    // Of a record who has it and since when, and when it was given back.
    varying.extend((0..records).map(|record| roster + record * 128).filter_map(|record| {
        file[record..][..8].iter().any(|byte| *byte != 0).then_some(record + 8..record + 32)
    }));
    varying
}

/// The file as text: offset, 16 bytes, and what of it is printable. Lines of zeros are left out.
fn dump(bytes: &[u8]) -> String {
    let varying = varying(bytes);
    let varies = |at| varying.iter().any(|range| range.contains(&at));
    let mut text = String::new();
    for (line, chunk) in bytes.chunks(16).enumerate() {
        let start = line * 16;
        if chunk.iter().all(|byte| *byte == 0) {
            continue;
        }
        let mut printed = String::new();
        write!(text, "{start:06x}").unwrap();
        for (at, byte) in (start..).zip(chunk) {
            if at % 8 == 0 {
                text.push(' ');
            }
            let shown = if varies(at) { " ..".to_owned() } else { format!(" {byte:02x}") };
            text.push_str(&shown);
            let printable = byte.is_ascii_graphic() && !varies(at);
            printed.push(if printable { char::from(*byte) } else { '.' });
        }
        writeln!(text, "  {printed}").unwrap();
    }
    writeln!(text, "{:06x}  end", bytes.len()).unwrap();
    text
}

/// Compares a channel that passed one message and holds four, in which the second lap began, with its dump.
fn assert_golden<M: Numbered>(file: &str) {
    let space = TempNamespace::new();
    let (mut tx, mut rx) = (channel::<M>(&space).sender().unwrap(), channel::<M>(&space).receiver().unwrap());
    (0..4).for_each(|number| tx.send(M::of(number)).unwrap());
    assert_eq!(rx.recv(), Ok(M::of(0)));
    tx.send(M::of(4)).unwrap();
    assert_dump(&space, file);
}

/// Compares the channel in that namespace with its dump.
fn assert_dump(space: &TempNamespace, file: &str) {
    let found = dump(&std::fs::read(space.path().join(CHANNEL)).unwrap());
    let path = format!("tests/golden/{file}");
    if std::env::var_os("RINGWAY_BLESS").is_some() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path), &found).unwrap();
    }
    let golden = documents::read(&path);
    for (found, golden) in found.lines().zip(golden.lines()) {
        assert_eq!(found, golden, "{path}: found (left), expected (right)");
    }
    assert_eq!(found, golden, "{path}");
}

#[test]
fn a_stamped_channel_is_byte_for_byte_what_it_was() {
    assert_golden::<Tick>("stamped.hex");
}

#[test]
fn an_indexed_channel_is_byte_for_byte_what_it_was() {
    assert_golden::<[u64; 16]>("indexed.hex");
}

/// Of the shared sides: two senders, one of which has a slot in hand and one of which has given one up, two
/// receivers, one of which has a message in hand, and a place that somebody has left.
#[test]
fn a_channel_with_shared_sides_is_byte_for_byte_what_it_was() {
    let space = TempNamespace::new();
    let channel =
        mpmc::channel::<Tick>(CHANNEL).namespace(space.namespace()).capacity(7).parking(Parking::Fenced);
    let channel = channel.max_senders(3).max_receivers(2).on_receiver_death(OnReceiverDeath::Discard);
    let (mut tx, mut rx) = (channel.clone().sender().unwrap(), channel.receiver().unwrap());
    let (mut other, mut reader, left) = (tx.clone(), rx.clone(), tx.clone());
    drop(left);
    (0..3).for_each(|number| tx.send(Tick::of(number)).unwrap());
    assert_eq!(rx.recv(), Ok(Tick::of(0)));
    let lease = reader.lease().unwrap();
    assert_eq!(*lease, Tick::of(1));
    drop(tx.loan().unwrap());
    other.send_batch(&[4, 5, 6].map(Tick::of)).unwrap();
    assert_eq!(rx.recv(), Ok(Tick::of(2)));
    assert_eq!(rx.recv(), Ok(Tick::of(4)));
    let loan = other.loan().unwrap();
    assert_dump(&space, "shared.hex");
    drop((lease, loan));
}

/// A cell with two values, whose writer has left, and one that holds the line of the sequence.
#[test]
fn a_cell_is_byte_for_byte_what_it_was() {
    fn test<M: Numbered>(file: &str) {
        let space = TempNamespace::new();
        let cell = seqlock::cell::<M>(CHANNEL).namespace(space.namespace()).parking(Parking::Fenced);
        let (reader, mut writer) = (cell.clone().reader().unwrap(), cell.writer().unwrap());
        (1..3).for_each(|number| writer.store(M::of(number)));
        drop(writer);
        assert_eq!(reader.load(), Ok(M::of(2)));
        assert_dump(&space, file);
    }
    test::<Tick>("cell.hex");
    test::<[u64; 16]>("large-cell.hex");
}

/// A table of five cells, of which two have keys; one key had to go past the end.
#[test]
fn a_keyed_table_is_byte_for_byte_what_it_was() {
    let space = TempNamespace::new();
    let table = seqlock::keyed_table::<[u8; 6], Tick>(CHANNEL)
        .namespace(space.namespace())
        .cells(5)
        .parking(Parking::Fenced);
    let (mut writer, reader) = (table.clone().writer().unwrap(), table.reader().unwrap());
    // All of them hash to the last cell.
    let keys = (0..100).map(|number| *format!("key{number:03}").as_bytes().first_chunk::<6>().unwrap());
    let last: Vec<_> = keys.filter(|key| fnv1a_64(key) % 5 == 4).take(2).collect();
    for (number, key) in (1..).zip(&last) {
        writer.store(key, Tick::of(number)).unwrap();
    }
    assert_eq!(last.iter().map(|key| reader.find(key)).collect::<Vec<_>>(), [Some(4), Some(0)]);
    assert_dump(&space, "keyed-table.hex");
}

/// As the document has it.
fn fnv1a_64(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// The peer in C.
fn compiled() -> &'static Path {
    static PEER: OnceLock<PathBuf> = OnceLock::new();
    PEER.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let peer = directory.join(format!("peer-{}", std::process::id()));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/format/peer.c");
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let mut command = Command::new(compiler);
        let status =
            command.args(["-std=c11", "-Wall", "-Wextra", "-O2", "-o"]).arg(&peer).arg(source).status();
        assert!(status.expect("cc, which also links this test").success(), "peer.c does not compile");
        // Another run of this test may be using the one before.
        std::fs::rename(peer, directory.join("peer")).unwrap();
        directory.join("peer")
    })
}

/// Runs the peer in C to its end; what it said.
fn peer<M: Numbered>(space: &TempNamespace, role: &str, count: u64, die: bool) -> Vec<String> {
    let mut command = Command::new("timeout");
    let file = space.path().join(CHANNEL);
    command.args(["60"]).arg(compiled()).arg(file).args([M::NAME, role, &count.to_string()]);
    let output = command.args(die.then_some("die")).output().expect("the peer starts");
    let error = String::from_utf8_lossy(&output.stderr);
    let killed = output.status.signal() == Some(9) || output.status.code() == Some(137);
    assert!(killed == die && (die || output.status.success()), "{}: {error}", output.status);
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn send<M: Numbered>(tx: &mut Sender<M>, numbers: Range<u64>) {
    for number in numbers {
        assert_eq!(tx.position(), number);
        tx.send_timeout(M::of(number), WATCHDOG).unwrap();
    }
}

fn receive<M: Numbered>(rx: &mut Receiver<M>, numbers: Range<u64>) {
    for number in numbers {
        assert_eq!(rx.recv_timeout(WATCHDOG), Ok(M::of(number)));
    }
}

fn a_sender_in_c<M: Numbered>() {
    let space = TempNamespace::new();
    let mut rx = channel::<M>(&space).receiver().unwrap();
    let receiving = std::thread::spawn(move || {
        receive(&mut rx, 0..1000);
        assert_eq!(rx.recv_timeout(WATCHDOG), Err(RecvTimeoutError::Disconnected(Departure::Left)));
        rx
    });
    assert_eq!(peer::<M>(&space, "send", 1000, false), ["first at 0", "done at 1000"]);
    let mut rx = receiving.join().unwrap();

    // It dies at its third message; by stamp that one is published, by index it is not.
    peer::<M>(&space, "send", 3, true);
    let end = if M::NAME == "tick" { 1003 } else { 1002 };
    receive(&mut rx, 1000..end);
    assert_eq!(rx.recv_timeout(WATCHDOG), Err(RecvTimeoutError::Disconnected(Departure::Died)));
    let resumed = format!("successor of the dead at {end}");
    assert_eq!(peer::<M>(&space, "send", 0, false)[0], resumed);
    peer::<M>(&space, "send", 2, true);
    let mut tx = channel::<M>(&space).sender().unwrap();
    let (start, end) = (end, if M::NAME == "tick" { end + 2 } else { end + 1 });
    assert_eq!((tx.predecessor(), tx.position()), (Predecessor::Died, end));
    receive(&mut rx, start..end);
    send(&mut tx, end..end + 4);
    receive(&mut rx, end..end + 4);
    drop((tx, rx));
    space.assert_empty();
}

fn a_receiver_in_c<M: Numbered>() {
    let space = TempNamespace::new();
    let mut tx = channel::<M>(&space).sender().unwrap();
    let sending = std::thread::spawn(move || {
        send(&mut tx, 0..1004);
        assert!(matches!(
            tx.send_timeout(M::of(1004), WATCHDOG),
            Err(SendTimeoutError::Disconnected(_, Departure::Left))
        ));
        tx
    });
    assert_eq!(peer::<M>(&space, "receive", 1000, false), ["first at 0", "done at 1000"]);
    let tx = sending.join().unwrap();

    // It dies with the third message in hand, which is delivered again.
    peer::<M>(&space, "receive", 3, true);
    assert_eq!(peer::<M>(&space, "receive", 1, false), ["successor of the dead at 1002", "done at 1003"]);
    let keeper = map::MapOptions::new().namespace(space.namespace()).open(CHANNEL).unwrap();
    drop(tx);
    assert_eq!(peer::<M>(&space, "receive", 9, false), ["successor at 1003", "peer left at 1004"]);
    drop(keeper);
    space.assert_empty();
}

#[test]
fn a_sender_in_c_that_knows_the_document_only_is_understood() {
    a_sender_in_c::<Tick>();
    a_sender_in_c::<[u64; 16]>();
}

#[test]
fn a_receiver_in_c_that_knows_the_document_only_understands() {
    a_receiver_in_c::<Tick>();
    a_receiver_in_c::<[u64; 16]>();
}

#[test]
fn a_channel_that_a_peer_in_c_made_is_a_channel_and_goes_with_its_last_process() {
    fn test<M: Numbered>() {
        let space = TempNamespace::new();
        let make = |count, die| peer::<M>(&space, "send", count, die);
        assert_eq!(make(2, false), ["first at 0", "done at 2"]);
        space.assert_empty();
        // Killed, it leaves a leftover, which the next one replaces.
        make(2, true);
        assert_eq!(space.files(), [CHANNEL]);
        assert_eq!(make(2, false), ["first at 0", "done at 2"]);
        space.assert_empty();
        // Made by the peer, joined by the library.
        let file = space.path().join(CHANNEL);
        let mut child = Command::new("timeout");
        let child = child.args(["60"]).arg(compiled()).arg(file).args([M::NAME, "receive", "5"]);
        let mut child = child.stdout(std::process::Stdio::null()).spawn().unwrap();
        let deadline = std::time::Instant::now() + WATCHDOG;
        let mut tx = loop {
            match channel::<M>(&space).open_existing().sender() {
                Ok(tx) => break tx,
                Err(error) => assert!(std::time::Instant::now() < deadline, "{error}"),
            }
        };
        send(&mut tx, 0..5);
        assert!(child.wait().unwrap().success());
        drop(tx);
        space.assert_empty();
    }
    test::<Tick>();
    test::<[u64; 16]>();
}
