//! The tool as its users have it: a process with arguments, input and output.

pub(crate) mod left;
pub(crate) mod prometheus;
pub(crate) mod screen;

use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use ringway::Message;
use ringway::map::Namespace;

#[derive(Message, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Tick {
    pub(crate) time_ns: u64,
    pub(crate) price: f64,
    pub(crate) size: u32,
    pub(crate) venue: u32,
}

pub(crate) fn tick(number: u64) -> Tick {
    Tick { time_ns: number, price: number as f64 + 0.5, size: number as u32, venue: 3 }
}

/// A directory for names, removed with all it holds.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = PathBuf::from(format!("/dev/shm/ringway-test-cli-{}-{number}", std::process::id()));
        fs::create_dir(&path).expect("made");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn namespace(&self) -> Namespace {
        Namespace::Dir(self.0.clone())
    }

    /// The tool, looking there.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = tool();
        command.arg("--namespace").arg(&self.0).args(args);
        command
    }

    /// What it writes, and how it ends: with that status.
    #[track_caller]
    pub(crate) fn run(&self, args: &[&str], status: i32) -> (String, String) {
        ended(self.command(args).stdin(Stdio::null()).output().expect("it runs"), status)
    }

    /// The same, given that input.
    #[track_caller]
    pub(crate) fn feed(&self, args: &[&str], input: &str, status: i32) -> (String, String) {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        // It may have ended before it has read all.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        ended(child.wait_with_output().expect("it ends"), status)
    }

    /// What it writes as JSON.
    #[track_caller]
    pub(crate) fn json(&self, args: &[&str], status: i32) -> serde_json::Value {
        let (out, _) = self.run(&[args, &["--json"]].concat(), status);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The tool. It ends when it is told to, also where the tests themselves are run by one that ignores that, as `nohup` and
/// what a script starts in the background.
#[allow(unsafe_code)]
pub(crate) fn tool() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringway"));
    command.env("COLUMNS", "200");
    let heed = || {
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM] {
            // SAFETY: one system call, and the default.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        Ok(())
    };
    // SAFETY: it makes three system calls, and takes no lock.
    unsafe { command.pre_exec(heed) };
    command
}

#[track_caller]
pub(crate) fn ended(output: Output, status: i32) -> (String, String) {
    let (out, err) = (String::from_utf8(output.stdout), String::from_utf8(output.stderr));
    let (out, err) = (out.expect("UTF-8"), err.expect("UTF-8"));
    assert_eq!(output.status.code(), Some(status), "{out}{err}");
    (out, err)
}

/// Sends a signal by its name, such as `TERM`.
#[track_caller]
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().expect("it runs");
    assert!(sent.success());
}
