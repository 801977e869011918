//! Calls that sleep, between processes: who is killed, who may not write, and who gets signals.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ringway::map::Namespace;
use ringway::seqlock::{self, Cells, One, WaitError};
use ringway::{Departure, RecvError, RecvTimeoutError, SendError, Wait, spsc};
use signal_hook::consts::SIGUSR1;

use crate::caller::{Caller, until_asleep};
use crate::fill;
use crate::testing::{Child, Role, TempNamespace, WATCHDOG, watched};
use crate::waiting::{NEVER, ROUNDS};

const DIR: &str = "RINGWAY_TEST_DIR";
const SCRIPT: &str = "RINGWAY_TEST_SCRIPT";

fn spawn(space: &TempNamespace, script: &str) -> Child {
    Child::spawn("sleepers::role_other", &[(DIR, space.path().as_os_str()), (SCRIPT, script.as_ref())])
}

fn channel(dir: &Path) -> spsc::Channel<u64> {
    spsc::channel("c").namespace(Namespace::Dir(dir.to_owned())).capacity(4).wait(Wait::ParkAtOnce)
}

fn cell(dir: &Path) -> Cells<u64, One> {
    seqlock::cell("cell").namespace(Namespace::Dir(dir.to_owned())).wait(Wait::ParkAtOnce)
}

#[test]
fn role_other() {
    let Some(mut role) = Role::play() else { return };
    let dir = PathBuf::from(role.var(DIR));
    match &role.var(SCRIPT)[..] {
        "sender" => {
            let _tx = channel(&dir).sender().expect("the role is free");
            role.say("attached");
            role.hear();
        }
        "receiver" => {
            let _rx = channel(&dir).receiver().expect("the role is free");
            role.say("attached");
            role.hear();
        }
        "writer" => {
            let _writer = cell(&dir).writer().expect("the role is free");
            role.say("attached");
            role.hear();
        }
        "echo" => {
            let mut rx = channel(&dir).liveness_interval(NEVER).open_existing().receiver().expect("free");
            let (mut writer, mut sum) = (cell(&dir).open_existing().writer().expect("free"), 0);
            while let Ok(number) = rx.recv() {
                sum += number;
                writer.store(number);
            }
            role.say(&format!("{sum}"));
        }
        "reader" => {
            let path = dir.join("cell");
            assert!(fs::OpenOptions::new().write(true).open(&path).is_err(), "it may not write");
            let reader = cell(&dir).liveness_interval(NEVER).open_existing().reader().expect("it may read");
            let mut seen = reader.version();
            let timeout = Duration::from_millis(20);
            let start = Instant::now();
            assert_eq!(reader.wait_newer(&mut seen, timeout), Err(WaitError::Timeout));
            assert!(start.elapsed() >= timeout);
            role.say("attached");
            while let Ok(value) = reader.wait_newer(&mut seen, WATCHDOG) {
                role.say(&format!("{value}"));
            }
        }
        "signals" => {
            let hit = Arc::new(AtomicBool::new(false));
            signal_hook::flag::register(SIGUSR1, Arc::clone(&hit)).expect("a process may");
            let mut rx = channel(&dir).liveness_interval(NEVER).open_existing().receiver().expect("free");
            role.say(&rustix::thread::gettid().as_raw_nonzero().to_string());
            assert_eq!(rx.recv(), Ok(7), "a signal is no reason");
            assert!(hit.swap(false, Ordering::Relaxed), "nobody has sent one");
            let (timeout, start) = (Duration::from_millis(300), Instant::now());
            role.say("timed");
            assert_eq!(rx.recv_timeout(timeout), Err(RecvTimeoutError::Timeout));
            assert!(start.elapsed() >= timeout, "a signal has ended it early");
            role.say("over");
        }
        script => panic!("no such script: {script}"),
    }
}

#[test]
fn one_that_sleeps_hears_that_the_other_process_was_killed() {
    watched(|| {
        let (space, interval) = (TempNamespace::new(), Duration::from_millis(10));
        let mut rx = channel(space.path()).liveness_interval(interval).receiver().expect("free");
        let mut sender = spawn(&space, "sender");
        assert_eq!(sender.hear(), "attached");
        let caller = Caller::asleep(move || (rx.recv(), rx));
        sender.kill_running();
        let (answer, rx) = caller.answer();
        assert_eq!(answer, Err(RecvError::Disconnected(Departure::Died)));
        drop(rx);

        let mut tx = channel(space.path()).liveness_interval(interval).sender().expect("free");
        fill(&mut tx, 0);
        let mut receiver = spawn(&space, "receiver");
        assert_eq!(receiver.hear(), "attached");
        let caller = Caller::asleep(move || (tx.send(9), tx));
        receiver.kill_running();
        let (answer, tx) = caller.answer();
        assert_eq!(answer, Err(SendError::Disconnected(9, Departure::Died)));
        drop(tx);

        let reader = cell(space.path()).liveness_interval(interval).reader().expect("anybody may");
        let mut writer = spawn(&space, "writer");
        assert_eq!(writer.hear(), "attached");
        let caller = Caller::asleep(move || reader.wait_newer(&mut 0, NEVER));
        writer.kill_running();
        assert_eq!(caller.answer(), Err(WaitError::Stale(Departure::Died)));
        space.assert_empty();
    });
}

#[test]
fn two_processes_that_sleep_wake_each_other() {
    watched(|| {
        let space = TempNamespace::new();
        let mut tx = channel(space.path()).liveness_interval(NEVER).sender().expect("free");
        let reader = cell(space.path()).liveness_interval(NEVER).reader().expect("anybody may");
        let mut echo = spawn(&space, "echo");
        let mut seen = 0;
        for number in 0..ROUNDS {
            tx.send(number).expect("there is room");
            assert_eq!(reader.wait_newer(&mut seen, NEVER), Ok(number));
        }
        drop(tx);
        assert_eq!(echo.hear(), (0..ROUNDS).sum::<u64>().to_string());
        echo.wait_success();
        drop(reader);
        space.assert_empty();
    });
}

/// Another user, of a group that may read.
const WRAPPER: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=0", "--clear-groups"];

#[test]
fn a_reader_that_may_not_write_where_it_would_sleep_gets_every_newer_value() {
    if !rustix::process::geteuid().is_root() {
        return println!("SKIPPED: a reader as another user (needs root)");
    }
    let binary = std::env::current_exe().expect("a test knows its binary");
    let mut attempt = Command::new(WRAPPER[0]);
    attempt.args(&WRAPPER[1..]).arg(binary).arg("--list").stdout(Stdio::null()).stderr(Stdio::null());
    if !attempt.status().is_ok_and(|status| status.success()) {
        return println!("SKIPPED: a reader as another user (cannot become one here)");
    }
    watched(|| {
        let space = TempNamespace::new();
        fs::set_permissions(space.path(), fs::Permissions::from_mode(0o755)).expect("ours");
        let mut writer = cell(space.path()).mode(0o640).create_new().writer().expect("the name is free");
        let envs = [(DIR, space.path().as_os_str()), (SCRIPT, "reader".as_ref())];
        let mut reader = Child::spawn_under(&WRAPPER, "sleepers::role_other", &envs);
        assert_eq!(reader.hear(), "attached");
        for number in 0..20 {
            writer.store(number);
            assert_eq!(reader.hear(), number.to_string());
        }
        drop(writer);
        reader.wait_success();
    });
}

/// How many bytes of this file are mapped to be written here, of each mapping.
fn writable(file: &Path) -> Vec<u64> {
    let maps = fs::read_to_string("/proc/self/maps").expect("a process may read its own");
    let ours = maps.lines().filter(|line| line.ends_with(file.to_str().expect("UTF-8")));
    let parts = ours.map(|line| line.split(' ').collect::<Vec<_>>()).filter(|parts| parts[1].contains('w'));
    let address = |text| u64::from_str_radix(text, 16).expect("an address");
    parts
        .map(|parts| {
            let (start, end) = parts[0].split_once('-').expect("two");
            address(end) - address(start)
        })
        .collect()
}

#[test]
fn a_reader_that_slept_can_write_to_where_it_sleeps_and_to_no_page_of_values() {
    watched(|| {
        let space = TempNamespace::new();
        let table = || {
            let dir = Namespace::Dir(space.path().to_owned());
            seqlock::table::<[u64; 16]>("table").namespace(dir).cells(100).wait(Wait::ParkAtOnce)
        };
        // What is mapped by whoever made the table is listed under another name.
        let maker = table().create_new().reader().expect("the name is free");
        let reader = table().open_existing().reader().expect("it is there");
        let path = space.path().join("table");
        assert_eq!(writable(&path), []);
        for index in [0, 99] {
            let answer = reader.wait_newer(index, &mut 0, Duration::from_millis(20));
            assert_eq!(answer, Err(WaitError::Timeout), "nobody has written yet");
        }
        let bytes = fs::read(&path).expect("it is there");
        let page = 4096;
        let values = page + u64::from_le_bytes(bytes[page as usize + 128..][..8].try_into().expect("eight"));
        assert!(values.next_multiple_of(page) < bytes.len() as u64, "most of it are values");
        let [len] = writable(&path)[..] else { panic!("one place to sleep at") };
        assert!(len <= values.next_multiple_of(page), "{len} bytes, and values from {values} on");
        drop((maker, reader));
        space.assert_empty();
    });
}

/// Sends one thread of a process a signal.
#[allow(unsafe_code, reason = "of the processes that are sent signals rustix does not name single threads")]
fn interrupt(process: u64, thread: u64) {
    // SAFETY: the call takes three numbers and touches no memory.
    let _ = unsafe { libc::syscall(libc::SYS_tgkill, process, thread, u64::from(SIGUSR1.unsigned_abs())) };
}

#[test]
fn a_signal_handler_does_not_end_a_call_that_sleeps() {
    watched(|| {
        let space = TempNamespace::new();
        let mut tx = channel(space.path()).liveness_interval(NEVER).sender().expect("free");
        let mut receiver = spawn(&space, "signals");
        let (process, thread) = (receiver.pid(), receiver.hear());
        let task = format!("/proc/{process}/task/{thread}");
        let thread: u64 = thread.parse().expect("a thread");
        for _ in 0..50 {
            until_asleep(&task);
            interrupt(process, thread);
        }
        tx.send(7).expect("there is room");
        assert_eq!(receiver.hear(), "timed");
        for _ in 0..50 {
            // Once its time is up there is nobody to interrupt.
            interrupt(process, thread);
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(receiver.hear(), "over");
        receiver.wait_success();
        drop(tx);
        space.assert_empty();
    });
}
