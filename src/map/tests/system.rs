//! What the system calls of named maps do to the machine, and what is told of a file.
#![allow(unsafe_code)] // asks for the time

use std::fs::File;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::options;
use crate::map::directory::{Directory, Upkeep};
use crate::map::fork::{ForkGuard, in_a_child};
use crate::map::{Access, ErrorKind, RequiredCapacity, sweep, sys};
use crate::testing::TempNamespace;

/// How long this thread has run.
fn busy() -> Duration {
    // SAFETY: a plain struct of numbers.
    let mut now: libc::timespec = unsafe { std::mem::zeroed() };
    // SAFETY: valid for the write.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) }, 0);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).expect("less than a second"))
}

#[test]
fn whoever_waits_for_the_mutex_sleeps() {
    let space = TempNamespace::new();
    let map = options(&space).create_new("m").expect("created");
    let [holder, waiter] = [(); 2].map(|()| File::open(space.path().join("m")).expect("readable"));
    flock(&holder, FlockOperation::LockExclusive).expect("free");
    let (before, began) = (busy(), Instant::now());
    let wait = Duration::from_millis(500);
    let locked = sys::Lifecycle::lock(waiter.as_fd(), began + wait).expect("it can be asked for");
    assert!(locked.is_none() && began.elapsed() >= wait);
    let busy = busy() - before;
    assert!(busy < wait / 10, "{busy:?} of {wait:?}");
    drop(locked);
    drop((holder, waiter, map));
}

#[test]
fn what_a_signal_interrupts_is_tried_by_half_as_much() {
    const PAGE: u64 = 4096;
    let mut steps = Vec::new();
    let interrupted_if_long = |_, step| {
        steps.push(step);
        if step > 10 * PAGE { Err(Errno::INTR) } else { Ok(()) }
    };
    sys::by_steps(64 * PAGE, Duration::from_secs(60), interrupted_if_long).expect("it gets done");
    assert_eq!(steps[..5], [64, 32, 16, 8, 16].map(|pages| pages * PAGE));
}

#[test]
fn an_error_of_a_holder_has_the_path_of_its_map() {
    let space = TempNamespace::new();
    let path = space.path().join("m");
    let map = options(&space).create_new("m").expect("created");
    let taken = options(&space).create_new("m").expect_err("taken");
    assert_eq!(taken.path(), path);
    let required = options(&space).require_capacity(RequiredCapacity::Exact(7));
    assert_eq!(required.open("m").expect_err("it has another").path(), path);
    drop(map);
}

#[test]
fn whoever_removes_a_name_waits_for_the_mutex_and_says_for_how_long() {
    let space = TempNamespace::new();
    let patience = Duration::from_millis(300);
    let map = options(&space).patience(patience).create_new("m").expect("created");
    let file = File::open(space.path().join("m")).expect("readable");
    flock(&file, FlockOperation::LockExclusive).expect("free");
    let began = Instant::now();
    let error = map.unlink().expect_err("somebody has the mutex");
    assert_eq!(error.kind(), &ErrorKind::TimedOut { waited: patience }, "{error}");
    assert!(began.elapsed() >= patience);
    flock(&file, FlockOperation::Unlock).expect("ours");
    map.unlink().expect("it is free");
    drop(map);
    space.assert_empty();
}

#[test]
fn what_has_gone_when_it_is_looked_at_is_no_entry() {
    let space = TempNamespace::new();
    let directory = Directory::find(space.path(), Upkeep::Given).expect("ours").expect("there");
    assert!(sweep::inspect(&directory, "gone").expect("it can be asked for").is_none());
}

#[test]
fn the_start_of_a_map_is_mapped_to_be_written_and_no_more_of_it() {
    let space = TempNamespace::new();
    let map = options(&space).capacity(1 << 20).access(Access::Read).create_new("m").expect("created");
    let (region, offset) = map.map_start_to_write(64).expect("ours");
    let start = region.as_ptr().addr();
    let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc is there");
    let found = maps.lines().find_map(|line| {
        let (from, rest) = line.split_once('-')?;
        let to = rest.split(' ').next()?;
        (usize::from_str_radix(from, 16) == Ok(start)).then(|| usize::from_str_radix(to, 16).expect("hex"))
    });
    assert_eq!(found.expect("it is mapped") - start, 4096 + 4096, "the page of the header and one of data");
    assert_eq!(offset, 4096);
    drop((region, map));
}

#[test]
fn a_map_knows_whether_it_is_mapped_to_be_written() {
    let space = TempNamespace::new();
    let writer = options(&space).create_new("m").expect("created");
    let reader = options(&space).access(Access::Read).open("m").expect("there");
    assert!(writer.is_writable() && !reader.is_writable());
    drop((writer, reader));
}

#[test]
fn what_a_child_inherits_is_not_its_own_also_where_nobody_asks_the_kernel() {
    let guard = ForkGuard::new();
    assert!(guard.may_be_ours() && guard.is_ours());
    let status = in_a_child(|| {
        if guard.may_be_ours() || guard.is_ours() {
            std::process::abort();
        }
    });
    assert_eq!(status, 0);
}

#[test]
fn only_huge_pages_are_larger_than_a_page() {
    let page = rustix::param::page_size() as u64;
    let mut system = rustix::fs::statfs("/").expect("there");
    system.f_bsize = 1 << 21;
    assert_eq!(sys::granularity_in(&system), page, "so large are its blocks");
    system.f_type = libc::HUGETLBFS_MAGIC;
    assert_eq!(sys::granularity_in(&system), 1 << 21);
    system.f_bsize = 512;
    assert_eq!(sys::granularity_in(&system), page);
}
