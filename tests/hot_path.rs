//! No system call and no heap allocation per message.
//!
//! Two processes pass a million messages each way under a seccomp filter that kills them at any system
//! call, and count what their thread allocates meanwhile. They end by `_exit` with a code that says how it
//! went, since anything else would be a system call.
#![cfg(not(loom))]
#![allow(unsafe_code, reason = "a global allocator that counts, and an end without clean-up")]

#[path = "hot_path/cells.rs"]
mod cells;
#[path = "hot_path/channels.rs"]
mod channels;
#[allow(dead_code, reason = "other tests need the rest")]
#[path = "../src/testing.rs"]
mod testing;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ringway::channel::{Channel, Kind, Mpmc, Receiver, Sender};
use ringway::map;
use ringway::{Message, Wait, mpmc, mpsc, spmc, spsc};
use seccompiler::{SeccompAction, SeccompFilter};

use testing::{Child, Role, TempNamespace, WATCHDOG};

/// Messages each way.
const MESSAGES: u64 = 1_000_000;
/// Messages that one side sends before it receives as many: more than the channel holds, so that each side
/// waits for the other, but not often, since that takes time slices on a busy machine.
const WINDOW: u64 = 100_000;
const CAPACITY: usize = 1 << 16;
const BATCH: usize = 32;

const SCRIPT: &str = "RINGWAY_TEST_SCRIPT";
const DIR: &str = "RINGWAY_TEST_DIR";

const FINE: i32 = 0;
const ALLOCATED: i32 = 70;
const WRONG_MESSAGE: i32 = 71;

thread_local! {
    /// What this thread has asked of the allocator.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: the system's allocator, with a count in front of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        CALLS.set(CALLS.get() + 1);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// From here on this thread's process dies at any system call but `exit_group`.
fn forbid_system_calls() {
    let rules = BTreeMap::from([(libc::SYS_exit_group, vec![])]);
    let arch = std::env::consts::ARCH.try_into().expect("an architecture that ringway runs on");
    let filter = SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, arch);
    let program: seccompiler::BpfProgram = filter.and_then(TryInto::try_into).expect("a filter");
    seccompiler::apply_filter(&program).expect("a process may restrict itself");
    // `program` may not be freed now: that could be a system call.
    std::mem::forget(program);
}

/// Ends the process with one system call.
fn end(code: i32) -> ! {
    // SAFETY: no memory is touched.
    unsafe { libc::_exit(code) }
}

trait Numbered: Message + PartialEq {
    fn of(number: u64) -> Self;
}

impl Numbered for u64 {
    fn of(number: u64) -> Self {
        number
    }
}

impl Numbered for [u64; 16] {
    fn of(number: u64) -> Self {
        [number; 16]
    }
}

fn check<M: Numbered>(message: &M, number: u64) {
    if *message != M::of(number) {
        end(WRONG_MESSAGE);
    }
}

/// One endpoint's calls, by verb.
struct Calls<M: Message> {
    verb: String,
    batch: Vec<M>,
}

impl<M: Numbered> Calls<M> {
    fn send(&mut self, tx: &mut Sender<M, impl Kind>, first: u64) {
        let numbers = first..first + WINDOW;
        let failed = match self.verb.as_str() {
            "single" => numbers.into_iter().any(|number| tx.send(M::of(number)).is_err()),
            "batch" => numbers.step_by(BATCH).any(|first| {
                self.batch.clear();
                self.batch.extend((first..first + BATCH as u64).map(M::of));
                tx.send_batch(&self.batch).is_err()
            }),
            _ => numbers.into_iter().any(|number| match tx.loan() {
                Ok(loan) => {
                    loan.write(M::of(number)).publish();
                    false
                }
                Err(_) => true,
            }),
        };
        if failed {
            end(WRONG_MESSAGE);
        }
    }

    fn receive(&mut self, rx: &mut Receiver<M, impl Kind>, first: u64) {
        let mut number = first;
        let until = first + WINDOW;
        while number < until {
            match self.verb.as_str() {
                "single" => {
                    let Ok(message) = rx.recv() else { end(WRONG_MESSAGE) };
                    check(&message, number);
                    number += 1;
                }
                "batch" => {
                    self.batch.clear();
                    let limit = BATCH.min((until - number) as usize);
                    if rx.recv_batch(&mut self.batch, limit).is_err() {
                        end(WRONG_MESSAGE);
                    }
                    for message in &self.batch {
                        check(message, number);
                        number += 1;
                    }
                }
                _ => {
                    let Ok(message) = rx.lease() else { end(WRONG_MESSAGE) };
                    check(&*message, number);
                    number += 1;
                }
            }
        }
    }
}

fn quiet<M: Message, K: Kind>(channel: Channel<M, K>, dir: &str) -> Channel<M, K> {
    channel
        .namespace(map::Namespace::Dir(dir.into()))
        .capacity(CAPACITY)
        .wait(Wait::Spin)
        .liveness_interval(Duration::from_secs(3600))
}

fn play<M: Numbered, K: Kind>(channel: fn(&str) -> Channel<M, K>, dir: &str, verb: &str, first: bool) -> ! {
    let (out, back) = if first { ("there", "back") } else { ("back", "there") };
    let mut tx = quiet(channel(out), dir).sender().expect("a free place");
    let mut rx = quiet(channel(back), dir).receiver().expect("a free place");
    // Not by sleeping until the peer comes, which may leave it somebody to wake with its first message.
    let deadline = Instant::now() + WATCHDOG;
    while tx.health().attached_receivers() == 0 || rx.health().attached_senders() == 0 {
        assert!(Instant::now() < deadline, "the other one did not come");
        thread::sleep(Duration::from_millis(1));
    }
    let mut calls = Calls { verb: verb.to_owned(), batch: Vec::with_capacity(BATCH) };

    forbid_system_calls();
    CALLS.set(0);
    for number in (0..MESSAGES).step_by(WINDOW as usize) {
        if first {
            calls.send(&mut tx, number);
            calls.receive(&mut rx, number);
        } else {
            calls.receive(&mut rx, number);
            calls.send(&mut tx, number);
        }
    }
    end(if CALLS.get() == 0 { FINE } else { ALLOCATED })
}

#[test]
fn role() {
    let Some(role) = Role::play() else { return };
    let (dir, script) = (role.var(DIR), role.var(SCRIPT));
    match script.split(' ').collect::<Vec<_>>()[..] {
        ["stamped", verb, side] => play(spsc::channel::<u64>, &dir, verb, side == "first"),
        ["indexed", verb, side] => play(spsc::channel::<[u64; 16]>, &dir, verb, side == "first"),
        ["mpsc", verb, side] => play(mpsc::channel::<u64>, &dir, verb, side == "first"),
        ["spmc", verb, side] => play(spmc::channel::<u64>, &dir, verb, side == "first"),
        ["mpmc", verb, side] => play(mpmc::channel::<u64>, &dir, verb, side == "first"),
        ["channels", kind, size, ..] => {
            let verb = script.splitn(4, ' ').last().expect("a verb");
            channels::play(&dir, kind, size, verb)
        }
        ["cells", verb] => cells::play(&dir, verb),
        ["cells-control", what] => cells::control(&dir, what),
        ["control", what] => control(&dir, what),
        _ => panic!("no such script: {script}"),
    }
}

/// Shows that the filter kills and that the count counts.
fn control(dir: &str, what: &str) {
    let channel = quiet::<u64, Mpmc>(mpmc::channel("c"), dir);
    let impatient = channel.clone().liveness_interval(Duration::ZERO);
    let _tx = channel.sender().expect("a free place");
    let mut rx = impatient.receiver().expect("a free place");
    forbid_system_calls();
    CALLS.set(0);
    match what {
        "getpid" => {
            black_box(std::process::id());
        }
        "probe" => {
            let _ = rx.recv();
        }
        "box" => std::mem::forget(black_box(Box::new(42))),
        _ => {}
    }
    end(if CALLS.get() == 0 { FINE } else { ALLOCATED })
}

fn spawn(space: &TempNamespace, script: &str) -> Child {
    Child::spawn("role", &[(DIR, space.path().as_os_str()), (SCRIPT, script.as_ref())])
}

/// One pair at a time: more spinning processes than cores wait for each other's time slices. Of this process, and, by a
/// lock on the binary that lasts as long as the file is open, of others that run these tests meanwhile.
static PAIR: Mutex<()> = Mutex::new(());

fn binary() -> File {
    let binary = File::open(std::env::current_exe().expect("a test knows its binary")).expect("it is there");
    rustix::fs::flock(&binary, rustix::fs::FlockOperation::LockExclusive).expect("nobody keeps it for ever");
    binary
}

/// How a process ended that made no system call and allocated nothing.
#[track_caller]
fn assert_quiet(status: ExitStatus, what: &str) {
    assert_ne!(status.signal(), Some(libc::SIGSYS), "{what}: a system call");
    assert_ne!(status.code(), Some(ALLOCATED), "{what}: an allocation");
    assert_eq!(status.code(), Some(FINE), "{what}: {status}");
}

#[track_caller]
fn assert_all_quiet(verb: &str) {
    // Of the kind with two forms the forms, of the others the kinds.
    ["stamped", "indexed", "mpsc", "spmc", "mpmc"].iter().for_each(|kind| assert_pair_quiet(kind, verb));
}

#[track_caller]
fn assert_pair_quiet(form: &str, verb: &str) {
    let _one = PAIR.lock().unwrap_or_else(PoisonError::into_inner);
    let _alone = binary();
    let space = TempNamespace::new();
    let deadline = Instant::now() + WATCHDOG;
    let mut sides = ["first", "second"].map(|side| {
        let script = format!("{form} {verb} {side}");
        (Some(spawn(&space, &script)), script)
    });
    // Of both at a time: one that ends badly leaves the other one waiting.
    while sides.iter().any(|(child, _)| child.is_some()) {
        for (child, script) in &mut sides {
            if let Some(status) = child.as_mut().and_then(Child::ended) {
                *child = None;
                assert_quiet(status, script);
            }
        }
        assert!(Instant::now() < deadline, "a role did not end: {sides:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_million_single_messages_each_way_need_no_system_call_and_no_allocation() {
    assert_all_quiet("single");
}

#[test]
fn a_million_messages_in_batches_each_way_need_no_system_call_and_no_allocation() {
    assert_all_quiet("batch");
}

#[test]
fn a_million_messages_in_place_each_way_need_no_system_call_and_no_allocation() {
    assert_all_quiet("loan");
}

#[test]
fn the_filter_kills_at_one_system_call_and_the_count_counts_one_box() {
    let space = TempNamespace::new();
    let end_of = |what: &str| spawn(&space, &format!("control {what}")).wait();
    assert_eq!(end_of("nothing").code(), Some(FINE));
    assert_eq!(end_of("getpid").signal(), Some(libc::SIGSYS));
    assert_eq!(end_of("box").code(), Some(ALLOCATED));
    // The one system call that a channel makes: whether a peer lives that has nothing to say.
    assert_eq!(end_of("probe").signal(), Some(libc::SIGSYS));
}
