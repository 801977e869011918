//! The inside of the handler that views outlive a loss by.
#![allow(unsafe_code)] // maps, and asks for the time as the handler does

use std::collections::HashSet;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use super::*;

/// A mapping that no address is in.
fn nothing() -> Mapping {
    Mapping {
        start: 0,
        len: 0,
        page: 1,
        prot: 0,
        fd: -1,
        offset: 0,
        private: false,
        inherited: false,
        owner: ForkGuard::new(),
    }
}

#[test]
fn a_place_is_used_again_after_its_view_and_by_one_at_a_time() {
    // More than other tests have given back by now, so that some of these places are new.
    let mut watches: Vec<_> = (0..2000).map(|_| Watch::new(&nothing())).collect();
    let places =
        |watches: &[Watch]| -> HashSet<_> { watches.iter().map(|watch| ptr::from_ref(watch.0)).collect() };
    assert_eq!(places(&watches).len(), 2000);
    for at in [0, 1000, 1999] {
        drop(watches.swap_remove(at));
        watches.push(Watch::new(&nothing()));
        assert_eq!(places(&watches).len(), 2000);
    }
    drop(watches);
    let before = nodes().count();
    (0..2000).for_each(|_| drop(Watch::new(&nothing())));
    let more = nodes().count() - before;
    assert!(more < 1000, "{more} new places, though there are as many as anybody needs");
}

#[test]
fn the_clock_is_the_kernels() {
    // SAFETY: a plain struct of numbers.
    let mut now: libc::timespec = unsafe { std::mem::zeroed() };
    // SAFETY: valid for the write.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) }, 0);
    let before = now.tv_sec.unsigned_abs();
    assert!((before..before + 60).contains(&seconds()));
}

#[test]
fn only_the_file_of_the_view_has_a_length_that_it_can_be_too_short_by() {
    let of = |file: &File| status_of(file.as_raw_fd()).map(|status| (status.st_dev, status.st_ino));
    let len = |file: &File, of| file_len(file.as_raw_fd(), of);
    let device = File::open("/dev/zero").expect("it is there");
    assert_eq!(len(&device, of(&device).expect("open")), None);
    assert_eq!(file_len(-1, (0, 0)), None);
    let own = File::open(std::env::current_exe().expect("known")).expect("it is there");
    let (known, found) = (own.metadata().expect("it has some").len(), of(&own).expect("open"));
    assert_eq!(len(&own, found), Some(known));
    assert_eq!(len(&own, (found.0, found.1 + 1)), None, "another file by this number");
}

#[test]
fn accesses_are_made_again_as_often_as_one_likes_but_not_to_one_page_at_once() {
    let node = Node::default();
    let meet = |page, second| {
        let may = node.may_try_again(page, second);
        node.again.fetch_add(1, Ordering::Relaxed);
        may
    };
    assert!((0..AGAIN).all(|_| meet(4096, 7)));
    assert!(!meet(4096, 7), "that is somebody's intent");
    assert!(meet(8192, 7), "another page");
    assert!((1..AGAIN).all(|_| meet(8192, 7)) && !meet(8192, 7));
    assert!(meet(8192, 8), "the view lives long");
}

/// Whether a page is there, and whether it is a file's.
fn look_at(address: usize) -> (bool, bool) {
    let mut page = [0; 8];
    let pages = File::open("/proc/self/pagemap").expect("/proc is there");
    pages.read_exact_at(&mut page, address as u64 / 4096 * 8).expect("every page has an entry");
    let page = u64::from_ne_bytes(page);
    (page & 1 << 63 != 0, page & 1 << 61 != 0)
}

#[test]
fn a_page_that_is_there_after_all_is_brought_in_for_what_the_view_may_do() {
    const PAGE: usize = 4096;
    const WRITES: i32 = libc::PROT_READ | libc::PROT_WRITE;
    for (prot, private) in [(WRITES, false), (libc::PROT_READ, false), (WRITES, true)] {
        let file = rustix::fs::memfd_create("m", rustix::fs::MemfdFlags::CLOEXEC).expect("made");
        rustix::fs::ftruncate(&file, 2 * PAGE as u64).expect("ours");
        let (fd, flags) = (file.as_raw_fd(), if private { libc::MAP_PRIVATE } else { libc::MAP_SHARED });
        // SAFETY: a new mapping touches nothing that is there.
        let start = unsafe { libc::mmap(ptr::null_mut(), 2 * PAGE, prot, flags, fd, 0) };
        assert_ne!(start, libc::MAP_FAILED);
        let mapping =
            Mapping { start: start.addr(), len: 2 * PAGE, page: PAGE, prot, fd, private, ..nothing() };
        let watch = Watch::new(&mapping);
        assert!(mend(watch.0, start.addr() + PAGE + 7));
        assert_eq!(watch.lost(), None, "{prot}, {private}");
        assert_eq!(look_at(start.addr() + PAGE), (true, true), "no private copy, which nobody asked for");
        assert!(!look_at(start.addr()).0, "another page");
        drop(watch);
        // SAFETY: nobody has it any more.
        assert_eq!(unsafe { libc::munmap(start, 2 * PAGE) }, 0);
    }
}
