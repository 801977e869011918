//! Which part of a map a view is.

use std::ops::Bound;

use ringway::map::{AccessError, MapOptions};

use crate::testing::TempNamespace;
use crate::{anonymous, assert_argument, counted, file};

fn page() -> u64 {
    rustix::param::page_size() as u64
}

#[test]
fn a_view_is_exactly_as_long_as_asked_and_begins_where_asked() {
    let space = TempNamespace::new();
    for len in [1, 4095, 4096, 4099, 12_290, 70_000] {
        let path = file(&space, "data", &counted(len as usize));
        for map in [anonymous(len), ringway::map::SharedMap::from_path(&path).expect("mapped")] {
            for view in [map.accessor_range(0, len), map.accessor()] {
                let view = view.expect("within");
                assert_eq!((view.len(), view.pointer_offset(), view.offset()), (len, 0, 0));
            }
            let last = map.accessor_range(len - 1, 1).expect("within");
            assert_eq!((last.len(), last.pointer_offset() as u64), (1, (len - 1) % page()));
            if len > 1 {
                let rest = map.view(1..).accessor().expect("within");
                assert_eq!((rest.len(), rest.pointer_offset()), (len - 1, 1));
            }
        }
    }
}

#[test]
fn an_empty_view_at_the_end_has_no_bytes() {
    use std::io::{Read, Write};
    for len in [1, 4096, 5000] {
        let map = anonymous(len);
        for view in [map.accessor_range(len, 0), map.view(len..).accessor(), map.accessor_range(0, 0)] {
            let view = view.expect("legal");
            assert!(view.is_empty() && view.pointer_offset() == 0);
            assert!(matches!(view.read::<u8>(0), Err(AccessError::OutOfRange { at: 0, len: 0, .. })));
            assert!(view.write(0, &1_u8).is_err());
            assert!(view.read_slice(0, &mut [0_u8; 4]).is_err());
            assert_eq!(view.read_exact_at(0, &mut []), Ok(()));
            view.flush().expect("nothing to do");
            view.advise(ringway::map::Advice::Sequential).expect("nothing to do");
        }
        let mut stream = map.view(len..).stream().expect("legal");
        assert_eq!(stream.read(&mut [0; 4]).expect("the end"), 0);
        assert_eq!(stream.write(&[1]).expect("no room"), 0);
    }
}

#[test]
fn a_range_outside_the_map_is_refused_and_names_the_argument() {
    for len in [1, 4096, 5000] {
        let map = anonymous(len);
        assert_argument(map.accessor_range(0, len + 1), "size");
        assert_argument(map.accessor_range(len, 1), "size");
        assert_argument(map.accessor_range(1, u64::MAX), "size");
        assert_argument(map.accessor_range(len + 1, 0), "offset");
        assert_argument(map.view(len + 1..).accessor(), "offset");
        assert_argument(map.view(u64::MAX..).accessor(), "offset");
        assert_argument(map.view((Bound::Excluded(u64::MAX), Bound::Unbounded)).accessor(), "offset");
        assert_argument(map.view(..=u64::MAX).accessor(), "size");
        #[allow(clippy::reversed_empty_ranges, reason = "it is what is to be refused")]
        let backwards = map.view(1..0);
        assert_argument(backwards.accessor(), "size");
    }
}

#[test]
fn all_forms_of_ranges_mean_what_they_say() {
    let map = anonymous(100);
    let view = map.accessor().expect("all");
    view.write_all_at(0, &counted(100)).expect("within");
    let at = |view: Result<ringway::map::View, _>| {
        let view = view.expect("within");
        (view.read::<u8>(0).expect("not empty"), view.len())
    };
    assert_eq!(at(map.view(10..20).accessor()), (10, 10));
    assert_eq!(at(map.view(10..=20).accessor()), (10, 11));
    assert_eq!(at(map.view(..=20).accessor()), (0, 21));
    assert_eq!(at(map.view(..20).accessor()), (0, 20));
    assert_eq!(at(map.view((Bound::Excluded(10), Bound::Unbounded)).accessor()), (11, 89));
}

#[test]
fn every_call_works_in_views_at_any_offset() {
    let map = anonymous(8192);
    for (offset, len) in [(0, 8192), (8100, 92), (0, 20), (1, 8191), (17, 8175), (17, 20)] {
        let whole = map.accessor().expect("all");
        whole.write_all_at(0, &[0xee; 8192]).expect("within");
        let view = map.accessor_range(offset, len).expect("within");
        let pattern: Vec<u8> = (0..len).map(|at| (at * 7 + offset) as u8).collect();
        view.write_all_at(0, &pattern).expect("within");
        let mut around = vec![0; 8192];
        whole.read_exact_at(0, &mut around).expect("within");
        let (start, end) = (offset as usize, (offset + len) as usize);
        assert_eq!(around[start..end], pattern);
        assert!(around[..start].iter().chain(&around[end..]).all(|byte| *byte == 0xee));
        crate::accessor::exercise(&view);
    }
}

#[allow(unsafe_code)] // looks at the bytes through the pointer
#[test]
fn the_pointer_leads_to_the_bytes_that_the_accessor_has() {
    let map = anonymous(9000);
    for offset in [0, 1, 4095, 4096, 5000] {
        let view = map.view(offset..).accessor().expect("within");
        let base = view.as_ptr().wrapping_sub(view.pointer_offset());
        assert_eq!(base.addr() as u64 % page(), 0);
        for round in 0..2 {
            for at in 0..view.len() {
                // SAFETY: within the view, and nobody else has the map.
                let byte = unsafe { base.wrapping_add(view.pointer_offset() + at as usize).read_volatile() };
                assert_eq!(view.read::<u8>(at), Ok(byte));
                if round == 0 {
                    view.write(at, &(at as u8 ^ 0x55)).expect("within");
                }
            }
        }
    }
}

#[test]
fn a_small_view_of_a_file_of_many_gibibytes_lies_beyond_the_first_four() {
    let space = TempNamespace::new();
    let path = space.path().join("sparse");
    let len = 64 << 30;
    let map = MapOptions::new()
        .file_mode(ringway::map::FileMode::CreateNew)
        .capacity(len)
        .open_path(&path)
        .expect("sparse");
    for offset in [(5 << 30) + 3, (63 << 30) + 4097, len - 8] {
        let view = map.accessor_range(offset, 8).expect("within");
        view.write(0, &offset).expect("within");
        let mut found = [0; 8];
        let file = std::fs::File::open(&path).expect("there");
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut found, offset).expect("within");
        assert_eq!(u64::from_le_bytes(found), offset);
    }
    use std::os::unix::fs::MetadataExt;
    let used = std::fs::metadata(&path).expect("there").blocks() * 512;
    assert!(used < 1 << 20, "{used} bytes on the disk");
}
