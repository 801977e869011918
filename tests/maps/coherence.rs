//! Views of the same bytes, and private copies.

use std::io::{Read, Write};

use ringway::map::{Access, Allocation, MapOptions, SharedMap};

use crate::testing::TempNamespace;
use crate::{anonymous, bytes, counted, file, options};

/// One map of each kind.
fn each_kind(test: impl Fn(SharedMap)) {
    let space = TempNamespace::new();
    test(anonymous(10_000));
    test(options(&space).capacity(10_000).create_new("n").expect("created"));
    test(SharedMap::from_path(file(&space, "data", &[0; 10_000])).expect("mapped"));
}

#[test]
fn what_one_view_writes_all_others_see_and_so_do_later_ones() {
    each_kind(|map| {
        let (one, other) = (map.accessor().expect("all"), map.view(1000..).accessor().expect("within"));
        one.write_all_at(5000, &counted(256)).expect("within");
        one.flush().expect("it works");
        let mut found = [0; 256];
        other.read_exact_at(4000, &mut found).expect("within");
        assert_eq!(found[..], counted(256));
        drop((one, other));
        let third = map.accessor().expect("all");
        third.read_exact_at(5000, &mut found).expect("within");
        assert_eq!(found[..], counted(256));
        let mut stream = map.view(5000..5256).stream().expect("within");
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("readable");
        assert_eq!(all, counted(256));
    });
}

#[test]
fn a_private_copy_begins_as_the_map_is_and_its_changes_stay_in_it() {
    each_kind(|map| {
        let view = map.accessor().expect("all");
        view.write(3, &42_u8).expect("within");
        let private = map.view(..).copy_on_write().accessor().expect("allowed");
        assert_eq!(private.read::<u8>(3), Ok(42));
        private.write(3, &84_u8).expect("private");
        private.flush().expect("nothing to write back");
        assert_eq!((private.read::<u8>(3), view.read::<u8>(3)), (Ok(84), Ok(42)));
        // What was written to is private; what was not still shows what others do.
        view.write(3, &43_u8).expect("within");
        view.write(9000, &44_u8).expect("within");
        assert_eq!((private.read::<u8>(3), private.read::<u8>(9000)), (Ok(84), Ok(44)));
        drop(private);
        assert_eq!(bytes(&map)[3], 43);
        let again = map.view(..).copy_on_write().accessor().expect("allowed");
        assert_eq!(again.read::<u8>(3), Ok(43));
        let mut stream = map.view(..).copy_on_write().stream().expect("allowed");
        stream.write_all(b"private").expect("room");
        assert_eq!(bytes(&map)[..3], [0; 3]);
    });
}

#[test]
fn nothing_of_a_private_map_reaches_the_file() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(4096));
    let map = MapOptions::new().access(Access::CopyOnWrite).open_path(&path).expect("mapped");
    for access in [Access::Read, Access::CopyOnWrite] {
        let view = crate::view(&map, access).expect("allowed");
        if view.can_write() {
            view.write_all_at(0, &[0xee; 4096]).expect("private");
            assert_eq!(view.read::<u8>(7), Ok(0xee));
        }
        assert_eq!(std::fs::read(&path).expect("there"), counted(4096));
    }
    assert_eq!(bytes(&map), counted(4096), "one private view does not see the other");
}

#[test]
fn a_part_that_lies_far_behind_the_start_can_be_flushed() {
    let map = MapOptions::new().capacity(64 << 20).allocation(Allocation::Delay).anonymous().expect("made");
    let view = map.accessor().expect("all");
    view.flush_range(40 << 20, 1).expect("within");
    view.advise_range(40 << 20, 1, ringway::map::Advice::Random).expect("within");
}

#[test]
fn a_flush_succeeds_for_every_kind_of_view_of_every_kind_of_map() {
    each_kind(|map| {
        for access in [Access::Read, Access::Write, Access::ReadWrite, Access::CopyOnWrite] {
            for range in [0..10_000, 4097..4098, 10_000..10_000] {
                let len = range.end - range.start;
                let view = map.view(range).access(access).accessor().expect("allowed");
                view.flush().expect("it works");
                view.flush_async().expect("it works");
                view.flush_range(len / 2, len - len / 2).expect("it works");
                assert!(view.flush_range(len, 1).is_err() && view.flush_range(u64::MAX, 1).is_err());
            }
        }
    });
}
