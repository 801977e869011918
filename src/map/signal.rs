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
//! After the predecessor has run it is looked again. One that installs itself anew whenever it runs is put back into the
//! second place. One that was installed once more after ours, and so has ours before itself, calls ours from within: ours
//! then does what the kernel does where nobody is left. It knows that by a *mark* in the information of the signal, which is
//! of this delivery alone: nothing has to be undone if a handler never returns.
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

/// The word of a signal's information that is the mark: the last one of 128 bytes, which the kernel leaves zero, and which
/// a copy keeps.
const MARK_AT: usize = size_of::<libc::siginfo_t>() / size_of::<u32>() - 1;
const _: () = assert!((MARK_AT + 1) * size_of::<u32>() == size_of::<libc::siginfo_t>());
/// The predecessor has been called with this information.
const MARK: u32 = 0x5249_4e47;

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

/// What is installed now; the default where the kernel does not tell, as in some sandboxes.
fn present() -> libc::sigaction {
    let mut present = action(libc::SIG_DFL);
    // SAFETY: asks only; `present` is valid for the write.
    unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut present) };
    present
}

/// Installs an action, and returns what was there; `None` where that is not allowed, as in some sandboxes.
fn replace(action: &libc::sigaction) -> Option<libc::sigaction> {
    let mut old = self::action(libc::SIG_DFL);
    // SAFETY: `old` is valid for the write (1); the handler is ours, with the signature of its flags, or was
    // installed before by whoever it belongs to (2).
    let replaced = unsafe { libc::sigaction(libc::SIGBUS, action, &raw mut old) };
    (replaced == 0).then_some(old)
}

fn replace_with(ours: Handler) -> Option<libc::sigaction> {
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
        // Where no handler is allowed views are not protected, and nobody can help it.
        let Some(replaced) = replace_with(ours) else { return };
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
        Some(_) => end(told),
        // It has had it, and calls what was there before it: ours.
        None if is_marked(told.info) => end(told),
        None => {
            if before.sa_flags & libc::SA_RESETHAND != 0 {
                let default = (&raw const DEFAULT).cast_mut();
                let once = BEFORE.compare_exchange(address, default, Ordering::AcqRel, Ordering::Relaxed);
                if once.is_err() {
                    // Another thread has had it.
                    return pass_on(ours, told);
                }
            }
            set_mark(told.info, MARK);
            call(before, told);
            set_mark(told.info, 0);
            let found = present();
            if let Some(plain) = plain(&found) {
                // It has given the signal up, as a handler does that wants the access to end the process.
                BEFORE.store(ptr::from_ref(plain).cast_mut(), Ordering::Release);
                replace_with(ours);
            } else if found.sa_sigaction == before.sa_sigaction {
                // It has installed itself again.
                BEFORE.store(address, Ordering::Release);
                replace_with(ours);
            }
        }
    }
}

fn is_marked(info: *mut libc::siginfo_t) -> bool {
    // SAFETY: within the 128 bytes of the information, which are aligned to four, and the kernel's or a copy of them.
    unsafe { info.cast::<u32>().wrapping_add(MARK_AT).read() == MARK }
}

fn set_mark(info: *mut libc::siginfo_t, mark: u32) {
    // SAFETY: as above; the information is this handler's to write to, as it is on the stack of its thread.
    unsafe { info.cast::<u32>().wrapping_add(MARK_AT).write(mark) };
}

/// What the kernel does by default: it ends the process. It does not by a signal that was sent to the first process of a
/// pid namespace: that goes on, with the handler that it has.
fn end(told: Told) {
    let Some(present) = replace(&DEFAULT) else {
        // The access would be made again and again.
        // SAFETY: ends the process.
        unsafe { libc::abort() };
    };
    if told.raised {
        // The access is made again when the handlers return, and ends the process.
        return;
    }
    let mut kept = no_signals();
    let mut own = no_signals();
    // SAFETY: a valid set, and SIGBUS is a signal.
    unsafe { libc::sigaddset(&raw mut own, told.signal) };
    // SAFETY: sends this thread the signal, which is blocked while its handler runs.
    unsafe { libc::raise(told.signal) };
    // SAFETY: both sets are valid; a thread's own mask. What was sent is delivered here.
    unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const own, &raw mut kept) };
    // SAFETY: the mask that the thread had.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const kept, ptr::null_mut()) };
    replace(&present);
}

fn no_signals() -> libc::sigset_t {
    // SAFETY: a plain set of bits.
    unsafe { mem::zeroed() }
}

/// Calls a handler with the signals blocked that it asked for.
fn call(before: &libc::sigaction, told: Told) {
    let mut kept = no_signals();
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
    if wants_information(before) {
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

/// Whether the handler has three arguments.
fn wants_information(action: &libc::sigaction) -> bool {
    action.sa_flags & libc::SA_SIGINFO != 0
}
