//! Views outlive the loss of what they show.
//!
//! Whoever may write to a file may make it shorter, and a tmpfs or a disk may be full when a hole is written
//! to. The kernel then sends SIGBUS to whoever touches such a page through a mapping, which ends the process.
//! For views it does not: a handler, installed with the first view, puts a private page of zeros in the place
//! of what is lost and notes in the view's [`Watch`] from which byte on. The access goes on with that page, and
//! the safe call that made it looks at the note before it returns: it reports an error, then and ever after for
//! all bytes from there on. A view of the file as it is then has to be taken anew.
//!
//! ```text
//! F1 is the address in a watched view?        no: the handler that was there before has it
//! F2 note the byte and the cause              F3 map zeros over the page, or, where the file ends before it,
//!                                                over all from it to the view's end
//! ```
//!
//! *A note is there before its zeros* (F2 before F3), so whoever has read zeros finds the note after it.
//!
//! The handler calls nothing but fstat, mmap and madvise, takes no lock and allocates nothing. The list of
//! watched views only grows; its nodes are used again. What is no such fault goes to the handler that was there
//! before: a hardware error, a signal that was sent, an address of somebody else.
#![allow(unsafe_code)] // a signal handler: reads its arguments, maps pages, calls the handler before it

use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

/// Nothing was lost.
const WHOLE: u64 = u64::MAX;

/// Which bytes of a view are no longer those of its map. Ends with the view.
#[derive(Debug)]
pub(super) struct Watch(&'static Node);

/// Why bytes are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The file ends before them.
    Truncated,
    /// There was no room for them, or the storage failed.
    NoRoom,
}

/// One watched mapping, or a place for one.
#[derive(Debug)]
struct Node {
    /// Odd: `start` to `fd` are those of a mapping that is watched. Changes whenever they do.
    turn: AtomicU64,
    start: AtomicUsize,
    len: AtomicUsize,
    prot: AtomicI32,
    fd: AtomicI32,
    /// The process that has the mapping: a forked child inherits this list, but not what is mapped.
    pid: AtomicU32,
    /// Where the mapping starts in the file.
    offset: AtomicU64,
    /// The first lost byte, from the mapping's start.
    lost: AtomicU64,
    /// The cause of that, as a number.
    cause: AtomicU32,
    /// Whether somebody uses this place.
    taken: AtomicU32,
    next: AtomicPtr<Node>,
}

/// All nodes, the latest first. Never freed.
static NODES: AtomicPtr<Node> = AtomicPtr::new(ptr::null_mut());
/// The handler that was there before ours, once ours is installed. Never freed.
static BEFORE: AtomicPtr<libc::sigaction> = AtomicPtr::new(ptr::null_mut());

/// A mapping that is to be watched.
pub(super) struct Mapping<'fd> {
    pub(super) start: usize,
    pub(super) len: usize,
    pub(super) prot: i32,
    pub(super) fd: BorrowedFd<'fd>,
    pub(super) offset: u64,
}

impl Watch {
    /// Watches a mapping; `fd` has to stay open for as long.
    pub(super) fn new(mapping: &Mapping<'_>) -> Watch {
        install();
        let node = take().unwrap_or_else(add);
        node.start.store(mapping.start, Ordering::Relaxed);
        node.len.store(mapping.len, Ordering::Relaxed);
        node.prot.store(mapping.prot, Ordering::Relaxed);
        node.fd.store(mapping.fd.as_raw_fd(), Ordering::Relaxed);
        node.pid.store(std::process::id(), Ordering::Relaxed);
        node.offset.store(mapping.offset, Ordering::Relaxed);
        node.lost.store(WHOLE, Ordering::Relaxed);
        // Released: whoever sees the odd turn sees the above.
        node.turn.fetch_add(1, Ordering::Release);
        Watch(node)
    }

    /// The first lost byte, from the mapping's start, and why; to be asked after reading.
    ///
    /// What was read had been noted before it could be met (F2), so the load must not come before those reads.
    #[inline]
    pub(super) fn lost_to_reader(&self) -> Option<(u64, Cause)> {
        fence(Ordering::Acquire);
        self.lost()
    }

    /// The same, to be asked after writing: here the load must not come before stores.
    #[inline]
    pub(super) fn lost_to_writer(&self) -> Option<(u64, Cause)> {
        fence(Ordering::SeqCst);
        self.lost()
    }

    #[inline]
    fn lost(&self) -> Option<(u64, Cause)> {
        match self.0.lost.load(Ordering::Relaxed) {
            WHOLE => None,
            from => Some((from, self.cause())),
        }
    }

    #[cold]
    fn cause(&self) -> Cause {
        match self.0.cause.load(Ordering::Relaxed) {
            1 => Cause::NoRoom,
            _ => Cause::Truncated,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.turn.fetch_add(1, Ordering::Release);
        // Released: whoever takes the node sees the even turn.
        self.0.taken.store(0, Ordering::Release);
    }
}

fn nodes() -> impl Iterator<Item = &'static Node> {
    let mut next = NODES.load(Ordering::Acquire);
    std::iter::from_fn(move || {
        // SAFETY: null, or a node that `add` leaked whole before it stored the address (1), pairing with the
        // acquire here and below (2).
        let node = unsafe { next.as_ref() }?;
        next = node.next.load(Ordering::Acquire);
        Some(node)
    })
}

/// A node that nobody uses.
fn take() -> Option<&'static Node> {
    let free = |node: &&Node| {
        node.taken.load(Ordering::Relaxed) == 0
            && node.taken.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
    };
    nodes().find(free)
}

#[cold]
fn add() -> &'static Node {
    let node: &'static Node = Box::leak(Box::new(Node {
        turn: AtomicU64::new(0),
        start: AtomicUsize::new(0),
        len: AtomicUsize::new(0),
        prot: AtomicI32::new(0),
        fd: AtomicI32::new(-1),
        pid: AtomicU32::new(0),
        offset: AtomicU64::new(0),
        lost: AtomicU64::new(WHOLE),
        cause: AtomicU32::new(0),
        taken: AtomicU32::new(1),
        next: AtomicPtr::new(ptr::null_mut()),
    }));
    let mut head = NODES.load(Ordering::Relaxed);
    loop {
        node.next.store(head, Ordering::Relaxed);
        let new = ptr::from_ref(node).cast_mut();
        match NODES.compare_exchange(head, new, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return node,
            Err(newer) => head = newer,
        }
    }
}

/// Installs the handler, once in a process. Without a lock, which a forked child might inherit locked.
fn install() {
    if !BEFORE.load(Ordering::Acquire).is_null() {
        return;
    }
    let mut before = Box::new(no_action());
    // SAFETY: asks only; `before` is valid for the write.
    let asked = unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut *before) };
    assert_eq!(asked, 0, "SIGBUS is a signal");
    let before = Box::into_raw(before);
    if BEFORE.compare_exchange(ptr::null_mut(), before, Ordering::AcqRel, Ordering::Relaxed).is_err() {
        // SAFETY: made above, and nobody else has it.
        drop(unsafe { Box::from_raw(before) });
    }
    let mut ours = no_action();
    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_bus_error;
    ours.sa_sigaction = handler as usize;
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    // SAFETY: the handler has the signature that `SA_SIGINFO` asks for (1), and does nothing that a handler
    // must not (2: see the module).
    let installed = unsafe { libc::sigaction(libc::SIGBUS, &raw const ours, ptr::null_mut()) };
    assert_eq!(installed, 0, "SIGBUS may be handled");
}

fn no_action() -> libc::sigaction {
    // SAFETY: a plain struct of numbers and an optional pointer, for which zero is valid: the default action.
    unsafe { std::mem::zeroed() }
}

extern "C" fn on_bus_error(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel hands over a valid one (`SA_SIGINFO`).
    let cause = unsafe { &*info };
    let code = cause.si_code;
    if code == libc::BUS_ADRERR {
        // SAFETY: this code comes with an address.
        let address = unsafe { cause.si_addr() }.addr();
        // SAFETY: has no preconditions.
        let errno = unsafe { libc::__errno_location() };
        // SAFETY: the thread's own, and always there.
        let before = unsafe { errno.read() };
        let mended = nodes().any(|node| mend(node, address));
        // SAFETY: as above.
        unsafe { errno.write(before) };
        if mended {
            return;
        }
    }
    pass_on(signal, info, context, code > 0 && code != libc::BUS_MCEERR_AO);
}

/// Steps F1 to F3.
fn mend(node: &Node, address: usize) -> bool {
    // F1
    let turn = node.turn.load(Ordering::Acquire);
    let (start, len) = (node.start.load(Ordering::Relaxed), node.len.load(Ordering::Relaxed));
    let (prot, fd) = (node.prot.load(Ordering::Relaxed), node.fd.load(Ordering::Relaxed));
    let (offset, pid) = (node.offset.load(Ordering::Relaxed), node.pid.load(Ordering::Relaxed));
    fence(Ordering::Acquire);
    let same = node.turn.load(Ordering::Relaxed) == turn;
    if turn % 2 == 0 || !same || !(start..start + len).contains(&address) {
        return false;
    }
    // In a forked child something else may lie at these addresses.
    if pid != std::process::id() {
        return false;
    }
    // F2
    let page = rustix::param::page_size();
    let at = (address - start) / page * page;
    // Of a file that cannot be asked no more is given up than was touched.
    let truncated = file_len(fd).is_some_and(|file_len| offset + at as u64 >= file_len);
    let before = node.lost.fetch_min(at as u64, Ordering::SeqCst);
    if at as u64 <= before {
        node.cause.store(u32::from(!truncated), Ordering::SeqCst);
    }
    // F3. What the file does not reach is lost to the end; a hole that could not be filled is one page.
    let count = if truncated { len - at } else { page };
    let flags = libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let place = ptr::without_provenance_mut(start + at);
    // SAFETY: these pages belong to a view that is alive, since somebody just touched it (1), and whose bytes
    // anybody may change at any time (2), be it to zeros.
    let mapped = unsafe { libc::mmap(place, count, prot, flags, -1, 0) };
    // SAFETY: the same pages.
    unsafe { libc::madvise(place, count, libc::MADV_DONTFORK) };
    mapped != libc::MAP_FAILED
}

fn file_len(fd: libc::c_int) -> Option<u64> {
    // SAFETY: a plain struct of numbers.
    let mut status: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `status` is valid for the write; a descriptor that is none is an error.
    let answer = unsafe { libc::fstat(fd, &raw mut status) };
    if answer == 0 { u64::try_from(status.st_size).ok() } else { None }
}

/// Leaves the signal to whoever was there before us. `raised`: by an access, which happens again if it is not
/// dealt with.
fn pass_on(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void, raised: bool) {
    let before = BEFORE.load(Ordering::Acquire);
    // SAFETY: `install` stored it before it installed this handler, and never frees it.
    let Some(before) = (unsafe { before.as_ref() }) else { return };
    match before.sa_sigaction {
        libc::SIG_IGN if !raised => {}
        libc::SIG_DFL | libc::SIG_IGN => {
            let default = no_action();
            // SAFETY: restores the default action.
            unsafe { libc::sigaction(signal, &raw const default, ptr::null_mut()) };
            if !raised {
                // SAFETY: sends this thread the signal, which ends the process when this handler returns.
                unsafe { libc::raise(signal) };
            }
        }
        handler if before.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: a handler that was installed with `SA_SIGINFO` has this signature.
            let handler = unsafe {
                std::mem::transmute::<
                    usize,
                    extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void),
                >(handler)
            };
            handler(signal, info, context);
        }
        handler => {
            // SAFETY: a handler that was installed without `SA_SIGINFO` has this signature.
            let handler = unsafe { std::mem::transmute::<usize, extern "C" fn(libc::c_int)>(handler) };
            handler(signal);
        }
    }
}
