//! The handler of SIGBUS of this process, and the one that was there before it.
//!
//! A process has one handler of a signal. Ours is installed with the first view; what is not its own it leaves to
//! its *predecessor*, as the kernel would: with its mask, and once only where that was asked for. With each further
//! view it is looked whether ours is still there:
//!
//! | found | then |
//! |---|---|
//! | ours | nothing |
//! | the default, or that the signal is ignored | somebody gave the signal up, perhaps our predecessor while it ran (std's does): this is the predecessor now, and ours is put back |
//! | another handler | it came after ours, so it stays, and has to call ours |
//!
//! No lock is taken, which a forked child might inherit locked, and the handler allocates nothing.
#![allow(unsafe_code)] // installs a signal handler, and calls the one before it

use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// A handler that is told what happened (`SA_SIGINFO`).
pub(super) type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);

/// What a handler is told.
#[derive(Clone, Copy)]
pub(super) struct Told {
    pub(super) signal: libc::c_int,
    pub(super) info: *mut libc::siginfo_t,
    pub(super) context: *mut libc::c_void,
    /// By an access, which happens again if it is not dealt with; else the signal was sent.
    pub(super) raised: bool,
}

static DEFAULT: libc::sigaction = action(libc::SIG_DFL);
static IGNORE: libc::sigaction = action(libc::SIG_IGN);
/// What was there before ours, never null: one of the two above, or leaked. Set before ours is installed.
static BEFORE: AtomicPtr<libc::sigaction> = AtomicPtr::new((&raw const DEFAULT).cast_mut());
/// Ours was installed. Set after it was, so whoever sees it knows that another handler came later.
static INSTALLED: AtomicBool = AtomicBool::new(false);

const fn action(handler: libc::sighandler_t) -> libc::sigaction {
    // SAFETY: a plain struct of numbers and an optional pointer, for which zero is valid.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = handler;
    action
}

/// Whether it is no handler, and then which of the two.
fn plain(action: &libc::sigaction) -> Option<&'static libc::sigaction> {
    match action.sa_sigaction {
        libc::SIG_DFL => Some(&DEFAULT),
        libc::SIG_IGN => Some(&IGNORE),
        _ => None,
    }
}

/// What is installed now.
fn present() -> libc::sigaction {
    let mut present = action(libc::SIG_DFL);
    // SAFETY: asks only; `present` is valid for the write.
    let asked = unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut present) };
    debug_assert_eq!(asked, 0, "SIGBUS is a signal");
    present
}

/// Installs an action, and returns what was there.
fn replace(action: &libc::sigaction) -> libc::sigaction {
    let mut old = self::action(libc::SIG_DFL);
    // SAFETY: `old` is valid for the write (1); the handler is ours, with the signature of its flags, or was
    // installed before by whoever it belongs to (2).
    let replaced = unsafe { libc::sigaction(libc::SIGBUS, action, &raw mut old) };
    debug_assert_eq!(replaced, 0, "SIGBUS may be handled");
    old
}

fn replace_with(ours: Handler) -> libc::sigaction {
    let mut action = action(ours as libc::sighandler_t);
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    replace(&action)
}

/// Sees to it that the handler is installed, unless somebody else's came after it.
pub(super) fn install(ours: Handler) {
    loop {
        let found = present();
        if found.sa_sigaction == ours as libc::sighandler_t {
            return;
        }
        let before = match plain(&found) {
            Some(plain) => plain,
            None if INSTALLED.load(Ordering::Acquire) => return,
            // Once or twice in a process.
            None => Box::leak(Box::new(found)),
        };
        BEFORE.store(ptr::from_ref(before).cast_mut(), Ordering::Release);
        let replaced = replace_with(ours);
        if [found.sa_sigaction, ours as libc::sighandler_t].contains(&replaced.sa_sigaction) {
            return INSTALLED.store(true, Ordering::Release);
        }
        // Somebody came between the two calls: theirs goes back, and is looked at in its turn.
        replace(&replaced);
    }
}

/// Leaves the signal to whoever was there before us.
pub(super) fn pass_on(ours: Handler, told: Told) {
    let address = BEFORE.load(Ordering::Acquire);
    // SAFETY: never null, and never freed: a static or leaked, stored whole with release.
    let before = unsafe { &*address };
    match plain(before) {
        Some(plain) if plain.sa_sigaction == libc::SIG_IGN && !told.raised => {}
        Some(_) => {
            replace(&DEFAULT);
            if !told.raised {
                // SAFETY: sends this thread the signal, which ends the process when this handler returns.
                unsafe { libc::raise(told.signal) };
            }
        }
        None => {
            if before.sa_flags & libc::SA_RESETHAND != 0 {
                let default = (&raw const DEFAULT).cast_mut();
                let once = BEFORE.compare_exchange(address, default, Ordering::AcqRel, Ordering::Relaxed);
                if once.is_err() {
                    // Another thread has had it.
                    return pass_on(ours, told);
                }
            }
            call(before, told);
            // It may have given the signal up, as a handler does that wants the access to end the process.
            if let Some(plain) = plain(&present()) {
                BEFORE.store(ptr::from_ref(plain).cast_mut(), Ordering::Release);
                replace_with(ours);
            }
        }
    }
}

/// Calls a handler with the signals blocked that it asked for.
fn call(before: &libc::sigaction, told: Told) {
    // SAFETY: a plain set of bits.
    let mut kept: libc::sigset_t = unsafe { mem::zeroed() };
    // SAFETY: both sets are valid; a thread's own mask.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const before.sa_mask, &raw mut kept) };
    if before.sa_flags & libc::SA_NODEFER != 0 {
        let mut own = kept;
        // SAFETY: a valid set.
        unsafe { libc::sigemptyset(&raw mut own) };
        // SAFETY: as above, and SIGBUS is a signal.
        unsafe { libc::sigaddset(&raw mut own, told.signal) };
        // SAFETY: a valid set; a thread's own mask.
        unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const own, ptr::null_mut()) };
    }
    let Told { signal, info, context, .. } = told;
    if before.sa_flags & libc::SA_SIGINFO != 0 {
        // SAFETY: a handler that was installed with `SA_SIGINFO` has this signature.
        let handler = unsafe { mem::transmute::<libc::sighandler_t, Handler>(before.sa_sigaction) };
        handler(signal, info, context);
    } else {
        // SAFETY: a handler that was installed without `SA_SIGINFO` has this signature.
        let handler =
            unsafe { mem::transmute::<libc::sighandler_t, extern "C" fn(libc::c_int)>(before.sa_sigaction) };
        handler(signal);
    }
    // SAFETY: the mask that the thread had.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const kept, ptr::null_mut()) };
}
