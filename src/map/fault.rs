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
//! F2 does the file reach the page?            no: it was truncated
//!                                             yes: ask for the page; if it can be had, the access is made again
//! F3 note the byte and the cause              F4 map zeros over the page, or, where the file ends before it,
//!                                                over all from it to the view's end
//! ```
//!
//! *A note is there before its zeros* (F3 before F4), so whoever has read zeros finds the note after it.
//! *A file that is long again when it is asked is not full*: without the question in F2, one that somebody makes
//! shorter and longer again in a moment would be taken for one without room.
//!
//! *The file is asked by its map's descriptor, if that still is one of this file*: a forked child that inherits a view may
//! have closed it, and have another file by that number. What is lost there is `NoRoom`, whatever took it.
//!
//! The handler calls nothing but fstat, mmap, madvise and clock_gettime, takes no lock and allocates nothing. The list of
//! watched views only grows; its nodes are used again. What is no such fault goes to the handler that was there
//! before (`signal`): a hardware error, a signal that was sent, an address of somebody else. A forked child
//! inherits the list, and of the views only those that are to be inherited: only these are mended there.
#![allow(unsafe_code)] // a signal handler: reads its arguments, asks for pages and maps them

use std::os::fd::RawFd;
use std::ptr;
use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};

use super::fork::ForkGuard;
use super::signal::{self, Told};

/// Nothing was lost.
const WHOLE: u64 = u64::MAX;
/// Added to the first lost byte, which begins a page, if the cause is [`Cause::NoRoom`].
const NO_ROOM: u64 = 1;
/// How often a page is asked for in F2.
const ATTEMPTS: u32 = 20;
/// How many accesses to one page are made again within a second. More than that is somebody's intent.
const AGAIN: u32 = 1000;

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
#[derive(Debug, Default)]
struct Node {
    /// Odd: what follows is of a mapping that is watched. Changes whenever that does.
    turn: AtomicU64,
    start: AtomicUsize,
    len: AtomicUsize,
    /// The size of its pages.
    page: AtomicUsize,
    prot: AtomicI32,
    fd: AtomicI32,
    /// Device and inode of the file.
    device: AtomicU64,
    inode: AtomicU64,
    /// Where the mapping starts in the file.
    offset: AtomicU64,
    /// Stores are private.
    private: AtomicBool,
    /// Forked children have the mapping too.
    inherited: AtomicBool,
    /// The two parts of the [`ForkGuard`] of the process that has the mapping.
    token: AtomicU64,
    pid: AtomicU32,
    /// The first lost byte, from the mapping's start, with the cause in its lowest bit.
    lost: AtomicU64,
    /// How many accesses were made again, of which page, and since which second: hints, which threads may mix up.
    again: AtomicU32,
    again_at: AtomicUsize,
    again_since: AtomicU64,
    /// Whether somebody uses this place.
    taken: AtomicBool,
    next: AtomicPtr<Node>,
}

/// All nodes, the latest first. Never freed.
static NODES: AtomicPtr<Node> = AtomicPtr::new(ptr::null_mut());

/// How many nodes nobody uses. For moments it is less by those that are just given back, and wraps: a hint.
static FREE: AtomicUsize = AtomicUsize::new(0);

/// A mapping that is to be watched.
#[derive(Clone, Copy)]
pub(super) struct Mapping {
    pub(super) start: usize,
    pub(super) len: usize,
    /// The size of its pages.
    pub(super) page: usize,
    pub(super) prot: i32,
    /// The descriptor of its file. Where that is closed or another file's, the file is not asked.
    pub(super) fd: RawFd,
    pub(super) offset: u64,
    /// Stores are private.
    pub(super) private: bool,
    /// Forked children have it too.
    pub(super) inherited: bool,
    pub(super) owner: ForkGuard,
}

impl Watch {
    /// Watches a mapping.
    pub(super) fn new(mapping: &Mapping) -> Watch {
        signal::install(on_bus_error);
        let node = take().unwrap_or_else(add);
        // Whoever sees one of these stores, and then looks at the turn behind a fence, sees that it was even: the
        // turn became so before `take` had the node.
        fence(Ordering::Release);
        node.start.store(mapping.start, Ordering::Relaxed);
        node.len.store(mapping.len, Ordering::Relaxed);
        node.page.store(mapping.page, Ordering::Relaxed);
        node.prot.store(mapping.prot, Ordering::Relaxed);
        let file = status_of(mapping.fd).map_or((0, 0), |status| (status.st_dev, status.st_ino));
        node.fd.store(mapping.fd, Ordering::Relaxed);
        node.device.store(file.0, Ordering::Relaxed);
        node.inode.store(file.1, Ordering::Relaxed);
        node.offset.store(mapping.offset, Ordering::Relaxed);
        node.private.store(mapping.private, Ordering::Relaxed);
        node.inherited.store(mapping.inherited, Ordering::Relaxed);
        let (token, pid) = mapping.owner.parts();
        node.token.store(token, Ordering::Relaxed);
        node.pid.store(pid, Ordering::Relaxed);
        node.lost.store(WHOLE, Ordering::Relaxed);
        node.again.store(0, Ordering::Relaxed);
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

    /// The same, to be asked before writing, so that nothing is written which is then called lost.
    #[inline]
    pub(super) fn lost(&self) -> Option<(u64, Cause)> {
        match self.0.lost.load(Ordering::Relaxed) {
            WHOLE => None,
            lost if lost & NO_ROOM == 0 => Some((lost, Cause::Truncated)),
            lost => Some((lost & !NO_ROOM, Cause::NoRoom)),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.turn.fetch_add(1, Ordering::Release);
        // Released: whoever takes the node sees the even turn.
        self.0.taken.store(false, Ordering::Release);
        FREE.fetch_add(1, Ordering::Relaxed);
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
        !node.taken.load(Ordering::Relaxed)
            && node.taken.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    };
    // Else each of many views would look at all that were taken before.
    if FREE.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let found = nodes().find(free)?;
    FREE.fetch_sub(1, Ordering::Relaxed);
    Some(found)
}

#[cold]
fn add() -> &'static Node {
    let node: &'static Node = Box::leak(Box::new(Node { taken: AtomicBool::new(true), ..Node::default() }));
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
    let raised = code > 0 && code != libc::BUS_MCEERR_AO;
    signal::pass_on(on_bus_error, Told { signal, info, context, raised });
}

/// The mapping of a node, if the address is in it and it is mapped in this process.
fn watched(node: &Node, address: usize) -> Option<Mapping> {
    let turn = node.turn.load(Ordering::Acquire);
    let mapping = Mapping {
        start: node.start.load(Ordering::Relaxed),
        len: node.len.load(Ordering::Relaxed),
        page: node.page.load(Ordering::Relaxed),
        prot: node.prot.load(Ordering::Relaxed),
        fd: node.fd.load(Ordering::Relaxed),
        offset: node.offset.load(Ordering::Relaxed),
        private: node.private.load(Ordering::Relaxed),
        inherited: node.inherited.load(Ordering::Relaxed),
        owner: ForkGuard::of(node.token.load(Ordering::Relaxed), node.pid.load(Ordering::Relaxed)),
    };
    fence(Ordering::Acquire);
    let same = node.turn.load(Ordering::Relaxed) == turn;
    let found = turn % 2 == 1 && same && (mapping.start..mapping.start + mapping.len).contains(&address);
    // In a forked child something else may lie at these addresses.
    (found && (mapping.inherited || mapping.owner.is_ours())).then_some(mapping)
}

impl Node {
    /// Whether an access to this page may be made again. A page that is there at once after it was asked for is not met
    /// here another time, unless it was lost again.
    fn may_try_again(&self, page: usize, now: u64) -> bool {
        if self.again_at.swap(page, Ordering::Relaxed) != page
            || self.again_since.load(Ordering::Relaxed) != now
        {
            self.again_since.store(now, Ordering::Relaxed);
            self.again.store(0, Ordering::Relaxed);
        }
        self.again.load(Ordering::Relaxed) < AGAIN
    }
}

/// The second of a clock that only ever goes forward.
fn seconds() -> u64 {
    // SAFETY: a plain struct of numbers.
    let mut now: libc::timespec = unsafe { std::mem::zeroed() };
    // SAFETY: `now` is valid for the write. A signal handler may ask.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec.unsigned_abs()
}

/// Steps F1 to F4.
fn mend(node: &Node, address: usize) -> bool {
    // F1
    let Some(mapping) = watched(node, address) else { return false };
    let at = (address - mapping.start) / mapping.page * mapping.page;
    let place = ptr::without_provenance_mut(mapping.start + at);
    // Of a file that cannot be asked no more is given up than was touched.
    let file = (node.device.load(Ordering::Relaxed), node.inode.load(Ordering::Relaxed));
    let truncated = || file_len(mapping.fd, file).is_some_and(|len| mapping.offset + at as u64 >= len);
    // F2
    let mut gone = truncated();
    let may_try_again = node.may_try_again(at, seconds());
    for _ in 0..ATTEMPTS {
        if gone || !may_try_again {
            break;
        }
        let writes = mapping.prot & libc::PROT_WRITE != 0 && !mapping.private;
        let advice = if writes { libc::MADV_POPULATE_WRITE } else { libc::MADV_POPULATE_READ };
        // SAFETY: a page of a view that is alive, since somebody just touched it; no byte changes.
        if unsafe { libc::madvise(place, mapping.page, advice) } == 0 {
            node.again.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        // Once is not enough: it may have been shorter again just then.
        gone = truncated();
    }
    // F3
    let note = if gone { at as u64 } else { at as u64 | NO_ROOM };
    node.lost.fetch_min(note, Ordering::SeqCst);
    // F4. What the file does not reach is lost to the end; a hole that could not be filled is one page.
    let count = if gone { mapping.len - at } else { mapping.page };
    let flags = libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: these pages belong to a view that is alive, since the kernel says that somebody just touched it (1), and
    // whose bytes anybody may change at any time (2), be it to zeros.
    let mapped = unsafe { libc::mmap(place, count, mapping.prot, flags, -1, 0) };
    if mapped == libc::MAP_FAILED {
        return false;
    }
    // A child has what its parent's views have: all of them, or nothing.
    if !mapping.inherited {
        // SAFETY: the same pages.
        unsafe { libc::madvise(place, count, libc::MADV_DONTFORK) };
    }
    true
}

/// The length of that file; `None` of what is no file, such as a device, and where the descriptor is another one's.
fn file_len(fd: RawFd, file: (u64, u64)) -> Option<u64> {
    let status = status_of(fd)?;
    let regular = status.st_mode & libc::S_IFMT == libc::S_IFREG;
    let same = (status.st_dev, status.st_ino) == file;
    if regular && same { u64::try_from(status.st_size).ok() } else { None }
}

/// What the descriptor refers to; `None` where it is closed.
fn status_of(fd: RawFd) -> Option<libc::stat> {
    // SAFETY: a plain struct of numbers.
    let mut status: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `status` is valid for the write; a descriptor that is none is an error.
    let answer = unsafe { libc::fstat(fd, &raw mut status) };
    (answer == 0).then_some(status)
}

#[cfg(test)]
#[path = "tests/fault.rs"]
mod tests;
