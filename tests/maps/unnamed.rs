//! Maps without a name, in memory.

use std::os::fd::AsRawFd;

use ringway::map::{Access, Allocation, MapOptions};

use crate::{CAPACITIES, MAP_ACCESSES, anonymous, assert_argument, assert_denied, bytes, can_execute, view};

#[test]
fn a_map_of_one_byte_has_one_byte_and_the_same_handle_each_time() {
    let map = anonymous(1);
    let view = map.accessor().expect("all of it");
    assert_eq!((view.len(), view.read::<u8>(0)), (1, Ok(0)));
    let handle = map.as_raw_fd();
    assert!(handle >= 0);
    assert_eq!(map.as_raw_fd(), handle);
    rustix::fs::fstat(&map).expect("it is valid");
}

#[test]
fn every_combination_of_settings_makes_a_map_of_zeros_that_takes_what_is_written() {
    for capacity in CAPACITIES {
        for access in MAP_ACCESSES {
            for allocation in [Allocation::Commit, Allocation::Delay] {
                for inheritable in [false, true] {
                    let options = MapOptions::new().capacity(capacity).access(access).allocation(allocation);
                    let options = if inheritable { options.inheritable() } else { options };
                    let map = options.anonymous().expect("there is memory");
                    assert_eq!(map.capacity(), capacity);
                    for kind in Access::ALL.into_iter().filter(|kind| allowed(access, *kind)) {
                        if kind.can_execute() && !can_execute(&map) {
                            continue;
                        }
                        let view = view(&map, kind).expect("allowed");
                        let last = capacity - 1;
                        if kind.can_write() {
                            view.write(0, &42_u8).expect("writable");
                            view.write(last, &42_u8).expect("writable");
                        }
                        if kind.can_read() {
                            let expected = if kind.can_write() { 42 } else { 0 };
                            let found = (view.read::<u8>(0), view.read::<u8>(last));
                            assert_eq!(found, (Ok(expected), Ok(expected)), "{access:?} {kind:?}");
                        }
                        if kind.can_write() {
                            view.write(0, &0_u8).expect("writable");
                            view.write(last, &0_u8).expect("writable");
                        }
                    }
                }
            }
        }
    }
}

/// The matrix of the specification, written out.
pub(crate) fn allowed(map: Access, view: Access) -> bool {
    use Access::*;
    match map {
        Read | CopyOnWrite => [Read, CopyOnWrite].contains(&view),
        Write => view == Write,
        ReadWrite => [Read, Write, ReadWrite, CopyOnWrite].contains(&view),
        ReadExecute => [Read, CopyOnWrite, ReadExecute].contains(&view),
        ReadWriteExecute => true,
    }
}

#[test]
fn a_map_of_nothing_and_one_for_writing_alone_are_refused() {
    assert_argument(MapOptions::new().anonymous(), "capacity");
    assert_argument(MapOptions::new().capacity(0).anonymous(), "capacity");
    assert_argument(MapOptions::new().capacity(u64::MAX).anonymous(), "capacity");
    assert_argument(MapOptions::new().capacity(1).access(Access::Write).anonymous(), "access");
    assert_argument(MapOptions::new().capacity(1).mode(0o1000).anonymous(), "mode");
}

#[test]
fn maps_without_a_name_have_nothing_to_do_with_each_other() {
    let [one, other] = [anonymous(4096), anonymous(4096)];
    one.accessor().expect("all").write(0, &42_u8).expect("within");
    assert!(bytes(&other).iter().all(|byte| *byte == 0));
    drop(one);
    assert!(bytes(&anonymous(4096)).iter().all(|byte| *byte == 0), "nothing is carried over");

    let maps: Vec<_> = (0..100).map(|_| anonymous(4096)).collect();
    for (number, map) in maps.iter().enumerate() {
        map.accessor().expect("all").write(number as u64, &(number as u8 + 1)).expect("within");
    }
    for (number, map) in maps.iter().enumerate() {
        let mut expected = vec![0; 4096];
        expected[number] = number as u8 + 1;
        assert_eq!(bytes(map), expected);
    }
}

#[test]
fn a_map_to_be_read_is_zero_and_has_no_view_that_writes() {
    let map = MapOptions::new().capacity(4096).access(Access::Read).anonymous().expect("made");
    assert!(bytes(&map).iter().all(|byte| *byte == 0));
    let text = assert_denied(map.accessor());
    assert!(text.contains("anonymous map") && text.contains("a read-write view"), "{text}");
}

#[test]
fn an_absurd_capacity_is_an_error_at_creation_or_at_the_first_view() {
    for allocation in [Allocation::Commit, Allocation::Delay] {
        let options = MapOptions::new().capacity(i64::MAX as u64).allocation(allocation);
        match options.anonymous() {
            Err(error) => assert!(error.to_string().contains("lower `capacity`"), "{error}"),
            Ok(map) => assert!(map.accessor().is_err()),
        }
    }
}

#[test]
fn a_view_to_read_write_and_execute_says_that_it_may() {
    let map = MapOptions::new().capacity(100).access(Access::ReadWriteExecute).anonymous().expect("made");
    match map.view(..).read_write_execute().accessor() {
        Ok(view) => {
            assert_eq!(view.access(), Access::ReadWriteExecute);
            view.write(0, &7_u8).expect("it may write");
            assert_eq!(view.read::<u8>(0), Ok(7));
        }
        Err(error) => {
            crate::testing::not_to_be_had("memory that is executed and written", &error.to_string())
        }
    }
}
