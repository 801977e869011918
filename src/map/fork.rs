//! Telling a process from the children that it forks.
//!
//! A forked child inherits every value, but neither the mappings (they are not inherited) nor the duties that
//! go with them. A process id does not tell the two apart: in a pid namespace of its own a child may have its
//! parent's. A page that the kernel empties in every child does. It holds a *token*, never zero; a child reads
//! zero there, and takes a token of its own when it first needs one. Tokens are counted in ordinary memory,
//! which a child does inherit: its own is none of those that it inherited guards of.
#![allow(unsafe_code)] // asks the kernel to empty a page in forked children, and reads that page

use std::mem;
use std::process;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use memmap2::MmapOptions;

/// The bytes of the page; the kernel rounds up where its pages are larger.
const PAGE_LEN: usize = 4096;
/// No token: what a forked child reads.
const NONE: u64 = 0;

/// The page, once somebody needed it. Never unmapped.
static PAGE: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());
/// What stands for the page where there is none.
static NO_PAGE: AtomicU64 = AtomicU64::new(NONE);
/// The last token that was drawn here or in a process that forked us.
static LAST: AtomicU64 = AtomicU64::new(NONE);

/// The process that made it: a forked child that inherits the value finds that it is another.
///
/// A check costs a read of memory and one trivial system call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ForkGuard {
    /// The first word of the page, or what stands for it: at hand, since it is read for every message.
    page: &'static AtomicU64,
    /// `NONE` where the kernel cannot empty pages in children (before Linux 4.14): then the pid decides alone.
    token: u64,
    /// Tells a child that shares its parent's memory, as one of vfork does.
    pid: u32,
}

impl ForkGuard {
    /// A guard of this process.
    pub(crate) fn new() -> ForkGuard {
        Self::of(own_token(), process::id())
    }

    /// Token and process id, to be kept as numbers.
    pub(super) fn parts(self) -> (u64, u32) {
        (self.token, self.pid)
    }

    /// The guard of these [`parts`](Self::parts).
    pub(super) fn of(token: u64, pid: u32) -> ForkGuard {
        let page = if token == NONE { &NO_PAGE } else { page().unwrap_or(&NO_PAGE) };
        ForkGuard { page, token, pid }
    }

    /// Whether this process made the guard, and did not inherit it. A signal handler may ask.
    pub(crate) fn is_ours(self) -> bool {
        process::id() == self.pid && self.may_be_ours()
    }

    /// The same without a system call, for a path that is hot: true as well in a child that shares its parent's memory,
    /// as one of vfork does, and in any where the kernel cannot empty pages.
    #[inline]
    pub(crate) fn may_be_ours(self) -> bool {
        // One word, and nothing else is read on the strength of it: relaxed, as in `own_token`.
        self.page.load(Ordering::Relaxed) == self.token
    }
}

/// The token of this process; it draws one if it has none yet.
fn own_token() -> u64 {
    let Some(page) = page().or_else(make_page) else { return NONE };
    // One word, and whoever reads it needs nothing else of whoever wrote it: relaxed.
    match page.load(Ordering::Relaxed) {
        NONE => {
            let fresh = LAST.fetch_add(1, Ordering::Relaxed) + 1;
            let swapped = page.compare_exchange(NONE, fresh, Ordering::Relaxed, Ordering::Relaxed);
            swapped.map_or_else(|theirs| theirs, |_| fresh)
        }
        token => token,
    }
}

fn page() -> Option<&'static AtomicU64> {
    // Pairs with the release in `make_page`, so that the page is mapped for whoever sees its address.
    let page = PAGE.load(Ordering::Acquire);
    // SAFETY: null, or the start of a readable and writable page (1: `make_page` stores nothing else), which
    // is never unmapped (2), was zeroed by the kernel (3), and is only accessed as this atomic (4).
    unsafe { page.as_ref() }
}

/// Makes the page, unless another thread was faster; `None` where the kernel cannot do it.
///
/// Without a lock, which a child might inherit locked.
#[cold]
fn make_page() -> Option<&'static AtomicU64> {
    let mut map = MmapOptions::new().len(PAGE_LEN).map_anon().ok()?;
    let start = map.as_mut_ptr();
    // SAFETY: the range is the whole of a private anonymous mapping that nobody else knows yet.
    let answer = unsafe { libc::madvise(start.cast(), PAGE_LEN, libc::MADV_WIPEONFORK) };
    if answer != 0 {
        return None;
    }
    let stored = PAGE.compare_exchange(ptr::null_mut(), start.cast(), Ordering::AcqRel, Ordering::Acquire);
    if stored.is_ok() {
        mem::forget(map);
    }
    page()
}

/// Whether the kernel empties the page in a child, so that this can tell one that has its parent's pid, or in a hot path
/// any. Every kernel that the library runs on does; qemu's user mode does not, and some of its versions say that they do.
#[cfg(test)]
pub(crate) fn tells_children_apart() -> bool {
    let is_empty_there = || {
        in_a_child(|| {
            if page().is_some_and(|page| page.load(Ordering::Relaxed) != NONE) {
                // SAFETY: ends the process without running anything of the parent's.
                unsafe { libc::_exit(1) };
            }
        }) == 0
    };
    let tells = own_token() != NONE && is_empty_there();
    if !tells {
        crate::testing::not_to_be_had("a page that is empty in a child", "no MADV_WIPEONFORK");
    }
    tells
}

/// Runs `child` in a forked process, and returns its wait status.
#[cfg(test)]
pub(crate) fn in_a_child(child: impl FnOnce()) -> i32 {
    in_a_clone(0, child).expect("a process may fork")
}

/// Runs `child` in a forked process with the pid 1, in a new pid namespace, and returns its wait status;
/// `None` where that is not allowed.
#[cfg(test)]
pub(crate) fn in_a_child_with_pid_one(child: impl FnOnce()) -> Option<i32> {
    in_a_clone(libc::CLONE_NEWPID, child)
}

/// Runs `child` in a process that is forked with those flags; `None` where that is not allowed.
#[cfg(test)]
fn in_a_clone(flags: libc::c_int, child: impl FnOnce()) -> Option<i32> {
    let flags = libc::c_long::from(flags | libc::SIGCHLD);
    // SAFETY: without a stack and without shared memory this is a fork; the only thread of the child runs
    // `child` and leaves.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    if pid == 0 {
        child();
        // SAFETY: ends the process without running anything of the parent's.
        unsafe { libc::_exit(0) };
    }
    let pid = libc::pid_t::try_from(pid).ok().filter(|pid| *pid > 0)?;
    let mut status = 0;
    // SAFETY: `status` is valid for the write.
    let reaped = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!(reaped, pid, "a child can be waited for");
    Some(status)
}
