//! The handler of SIGBUS among others: those before it, those after it, and forked children.
#![allow(unsafe_code)] // installs handlers, forks, and maps what is no view

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use ringway::map::{AccessError, SharedMap, View};

use crate::faults::set_len;
use crate::testing::{Child, Role, TempNamespace, can_run, skipped};
use crate::{DIR, counted, file};

pub(crate) const KIND: &str = "RINGWAY_TEST_KIND";
/// What a handler of the tests ends the process with.
const WITH_INFORMATION: i32 = 77;
const WITHOUT: i32 = 78;

/// Where the mapping lies that is no view.
static FOREIGN: AtomicUsize = AtomicUsize::new(0);
static CALLS: AtomicI32 = AtomicI32::new(0);
/// The signals that were blocked in the handler: bit 0 SIGUSR1, bit 1 SIGBUS.
static BLOCKED: AtomicI32 = AtomicI32::new(-1);
static AGAIN_FLAGS: AtomicI32 = AtomicI32::new(0);
static LATER: AtomicUsize = AtomicUsize::new(0);

type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);

extern "C" fn with_information(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel hands over a valid one.
    let info = unsafe { &*info };
    // SAFETY: a fault's information has an address.
    let address = unsafe { info.si_addr() }.addr();
    let right = address == FOREIGN.load(Ordering::SeqCst);
    // SAFETY: ends the process.
    unsafe { libc::_exit(if right { WITH_INFORMATION } else { 1 }) };
}

extern "C" fn without(_: libc::c_int) {
    // SAFETY: ends the process.
    unsafe { libc::_exit(WITHOUT) };
}

extern "C" fn counting(_: libc::c_int) {
    CALLS.fetch_add(1, Ordering::SeqCst);
    BLOCKED.store(blocked(), Ordering::SeqCst);
}

/// Installs itself again whenever it runs.
extern "C" fn again(_: libc::c_int) {
    if CALLS.fetch_add(1, Ordering::SeqCst) > 10 {
        // SAFETY: ends the process.
        unsafe { libc::_exit(1) };
    }
    install(again as extern "C" fn(libc::c_int) as usize, AGAIN_FLAGS.load(Ordering::SeqCst), &[]);
}

/// Comes after the library's, and calls it.
extern "C" fn later(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    CALLS.fetch_add(1, Ordering::SeqCst);
    // SAFETY: the library's handler, which has this signature.
    let before = unsafe { std::mem::transmute::<usize, Handler>(LATER.load(Ordering::SeqCst)) };
    before(signal, info, context);
}

fn blocked() -> i32 {
    // SAFETY: a plain set of bits.
    let mut mask: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: asks only.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), &raw mut mask) };
    // SAFETY: a valid set.
    let has = |signal| unsafe { libc::sigismember(&raw const mask, signal) };
    has(libc::SIGUSR1) | has(libc::SIGBUS) << 1
}

fn install(handler: usize, flags: i32, blocks: &[i32]) -> usize {
    // SAFETY: a plain struct.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    for signal in blocks {
        // SAFETY: a valid set.
        unsafe { libc::sigaddset(&raw mut action.sa_mask, *signal) };
    }
    // SAFETY: a plain struct.
    let mut old: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: the handlers of this file have the signatures of their flags.
    assert_eq!(unsafe { libc::sigaction(libc::SIGBUS, &raw const action, &raw mut old) }, 0);
    old.sa_sigaction
}

pub(crate) fn path(role: &Role) -> PathBuf {
    Path::new(&role.var(DIR)).join("data")
}

/// Loses the bytes of a new view, which has to be an error.
pub(crate) fn assert_protected(path: &Path) {
    set_len(path, 4096);
    let view = SharedMap::from_path(path).expect("mapped").accessor().expect("all");
    assert_lost(path, &view);
}

pub(crate) fn assert_lost(path: &Path, view: &View) {
    set_len(path, 0);
    assert!(matches!(view.read::<u8>(0), Err(AccessError::Truncated { .. })));
}

/// Touches a mapping that is no view, of a file that has no bytes.
pub(crate) fn touch_what_is_no_view(path: &Path, at: *mut libc::c_void) -> u8 {
    set_len(path, 0);
    let file = File::open(path).expect("there");
    let fixed = if at.is_null() { 0 } else { libc::MAP_FIXED };
    let flags = libc::MAP_SHARED | fixed;
    // SAFETY: a new mapping touches nothing that is there; at a given address nothing is.
    let start = unsafe { libc::mmap(at, 4096, libc::PROT_READ, flags, file.as_raw_fd(), 0) };
    assert_ne!(start, libc::MAP_FAILED);
    FOREIGN.store(start.addr(), Ordering::SeqCst);
    // SAFETY: mapped, if to no bytes; what comes of it is the subject of the test.
    unsafe { start.cast::<u8>().read_volatile() }
}

fn send_one() {
    // SAFETY: has no preconditions.
    unsafe { libc::raise(libc::SIGBUS) };
}

fn play(role: &str, kind: &str) -> (Child, TempNamespace) {
    let space = TempNamespace::new();
    file(&space, "data", &counted(4096));
    let directory = space.path().to_str().expect("UTF-8").to_owned();
    (Child::spawn(role, &[(DIR, directory.as_str()), (KIND, kind)]), space)
}

pub(crate) fn end(role: &str, kind: &str) -> ExitStatus {
    let (mut child, _space) = play(role, kind);
    assert_eq!(child.hear(), "now");
    child.wait()
}

#[test]
fn role_with_a_predecessor() {
    let Some(mut role) = Role::play() else { return };
    let information: Handler = with_information;
    let plain: extern "C" fn(libc::c_int) = without;
    match role.var(KIND).as_str() {
        "with information" => drop(install(information as usize, libc::SA_SIGINFO, &[])),
        "without" => drop(install(plain as usize, 0, &[])),
        "ignored" => drop(install(libc::SIG_IGN, 0, &[])),
        "default" => drop(install(libc::SIG_DFL, 0, &[])),
        // std's own, which every program has.
        _ => {}
    }
    let path = path(&role);
    assert_protected(&path);
    if role.var(KIND) == "ignored" {
        send_one();
        assert_protected(&path);
    }
    role.say("now");
    let byte = touch_what_is_no_view(&path, ptr::null_mut());
    role.say(&format!("survived with {byte}"));
}

#[test]
fn a_fault_that_is_not_ours_goes_to_whoever_was_there_before() {
    let role = "signals::role_with_a_predecessor";
    assert_eq!(end(role, "with information").code(), Some(WITH_INFORMATION));
    assert_eq!(end(role, "without").code(), Some(WITHOUT));
}

#[test]
fn a_fault_that_is_not_ours_ends_the_process_if_nobody_was_there_before() {
    for kind in ["ignored", "default", "std"] {
        let end = end("signals::role_with_a_predecessor", kind);
        assert_eq!(end.signal(), Some(libc::SIGBUS), "{kind}");
    }
}

#[test]
fn role_that_is_sent_the_signal() {
    let Some(mut role) = Role::play() else { return };
    let (path, plain) = (path(&role), counting as extern "C" fn(libc::c_int));
    let (flags, blocks, in_handler) = match role.var(KIND).as_str() {
        "blocking" => (0, &[libc::SIGUSR1][..], 0b11),
        "not deferred" => (libc::SA_NODEFER, &[][..], 0b00),
        "once" => (libc::SA_RESETHAND, &[][..], 0b10),
        kind => panic!("{kind}"),
    };
    install(plain as usize, flags, blocks);
    let view = SharedMap::from_path(&path).expect("mapped").accessor().expect("all");
    let before = blocked();
    send_one();
    assert_eq!((CALLS.load(Ordering::SeqCst), BLOCKED.load(Ordering::SeqCst)), (1, in_handler));
    assert_eq!(blocked(), before, "the mask is the thread's own again");
    assert_lost(&path, &view);
    role.say("now");
    send_one();
    assert_eq!(CALLS.load(Ordering::SeqCst), 2);
}

#[test]
fn the_handler_that_was_there_before_is_called_as_the_kernel_would() {
    let role = "signals::role_that_is_sent_the_signal";
    assert!(end(role, "blocking").success());
    assert!(end(role, "not deferred").success());
    assert_eq!(end(role, "once").signal(), Some(libc::SIGBUS), "the second one ends the process");
}

#[test]
fn role_whose_handler_gives_up() {
    let Some(mut role) = Role::play() else { return };
    let path = path(&role);
    let view = SharedMap::from_path(&path).expect("mapped").accessor().expect("all");
    match role.var(KIND).as_str() {
        // It gives the signal back to the kernel, and returns.
        "std" => send_one(),
        "program" => {
            install(libc::SIG_DFL, 0, &[]);
            drop(SharedMap::from_path(&path).expect("mapped").accessor().expect("all"));
        }
        kind => panic!("{kind}"),
    }
    assert_lost(&path, &view);
    assert_protected(&path);
    role.say("now");
    send_one();
    role.say("it returned");
}

#[test]
fn views_are_protected_though_somebody_gives_the_signal_up() {
    for kind in ["std", "program"] {
        assert_eq!(end("signals::role_whose_handler_gives_up", kind).signal(), Some(libc::SIGBUS), "{kind}");
    }
}

#[test]
fn role_with_a_later_handler() {
    let Some(mut role) = Role::play() else { return };
    let (path, handler) = (path(&role), later as Handler);
    let plain: extern "C" fn(libc::c_int) = without;
    install(plain as usize, 0, &[]);
    assert_protected(&path);
    LATER.store(install(handler as usize, libc::SA_SIGINFO, &[]), Ordering::SeqCst);
    assert_protected(&path);
    assert_eq!(CALLS.load(Ordering::SeqCst), 1, "it is asked first");
    assert_protected(&path);
    assert_eq!(CALLS.load(Ordering::SeqCst), 2, "a new view left it there");
    role.say("now");
    touch_what_is_no_view(&path, ptr::null_mut());
}

#[test]
fn a_handler_that_came_later_stays_and_nobody_calls_in_a_circle() {
    assert_eq!(end("signals::role_with_a_later_handler", "").code(), Some(WITHOUT));
}

#[test]
fn role_whose_predecessor_installs_itself_again() {
    let Some(mut role) = Role::play() else { return };
    let path = path(&role);
    let flags = if role.var(KIND) == "once" { libc::SA_RESETHAND } else { 0 };
    AGAIN_FLAGS.store(flags, Ordering::SeqCst);
    install(again as extern "C" fn(libc::c_int) as usize, flags, &[]);
    let view = SharedMap::from_path(&path).expect("mapped").accessor().expect("all");
    for calls in 1..4 {
        send_one();
        assert_eq!(CALLS.load(Ordering::SeqCst), calls, "it has what is not ours");
    }
    assert_lost(&path, &view);
    assert_eq!(CALLS.load(Ordering::SeqCst), 3, "what is ours it has not");
    role.say("now");
}

#[test]
fn a_predecessor_that_installs_itself_whenever_it_runs_stays_the_predecessor() {
    for kind in ["always", "once"] {
        let end = end("signals::role_whose_predecessor_installs_itself_again", kind);
        assert!(end.success(), "{kind}: {end}");
    }
}

#[test]
fn role_with_a_handler_before_and_after() {
    let Some(mut role) = Role::play() else { return };
    let (path, handler) = (path(&role), later as Handler as usize);
    install(handler, libc::SA_SIGINFO, &[]);
    assert_protected(&path);
    // What it finds now, and calls from now on, is the library's handler; and that has it as the one before.
    LATER.store(install(handler, libc::SA_SIGINFO, &[]), Ordering::SeqCst);
    assert_protected(&path);
    role.say("now");
    if role.var(KIND) == "sent" {
        send_one();
    } else {
        touch_what_is_no_view(&path, ptr::null_mut());
    }
    role.say("survived");
}

#[test]
fn a_handler_that_is_installed_before_and_after_ends_nobody_in_a_circle() {
    for kind in ["sent", "raised"] {
        let end = end("signals::role_with_a_handler_before_and_after", kind);
        assert_eq!(end.signal(), Some(libc::SIGBUS), "{kind}: {end}");
    }
}

#[test]
fn role_first_of_its_namespace() {
    let Some(mut role) = Role::play() else { return };
    assert_eq!(std::process::id(), 1);
    let path = path(&role);
    install(libc::SIG_DFL, 0, &[]);
    let view = SharedMap::from_path(&path).expect("mapped").accessor().expect("all");
    let before = blocked();
    send_one();
    send_one();
    assert_eq!(blocked(), before, "the mask is the thread's own again");
    assert_lost(&path, &view);
    role.say("now");
    touch_what_is_no_view(&path, ptr::null_mut());
    role.say("survived");
}

#[test]
fn the_first_process_of_a_namespace_goes_on_after_a_signal_and_its_views_stay_protected() {
    let wrapper = ["unshare", "--pid", "--fork", "--kill-child"];
    if !can_run(&wrapper) {
        return skipped("a process with the number 1", "cannot make a pid namespace here");
    }
    let space = TempNamespace::new();
    file(&space, "data", &counted(4096));
    let mut child =
        Child::spawn_under(&wrapper, "signals::role_first_of_its_namespace", &[(DIR, space.path())]);
    assert_eq!(child.hear(), "now");
    // The wrapper ends as its child did.
    assert_eq!(child.wait().signal(), Some(libc::SIGBUS), "a fault ends it all the same");
}

#[test]
fn the_handler_has_the_stack_for_signals_and_what_it_interrupts_goes_on() {
    let view = crate::anonymous(1).accessor().expect("all");
    // SAFETY: a plain struct.
    let mut present: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: asks only.
    assert_eq!(unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut present) }, 0);
    let wanted = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    assert_eq!(present.sa_flags & wanted, wanted);
    drop(view);
}

#[test]
fn role_that_is_killed_by_the_signal() {
    let Some(mut role) = Role::play() else { return };
    install(libc::SIG_DFL, 0, &[]);
    assert_protected(&path(&role));
    role.say("now");
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::BUS).expect("ours");
    role.say("it returned");
}

#[test]
fn whoever_is_sent_the_signal_by_another_process_ends_by_it() {
    assert_eq!(end("signals::role_that_is_killed_by_the_signal", "").signal(), Some(libc::SIGBUS));
}
