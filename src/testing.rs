//! For the tests: real processes that can be killed, and namespaces that clean up after themselves.
//!
//! A test that needs another process starts its own binary again with [`Child::spawn`], to run one other
//! test, a *role*. A role begins with `let Some(mut role) = Role::play() else { return };`, so that it does
//! nothing when the test harness runs it like any other test. Parent and role talk in lines.
//!
//! The integration tests that need processes include this file by its path.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::map::Namespace;

/// Environment variable: the directory that stands in for `/dev/shm` under the named namespaces.
pub(crate) const SHARED_MEMORY: &str = "RINGWAY_TEST_SHM";
/// Environment variable: the crash point at which a process kills itself.
pub(crate) const CRASH_POINT: &str = "RINGWAY_CRASH_POINT";
/// Environment variable: the crash point at which a process stops itself.
pub(crate) const CRASH_STOP: &str = "RINGWAY_CRASH_STOP";
/// Environment variable: for up to how many microseconds a process pauses at crash points.
pub(crate) const CRASH_JITTER: &str = "RINGWAY_CRASH_JITTER";

/// Environment variable: no test may be left out for what the machine does not let it do. CI sets it.
const SKIP_NOTHING: &str = "RINGWAY_TESTS_SKIP_NOTHING";
const ROLE: &str = "RINGWAY_TEST_ROLE";
/// Before every line that parent and role exchange, to tell them from what the harness prints.
const MARK: &str = "@@ ";
/// No step of any test takes as long; who waits longer has found a hang. An emulated processor takes longer: when the tests
/// are built the variable may say how many seconds.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(match option_env!("RINGWAY_TEST_WATCHDOG") {
    None => 60,
    Some(seconds) => match u64::from_str_radix(seconds, 10) {
        Ok(seconds) => seconds,
        Err(_) => panic!("RINGWAY_TEST_WATCHDOG is a number of seconds"),
    },
});
const SIGKILL: i32 = 9;

/// A process of this test binary in a role. Killed and reaped on drop.
#[derive(Debug)]
pub(crate) struct Child {
    process: process::Child,
    lines: mpsc::Receiver<String>,
}

impl Child {
    /// Starts the test of that full path (such as `map::tests::crash::role_creator`) with these variables.
    pub(crate) fn spawn<V: AsRef<OsStr>>(role_test: &str, envs: &[(&str, V)]) -> Child {
        Child::spawn_under(&[], role_test, envs)
    }

    /// As [`Child::spawn`], but through a wrapper command such as `unshare -m`.
    pub(crate) fn spawn_under<V: AsRef<OsStr>>(
        wrapper: &[&str],
        role_test: &str,
        envs: &[(&str, V)],
    ) -> Child {
        let binary = std::env::current_exe().expect("a test knows its binary");
        let mut command = match wrapper.split_first() {
            Some((program, args)) => {
                let mut command = Command::new(program);
                command.args(args).arg(binary);
                command
            }
            None => Command::new(binary),
        };
        command
            .args(["--exact", role_test, "--nocapture", "--include-ignored", "--test-threads=1"])
            .env(ROLE, role_test)
            .envs(envs.iter().map(|(key, value)| (*key, value.as_ref())))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command.spawn().expect("the test binary can be started again");
        let output = BufReader::new(process.stdout.take().expect("the output is piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some((_, line)) = line.split_once(MARK) {
                    if sender.send(line.to_owned()).is_err() {
                        break;
                    }
                }
            }
        });
        Child { process, lines }
    }

    /// The next line that the role says.
    #[track_caller]
    pub(crate) fn hear(&mut self) -> String {
        match self.lines.recv_timeout(WATCHDOG) {
            Ok(line) => line,
            Err(error) => panic!("the role said nothing ({error}); it is {:?}", self.process.try_wait()),
        }
    }

    /// Sends the role a line.
    #[track_caller]
    pub(crate) fn tell(&mut self, line: &str) {
        let input = self.process.stdin.as_mut().expect("the input is piped");
        writeln!(input, "{line}").expect("the role is alive");
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u64 {
        self.process.id().into()
    }

    fn rustix_pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.process)
    }

    /// Stops the process with SIGSTOP, and returns when it has stopped.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        use rustix::process::{Signal, WaitOptions, kill_process, waitpid};
        kill_process(self.rustix_pid(), Signal::STOP).expect("a child may be stopped");
        let (_, status) = waitpid(Some(self.rustix_pid()), WaitOptions::UNTRACED)
            .expect("a child can be waited for")
            .expect("something happened to it");
        assert!(status.stopped(), "the role ended instead of stopping: {status:?}");
    }

    /// Waits until the process has stopped itself.
    #[track_caller]
    pub(crate) fn wait_stopped(&mut self) {
        use rustix::process::{WaitOptions, waitpid};
        let deadline = Instant::now() + WATCHDOG;
        let options = WaitOptions::UNTRACED | WaitOptions::NOHANG;
        loop {
            match waitpid(Some(self.rustix_pid()), options).expect("a child can be waited for") {
                Some((_, status)) if status.stopped() => return,
                Some((_, status)) => panic!("the role ended instead of stopping: {status:?}"),
                None => assert!(Instant::now() < deadline, "the role did not stop"),
            }
            thread::sleep(Duration::from_micros(200));
        }
    }

    /// Lets a stopped process go on.
    pub(crate) fn go_on(&mut self) {
        rustix::process::kill_process(self.rustix_pid(), rustix::process::Signal::CONT)
            .expect("a child may be continued");
    }

    /// Kills the process with SIGKILL and reaps it.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("a child may be killed");
        self.process.wait().expect("a child can be reaped");
    }

    /// Kills the process; fails the test if it had already ended by itself.
    #[track_caller]
    pub(crate) fn kill_running(&mut self) {
        self.process.kill().expect("a child may be killed");
        self.wait_killed();
    }

    /// How the process ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().expect("a child can be waited for")
    }

    /// Waits for the end of the process.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + WATCHDOG;
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(Instant::now() < deadline, "the role did not end");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until the process was ended by SIGKILL, by itself or another.
    #[track_caller]
    pub(crate) fn wait_killed(&mut self) {
        let status = self.wait();
        assert_eq!(status.signal(), Some(SIGKILL), "the role ended by itself: {status}");
    }

    /// Waits until the role has ended well.
    #[track_caller]
    pub(crate) fn wait_success(&mut self) {
        let status = self.wait();
        assert!(status.success(), "the role failed: {status}");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// This process's part, if it is one that [`Child::spawn`] started.
#[derive(Debug)]
pub(crate) struct Role(());

impl Role {
    /// The role, or `None` in an ordinary run of the test.
    pub(crate) fn play() -> Option<Role> {
        let wanted = std::env::var(ROLE).ok()?;
        if thread::current().name() != Some(&wanted) && thread::current().name() != Some("main") {
            return None;
        }
        // A role does not outlive its parent.
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
            .expect("a process may ask for this");
        Some(Role(()))
    }

    /// The value of a variable that the parent set.
    #[track_caller]
    pub(crate) fn var(&self, key: &str) -> String {
        std::env::var(key).unwrap_or_else(|error| panic!("the role needs {key}: {error}"))
    }

    /// Says a line to the parent.
    pub(crate) fn say(&mut self, line: &str) {
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{MARK}{line}").and_then(|()| out.flush()).expect("the parent listens");
    }

    /// The next line from the parent; empty when it has closed its end.
    pub(crate) fn hear(&mut self) -> String {
        // Byte by byte, so that nothing is lost in a buffer between two calls.
        let mut line = Vec::new();
        let mut byte = [0];
        while std::io::stdin().lock().read(&mut byte).expect("the parent can be read") == 1 && byte != *b"\n"
        {
            line.extend(byte);
        }
        String::from_utf8(line).expect("lines are text")
    }
}

/// Whether commands can be run under the wrapper here.
pub(crate) fn can_run(wrapper: &[&str]) -> bool {
    let (program, args) = wrapper.split_first().expect("a wrapper is a command");
    let status = Command::new(program).args(args).arg("true").stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Says that a part of a test is left out, and why: a failure where nothing may be left out.
#[track_caller]
pub(crate) fn skipped(what: &str, why: &str) {
    assert!(std::env::var_os(SKIP_NOTHING).is_none(), "{what}: {why}, and {SKIP_NOTHING} is set");
    println!("SKIPPED: {what} ({why})");
}

/// Says that a part of a test is left out because this kernel or processor has not got what it is about: no
/// failure anywhere, since nobody who runs the tests can change that.
#[allow(dead_code, reason = "some test binaries have no such part")]
pub(crate) fn not_to_be_had(what: &str, why: &str) {
    println!("NOT TO BE HAD HERE: {what} ({why})");
}

/// Runs a test that has to end: one that hangs fails.
#[track_caller]
pub(crate) fn watched(test: impl FnOnce() + Send + 'static) {
    let (done, end) = mpsc::channel();
    let thread = thread::spawn(move || {
        test();
        let _ = done.send(());
    });
    match end.recv_timeout(WATCHDOG) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        // With its own panic, if it had one.
        _ => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
    }
}

/// A fresh directory in `/dev/shm`, removed on drop with all it holds.
#[derive(Debug)]
pub(crate) struct TempNamespace {
    path: PathBuf,
}

impl TempNamespace {
    /// A directory that no other test, in this or another process, has.
    pub(crate) fn new() -> TempNamespace {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = PathBuf::from(format!("/dev/shm/ringway-test-{}-{number}", process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => return TempNamespace { path },
                // Left behind by a killed run that had our pid.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("/dev/shm is not writable: {error}"),
            }
        }
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory, as a namespace.
    pub(crate) fn namespace(&self) -> Namespace {
        Namespace::Dir(self.path.clone())
    }

    /// The files in it.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.path).expect("the directory is there");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }

    /// Fails the test if anything is left in it.
    #[track_caller]
    pub(crate) fn assert_empty(&self) {
        assert_eq!(self.files(), Vec::<String>::new(), "something was left behind");
    }
}

impl Drop for TempNamespace {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
