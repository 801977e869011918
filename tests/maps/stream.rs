//! Views as streams.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};

use ringway::map::{Access, AccessError, ErrorKind, SharedMap};

use crate::testing::TempNamespace;
use crate::{anonymous, bytes, counted, file};

#[test]
fn what_is_written_at_the_start_and_the_end_comes_back() {
    let map = anonymous(5000);
    let mut stream = map.stream().expect("all");
    stream.write_all(b"start").expect("room");
    stream.seek(SeekFrom::End(-3)).expect("within");
    stream.write_all(b"end").expect("room");
    let mut found = [0; 5];
    stream.rewind().expect("within");
    stream.read_exact(&mut found).expect("within");
    assert_eq!(&found, b"start");
    stream.seek(SeekFrom::End(-3)).expect("within");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("to the end");
    assert_eq!(rest, b"end");
}

#[test]
fn a_write_across_the_end_is_short_and_the_all_or_nothing_call_writes_nothing() {
    let map = anonymous(30);
    map.accessor().expect("all").write_all_at(0, &[0xee; 30]).expect("within");
    let mut stream = map.view(10..20).stream().expect("within");
    assert!(!stream.is_empty() && map.view(10..10).stream().expect("within").is_empty());
    stream.set_position(8);
    let refusal = stream.try_write_all(b"abcde").expect_err("no room");
    assert_eq!(refusal, AccessError::OutOfRange { at: 8, needed: 5, len: 10 });
    assert_eq!(stream.position(), 8);
    assert_eq!(bytes(&map), [0xee; 30]);

    assert_eq!(stream.write(b"abcde").expect("short"), 2);
    assert_eq!(stream.position(), 10);
    assert_eq!(stream.write(b"cde").expect("no room"), 0);
    assert_eq!(stream.write_all(b"cde").expect_err("no room").kind(), io::ErrorKind::WriteZero);
    let mut expected = [0xee; 30];
    expected[18..20].copy_from_slice(b"ab");
    assert_eq!(bytes(&map), expected, "nothing outside the view");
    stream.set_position(5);
    stream.try_write_all(b"12345").expect("room");
    assert_eq!(stream.position(), 10);
    stream.try_write_all(b"").expect("nothing fits everywhere");
}

#[test]
fn positions_are_as_std_has_them() {
    let map = anonymous(100);
    let mut stream = map.stream().expect("all");
    assert_eq!((stream.position(), stream.len()), (0, 100));
    assert_eq!(stream.seek(SeekFrom::Start(0)).expect("legal"), 0);
    assert_eq!(stream.seek(SeekFrom::End(0)).expect("legal"), 100);
    assert_eq!(stream.seek(SeekFrom::Start(4)).expect("legal"), 4);
    assert_eq!(stream.seek(SeekFrom::Current(-3)).expect("legal"), 1);
    assert_eq!(stream.read(&mut []).expect("nothing"), 0);
    assert_eq!(stream.write(&[]).expect("nothing"), 0);
    assert_eq!(stream.stream_position().expect("known"), 1);

    for (to, at) in [(SeekFrom::Current(-2), 1), (SeekFrom::End(-101), 1)] {
        let error = stream.seek(to).expect_err("before the start");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("expected one that ends at 0 or later; "), "{error}");
        assert_eq!(stream.position(), at, "as before");
    }
    assert_eq!(stream.seek(SeekFrom::End(50)).expect("beyond the end is legal"), 150);
    assert_eq!(stream.read(&mut [0; 4]).expect("the end"), 0);
    assert_eq!(stream.write(&[1]).expect("no room"), 0);
    assert_eq!(stream.seek(SeekFrom::Start(u64::MAX)).expect("legal"), u64::MAX);
    assert!(stream.seek(SeekFrom::Current(1)).is_err());
    assert_eq!(stream.len(), 100, "it never changes");
}

#[test]
fn a_thousand_random_seeks_find_the_expected_bytes() {
    let map = anonymous(16 << 10);
    let pattern: Vec<u8> = (0..16_u32 << 10).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut stream = map.stream().expect("all");
    stream.write_all(&pattern).expect("room");
    let mut random = 1_u64;
    let mut draw = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for _ in 0..1000 {
        let target = draw(16 << 10);
        let to = match draw(3) {
            0 => SeekFrom::Start(target),
            1 => SeekFrom::Current(target as i64 - stream.position() as i64),
            _ => SeekFrom::End(target as i64 - (16 << 10)),
        };
        assert_eq!(stream.seek(to).expect("within"), target);
        let mut found = vec![0; 1 + draw(20) as usize];
        let count = stream.read(&mut found).expect("readable");
        let end = pattern.len().min(target as usize + found.len());
        assert_eq!(found[..count], pattern[target as usize..end]);
    }
}

#[test]
fn flushing_moves_nothing_and_can_be_repeated() {
    let map = anonymous(6);
    map.accessor().expect("all").write_all_at(0, b"abcdef").expect("within");
    let mut stream = map.view(..).read_only().stream().expect("all");
    for expected in b"abcdef" {
        stream.view().flush().expect("nothing to do");
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("within");
        assert_eq!(byte[0], *expected);
    }
    let mut stream = map.stream().expect("all");
    for _ in 0..3 {
        stream.flush().expect("it works");
    }
    stream.write_all(b"xy").expect("room");
    for _ in 0..3 {
        stream.flush().expect("it works");
    }
    assert_eq!(stream.position(), 2);
    assert_eq!(bytes(&map), b"xycdef");
}

#[test]
fn two_streams_of_one_map_have_positions_of_their_own() {
    let map = anonymous(300);
    let (mut one, mut other) = (map.stream().expect("all"), map.view(..).read_only().stream().expect("all"));
    one.write_all(&counted(256)).expect("room");
    assert_eq!((one.position(), other.position()), (256, 0));
    let mut found = [0; 256];
    other.read_exact(&mut found).expect("within");
    assert_eq!(found[..], counted(256));
}

#[test]
fn a_stream_that_was_chosen_late_refuses_the_wrong_direction() {
    let map = anonymous(10);
    let mut write_only = map.view(..).access(Access::Write).stream().expect("allowed");
    write_only.write_all(b"12").expect("its direction");
    let error = write_only.read(&mut [0]).expect_err("the wrong direction");
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    let mut read_only = map.view(..).access(Access::Read).stream().expect("allowed");
    assert_eq!(read_only.write(&[1]).expect_err("the wrong direction").kind(), io::ErrorKind::Unsupported);
    assert!(read_only.try_write_all(&[]).is_err());
    assert_eq!(read_only.position(), 0);
    let mut private = map.view(..).access(Access::CopyOnWrite).stream().expect("allowed");
    private.write_all(b"ab").expect("both directions");
    private.rewind().expect("within");
    let mut found = [0; 3];
    private.read_exact(&mut found).expect("both directions");
    assert_eq!(&found, b"ab\0");
    assert_eq!(bytes(&map)[..2], *b"12");
}

#[test]
fn a_buffered_reader_gives_lines_and_the_view_can_be_had_back() {
    let map = anonymous(12);
    let mut stream = map.stream().expect("all");
    stream.write_all(b"one\ntwo\nend\n").expect("room");
    stream.rewind().expect("within");
    let lines: Vec<String> = BufReader::new(stream).lines().map(|line| line.expect("text")).collect();
    assert_eq!(lines, ["one", "two", "end"]);
    let mut stream = map.stream().expect("all");
    stream.set_position(4);
    assert_eq!(stream.into_view().read::<[u8; 3]>(4), Ok(*b"two"));
}

#[test]
fn a_stream_says_when_it_could_not_be_flushed_and_where_it_is() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(100));
    let map = SharedMap::from_path(&path).expect("mapped");
    let mut stream = map.view(..).flush_on_drop().stream().expect("all");
    stream.seek(SeekFrom::Start(7)).expect("within");
    assert_eq!(stream.stream_position().expect("known"), 7);
    crate::faults::set_len(&path, 50);
    assert_eq!(stream.flush().expect_err("it is cut off").kind(), io::ErrorKind::InvalidData);
    let error = stream.close().expect_err("nor can it be at the end");
    assert!(matches!(error.kind(), ErrorKind::Truncated { found: 50, .. }), "{error}");
}
