//! Files that somebody makes shorter under a view.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use ringway::map::{Access, AccessError, ErrorKind, MapOptions, SharedMap};

use crate::allocation::turn;
use crate::growing::Stop;
use crate::testing::{Child, Role, TempNamespace};
use crate::{DIR, assert_kind, counted, file, options, role_options};

const PAGES: u64 = 16;
const LEN: u64 = PAGES * 4096;

pub(crate) fn set_len(path: &Path, len: u64) {
    File::options().write(true).open(path).expect("ours").set_len(len).expect("it can");
}

#[test]
fn every_safe_call_to_what_a_truncation_took_is_an_error_and_no_death() {
    let space = TempNamespace::new();
    for access in [Access::ReadWrite, Access::Read, Access::CopyOnWrite] {
        let path = file(&space, "data", &counted(LEN as usize));
        let map = MapOptions::new().access(access).open_path(&path).expect("mapped");
        let view = || map.view(..).access(access).accessor().expect("allowed");
        let views: Vec<_> = (0..8).map(|_| view()).collect();
        let mut stream = map.view(..).access(access).stream().expect("allowed");
        set_len(&path, 2 * 4096);
        let lost = AccessError::Truncated { from: 2 * 4096, len: LEN };
        let at = 2 * 4096 + 100;
        let lost_page = |from: u64| AccessError::Truncated { from, len: LEN };
        assert_eq!(views[0].read::<u64>(2 * 4096), Err(lost));
        assert_eq!(views[1].read::<[u8; 3]>(2 * 4096 - 2), Err(lost), "half of it is lost");
        assert_eq!(views[2].read_slice(4096, &mut [0_u32; 2000]), Err(lost));
        assert_eq!(views[3].read_exact_at(at, &mut [0; 7000]), Err(lost_page(2 * 4096)));
        assert_eq!(views[4].read_checked::<bool>(5 * 4096), Err(lost_page(5 * 4096)));
        if access.can_write() {
            assert_eq!(views[5].write(at, &7_u64), Err(lost));
            assert_eq!(views[6].write_slice(4096, &[7_u8; 9000]), Err(lost));
            assert_eq!(views[7].write_all_at(LEN - 1, &[7]), Err(lost_page(LEN - 4096)));
        }
        stream.seek(SeekFrom::Start(4096)).expect("legal");
        let error = stream.read_to_end(&mut Vec::new()).expect_err("not to be had");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(
            error.to_string().contains("found the file truncated so that the view has 8192 bytes"),
            "{error}"
        );
        if access.can_write() {
            stream.seek(SeekFrom::Start(at)).expect("legal");
            assert!(stream.write(&[1]).is_err() && stream.try_write_all(&[1]).is_err());
        }
        // It stays an error, and what is not lost can be had.
        for view in &views[..4] {
            assert_eq!(view.read::<u64>(2 * 4096), Err(lost));
            assert_eq!(view.read::<u64>(0), Ok(u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7])));
            assert_eq!(view.check(), Err(lost));
        }
        // Also when the file is as long again: a view of it has to be taken anew.
        set_len(&path, LEN);
        assert_eq!(views[0].read::<u64>(2 * 4096), Err(lost));
        let again = view();
        assert_eq!((again.read::<u64>(2 * 4096), again.check()), (Ok(0), Ok(())));
    }
}

#[test]
fn a_view_of_what_a_truncation_took_is_refused_and_a_flush_says_so() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(LEN as usize));
    let map = SharedMap::from_path(&path).expect("mapped");
    let view = map.accessor().expect("all");
    // Less than a page is lost: no access can notice that, but these calls do.
    set_len(&path, LEN - 100);
    let truncated = |kind: &ErrorKind| matches!(kind, ErrorKind::Truncated { .. });
    let text = assert_kind(view.flush(), truncated, io::ErrorKind::InvalidData);
    assert!(
        text.contains(&format!("truncated to {} bytes, expected {LEN}; map the file again", LEN - 100)),
        "{text}"
    );
    assert_kind(view.flush_async(), truncated, io::ErrorKind::InvalidData);
    assert_kind(map.accessor(), truncated, io::ErrorKind::InvalidData);
    assert_kind(map.refresh(), truncated, io::ErrorKind::InvalidData);
    assert_eq!(map.accessor_range(0, LEN - 100).expect("what is there").read::<u8>(7), Ok(7));
    view.flush_range(0, 4096).expect("this part is there");
}

#[test]
fn a_flush_says_what_the_view_has_lost_though_the_file_is_long_again() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(LEN as usize));
    let map = SharedMap::from_path(&path).expect("mapped");
    let view = map.view(4096..).accessor().expect("within");
    set_len(&path, 3 * 4096 + 100);
    view.read::<u8>(4 * 4096).expect_err("it is lost");
    set_len(&path, LEN);
    let text = assert_kind(
        view.flush(),
        |kind| *kind == ErrorKind::Truncated { found: 5 * 4096, expected: LEN },
        io::ErrorKind::InvalidData,
    );
    assert!(text.contains("truncated to 20480 bytes, expected 65536"), "{text}");
    view.flush_range(0, 4 * 4096).expect("all of this is there");
    view.flush_range(4 * 4096 - 1, 2).expect_err("of this one byte is lost");
    assert!(view.close().is_ok(), "nobody asked it to flush");
}

/// Makes a file shorter and longer again until it is told to stop.
fn flicker(path: &Path, stop: &AtomicBool) {
    let file = File::options().write(true).open(path).expect("ours");
    while !stop.load(Ordering::Relaxed) {
        file.set_len(0).expect("it can");
        file.set_len(LEN).expect("it can");
    }
}

#[test]
fn a_file_that_is_shorter_for_a_moment_is_not_taken_for_one_without_room() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(LEN as usize));
    let map = SharedMap::from_path(&path).expect("mapped");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| flicker(&path, &stop));
        let _stop = Stop(&stop);
        let (mut whole, mut lost) = (0, 0);
        while whole < 1000 || lost < 1000 {
            let Ok(view) = map.accessor() else { continue };
            match view.write(LEN - 8, &7_u64) {
                Ok(()) => whole += 1,
                Err(AccessError::Truncated { .. }) => lost += 1,
                Err(error) => panic!("{error}"),
            }
        }
    });
}

#[test]
fn pages_that_a_truncation_took_are_not_called_a_lack_of_room_or_a_limit() {
    let _turn = turn();
    const LONG: u64 = 32 << 20;
    let space = TempNamespace::new();
    let mut met = [0, 0];
    for round in 0..10_000 {
        let path = file(&space, "data", &[]);
        set_len(&path, LONG);
        let map = SharedMap::from_path(&path).expect("mapped");
        let (prefaults, start) = (round % 2 == 0, std::sync::Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                // Somewhere in the middle of it.
                std::thread::sleep(std::time::Duration::from_micros(round % 40 * 50));
                set_len(&path, 4096);
            });
            start.wait();
            let view = if prefaults { map.view(..).prefault() } else { map.view(..).lock_in_memory() };
            match view.accessor().map(drop) {
                Ok(()) => {}
                Err(error) => match error.kind() {
                    ErrorKind::Truncated { .. } => met[usize::from(prefaults)] += 1,
                    kind => panic!("{kind:?}"),
                },
            }
        });
        if met[0] >= 5 && met[1] >= 5 {
            return;
        }
    }
    panic!("it was never met: {met:?}");
}

#[test]
fn atomics_and_pointers_meet_zeros_and_the_check_says_so_afterwards() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &vec![0xff; LEN as usize]);
    let map = SharedMap::from_path(&path).expect("mapped");
    let view = map.accessor().expect("all");
    let word = view.atomic_u64(LEN - 8).expect("aligned");
    assert_eq!(word.load(Ordering::SeqCst), u64::MAX);
    set_len(&path, 4096);
    assert_eq!(view.check(), Ok(()), "nobody has noticed yet");
    assert_eq!(word.fetch_add(1, Ordering::SeqCst), 0);
    assert_eq!(word.load(Ordering::SeqCst), 1, "nobody else has this word any more");
    assert_eq!(view.check(), Err(AccessError::Truncated { from: LEN - 4096, len: LEN }));
    assert!(view.atomic_u64(LEN - 8).is_err() && view.atomic_u64(0).is_ok());
    assert_eq!(fs::metadata(&path).expect("there").len(), 4096);
}

#[test]
fn views_of_a_named_map_in_memory_outlive_its_truncation_too() {
    let space = TempNamespace::new();
    let map = options(&space).capacity(LEN).create_new("n").expect("created");
    let view = map.accessor_range(4096, LEN - 4096).expect("within");
    view.write(0, &7_u8).expect("within");
    set_len(&space.path().join("n"), 3 * 4096);
    assert_eq!(view.write(4096, &7_u8), Err(AccessError::Truncated { from: 4096, len: LEN - 4096 }));
    assert_eq!(view.read::<u8>(0), Ok(7));
}

#[test]
fn many_threads_meet_the_loss_at_once_and_all_are_told() {
    let space = TempNamespace::new();
    for _ in 0..20 {
        let path = file(&space, "data", &counted(LEN as usize));
        let map = SharedMap::from_path(&path).expect("mapped");
        let shared = map.accessor().expect("all");
        std::thread::scope(|scope| {
            let own = || map.accessor().expect("all");
            for thread in 0..8 {
                let (own, shared) = (own(), &shared);
                scope.spawn(move || {
                    let view = if thread % 2 == 0 { &own } else { shared };
                    let mut buffer = vec![0; LEN as usize];
                    loop {
                        match view.read_exact_at(0, &mut buffer) {
                            Ok(()) => assert_eq!(
                                buffer,
                                counted(LEN as usize),
                                "nobody is shown zeros as the file's"
                            ),
                            Err(AccessError::Truncated { from, .. }) => return assert!(from >= 4096),
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            }
            scope.spawn(|| set_len(&path, 4096));
        });
    }
}

#[test]
fn role_that_truncates() {
    let Some(role) = Role::play() else { return };
    set_len(&Path::new(&role.var(DIR)).join("data"), 4096);
    drop(role_options(&role));
}

#[test]
fn another_process_that_truncates_the_file_is_an_error_here() {
    let space = TempNamespace::new();
    let path = file(&space, "data", &counted(LEN as usize));
    let map = SharedMap::from_path(&path).expect("mapped");
    let view = map.accessor().expect("all");
    assert_eq!(view.read::<u8>(LEN - 1), Ok((LEN - 1) as u8));
    Child::spawn("faults::role_that_truncates", &[(DIR, space.path())]).wait_success();
    assert!(matches!(view.read::<u8>(LEN - 1), Err(AccessError::Truncated { .. })));
    assert_eq!(view.read::<u8>(4095), Ok(255));
}
