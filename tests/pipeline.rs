//! The pipeline example as its user runs it: its last line, its exit status, and what it leaves behind.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use ringway::map::Namespace;
use rustix::process::{Pid, Signal, kill_process};

const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/ecg-mitdb-208.u16le");

/// After this a run is stuck: it is killed, and the test fails.
const WATCHDOG: Duration = Duration::from_secs(120);

/// The example, built as this test was: `cargo test --test pipeline` alone would leave an old one.
fn example() -> &'static Path {
    static EXAMPLE: OnceLock<PathBuf> = OnceLock::new();
    EXAMPLE.get_or_init(|| {
        let test = std::env::current_exe().expect("this program has a path");
        let directory = test.ancestors().nth(2).expect("a test lies in `deps` of its profile");
        // Only cargo sets it; without cargo there may be an example all the same.
        if let Some(cargo) = std::env::var_os("CARGO") {
            build(&cargo, directory);
        }
        let path = directory.join("examples/pipeline");
        assert!(path.is_file(), "{} is missing: `cargo build --example pipeline` makes it", path.display());
        path
    })
}

/// Builds the example into the directory of a profile.
fn build(cargo: &OsStr, directory: &Path) {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in the target directory");
    let parts: Vec<&OsStr> = directory.strip_prefix(target).into_iter().flatten().collect();
    let (triple, profile) = match parts[..] {
        [profile] => (None, profile),
        [triple, profile] => (Some(triple), profile),
        _ => panic!("{} is no profile of {}", directory.display(), target.display()),
    };
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--example", "pipeline", "--manifest-path"]);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    command.arg("--target-dir").arg(target);
    command.arg("--profile").arg(if profile == "debug" { OsStr::new("dev") } else { profile });
    command.args(triple.into_iter().flat_map(|triple| [OsStr::new("--target"), triple]));
    assert!(command.status().is_ok_and(|status| status.success()), "the example cannot be built");
}

/// A run under way, killed when it is dropped.
struct Run {
    child: Child,
    /// Both outputs, line by line, until they are closed.
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Run {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(example());
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
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
        Self { child, lines, seen: Vec::new() }
    }

    fn name(&self) -> String {
        format!("pipeline-{}", self.child.id())
    }

    fn send(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the example is running");
    }

    /// Waits for a line that begins so, after any blanks.
    fn wait_for(&mut self, beginning: &str) {
        let deadline = Instant::now() + WATCHDOG;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|error| panic!("no `{beginning}`: {error}: {:#?}", self.seen));
            let found = line.trim_start().starts_with(beginning);
            self.seen.push(line);
            if found {
                return;
            }
        }
    }

    /// Its exit status and its lines; nothing of it may be left.
    fn end(mut self) -> (ExitStatus, Vec<String>) {
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

fn run(arguments: &[&str]) -> (ExitStatus, Vec<String>) {
    Run::start(arguments).end()
}

/// Whether the name is that of a run or begins so: another run's number may go on with further digits.
fn belongs(name: &str, run: &str) -> bool {
    name == run || name.strip_prefix(run).is_some_and(|rest| rest.starts_with('-'))
}

/// The run's files in shared memory.
fn shared_memory(run: &str) -> Vec<String> {
    let entries = fs::read_dir(Namespace::User.path()).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| belongs(name, run)).collect()
}

/// The run's workers: it is among their arguments. One that is dead and not yet waited for has none.
fn workers(run: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").expect("there is /proc").flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.split(' ').any(|argument| belongs(argument, run))).collect()
}

fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + WATCHDOG;
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn contains(lines: &[String], text: &str) -> bool {
    lines.iter().any(|line| line.contains(text))
}

/// A damaged copy of the recording, removed on drop.
struct Copy(PathBuf);

impl Copy {
    fn new(name: &str, damage: impl FnOnce(&mut Vec<u8>)) -> Self {
        let path = std::env::temp_dir().join(format!("ringway-{}-{name}", std::process::id()));
        let mut bytes = fs::read(RECORDING).expect("the recording ships with the source");
        damage(&mut bytes);
        fs::write(&path, bytes).expect("there is a directory for temporary files");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("the path is text")
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A refusal before anything is started: one line, which says all of this.
fn assert_refused(arguments: &[&str], status: i32, texts: &[&str]) {
    let (found, lines) = run(arguments);
    assert_eq!(found.code(), Some(status), "{lines:#?}");
    assert_eq!(lines.len(), 1, "{lines:#?}");
    for text in texts {
        assert!(contains(&lines, text), "no `{text}` in {lines:#?}");
    }
}

#[test]
fn the_result_matches_the_reference_although_the_feed_is_killed() {
    let (status, lines) = run(&["--repeat", "30", "--paced", "2000"]);
    let last = "pipeline: 3240000 sent, 3240000 received, 0 lost, result matches the reference";
    assert_eq!(lines.last().map(String::as_str), Some(last), "{lines:#?}");
    assert_eq!(status.code(), Some(0));
    for text in ["with SIGKILL", "resumed", "0 repeated", "30, of which 30 equal", "501 beats", "µs"] {
        assert!(contains(&lines, text), "no `{text}` in {lines:#?}");
    }
}

#[test]
fn a_run_at_a_given_rate_ends_in_time() {
    let start = Instant::now();
    let (status, lines) = run(&["--rate", "200000", "--no-kill"]);
    let last = "pipeline: 108000 sent, 108000 received, 0 lost, result matches the reference";
    assert_eq!(lines.last().map(String::as_str), Some(last), "{lines:#?}");
    assert_eq!(status.code(), Some(0));
    assert!(start.elapsed() >= Duration::from_millis(500), "108,000 records at 200,000 a second");
    assert!(!contains(&lines, "SIGKILL"), "{lines:#?}");
}

#[test]
fn a_channel_of_one_record_will_do() {
    let (status, lines) = run(&["--repeat", "1", "--capacity", "1", "--paced", "0", "--no-kill"]);
    assert_eq!(status.code(), Some(0), "{lines:#?}");
}

#[test]
fn a_channel_larger_than_the_stream_will_do() {
    let (status, lines) = run(&["--repeat", "1", "--capacity", "200000", "--paced", "0", "--no-kill"]);
    assert_eq!(status.code(), Some(0), "{lines:#?}");
}

#[test]
fn a_feed_that_somebody_kills_is_replaced() {
    let mut run = Run::start(&["--rate", "100000", "--no-kill"]);
    for _ in 0..3 {
        run.wait_for(if run.seen.is_empty() { "feed" } else { "resumed" });
        let pid =
            run.seen.last().and_then(|line| line.split(' ').skip_while(|word| *word != "process").nth(1));
        let pid = pid.and_then(|pid| Pid::from_raw(pid.parse().ok()?)).expect("the line names a process");
        thread::sleep(Duration::from_millis(100));
        kill_process(pid, Signal::KILL).expect("the feed is running");
    }
    let (status, lines) = run.end();
    let last = "pipeline: 108000 sent, 108000 received, 0 lost, result matches the reference";
    assert_eq!(lines.last().map(String::as_str), Some(last), "{lines:#?}");
    assert_eq!(status.code(), Some(0));
    assert!(contains(&lines, "died "), "{lines:#?}");
}

#[test]
fn a_supervisor_that_is_stopped_for_a_while_misses_nothing_but_the_kill() {
    let mut run = Run::start(&["--repeat", "40", "--paced", "0"]);
    run.wait_for("analysis");
    run.send(Signal::STOP);
    // Long enough for the workers to get to the end, or nearly so.
    thread::sleep(Duration::from_secs(2));
    run.send(Signal::CONT);
    let (status, lines) = run.end();
    let last = "pipeline: 4320000 sent, 4320000 received, 0 lost, result matches the reference";
    assert_eq!(lines.last().map(String::as_str), Some(last), "{lines:#?}");
    assert_eq!(status.code(), Some(0));
    assert!(contains(&lines, "SIGKILL") || contains(&lines, "had already sent everything"), "{lines:#?}");
}

#[test]
fn an_analysis_that_is_killed_is_a_failure_and_leaves_nothing() {
    let mut run = Run::start(&["--rate", "1000"]);
    run.wait_for("analysis");
    let pid = run.seen.last().and_then(|line| line.rsplit(' ').next()?.parse().ok());
    kill_process(pid.and_then(Pid::from_raw).expect("the line names a process"), Signal::KILL)
        .expect("the analysis is running");
    let (status, lines) = run.end();
    assert_eq!(status.code(), Some(1), "{lines:#?}");
    let last = lines.iter().rfind(|line| line.starts_with("pipeline: the analysis"));
    assert!(last.is_some_and(|line| line.contains("ended early: signal: 9")), "{lines:#?}");
}

#[test]
fn a_signal_ends_the_run_at_once_and_leaves_nothing() {
    for (signal, name) in [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM"), (Signal::HUP, "SIGHUP")] {
        // Both at a random instant of full speed, and while nearly nothing happens.
        for arguments in [["--repeat", "100000"], ["--rate", "100"]] {
            let mut run = Run::start(&arguments);
            run.wait_for("analysis");
            eventually("two workers", || workers(&run.name()).len() == 2);
            eventually("two channels", || shared_memory(&run.name()).len() == 2);
            thread::sleep(Duration::from_millis(50));
            let start = Instant::now();
            run.send(signal);
            let (status, lines) = run.end();
            assert!(start.elapsed() < Duration::from_secs(10), "{name}: {:?}", start.elapsed());
            assert_eq!(status.code(), Some(128 + signal.as_raw()), "{lines:#?}");
            let last = format!("pipeline: interrupted by {name}");
            assert_eq!(lines.last(), Some(&last), "{lines:#?}");
        }
    }
}

#[test]
fn a_signal_in_the_first_instants_leaves_nothing() {
    // Not SIGINT, which a shell has its background jobs ignore until they say otherwise.
    for delay in [0, 1, 2, 4, 8] {
        let run = Run::start(&["--repeat", "100000"]);
        thread::sleep(Duration::from_millis(delay));
        run.send(Signal::TERM);
        let (status, lines) = run.end();
        let by_default = status.signal() == Some(Signal::TERM.as_raw());
        assert!(by_default || status.code() == Some(143), "{status}: {lines:#?}");
    }
}

#[test]
fn the_workers_of_a_killed_supervisor_die_and_the_next_run_removes_what_they_leave() {
    let mut killed = Run::start(&["--repeat", "100000"]);
    killed.wait_for("analysis");
    let name = killed.name();
    eventually("two workers", || workers(&name).len() == 2);
    killed.send(Signal::KILL);
    let status = killed.child.wait().expect("it is dead");
    assert_eq!(status.signal(), Some(Signal::KILL.as_raw()));
    eventually("no workers", || workers(&name).is_empty());
    let (status, lines) = run(&["--repeat", "1", "--paced", "0", "--no-kill"]);
    assert_eq!(status.code(), Some(0), "{lines:#?}");
    eventually("no files", || shared_memory(&name).is_empty());
}

#[test]
fn an_output_that_nobody_reads_ends_the_run() {
    let mut command = Command::new(example());
    command.args(["--repeat", "1", "--paced", "0"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the example starts");
    drop(child.stdout.take());
    let name = format!("pipeline-{}", child.id());
    assert_eq!(child.wait().expect("the example ends").code(), Some(1));
    assert_eq!(workers(&name), Vec::<String>::new());
    assert_eq!(shared_memory(&name), Vec::<String>::new());
}

#[test]
fn two_runs_at_once_do_not_disturb_each_other() {
    let runs = [(); 2].map(|()| Run::start(&["--repeat", "2", "--paced", "0"]));
    for run in runs {
        let (status, lines) = run.end();
        assert_eq!(status.code(), Some(0), "{lines:#?}");
    }
}

#[test]
fn a_missing_recording_is_refused() {
    let missing = Path::new(RECORDING).with_extension("missing");
    let missing = missing.to_str().expect("the path is text");
    assert_refused(&["--data", missing], 1, &[missing, "cannot be read", "No such file", "restore"]);
}

#[test]
fn a_truncated_recording_is_refused() {
    let copy = Copy::new("truncated", |bytes| bytes.truncate(215_999));
    assert_refused(
        &["--data", copy.path()],
        1,
        &[copy.path(), "found 215999 bytes, expected 216000", "restore"],
    );
}

#[test]
fn a_recording_with_one_flipped_bit_is_refused() {
    let copy = Copy::new("flipped", |bytes| bytes[100_000] ^= 1);
    let texts = [copy.path(), "found checksum ", "expected 96d73d45ca5d7b59", "restore"];
    assert_refused(&["--data", copy.path()], 1, &texts);
}

#[test]
fn a_whole_copy_elsewhere_will_do() {
    let copy = Copy::new("whole", |_| {});
    let (status, lines) = run(&["--data", copy.path(), "--repeat", "1", "--paced", "0"]);
    assert_eq!(status.code(), Some(0), "{lines:#?}");
}

#[test]
fn wrong_arguments_are_refused() {
    assert_refused(&["--frequency", "3"], 2, &["--frequency", "--help"]);
    assert_refused(&["surplus"], 2, &["surplus", "--help"]);
    assert_refused(&["--repeat"], 2, &["--repeat", "--help"]);
    assert_refused(&["--repeat", "0"], 2, &["--repeat is `0`", "from 1 to", "--help"]);
    assert_refused(&["--rate", "fast"], 2, &["--rate is `fast`", "--help"]);
    assert_refused(&["--capacity", "-1"], 2, &["--capacity", "--help"]);
    assert_refused(&["--no-kill=yes"], 2, &["--no-kill", "--help"]);
    assert_refused(&["--records", "3"], 2, &["--role", "--help"]);
}

#[test]
fn help_names_every_option() {
    for flag in ["--help", "-h"] {
        let (status, lines) = run(&[flag]);
        assert_eq!(status.code(), Some(0));
        for option in ["--repeat", "--rate", "--paced", "--capacity", "--data", "--no-kill", "--help"] {
            assert!(contains(&lines, option), "no `{option}` in {lines:#?}");
        }
    }
}
