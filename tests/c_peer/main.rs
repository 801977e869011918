//! A peer in C beside the library: `examples/c/ringway.h`, which was written from `docs/format.md` alone, against live
//! processes.
#![cfg(not(loom))]

#[path = "../support/caller.rs"]
mod caller;
#[allow(dead_code, reason = "other tests need the rest")]
#[path = "../../src/fnv.rs"]
mod fnv;
#[allow(dead_code, reason = "other tests need the rest")]
#[path = "../support/log.rs"]
mod log;
#[allow(dead_code, reason = "other tests need the rest")]
#[path = "../../src/testing.rs"]
mod testing;

mod cells;
mod narrow;
mod programs;
mod refusals;
mod scenes;
mod steps;
mod storm;
mod talking;
mod waking;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use ringway::spsc::{self, Receiver, Sender};
use ringway::{Message, Parking, map};

use testing::{TempNamespace, skipped};

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

const NAME: &str = "golden";

fn channel<M: Message>(space: &TempNamespace) -> spsc::Channel<M> {
    spsc::channel(NAME)
        .namespace(space.namespace())
        .capacity(4)
        .liveness_interval(Duration::from_millis(1))
        .parking(Parking::Fenced)
}

/// Keeps the channel there while both its ends are gone.
fn keeper(space: &TempNamespace) -> map::SharedMap {
    map::MapOptions::new().namespace(space.namespace()).open(NAME).unwrap()
}

/// The C compilers that are here: the system's first. None: that is said.
fn compilers() -> Vec<OsString> {
    let system = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let all = [system, "gcc".into(), "clang".into()];
    let is_here = |compiler: &OsString| {
        let mut command = Command::new(compiler);
        command
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    };
    let here: Vec<_> = all.into_iter().filter(is_here).collect();
    if here.is_empty() {
        skipped("a peer in C", "there is no C compiler `cc`");
    }
    here
}

/// What compiles a file of the repository, in which no warning is allowed.
fn compiling(compiler: &OsString, source: &str, to: &Path) -> Command {
    let mut command = Command::new(compiler);
    command.args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O2", "-o"]).arg(to);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(source));
    command
}

/// Compiles it, with what `CFLAGS` has besides.
fn compile(compiler: &OsString, source: &str, to: &Path) {
    let flags = std::env::var("CFLAGS").unwrap_or_default();
    let status = compiling(compiler, source, to).args(flags.split_whitespace()).status();
    assert!(
        status.expect("it was here").success(),
        "{}: {source} does not compile",
        compiler.to_string_lossy()
    );
}

/// The peer in C; `None` where there is no compiler, which was said then.
fn compiled() -> Option<&'static Path> {
    static PEER: OnceLock<Option<PathBuf>> = OnceLock::new();
    PEER.get_or_init(|| program("tests/c_peer/peer.c", "c-peer")).as_deref()
}

/// A program in C of that name, compiled by the first compiler that is here.
fn program(source: &str, name: &str) -> Option<PathBuf> {
    let compiler = compilers().into_iter().next()?;
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = directory.join(format!("{name}-{}", std::process::id()));
    compile(&compiler, source, &program);
    // Another run of this test may be using the one before.
    std::fs::rename(program, directory.join(name)).unwrap();
    Some(directory.join(name))
}

/// A run of the peer that does not outlive a test that hangs.
fn command<M: Numbered>(space: &TempNamespace, role: &str, count: u64) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--signal=KILL", "60"]).arg(compiled().expect("whoever asks has one"));
    command.arg(space.path()).args([NAME, M::NAME, role, &count.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What the peer said, up to its end: its own, or at the step where it kills itself.
fn peer_with<M: Numbered>(space: &TempNamespace, role: &str, count: u64, more: &[&str]) -> Vec<String> {
    let output = command::<M>(space, role, count).args(more).output().expect("the peer starts");
    let error = String::from_utf8_lossy(&output.stderr);
    let dies = more.iter().any(|word| word.starts_with("die="));
    // `timeout` ends as the peer did, by its signal, or tells it by its number.
    let killed = std::os::unix::process::ExitStatusExt::signal(&output.status) == Some(9)
        || output.status.code() == Some(137);
    assert!(
        killed == dies && (dies || output.status.success()),
        "{role} {more:?}: {}: {error}",
        output.status
    );
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn peer<M: Numbered>(space: &TempNamespace, role: &str, count: u64) -> Vec<String> {
    peer_with::<M>(space, role, count, &[])
}

fn send<M: Numbered>(tx: &mut Sender<M>, numbers: std::ops::Range<u64>) {
    for number in numbers {
        assert_eq!(tx.position(), number);
        tx.send_timeout(M::of(number), testing::WATCHDOG).unwrap();
    }
}

fn receive<M: Numbered>(rx: &mut Receiver<M>, numbers: std::ops::Range<u64>) {
    for number in numbers {
        assert_eq!(rx.recv_timeout(testing::WATCHDOG), Ok(M::of(number)));
    }
}
