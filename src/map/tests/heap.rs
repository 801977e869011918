#![allow(unsafe_code)] // looks at the bytes

use crate::map::{ErrorKind, HeapRegion};

#[test]
fn a_heap_region_is_zeroed_aligned_and_shared_by_its_clones() {
    let region = HeapRegion::new(10_000).expect("there is memory");
    assert_eq!(region.capacity(), 10_000);
    assert_eq!(region.as_ptr().addr() % 4096, 0);
    for at in [0, 9_999] {
        // SAFETY: within the capacity, zeroed by the allocator, and nobody else has the region.
        assert_eq!(unsafe { region.as_ptr().wrapping_add(at).read() }, 0);
    }
    let twin = region.clone();
    assert_eq!(twin.as_ptr(), region.as_ptr());
    drop(region);
    // SAFETY: within the capacity; `twin` keeps it allocated.
    unsafe { twin.as_ptr().write(7) };
}

#[test]
fn an_impossible_heap_region_is_an_error_and_no_abort() {
    let empty = HeapRegion::new(0).expect_err("no bytes");
    assert!(matches!(empty.kind(), ErrorKind::InvalidArgument { argument: "capacity", .. }));
    for capacity in [u64::MAX, i64::MAX as u64, i64::MAX as u64 - 8191] {
        let error = HeapRegion::new(capacity).expect_err("too large");
        assert_eq!(error.kind(), &ErrorKind::TooLarge { needed: capacity });
    }
}

#[test]
fn a_block_is_given_back() {
    let resident = || {
        let pages = std::fs::read_to_string("/proc/self/statm").expect("/proc is there");
        pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("a number") * 4096
    };
    let before = resident();
    // Other tests take less meanwhile.
    (0..64).for_each(|_| drop(HeapRegion::new(8 << 20).expect("there is memory")));
    assert!(resident() < before + (256 << 20));
}
