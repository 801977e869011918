//! For the tests of the examples: runs one as its user does, and sees to it that nothing of it is left.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use ringway::map::Namespace;
use rustix::process::{Pid, Signal, kill_process};

/// After this a run is stuck: it is killed, and the test fails.
const WATCHDOG: Duration = Duration::from_secs(120);

/// The example, built as this test was: `cargo test --test …` alone would leave an old one.
pub(crate) fn path(example: &str) -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let test = std::env::current_exe().expect("this program has a path");
        let directory = test.ancestors().nth(2).expect("a test lies in `deps` of its profile");
        // Only cargo sets it; without cargo there may be an example all the same.
        if let Some(cargo) = std::env::var_os("CARGO") {
            build(example, &cargo, directory);
        }
        let path = directory.join("examples").join(example);
        assert!(path.is_file(), "{} is missing: `cargo build --example {example}` makes it", path.display());
        path
    })
}

/// Builds the example into the directory of a profile.
fn build(example: &str, cargo: &OsStr, directory: &Path) {
    // Of a build for a named target both lie in a directory of that name.
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in the target directory");
    let is_triple =
        |name: &&OsStr| name.as_bytes().starts_with(format!("{}-", std::env::consts::ARCH).as_bytes());
    let triple = root.file_name().filter(is_triple);
    let target = if triple.is_some() { root.parent().expect("a target directory") } else { root };
    let profile = directory.strip_prefix(root).expect("a profile lies in the target directory").as_os_str();
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--example", example, "--manifest-path"]);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    command.arg("--target-dir").arg(target);
    command.arg("--profile").arg(if profile == "debug" { OsStr::new("dev") } else { profile });
    command.args(triple.into_iter().flat_map(|triple| [OsStr::new("--target"), triple]));
    assert!(command.status().is_ok_and(|status| status.success()), "the example cannot be built");
}

/// A run under way, killed when it is dropped.
pub(crate) struct Run {
    example: &'static str,
    pub(crate) child: Child,
    /// Both outputs, line by line, until they are closed.
    lines: mpsc::Receiver<String>,
    pub(crate) seen: Vec<String>,
}

impl Run {
    pub(crate) fn start(example: &'static str, arguments: &[&str]) -> Self {
        let mut command = Command::new(path(example));
        Self::spawn(example, command.args(arguments).stdin(Stdio::null()))
    }

    /// Starts the example by a command of its own.
    pub(crate) fn spawn(example: &'static str, command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.process_group(0).spawn().expect("the example starts");
        let (sender, lines) = mpsc::channel();
        let outputs: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|output| Box::new(output) as _),
            child.stderr.take().map(|output| Box::new(output) as _),
        ];
        for output in outputs.into_iter().flatten() {
            let sender = sender.clone();
            thread::spawn(move || {
                BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
            });
        }
        Self { example, child, lines, seen: Vec::new() }
    }

    /// What the names of its files, and its workers' arguments, begin with.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}", self.example, self.child.id())
    }

    pub(crate) fn send(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the example is running");
    }

    /// Waits for a line that begins so, after any blanks.
    pub(crate) fn wait_for(&mut self, beginning: &str) {
        self.wait_until(beginning, |line| line.trim_start().starts_with(beginning));
    }

    /// Waits for a line that has this in it.
    pub(crate) fn wait_for_text(&mut self, text: &str) {
        self.wait_until(text, |line| line.contains(text));
    }

    fn wait_until(&mut self, what: &str, is_it: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + WATCHDOG;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|error| panic!("no `{what}`: {error}: {:#?}", self.seen));
            let found = is_it(&line);
            self.seen.push(line);
            if found {
                return;
            }
        }
    }

    /// Its exit status and its lines; nothing of it may be left.
    pub(crate) fn end(mut self) -> (ExitStatus, Vec<String>) {
        // The outputs are closed when the last process that has them ends.
        let deadline = Instant::now() + WATCHDOG;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("stuck: {:#?}", self.seen),
            }
        }
        let status = self.child.wait().expect("the example ends");
        assert_eq!(workers(&self.name()), Vec::<String>::new(), "processes are left: {:#?}", self.seen);
        assert_eq!(shared_memory(&self.name()), Vec::<String>::new(), "files are left: {:#?}", self.seen);
        (status, std::mem::take(&mut self.seen))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether the name is that of a run or begins so: another run's number may go on with further digits.
fn belongs(name: &str, run: &str) -> bool {
    name == run || name.strip_prefix(run).is_some_and(|rest| rest.starts_with('-'))
}

/// The run's files in shared memory.
pub(crate) fn shared_memory(run: &str) -> Vec<String> {
    let entries = fs::read_dir(Namespace::User.path()).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| belongs(name, run)).collect()
}

/// The run's workers: it is among their arguments. One that is dead and not yet waited for has none.
pub(crate) fn workers(run: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").expect("there is /proc").flatten();
    let line = |entry: fs::DirEntry| {
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        Some(format!("{} {line}", entry.file_name().to_string_lossy()))
    };
    let lines = entries.filter_map(line);
    lines.filter(|line| line.split(' ').any(|argument| belongs(argument, run))).collect()
}

pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + WATCHDOG;
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn contains(lines: &[String], text: &str) -> bool {
    lines.iter().any(|line| line.contains(text))
}

/// A refusal before anything is started: one line, which says all of this.
pub(crate) fn assert_refused(example: &'static str, arguments: &[&str], status: i32, texts: &[&str]) {
    let (found, lines) = Run::start(example, arguments).end();
    assert_eq!(found.code(), Some(status), "{lines:#?}");
    assert_eq!(lines.len(), 1, "{lines:#?}");
    for text in texts {
        assert!(contains(&lines, text), "no `{text}` in {lines:#?}");
    }
}
