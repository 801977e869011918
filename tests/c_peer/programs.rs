//! The header and the programs in `examples/c`, as their users compile and run them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ringway::{Departure, Message, Peer, RecvTimeoutError, seqlock, spsc};
use rustix::process::{Pid, Signal, kill_process};

use crate::testing::{TempNamespace, WATCHDOG};
use crate::{compile, compilers, program};

#[test]
fn the_header_and_its_programs_compile_without_a_warning() {
    for compiler in compilers() {
        for program in [
            "examples/c/send.c",
            "examples/c/recv.c",
            "examples/c/latest.c",
            "tests/c_peer/peer.c",
            "tests/c_peer/scenes.c",
        ] {
            let stem = Path::new(program).file_stem().and_then(|stem| stem.to_str()).expect("a file");
            let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{stem}-{}", std::process::id()));
            compile(&compiler, program, &to);
            std::fs::remove_file(to).unwrap();
        }
    }
}

/// The message of the examples in Rust.
#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Tick {
    number: u64,
    seconds: f64,
}

/// An example that runs.
struct Example(Child);

impl Example {
    /// `None` where there is no compiler, which was said then.
    fn start(name: &str, space: &TempNamespace) -> Option<Self> {
        let mut command =
            Command::new(program(&format!("examples/c/{name}.c"), &format!("c-example-{name}"))?);
        command.arg(space.path()).stdout(Stdio::piped());
        Some(Self(command.spawn().expect("it starts")))
    }

    /// Lets it run until it says that line, ends it by Ctrl-C, and it ends well.
    fn says(mut self, line: &str) {
        let stdout = BufReader::new(self.0.stdout.take().expect("it is piped"));
        let mut lines = stdout.lines().map(|line| line.expect("it can be read"));
        let said: Vec<_> = lines.by_ref().take_while(|said| said != line).collect();
        kill_process(Pid::from_child(&self.0), Signal::INT).expect("it runs");
        lines.for_each(drop);
        assert!(self.0.wait().expect("a child").success(), "no `{line}` in {said:?}");
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_sender_in_c_sends_and_leaves_at_ctrl_c() {
    let space = TempNamespace::new();
    let mut rx = spsc::channel::<Tick>("ticks").namespace(space.namespace()).receiver().unwrap();
    let Some(send) = Example::start("send", &space) else { return };
    assert_eq!(rx.recv_timeout(WATCHDOG), Ok(Tick { number: 0, seconds: 0.0 }));
    send.says("sent message 0");
    let end = std::iter::repeat_with(|| rx.recv_timeout(WATCHDOG)).find(Result::is_err);
    assert_eq!(end, Some(Err(RecvTimeoutError::Disconnected(Departure::Left))));
    drop(rx);
    space.assert_empty();
}

#[test]
fn the_receiver_in_c_prints_what_arrives_and_leaves_at_ctrl_c() {
    let space = TempNamespace::new();
    let mut tx = spsc::channel::<Tick>("ticks").namespace(space.namespace()).sender().unwrap();
    let Some(recv) = Example::start("recv", &space) else { return };
    tx.send(Tick { number: 0, seconds: 0.5 }).unwrap();
    tx.send(Tick { number: 1, seconds: 1.25 }).unwrap();
    recv.says("message 1, 1.250 s");
    assert!(matches!(tx.peer(), Peer::Gone { departure: Departure::Left, .. }), "{:?}", tx.peer());
    drop(tx);
    space.assert_empty();
}

#[test]
fn the_reader_in_c_prints_the_latest_value_and_leaves_at_ctrl_c() {
    let space = TempNamespace::new();
    let mut writer = seqlock::cell::<Tick>("latest").namespace(space.namespace()).writer().unwrap();
    writer.store(Tick { number: 1, seconds: 0.5 });
    let Some(latest) = Example::start("latest", &space) else { return };
    latest.says("value 1: number 1, 0.500 s; its writer lives");
    drop(writer);
    space.assert_empty();
}
