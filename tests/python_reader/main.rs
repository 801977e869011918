//! The reader in Python, `examples/python/ringway.py`, which was written from `docs/format.md` alone, against live writers.
#![cfg(not(loom))]

#[allow(dead_code, reason = "other tests need the rest")]
#[path = "../../src/fnv.rs"]
mod fnv;
#[allow(dead_code, reason = "other tests need the rest")]
#[path = "../../src/testing.rs"]
mod testing;

mod errors;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use ringway::map::{self, Namespace};
use ringway::{Message, seqlock, spsc};

use fnv::fnv1a_64;
use testing::{Child, Role, TempNamespace, skipped};

const NAME: &str = "cells";
const DIR: &str = "RINGWAY_TEST_DIR";
const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/python");

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Tick {
    time_ns: u64,
    price: f64,
    size: u32,
    venue: u32,
}

impl Tick {
    fn of(number: u64) -> Self {
        Self { time_ns: number, price: number as f64 / 4.0, size: number as u32, venue: 7 }
    }
}

/// Python 3.9 or newer; `None` where there is none, which is said.
fn python() -> Option<Command> {
    let mut command = Command::new("python3");
    command.args(["-c", "import sys; sys.exit(sys.version_info < (3, 9))"]).stderr(Stdio::null());
    if !command.status().is_ok_and(|status| status.success()) {
        skipped("the reader in Python", "there is no `python3` from 3.9 on");
        return None;
    }
    let mut command = Command::new("timeout");
    command.args(["--signal=KILL", "60", "python3", "-B"]).env("PYTHONPATH", DIRECTORY).stdin(Stdio::null());
    Some(command)
}

fn output(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    assert!(output.status.success(), "{}: {}", output.status, text(output.stderr));
    text(output.stdout)
}

/// What a program says; it has opened the channel as `cells`. `None` where there is no Python.
fn said(space: &TempNamespace, program: &str) -> Option<String> {
    let begin = format!("import ringway\ncells = ringway.open({NAME:?}, {:?})\n", space.path());
    Some(output(python()?.args(["-c", &format!("{begin}{program}\ncells.close()")])))
}

#[test]
fn the_latest_value_is_a_dict_with_the_fields_of_its_type() {
    #[derive(Message, Clone, Copy)]
    #[message(checked)]
    #[repr(u8)]
    enum Side {
        Buy = 1,
        Sell = 2,
    }

    #[derive(Message, Clone, Copy)]
    #[message(checked)]
    #[repr(C)]
    struct Order {
        id: u128,
        ticks: [Tick; 2],
        levels: [i16; 3],
        open: bool,
        side: Side,
        initial: char,
        delta: f32,
    }

    let space = TempNamespace::new();
    let mut writer = seqlock::cell::<Order>(NAME).namespace(space.namespace()).writer().unwrap();
    writer.store(Order {
        id: u128::MAX - 1,
        ticks: [Tick::of(1), Tick::of(2)],
        levels: [-1, 0, 300],
        open: true,
        side: Side::Sell,
        initial: 'é',
        delta: -0.5,
    });
    let _ = Side::Buy;
    let Some(said) = said(
        &space,
        "v = cells.load()\nprint(v.version, {k: getattr(x, 'tolist', lambda: x)() for k, x in v.value.items()})",
    ) else {
        return;
    };
    assert_eq!(
        said.trim(),
        "1 {'id': 340282366920938463463374607431768211454, 'ticks': [{'time_ns': 1, 'price': 0.25, 'size': 1, \
         'venue': 7}, {'time_ns': 2, 'price': 0.5, 'size': 2, 'venue': 7}], 'levels': [-1, 0, 300], 'open': True, \
         'side': 'Sell', 'initial': 'é', 'delta': -0.5}"
    );
    drop(writer);
    space.assert_empty();
}

/// Ends a thread also when the test fails, which waits for it.
struct StopsAtTheEnd<'a>(&'a AtomicBool);

impl Drop for StopsAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn no_value_is_torn_or_older_than_the_one_before_while_the_writer_never_stops() {
    fn test<M: Message, const BYTES: usize>(of: impl Fn(u64) -> M + Sync) {
        let space = TempNamespace::new();
        let mut writer = seqlock::cell::<M>(NAME).namespace(space.namespace()).writer().unwrap();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut number = 0;
                while !stop.load(Ordering::Relaxed) {
                    number += 1;
                    writer.store(of(number));
                }
                drop(writer);
            });
            let program = "
seen = loads = 0
while loads < 20000:
    try:
        latest = cells.load(attempts=10**6)
    except ringway.Disturbed:
        continue
    if latest is None: continue
    version, value = latest
    assert version >= seen and all(word == version for word in value), (seen, version, value)
    seen, loads = version, loads + 1
print(loads, seen > 1)";
            let _stop = StopsAtTheEnd(&stop);
            let said = said(&space, program);
            assert!(said.is_none_or(|said| said.trim() == "20000 True"), "a program that ends");
        });
        space.assert_empty();
    }
    test::<[u64; 3], 24>(|number| [number; 3]);
    test::<[u64; 16], 128>(|number| [number; 16]);
}

#[test]
fn role_writer() {
    let Some(mut role) = Role::play() else { return };
    let space = Namespace::Dir(PathBuf::from(role.var(DIR)));
    let mut writer = seqlock::cell::<Tick>(NAME).namespace(space).writer().expect("the role is free");
    writer.store(Tick::of(1));
    role.say("stored");
    role.hear();
}

#[test]
fn it_says_whether_the_writer_has_yet_to_come_lives_has_left_or_was_killed() {
    let space = TempNamespace::new();
    let reader = seqlock::cell::<Tick>(NAME).namespace(space.namespace()).reader().unwrap();
    let program = "latest = cells.load()\nprint(cells.writer(), cells.version(), latest and latest.version)";
    let Some(first) = said(&space, program) else { return };
    assert_eq!(first.trim(), "awaited 0 None");
    let spawn = || {
        let mut writer = Child::spawn("role_writer", &[(DIR, space.path().as_os_str())]);
        assert_eq!(writer.hear(), "stored");
        writer
    };
    let mut writer = spawn();
    assert_eq!(said(&space, program).unwrap().trim(), "alive 1 1");
    writer.tell("leave");
    writer.wait_success();
    assert_eq!(said(&space, program).unwrap().trim(), "left 1 1");
    spawn().kill_running();
    assert_eq!(said(&space, program).unwrap().trim(), "dead 2 2");
    drop(reader);
    space.assert_empty();
}

#[test]
fn tables_are_read_by_index_and_by_key() {
    let space = TempNamespace::new();
    let table = seqlock::table::<Tick>(NAME).namespace(space.namespace()).cells(5);
    let mut writers = table.writers(0..5).unwrap();
    (0..).zip(&mut writers).skip(1).for_each(|(number, writer)| writer.store(Tick::of(number)));
    let program = "print(len(cells), [v and v.value['size'] for v in map(cells.load, range(len(cells)))])";
    let Some(all) = said(&space, program) else { return };
    assert_eq!(all.trim(), "5 [None, 1, 2, 3, 4]");
    drop(writers);

    let table = seqlock::keyed_table::<[u8; 6], Tick>(NAME).namespace(space.namespace()).cells(7);
    let mut writer = table.writer().unwrap();
    for number in 0..5 {
        writer.store(format!("key{number:03}").as_bytes().first_chunk().unwrap(), Tick::of(number)).unwrap();
    }
    let program = "
found = [cells.find(b'key%03d' % n) for n in range(7)]
print([None if i is None else (cells.load(i).value['size'], cells.writer(i)) for i in found])
print(sorted(bytes(key) for key, index in cells.entries()), cells.find([107, 101, 121, 48, 48, 51]) == found[3])";
    assert_eq!(
        said(&space, program).unwrap(),
        "[(0, 'alive'), (1, 'alive'), (2, 'alive'), (3, 'alive'), (4, 'alive'), None, None]\n\
         [b'key000', b'key001', b'key002', b'key003', b'key004'] True\n"
    );
    drop(writer);
    space.assert_empty();
}

/// Opens the channel again and again, when it is told to, and says what it was refused for.
struct Opener(process::Child, BufReader<process::ChildStdout>);

impl Opener {
    fn start(space: &TempNamespace) -> Option<Self> {
        let program = format!(
            "import sys, ringway
for line in sys.stdin:
    try:
        ringway.open({NAME:?}, {:?}).close()
        print('opened', flush=True)
    except ringway.Error as e:
        print(type(e).__name__, e, flush=True)",
            space.path()
        );
        let mut command = python()?;
        command.args(["-c", &program]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("it starts");
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        Some(Self(process, output))
    }

    fn answer(&mut self) -> String {
        self.0.stdin.as_mut().expect("it is piped").write_all(b"open\n").expect("it listens");
        let mut line = String::new();
        self.1.read_line(&mut line).expect("it can be read");
        line.trim_end().to_owned()
    }
}

impl Drop for Opener {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_cannot_be_read_is_refused_in_words() {
    let space = TempNamespace::new();
    let Some(mut opener) = Opener::start(&space) else { return };
    let nothing = opener.answer();
    assert!(nothing.starts_with("NoChannel there is no channel"), "{nothing}");
    let sender = spsc::channel::<Tick>(NAME).namespace(space.namespace()).sender().unwrap();
    let found = opener.answer();
    assert!(found.contains("is an spsc channel, not a seqlock cell or table"), "{found}");
    drop(sender);

    let writer = seqlock::cell::<Tick>(NAME).namespace(space.namespace()).writer().unwrap();
    let path = space.path().join(NAME);
    let file = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let mut whole = [0; 4096 + 256 + 86];
    file.read_exact_at(&mut whole, 0).unwrap();
    let rows: [(u64, u8, bool, &str); 10] = [
        (16, 9, false, "has version 9 of the map format, this program knows version 1"),
        (40, 9, false, "is damaged: its checksum is"),
        (4096 + 8, 9, false, "has version 9 of the segment format, this program knows version 1"),
        (4096 + 64, 9, false, "is damaged: its checksum is"),
        (4096 + 64, 9, true, "its stride is 9, and should be 64"),
        (4096 + 40, 9, true, "of kind 9, which this program does not know"),
        (4096 + 160, 9, true, "its cell_slot_stride is 9, and should be 24"),
        (4096 + 56, 2, true, "its capacity is 2"),
        (4096 + 250, 1, true, "its reserved space is"),
        (4096 + 256 + 20, 0x99, false, "its fingerprint is"),
    ];
    for (at, value, sign, words) in rows {
        file.write_all_at(&[value], at).unwrap();
        if sign {
            let mut header = [0; 256];
            file.read_exact_at(&mut header, 4096).unwrap();
            header[16..32].fill(0);
            file.write_all_at(&fnv1a_64(&header).to_le_bytes(), 4096 + 24).unwrap();
        }
        let found = opener.answer();
        assert!(found.starts_with("Refused") && found.contains(words), "no `{words}` in {found}");
        file.write_all_at(&whole, 0).unwrap();
    }
    // A kind of a later version, with a field in the reserved bytes.
    for (at, value) in [(4096 + 40, 9), (4096 + 200, 1)] {
        file.write_all_at(&[value], at).unwrap();
    }
    let mut header = [0; 256];
    file.read_exact_at(&mut header, 4096).unwrap();
    header[16..32].fill(0);
    file.write_all_at(&fnv1a_64(&header).to_le_bytes(), 4096 + 24).unwrap();
    let found = opener.answer();
    assert!(found.contains("of kind 9, which this program does not know"), "{found}");
    file.write_all_at(&whole, 0).unwrap();
    assert_eq!(opener.answer(), "opened", "it is whole again");
    drop(writer);
    space.assert_empty();
}

#[test]
fn the_example_prints_the_latest_value() {
    let space = TempNamespace::new();
    let mut writer = seqlock::cell::<Tick>(NAME).namespace(space.namespace()).writer().unwrap();
    writer.store(Tick::of(4));
    let Some(mut command) = python() else { return };
    command.arg(Path::new(DIRECTORY).join("latest.py")).args([NAME, "--times", "2", "--directory"]);
    let line = "cell 0: value 1: {'time_ns': 4, 'price': 1.0, 'size': 4, 'venue': 7}; writer alive\n";
    assert_eq!(output(command.arg(space.path())), line.repeat(2));
    drop(writer);
    space.assert_empty();
}
