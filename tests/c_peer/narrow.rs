//! A peer of 32 bits, whose words in shared memory would be two accesses: it does not compile, and where it is to run all
//! the same it is refused.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use ringway::{seqlock, spsc};

use crate::testing::{TempNamespace, not_to_be_had};
use crate::{NAME, Tick, channel, compilers, compiling};

/// A compiler for 32 bits and the flag that makes it one, whose programs run here; `None` where there is none, which was
/// said then.
fn narrow_compiler() -> Option<&'static (OsString, &'static str)> {
    static COMPILER: OnceLock<Option<(OsString, &str)>> = OnceLock::new();
    COMPILER.get_or_init(find_narrow_compiler).as_ref()
}

fn find_narrow_compiler() -> Option<(OsString, &'static str)> {
    let with_flag = compilers().into_iter().map(|compiler| (compiler, "-m32"));
    let all: Vec<_> = with_flag.chain([("i686-linux-gnu-gcc".into(), "-O2")]).collect();
    let program = output("narrow-trial");
    let can = |(compiler, flag): &(OsString, &str)| {
        let mut command = Command::new(compiler);
        command.args([*flag, "-static", "-include", "stdio.h", "-x", "c", "-o"]).arg(&program).arg("-");
        let child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn();
        let compiled = child.is_ok_and(|mut child| {
            let trial = b"int main(void) { return sizeof(void *) == 4 ? puts(\"\") < 0 : 1; }";
            let _ = std::io::Write::write_all(child.stdin.as_mut().expect("it is piped"), trial);
            child.wait_with_output().is_ok_and(|output| output.status.success())
        });
        compiled && Command::new(&program).stdout(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let found = all.into_iter().find(can);
    let _ = std::fs::remove_file(program);
    if found.is_none() {
        not_to_be_had("a program of 32 bits", "no C compiler here makes one that runs");
    }
    found
}

fn output(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()))
}

#[test]
fn a_peer_of_32_bits_does_not_compile_and_hears_why() {
    let Some((compiler, flag)) = narrow_compiler() else { return };
    let program = output("narrow-refused");
    let mut command = compiling(compiler, "examples/c/send.c", &program);
    let output = command.arg(flag).output().expect("it was here");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && !program.exists());
    assert!(error.contains("error: #error \"ringway is for programs of 64 bits"), "{error}");
    assert_eq!(error.matches("error:").count(), 1, "{error}");
}

#[test]
fn a_peer_of_32_bits_that_runs_is_refused_and_touches_nothing() {
    let Some((compiler, flag)) = narrow_compiler() else { return };
    let program = output("narrow-peer");
    let mut command = compiling(compiler, "tests/c_peer/peer.c", &program);
    let status = command.args([flag, "-static", "-DRINGWAY_REFUSE_AT_RUN_TIME"]).status();
    assert!(status.expect("it was here").success());

    let space = TempNamespace::new();
    let refused = |role: &str| {
        let file = space.path().join(NAME);
        let before = std::fs::read(&file).unwrap();
        let mut command = Command::new(&program);
        let output = command.arg(space.path()).args([NAME, "tick", role, "0"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{role}: {}", output.status);
        let why = "golden is for programs of 64 bits, and this one has 32: compile it for x86-64 or aarch64";
        assert_eq!(said, format!("20 this program has 32 bits, not 64: {why}\n"), "{role}");
        assert!(std::fs::read(file).unwrap() == before, "{role}: it changed a byte");
    };
    let rx: spsc::Receiver<Tick> = channel(&space).receiver().unwrap();
    refused("refuse-ring");
    drop(rx);
    let writer = seqlock::cell::<Tick>(NAME).namespace(space.namespace()).writer().unwrap();
    refused("refuse-cells");
    drop(writer);
    std::fs::remove_file(program).unwrap();
    space.assert_empty();
}
